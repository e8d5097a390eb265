import assert from "node:assert/strict";
import { test } from "node:test";

import { rangeText, suggestedScale, suggestsLog, survey, typedScale, wholeScale } from "../src/range.js";
import { Scale } from "../src/scale.js";
import { Random } from "./random.js";

const MAX = Number.MAX_VALUE;
const ends = ({ lo, hi }) => [lo, hi];
const surveyOf = (...values) => survey([Float64Array.from(values)]);

test("a survey knows the ends of what is finite, in all arrays together", () => {
  const found = survey([Float64Array.of(3, NaN, -2, 0), Float64Array.of(Infinity, 0.5, -Infinity, 7)]);
  const { min, max, minPositive, finite, positive } = found;
  assert.deepEqual(
    { min, max, minPositive, finite, positive },
    { min: -2, max: 7, minPositive: 0.5, finite: 5, positive: 3 },
  );
  assert.deepEqual(found.sample, Float64Array.of(-2, 0, 0.5, 3, 7));
});

test("the sample of a large array is small and sorted", () => {
  const random = new Random(9);
  const { sample } = survey([Float64Array.from({ length: 100_000 }, () => random.between(-1, 1))]);
  assert.ok(sample.length >= 20_000 && sample.length < 40_000);
  assert.ok(sample.every((value, k) => k === 0 || value >= sample[k - 1]));
});

test("a logarithmic scale is suggested for positive values over more than two decades", () => {
  assert.ok(suggestsLog(surveyOf(0.01, 2)));
  assert.ok(!suggestsLog(surveyOf(1, 99)));
  assert.ok(!suggestsLog(surveyOf(0, 1000)));
  assert.ok(!suggestsLog(surveyOf(-1, 1000)));
  assert.ok(!suggestsLog(surveyOf(NaN)));
});

test("the whole scale has the ends of the values", () => {
  assert.deepEqual(ends(wholeScale(surveyOf(-1, 2, 5), false)), [-1, 5]);
  assert.deepEqual(ends(wholeScale(surveyOf(-1, 2, 5), true)), [2, 5]);
});

test("a single value is inside its scale, none has one too", () => {
  for (const value of [0, 3, -3, 1e-320, 5e-324, -5e-324, 1e308, MAX, -MAX, 2 ** 60]) {
    for (const log of value > 0 ? [false, true] : [false]) {
      const scale = wholeScale(surveyOf(value, value), log);
      assert.ok(Number.isFinite(scale.lo) && Number.isFinite(scale.hi) && scale.span > 0, `${value}`);
      const fraction = scale.fraction(value);
      assert.ok(fraction >= 0 && fraction <= 1, `${value} is at ${fraction}`);
      for (const tick of scale.ticks(6)) assert.ok(Number.isFinite(tick), `${value}`);
    }
  }
  assert.deepEqual(ends(wholeScale(surveyOf(NaN), false)), [0, 1]);
  assert.deepEqual(ends(wholeScale(surveyOf(-1, 0), true)), [1, 10]);
});

test("a needle is clipped at first, an even spread is not", () => {
  const spread = Array.from({ length: 1000 }, (_, k) => k / 999);
  assert.deepEqual(ends(suggestedScale(surveyOf(...spread), false)), [0, 1]);
  const { lo, hi } = suggestedScale(surveyOf(...spread, 1e9), false);
  assert.ok(lo === 0 && hi > 0.98 && hi <= 1);
  const below = suggestedScale(surveyOf(...spread, -1e9), false);
  assert.ok(below.lo >= 0 && below.lo < 0.02 && below.hi === 1);
});

test("few values, and values of which most are the same, are shown whole", () => {
  assert.deepEqual(ends(suggestedScale(surveyOf(0, 1, 1e9), false)), [0, 1e9]);
  assert.deepEqual(ends(suggestedScale(surveyOf(...Array(1000).fill(2), 5), false)), [2, 5]);
});

test("the ends in the form are short", () => {
  assert.equal(rangeText(10.0200001), "10.02");
  assert.equal(rangeText(-1e-7 / 3), "-3.3333e-8");
  assert.equal(rangeText(0), "0");
});

test("typed numbers make a scale", () => {
  const shown = new Scale(false, 0, 1);
  assert.deepEqual(ends(typedScale(["-1", " 2e3 "], shown, false).scale), [-1, 2000]);
  assert.deepEqual(ends(typedScale(["−1.5", "2"], null, false).scale), [-1.5, 2]);
  assert.equal(typedScale(["0.1", "2"], null, true).scale.log, true);
});

test("an end that was not typed over keeps its digits", () => {
  const shown = new Scale(false, 1 / 3, 10 + 1 / 3);
  const texts = ends(shown).map(rangeText);
  assert.deepEqual(ends(typedScale(["0", texts[1]], shown, false).scale), [0, 10 + 1 / 3]);
  assert.deepEqual(ends(typedScale([texts[0], "5"], shown, false).scale), [1 / 3, 5]);
});

test("what is typed wrongly is told", () => {
  const problem = (lo, hi, log) => typedScale([lo, hi], new Scale(log, 1, 2), log).problem;
  for (const text of ["", "  ", "two", "1e999", "NaN"])
    assert.equal(problem(text, "3", false), "Two numbers are needed.");
  assert.equal(problem("3", "3", false), "The first must be below the second.");
  assert.equal(problem("4", "3", true), "The first must be below the second.");
  assert.equal(problem("0", "3", true), "A logarithmic scale begins above 0.");
  // Two numbers with the same logarithm make no scale.
  assert.equal(problem("1e10", "10000000000.000002", true), "The first must be below the second.");
});
