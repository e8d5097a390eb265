// Panels: one landscape on the page, its surface, its contours, and what is told of them.

/** A landscape with its numbers out of base64. */
function decodeLandscape(data) {
  const landscape = { ...data, x: decodeFloats(data.x), y: decodeFloats(data.y) };
  landscape.channels = new Map(data.channels.map(({ name, values }) => [name, decodeFloats(values)]));
  landscape.trajectories = data.trajectories.map((trajectory, k) => new Trajectory(landscape, trajectory, k));
  return landscape;
}

class Panel {
  /** `moved` is called when the camera changes, `pointed` with the coordinates under the pointer, or null. */
  constructor(landscape, renderer, { moved, pointed }) {
    this.landscape = landscape;
    this.renderer = renderer;
    this.camera = new Camera();
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
    const missing = element("p", { class: "missing" }, "This browser has no WebGL 2, which surfaces need; here are the contours.");
    this.readout = element("output", { class: "readout" });
    this.notes = element("p", { class: "notes" });
    this.absent = element("p", { class: "absent", hidden: "" });
    this.views = element("div", { class: "views" }, renderer ? this.surface : missing, plan);
    this.root = element(
      "section",
      { class: "landscape", "aria-label": landscape.name },
      element("h2", {}, landscape.name),
      this.absent,
      this.views,
      this.readout,
      this.legend(),
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
    const { provenance, x, y } = this.landscape;
    const axis = (values) => `${values.length} points from ${briefText(values[0])} to ${briefText(values[values.length - 1])}`;
    const rows = [...provenance, [this.landscape.xLabel, axis(x)], [this.landscape.yLabel, axis(y)]];
    const cells = rows.flatMap(([name, text]) => [element("dt", {}, name), element("dd", {}, text)]);
    return element("details", { class: "provenance", open: "" }, element("summary", {}, "Provenance"), element("dl", {}, ...cells));
  }

  /** Shows a channel on a scale; null for a channel that is not there. */
  show(channel, scale, colors) {
    const values = this.landscape.channels.get(channel);
    this.absent.hidden = Boolean(values);
    this.views.hidden = this.readout.hidden = this.notes.hidden = !values;
    this.absent.textContent = `There is no channel “${channel}” of this landscape.`;
    Object.assign(this, { channel, values, field: values && new Field(this.landscape, values, scale), colors });
    if (!values) return;
    this.upload();
    this.map.refresh(this.field, colors);
    this.tellNotes();
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
  draw({ lift, paths }) {
    const { field, drawn, point, channel, landscape } = this;
    if (!field) return;
    this.paths.hidden = !paths || landscape.trajectories.length === 0;
    if (this.scene) this.scene.draw(this.renderer, { field, drawn, paths: paths ? this.lines : [], point, lift, channel });
    this.map.draw(paths ? landscape.trajectories : [], point);
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
        const place = new Scale(false, axis[0], axis[axis.length - 1]).fraction(coordinates[k]);
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
    const channels = [...landscape.channels].map(([name, all]) => reading(name, all[at.i * ny + at.j], name === channel));
    this.readout.replaceChildren(...(this.point ? [] : ["lowest point:"]), ...coordinates, ...channels);
    const [i, j] = this.point ? [at.i, at.j] : ["", ""];
    Object.assign(this.readout.dataset, { i, j });
  }

  tellNotes() {
    const { counts, scale } = this.field;
    const { trajectories } = this.landscape;
    const notes = [];
    const tell = (count, what) => count && notes.push(`${count} of ${counts.total} points ${what}`);
    tell(counts.notFinite, "not finite (grey stripes)");
    tell(counts.notPositive, "not positive, which a logarithmic scale cannot show (grey stripes)");
    tell(counts.above, `above ${briefText(scale.hi)} clipped (white stripes)`);
    tell(counts.below, `below ${briefText(scale.lo)} clipped (white stripes)`);
    for (const { name, outside, x } of trajectories) {
      if (outside) notes.push(`${outside} of ${x.length} points of ${name} outside the axes`);
    }
    if (this.map.linesLeftOut) notes.push("contour lines left out: there would be nothing but lines");
    this.notes.textContent = notes.join("; ");
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

/** The index of the least finite value, or null. */
function lowestOf(values) {
  let lowest = null;
  for (let k = 0; k < values.length; k++) {
    if (Number.isFinite(values[k]) && (lowest === null || values[k] < values[lowest])) lowest = k;
  }
  return lowest;
}

/** An HTML element with attributes and children; texts stay texts. */
function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}
