// Contours: bands of colour between levels, and the lines along them.
//
// A cell is four triangles around the mean of its corners, inside which values are linear; bands and lines agree to the
// pixel, and no saddle is ambiguous.

/** An image of the bands of a field, `width`×`height` pixels; holes and what is clipped are striped. */
function bandImage(field, colors, width, height, ratio) {
  const image = new ImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
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
  return image;
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
function insideCell({ fractions, ny }, i, j, s, t) {
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

/** The segments x, y, x, y in the unit square where a field has a fraction; at `stride` grid steps a cell. */
function isoline(field, fraction, stride) {
  const { x, y, fractions, nx, ny } = field;
  const segments = [];
  const corner = (i, j) => [x[i], y[j], fractions[i * ny + j]];
  for (let i = 0; i + 1 < nx; i += stride) {
    const i1 = Math.min(i + stride, nx - 1);
    for (let j = 0; j + 1 < ny; j += stride) {
      const j1 = Math.min(j + stride, ny - 1);
      const [a, b] = [fractions[i * ny + j] >= fraction, fractions[i1 * ny + j] >= fraction];
      const [c, d] = [fractions[i1 * ny + j1] >= fraction, fractions[i * ny + j1] >= fraction];
      if (a === b && b === c && c === d) continue;
      const corners = [corner(i, j), corner(i1, j), corner(i1, j1), corner(i, j1)];
      const middle = [0, 1, 2].map((k) => corners.reduce((sum, point) => sum + point[k], 0) / 4);
      if (Number.isNaN(middle[2])) continue;
      for (let k = 0; k < 4; k++) cutTriangle(segments, [corners[k], corners[(k + 1) % 4], middle], fraction);
    }
  }
  return segments;
}

/** Appends the segment where a triangle has a fraction, if it has one. */
function cutTriangle(segments, points, fraction) {
  const ends = [];
  for (let k = 0; k < 3; k++) {
    const [p, q] = [points[k], points[(k + 1) % 3]];
    if (p[2] >= fraction === q[2] >= fraction) continue;
    const t = (fraction - p[2]) / (q[2] - p[2]);
    ends.push(p[0] + t * (q[0] - p[0]), p[1] + t * (q[1] - p[1]));
  }
  if (ends.length === 4) segments.push(...ends);
}
