import assert from "node:assert/strict";
import { test } from "node:test";

import { Controls } from "../src/controls.js";
import { survey } from "../src/range.js";

/** Controls with what the form would hold; `done` lists what was asked for. */
function controls(channel = "loss") {
  const input = (value) => {
    const attributes = {};
    return { value, title: "", attributes, setAttribute: (name, text) => (attributes[name] = text) };
  };
  const scale = [{ value: "linear" }, { value: "log" }];
  const made = Object.create(Controls.prototype);
  const elements = { channel: { value: channel }, low: input(""), high: input(""), scale };
  const done = [];
  Object.assign(made, {
    form: { elements },
    logs: new Map(),
    ranges: new Map(),
    changed: (what) => done.push(what),
    done,
  });
  return made;
}

const found = survey([Float64Array.of(1 / 3, 40, 400 / 3)]);
const ends = ({ log, lo, hi }) => [log, lo, hi];

test("a scale is as suggested until it is chosen", () => {
  const form = controls();
  assert.deepEqual(ends(form.scale(found)), [true, 1 / 3, 400 / 3]);
  form.logs.set("loss", false);
  assert.deepEqual(ends(form.scale(found)), [false, 1 / 3, 400 / 3]);
  form.form.elements.channel.value = "accuracy";
  assert.equal(form.scale(found).log, true, "each channel has its own");
});

test("the form tells the ends in few digits, and both keep all digits when the other is typed", () => {
  const form = controls();
  form.tell([form.scale(found)], found);
  const { low, high, scale } = form.form.elements;
  assert.deepEqual([low.value, high.value], ["0.33333", "133.33"]);
  assert.deepEqual(
    scale.map(({ checked }) => checked),
    [false, true],
  );
  low.value = "1";
  form.takeRange();
  assert.deepEqual(form.done, ["fields"]);
  assert.deepEqual(ends(form.scale(found)), [true, 1, 400 / 3]);
});

test("a wrong range is marked and changes nothing", () => {
  const form = controls();
  form.tell([form.scale(found)], found);
  const { low, high } = form.form.elements;
  low.value = "-1";
  form.takeRange();
  assert.deepEqual(form.done, []);
  for (const input of [low, high]) {
    assert.equal(input.attributes["aria-invalid"], true);
    assert.equal(input.title, "A logarithmic scale begins above 0.");
  }
  assert.deepEqual(ends(form.scale(found)), [true, 1 / 3, 400 / 3]);
});

test("landscapes on scales of their own have no common range", () => {
  const form = controls();
  const other = survey([Float64Array.of(1, 2)]);
  form.tell([form.scale(found), form.scale(other)], found);
  const { low, high } = form.form.elements;
  assert.deepEqual([low.value, high.value, low.placeholder], ["", "", "each its own"]);
  low.value = "1";
  form.takeRange();
  assert.equal(low.title, "Two numbers are needed.");
});

test("without positive values there is no logarithm to choose", () => {
  const form = controls();
  const negative = survey([Float64Array.of(-2, 0)]);
  form.tell([form.scale(negative)], negative);
  const [linear, log] = form.form.elements.scale;
  assert.deepEqual([linear.checked, log.checked, log.disabled], [true, false, true]);
});
