// Isolines: the lines along which a field has one value.
//
// A cell is four triangles around the mean of its corners, inside which values are linear: no saddle is ambiguous.

/** With lines through more cells than this, counted once for each line, a map would be nothing but lines. */
const MOST_CUTS = 60000;

/**
 * For each of these fractions, the lines in the unit square where a field has it: flat lists x, y, x, y of points. A
 * cell is `stride` grid steps wide; a hole at any corner leaves it out. Null if there is more to draw than can be told
 * apart.
 */
export function isolines(field, levels, stride) {
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
        if (!(low < levels[level] && levels[level] <= high)) continue;
        cut(level, [i * ny + j, i1 * ny + j, i1 * ny + j1, i * ny + j1]);
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
