// Labels: where on its lines a level is written.

/** How far a label stays from the border of the map and from other labels, in pixels; and a second of its level. */
const BORDER = 20;
const ROOM = 34;
const ROOM_TWICE = 110;
/** Lines shorter than this, in pixels, are no longer than the label itself and go without. */
const SHORTEST = 90;
/** Texts are wider than high: what is above or below counts as this much farther. */
const FLATNESS = 1.6;
/** Lines are tried at about this many places. */
const TRIED = 150;

/**
 * Up to two places in a frame, in pixels, for the label of a level: on its lines, and as far as can be from the labels
 * that are `placed`.
 */
export function labelPlaces(lines, placed, frame) {
  const { left, top, side } = frame;
  const long = lines.filter((line) => lineLength(line) * side > SHORTEST).flat();
  const stride = 2 * Math.max(Math.floor(long.length / 2 / TRIED), 1);
  const found = [];
  for (let count = 0; count < 2; count++) {
    let best = { room: count === 0 ? ROOM : ROOM_TWICE };
    for (let s = 0; s < long.length; s += stride) {
      const [x, y] = frame.place(long[s], long[s + 1]);
      const border = Math.min(x - left, left + side - x, FLATNESS * (y - top), FLATNESS * (top + side - y));
      if (border < BORDER) continue;
      const away = [...placed, ...found].map(([u, v]) => Math.hypot(x - u, FLATNESS * (y - v)));
      const room = Math.min(1e3, ...away);
      if (room > best.room) best = { room, x, y };
    }
    if (best.x === undefined) break;
    found.push([best.x, best.y]);
  }
  return found;
}

/** The length of a flat list of points. */
function lineLength(line) {
  let length = 0;
  for (let s = 2; s < line.length; s += 2) length += Math.hypot(line[s] - line[s - 2], line[s + 1] - line[s - 1]);
  return length;
}
