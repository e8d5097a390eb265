// Panels: one landscape on the page, its surface, its contours, and what is told of them.

import { valueText, briefText } from "./numbers.js";
import { unitPlaces, nearest } from "./axis.js";
import { Field } from "./field.js";
import { Camera } from "./camera.js";
import { buildMesh } from "./mesh.js";
import { ContourMap } from "./map.js";
import { Scene } from "./scene.js";
import { gridOf, shapeOf, lowestOf } from "./landscape.js";
import { notesOf } from "./notes.js";
import { element } from "./element.js";
import { DrawBar } from "./draws.js";

export class Panel {
  /**
   * `moved` is called when the camera changes, `pointed` with the coordinates under the pointer, or null, `chosen` with
   * the number of a draw that was asked for.
   */
  constructor(landscape, renderer, { moved, pointed, chosen }) {
    this.landscape = landscape;
    this.renderer = renderer;
    this.camera = new Camera();
    this.shown = 0;
    const tell = (point) => pointed(point && [landscape.x[point.i], landscape.y[point.j]]);
    this.surface = element("canvas", {
      class: "surface",
      tabindex: 0,
      role: "application",
      "aria-label": `${landscape.name}, surface. Arrow keys turn it, plus and minus zoom, 0 resets the view.`,
    });
    const plan = element("canvas", {
      class: "contours",
      tabindex: 0,
      role: "application",
      "aria-label": `${landscape.name}, contours. Arrow keys move the point that is read, with Shift ten at a time.`,
    });
    const apology = "This browser has no WebGL 2, which surfaces need; here are the contours.";
    const missing = element("p", { class: "missing" }, apology);
    this.drawBar = new DrawBar(landscape, chosen);
    for (const canvas of [this.surface, plan]) this.drawBar.listen(canvas);
    this.readout = element("output", { class: "readout" });
    this.notes = element("p", { class: "notes" });
    this.absent = element("p", { class: "absent", hidden: "" });
    this.views = element("div", { class: "views" }, renderer ? this.surface : missing, plan);
    this.root = element(
      "section",
      { class: "landscape", "aria-label": landscape.name },
      element("h2", {}, landscape.name),
      this.drawBar.root,
      this.absent,
      this.views,
      this.readout,
      this.legend(),
      (this.shapeList = element("details", { class: "shape", hidden: "" })),
      this.notes,
      this.provenance(),
    );
    this.map = new ContourMap(plan, landscape);
    this.scene = renderer && new Scene(this.surface, landscape, this.camera, { moved, pointed: tell });
    this.listen(plan, tell);
  }

  legend() {
    const { trajectories } = this.landscape;
    const items = trajectories.map(({ name, color }) => {
      const dot = element("span", { class: "dot" });
      dot.style.background = color;
      return element("li", {}, dot, name);
    });
    return (this.paths = element("ul", { class: "legend" }, ...items));
  }

  provenance() {
    this.origin = element("dl", {});
    this.tellOrigin();
    return element("details", { class: "provenance", open: "" }, element("summary", {}, "Provenance"), this.origin);
  }

  /** Tells where the values of the shown draw came from. */
  tellOrigin() {
    const { provenance, draws, x, y } = this.landscape;
    const axis = (values) => {
      const [first, last] = [values[0], values[values.length - 1]].map(briefText);
      return `${values.length} points from ${first} to ${last}`;
    };
    const ofDraw = draws[this.shown]?.provenance ?? [];
    const rows = [...provenance, ...ofDraw, [this.landscape.xLabel, axis(x)], [this.landscape.yLabel, axis(y)]];
    const cells = rows.flatMap(([name, text]) => [element("dt", {}, name), element("dd", {}, text)]);
    this.origin.replaceChildren(...cells);
  }

  /** Shows a channel on a scale; null for a channel that is not there. */
  show(channel, scale, colors) {
    const values = gridOf(this.landscape, channel, this.shown);
    this.absent.hidden = Boolean(values);
    this.views.hidden = this.readout.hidden = this.notes.hidden = !values;
    this.absent.textContent = `There is no channel “${channel}” of this landscape.`;
    const field = values && new Field(this.landscape, values, scale);
    Object.assign(this, { channel, values, field, scale, colors });
    this.shape = null;
    this.shapeList.hidden = true;
    if (!values) return;
    this.upload();
    this.map.refresh(this.field, colors);
    this.shape = shapeOf(this.landscape, channel, this.shown);
    this.listShape();
    this.notes.textContent = notesOf(this.field, this.landscape.trajectories, this.map.linesLeftOut);
  }

  /** Shows another draw of the same channel on the same scale. */
  showDraw(draw) {
    if (draw === this.shown) return;
    this.shown = draw;
    this.drawBar.show(draw);
    this.tellOrigin();
    this.show(this.channel, this.scale, this.colors);
    this.tellReading();
  }

