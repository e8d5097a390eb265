// Scales: from values to heights and colours.

import { linearTicks, logTicks } from "./ticks.js";

/** A linear or logarithmic scale from `lo` (0) to `hi` (1). */
export class Scale {
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

  /**
   * The place of a value: below 0 and above 1 outside the ends, infinite where it is too far outside for a number. NaN
   * where the scale has none: for what is not finite and, on a logarithmic one, not positive.
   */
  fraction(value) {
    if (!Number.isFinite(value) || (this.log && value <= 0)) return NaN;
    return (this.measure(value) - this.start) / this.span;
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
