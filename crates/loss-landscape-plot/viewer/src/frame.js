// Frames: the square of a map in its picture.

/** A square of `side` pixels whose upper left corner is at `left`, `top`; the unit square is drawn in it. */
export class Frame {
  constructor(left, top, side) {
    Object.assign(this, { left, top, side });
  }

  /** The largest square, in whole pixels, that leaves these margins; never below `LEAST_SIDE`, and centred. */
  static fit(width, height, margin) {
    const across = width - margin.left - margin.right;
    const side = Math.max(Math.min(across, height - margin.top - margin.bottom), LEAST_SIDE);
    const left = Math.max((across - side) / 2, 0) + margin.left;
    return new Frame(Math.round(left), margin.top, Math.floor(side));
  }

  /** Where a place of the unit square is in the picture. */
  place(x, y) {
    return [this.left + x * this.side, this.top + (1 - y) * this.side];
  }

  /** The place of the unit square under a pixel, outside of it too. */
  locate(x, y) {
    return [(x - this.left) / this.side, 1 - (y - this.top) / this.side];
  }
}

const LEAST_SIDE = 40;
