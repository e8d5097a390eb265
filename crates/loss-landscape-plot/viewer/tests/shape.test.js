import assert from "node:assert/strict";
import { test } from "node:test";

import { decodeLandscape, shapeOf } from "../src/landscape.js";

const encode = (...values) => Buffer.from(Float64Array.from(values).buffer).toString("base64");

/** A landscape of 3×2 points with two wells, or with more minima. */
function shape({ minima, saddles, hills = 0 }) {
  const column = (rows, k) => encode(...rows.map((row) => row[k]));
  const names = ["i", "j", "persistence", "share", "certain"];
  const data = {
    name: "wells",
    xLabel: "α",
    yLabel: "β",
    x: encode(-1, 0, 3),
    y: encode(0, 10),
    channels: [{ name: "loss", values: encode(0.5, 3, 2, 4, 0.25, 5) }],
    draws: [],
    trajectories: [],
    shapes: [
      {
        channel: "loss",
        draw: 0,
        minima: Object.fromEntries(names.map((name, k) => [name, column(minima, k)])),
        saddles: Object.fromEntries(["i", "j", "ends"].map((name, k) => [name, column(saddles, k)])),
        hills,
      },
    ],
    provenance: [],
  };
  return shapeOf(decodeLandscape(data), "loss", 0);
}

const wells = {
  minima: [
    [2, 0, Infinity, 0.75, 1],
    [0, 0, 1.5, 0.25, 0],
  ],
  saddles: [[1, 0, 1]],
};

test("marks are where their grid points are, with their values", () => {
  const { minima, saddles } = shape(wells);
  assert.deepEqual(
    minima.map(({ number, x, y, value }) => [number, x, y, value]),
    [
      [1, 1, 0, 0.25],
      [2, 0, 0, 0.5],
    ],
  );
  assert.deepEqual([saddles[0].x, saddles[0].value, saddles[0].ends], [0.25, 2, 2]);
});

test("what is under the pointer is told", () => {
  const found = shape(wells);
  assert.equal(found.at(2, 0), "minimum 1: the deepest, 75 % of the points flow here");
  const doubt = "not certain for points without a value";
  assert.equal(found.at(0, 0), `minimum 2: persistence 1.5, 25 % of the points flow here, ${doubt}`);
  assert.equal(found.at(1, 0), "saddle at which minimum 2 ends");
  assert.equal(found.at(1, 1), "");
});

test("the list has a row for each minimum", () => {
  const found = shape({ ...wells, hills: 1 });
  assert.equal(found.summary, "Shape of loss: 2 minima, 1 saddle, 1 hill");
  assert.deepEqual(found.rows, [
    ["1", "3", "0", "0.25", "–", "∞", "75 %"],
    ["2 ?", "−1", "0", "0.5", "2", "1.5", "25 %"],
  ]);
});

test("of many minima the most persistent are kept, and the others counted", () => {
  const minima = Array.from({ length: 500 }, (_, k) => [0, 0, 500 - k, 0.002, 1]);
  const saddles = Array.from({ length: 499 }, (_, k) => [1, 0, 499 - k]);
  const found = shape({ minima, saddles });
  assert.deepEqual([found.minima.length, found.saddles.length], [300, 299]);
  assert.equal(found.summary, "Shape of loss: 500 minima (the 300 most persistent shown)");
});

test("only marks that have a place are drawn", () => {
  const drawn = { arc: 0, fill: 0, fillText: [] };
  const context = new Proxy(
    {},
    {
      get: (_, name) => {
        if (name === "arc") return () => drawn.arc++;
        if (name === "fill") return () => drawn.fill++;
        if (name === "fillText") return (text) => drawn.fillText.push(text);
        return () => {};
      },
      set: () => true,
    },
  );
  shape(wells).draw(context, ({ x }) => (x > 0 ? [10, 10] : null));
  assert.deepEqual(drawn, { arc: 1, fill: 2, fillText: [1] });
});
