// The page: landscapes out of the data, and everything put to work.

import { survey } from "./range.js";
import { Colors } from "./colors.js";
import { Renderer } from "./renderer.js";
import { decodeLandscape } from "./landscape.js";
import { Panel } from "./panel.js";
import { Controls } from "./controls.js";

export class Page {
  constructor(data) {
    const landscapes = data.landscapes.map(decodeLandscape);
    this.tables = new Map(Object.entries(data.colors).map(([name, hex]) => [name, new Colors(hex)]));
    this.renderer = Renderer.create(() => this.restore());
    const form = document.getElementById("controls");
    this.controls = new Controls(form, landscapes, [...this.tables.keys()], (what) => this.change(what));
    this.panels = landscapes.map((landscape) => {
      const panel = new Panel(landscape, this.renderer, {
        moved: () => this.move(panel),
        pointed: (coordinates) => this.point(panel, coordinates),
        chosen: (draw) => this.choose(panel, draw),
      });
      return panel;
    });
    document.getElementById("landscapes").append(...this.panels.map((panel) => panel.root));
    form.elements.reset.addEventListener("click", () => this.reset());
    this.change("fields");
    // All from where the first is seen best, so that they can be compared.
    const { field } = this.panels.find((panel) => panel.field);
    for (const panel of this.panels) panel.camera.begin(field);
    new ResizeObserver(() => this.resize()).observe(document.getElementById("landscapes"));
    this.watchRatio();
  }

  /** Computes anew what a control changed. */
  change(what) {
    if (what === "fields") this.showFields();
    if (this.controls.linked) this.link(this.panels[0]);
    this.draw();
  }

  showFields() {
    const { controls, panels } = this;
    const colors = this.tables.get(controls.colors);
    if (this.renderer) this.renderer.setColors(colors.table);
    const values = (panel) => panel.landscape.channels.get(controls.channel);
    const shown = panels.filter(values);
    const together = survey(shown.map(values));
    const scales = shown.map((panel) => {
      const found = controls.shared ? together : survey([values(panel)]);
      // One choice of the kind of scale for all, so that they stay comparable.
      controls.logs.set(controls.channel, controls.isLog(together));
      return controls.scale(found);
    });
    controls.tell(scales, together);
    for (const panel of panels) panel.show(controls.channel, scales[shown.indexOf(panel)] ?? null, colors);
    for (const panel of panels) panel.tellReading();
  }

  /** Follows a camera with the others. */
  move(panel) {
    if (this.controls.linked) this.link(panel);
    this.draw();
  }

  link(leader) {
    for (const panel of this.panels) panel.camera.copy(leader.camera);
  }

  /** Reads a point in all landscapes, or in one if they are not linked. */
  point(panel, coordinates) {
    for (const other of this.panels) {
      if (other === panel || this.controls.linked) other.read(coordinates);
    }
    this.draw();
  }

  /** Shows a draw of a landscape, and of the others that have it if they are linked. */
  choose(panel, draw) {
    for (const other of this.panels) {
      const has = draw < other.landscape.draws.length;
      if (other === panel || (this.controls.linked && has)) other.showDraw(draw);
    }
    this.draw();
  }

  reset() {
    for (const panel of this.panels) panel.camera.reset();
    this.controls.form.elements.lift.value = 1;
    this.draw();
  }

  resize() {
    for (const panel of this.panels) panel.resize();
    this.draw();
  }

  /** Follows a window to a screen of another density, or the browser's zoom. */
  watchRatio() {
    const query = window.matchMedia(`(resolution: ${window.devicePixelRatio}dppx)`);
    const follow = () => {
      this.resize();
      this.watchRatio();
    };
    query.addEventListener("change", follow, { once: true });
  }

  restore() {
    this.renderer.setColors(this.tables.get(this.controls.colors).table);
    for (const panel of this.panels) {
      panel.drawn = panel.lines = null;
      panel.upload();
    }
    this.draw();
  }

  /** Draws all before the next frame, however often it is asked. */
  draw() {
    if (this.drawing) return;
    this.drawing = requestAnimationFrame(() => {
      this.drawing = 0;
      for (const panel of this.panels) panel.draw(this.controls);
    });
  }
}
