// Landscapes: grids of values, out of the data of the page.

import { decodeFloats } from "./numbers.js";
import { Trajectory } from "./trajectory.js";
import { shapesOf } from "./shape.js";

/** A landscape with its numbers out of base64: a channel has one grid for each draw, or one for all of them. */
export function decodeLandscape(data) {
  const landscape = { ...data, x: decodeFloats(data.x), y: decodeFloats(data.y) };
  landscape.channels = new Map(data.channels.map(({ name, values }) => [name, decodeFloats(values)]));
  landscape.trajectories = data.trajectories.map((trajectory, k) => new Trajectory(landscape, trajectory, k));
  landscape.shapes = shapesOf(landscape, data.shapes);
  return landscape;
}

/** The values of a channel in a draw, a part of those of all draws; undefined for a channel that is not there. */
export function gridOf({ channels, x, y }, channel, draw) {
  const values = channels.get(channel);
  const points = x.length * y.length;
  return values && (values.length > points ? values.subarray(draw * points, (draw + 1) * points) : values);
}

/** The minima and saddles of a channel in a draw, or null. */
export function shapeOf({ channels, shapes, x, y }, channel, draw) {
  const values = channels.get(channel);
  const grid = values && values.length > x.length * y.length ? draw : 0;
  return shapes.find((shape) => shape.channel === channel && shape.grid === grid) ?? null;
}

/** Which draw it is, of how many, and of which directions; empty where there is but one. */
export function drawText({ draws }, draw) {
  if (draws.length < 2) return "";
  const { label } = draws[draw];
  return `${draw + 1} of ${draws.length}${label && `: ${label}`}`;
}

/** The index of the least finite value, or null. */
export function lowestOf(values) {
  let lowest = null;
  for (let k = 0; k < values.length; k++) {
    if (Number.isFinite(values[k]) && (lowest === null || values[k] < values[lowest])) lowest = k;
  }
  return lowest;
}
