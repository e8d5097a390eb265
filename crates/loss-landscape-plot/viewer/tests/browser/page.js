// Pages in a browser: they draw, their controls act, values are those written, nothing is fetched.
//
//     cargo test -p loss-landscape-plot --test page
//     node crates/loss-landscape-plot/viewer/tests/browser/page.js target/tmp/page [folder for screenshots]
//
// The first command leaves the pages that this one opens. Without Chromium it says so and succeeds.

import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

import { Browser, findChromium } from "./chromium.js";

const [folder, pictures] = process.argv.slice(2);
if (!folder) throw new Error("which folder has the pages?");
const chromium = findChromium();
if (!chromium) {
  console.log("skipped: there is no Chromium here (Debian's package is `chromium`)");
  process.exit(0);
}
const browser = new Browser(chromium);
// A browser that hangs is a failure, not a wait.
setTimeout(() => browser.process.kill("SIGKILL"), 600_000).unref();

// What tests/page.rs of the crate wrote.
const axis = (count) => Array.from({ length: count }, (_, k) => (2 * k) / (count - 1) - 1);
const bowl = (x, y, steepness) => 0.02 + x * x + steepness * y * y;

/** The picture of a canvas: a checksum of its pixels, and the share of it that is neither white nor grey. */
const picture = (tab, selector, number = 0) =>
  tab.evaluate(`(() => {
    const canvas = document.querySelectorAll(${JSON.stringify(selector)})[${number}];
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    const pixels = new Uint32Array(data.buffer);
    let [hash, colored] = [0, 0];
    for (const pixel of pixels) {
      hash = (Math.imul(hash, 31) + pixel) | 0;
      const channels = [pixel & 255, (pixel >> 8) & 255, (pixel >> 16) & 255];
      if (Math.max(...channels) - Math.min(...channels) > 30) colored++;
    }
    return { colored: colored / pixels.length, hash };
  })()`);
const both = async (tab) => {
  const surface = await picture(tab, ".surface");
  return `${surface.hash} ${(await picture(tab, ".contours")).hash}`;
};
const box = (tab, selector, number = 0) =>
  tab.evaluate(`(() => {
    const node = document.querySelectorAll(${JSON.stringify(selector)})[${number}];
    node.scrollIntoView({ block: "nearest" });
    const { x, y, width, height } = node.getBoundingClientRect();
    return { x, y, width, height, ...node.dataset };
  })()`);
const camera = async (tab, number = 0) => (await box(tab, ".surface", number)).camera.split(" ").map(Number);
/** What is read: the point, and for each name the value in full and the text shown. */
const reading = (tab, number = 0) =>
  tab.evaluate(`(() => {
    const readout = document.querySelectorAll(".readout")[${number}];
    const told = [...readout.querySelectorAll("[data-value]")];
    const values = told.map((b) => [b.dataset.value, { full: b.title, text: b.textContent }]);
    const { i, j } = readout.dataset;
    return { i: Number(i), j: Number(j), pointed: i !== "", values: Object.fromEntries(values) };
  })()`);
const choose = async (tab, name, value) => {
  const act =
    typeof value === "boolean"
      ? `if (control.checked !== ${value}) control.click();`
      : `control.value = ${JSON.stringify(value)};
         for (const type of ["input", "change"]) control.dispatchEvent(new Event(type, { bubbles: true }));`;
  await tab.evaluate(`(() => {
    const control = document.getElementById("controls").elements[${JSON.stringify(name)}];
    ${act}
  })()`);
  await tab.settle();
};
const click = async (tab, name) => {
  await tab.evaluate(`document.getElementById("controls").elements[${JSON.stringify(name)}].click()`);
  await tab.settle();
};
const notes = (tab, number = 0) => tab.evaluate(`document.querySelectorAll(".notes")[${number}].textContent`);
/** The pixel of grid point (i, j) in a contour map. */
const onMap = async (tab, i, j, [nx, ny], number = 0) => {
  const { x, y, frame } = await box(tab, ".contours", number);
  const [left, top, side] = frame.split(" ").map(Number);
  return [x + left + (side * i) / (nx - 1), y + top + side * (1 - j / (ny - 1))];
};
/** Values as shown are right to nine digits. */
const shows = ({ full, text }, value) => {
  assert.ok(Object.is(Number(full.replace("∞", "Infinity")), value), `${full} is not ${value}`);
  const digits = text.replaceAll("−", "-").replace("∞", "Infinity");
  if (digits.includes("×")) return;
  const shown = Number(digits);
  assert.ok(Object.is(shown, value) || Math.abs(shown - value) <= 1e-8 * Math.abs(value), text);
};
const save = async (tab, name) => {
  if (!pictures) return;
  mkdirSync(pictures, { recursive: true });
  writeFileSync(join(pictures, name), await tab.screenshot());
};

