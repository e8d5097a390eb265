import assert from "node:assert/strict";
import { test } from "node:test";

import { Field, splitsUpwards } from "../src/field.js";
import { Scale } from "../src/scale.js";
import { even, fieldOf, randomField } from "./fields.js";
import { Random } from "./random.js";

test("values become fractions of the scale, in the order of the array", () => {
  const field = new Field({ x: [0, 1], y: [0, 1, 2] }, Float64Array.of(0, 1, 2, 3, 4, 8), new Scale(false, 0, 8));
  assert.deepEqual([...field.fractions], [0, 0.125, 0.25, 0.375, 0.5, 1]);
  assert.deepEqual([field.nx, field.ny], [2, 3]);
  assert.equal(field.height(1, 0), 0.375);
});

test("what is not shown as it is, is counted", () => {
  const values = Float64Array.of(NaN, Infinity, -Infinity, -1, 0, 0.5, 1, 2, 3, 1e308, 4, 5);
  const landscape = { x: [0, 1, 2], y: [0, 1, 2, 3] };
  const linear = new Field(landscape, values, new Scale(false, 0, 3));
  assert.deepEqual(linear.counts, { total: 12, notFinite: 3, notPositive: 0, above: 3, below: 1 });
  const log = new Field(landscape, values, new Scale(true, 1, 4));
  assert.deepEqual(log.counts, { total: 12, notFinite: 3, notPositive: 2, above: 2, below: 1 });
  assert.deepEqual([...log.fractions].map(Number.isNaN).slice(0, 6), [true, true, true, true, true, false]);
});

test("what is clipped has a bounded fraction and a height from 0 to 1", () => {
  const field = new Field(
    { x: [0, 1], y: [0, 1] },
    Float64Array.of(-1e300, 1e300, 0, 1e-300),
    new Scale(false, 0, 1e-300),
  );
  assert.deepEqual([...field.fractions], [-1e6, 1e6, 0, 1]);
  assert.deepEqual([field.height(0, 0), field.height(0, 1)], [0, 1]);
  assert.equal(field.counts.notFinite, 0);
});

test("a cell is cut along its flatter diagonal", () => {
  assert.equal(splitsUpwards(0, 1, 0, 2), true);
  assert.equal(splitsUpwards(0, 1, 2, 1), false);
  assert.equal(splitsUpwards(0, 0, 0, 0), true);
});

test("heights between points are linear, exact for a plane", () => {
  const random = new Random(13);
  for (let k = 0; k < 200; k++) {
    const plane = (x, y) => 0.1 + 0.3 * x + 0.5 * y;
    const [x, y] = [even(random.whole(2, 9)), even(random.whole(2, 9))];
    const field = fieldOf(x, y, plane);
    const at = [random.next(), random.next()];
    assert.ok(Math.abs(field.heightAt(...at) - plane(...at)) < 1e-7);
  }
});

test("the surface goes through all points and is continuous", () => {
  const random = new Random(14);
  const field = randomField(random, 9, 7);
  for (let i = 0; i < 9; i++) {
    for (let j = 0; j < 7; j++) {
      assert.ok(Math.abs(field.heightAt(field.x[i], field.y[j]) - field.height(i, j)) < 1e-12);
    }
  }
  // No jump at edges or at diagonals: the slope is bounded by that of the heights over the shortest step.
  const steps = [field.x, field.y].flatMap((axis) => [...axis].slice(1).map((place, k) => place - axis[k]));
  const steepest = 4 / Math.min(...steps);
  for (let k = 0; k < 20000; k++) {
    const [x, y] = [random.next(), random.next()];
    const [u, v] = [x, y].map((place) => Math.min(Math.max(place + random.between(-1e-3, 1e-3), 0), 1));
    const rise = Math.abs(field.heightAt(x, y) - field.heightAt(u, v));
    assert.ok(rise <= steepest * (Math.abs(x - u) + Math.abs(y - v)) + 1e-12);
  }
});

test("a cell with a hole at any corner has no height anywhere", () => {
  for (let corner = 0; corner < 4; corner++) {
    const [ci, cj] = [corner >> 1, corner & 1];
    const field = fieldOf(even(2), even(2), (x, y, i, j) => (i === ci && j === cj ? NaN : 0.5));
    for (const [x, y] of [
      [0.1, 0.1],
      [0.9, 0.1],
      [0.1, 0.9],
      [0.9, 0.9],
      [0.5, 0.5],
    ]) {
      assert.ok(Number.isNaN(field.heightAt(x, y)), `a hole at corner ${corner}, at ${x}, ${y}`);
    }
  }
});

test("there is nothing outside", () => {
  const field = fieldOf(even(3), even(3), () => 0.5);
  for (const [x, y] of [
    [-0.01, 0.5],
    [1.01, 0.5],
    [0.5, -0.01],
    [0.5, 1.01],
    [NaN, 0.5],
  ]) {
    assert.ok(Number.isNaN(field.heightAt(x, y)));
  }
});
