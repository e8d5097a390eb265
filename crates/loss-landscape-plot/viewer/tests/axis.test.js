import assert from "node:assert/strict";
import { test } from "node:test";

import { axisTicks, cellOf, insideUnitSquare, nearest, unitAxis, unitPlaces } from "../src/axis.js";
import { Random } from "./random.js";

test("an axis goes from 0 to 1, and other coordinates are placed by it", () => {
  assert.deepEqual(unitAxis(Float64Array.of(-2, 0, 6)), Float64Array.of(0, 0.25, 1));
  assert.deepEqual(unitPlaces(Float64Array.of(-4, 0, 4), [-12, 2, 12]), Float64Array.of(-1, 0.75, 2));
  const random = new Random(10);
  for (let k = 0; k < 500; k++) {
    const unit = unitAxis(random.axis(random.whole(2, 50)));
    assert.equal(unit[0], 0);
    assert.equal(unit[unit.length - 1], 1);
    assert.ok(unit.every((place, n) => n === 0 || place > unit[n - 1]));
  }
});

test("cells and nearest coordinates are those that a search of all finds", () => {
  const random = new Random(11);
  for (let k = 0; k < 2000; k++) {
    const axis = unitAxis(random.axis(random.whole(2, 40)));
    const place = random.next() < 0.3 ? axis[random.whole(0, axis.length - 1)] : random.between(-0.2, 1.2);
    const cell = cellOf(axis, place);
    const last = axis.findLastIndex((coordinate) => coordinate <= place);
    assert.equal(cell, Math.min(Math.max(last, 0), axis.length - 2));
    const away = axis.map((coordinate) => Math.abs(coordinate - place));
    assert.ok(away[nearest(axis, place)] <= Math.min(...away) + 1e-15);
  }
});

test("ticks are at the places of the numbers that they show", () => {
  assert.deepEqual(axisTicks(Float64Array.of(-1, 0, 1), 5), [
    { place: 0, text: "−1.0" },
    { place: 0.25, text: "−0.5" },
    { place: 0.5, text: "0.0" },
    { place: 0.75, text: "0.5" },
    { place: 1, text: "1.0" },
  ]);
});

test("a segment is cut at the unit square", () => {
  assert.deepEqual(insideUnitSquare([0.25, 0.5], [0.75, 0.5]), [
    [0.25, 0.5],
    [0.75, 0.5],
  ]);
  assert.deepEqual(insideUnitSquare([-1, 0.5], [3, 0.5]), [
    [0, 0.5],
    [1, 0.5],
  ]);
  assert.deepEqual(insideUnitSquare([0.5, 0.5], [0.5, 1e9]), [
    [0.5, 0.5],
    [0.5, 1],
  ]);
  assert.deepEqual(
    insideUnitSquare([0, 0], [0, 1]),
    [
      [0, 0],
      [0, 1],
    ],
    "along the border",
  );
  assert.deepEqual(
    insideUnitSquare([0.5, 0.5], [0.5, 0.5]),
    [
      [0.5, 0.5],
      [0.5, 0.5],
    ],
    "a point",
  );
  for (const [start, end] of [
    [
      [-1, 0.5],
      [-0.1, 0.5],
    ],
    [
      [-0.1, 0],
      [-0.1, 1],
    ],
    [
      [-1, 0.5],
      [0.5, 2.5],
    ],
  ]) {
    assert.equal(insideUnitSquare(start, end), null);
  }
  assert.equal(insideUnitSquare([0.5, 0.5], [Infinity, 0.5]), null, "what has no direction");
  assert.equal(insideUnitSquare([NaN, 0.5], [0.5, 0.5]), null);
});

test("what is cut off is outside, what is kept is inside and on the segment", () => {
  const random = new Random(12);
  const inside = ([x, y]) => x >= 0 && x <= 1 && y >= 0 && y <= 1;
  for (let k = 0; k < 5000; k++) {
    const [start, end] = [0, 1].map(() => [random.between(-1, 2), random.between(-1, 2)]);
    const at = (share) => start.map((s, n) => s + share * (end[n] - s));
    const kept = insideUnitSquare(start, end);
    const length = Math.hypot(end[0] - start[0], end[1] - start[1]);
    const shareOf = ([x, y]) => Math.hypot(x - start[0], y - start[1]) / length;
    if (kept) {
      for (const point of kept) {
        assert.ok(inside(point));
        const [x, y] = at(shareOf(point));
        assert.ok(Math.hypot(x - point[0], y - point[1]) < 1e-12);
      }
    }
    const [from, to] = kept ? kept.map(shareOf) : [2, 2];
    for (let n = 0; n < 20; n++) {
      const share = random.next();
      if (Math.min(Math.abs(share - from), Math.abs(share - to)) < 1e-9) continue;
      assert.equal(inside(at(share)), share > from && share < to);
    }
  }
});
