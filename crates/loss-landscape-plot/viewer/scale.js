// Scales: from values to heights and colours, and the round numbers between.

/** Beyond this ratio of the largest to the smallest value, the logarithm is shown at first. */
const LOG_RATIO = 100;
/** A tail beyond the central 98 % of values that is so many times as long as these is clipped at first. */
const LONG_TAIL = 2;

/** A linear or logarithmic scale from `lo` (0) to `hi` (1). */
class Scale {
  constructor(log, lo, hi) {
    this.log = log;
    this.lo = lo;
    this.hi = hi;
    // In units of the largest, so that no difference overflows.
    this.unit = log ? 1 : Math.max(Math.abs(lo), Math.abs(hi)) || 1;
    this.start = this.measure(lo);
    this.span = this.measure(hi) - this.start;
  }

  measure(value) {
    return this.log ? Math.log10(value) : value / this.unit;
  }

  /** The place of a value: below 0 and above 1 outside the ends, NaN where the scale has none. */
  fraction(value) {
    const fraction = (this.measure(value) - this.start) / this.span;
    return Number.isFinite(fraction) ? fraction : NaN;
  }

  /** At most `most` round numbers from `lo` to `hi`. */
  ticks(most) {
    return this.log ? logTicks(this.lo, this.hi, most) : linearTicks(this.lo, this.hi, most);
  }

  /** Round numbers for contours, none of them at an end. */
  levels(most) {
    return this.ticks(most).filter((level) => this.fraction(level) > 1e-4 && this.fraction(level) < 1 - 1e-4);
  }
}

/** Multiples of 1, 2 or 5 times a power of ten. */
function linearTicks(lo, hi, most) {
  const rough = hi / most - lo / most;
  const exponent = Math.floor(Math.log10(rough));
  for (const digit of [1, 2, 5, 10, 20]) {
    const step = Number(`${digit}e${exponent}`);
    const first = Math.ceil(lo / step - 1e-9);
    const count = Math.floor(hi / step + 1e-9) - first + 1;
    if (Math.abs(first) < 1e12 && count >= 1 && count <= most) {
      return Array.from({ length: count }, (_, k) => Number(((first + k) * step).toPrecision(14)));
    }
  }
  return [lo, hi];
}

/** Round numbers spread evenly over decades; over about one, those of a linear axis. */
function logTicks(lo, hi, most) {
  const [first, last] = [Math.floor(Math.log10(lo)), Math.ceil(Math.log10(hi))];
  const inside = (tick) => tick >= lo * (1 - 1e-9) && tick <= hi * (1 + 1e-9);
  const decades = (digits, every) => {
    const ticks = [];
    for (let exponent = first; exponent <= last; exponent++) {
      if (exponent % every === 0) ticks.push(...digits.map((digit) => Number(`${digit}e${exponent}`)));
    }
    return ticks.filter(inside);
  };
  for (const digits of [[1, 1.5, 2, 3, 5, 7], [1, 2, 5], [1, 3], [1]]) {
    const ticks = decades(digits, 1);
    if (ticks.length <= most) return ticks.length > 2 || hi / lo > 20 ? ticks : linearTicks(lo, hi, most).filter((tick) => tick > 0);
  }
  const every = [2, 3, 5, 10, 20, 50, 100].find((every) => decades([1], every).length <= most);
  return decades([1], every ?? 200);
}

/** What scales need to know of values: their ends and, of the finite ones, a sorted sample. */
function survey(arrays) {
  const found = { min: Infinity, max: -Infinity, minPositive: Infinity, finite: 0, positive: 0, sample: [] };
  const total = arrays.reduce((sum, values) => sum + values.length, 0);
  const stride = Math.max(1, Math.floor(total / 20000));
  for (const values of arrays) {
    for (let k = 0; k < values.length; k++) {
      const value = values[k];
      if (!Number.isFinite(value)) continue;
      found.finite++;
      if (value < found.min) found.min = value;
      if (value > found.max) found.max = value;
      if (value > 0) {
        found.positive++;
        if (value < found.minPositive) found.minPositive = value;
      }
      if (k % stride === 0) found.sample.push(value);
    }
  }
  found.sample = Float64Array.from(found.sample).sort();
  return found;
}

/** Whether to begin with a logarithmic scale. */
function suggestsLog(found) {
  return found.finite > 0 && found.min > 0 && found.max / found.min > LOG_RATIO;
}

/** The scale that shows every value it can. */
function wholeScale(found, log) {
  let [lo, hi] = [log ? found.minPositive : found.min, found.max];
  if (!(lo <= hi)) [lo, hi] = log ? [1, 10] : [0, 1];
  if (log ? Math.log10(hi) - Math.log10(lo) < 1e-12 : lo === hi) {
    // A single value gets a range around it.
    const pad = log ? 2 : 0.1 * Math.abs(lo) || 1;
    [lo, hi] = log ? [Math.max(lo / pad, Number.MIN_VALUE), Math.min(hi * pad, Number.MAX_VALUE)] : [lo - pad, hi + pad];
    if (!(lo < hi)) [lo, hi] = [Math.min(lo, 0), Math.max(hi, 0)];
  }
  return new Scale(log, Math.max(lo, -Number.MAX_VALUE), Math.min(hi, Number.MAX_VALUE));
}

/** The scale to begin with: all of it, unless a few values would flatten the rest. */
function suggestedScale(found, log) {
  const whole = wholeScale(found, log);
  const sample = log ? found.sample.filter((value) => value > 0) : found.sample;
  if (sample.length < 50) return whole;
  const quantile = (share) => sample[Math.round(share * (sample.length - 1))];
  let [lo, hi] = [whole.lo, whole.hi];
  const [low, high] = [quantile(0.01), quantile(0.99)];
  const core = whole.fraction(high) - whole.fraction(low);
  if (1 - whole.fraction(high) > LONG_TAIL * core) hi = high;
  if (whole.fraction(low) > LONG_TAIL * core) lo = low;
  return whole.fraction(lo) < whole.fraction(hi) ? new Scale(log, lo, hi) : whole;
}