  /** Lists the minima of the channel, if its shape is known. */
  listShape() {
    const { shape, shapeList, landscape } = this;
    const open = shapeList.open;
    if (!shape) return shapeList.replaceChildren();
    const row = (name, texts) => element("tr", {}, ...texts.map((text) => element(name, {}, text)));
    const heads = ["minimum", landscape.xLabel, landscape.yLabel, "value", "saddle", "persistence", "share of points"];
    const table = element("table", {}, row("th", heads), ...shape.rows.map((texts) => row("td", texts)));
    shapeList.replaceChildren(element("summary", {}, shape.summary), element("div", { class: "scroll" }, table));
    shapeList.open = open;
  }

  /** Gives the renderer what it draws. */
  upload() {
    const { renderer, field, landscape } = this;
    if (!renderer || !field) return;
    if (this.drawn) renderer.release(this.drawn);
    for (const { line } of this.lines ?? []) renderer.release(line);
    this.drawn = renderer.upload(buildMesh(field));
    this.lines = landscape.trajectories.map((trajectory) => {
      return { trajectory, line: renderer.uploadLine(trajectory.segments(field)) };
    });
  }

  /** Draws surface and contours. */
  draw({ lift, paths, shapes }) {
    const { field, drawn, point, channel, landscape } = this;
    if (!field) return;
    this.paths.hidden = !paths || landscape.trajectories.length === 0;
    const shape = shapes ? this.shape : null;
    this.shapeList.hidden = !shape;
    const lines = paths ? this.lines : [];
    if (this.scene) this.scene.draw(this.renderer, { field, drawn, paths: lines, shape, point, lift, channel });
    this.map.draw(paths ? landscape.trajectories : [], shape, point);
  }

  /** Fits the contours to a new size of the page. */
  resize() {
    if (this.field && !this.map.fits) this.map.refresh(this.field, this.colors);
  }

  /** Reads the grid point nearest to coordinates, or none. */
  read(coordinates) {
    const { landscape, field } = this;
    this.point = null;
    if (coordinates && field) {
      const [x, y] = [landscape.x, landscape.y].map((axis, k) => {
        const [place] = unitPlaces(axis, [coordinates[k]]);
        return place >= -1e-9 && place <= 1 + 1e-9 ? place : NaN;
      });
      if (x >= -1 && y >= -1) this.point = { i: nearest(field.x, x), j: nearest(field.y, y) };
    }
    this.tellReading();
  }

  tellReading() {
    const { landscape, values, channel } = this;
    if (!values) return;
    const ny = landscape.y.length;
    const lowest = this.point ? null : lowestOf(values);
    const at = this.point ?? (lowest === null ? null : { i: Math.floor(lowest / ny), j: lowest % ny });
    if (!at) {
      this.readout.replaceChildren(`${channel} has no finite value.`);
      return;
    }
    const reading = (name, value, shown) => {
      const number = element("b", { "data-value": name, title: String(value) }, valueText(value));
      return element("span", shown ? { class: "shown" } : {}, `${name} `, number);
    };
    const coordinates = [
      reading(landscape.xLabel, landscape.x[at.i]),
      reading(landscape.yLabel, landscape.y[at.j]),
    ];
    const k = at.i * ny + at.j;
    const channels = [...landscape.channels.keys()].map((name) => {
      return reading(name, gridOf(landscape, name, this.shown)[k], name === channel);
    });
    const found = this.point && this.shape ? this.shape.at(at.i, at.j) : "";
    const here = found ? [element("span", { class: "here" }, found)] : [];
    this.readout.replaceChildren(...(this.point ? [] : ["lowest point:"]), ...coordinates, ...channels, ...here);
    const [i, j] = this.point ? [at.i, at.j] : ["", ""];
    Object.assign(this.readout.dataset, { i, j });
  }

  listen(plan, tell) {
    plan.addEventListener("pointermove", (event) => tell(this.map.pointAt(event.offsetX, event.offsetY)));
    plan.addEventListener("pointerdown", (event) => tell(this.map.pointAt(event.offsetX, event.offsetY)));
    plan.addEventListener("pointerleave", () => tell(null));
    plan.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
      if (!step || !this.field || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      const { nx, ny } = this.field;
      const { i, j } = this.point ?? { i: (nx - 1) >> 1, j: (ny - 1) >> 1 };
      const far = event.shiftKey ? 10 : 1;
      const within = (k, count) => Math.min(Math.max(k, 0), count - 1);
      tell(this.point ? { i: within(i + far * step[0], nx), j: within(j + far * step[1], ny) } : { i, j });
    });
  }
}
