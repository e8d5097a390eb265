// The camera: where a surface is seen from.

import { View } from "./view.js";

const NEAREST = 1.2;
const FARTHEST = 12;
/** From where a scene is seen at first, unless another side is lower by `LOWER` of its height. */
const HOME = -Math.PI / 3;
const LOWER = 0.15;

/**
 * An observer on a sphere around a target. The scene is a box with the floor [−1, 1]² and some height; its first axis
 * runs along x, its second along y.
 */
export class Camera {
  constructor() {
    this.home = HOME;
    this.reset();
  }

  /** Begins where the near quarter of a field is low, so that it hides little of the rest. */
  begin(field) {
    const quarters = [0, 1, 2, 3].map((turn) => {
      const azimuth = HOME + (turn * Math.PI) / 2;
      return { azimuth, height: meanHeight(field, Math.cos(azimuth) > 0, Math.sin(azimuth) > 0) };
    });
    const best = quarters.reduce((best, quarter) => (quarter.height < best.height - LOWER ? quarter : best));
    this.home = best.azimuth;
    this.reset();
  }

  reset() {
    this.azimuth = this.home;
    this.elevation = 0.52;
    this.distance = 5.3;
    this.target = [0, 0, 0.3];
  }

  turn(right, up) {
    this.azimuth = (this.azimuth - right) % (2 * Math.PI);
    this.elevation = Math.min(Math.max(this.elevation + up, 0.03), Math.PI / 2);
  }

  zoom(factor) {
    this.distance = Math.min(Math.max(this.distance * factor, NEAREST), FARTHEST);
  }

  /** Moves the scene along the screen. */
  pan(right, up) {
    const { u, v } = this.axes();
    for (let k = 0; k < 3; k++) {
      const moved = this.target[k] - (u[k] * right + v[k] * up);
      this.target[k] = Math.min(Math.max(moved, -1.5), 1.5);
    }
  }

  copy(other) {
    Object.assign(this, other, { target: [...other.target] });
  }

  /** Unit vectors: to the right of the screen, up along it, and out of it. */
  axes() {
    const [ca, sa] = [Math.cos(this.azimuth), Math.sin(this.azimuth)];
    const [ce, se] = [Math.cos(this.elevation), Math.sin(this.elevation)];
    return { u: [-sa, ca, 0], v: [-se * ca, -se * sa, ce], w: [ce * ca, ce * sa, se] };
  }

  /** The view of a picture of this size. */
  view(width, height) {
    return new View(this, width, height);
  }
}

/** The mean drawn height of a quarter of a field, at the right or left and in its upper or lower half. */
function meanHeight(field, right, upper) {
  let [sum, count] = [0, 0];
  for (let i = 0; i < field.nx; i++) {
    if (field.x[i] > 0.5 !== right) continue;
    for (let j = 0; j < field.ny; j++) {
      const height = field.height(i, j);
      if (field.y[j] > 0.5 !== upper || Number.isNaN(height)) continue;
      sum += height;
      count++;
    }
  }
  return count ? sum / count : 1;
}
