import assert from "node:assert/strict";
import { test } from "node:test";

import { briefText, decodeFloats, tickTexts, valueText } from "../src/numbers.js";
import { Scale } from "../src/scale.js";
import { Random } from "./random.js";

/** The number that a text shows. */
function read(text) {
  const power = /^(−?)(?:([\d.]+)×)?10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)$/.exec(text);
  if (!power) return Number(text.replace("−", "-"));
  const [, sign, mantissa = "1", superscripts] = power;
  const exponent = [...superscripts].map((c) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹".indexOf(c)).map((k) => (k === 0 ? "-" : k - 1));
  return Number(`${sign && "-"}${mantissa}e${exponent.join("")}`);
}

test("every bit of every number is decoded", () => {
  const random = new Random(1);
  for (let count = 0; count < 40; count++) {
    const bits = BigUint64Array.from({ length: count }, () => {
      return (BigInt(random.whole(0, 2 ** 32 - 1)) << 32n) | BigInt(random.whole(0, 2 ** 32 - 1));
    });
    const text = Buffer.from(bits.buffer).toString("base64");
    const values = decodeFloats(text);
    assert.equal(values.length, count);
    values.forEach((value, k) => {
      const expected = new Float64Array(bits.buffer)[k];
      assert.ok(Object.is(value, expected), `${value} is not ${expected}`);
    });
  }
});

test("special numbers are decoded", () => {
  assert.deepEqual(decodeFloats(""), new Float64Array());
  assert.deepEqual(decodeFloats("AAAAAAAA8D8="), Float64Array.of(1));
  const special = Float64Array.of(NaN, Infinity, -Infinity, -0, 5e-324, Number.MAX_VALUE);
  const read = decodeFloats(Buffer.from(special.buffer).toString("base64"));
  special.forEach((value, k) => assert.ok(Object.is(read[k], value), String(value)));
});

test("values are written as people write them", () => {
  const texts = [
    [0, "0"],
    [-0, "0"],
    [1, "1"],
    [-1.5, "−1.5"],
    [0.02, "0.02"],
    [0.001, "0.001"],
    [9999.5, "9999.5"],
    [123456, "123456"],
    [1e6, "10⁶"],
    [-1e6, "−10⁶"],
    [2e-5, "2×10⁻⁵"],
    [-2.5e-12, "−2.5×10⁻¹²"],
    [NaN, "NaN"],
    [Infinity, "∞"],
    [-Infinity, "−∞"],
    [1 / 3, "0.333333333"],
    [5e-324, "5×10⁻³²⁴"],
  ];
  for (const [value, text] of texts) assert.equal(valueText(value), text);
  assert.equal(briefText(0.123456), "0.123");
  assert.equal(briefText(-98765), "−98800");
});

test("a text means its value to nine digits", () => {
  const random = new Random(2);
  for (let k = 0; k < 20000; k++) {
    const value = random.size(-300, 300) * (random.next() < 0.5 ? -1 : 1);
    assert.ok(Math.abs(read(valueText(value)) / value - 1) < 5.1e-9, `${value} is written ${valueText(value)}`);
  }
});

test("any two single-precision numbers have different texts", () => {
  const random = new Random(3);
  for (let k = 0; k < 20000; k++) {
    const [value] = Float32Array.of(random.size(-37, 37));
    const bits = new Uint32Array(Float32Array.of(value).buffer);
    bits[0]++;
    const [next] = new Float32Array(bits.buffer);
    assert.notEqual(valueText(value), valueText(next));
  }
});

test("ticks have the decimals they need, and the same ones", () => {
  assert.deepEqual(tickTexts([-1, -0.5, 0, 0.5, 1], false), ["−1.0", "−0.5", "0.0", "0.5", "1.0"]);
  assert.deepEqual(tickTexts([0, 20, 40], false), ["0", "20", "40"]);
  assert.deepEqual(tickTexts([0, 1e-8, 2e-8], false), ["0", "10⁻⁸", "2×10⁻⁸"]);
  assert.deepEqual(tickTexts([-2e7, 0, 2e7], false), ["−2×10⁷", "0", "2×10⁷"]);
  assert.deepEqual(tickTexts([0.01, 0.1, 1, 10], true), ["0.01", "0.1", "1", "10"]);
  assert.deepEqual(tickTexts([1e-5, 1, 1e5], true), ["10⁻⁵", "1", "100000"]);
  assert.deepEqual(tickTexts([], false), []);
  assert.deepEqual(tickTexts([7], false), ["7"]);
});

test("ticks of any scale are told apart by their texts, and are what these say", () => {
  const random = new Random(4);
  for (let k = 0; k < 4000; k++) {
    const log = random.next() < 0.5;
    const size = random.size(-200, 200);
    const lo = log ? size : size * random.between(-3, 3);
    const hi = log ? lo * random.size(0.01, 60) : lo + size * random.size(-4, 1);
    if (!Number.isFinite(hi) || !(lo < hi)) continue;
    const ticks = new Scale(log, lo, hi).ticks(random.whole(3, 12));
    const texts = tickTexts(ticks, log);
    assert.equal(new Set(texts).size, ticks.length, `${ticks}: ${texts}`);
    ticks.forEach((tick, n) => {
      const gap = Math.min(...ticks.filter((_, m) => m !== n).map((other) => Math.abs(other - tick)), Infinity);
      const exact = Math.abs(read(texts[n]) - tick) <= 2e-3 * (gap === Infinity ? Math.abs(tick) : gap);
      assert.ok(exact, `${tick} of ${ticks} is written ${texts[n]}`);
    });
  }
});
