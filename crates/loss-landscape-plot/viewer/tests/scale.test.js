import assert from "node:assert/strict";
import { test } from "node:test";

import { Scale } from "../src/scale.js";
import { Random } from "./random.js";

const MAX = Number.MAX_VALUE;

test("a scale goes from 0 to 1, evenly in values or in their logarithms", () => {
  const linear = new Scale(false, -2, 4);
  assert.deepEqual(
    [-2, -0.5, 1, 4, 7, -8].map((value) => linear.fraction(value)),
    [0, 0.25, 0.5, 1, 1.5, -1],
  );
  const log = new Scale(true, 0.01, 100);
  assert.deepEqual(
    [0.01, 0.1, 1, 100, 10000].map((value) => log.fraction(value)),
    [0, 0.25, 0.5, 1, 1.5],
  );
});

test("its ends are exact and its order is that of the values", () => {
  const random = new Random(7);
  for (let k = 0; k < 20000; k++) {
    const log = random.next() < 0.5;
    const sign = () => (log || random.next() < 0.5 ? 1 : -1);
    const value = () => sign() * random.size(-300, 300);
    const [lo, mid, hi] = [value(), value(), value()].sort((a, b) => a - b);
    const scale = new Scale(log, lo, hi);
    assert.equal(scale.fraction(lo), 0);
    assert.equal(scale.fraction(hi), 1);
    const fraction = scale.fraction(mid);
    assert.ok(fraction >= 0 && fraction <= 1, `${mid} between ${lo} and ${hi}`);
  }
});

test("no difference of ends overflows", () => {
  const scale = new Scale(false, -MAX, MAX);
  assert.deepEqual(
    [-MAX, 0, MAX].map((value) => scale.fraction(value)),
    [0, 0.5, 1],
  );
  const tiny = new Scale(false, 0, 5e-324);
  assert.deepEqual(
    [0, 5e-324].map((value) => tiny.fraction(value)),
    [0, 1],
  );
});

test("what is far outside a scale is outside, not without a place", () => {
  const scale = new Scale(false, 0, 1e-300);
  assert.equal(scale.fraction(1e300), Infinity);
  assert.equal(scale.fraction(-1e300), -Infinity);
});

test("what has no place on a scale is NaN", () => {
  for (const log of [false, true]) {
    for (const value of [NaN, Infinity, -Infinity]) assert.ok(Number.isNaN(new Scale(log, 1, 2).fraction(value)));
  }
  for (const value of [0, -0, -1]) assert.ok(Number.isNaN(new Scale(true, 1, 2).fraction(value)));
});

test("levels are ticks, none of them at an end", () => {
  assert.deepEqual(new Scale(false, 0, 1).levels(6), [0.2, 0.4, 0.6, 0.8]);
  assert.deepEqual(new Scale(true, 0.01, 100).levels(5), [0.1, 1, 10]);
  const random = new Random(8);
  for (let k = 0; k < 2000; k++) {
    const lo = random.between(-1, 1);
    const scale = new Scale(false, lo, lo + random.size(-5, 5));
    const ticks = scale.ticks(12);
    for (const level of scale.levels(12)) {
      assert.ok(ticks.includes(level) && scale.fraction(level) > 0 && scale.fraction(level) < 1);
    }
  }
});
