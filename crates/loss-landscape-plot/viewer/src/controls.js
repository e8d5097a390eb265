// Controls: the form above the landscapes, and what it chooses.

import { suggestsLog, wholeScale, suggestedScale, rangeText, typedScale } from "./range.js";
import { element } from "./element.js";

/** The ranges that have a name; others are typed. */
const SUGGESTED = "suggested";
const WHOLE = "whole";
/** The width of an input for an end of the range, in characters; long numbers get more. */
const SHORTEST_INPUT = 7;

export class Controls {
  /** `changed` is called with what must be done anew: "fields" or "pictures". */
  constructor(form, landscapes, colorNames, changed) {
    this.form = form;
    this.changed = changed;
    this.logs = new Map();
    this.ranges = new Map();
    const channels = new Set(landscapes.flatMap((landscape) => [...landscape.channels.keys()]));
    this.fill("channel", [...channels]);
    this.fill("colors", colorNames);
    const several = landscapes.length > 1;
    form.elements.linked.closest("label").hidden = !several;
    form.elements.shared.closest("label").hidden = !several;
    form.elements.paths.closest("label").hidden = !landscapes.some(({ trajectories }) => trajectories.length);
    form.elements.shapes.closest("label").hidden = !landscapes.some(({ shapes }) => shapes.length);
    this.listen();
  }

  fill(name, texts) {
    this.form.elements[name].replaceChildren(...texts.map((text) => element("option", { value: text }, text)));
  }

  get channel() {
    return this.form.elements.channel.value;
  }
  get colors() {
    return this.form.elements.colors.value;
  }
  get lift() {
    return Number(this.form.elements.lift.value);
  }
  get linked() {
    return this.form.elements.linked.checked;
  }
  get shared() {
    return this.form.elements.shared.checked;
  }
  get paths() {
    return this.form.elements.paths.checked;
  }
  get shapes() {
    return this.form.elements.shapes.checked;
  }

  /** The scale of the chosen channel for what was found of its values. */
  scale(found) {
    const log = this.isLog(found);
    const range = this.ranges.get(this.rangeKey(log)) ?? SUGGESTED;
    if (range === WHOLE) return wholeScale(found, log);
    if (range === SUGGESTED) return suggestedScale(found, log);
    return range;
  }

  /** Whether the chosen channel is logarithmic: as chosen, or as its values suggest. */
  isLog(found) {
    return this.logs.get(this.channel) ?? suggestsLog(found);
  }

  rangeKey(log) {
    return JSON.stringify([this.channel, log]);
  }

  /** Shows what was decided: whether logarithms can be, and the ends of the scales. */
  tell(scales, found) {
    const { low, high } = this.form.elements;
    this.log = this.isLog(found);
    for (const choice of this.form.elements.scale) choice.checked = (choice.value === "log") === this.log;
    this.form.elements.scale[1].disabled = found.positive === 0;
    const same = scales.every(({ lo, hi }) => lo === scales[0].lo && hi === scales[0].hi);
    this.shown = same ? scales[0] : null;
    low.value = same ? rangeText(scales[0].lo) : "";
    high.value = same ? rangeText(scales[0].hi) : "";
    low.placeholder = high.placeholder = "each its own";
    for (const input of [low, high]) {
      input.size = Math.max(input.value.length, SHORTEST_INPUT);
      this.refuse(input, "");
    }
  }

  listen() {
    const { form } = this;
    const on = (names, act) => {
      for (const name of names) form.elements[name].addEventListener("input", act);
    };
    on(["channel", "shared", "colors"], () => this.changed("fields"));
    on(["lift", "linked", "paths", "shapes"], () => this.changed("pictures"));
    for (const choice of form.elements.scale) {
      choice.addEventListener("input", () => {
        this.logs.set(this.channel, choice.value === "log");
        this.changed("fields");
      });
    }
    for (const range of [SUGGESTED, WHOLE]) {
      form.elements[range].addEventListener("click", () => {
        this.ranges.set(this.rangeKey(this.log), range);
        this.changed("fields");
      });
    }
    for (const name of ["low", "high"]) form.elements[name].addEventListener("change", () => this.takeRange());
    form.addEventListener("submit", (event) => event.preventDefault());
  }

  takeRange() {
    const { low, high } = this.form.elements;
    const { scale, problem = "" } = typedScale([low.value, high.value], this.shown, this.log);
    for (const input of [low, high]) this.refuse(input, problem);
    if (problem) return;
    this.ranges.set(this.rangeKey(this.log), scale);
    this.changed("fields");
  }

  refuse(input, problem) {
    input.setAttribute("aria-invalid", problem !== "");
    input.title = problem;
  }
}
