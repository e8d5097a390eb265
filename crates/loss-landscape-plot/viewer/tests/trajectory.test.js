import assert from "node:assert/strict";
import { test } from "node:test";

import { Trajectory } from "../src/trajectory.js";
import { even, fieldOf } from "./fields.js";

const encode = (values) => Buffer.from(Float64Array.from(values).buffer).toString("base64");
const landscape = { x: Float64Array.of(-1, 0, 1), y: Float64Array.of(0, 5, 10) };
const path = (x, y, number = 0) => new Trajectory(landscape, { name: "SGD", x: encode(x), y: encode(y) }, number);
/** The two ends of each segment. */
const ends = (segments) =>
  Array.from({ length: segments.length / 6 }, (_, n) => [
    [...segments.slice(6 * n, 6 * n + 3)],
    [...segments.slice(6 * n + 3, 6 * n + 6)],
  ]);
const near = (a, b) => assert.ok(Math.abs(a - b) < 1e-6, `${a} is not ${b}`);

test("a path has places in the unit square, and counts those outside", () => {
  const { name, x, y, outside } = path([-1, 0, 1, 3, 0], [0, 5, 10, 5, -1]);
  assert.equal(name, "SGD");
  assert.deepEqual([...x], [0, 0.5, 1, 2, 0.5]);
  assert.deepEqual(
    [...y].map((place) => Math.round(place * 1e9) / 1e9),
    [0, 0.5, 1, 0.5, -0.1],
  );
  assert.equal(outside, 2);
});

test("neighbouring paths have different colours", () => {
  const colors = [0, 1, 2, 3, 4].map((number) => path([0], [0], number).color);
  assert.equal(new Set(colors).size, 5);
  assert.equal(path([0], [0], 5).color, colors[0]);
});

test("on a surface a path follows it without gaps, in short steps", () => {
  const field = fieldOf(even(11), even(11), (x, y) => x * y);
  const segments = ends(path([-1, 1, 1], [0, 10, 0]).segments(field));
  segments.forEach(([from, to], k) => {
    if (k > 0) assert.deepEqual(from, segments[k - 1][1]);
    assert.ok(Math.hypot(to[0] - from[0], to[1] - from[1]) <= 2 / 150 + 1e-6);
    for (const [x, y, height] of [from, to]) near(height, field.heightAt((x + 1) / 2, (y + 1) / 2));
  });
  assert.deepEqual(segments[0][0].slice(0, 2), [-1, -1]);
  assert.deepEqual(segments.at(-1)[1].slice(0, 2), [1, -1]);
});

test("a step that leaves the plane is drawn up to its border, however far it goes", () => {
  const field = fieldOf(even(3), even(3), () => 0.5);
  for (const far of [3, 1e3, 1e12]) {
    const segments = ends(path([0, far], [5, 5]).segments(field));
    assert.deepEqual(segments[0][0], [0, 0, 0.5]);
    near(segments.at(-1)[1][0], 1);
    assert.ok(segments.length >= 75 && segments.length <= 80);
  }
  assert.equal(path([5, 6], [5, 5]).segments(field).length, 0);
});

test("a path is not drawn over a hole", () => {
  const field = fieldOf(even(5), even(5), (x, y, i, j) => (i === 2 && j === 2 ? NaN : 0.5));
  const segments = ends(path([-1, 1], [4.5, 4.5]).segments(field));
  const covered = segments.reduce((sum, [from, to]) => sum + to[0] - from[0], 0);
  assert.ok(covered > 0.95 && covered <= 1, "two of four cells");
  for (const [x] of segments.flat()) assert.ok(Math.abs(x) >= 0.5 - 1e-6);
});

test("a path of one point has no segments", () => {
  assert.equal(path([0], [5]).segments(fieldOf(even(3), even(3), () => 0.5)).length, 0);
});
