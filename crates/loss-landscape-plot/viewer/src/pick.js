// Picking: the place of a surface under a pixel.

import { cellOf } from "./axis.js";
import { splitsUpwards } from "./field.js";

/**
 * Where a ray first meets the drawn triangles of a surface of the given lift: its distance and the place in the unit
 * square, or null. It goes from one grid line to the next, so that it costs as much as the grid has lines.
 */
export function pick(field, lift, eye, direction) {
  const origin = [(eye[0] + 1) / 2, (eye[1] + 1) / 2, eye[2] / lift];
  const slope = [direction[0] / 2, direction[1] / 2, direction[2] / lift];
  let [from, to] = [0, Infinity];
  for (let k = 0; k < 3; k++) {
    // Plateaus are in the top and bottom faces themselves.
    const slack = k === 2 ? 1e-3 : 0;
    // A ray along a face of the box gives NaN or infinities of one sign, and misses.
    const ends = [(-slack - origin[k]) / slope[k], (1 + slack - origin[k]) / slope[k]];
    from = Math.max(from, Math.min(...ends));
    to = Math.min(to, Math.max(...ends));
  }
  if (!(from < to)) return null;
  const cuts = [from, to];
  for (const [k, axis] of [field.x, field.y].entries()) {
    for (const line of axis) {
      const t = (line - origin[k]) / slope[k];
      if (t > from && t < to) cuts.push(t);
    }
  }
  const times = Float64Array.from(cuts).sort();
  const at = (t) => origin.map((o, k) => o + t * slope[k]);
  for (let k = 0; k + 1 < times.length; k++) {
    const [x, y] = at((times[k] + times[k + 1]) / 2);
    const [i, j] = [cellOf(field.x, x), cellOf(field.y, y)];
    const inside = (t) => {
      const [x, y, z] = at(t);
      const s = (x - field.x[i]) / (field.x[i + 1] - field.x[i]);
      const u = (y - field.y[j]) / (field.y[j + 1] - field.y[j]);
      return [Math.min(Math.max(s, 0), 1), Math.min(Math.max(u, 0), 1), z];
    };
    // How far on one side of the edge between the two triangles.
    const upwards = splitsUpwards(...field.corners(i, j));
    const aside = ([s, u]) => (upwards ? s - u : s + u - 1);
    const ends = [times[k], times[k + 1]];
    const [near, far] = ends.map((t) => aside(inside(t)));
    if (near * far < 0) ends.splice(1, 0, ends[0] + (ends[1] - ends[0]) * (near / (near - far)));
    for (let n = 0; n + 1 < ends.length; n++) {
      const [before, after] = [ends[n], ends[n + 1]].map((t) => {
        const [s, u, z] = inside(t);
        return z - field.heightInside(i, j, s, u);
      });
      // A hole is NaN and meets nothing.
      if (before * after <= 0) {
        const t = ends[n] + (ends[n + 1] - ends[n]) * (before === after ? 0 : before / (before - after));
        const [x, y] = at(t);
        return { distance: t, x, y };
      }
    }
  }
  return null;
}