let number = 0;
/** Opens a page, tests it, and checks that it fetched nothing and reported no error. */
async function test(what, file, options, body) {
  const url = pathToFileURL(resolve(folder, file)).href;
  const tab = await browser.open(url, options);
  await body(tab);
  const fetched = tab.requests.filter((request) => !request.startsWith("data:"));
  assert.deepEqual(fetched, [url], "only the file itself is fetched");
  assert.deepEqual(tab.errors, [], "no errors on the console");
  await tab.close();
  console.log(`ok ${++number} - ${what}`);
}

async function all() {
  for (const [width, ratio] of [[1280, 1], [1280, 2], [800, 1], [400, 2]]) {
    const what = `it draws sharply and fits ${width} px at ${ratio} pixels per px`;
    await test(what, "pair.html", { width, ratio }, async (tab) => {
      for (const number of [0, 1]) {
        for (const selector of [".surface", ".contours"]) {
          const { colored } = await picture(tab, selector, number);
          assert.ok(colored > 0.1, `${selector} ${number} is empty`);
        }
      }
      const [pixels, css] = await tab.evaluate(`(() => {
        const canvas = document.querySelector(".surface");
        return [canvas.width, canvas.clientWidth];
      })()`);
      assert.equal(pixels, Math.round(css * ratio));
      const fits = await tab.evaluate("document.documentElement.scrollWidth <= innerWidth");
      assert.ok(fits, "it is wider than the window");
      await save(tab, `pair-${width}@${ratio}.png`);
    });
  }

  await test("dragging, wheel and keys move the surface; reset brings it back", "251.html", {}, async (tab) => {
    const { x, y, width, height } = await box(tab, ".surface");
    const middle = [x + width / 2, y + height / 2];
    const [start, before] = [await camera(tab), await picture(tab, ".surface")];
    await tab.drag(middle, [middle[0] + 90, middle[1] + 40]);
    const turned = await camera(tab);
    assert.ok(turned[0] < start[0] && turned[1] > start[1] && turned[2] === start[2]);
    assert.notEqual((await picture(tab, ".surface")).hash, before.hash);
    await tab.mouse("mouseWheel", ...middle, { deltaX: 0, deltaY: -240 });
    await tab.settle();
    const zoomed = await camera(tab);
    assert.ok(zoomed[2] < turned[2]);
    await tab.drag(middle, [middle[0] + 50, middle[1]], 8);
    const panned = await camera(tab);
    assert.deepEqual(panned.slice(0, 3), zoomed.slice(0, 3));
    assert.notDeepEqual(panned.slice(3), zoomed.slice(3));
    await tab.evaluate(`document.querySelector(".surface").focus()`);
    await tab.key("ArrowLeft");
    await tab.key("-");
    const keyed = await camera(tab);
    assert.ok(keyed[0] > panned[0] && keyed[2] > panned[2]);
    await click(tab, "reset");
    await new Promise((done) => setTimeout(done, 300));
    await tab.mouse("mouseMoved", 2, 2);
    await tab.settle();
    assert.deepEqual(await camera(tab), start);
    assert.equal((await picture(tab, ".surface")).hash, before.hash);
  });

  await test("two fingers zoom", "pair.html", { touch: true }, async (tab) => {
    const { x, y, width, height } = await box(tab, ".surface");
    const fingers = (apart) => [-1, 1].map((side, id) => ({ x: x + width / 2 + side * apart, y: y + height / 2, id }));
    const before = await camera(tab);
    await tab.send("Input.dispatchTouchEvent", { type: "touchStart", touchPoints: fingers(30) });
    for (const apart of [40, 50, 60]) {
      await tab.send("Input.dispatchTouchEvent", { type: "touchMove", touchPoints: fingers(apart) });
    }
    await tab.send("Input.dispatchTouchEvent", { type: "touchEnd", touchPoints: [] });
    await tab.settle();
    const after = await camera(tab);
    assert.ok(Math.abs(after[2] / before[2] - 0.5) < 0.02, `${before[2]} to ${after[2]}`);
  });

  await test("controls change the picture", "251.html", {}, async (tab) => {
    const seen = new Set([await both(tab)]);
    const isNew = async (what) => {
      const now = await both(tab);
      assert.ok(!seen.has(now), `${what} changed nothing`);
      seen.add(now);
    };
    assert.equal(await tab.evaluate(`document.querySelector("[name=scale]:checked").value`), "log");
    await tab.evaluate(`document.querySelector("[name=scale]:checked").focus()`);
    await tab.key("ArrowLeft");
    assert.equal(await tab.evaluate(`document.querySelector("[name=scale]:checked").value`), "linear");
    await isNew("the linear scale");
    await choose(tab, "channel", "ratio");
    await isNew("another channel");
    await choose(tab, "channel", "train loss");
    await choose(tab, "colors", "cividis");
    await isNew("another colour map");
    await choose(tab, "lift", "0.5");
    await isNew("less relief");
    await choose(tab, "low", "1");
    await isNew("a range");
    const side = axis(251);
    const below = side.reduce((sum, x) => sum + side.filter((y) => bowl(x, y, 9) < 1).length, 0);
    assert.match(await notes(tab), new RegExp(`^${below} of 63001 points below 1 clipped`));
    await choose(tab, "high", "0.5");
    assert.equal(await tab.evaluate(`document.querySelector("[name=high]").ariaInvalid`), "true");
    await click(tab, "whole");
    assert.equal(await notes(tab), "");
    assert.equal(await tab.evaluate(`document.querySelector("[name=high]").ariaInvalid`), "false");
  });

  await test("linked views move together, others alone", "pair.html", {}, async (tab) => {
    const { x, y, width, height } = await box(tab, ".surface", 0);
    const from = [x + width / 2, y + height / 2];
    const to = [from[0] - 70, from[1] + 30];
    const before = [await picture(tab, ".surface", 0), await picture(tab, ".surface", 1)];
    await tab.drag(from, to);
    assert.deepEqual(await camera(tab, 1), await camera(tab, 0));
    const after = [await picture(tab, ".surface", 0), await picture(tab, ".surface", 1)];
    for (const k of [0, 1]) assert.notEqual(after[k].hash, before[k].hash);
    await choose(tab, "linked", false);
    const alone = await picture(tab, ".surface", 1);
    await tab.drag(from, to);
    assert.notDeepEqual(await camera(tab, 1), await camera(tab, 0));
    assert.equal((await picture(tab, ".surface", 1)).hash, alone.hash);
    await choose(tab, "linked", true);
    assert.deepEqual(await camera(tab, 1), await camera(tab, 0));
  });

  await test("one scale or each its own; a missing channel is told", "pair.html", {}, async (tab) => {
    const high = () => tab.evaluate(`document.querySelector("[name=high]").value`);
    assert.equal(Number(await high()), 10.02);
    const flat = await picture(tab, ".contours", 1);
    await choose(tab, "shared", false);
    assert.equal(await high(), "");
    assert.notEqual((await picture(tab, ".contours", 1)).hash, flat.hash);
    await choose(tab, "channel", "λ_min/λ_max");
    const absent = await tab.evaluate(`[...document.querySelectorAll(".absent")].map((p) => p.checkVisibility())`);
    assert.deepEqual(absent, [true, false]);
  });

  await test("the pointer reads the grid point under it, as it was written", "pair.html", {}, async (tab) => {
    const shape = [61, 41];
    const [xs, ys] = shape.map(axis);
    const check = async (number, i, j) => {
      const read = await reading(tab, number);
      assert.deepEqual([read.i, read.j], [i, j]);
      const loss = bowl(xs[i], ys[j], [9, 2][number]);
      shows(read.values["α"], xs[i]);
      shows(read.values["β"], ys[j]);
      shows(read.values["train loss"], loss);
      shows(read.values["train accuracy"], 1 / (1 + loss));
    };
    for (const [i, j] of [[0, 0], [60, 40], [7, 33], [30, 20], [59, 1]]) {
      const [x, y] = await onMap(tab, i, j, shape);
      await tab.mouse("mouseMoved", x + 1.5, y - 1.5);
      await tab.settle();
      await check(0, i, j);
      await check(1, i, j);
    }
    await tab.mouse("mouseMoved", 2, 2);
    await tab.settle();
    assert.equal((await reading(tab)).pointed, false);
    shows((await reading(tab)).values["train loss"], 0.02);
    await tab.evaluate(`document.querySelectorAll(".contours")[1].focus()`);
    await tab.key("ArrowRight");
    await check(1, 30, 20);
    await tab.key("ArrowRight");
    await tab.key("ArrowUp", 8);
    await check(0, 31, 30);
    // From straight above, the middle of the picture is the middle of the plane.
    await tab.evaluate(`document.querySelector(".surface").focus()`);
    for (let k = 0; k < 20; k++) await tab.key("ArrowUp");
    const { x, y, width, height } = await box(tab, ".surface");
    await tab.mouse("mouseMoved", x + width / 2, y + height / 2);
    await tab.settle();
    await check(0, 30, 20);
    await tab.mouse("mouseMoved", x + 3, y + 3);
    await tab.settle();
    assert.equal((await reading(tab)).pointed, false);
  });

  await test("holes, infinities and hostile names are shown and do no harm", "hostile.html", {}, async (tab) => {
    const nasty = "</script><script>window.hacked = 1</script><img src=x onerror='window.hacked = 1'>{{data}}";
    assert.equal(await tab.evaluate("window.hacked === undefined && document.images.length"), 0);
    assert.equal(await tab.evaluate("document.title"), nasty);
    assert.equal(await tab.evaluate(`document.querySelector("h2").textContent`), nasty);
    assert.equal(await tab.evaluate(`document.querySelector("dd").textContent`), nasty);
    assert.match(await notes(tab), /^3 of 1271 points not finite/);
    assert.match(await notes(tab), /1 of 2 points of leaves the plane outside the axes$/);
    for (const [i, j, value] of [[10, 20, NaN], [0, 0, Infinity], [40, 0, -Infinity], [30, 15, -1.5]]) {
      await tab.mouse("mouseMoved", ...(await onMap(tab, i, j, [41, 31])));
      await tab.settle();
      shows((await reading(tab)).values["train loss"], value);
    }
    await save(tab, "holes.png");
    await tab.evaluate(`document.querySelector("[value=log]").click()`);
    await tab.settle();
    assert.match(await notes(tab), /1 of 1271 points not positive/);
    const shown = await both(tab);
    await choose(tab, "paths", false);
    assert.notEqual(await both(tab), shown);
    for (const channel of ["nothing finite", "all the same", "extremes"]) {
      await choose(tab, "channel", channel);
      await save(tab, `${channel.replaceAll(" ", "-")}.png`);
      // Numbers as long as 5×10³⁰⁷ are not cut off at the border.
      const border = await tab.evaluate(`(() => {
        const canvas = document.querySelector(".contours");
        const { data } = canvas.getContext("2d").getImageData(canvas.width - 1, 0, 1, canvas.height);
        return data.every((byte) => byte === 0);
      })()`);
      assert.ok(border, `the map of ${channel} is cut off`);
    }
    assert.equal(await tab.evaluate("window.hacked === undefined"), true);
  });

  await test("a needle does not flatten the rest unless it is asked to", "hostile.html", {}, async (tab) => {
    await choose(tab, "channel", "a needle");
    assert.match(await notes(tab), /^[0-9]+ of 1271 points above [0-9.]+ clipped/);
    await click(tab, "whole");
    assert.doesNotMatch(await notes(tab), /clipped/);
    assert.equal(Number(await tab.evaluate(`document.querySelector("[name=high]").value`)), 1e15);
    await click(tab, "suggested");
    assert.match(await notes(tab), /clipped/);
  });

  await test("minima and saddles are marked, listed and told", "wells.html", {}, async (tab) => {
    const shown = await both(tab);
    const cells = `(row) => [...row.cells].map((cell) => cell.textContent)`;
    const list = () => tab.evaluate(`[...document.querySelectorAll(".shape tr")].map(${cells})`);
    const summary = () => tab.evaluate(`document.querySelector(".shape summary")?.textContent ?? ""`);
    assert.equal(await summary(), "Shape of train loss: 2 minima, 1 saddle");
    const [heads, first, second] = await list();
    assert.deepEqual(heads.slice(0, 3), ["minimum", "α", "β"]);
    assert.deepEqual([first[0], first[1], first[2], first[5]], ["1 ?", "−0.5", "0", "∞"]);
    assert.deepEqual([second[0], second[1]], ["2 ?", "0.5"]);
    await tab.mouse("mouseMoved", ...(await onMap(tab, 10, 10, [41, 21])));
    await tab.settle();
    const told = () => tab.evaluate(`document.querySelector(".readout .here")?.textContent ?? ""`);
    assert.match(await told(), /^minimum 1: the deepest, [0-9.]+ % of the points flow here, not certain/);
    await tab.mouse("mouseMoved", ...(await onMap(tab, 12, 12, [41, 21])));
    await tab.settle();
    assert.equal(await told(), "");
    await tab.evaluate(`document.querySelector(".shape").open = true`);
    await save(tab, "wells.png");
    await tab.evaluate(`document.querySelector(".shape").open = false`);
    await tab.mouse("mouseMoved", 2, 2);
    await tab.settle();
    assert.equal(await both(tab), shown);
    await choose(tab, "shapes", false);
    assert.notEqual(await both(tab), shown);
    assert.equal(await tab.evaluate(`document.querySelector(".shape").hidden`), true);
    await choose(tab, "shapes", true);
    assert.equal(await both(tab), shown);
    // Another channel has no shape that is known.
    await choose(tab, "channel", "test loss");
    assert.equal(await tab.evaluate(`document.querySelector(".shape").hidden`), true);
    await choose(tab, "channel", "train loss");
    assert.equal(await summary(), "Shape of train loss: 2 minima, 1 saddle");
  });

  await test("draws are shown one at a time, on one scale", "draws.html", { width: 1400 }, async (tab) => {
    // The values as they are in the file.
    const channel = (number) =>
      tab.evaluate(`(() => {
        const { landscapes } = JSON.parse(document.getElementById("data").textContent);
        const bytes = Uint8Array.from(atob(landscapes[${number}].channels[0].values), (c) => c.charCodeAt(0));
        return [...new Float64Array(bytes.buffer)];
      })()`);
    const [four, two] = [await channel(0), await channel(1)];
    assert.deepEqual([four.length, two.length], [4 * 31 * 21, 2 * 31 * 21]);
    const told = () => tab.evaluate(`[...document.querySelectorAll(".draw")].map((output) => output.textContent)`);
    const common = () => tab.evaluate(`[...document.querySelectorAll(".readout")][0].querySelector("[data-value=common]").title`);
    const range = () => tab.evaluate(`["low", "high"].map((name) => document.querySelector("[name=" + name + "]").value)`);
    const origin = () => tab.evaluate(`document.querySelector(".provenance dl").textContent`);
    const point = await onMap(tab, 3, 17, [31, 21]);
    const at = 3 * 21 + 17;
    const check = async (draws, texts) => {
      assert.deepEqual(await told(), texts);
      for (const number of [0, 1]) {
        const value = [four, two][number][draws[number] * 31 * 21 + at];
        const read = await reading(tab, number);
        assert.deepEqual([read.i, read.j], [3, 17]);
        shows(read.values["train loss"], value);
      }
    };
    await tab.mouse("mouseMoved", ...point);
    await tab.settle();
    await check([0, 0], ["1 of 4: seed 7, streams 0 and 1", "1 of 2"]);
    const [ends, same, first] = [await range(), await common(), await both(tab)];
    assert.match(await origin(), /direction of αrandom, seed 7, stream 0/);
    await save(tab, "draws-1.png");
    // With the keys of a slider and of a picture.
    await tab.evaluate(`document.querySelector(".draws input").focus()`);
    await tab.key("ArrowRight");
    await check([1, 1], ["2 of 4: seed 7, streams 2 and 3", "2 of 2"]);
    assert.match(await origin(), /direction of αrandom, seed 7, stream 2/);
    assert.notEqual(await both(tab), first);
    await tab.evaluate(`document.querySelector(".contours").focus()`);
    await tab.key("n");
    await check([2, 1], ["3 of 4: seed 7, streams 4 and 5", "2 of 2"]);
    await tab.key("n");
    await tab.key("n");
    await check([3, 1], ["4 of 4: seed 7, streams 6 and 7", "2 of 2"]);
    await save(tab, "draws-4.png");
    assert.deepEqual(await range(), ends, "one scale for all draws");
    assert.equal(await common(), same, "a channel of all draws stays");
    const shapes = await tab.evaluate(`document.querySelector(".shape summary").textContent`);
    assert.match(shapes, /^Shape of train loss: 1 minimum/);
    // All of it comes back.
    await tab.key("p");
    await tab.key("p");
    await tab.key("p");
    await check([0, 0], ["1 of 4: seed 7, streams 0 and 1", "1 of 2"]);
    assert.equal(await both(tab), first);
    // Apart, each has its own; played, it goes on by itself until it is stopped.
    await choose(tab, "linked", false);
    await tab.evaluate(`document.querySelector(".draws button").click()`);
    await new Promise((done) => setTimeout(done, 1200));
    await tab.evaluate(`document.querySelector(".draws button").click()`);
    await tab.settle();
    const [played, apart] = await told();
    assert.ok(/^[234] of 4/.test(played) && apart === "1 of 2", `${played}, ${apart}`);
    await new Promise((done) => setTimeout(done, 1000));
    assert.deepEqual(await told(), [played, apart]);
  });

  await test("without draws there is no slider", "pair.html", {}, async (tab) => {
    const sliders = await tab.evaluate(`[...document.querySelectorAll(".draws")].map((bar) => bar.checkVisibility())`);
    assert.deepEqual(sliders, [false, false]);
  });

  await test("without shapes there is nothing to switch", "pair.html", {}, async (tab) => {
    const hidden = `document.getElementById("controls").elements.shapes.closest("label").hidden`;
    assert.equal(await tab.evaluate(hidden), true);
  });

  const without = `const getContext = HTMLCanvasElement.prototype.getContext;
    HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
      return kind.startsWith("webgl") ? null : getContext.call(this, kind, ...rest);
    };`;
  await test("without WebGL there are contours and a message", "pair.html", { before: without }, async (tab) => {
    assert.match(await tab.evaluate(`document.querySelector(".missing").textContent`), /WebGL 2/);
    assert.equal(await tab.evaluate(`document.querySelectorAll(".surface").length`), 0);
    assert.ok((await picture(tab, ".contours")).colored > 0.1);
    await tab.mouse("mouseMoved", ...(await onMap(tab, 5, 6, [61, 41])));
    await tab.settle();
    assert.equal((await reading(tab)).i, 5);
  });

  await test("a lost WebGL context comes back", "pair.html", {}, async (tab) => {
    // The hidden canvas is reached where it is copied from.
    await tab.evaluate(`(() => {
      const drawImage = CanvasRenderingContext2D.prototype.drawImage;
      CanvasRenderingContext2D.prototype.drawImage = function (source, ...rest) {
        const gl = source.getContext?.("webgl2");
        if (gl) window.lost = gl.getExtension("WEBGL_lose_context");
        return drawImage.call(this, source, ...rest);
      };
    })()`);
    const before = (await picture(tab, ".surface")).hash;
    await tab.evaluate(`document.querySelector("[name=reset]").click()`);
    await tab.settle();
    await tab.evaluate("lost.loseContext()");
    await tab.settle();
    await tab.evaluate(`new Promise((done) => {
      setTimeout(() => lost.restoreContext(), 50);
      setTimeout(done, 350);
    })`);
    await tab.settle();
    assert.equal((await picture(tab, ".surface")).hash, before);
  });

  for (const file of ["251.html", "1001.html"]) {
    const what = { text: "" };
    await test(`${file} turns`, file, {}, async (tab) => {
      const times = await tab.evaluate(`(async () => {
        const canvas = document.querySelector(".surface");
        const frame = () => new Promise(requestAnimationFrame);
        const event = (type, k) => {
          const at = { pointerId: 1, clientX: 300 + 3 * k, clientY: 300, buttons: 1 };
          canvas.dispatchEvent(new PointerEvent(type, at));
        };
        canvas.setPointerCapture = () => {};
        event("pointerdown", 0);
        const times = [];
        let last = await frame();
        for (let k = 1; k <= 60; k++) {
          event("pointermove", k);
          const now = await frame();
          times.push(now - last);
          last = now;
        }
        event("pointerup", 60);
        return times.slice(5).sort((a, b) => a - b);
      })()`);
      const loading = await tab.evaluate("performance.getEntriesByType('navigation')[0].domComplete");
      const [median, most] = [times[27], times[49]].map((time) => time.toFixed(1));
      const turning = `a frame while turning takes ${median} ms (median), ${most} ms (90 %)`;
      what.text = `${file}: ${loading.toFixed(0)} ms until it is there; ${turning}`;
      assert.ok(times[27] < 1000, what.text);
      await save(tab, file.replace("html", "png"));
    });
    console.log(`  ${what.text}`);
  }
}

try {
  await all();
  console.log(`all ${number} tests of pages in a browser passed`);
} catch (error) {
  console.error(`not ok ${number + 1} -`, error);
  process.exitCode = 1;
} finally {
  await browser.close();
}
