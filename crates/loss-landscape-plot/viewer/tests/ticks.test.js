import assert from "node:assert/strict";
import { test } from "node:test";

import { linearTicks, logTicks } from "../src/ticks.js";
import { Random } from "./random.js";

const MAX = Number.MAX_VALUE;

test("linear ticks are multiples of 1, 2 or 5 times a power of ten", () => {
  assert.deepEqual(linearTicks(0, 1, 6), [0, 0.2, 0.4, 0.6, 0.8, 1]);
  assert.deepEqual(linearTicks(-1, 1, 5), [-1, -0.5, 0, 0.5, 1]);
  assert.deepEqual(linearTicks(0.02, 10.02, 12), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  assert.deepEqual(linearTicks(1e6, 1e6 + 3, 4), [1000000, 1000001, 1000002, 1000003]);
});

test("linear ticks of any range are inside it, evenly spread and few", () => {
  const random = new Random(5);
  for (let k = 0; k < 20000; k++) {
    const size = random.size(-300, 300);
    const lo = size * random.between(-5, 5);
    const hi = lo + size * random.size(-3, 1);
    const most = random.whole(3, 12);
    const ticks = linearTicks(lo, hi, most);
    assert.ok(ticks.length >= 1 && ticks.length <= most, `${ticks.length} ticks from ${lo} to ${hi}`);
    const step = ticks[1] - ticks[0];
    const slack = 1e-6 * (hi - lo);
    ticks.forEach((tick, n) => {
      assert.ok(tick >= lo - slack && tick <= hi + slack, `${tick} from ${lo} to ${hi}`);
      if (n > 0) assert.ok(Math.abs(tick - ticks[n - 1] - step) <= slack, `${ticks}`);
    });
    if (ticks.length > 1) {
      const digit = Number(step.toExponential(4).split("e")[0]);
      assert.ok(
        [1, 2, 5].some((round) => Math.abs(digit - round) < 0.01),
        `a step of ${step}`,
      );
    }
  }
});

test("ticks of extreme ranges are finite and inside", () => {
  const ranges = [
    [-MAX, MAX],
    [0, MAX],
    [0, 5e-324],
    [-5e-324, 5e-324],
    [1, 1 + Number.EPSILON],
    [1e300, MAX],
  ];
  for (const [lo, hi] of ranges) {
    for (const most of [3, 6, 12]) {
      const ticks = linearTicks(lo, hi, most);
      assert.ok(ticks.length >= 1 && ticks.length <= most, `${ticks} from ${lo} to ${hi}`);
      for (const tick of ticks) assert.ok(tick >= lo && tick <= hi, `${tick} from ${lo} to ${hi}`);
    }
  }
});

test("logarithmic ticks are round numbers over decades", () => {
  assert.deepEqual(logTicks(0.01, 100, 5), [0.01, 0.1, 1, 10, 100]);
  assert.deepEqual(logTicks(1, 10, 12), [1, 1.5, 2, 3, 5, 7, 10]);
  assert.deepEqual(logTicks(0.02, 10.02, 12), [0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10]);
  assert.deepEqual(logTicks(1e-10, 1e10, 5), [1e-10, 1e-5, 1, 1e5, 1e10]);
  assert.deepEqual(logTicks(2, 2.5, 6), [2, 2.1, 2.2, 2.3, 2.4, 2.5]);
});

test("logarithmic ticks of any range are inside it, ascending and few", () => {
  const random = new Random(6);
  for (let k = 0; k < 1000; k++) {
    const lo = random.size(-320, 307);
    const hi = Math.min(lo * random.size(0.001, random.whole(0, 1) ? 2 : 600), MAX);
    const most = random.whole(3, 12);
    const ticks = logTicks(lo, hi, most);
    assert.ok(ticks.length >= 1 && ticks.length <= most, `${ticks.length} ticks from ${lo} to ${hi}`);
    ticks.forEach((tick, n) => {
      assert.ok(tick >= lo * (1 - 1e-6) && tick <= hi * (1 + 1e-6), `${tick} from ${lo} to ${hi}`);
      if (n > 0) assert.ok(tick > ticks[n - 1], `${ticks}`);
    });
  }
});

test("no logarithmic tick is beyond the largest number", () => {
  for (const lo of [1e300, 5e307, 1e308]) {
    for (const tick of logTicks(lo, MAX, 12)) assert.ok(Number.isFinite(tick), `from ${lo}`);
  }
});
