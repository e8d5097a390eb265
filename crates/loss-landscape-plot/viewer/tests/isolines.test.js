import assert from "node:assert/strict";
import { test } from "node:test";

import { cellOf } from "../src/axis.js";
import { insideCell } from "../src/bands.js";
import { isolines } from "../src/isolines.js";
import { Scale } from "../src/scale.js";
import { even, fieldOf, randomField } from "./fields.js";
import { Random } from "./random.js";

const near = (a, b, tolerance) => assert.ok(Math.abs(a - b) <= tolerance, `${a} is not ${b}`);
const points = (line) => Array.from({ length: line.length / 2 }, (_, k) => [line[2 * k], line[2 * k + 1]]);
const isClosed = (line) => line[0] === line[line.length - 2] && line[1] === line[line.length - 1];
const lengthOf = (line) =>
  points(line).reduce((sum, [x, y], k, all) => sum + (k ? Math.hypot(x - all[k - 1][0], y - all[k - 1][1]) : 0), 0);

/** The fraction at a place, as the bands show it. */
function bandAt(field, x, y) {
  const [i, j] = [cellOf(field.x, x), cellOf(field.y, y)];
  const inside = (axis, cell, place) => (place - axis[cell]) / (axis[cell + 1] - axis[cell]);
  return insideCell(field, i, j, inside(field.x, i, x), inside(field.y, j, y));
}

test("the isolines of a plane are straight", () => {
  const field = fieldOf(even(9), even(13), (x, y) => (x + y) / 2);
  for (const [level, length] of [
    [0.25, Math.SQRT1_2],
    [0.5, Math.SQRT2],
    [0.8, 0.4 * Math.SQRT2],
  ]) {
    const [lines] = isolines(field, [level], 1);
    assert.equal(lines.length, 1);
    for (const [x, y] of points(lines[0])) near((x + y) / 2, level, 1e-7);
    near(lengthOf(lines[0]), length, 1e-6);
  }
});

test("the isolines of a bowl are closed circles", () => {
  const n = 81;
  const field = fieldOf(even(n), even(n), (x, y) => (x - 0.5) ** 2 + (y - 0.5) ** 2);
  const radii = [0.1, 0.25, 0.45];
  isolines(
    field,
    radii.map((radius) => radius ** 2),
    1,
  ).forEach((lines, k) => {
    assert.equal(lines.length, 1);
    assert.ok(isClosed(lines[0]));
    for (const [x, y] of points(lines[0])) near(Math.hypot(x - 0.5, y - 0.5), radii[k], 1 / n ** 2 / radii[k]);
    near(lengthOf(lines[0]), 2 * Math.PI * radii[k], 5e-3);
  });
});

test("a circle that leaves the square is open there", () => {
  const field = fieldOf(even(41), even(41), (x, y) => x * x + y * y);
  const [lines] = isolines(field, [0.25], 1);
  assert.equal(lines.length, 1);
  assert.ok(!isClosed(lines[0]));
  const [first, last] = [points(lines[0])[0], points(lines[0]).at(-1)].sort((p, q) => p[0] - q[0]);
  near(first[0], 0, 1e-12);
  near(first[1], 0.5, 1e-3);
  near(last[0], 0.5, 1e-3);
  near(last[1], 0, 1e-12);
  near(lengthOf(lines[0]), Math.PI / 4, 1e-3);
});

test("the isolines of a saddle are two branches on either side of it", () => {
  const field = fieldOf(even(20), even(20), (x, y) => 0.5 + (x - 0.5) * (y - 0.5));
  for (const [level, side] of [
    [0.52, 1],
    [0.48, -1],
  ]) {
    const [lines] = isolines(field, [level], 1);
    assert.equal(lines.length, 2);
    for (const line of lines) {
      const [right] = points(line).map(([x]) => x > 0.5);
      for (const [x, y] of points(line)) {
        assert.equal(x > 0.5, right);
        assert.equal(y > 0.5, side > 0 ? right : !right);
        near(0.5 + (x - 0.5) * (y - 0.5), level, 1e-3);
      }
    }
  }
});

test("a saddle inside one cell is decided by the mean of its corners", () => {
  // Corners 1, 0, 1, 0 around a mean of 0.5.
  const field = fieldOf(even(2), even(2), (x, y, i, j) => (i === j ? 1 : 0));
  for (const [level, joined] of [
    [0.4, true],
    [0.6, false],
  ]) {
    const [lines] = isolines(field, [level], 1);
    assert.equal(lines.length, 2);
    // Below the mean the high corners are joined, and lines cut off the low ones.
    for (const line of lines) {
      const low = points(line).every(([x, y]) => x - y > 0) || points(line).every(([x, y]) => x - y < 0);
      assert.equal(low, joined);
    }
  }
});

