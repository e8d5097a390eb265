import assert from "node:assert/strict";
import { test } from "node:test";

import { Camera } from "../src/camera.js";
import { even, fieldOf } from "./fields.js";
import { Random } from "./random.js";

const dot = (a, b) => a.reduce((sum, value, k) => sum + value * b[k], 0);
const near = (a, b, tolerance = 1e-9) => assert.ok(Math.abs(a - b) <= tolerance, `${a} is not ${b}`);

/** A camera somewhere, and its view of a picture of some size. */
function somewhere(random) {
  const camera = new Camera();
  camera.turn(random.between(-9, 9), random.between(-2, 2));
  camera.zoom(random.between(0.3, 2));
  camera.pan(random.between(-1, 1), random.between(-1, 1));
  const [width, height] = [random.between(100, 2000), random.between(100, 1500)];
  return { camera, width, height, view: camera.view(width, height) };
}

test("the axes of a camera are orthogonal unit vectors, right-handed", () => {
  const random = new Random(15);
  for (let k = 0; k < 200; k++) {
    const { u, v, w } = somewhere(random).camera.axes();
    for (const axis of [u, v, w]) near(dot(axis, axis), 1);
    near(dot(u, v), 0);
    near(dot(v, w), 0);
    near(dot(w, u), 0);
    near(
      u[0] * (v[1] * w[2] - v[2] * w[1]) + u[1] * (v[2] * w[0] - v[0] * w[2]) + u[2] * (v[0] * w[1] - v[1] * w[0]),
      1,
    );
    assert.equal(u[2], 0, "the horizon is level");
  }
});

test("the target is in the middle of the picture, at the camera's distance", () => {
  const random = new Random(16);
  for (let k = 0; k < 200; k++) {
    const { camera, view, width, height } = somewhere(random);
    const { x, y, distance } = view.project(camera.target);
    near(x, width / 2, 1e-6);
    near(y, height / 2, 1e-6);
    near(distance, camera.distance);
  }
});

test("from above, x goes to the right and y up when the azimuth is −90°", () => {
  const camera = new Camera();
  Object.assign(camera, { azimuth: -Math.PI / 2, elevation: Math.PI / 2 });
  const view = camera.view(800, 600);
  const [middle, right, up] = [
    [0, 0, 0],
    [0.5, 0, 0],
    [0, 0.5, 0],
  ].map((point) => view.project(point));
  assert.ok(right.x > middle.x && Math.abs(right.y - middle.y) < 1e-9);
  assert.ok(up.y < middle.y && Math.abs(up.x - middle.x) < 1e-9);
});

test("a ray through a pixel meets all that is projected to it", () => {
  const random = new Random(17);
  for (let k = 0; k < 2000; k++) {
    const { view, width, height } = somewhere(random);
    const [x, y, away] = [random.between(0, width), random.between(0, height), random.between(0.1, 20)];
    const ray = view.ray(x, y);
    near(dot(ray, ray), 1);
    const place = view.project(view.eye.map((e, n) => e + away * ray[n]));
    near(place.x, x, 1e-6);
    near(place.y, y, 1e-6);
    near(place.distance, away);
  }
});

test("the matrix for WebGL projects as the view does", () => {
  const random = new Random(18);
  for (let k = 0; k < 500; k++) {
    const { view, width, height } = somewhere(random);
    const point = [random.between(-1, 1), random.between(-1, 1), random.between(0, 2)];
    if (!view.isAhead(point)) continue;
    const matrix = view.matrix();
    const [x, y, z, w] = [0, 1, 2, 3].map((row) =>
      dot(
        [0, 1, 2, 3].map((column) => matrix[4 * column + row]),
        [...point, 1],
      ),
    );
    const place = view.project(point);
    near((0.5 + x / w / 2) * width, place.x, 1e-3 * width);
    near((0.5 - y / w / 2) * height, place.y, 1e-3 * height);
    near(w, view.depth(point), 1e-4);
    assert.ok(z / w >= -1 - 1e-4 && z / w <= 1 + 1e-4, "between the near and the far plane");
  }
});

test("the near and the far plane are at the ends of the depths that WebGL keeps", () => {
  const view = new Camera().view(600, 400);
  const matrix = view.matrix();
  view.depths.forEach((depth, k) => {
    const point = [...view.eye.map((e, n) => e - depth * view.axes[2][n]), 1];
    const [z, w] = [2, 3].map((row) => point.reduce((sum, p, column) => sum + p * matrix[4 * column + row], 0));
    near(z / w, [-1, 1][k], 1e-4);
  });
});

