// The camera: where a surface is seen from.

const FIELD_OF_VIEW = 0.5;
const NEAREST = 1.2;
const FARTHEST = 12;
/** From where a scene is seen at first, unless another side is lower by `LOWER` of its height. */
const HOME = -Math.PI / 3;
const LOWER = 0.15;

/**
 * An observer on a sphere around a target. The scene is a box with the floor [−1, 1]² and some height; its first axis
 * runs along x, its second along y.
 */
class Camera {
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

  /** Moves the scene along the screen, in units of its half width at the target's distance. */
  pan(right, up) {
    const { u, v } = this.axes();
    for (let k = 0; k < 3; k++) {
      const moved = this.target[k] - (u[k] * right + v[k] * up) * this.distance * Math.tan(FIELD_OF_VIEW / 2);
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

/** A camera's picture of a certain size: projection of points, and rays through pixels. */
class View {
  constructor(camera, width, height) {
    const { u, v, w } = camera.axes();
    this.axes = [u, v, w];
    this.eye = camera.target.map((t, k) => t + camera.distance * w[k]);
    this.width = width;
    this.height = height;
    // In narrow pictures the width decides, so that the box stays inside.
    const focus = Math.min(1, width / height / 1.35) / Math.tan(FIELD_OF_VIEW / 2);
    this.focus = [(focus * height) / width, focus];
    this.depths = [camera.distance / 20, camera.distance + 6];
  }

  /** The projection as the column-major 4×4 matrix that WebGL takes. */
  matrix() {
    const [near, far] = this.depths;
    const rows = [
      this.row(this.axes[0], this.focus[0], 0),
      this.row(this.axes[1], this.focus[1], 0),
      this.row(this.axes[2], -(far + near) / (far - near), (-2 * far * near) / (far - near)),
      this.row(this.axes[2], -1, 0),
    ];
    return Float32Array.from({ length: 16 }, (_, k) => rows[k % 4][k >> 2]);
  }

  row(axis, factor, offset) {
    return [...axis.map((a) => factor * a), offset - factor * dot(axis, this.eye)];
  }

  /** Where a point is in the picture, in pixels from the upper left, and how far from the eye. */
  project(point) {
    const away = point.map((p, k) => p - this.eye[k]);
    const depth = -dot(this.axes[2], away);
    const x = (this.focus[0] * dot(this.axes[0], away)) / depth;
    const y = (this.focus[1] * dot(this.axes[1], away)) / depth;
    return { x: (0.5 + x / 2) * this.width, y: (0.5 - y / 2) * this.height, distance: Math.hypot(...away) };
  }

  /** The unit direction from the eye through a pixel. */
  ray(x, y) {
    const right = ((2 * x) / this.width - 1) / this.focus[0];
    const up = (1 - (2 * y) / this.height) / this.focus[1];
    const [u, v, w] = this.axes;
    const direction = u.map((_, k) => right * u[k] + up * v[k] - w[k]);
    const length = Math.hypot(...direction);
    return direction.map((d) => d / length);
  }
}

function dot(a, b) {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

/**
 * Where a ray first meets a surface of the given lift: its distance and the place in the unit square, or null. It goes
 * from one grid line to the next, so that it costs as much as the grid has lines.
 */
function pick(field, lift, eye, direction) {
  const origin = [(eye[0] + 1) / 2, (eye[1] + 1) / 2, eye[2] / lift];
  const slope = [direction[0] / 2, direction[1] / 2, direction[2] / lift];
  let [from, to] = [0, Infinity];
  for (let k = 0; k < 3; k++) {
    // Plateaus lie in the top and bottom faces themselves.
    const slack = k === 2 ? 1e-3 : 0;
    // A ray along a face of the box gives NaN or infinities of one sign, and misses.
    const ends = [(-slack - origin[k]) / slope[k], (1 + slack - origin[k]) / slope[k]];
    from = Math.max(from, Math.min(...ends));
    to = Math.min(to, Math.max(...ends));
  }
  if (!(from < to)) return null;
  const cuts = [from, to];
  for (const [k, axis] of [field.x, field.y].entries()) {
    for (const line of axis) {
      const t = (line - origin[k]) / slope[k];
      if (t > from && t < to) cuts.push(t);
    }
  }
  const times = Float64Array.from(cuts).sort();
  const at = (t) => origin.map((o, k) => o + t * slope[k]);
  for (let k = 0; k + 1 < times.length; k++) {
    const [x, y] = at((times[k] + times[k + 1]) / 2);
    const [i, j] = [cellOf(field.x, x), cellOf(field.y, y)];
    const above = (t) => {
      const point = at(t);
      const s = (point[0] - field.x[i]) / (field.x[i + 1] - field.x[i]);
      const u = (point[1] - field.y[j]) / (field.y[j + 1] - field.y[j]);
      return point[2] - field.heightInside(i, j, Math.min(Math.max(s, 0), 1), Math.min(Math.max(u, 0), 1));
    };
    const [before, after] = [above(times[k]), above(times[k + 1])];
    // A hole is NaN and meets nothing.
    if (before * after <= 0) {
      const t = times[k] + (times[k + 1] - times[k]) * (before === after ? 0 : before / (before - after));
      const point = at(t);
      return { distance: t, x: point[0], y: point[1] };
    }
  }
  return null;
}
