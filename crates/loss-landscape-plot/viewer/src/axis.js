// Axes: coordinates as places from 0 to 1, and which of them is near.

import { tickTexts } from "./numbers.js";
import { Scale } from "./scale.js";

/** Coordinates as fractions of an axis, outside of it too. */
export function unitPlaces(axis, values) {
  const scale = new Scale(false, axis[0], axis[axis.length - 1]);
  return Float64Array.from(values, (value) => scale.fraction(value));
}

/** The coordinates of an axis as fractions of it. */
export function unitAxis(axis) {
  return unitPlaces(axis, axis);
}

/** The index of the last coordinate at or below a place, but not that of the very last. */
export function cellOf(axis, place) {
  let [low, high] = [0, axis.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (axis[middle] <= place) low = middle;
    else high = middle;
  }
  return low;
}

/** The index of the coordinate nearest to a place. */
export function nearest(axis, place) {
  const low = cellOf(axis, place);
  return axis[low + 1] - place < place - axis[low] ? low + 1 : low;
}

/** The ticks of an axis of coordinates: their places from 0 to 1, and texts. */
export function axisTicks(axis, most) {
  const scale = new Scale(false, axis[0], axis[axis.length - 1]);
  const ticks = scale.ticks(most);
  const texts = tickTexts(ticks, false);
  return ticks.map((tick, k) => ({ place: scale.fraction(tick), text: texts[k] }));
}

/** The ends of the part of a segment that is inside the unit square, or null. */
export function insideUnitSquare(start, end) {
  let [from, to] = [0, 1];
  const steps = end.map((e, k) => e - start[k]);
  // From or to what overflows there is no direction.
  if (!steps.every(Number.isFinite)) return null;
  for (const [k, step] of steps.entries()) {
    if (step === 0) {
      if (!(start[k] >= 0 && start[k] <= 1)) return null;
      continue;
    }
    const cuts = [-start[k] / step, (1 - start[k]) / step];
    from = Math.max(from, Math.min(...cuts));
    to = Math.min(to, Math.max(...cuts));
  }
  if (!(from <= to)) return null;
  // The ends themselves without rounding; cuts not beyond the border.
  const at = (t) => start.map((s, k) => (t === 1 ? end[k] : Math.min(Math.max(s + t * steps[k], 0), 1)));
  return [at(from), at(to)];
}
