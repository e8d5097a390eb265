// Meshes: the vertices and triangles of a field, for the renderer.

import { splitsUpwards } from "./field.js";

/** The most cells of the coarse mesh, which is shown while it moves where the whole one is too slow. */
export const COARSE_CELLS = 16000;
/** A rim of more segments than this is noise, and is left out. */
const MOST_RIMS = 100000;

/**
 * The mesh of a field.
 *
 * `places`: x, y of each grid point in [−1, 1]. `shapes`: its fraction (unclamped, 0 in a hole) and the slopes of the
 * drawn height along x and y. `cells` and `coarse`: corner indices of two triangles for each cell without a hole, of
 * all cells and of larger ones. `holes`: the same of the cells with one. `rims`: segments (x, y, height, twice) where
 * the two kinds meet.
 */
export function buildMesh(field) {
  const { nx, ny, fractions } = field;
  const places = new Float32Array(2 * nx * ny);
  const shapes = new Float32Array(3 * nx * ny);
  for (let i = 0; i < nx; i++) {
    for (let j = 0; j < ny; j++) {
      const k = i * ny + j;
      places[2 * k] = 2 * field.x[i] - 1;
      places[2 * k + 1] = 2 * field.y[j] - 1;
      if (Number.isNaN(fractions[k])) continue;
      shapes[3 * k] = fractions[k];
      shapes[3 * k + 1] = slope(field, i, j, 1, 0);
      shapes[3 * k + 2] = slope(field, i, j, 0, 1);
    }
  }
  let stride = 1;
  while (Math.ceil((nx - 1) / stride) * Math.ceil((ny - 1) / stride) > COARSE_CELLS) stride++;
  const { cells, holes, rims } = buildCells(field);
  return { places, shapes, cells, holes, rims, coarse: stride > 1 ? buildCoarse(field, stride) : cells };
}

/** The slope of the drawn height by the neighbours along one axis, in units of the box's floor. */
function slope(field, i, j, di, dj) {
  const { nx, ny } = field;
  const exists = (i, j) => i >= 0 && j >= 0 && i < nx && j < ny && !Number.isNaN(field.fractions[i * ny + j]);
  const before = exists(i - di, j - dj) ? 1 : 0;
  const after = exists(i + di, j + dj) ? 1 : 0;
  if (before + after === 0) return 0;
  const [i0, j0, i1, j1] = [i - before * di, j - before * dj, i + after * di, j + after * dj];
  const width = di ? field.x[i1] - field.x[i0] : field.y[j1] - field.y[j0];
  return (field.height(i1, j1) - field.height(i0, j0)) / (2 * width);
}

function buildCells(field) {
  const { nx, ny, fractions } = field;
  const size = 6 * (nx - 1) * (ny - 1);
  const indices = new Uint32Array(size);
  // Cells grow from the front, holes from the back.
  let [front, back] = [0, size];
  const whole = (i, j) => {
    const k = i * ny + j;
    return !Number.isNaN(fractions[k] + fractions[k + 1] + fractions[k + ny] + fractions[k + ny + 1]);
  };
  for (let i = 0; i + 1 < nx; i++) {
    for (let j = 0; j + 1 < ny; j++) {
      if (whole(i, j)) front = addCell(indices, front, field, i, j, i + 1, j + 1);
      else addCell(indices, (back -= 6), field, i, j, i + 1, j + 1);
    }
  }
  const rims = [];
  const corner = (i, j) => rims.push(2 * field.x[i] - 1, 2 * field.y[j] - 1, field.height(i, j));
  const differ = (i, j, k, l) => whole(i, j) !== whole(k, l);
  for (let i = 0; back < size && i + 1 < nx && rims.length < 6 * MOST_RIMS; i++) {
    for (let j = 0; j + 1 < ny; j++) {
      if (i > 0 && differ(i - 1, j, i, j)) corner(i, j), corner(i, j + 1);
      if (j > 0 && differ(i, j - 1, i, j)) corner(i, j), corner(i + 1, j);
    }
  }
  return {
    cells: indices.subarray(0, front),
    holes: indices.subarray(back),
    rims: Float32Array.from(rims.length < 6 * MOST_RIMS ? rims : []),
  };
}

/** Cells of `stride` grid steps each way; a hole at any corner leaves one out. */
function buildCoarse(field, stride) {
  const { nx, ny, fractions } = field;
  const indices = new Uint32Array(6 * Math.ceil((nx - 1) / stride) * Math.ceil((ny - 1) / stride));
  let used = 0;
  for (let i = 0; i + 1 < nx; i += stride) {
    const i1 = Math.min(i + stride, nx - 1);
    for (let j = 0; j + 1 < ny; j += stride) {
      const j1 = Math.min(j + stride, ny - 1);
      const sum = fractions[i * ny + j] + fractions[i1 * ny + j] + fractions[i * ny + j1] + fractions[i1 * ny + j1];
      if (!Number.isNaN(sum)) used = addCell(indices, used, field, i, j, i1, j1);
    }
  }
  return indices.subarray(0, used);
}

/** Writes the two triangles of a cell at `at`, and returns where the next goes. */
function addCell(indices, at, field, i, j, i1, j1) {
  const [a, b, c, d] = [i * field.ny + j, i1 * field.ny + j, i1 * field.ny + j1, i * field.ny + j1];
  const upwards = splitsUpwards(field.height(i, j), field.height(i1, j), field.height(i1, j1), field.height(i, j1));
  indices.set(upwards ? [a, b, c, a, c, d] : [a, b, d, b, c, d], at);
  return at + 6;
}
