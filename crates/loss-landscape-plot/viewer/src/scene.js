// Scenes: a surface in its box, to turn, zoom and point at.

import { tickTexts } from "./numbers.js";
import { nearest, axisTicks } from "./axis.js";
import { inkOf } from "./colors.js";
import { pick } from "./pick.js";
import { INK, FONT, sizeCanvas, pixelRatio, drawDot } from "./canvas.js";

const FAINT = "#c8c8c8";

export class Scene {
  /** `moved` is called after each change of the camera, `pointed` with the point (i, j) under the pointer, or null. */
  constructor(canvas, landscape, camera, { moved, pointed }) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.landscape = landscape;
    this.camera = camera;
    this.pointed = pointed;
    this.moved = moved;
    this.pointers = new Map();
    this.listen();
  }

  get moving() {
    return this.pointers.size > 0 || performance.now() < this.movingUntil;
  }

  /** Draws everything. `drawn` is what the renderer made of the field, `paths` pairs of trajectory and its line. */
  draw(renderer, { field, drawn, paths, shape, point, lift, channel }) {
    const { context, canvas, camera } = this;
    const { width, height } = sizeCanvas(canvas);
    Object.assign(this, { field, lift });
    const view = (this.view = camera.view(width, height));
    canvas.dataset.camera = [camera.azimuth, camera.elevation, camera.distance, ...camera.target].join(" ");
    const ratio = pixelRatio();
    const toCss = () => context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    toCss();
    this.drawBox(view, lift);
    context.setTransform(1, 0, 0, 1, 0, 0);
    const paint = () => {
      renderer.begin(view, lift, canvas.width, canvas.height, ratio, this.moving && renderer.isSlow);
      const levels = field.levels.map((level) => field.scale.fraction(level));
      renderer.drawSurface(drawn, levels);
      for (const { trajectory, line } of paths) {
        const ink = inkOf(trajectory.color);
        renderer.drawLine(line, [...ink, 0.35], 1.5, true);
        renderer.drawLine(line, [0.1, 0.1, 0.1, 1], 4.5);
        renderer.drawLine(line, [...ink, 1], 2.2);
      }
    };
    paint();
    if (!this.moving && !this.timed) {
      // Once, now that shaders and arrays are in place.
      this.timed = true;
      renderer.cost += renderer.time(paint);
    }
    renderer.finish(context);
    toCss();
    this.drawAxes(view, lift, channel);
    for (const { trajectory } of paths) this.drawEnds(view, trajectory);
    if (shape) shape.draw(context, (mark) => this.placeOf(view, mark));
    if (point) this.drawPoint(view, point);
  }

  /** The point of the surface (or of its hole's floor) at a place of the unit square. */
  onSurface(x, y) {
    const height = this.field.heightAt(x, y);
    return [2 * x - 1, 2 * y - 1, (Number.isNaN(height) ? 0 : height) * this.lift];
  }

  /** Whether nothing is in front of a point of the surface. */
  isSeen(view, { x, y, distance }) {
    const hit = pick(this.field, this.lift, view.eye, view.ray(x, y));
    return !hit || hit.distance > distance - 0.02;
  }

  drawEnds(view, trajectory) {
    const last = trajectory.x.length - 1;
    const [start, end] = [0, last].map((k) => {
      const [x, y] = [trajectory.x[k], trajectory.y[k]];
      const point = x >= 0 && x <= 1 && y >= 0 && y <= 1 ? this.onSurface(x, y) : null;
      return point && view.isAhead(point) ? view.project(point) : null;
    });
    const { context } = this;
    for (const [place, radius] of [[start, 4], [end, 5]]) {
      if (!place) continue;
      context.globalAlpha = this.isSeen(view, place) ? 1 : 0.35;
      drawDot(context, place.x, place.y, radius, trajectory.color);
      if (place === start) drawDot(context, place.x, place.y, 1.6, INK);
      context.globalAlpha = 1;
    }
  }

  /** Where a mark of the surface is in the picture; null where it is hidden. */
  placeOf(view, { x, y }) {
    const point = this.onSurface(x, y);
    if (!view.isAhead(point)) return null;
    const place = view.project(point);
    return this.isSeen(view, place) ? [place.x, place.y] : null;
  }

  drawPoint(view, { i, j }) {
    const { context, field } = this;
    const [x, y] = [2 * field.x[i] - 1, 2 * field.y[j] - 1];
    const top = [x, y, (field.height(i, j) || 0) * this.lift];
    if (!view.isAhead(top) || !view.isAhead([x, y, 0])) return;
    const [foot, tip] = [view.project([x, y, 0]), view.project(top)];
    context.globalAlpha = this.isSeen(view, tip) ? 1 : 0.5;
    context.beginPath();
    context.moveTo(foot.x, foot.y);
    context.lineTo(tip.x, tip.y);
    context.setLineDash([3, 3]);
    for (const [color, width] of [["#ffffff", 3], [INK, 1.2]]) {
      context.strokeStyle = color;
      context.lineWidth = width;
      context.stroke();
    }
    context.setLineDash([]);
    drawDot(context, tip.x, tip.y, 4.5, "#ffffff");
    context.globalAlpha = 1;
  }

  /** What is behind the surface: the floor, and the two walls away from the eye with lines of equal height. */
  drawBox(view, lift) {
    const [sx, sy] = view.sides();
    const { context, field } = this;
    context.lineWidth = 1;
    context.fillStyle = "#f6f6f6";
    context.strokeStyle = FAINT;
    const add = (...corners) => {
      view.ahead(corners).forEach((corner, k) => {
        const { x, y } = view.project(corner);
        if (k === 0) context.moveTo(x, y);
        else context.lineTo(x, y);
      });
      context.closePath();
    };
    const outline = (...corners) => {
      context.beginPath();
      add(...corners);
    };
    outline([-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]);
    context.fill();
    context.stroke();
    outline([-sx, -1, 0], [-sx, 1, 0], [-sx, 1, lift], [-sx, -1, lift]);
    context.stroke();
    outline([-1, -sy, 0], [1, -sy, 0], [1, -sy, lift], [-1, -sy, lift]);
    context.stroke();
    context.strokeStyle = "#e6e6e6";
    context.beginPath();
    for (const tick of field.scale.ticks(6)) {
      const height = lift * field.scale.fraction(tick);
      add([-sx, sy, height], [-sx, -sy, height]);
      add([-sx, -sy, height], [sx, -sy, height]);
    }
    context.stroke();
  }

  /** Ticks and labels of the three axes, along edges that the surface does not hide. */
  drawAxes(view, lift, channel) {
    const [sx, sy] = view.sides();
    const { landscape, field, context } = this;
    this.drawFloorAxis(view, landscape.x, landscape.xLabel, (along, away) => [along, sy * (1 + away), 0]);
    this.drawFloorAxis(view, landscape.y, landscape.yLabel, (along, away) => [sx * (1 + away), along, 0]);
    // The left one of the two edges that stand free.
    const edges = [[-sx, sy], [sx, -sy]];
    if (!edges.every((edge) => view.isAhead([...edge, 0]) && view.isAhead([...edge, lift]))) return;
    edges.sort((p, q) => view.project([...p, 0]).x - view.project([...q, 0]).x);
    const [foot, top] = [view.project([...edges[0], 0]), view.project([...edges[0], lift])];
    const length = foot.y - top.y;
    context.fillStyle = context.strokeStyle = INK;
    context.textAlign = "center";
    context.textBaseline = "alphabetic";
    context.font = "600 12px system-ui, sans-serif";
    // Above its axis, if that is in the picture.
    if (top.x >= 0 && top.x <= view.width && foot.y >= 0 && top.y <= view.height) {
      const half = context.measureText(channel).width / 2;
      context.fillText(channel, Math.min(Math.max(top.x, half + 4), view.width - half - 4), Math.max(top.y - 12, 14));
    }
    if (length < 30) return;
    context.font = FONT;
    context.textAlign = "right";
    context.textBaseline = "middle";
    const ticks = field.scale.ticks(Math.min(Math.max(Math.floor(length / 28), 3), 6));
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(foot.x, foot.y);
    context.lineTo(top.x, top.y);
    tickTexts(ticks, field.scale.log).forEach((text, k) => {
      const { x, y } = view.project([...edges[0], lift * field.scale.fraction(ticks[k])]);
      context.moveTo(x, y);
      context.lineTo(x - 5, y);
      // At the floor there are the numbers of another axis.
      context.fillText(text, x - 8, Math.min(y, foot.y - 6));
    });
    context.stroke();
  }

  /** An axis on an edge of the floor; `at` takes a place along it and how far outside, both in units of the box. */
  drawFloorAxis(view, axis, label, at) {
    const { context } = this;
    const outside = (along, pixels) => {
      const [near, far] = [view.project(at(along, 0)), view.project(at(along, 0.1))];
      const [dx, dy] = [far.x - near.x, far.y - near.y];
      const length = Math.hypot(dx, dy);
      const [ux, uy] = length > 1e-6 ? [dx / length, dy / length] : [0, 1];
      const align = Math.abs(ux) < 0.3 ? "center" : ux < 0 ? "right" : "left";
      return { near, align, x: near.x + ux * pixels, y: near.y + uy * pixels };
    };
    const edge = [-1, 1].flatMap((along) => [at(along, 0), at(along, 0.1)]);
    if (!edge.every((point) => view.isAhead(point))) return;
    const [start, end] = [view.project(at(-1, 0)), view.project(at(1, 0))];
    if (Math.hypot(end.x - start.x, end.y - start.y) < 40) return;
    context.strokeStyle = context.fillStyle = INK;
    context.lineWidth = 1;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.font = FONT;
    context.beginPath();
    context.moveTo(start.x, start.y);
    context.lineTo(end.x, end.y);
    for (const { place, text } of axisTicks(axis, 5)) {
      const tick = outside(2 * place - 1, 5);
      context.moveTo(tick.near.x, tick.near.y);
      context.lineTo(tick.x, tick.y);
      const { x, y, align } = outside(2 * place - 1, 9);
      context.textAlign = align;
      context.fillText(text, x, y + 2);
    }
    context.stroke();
    const { x, y, align } = outside(0, 38);
    context.textAlign = "left";
    context.font = "12px system-ui, sans-serif";
    const { width } = context.measureText(label);
    const left = x - { left: 0, center: 0.5, right: 1 }[align] * width;
    context.fillText(label, Math.max(Math.min(left, view.width - width - 4), 4), y);
  }

  listen() {
    const { canvas, camera, pointers } = this;
    const place = (event) => ({ x: event.offsetX, y: event.offsetY });
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      pointers.set(event.pointerId, place(event));
      this.pointAt(place(event));
    });
    canvas.addEventListener("pointermove", (event) => {
      const before = pointers.get(event.pointerId);
      if (!before) return this.pointAt(place(event));
      const after = place(event);
      const [dx, dy] = [after.x - before.x, after.y - before.y];
      const [other] = [...pointers].filter(([id]) => id !== event.pointerId).map(([, at]) => at);
      if (other) {
        // Two fingers: their distance zooms, their middle moves.
        const apart = (at) => Math.hypot(at.x - other.x, at.y - other.y) || 1;
        camera.zoom(apart(before) / apart(after));
        this.pan(dx / 2, dy / 2);
      } else if (event.shiftKey || event.buttons & 6) {
        this.pan(dx, dy);
      } else {
        camera.turn(dx * 0.008, dy * 0.008);
      }
      pointers.set(event.pointerId, after);
      this.pointed(null);
      this.moved();
    });
    const release = (event) => {
      if (pointers.delete(event.pointerId)) this.moved();
    };
    canvas.addEventListener("pointerup", release);
    canvas.addEventListener("pointercancel", release);
    canvas.addEventListener("pointerleave", () => this.pointed(null));
    canvas.addEventListener("contextmenu", (event) => event.preventDefault());
    canvas.addEventListener(
      "wheel",
      (event) => {
        event.preventDefault();
        const lines = event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? 1 : 20;
        camera.zoom(Math.exp(Math.min(Math.max(event.deltaY * lines, -200), 200) * 0.0012));
        this.movesFor(200);
      },
      { passive: false },
    );
    canvas.addEventListener("keydown", (event) => {
      const act = {
        ArrowLeft: () => camera.turn(-0.09, 0),
        ArrowRight: () => camera.turn(0.09, 0),
        ArrowUp: () => camera.turn(0, 0.07),
        ArrowDown: () => camera.turn(0, -0.07),
        "+": () => camera.zoom(0.9),
        "=": () => camera.zoom(0.9),
        "-": () => camera.zoom(1 / 0.9),
        0: () => camera.reset(),
      }[event.key];
      if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      act();
      this.movesFor(200);
    });
  }

  pan(dx, dy) {
    const { pixel } = this.camera.view(this.canvas.clientWidth, this.canvas.clientHeight);
    this.camera.pan(pixel * dx, -pixel * dy);
  }

  /** Counts as moving for some milliseconds, and is drawn in full after them. */
  movesFor(milliseconds) {
    this.movingUntil = performance.now() + milliseconds;
    this.moved();
    clearTimeout(this.settling);
    this.settling = setTimeout(this.moved, milliseconds + 20);
  }

  /** Tells the point under a place in the picture. */
  pointAt({ x, y }) {
    if (!this.field) return;
    const hit = pick(this.field, this.lift, this.view.eye, this.view.ray(x, y));
    this.pointed(hit && { i: nearest(this.field.x, hit.x), j: nearest(this.field.y, hit.y) });
  }
}
