// Contours: bands of colour between levels, and the lines along them.
//
// A cell is four triangles around the mean of its corners, inside which values are linear; bands and lines agree to the
// pixel, and no saddle is ambiguous.

/** With lines through more cells than this, counted once for each line, a map would be nothing but lines. */
const MOST_CUTS = 60000;

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

/**
 * For each of these fractions, the lines in the unit square where a field has it: flat lists x, y, x, y of points. A cell
 * is `stride` grid steps wide; a hole at any corner leaves it out. Null if there is more to draw than can be told apart.
 */
function isolines(field, levels, stride) {
  let cuts = 0;
  forCuts(field, levels, stride, () => cuts++);
  if (cuts > MOST_CUTS) return null;
  const crossings = levels.map((level) => new Crossings(field, level));
  forCuts(field, levels, stride, (level, corners) => crossings[level].cutCell(corners));
  return crossings.map((found) => found.lines());
}

/** Calls `cut` with the number of a level and the four corners of a cell, for each level that the cell crosses. */
function forCuts({ nx, ny, fractions }, levels, stride, cut) {
  for (let i = 0; i + 1 < nx; i += stride) {
    const i1 = Math.min(i + stride, nx - 1);
    for (let j = 0; j + 1 < ny; j += stride) {
      const j1 = Math.min(j + stride, ny - 1);
      const a = fractions[i * ny + j];
      const b = fractions[i1 * ny + j];
      const c = fractions[i1 * ny + j1];
      const d = fractions[i * ny + j1];
      // With a hole at a corner both are NaN.
      const low = Math.min(a, b, c, d);
      const high = Math.max(a, b, c, d);
      for (let level = 0; level < levels.length; level++) {
        if (low < levels[level] && levels[level] <= high) cut(level, [i * ny + j, i1 * ny + j, i1 * ny + j1, i * ny + j1]);
      }
    }
  }
}

/** Where an isoline crosses the edges of triangles, and which crossings are neighbours on it. */
class Crossings {
  constructor(field, fraction) {
    Object.assign(this, { field, fraction });
    // By edge: its two ends as grid points, or a corner and the number of the cell whose middle is the other end.
    this.places = new Map();
    this.neighbours = new Map();
  }

  /** A corner as x, y, fraction. */
  corner(k) {
    const { x, y, fractions, ny } = this.field;
    return [x[Math.floor(k / ny)], y[k % ny], fractions[k]];
  }

  cutCell(corners) {
    const points = corners.map((k) => this.corner(k));
    const middle = [0, 1, 2].map((axis) => points.reduce((sum, point) => sum + point[axis], 0) / 4);
    if (Number.isNaN(middle[2])) return;
    const size = this.field.fractions.length;
    const spokes = corners.map((k, n) => this.cross(k * 2 * size + size + corners[0], points[n], middle));
    for (let n = 0; n < 4; n++) {
      const next = (n + 1) % 4;
      // The same edge from both its cells.
      const [p, q] = corners[n] < corners[next] ? [n, next] : [next, n];
      const side = this.cross(corners[p] * 2 * size + corners[q], points[p], points[q]);
      const [from, to] = [side, spokes[n], spokes[next]].filter((edge) => edge !== null);
      if (to !== undefined) this.join(from, to);
    }
  }

  /** Notes where an edge is crossed, and returns its number, or null. */
  cross(edge, p, q) {
    const { fraction } = this;
    if (p[2] >= fraction === q[2] >= fraction) return null;
    if (!this.places.has(edge)) {
      const t = (fraction - p[2]) / (q[2] - p[2]);
      this.places.set(edge, [p[0] + t * (q[0] - p[0]), p[1] + t * (q[1] - p[1])]);
      this.neighbours.set(edge, []);
    }
    return edge;
  }

  join(a, b) {
    this.neighbours.get(a).push(b);
    this.neighbours.get(b).push(a);
  }

  /** Crossings in the order of their lines; open lines from their ends, then the closed ones. */
  lines() {
    const lines = [];
    const ends = [...this.neighbours].filter(([, next]) => next.length === 1).map(([edge]) => edge);
    for (const start of [...ends, ...this.neighbours.keys()]) {
      if (!this.places.has(start)) continue;
      const line = [];
      const first = this.places.get(start);
      let edge = start;
      while (edge !== undefined) {
        line.push(...this.places.get(edge));
        this.places.delete(edge);
        const before = edge;
        edge = this.neighbours.get(before).find((next) => this.places.has(next));
        if (edge === undefined && line.length > 4 && this.neighbours.get(before).includes(start)) line.push(...first);
      }
      if (line.length > 2) lines.push(line);
    }
    return lines;
  }
}
