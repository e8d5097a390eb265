// Bands: the colours between the levels of a contour map.
//
// A cell is four triangles around the mean of its corners, inside which values are linear, as for isolines: bands and
// lines agree to the pixel.

import { cellOf } from "./axis.js";

/** The bands of a field as an image, `width`×`height` pixels of four bytes; holes and what is clipped are striped. */
export function bandPixels(field, colors, width, height, ratio) {
  const pixels = new Uint32Array(width * height);
  const levels = Float32Array.from(field.levels, (level) => field.scale.fraction(level));
  const edges = [0, ...levels, 1];
  const bands = edges.slice(1).map((edge, k) => pixel(colors.at((edge + edges[k]) / 2)));
  const [hole, holeStripe, stripe] = [pixel([219, 219, 219]), pixel([140, 140, 140]), pixel([255, 255, 255])];
  const columns = pixelCells(field.x, width, false);
  const rows = pixelCells(field.y, height, true);
  for (let row = 0, at = 0; row < height; row++) {
    const j = rows.cells[row];
    for (let column = 0; column < width; column++, at++) {
      const fraction = insideCell(field, columns.cells[column], j, columns.insides[column], rows.insides[row]);
      const striped = (column + row) % Math.round(7 * ratio) < 2 * ratio;
      if (Number.isNaN(fraction)) {
        pixels[at] = striped ? holeStripe : hole;
      } else if (striped && (fraction > 1 || fraction < 0)) {
        pixels[at] = stripe;
      } else {
        let band = 0;
        while (band < levels.length && fraction >= levels[band]) band++;
        pixels[at] = bands[band];
      }
    }
  }
  return new Uint8ClampedArray(pixels.buffer);
}

/** The cell of each pixel along an axis, and the place inside it from 0 to 1. */
function pixelCells(axis, pixels, downwards) {
  const cells = new Int32Array(pixels);
  const insides = new Float64Array(pixels);
  for (let k = 0; k < pixels; k++) {
    const place = downwards ? 1 - (k + 0.5) / pixels : (k + 0.5) / pixels;
    cells[k] = cellOf(axis, place);
    insides[k] = (place - axis[cells[k]]) / (axis[cells[k] + 1] - axis[cells[k]]);
  }
  return { cells, insides };
}

/** The fraction at (s, t) in a cell, by its four triangles. */
export function insideCell({ fractions, ny }, i, j, s, t) {
  const k = i * ny + j;
  const a = fractions[k];
  const b = fractions[k + ny];
  const c = fractions[k + ny + 1];
  const d = fractions[k + 1];
  const middle = (a + b + c + d) / 4;
  if (t <= s) {
    if (t <= 1 - s) return a + s * (b - a) + t * (2 * middle - a - b);
    return b + t * (c - b) + (1 - s) * (2 * middle - b - c);
  }
  if (t <= 1 - s) return a + t * (d - a) + s * (2 * middle - a - d);
  return d + s * (c - d) + (1 - t) * (2 * middle - c - d);
}

/** A colour as a pixel, in the byte order of the machine. */
function pixel([red, green, blue]) {
  return new Uint32Array(Uint8Array.of(red, green, blue, 255).buffer)[0];
}
