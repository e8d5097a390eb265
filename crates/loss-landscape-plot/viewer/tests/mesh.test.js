import assert from "node:assert/strict";
import { test } from "node:test";

import { COARSE_CELLS, buildMesh } from "../src/mesh.js";
import { even, fieldOf, randomField } from "./fields.js";
import { Random } from "./random.js";

/** The corners of each triangle. */
const triples = (indices) => Array.from({ length: indices.length / 3 }, (_, n) => [...indices.slice(3 * n, 3 * n + 3)]);

/** The area of a triangle on the floor, positive if counter-clockwise. */
function area({ places }, [a, b, c]) {
  const [abx, aby, acx, acy] = [b, c].flatMap((k) => [0, 1].map((n) => places[2 * k + n] - places[2 * a + n]));
  return (abx * acy - aby * acx) / 2;
}

const total = (mesh, indices) => triples(indices).reduce((sum, triangle) => sum + area(mesh, triangle), 0);

test("without holes the triangles cover the floor once, all counter-clockwise", () => {
  const random = new Random(22);
  for (let k = 0; k < 100; k++) {
    const [nx, ny] = [random.whole(2, 12), random.whole(2, 12)];
    const mesh = buildMesh(randomField(random, nx, ny));
    assert.equal(mesh.cells.length, 6 * (nx - 1) * (ny - 1));
    assert.equal(mesh.holes.length, 0);
    assert.equal(mesh.rims.length, 0);
    for (const triangle of triples(mesh.cells)) assert.ok(area(mesh, triangle) > 0);
    assert.ok(Math.abs(total(mesh, mesh.cells) - 4) < 1e-5);
  }
});

test("cells and holes together cover the floor; no cell has a hole at a corner, every hole has", () => {
  const random = new Random(23);
  for (let k = 0; k < 100; k++) {
    const field = randomField(random, random.whole(2, 12), random.whole(2, 12), random.between(0, 0.4));
    const mesh = buildMesh(field);
    assert.ok(Math.abs(total(mesh, mesh.cells) + total(mesh, mesh.holes) - 4) < 1e-5);
    const missing = (corner) => Number.isNaN(field.fractions[corner]);
    for (const corner of mesh.cells) assert.ok(!missing(corner));
    // Two triangles a cell, of which one may have all its corners.
    const pairs = Array.from({ length: mesh.holes.length / 6 }, (_, n) => [...mesh.holes.slice(6 * n, 6 * n + 6)]);
    for (const pair of pairs) assert.ok(pair.some(missing));
  }
});

test("places, fractions and slopes are those of the field", () => {
  const [x, y] = [Float64Array.of(0, 1, 4), Float64Array.of(-1, 0, 0.5, 1)];
  const field = fieldOf(x, y, (x, y) => 0.25 + 0.0625 * x + 0.125 * y);
  const mesh = buildMesh(field);
  for (let i = 0; i < 3; i++) {
    for (let j = 0; j < 4; j++) {
      const k = i * 4 + j;
      assert.deepEqual([...mesh.places.slice(2 * k, 2 * k + 2)], [x[i] / 2 - 1, y[j]]);
      // The floor is two wide: 4 of x, 2 of y.
      assert.deepEqual([...mesh.shapes.slice(3 * k, 3 * k + 3)], [field.fractions[k], 0.125, 0.125]);
    }
  }
});

test("slopes at holes and borders come from the neighbours there are", () => {
  const field = fieldOf(even(5), even(5), (x, y, i, j) => (i === 2 && j === 2 ? NaN : 0.5 * x));
  const { shapes } = buildMesh(field);
  for (let k = 0; k < 25; k++) assert.deepEqual([...shapes.slice(3 * k + 1, 3 * k + 3)], k === 12 ? [0, 0] : [0.25, 0]);
  const alone = fieldOf(even(3), even(3), (x, y, i, j) => (i === 1 && j === 1 ? 0.5 : NaN));
  assert.deepEqual([...buildMesh(alone).shapes.slice(12, 15)], [0.5, 0, 0]);
});

test("rims are the edges between cells and holes", () => {
  const random = new Random(24);
  for (let k = 0; k < 100; k++) {
    const field = randomField(random, random.whole(2, 9), random.whole(2, 9), 0.15);
    const mesh = buildMesh(field);
    // An edge of one cell and one hole.
    const edges = (indices) => {
      const count = new Map();
      for (const [a, b, c] of triples(indices)) {
        for (const edge of [
          [a, b],
          [b, c],
          [c, a],
        ]) {
          const key = String(edge.sort((p, q) => p - q));
          count.set(key, (count.get(key) ?? 0) + 1);
        }
      }
      return count;
    };
    const [cells, holes] = [edges(mesh.cells), edges(mesh.holes)];
    const expected = [...cells.keys()]
      .filter((key) => holes.has(key))
      .map((key) => {
        const ends = key
          .split(",")
          .map(Number)
          .map((c) => [mesh.places[2 * c], mesh.places[2 * c + 1], field.fractions[c]]);
        return String(ends);
      });
    const found = Array.from({ length: mesh.rims.length / 6 }, (_, n) =>
      String([...mesh.rims.slice(6 * n, 6 * n + 6)]),
    );
    assert.deepEqual(found.sort(), expected.sort());
  }
});

test("the coarse mesh is all of a small one, and of few cells for any shape of a large one", () => {
  const small = buildMesh(fieldOf(even(20), even(20), () => 0.5));
  assert.equal(small.coarse, small.cells);
  for (const [nx, ny] of [
    [300, 300],
    [254, 254],
    [2, 40_000],
    [40_000, 2],
    [130, 500],
  ]) {
    const mesh = buildMesh(fieldOf(even(nx), even(ny), (x, y) => x * y));
    assert.ok(mesh.coarse.length / 6 <= COARSE_CELLS, `${nx}×${ny}: ${mesh.coarse.length / 6} cells`);
    assert.ok(mesh.coarse.length / 6 > COARSE_CELLS / 5);
    assert.ok(Math.abs(total(mesh, mesh.coarse) - 4) < 1e-3, "it covers the floor");
  }
});

test("the coarse mesh leaves out a cell with a hole at a corner", () => {
  const [nx, ny] = [300, 200];
  const field = fieldOf(even(nx), even(ny), (x, y, i, j) => (i === 0 && j === 0 ? NaN : 0.5));
  const mesh = buildMesh(field);
  for (const corner of mesh.coarse) assert.notEqual(corner, 0);
  assert.ok(total(mesh, mesh.coarse) < 4 - 1e-4);
});
