import assert from "node:assert/strict";
import { test } from "node:test";

import { bandPixels, insideCell } from "../src/bands.js";
import { Scale } from "../src/scale.js";
import { even, fieldOf, randomField } from "./fields.js";
import { Random } from "./random.js";

/** Colours that tell their fraction. */
const colors = { at: (fraction) => [Math.round(255 * fraction), 10, 20] };
const pixelAt = (bytes, width, column, row) => [
  ...bytes.slice(4 * (row * width + column), 4 * (row * width + column) + 4),
];

test("a cell is linear in four triangles around the mean of its corners", () => {
  const random = new Random(29);
  for (let k = 0; k < 500; k++) {
    const field = randomField(random, 2, 2);
    const [a, d, b, c] = field.fractions;
    const mean = (a + b + c + d) / 4;
    const near = (value, expected) => assert.ok(Math.abs(value - expected) < 1e-12, `${value} is not ${expected}`);
    for (const [s, t, value] of [
      [0, 0, a],
      [1, 0, b],
      [1, 1, c],
      [0, 1, d],
      [0.5, 0.5, mean],
    ]) {
      near(insideCell(field, 0, 0, s, t), value);
    }
    // Weights of two corners and the middle.
    const [u, v] = [random.next(), random.next()].sort();
    const [p, q, r] = [u, v - u, 1 - v];
    const corners = [
      [0, 0, a],
      [1, 0, b],
      [1, 1, c],
      [0, 1, d],
    ];
    corners.forEach((one, n) => {
      const other = corners[(n + 1) % 4];
      const [s, t, value] = [0, 1, 2].map((axis) => p * one[axis] + q * other[axis] + r * [0.5, 0.5, mean][axis]);
      near(insideCell(field, 0, 0, s, t), value);
    });
  }
});

test("the image has x to the right and y upwards, a colour a band", () => {
  const scale = new Scale(false, 0, 1);
  const [width, height] = [100, 50];
  const across = bandPixels(
    fieldOf(even(5), even(3), (x) => x, scale),
    colors,
    width,
    height,
    1,
  );
  const upwards = bandPixels(
    fieldOf(even(5), even(3), (x, y) => y, scale),
    colors,
    width,
    height,
    1,
  );
  assert.equal(across.length, 4 * width * height);
  const edges = [0, ...scale.levels(12), 1];
  const colorOf = (value) => {
    const band = edges.findIndex((edge, k) => value >= edge && value < edges[k + 1]);
    return [...colors.at((edges[band] + edges[band + 1]) / 2), 255];
  };
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      assert.deepEqual(pixelAt(across, width, column, row), colorOf((column + 0.5) / width));
      assert.deepEqual(pixelAt(upwards, width, column, row), colorOf(1 - (row + 0.5) / height));
    }
  }
});

test("a field without levels has one colour", () => {
  const bytes = bandPixels(
    fieldOf(even(2), even(2), () => 1, new Scale(false, 0.9999, 1.0001)),
    { at: () => [1, 2, 3] },
    8,
    8,
    1,
  );
  for (let k = 0; k < 64; k++) assert.deepEqual([...bytes.slice(4 * k, 4 * k + 4)], [1, 2, 3, 255]);
});

test("cells with a hole are striped in greys, what is clipped in white", () => {
  const field = fieldOf(even(5), even(5), (x, y, i) => [NaN, 0.5, 0.5, 0.5, 7][i]);
  const side = 80;
  const bytes = bandPixels(field, colors, side, side, 1);
  const names = { "219,219,219": "hole", "140,140,140": "hole", "255,255,255": "clipped" };
  const kinds = Array.from({ length: side }, (_, column) => {
    const found = new Set();
    for (let row = 0; row < side; row++)
      found.add(names[String(pixelAt(bytes, side, column, row).slice(0, 3))] ?? "band");
    return [...found].sort().join(" ");
  });
  assert.ok(kinds.slice(0, 20).every((kind) => kind === "hole"));
  assert.ok(kinds.slice(20, 60).every((kind) => kind === "band"));
  // From 0.5 to 7 it leaves the scale early in the last cell.
  assert.ok(kinds.slice(64).every((kind) => kind === "band clipped"));
});
