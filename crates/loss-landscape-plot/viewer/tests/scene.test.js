import assert from "node:assert/strict";
import { test } from "node:test";

import { Camera } from "../src/camera.js";
import { Scene } from "../src/scene.js";
import { even, fieldOf } from "./fields.js";

/** A scene over a context that notes where dots are. */
function sceneOf(field, lift) {
  const dots = [];
  const context = new Proxy(
    {},
    { get: (_, name) => (name === "arc" ? (x, y) => dots.push([x, y]) : () => {}), set: () => true },
  );
  return { dots, scene: Object.assign(Object.create(Scene.prototype), { context, field, lift }) };
}

test("the point that is read is on the surface, beside a hole too, and on the floor in one", () => {
  const field = fieldOf(even(5), even(5), (x, y, i, j) => (i === 2 && j === 2 ? NaN : 0.25 + 0.5 * x));
  const view = new Camera().view(600, 400);
  for (let i = 0; i < 5; i++) {
    for (let j = 0; j < 5; j++) {
      const { dots, scene } = sceneOf(field, 1.5);
      scene.drawPoint(view, { i, j });
      const height = i === 2 && j === 2 ? 0 : 1.5 * (0.25 + 0.125 * i);
      const { x, y } = view.project([i / 2 - 1, j / 2 - 1, height]);
      assert.equal(dots.length, 1);
      assert.ok(Math.hypot(dots[0][0] - x, dots[0][1] - y) < 1e-6, `point ${i}, ${j}`);
    }
  }
});

test("what is behind the eye is not drawn", () => {
  const field = fieldOf(even(2), even(2), () => 0.5);
  const camera = new Camera();
  Object.assign(camera, { azimuth: 0, elevation: 0.03, distance: 1.2, target: [-1.2, 0, 0.3] });
  const { dots, scene } = sceneOf(field, 1);
  scene.drawPoint(camera.view(600, 400), { i: 1, j: 0 });
  assert.deepEqual(dots, []);
});