test("a level at vertices, edges and whole cells makes sound lines", () => {
  const peak = fieldOf(even(5), even(5), (x, y, i, j) => (i === 2 && j === 2 ? 0.5 : 0));
  const [[ring]] = isolines(peak, [0.5], 1);
  for (const [x, y] of points(ring)) assert.deepEqual([x, y], [0.5, 0.5]);
  const steps = fieldOf(even(5), even(4), (x) => (x < 0.5 ? 0.25 : 0.5));
  const [lines] = isolines(steps, [0.5], 1);
  assert.equal(lines.length, 1);
  for (const [x] of points(lines[0])) near(x, 0.5, 1e-12);
  near(lengthOf(lines[0]), 1, 1e-12);
  const flat = fieldOf(even(4), even(4), () => 0.5);
  assert.deepEqual(isolines(flat, [0.5, 0.25], 1), [[], []]);
});

test("lines of any field have their level, as the bands show it, also between their points", () => {
  const random = new Random(25);
  for (let k = 0; k < 100; k++) {
    const field = randomField(random, random.whole(2, 12), random.whole(2, 12), k % 2 ? 0.1 : 0);
    const levels = [0.2, 0.5, random.next()];
    isolines(field, levels, 1).forEach((lines, n) => {
      for (const line of lines) {
        const all = points(line);
        all.forEach(([x, y], s) => {
          if (s === 0) return;
          const middle = [(x + all[s - 1][0]) / 2, (y + all[s - 1][1]) / 2];
          near(bandAt(field, ...middle), levels[n], 1e-6);
        });
      }
    });
  }
});

test("lines end at the border or at a hole, and nowhere else", () => {
  const random = new Random(26);
  let [borders, holes, rings] = [0, 0, 0];
  for (let k = 0; k < 100; k++) {
    const field = randomField(random, random.whole(3, 12), random.whole(3, 12), k % 2 ? 0.05 : 0);
    for (const line of isolines(field, [0.5], 1)[0]) {
      if (isClosed(line)) {
        rings++;
        continue;
      }
      for (const [x, y] of [points(line)[0], points(line).at(-1)]) {
        if ([x, y].some((place) => place < 1e-12 || place > 1 - 1e-12)) {
          borders++;
          continue;
        }
        holes++;
        const around = [
          [1, 0],
          [-1, 0],
          [0, 1],
          [0, -1],
        ].map(([dx, dy]) => bandAt(field, x + 1e-9 * dx, y + 1e-9 * dy));
        assert.ok(around.some(Number.isNaN), `an end at ${x}, ${y}`);
      }
    }
  }
  assert.ok(borders > 100 && holes > 20 && rings > 50, `${borders} ${holes} ${rings}`);
});

test("every crossing of a grid line is on a line once", () => {
  const random = new Random(27);
  for (let k = 0; k < 100; k++) {
    const [nx, ny] = [random.whole(2, 10), random.whole(2, 10)];
    const field = randomField(random, nx, ny);
    const high = (i, j) => field.height(i, j) >= 0.5;
    let expected = 0;
    for (let i = 0; i < nx; i++) {
      for (let j = 0; j < ny; j++) {
        if (i + 1 < nx && high(i, j) !== high(i + 1, j)) expected++;
        if (j + 1 < ny && high(i, j) !== high(i, j + 1)) expected++;
      }
    }
    const onGrid = ([x, y]) => field.x.includes(x) || field.y.includes(y);
    const [lines] = isolines(field, [0.5], 1);
    const found = lines.flatMap((line) => points(line).slice(isClosed(line) ? 1 : 0)).filter(onGrid);
    assert.equal(found.length, expected);
  }
});

test("no line goes through a cell with a hole", () => {
  const field = fieldOf(even(21), even(21), (x, y, i, j) => (i === 10 && j === 10 ? NaN : x));
  const [lines] = isolines(field, [0.49], 1);
  assert.equal(lines.length, 2, "one line, in two parts");
  for (const [, y] of lines.flatMap(points)) assert.ok(y <= 0.45 + 1e-9 || y >= 0.55 - 1e-9);
  const nothing = fieldOf(even(4), even(4), () => NaN);
  assert.deepEqual(isolines(nothing, [0.5], 1), [[]]);
});

test("larger cells show the same lines more roughly", () => {
  const field = fieldOf(even(102), even(102), (x, y) => (x - 0.5) ** 2 + (y - 0.5) ** 2);
  for (const stride of [2, 3, 7]) {
    const [lines] = isolines(field, [0.09], stride);
    assert.equal(lines.length, 1);
    assert.ok(isClosed(lines[0]));
    for (const [x, y] of points(lines[0])) near(Math.hypot(x - 0.5, y - 0.5), 0.3, (stride / 101) ** 2);
  }
});

test("noise of too many lines has none", () => {
  const random = new Random(28);
  const field = randomField(random, 200, 200);
  assert.equal(isolines(field, new Scale(false, 0, 1).levels(12), 1), null);
  assert.notEqual(isolines(field, [0.5], 1), null);
});
