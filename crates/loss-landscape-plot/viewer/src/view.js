// Views: a camera's picture of a certain size.

const FIELD_OF_VIEW = 0.5;

/** A camera's picture of a certain size: projection of points, and rays through pixels. */
export class View {
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
    /** How long a pixel is at the distance of the target. */
    this.pixel = (2 * camera.distance) / (focus * height);
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

  /** How far before the eye a point is, in the direction of view. */
  depth(point) {
    return dot(this.axes[2], this.eye) - dot(this.axes[2], point);
  }

  /** Whether a point has a place in the picture: it is not behind the eye, nor too near. */
  isAhead(point) {
    return this.depth(point) >= this.depths[0];
  }

  /** The part of a polygon, or of a segment, that has a place in the picture. */
  ahead(points) {
    const kept = [];
    points.forEach((point, k) => {
      const next = points[(k + 1) % points.length];
      const [here, there] = [point, next].map((p) => this.depth(p) - this.depths[0]);
      if (here >= 0) kept.push(point);
      if (here >= 0 !== there >= 0) kept.push(point.map((p, n) => p + (here / (here - there)) * (next[n] - p)));
    });
    return kept;
  }

  /** On which side of the box the eye is, along x and y. */
  sides() {
    return [this.eye[0] < 0 ? -1 : 1, this.eye[1] < 0 ? -1 : 1];
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