test("the camera stays above the floor, and between two distances", () => {
  const random = new Random(19);
  const camera = new Camera();
  for (let k = 0; k < 2000; k++) {
    camera.turn(random.between(-2, 2), random.between(-1, 1));
    camera.zoom(random.between(0.3, 3));
    camera.pan(random.between(-2, 2), random.between(-2, 2));
    assert.ok(camera.elevation > 0 && camera.elevation <= Math.PI / 2);
    assert.ok(camera.distance >= 1.2 && camera.distance <= 12);
    assert.ok(camera.target.every((t) => Math.abs(t) <= 1.5));
    assert.ok(Math.abs(camera.azimuth) <= 2 * Math.PI);
  }
  camera.reset();
  assert.deepEqual({ ...camera }, { ...new Camera() });
});

test("what is moved stays under the pointer, in wide and in narrow pictures", () => {
  for (const [width, height] of [
    [900, 500],
    [500, 500],
    [300, 700],
  ]) {
    const camera = new Camera();
    const held = [...camera.target];
    const { pixel } = camera.view(width, height);
    camera.pan(37 * pixel, -21 * pixel);
    const place = camera.view(width, height).project(held);
    near(place.x, width / 2 + 37, 1e-6);
    near(place.y, height / 2 + 21, 1e-6);
  }
});

test("a copy of a camera is another camera", () => {
  const [first, second] = [new Camera(), new Camera()];
  first.turn(1, 0.2);
  second.copy(first);
  assert.deepEqual({ ...second }, { ...first });
  second.pan(0.1, 0.1);
  assert.deepEqual(first.target, [0, 0, 0.3]);
});

test("a scene begins with its low quarter in front", () => {
  const n = 21;
  for (const [right, upper] of [
    [true, false],
    [true, true],
    [false, true],
    [false, false],
  ]) {
    const low = (x, y) => (x > 0.5 === right && y > 0.5 === upper ? 0.1 : 0.9);
    const camera = new Camera();
    camera.begin(fieldOf(even(n), even(n), low));
    const { eye } = camera.view(800, 600);
    assert.deepEqual([eye[0] > 0, eye[1] > 0], [right, upper]);
    camera.turn(1, 0);
    camera.reset();
    assert.equal(camera.azimuth, camera.home);
  }
  const [usual, level] = [new Camera(), new Camera()];
  level.begin(fieldOf(even(n), even(n), (x) => 0.5 + 0.1 * x));
  assert.equal(level.home, usual.home, "unless all are about as high");
  level.begin(fieldOf(even(n), even(n), () => NaN));
  assert.equal(level.home, usual.home, "or there is nothing");
});

test("in a narrow picture the whole width is seen that a wide one shows", () => {
  const point = [1, 1, 0];
  const wide = new Camera().view(1350, 1000).project(point).x / 1350;
  const narrow = new Camera().view(300, 1000).project(point).x / 300;
  near(narrow, wide);
});

test("of a polygon there is left what is before the eye", () => {
  const random = new Random(20);
  let [whole, cut, none] = [0, 0, 0];
  for (let k = 0; k < 2000; k++) {
    const { view } = somewhere(random);
    const polygon = [
      [-1, -1, 0],
      [1, -1, 0],
      [1, 1, 0],
      [-1, 1, 0],
    ]
      .slice(0, random.whole(2, 4))
      .map((point) => point.map((p) => 3 * p));
    const ahead = view.ahead(polygon);
    const count = polygon.filter((point) => view.isAhead(point)).length;
    if (count === polygon.length) {
      whole++;
      assert.deepEqual(ahead, polygon);
    } else if (count === 0) {
      none++;
      assert.deepEqual(ahead, []);
    } else {
      cut++;
      for (const point of ahead) assert.ok(view.depth(point) >= view.depths[0] - 1e-9);
      assert.equal(ahead.filter((point) => polygon.includes(point)).length, count);
      assert.equal(ahead.length, count + 2, "two corners where the near plane cuts");
    }
  }
  assert.ok(whole > 100 && cut > 100, `${whole} ${cut} ${none}`);
});

test("the sides of the box are those of the eye", () => {
  const camera = new Camera();
  for (const [azimuth, sides] of [
    [0.5, [1, 1]],
    [2, [-1, 1]],
    [4, [-1, -1]],
    [-1, [1, -1]],
  ]) {
    camera.azimuth = azimuth;
    assert.deepEqual(camera.view(100, 100).sides(), sides);
  }
});
