// Fields: the values of one channel as they are shown on one scale.

import { unitAxis, cellOf } from "./axis.js";

/**
 * The heights of one channel over its grid: fractions of the scale in row-major order ([i, j] at i·ny + j), NaN
 * where there is nothing to show, and counts of what is not shown as it is.
 */
export class Field {
  constructor(landscape, values, scale) {
    this.nx = landscape.x.length;
    this.ny = landscape.y.length;
    this.x = unitAxis(landscape.x);
    this.y = unitAxis(landscape.y);
    this.scale = scale;
    this.levels = scale.levels(12);
    this.fractions = new Float32Array(values.length);
    this.counts = { total: values.length, notFinite: 0, notPositive: 0, above: 0, below: 0 };
    for (let k = 0; k < values.length; k++) this.fractions[k] = this.place(values[k]);
  }

  place(value) {
    if (!Number.isFinite(value)) {
      this.counts.notFinite++;
      return NaN;
    }
    if (this.scale.log && value <= 0) {
      this.counts.notPositive++;
      return NaN;
    }
    if (value > this.scale.hi) this.counts.above++;
    if (value < this.scale.lo) this.counts.below++;
    // Bounded, so that sums stay finite in single precision.
    return Math.min(Math.max(this.scale.fraction(value), -1e6), 1e6);
  }

  /** The drawn height at a grid point, 0 to 1; NaN in a hole. */
  height(i, j) {
    return Math.min(Math.max(this.fractions[i * this.ny + j], 0), 1);
  }

  /** The drawn heights at the corners of cell (i, j), counter-clockwise. */
  corners(i, j) {
    return [this.height(i, j), this.height(i + 1, j), this.height(i + 1, j + 1), this.height(i, j + 1)];
  }

  /** The drawn height inside cell (i, j) at (s, t), from 0 to 1 each, by the two triangles; NaN in a hole. */
  heightInside(i, j, s, t) {
    const [a, b, c, d] = this.corners(i, j);
    // One triangle may have all its corners, and is left out with the other.
    if (Number.isNaN(a + b + c + d)) return NaN;
    if (splitsUpwards(a, b, c, d)) {
      return s >= t ? a + s * (b - a) + t * (c - b) : a + s * (c - d) + t * (d - a);
    }
    return s + t <= 1 ? a + s * (b - a) + t * (d - a) : c + (1 - s) * (d - c) + (1 - t) * (b - c);
  }

  /** The drawn height at a place in the unit square, NaN outside or in a hole. */
  heightAt(x, y) {
    if (!(x >= 0 && x <= 1 && y >= 0 && y <= 1)) return NaN;
    const [i, j] = [cellOf(this.x, x), cellOf(this.y, y)];
    const s = (x - this.x[i]) / (this.x[i + 1] - this.x[i]);
    const t = (y - this.y[j]) / (this.y[j + 1] - this.y[j]);
    return this.heightInside(i, j, s, t);
  }
}

/** Whether a cell (corners counter-clockwise) is cut from its first corner to its third: along the flatter diagonal. */
export function splitsUpwards(a, b, c, d) {
  return Math.abs(a - c) <= Math.abs(b - d);
}
