// Draws: the slider through the draws of one landscape.

import { element } from "./element.js";
import { drawText } from "./landscape.js";

/** How long a draw is shown while they are played, in milliseconds. */
const PLAY_STEP = 800;

export class DrawBar {
  /** `chosen` is called with the number of a draw that was asked for. */
  constructor(landscape, chosen) {
    this.landscape = landscape;
    this.chosen = chosen;
    const count = landscape.draws.length;
    const slider = { type: "range", min: 1, max: Math.max(count, 1), step: 1, value: 1 };
    this.slider = element("input", { ...slider, "aria-label": `Draw of ${landscape.name}` });
    this.play = element("button", { type: "button" }, "Play");
    this.text = element("output", { class: "draw" });
    this.root = element("div", { class: "draws" }, "Draw ", this.slider, this.play, this.text);
    this.root.hidden = count < 2;
    this.slider.addEventListener("input", () => {
      this.pause();
      chosen(Number(this.slider.value) - 1);
    });
    this.play.addEventListener("click", () => (this.timer ? this.pause() : this.start()));
    this.show(0);
  }

  /** Tells which draw is shown. */
  show(draw) {
    this.draw = draw;
    const text = drawText(this.landscape, draw);
    this.slider.value = draw + 1;
    this.slider.setAttribute("aria-valuetext", text);
    this.text.textContent = text;
  }

  /** Goes on from the draw that is shown, after the last one to the first. */
  start() {
    this.timer = setInterval(() => this.chosen((this.draw + 1) % this.landscape.draws.length), PLAY_STEP);
    this.play.textContent = "Pause";
  }

  pause() {
    clearInterval(this.timer);
    this.timer = 0;
    this.play.textContent = "Play";
  }

  /** Goes to the next or the last draw by a key pressed in a picture. */
  listen(canvas) {
    canvas.addEventListener("keydown", (event) => {
      const step = { n: 1, p: -1 }[event.key];
      const draw = this.draw + step;
      if (!step || !this.landscape.draws[draw] || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      this.pause();
      this.chosen(draw);
    });
  }
}
