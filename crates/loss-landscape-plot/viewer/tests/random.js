// Random numbers for tests: the same ones at every run.

/** A generator of numbers from 0 to 1 (mulberry32). */
export function generator(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What tests ask of a generator. */
export class Random {
  constructor(seed) {
    this.next = generator(seed);
  }

  /** A number between two. */
  between(lo, hi) {
    return lo + (hi - lo) * this.next();
  }

  /** A whole number from `lo` to `hi`, both included. */
  whole(lo, hi) {
    return lo + Math.floor(this.next() * (hi - lo + 1));
  }

  /** A positive number of any size between two powers of ten. */
  size(least, most) {
    return 10 ** this.between(least, most);
  }

  /** Increasing coordinates with uneven steps, of any size and place. */
  axis(count) {
    const scale = this.size(-6, 6);
    let at = this.between(-3, 3) * scale;
    return Float64Array.from({ length: count }, () => (at += scale * this.between(0.1, 1)));
  }
}
