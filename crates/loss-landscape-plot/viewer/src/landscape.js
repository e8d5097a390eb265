// Landscapes: grids of values, out of the data of the page.

import { decodeFloats } from "./numbers.js";
import { Trajectory } from "./trajectory.js";
import { shapesOf } from "./shape.js";

/** A landscape with its numbers out of base64. */
export function decodeLandscape(data) {
  const landscape = { ...data, x: decodeFloats(data.x), y: decodeFloats(data.y) };
  landscape.channels = new Map(data.channels.map(({ name, values }) => [name, decodeFloats(values)]));
  landscape.trajectories = data.trajectories.map((trajectory, k) => new Trajectory(landscape, trajectory, k));
  landscape.shapes = shapesOf(landscape, data.shapes);
  return landscape;
}

/** The index of the least finite value, or null. */
export function lowestOf(values) {
  let lowest = null;
  for (let k = 0; k < values.length; k++) {
    if (Number.isFinite(values[k]) && (lowest === null || values[k] < values[lowest])) lowest = k;
  }
  return lowest;
}
