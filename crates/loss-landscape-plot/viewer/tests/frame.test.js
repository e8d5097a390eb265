import assert from "node:assert/strict";
import { test } from "node:test";

import { Frame } from "../src/frame.js";
import { ContourMap } from "../src/map.js";
import { even, fieldOf } from "./fields.js";
import { Random } from "./random.js";

const margin = { left: 48, top: 10, bottom: 38, right: 78 };

test("the frame is the largest square inside its margins, and in the middle", () => {
  const wide = Frame.fit(700, 348, margin);
  assert.deepEqual({ ...wide }, { left: Math.round((700 - 300 - 126) / 2) + 48, top: 10, side: 300 });
  const high = Frame.fit(326, 900, margin);
  assert.deepEqual({ ...high }, { left: 48, top: 10, side: 200 });
  assert.equal(Frame.fit(10, 10, margin).side, 40, "and never nothing");
});

test("pixels and places are inverse", () => {
  const random = new Random(30);
  for (let k = 0; k < 500; k++) {
    const frame = Frame.fit(random.between(200, 1000), random.between(200, 1000), margin);
    const [x, y] = [random.between(-0.5, 1.5), random.between(-0.5, 1.5)];
    const [u, v] = frame.locate(...frame.place(x, y));
    assert.ok(Math.abs(u - x) < 1e-12 && Math.abs(v - y) < 1e-12);
  }
  const frame = new Frame(100, 10, 200);
  assert.deepEqual(frame.place(0, 0), [100, 210]);
  assert.deepEqual(frame.place(1, 1), [300, 10]);
});

test("a pixel reads the nearest grid point, a little outside too, farther none", () => {
  const map = Object.create(ContourMap.prototype);
  const [x, y] = [Float64Array.of(-1, 0, 3), even(5)];
  Object.assign(map, { frame: new Frame(100, 10, 200), field: fieldOf(x, y, () => 0.5) });
  assert.deepEqual(map.pointAt(100, 210), { i: 0, j: 0 });
  assert.deepEqual(map.pointAt(300, 10), { i: 2, j: 4 });
  // The second coordinate is at a quarter of the way, and its neighbours' at 0 and 1.
  assert.deepEqual(map.pointAt(124, 110), { i: 0, j: 2 });
  assert.deepEqual(map.pointAt(126, 110), { i: 1, j: 2 });
  assert.deepEqual(map.pointAt(224, 84), { i: 1, j: 3 });
  assert.deepEqual(map.pointAt(226, 86), { i: 2, j: 2 });
  assert.deepEqual(map.pointAt(97, 213), { i: 0, j: 0 });
  for (const [px, py] of [
    [95, 110],
    [305, 110],
    [200, 5],
    [200, 215],
  ])
    assert.equal(map.pointAt(px, py), null);
});
