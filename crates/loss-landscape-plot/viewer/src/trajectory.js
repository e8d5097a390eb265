// Trajectories: paths over the plane, on the surface and over the contours.

import { decodeFloats } from "./numbers.js";
import { unitPlaces, insideUnitSquare } from "./axis.js";
import { INK, drawDot } from "./canvas.js";

/** Colours of trajectories, told apart with any colour vision, inside a dark outline. */
const PATH_COLORS = ["#ffffff", "#ffb000", "#fe6100", "#dc267f", "#648fff"];
/** The longest step of a path drawn on a surface, in units of its unit square. */
const PATH_STEP = 1 / 150;

/** A path in the unit square of its landscape. */
export class Trajectory {
  constructor(landscape, data, number) {
    this.name = data.name;
    this.color = PATH_COLORS[number % PATH_COLORS.length];
    this.x = unitPlaces(landscape.x, decodeFloats(data.x));
    this.y = unitPlaces(landscape.y, decodeFloats(data.y));
    const inside = (place) => place >= 0 && place <= 1;
    this.outside = this.x.filter((x, k) => !(inside(x) && inside(this.y[k]))).length;
  }

  /** Segments on the surface, in short steps that follow it; none outside it or over holes. */
  segments(field) {
    const segments = [];
    for (let k = 0; k + 1 < this.x.length; k++) {
      const ends = insideUnitSquare([this.x[k], this.y[k]], [this.x[k + 1], this.y[k + 1]]);
      if (!ends) continue;
      const [[x0, y0], [x1, y1]] = ends;
      const steps = Math.ceil(Math.hypot(x1 - x0, y1 - y0) / PATH_STEP) || 1;
      let last = null;
      for (let step = 0; step <= steps; step++) {
        const share = step / steps;
        const [x, y] = [(1 - share) * x0 + share * x1, (1 - share) * y0 + share * y1];
        const height = field.heightAt(x, y);
        const point = Number.isNaN(height) ? null : [2 * x - 1, 2 * y - 1, height];
        if (last && point) segments.push(...last, ...point);
        last = point;
      }
    }
    return Float32Array.from(segments);
  }

  /** Draws the path flat; `place` takes the unit square to the picture. */
  draw(context, place) {
    const points = Array.from(this.x, (x, k) => place(x, this.y[k]));
    context.lineJoin = context.lineCap = "round";
    context.beginPath();
    for (const [x, y] of points) context.lineTo(x, y);
    for (const [width, color] of [[4, INK], [2, this.color]]) {
      context.lineWidth = width;
      context.strokeStyle = color;
      context.stroke();
    }
    // Steps are dots as long as they are few enough to be told apart.
    const dots = points.length <= 200 ? points.slice(1, -1) : [];
    for (const [x, y] of dots) drawDot(context, x, y, 2.4, this.color);
    this.drawEnds(context, points[0], points[points.length - 1]);
  }

  /** A hollow dot where it starts, a full one where it ends. */
  drawEnds(context, start, end) {
    drawDot(context, ...start, 4, this.color);
    drawDot(context, ...start, 1.6, INK);
    drawDot(context, ...end, 5, this.color);
  }
}
