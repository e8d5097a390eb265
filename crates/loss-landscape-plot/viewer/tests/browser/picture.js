// A picture of a page, for the documentation: 1280 × 1300 pixels, with values read at one point.
//
//     cargo run --release --example page
//     node crates/loss-landscape-plot/viewer/tests/browser/picture.js page/landscape.html docs/images/page.png

import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

import { Browser, findChromium } from "./chromium.js";

const [page, picture] = process.argv.slice(2);
if (!picture) throw new Error("which page, and where does its picture go?");
const chromium = findChromium();
if (!chromium) throw new Error("there is no Chromium here (Debian's package is `chromium`)");
const browser = new Browser(chromium);
// A browser that hangs is a failure, not a wait.
setTimeout(() => browser.process.kill("SIGKILL"), 120_000).unref();
const tab = await browser.open(pathToFileURL(resolve(page)).href, { width: 1280, height: 1300 });
const { x, y, width, height } = await tab.evaluate(`(() => {
  const { x, y, width, height } = document.querySelector(".contours").getBoundingClientRect();
  return { x, y, width, height };
})()`);
// Beside the path, where nothing is covered.
await tab.mouse("mouseMoved", x + 0.5 * width, y + 0.2 * height);
await tab.settle();
writeFileSync(picture, await tab.screenshot());
await browser.close();
