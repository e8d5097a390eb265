import assert from "node:assert/strict";
import { test } from "node:test";

import { Frame } from "../src/frame.js";
import { isolines } from "../src/isolines.js";
import { labelPlaces } from "../src/labels.js";
import { even, fieldOf } from "./fields.js";

const frame = new Frame(50, 10, 400);

test("labels are on their lines, off the border and apart", () => {
  const field = fieldOf(even(41), even(41), (x, y) => ((x - 0.5) ** 2 + (y - 0.5) ** 2) * 2);
  const levels = [0.1, 0.2, 0.3, 0.4, 0.5];
  const placed = [];
  isolines(field, levels, 1).forEach((lines, k) => {
    const found = labelPlaces(lines, placed, frame);
    assert.ok(found.length >= 1 && found.length <= 2, `${found.length} labels of ${levels[k]}`);
    for (const [x, y] of found) {
      const [u, v] = frame.locate(x, y);
      assert.ok(Math.abs(((u - 0.5) ** 2 + (v - 0.5) ** 2) * 2 - levels[k]) < 5e-3);
      assert.ok(Math.min(x - 50, 450 - x) >= 20 && Math.min(y - 10, 410 - y) >= 12);
    }
    placed.push(...found);
  });
  placed.forEach(([x, y], k) => {
    for (const [u, v] of placed.slice(0, k)) assert.ok(Math.hypot(x - u, 1.6 * (y - v)) > 34);
  });
});

test("a second label of a level is far from the first", () => {
  const found = labelPlaces([[0, 0.5, 0.25, 0.5, 0.5, 0.5, 0.75, 0.5, 1, 0.5]], [], frame);
  assert.equal(found.length, 2);
  assert.ok(Math.abs(found[0][0] - found[1][0]) > 110);
});

test("short lines and lines along the border have none", () => {
  assert.deepEqual(labelPlaces([[0.5, 0.5, 0.6, 0.5]], [], frame), []);
  assert.deepEqual(labelPlaces([[0.01, 0, 0.01, 0.5, 0.01, 1]], [], frame), []);
  assert.deepEqual(labelPlaces([], [], frame), []);
});
