import assert from "node:assert/strict";
import { test } from "node:test";

import { decodeLandscape, lowestOf } from "../src/landscape.js";

const encode = (...values) => Buffer.from(Float64Array.from(values).buffer).toString("base64");

test("a landscape is decoded with its channels in order, and its paths", () => {
  const data = {
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
});

test("the lowest point is the first of the least finite values", () => {
  assert.equal(lowestOf(Float64Array.of(3, -Infinity, 1, NaN, 1, 2)), 2);
  assert.equal(lowestOf(Float64Array.of(NaN, Infinity)), null);
  assert.equal(lowestOf(new Float64Array()), null);
});
