import assert from "node:assert/strict";
import { test } from "node:test";

import { Colors, inkOf, isDark } from "../src/colors.js";

/** A table whose entry k is (k, 255 − k, 7). */
const hex = Array.from({ length: 256 }, (_, k) => [k, 255 - k, 7])
  .flat()
  .map((byte) => byte.toString(16).padStart(2, "0"))
  .join("");

test("a table has 256 opaque colours", () => {
  const { table } = new Colors(hex);
  assert.equal(table.length, 1024);
  for (let k = 0; k < 256; k++) assert.deepEqual([...table.slice(4 * k, 4 * k + 4)], [k, 255 - k, 7, 255]);
});

test("a fraction has the nearest of them; outside are the ends", () => {
  const colors = new Colors(hex);
  for (const [fraction, k] of [
    [0, 0],
    [1, 255],
    [0.5, 128],
    [10.4 / 255, 10],
    [-3, 0],
    [7, 255],
  ]) {
    assert.deepEqual(colors.at(fraction), [k, 255 - k, 7]);
  }
});

test("colours of paths become fractions", () => {
  assert.deepEqual(inkOf("#ff0033"), [1, 0, 0.2]);
});

test("white is written on dark colours", () => {
  assert.ok(isDark([0, 0, 0]) && isDark([68, 1, 84]));
  assert.ok(!isDark([255, 255, 255]) && !isDark([253, 231, 37]));
});
