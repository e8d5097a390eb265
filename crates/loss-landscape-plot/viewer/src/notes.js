// Notes: what is told below a landscape of what is not shown as it is.

import { briefText } from "./numbers.js";

/** A sentence of counts, empty if all is shown. */
export function notesOf({ counts, scale }, trajectories, linesLeftOut) {
  const notes = [];
  const tell = (count, what) => count && notes.push(`${count} of ${counts.total} points ${what}`);
  tell(counts.notFinite, "not finite (grey stripes)");
  tell(counts.notPositive, "not positive, which a logarithmic scale cannot show (grey stripes)");
  tell(counts.above, `above ${briefText(scale.hi)} clipped (white stripes)`);
  tell(counts.below, `below ${briefText(scale.lo)} clipped (white stripes)`);
  for (const { name, outside, x } of trajectories) {
    if (outside) notes.push(`${outside} of ${x.length} points of ${name} outside the axes`);
  }
  if (linesLeftOut) notes.push("contour lines left out: there would be nothing but lines");
  return notes.join("; ");
}
