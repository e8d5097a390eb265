// Ranges: which ends a scale gets, of what its values are or of what was typed.

import { Scale } from "./scale.js";

/** Beyond this ratio of the largest to the smallest value, the logarithm is shown at first. */
const LOG_RATIO = 100;
/** A tail beyond the central 98 % of values is clipped at first if it is this many times as long as these. */
const LONG_TAIL = 2;

/** What scales need to know of values: their ends and, of the finite ones, a sorted sample. */
export function survey(arrays) {
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
export function suggestsLog(found) {
  return found.finite > 0 && found.min > 0 && found.max / found.min > LOG_RATIO;
}

/** The scale that shows every value it can. */
export function wholeScale(found, log) {
  let [lo, hi] = [log ? found.minPositive : found.min, found.max];
  if (!(lo <= hi)) [lo, hi] = log ? [1, 10] : [0, 1];
  if (log ? Math.log10(hi) - Math.log10(lo) < 1e-12 : lo === hi) {
    // A single value gets a range around it.
    const pad = log ? 2 : 0.1 * Math.abs(lo) || 1;
    [lo, hi] = log ? [Math.max(lo / pad, Number.MIN_VALUE), hi * pad] : [lo - pad, hi + pad];
  }
  return new Scale(log, Math.max(lo, -Number.MAX_VALUE), Math.min(hi, Number.MAX_VALUE));
}

/** The scale to begin with: all of it, unless a few values would flatten the rest. */
export function suggestedScale(found, log) {
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

/** An end of a range in a field to type in. */
export function rangeText(value) {
  return String(Number(value.toPrecision(5)));
}

/**
 * The scale that two typed texts ask for, or a sentence on what is wrong with them. A text that was left as it is, with
 * an end of the scale `shown` in few digits, means that end with all its digits.
 */
export function typedScale(texts, shown, log) {
  const [lo, hi] = texts.map((text, k) => {
    const end = shown && [shown.lo, shown.hi][k];
    if (shown && text === rangeText(end)) return end;
    return text.trim() === "" ? NaN : Number(text.replace("−", "-"));
  });
  if (!Number.isFinite(lo) || !Number.isFinite(hi)) return { problem: "Two numbers are needed." };
  if (log && lo <= 0) return { problem: "A logarithmic scale begins above 0." };
  const scale = new Scale(log, lo, hi);
  return scale.span > 0 ? { scale } : { problem: "The first must be below the second." };
}
