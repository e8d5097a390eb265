// Fields for tests.

import { Field } from "../src/field.js";
import { Scale } from "../src/scale.js";

/** Even coordinates from 0 to 1. */
export function even(count) {
  return Float64Array.from({ length: count }, (_, k) => k / (count - 1));
}

/** The field of a function of the coordinates on a scale, by default the linear one from 0 to 1. */
export function fieldOf(x, y, value, scale = new Scale(false, 0, 1)) {
  const values = new Float64Array(x.length * y.length);
  for (let i = 0; i < x.length; i++) {
    for (let j = 0; j < y.length; j++) values[i * y.length + j] = value(x[i], y[j], i, j);
  }
  return new Field({ x, y }, values, scale);
}

/** A field of random heights from 0 to 1 on an uneven grid; a share of its points are holes. */
export function randomField(random, nx, ny, holes = 0) {
  return fieldOf(random.axis(nx), random.axis(ny), () => (random.next() < holes ? NaN : random.next()));
}
