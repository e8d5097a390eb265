import assert from "node:assert/strict";
import { test } from "node:test";

import { Camera } from "../src/camera.js";
import { buildMesh } from "../src/mesh.js";
import { pick } from "../src/pick.js";
import { even, fieldOf, randomField } from "./fields.js";
import { Random } from "./random.js";

const minus = (a, b) => a.map((value, k) => value - b[k]);
const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
const cross = (a, b) => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];

/** The distance along a ray to a triangle, or infinity (Möller and Trumbore). */
function toTriangle(eye, ray, [a, b, c]) {
  const [e1, e2] = [minus(b, a), minus(c, a)];
  const p = cross(ray, e2);
  const determinant = dot(e1, p);
  const t = minus(eye, a);
  const q = cross(t, e1);
  const [u, v, away] = [dot(t, p), dot(ray, q), dot(e2, q)].map((value) => value / determinant);
  return u >= 0 && v >= 0 && u + v <= 1 && away >= 0 ? away : Infinity;
}

/** The triangles that the renderer draws. */
function triangles(field, lift) {
  const { cells, places } = buildMesh(field);
  const point = (k) => [places[2 * k], places[2 * k + 1], lift * field.height(Math.floor(k / field.ny), k % field.ny)];
  return Array.from({ length: cells.length / 3 }, (_, n) => [...cells.slice(3 * n, 3 * n + 3)].map(point));
}

test("rays meet the triangles that are drawn, where they are met first", () => {
  const random = new Random(21);
  let [hits, misses] = [0, 0];
  for (let k = 0; k < 60; k++) {
    const field = randomField(random, random.whole(2, 8), random.whole(2, 8), random.next() < 0.5 ? 0.1 : 0);
    const lift = random.between(0.2, 2);
    const drawn = triangles(field, lift);
    const camera = new Camera();
    camera.turn(random.between(0, 6), random.between(-1, 1));
    camera.zoom(random.between(0.3, 1.5));
    const view = camera.view(600, 400);
    for (let n = 0; n < 50; n++) {
      const ray = view.ray(random.between(100, 500), random.between(50, 350));
      const distance = Math.min(...drawn.map((triangle) => toTriangle(view.eye, ray, triangle)));
      const hit = pick(field, lift, view.eye, ray);
      if (!hit) {
        misses++;
        assert.equal(distance, Infinity);
        continue;
      }
      hits++;
      // The mesh's places are in single precision.
      assert.ok(Math.abs(hit.distance - distance) < 1e-4, `${hit.distance} is not ${distance}`);
      const point = view.eye.map((e, axis) => e + hit.distance * ray[axis]);
      assert.ok(Math.abs(2 * hit.x - 1 - point[0]) < 1e-9 && Math.abs(2 * hit.y - 1 - point[1]) < 1e-9);
      assert.ok(Math.abs(lift * field.heightAt(hit.x, hit.y) - point[2]) < 1e-6);
    }
  }
  assert.ok(hits > 500 && misses > 200, `${hits} hits, ${misses} misses`);
});

test("a plateau at the top or the bottom is met everywhere", () => {
  const random = new Random(31);
  for (const height of [0, 1]) {
    const field = fieldOf(even(5), even(5), () => height);
    for (let k = 0; k < 500; k++) {
      const camera = new Camera();
      camera.turn(random.between(0, 6), random.between(-0.3, 1));
      const lift = random.between(0.2, 2);
      const view = camera.view(600, 400);
      const [u, v] = [random.between(0.01, 0.99), random.between(0.01, 0.99)];
      const { x, y } = view.project([2 * u - 1, 2 * v - 1, lift * height]);
      const hit = pick(field, lift, view.eye, view.ray(x, y));
      assert.ok(hit && Math.abs(hit.x - u) < 1e-9 && Math.abs(hit.y - v) < 1e-9, `${u}, ${v} at ${height}`);
    }
  }
});

test("a ray from straight above meets what is below it", () => {
  const field = fieldOf(even(11), even(11), (x, y) => x * y);
  const camera = new Camera();
  camera.elevation = Math.PI / 2;
  camera.target = [0.2, -0.4, 0];
  const view = camera.view(500, 500);
  const hit = pick(field, 1, view.eye, view.ray(250, 250));
  assert.ok(Math.abs(hit.x - 0.6) < 1e-9 && Math.abs(hit.y - 0.3) < 1e-9);
});

test("holes meet nothing, also where one triangle of a cell has all its corners", () => {
  const field = fieldOf(even(2), even(2), (x, y, i, j) => (i === 1 && j === 1 ? NaN : 0.5));
  const view = new Camera().view(600, 400);
  for (const [u, v] of [
    [0.1, 0.1],
    [0.4, 0.4],
    [0.9, 0.05],
    [0.9, 0.9],
  ]) {
    const { x, y } = view.project([2 * u - 1, 2 * v - 1, 0.5]);
    assert.equal(pick(field, 1, view.eye, view.ray(x, y)), null);
  }
});

test("rays that miss the box, or go along it, meet nothing", () => {
  const field = fieldOf(even(3), even(3), () => 0.5);
  assert.equal(pick(field, 1, [5, 5, 5], [0, 0, 1]), null);
  assert.equal(pick(field, 1, [5, 0, 0.5], [1, 0, 0]), null, "what is behind the eye");
  assert.equal(pick(field, 1, [1, -5, 0.7], [0, 1, 0]), null, "along a face");
});
