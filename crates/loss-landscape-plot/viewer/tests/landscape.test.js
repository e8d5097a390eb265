import assert from "node:assert/strict";
import { test } from "node:test";

import { decodeLandscape, gridOf, shapeOf, drawText, lowestOf } from "../src/landscape.js";

const encode = (...values) => Buffer.from(Float64Array.from(values).buffer).toString("base64");

test("a landscape is decoded with its channels in order, and its paths", () => {
  const data = {
    draws: [],
    name: "one",
    xLabel: "α",
    yLabel: "β",
    x: encode(0, 1),
    y: encode(-1, 0, 1),
    channels: [
      { name: "loss", values: encode(1, 2, 3, 4, 5, NaN) },
      { name: "10", values: encode(0, 0, 0, 0, 0, 0) },
      { name: "2", values: encode(1, 1, 1, 1, 1, 1) },
    ],
    trajectories: [{ name: "SGD", x: encode(0.5), y: encode(0) }],
    shapes: [],
    provenance: [["seed", "42"]],
  };
  const landscape = decodeLandscape(data);
  assert.deepEqual([...landscape.channels.keys()], ["loss", "10", "2"]);
  assert.deepEqual(landscape.channels.get("loss"), Float64Array.of(1, 2, 3, 4, 5, NaN));
  assert.deepEqual([...landscape.trajectories[0].x, ...landscape.trajectories[0].y], [0.5, 0.5]);
  assert.deepEqual([landscape.name, landscape.xLabel, landscape.provenance], ["one", "α", [["seed", "42"]]]);
  assert.equal(typeof data.x, "string", "what is given stays as it is");
  assert.deepEqual(gridOf(landscape, "2", 0), Float64Array.of(1, 1, 1, 1, 1, 1));
  assert.equal(gridOf(landscape, "3", 0), undefined);
  assert.equal(drawText(landscape, 0), "");
});

test("each draw has its part of a channel, and all draws one that is common to them", () => {
  const names = ["i", "j", "persistence", "share", "certain", "ends"];
  const numbers = (first) => Object.fromEntries(names.map((name) => [name, first]));
  const shape = (channel, draw) => {
    return { channel, draw, minima: numbers(encode(1)), saddles: numbers(encode()), hills: 0 };
  };
  const landscape = decodeLandscape({
    name: "three",
    x: encode(0, 1),
    y: encode(0, 1),
    channels: [
      { name: "loss", values: encode(1, 2, 3, 4, 5, 6, 7, 8, 9, NaN, 11, 12) },
      { name: "median", values: encode(5, 6, 7, 8) },
    ],
    draws: [{ label: "seed 4, streams 0 and 1" }, { label: "" }, { label: "given" }],
    trajectories: [],
    shapes: [shape("loss", 0), shape("loss", 2), shape("median", 0)],
    provenance: [],
  });
  assert.deepEqual(gridOf(landscape, "loss", 0), Float64Array.of(1, 2, 3, 4));
  assert.deepEqual(gridOf(landscape, "loss", 2), Float64Array.of(9, NaN, 11, 12));
  for (const draw of [0, 1, 2]) {
    assert.deepEqual(gridOf(landscape, "median", draw), Float64Array.of(5, 6, 7, 8));
    assert.equal(shapeOf(landscape, "median", draw).minima[0].value, 8);
  }
  const values = [0, 1, 2].map((draw) => shapeOf(landscape, "loss", draw)?.minima[0].value);
  assert.deepEqual(values, [4, undefined, 12]);
  const texts = [0, 1, 2].map((draw) => drawText(landscape, draw));
  assert.deepEqual(texts, ["1 of 3: seed 4, streams 0 and 1", "2 of 3", "3 of 3: given"]);
  assert.equal(drawText({ draws: [{ label: "seed 4, streams 0 and 1" }] }, 0), "");
});

test("the lowest point is the first of the least finite values", () => {
  assert.equal(lowestOf(Float64Array.of(3, -Infinity, 1, NaN, 1, 2)), 2);
  assert.equal(lowestOf(Float64Array.of(NaN, Infinity)), null);
  assert.equal(lowestOf(new Float64Array()), null);
});
