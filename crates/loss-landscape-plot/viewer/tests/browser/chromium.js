// A headless Chromium over a pair of pipes: no port, no driver, no package.

import { spawn } from "node:child_process";
import { accessSync, constants, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--enable-unsafe-swiftshader",
  "--hide-scrollbars",
  "--remote-debugging-pipe",
];

/** The Chromium of this machine, or null. */
export function findChromium() {
  const folders = (process.env.PATH ?? "").split(delimiter);
  const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
  const usual = names.flatMap((name) => folders.map((folder) => join(folder, name)));
  const paths = process.env.CHROMIUM ? [process.env.CHROMIUM] : usual;
  const runs = (path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  };
  return paths.find(runs) ?? null;
}

export class Browser {
  /** Starts one with a new empty profile. */
  constructor(path) {
    this.profile = mkdtempSync(join(tmpdir(), "page-test-"));
    this.process = spawn(path, [...FLAGS, `--user-data-dir=${this.profile}`], {
      stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"],
    });
    this.exited = new Promise((resolve) => this.process.on("exit", resolve));
    this.process.on("exit", () => this.fail(new Error("Chromium ended")));
    this.process.on("error", (error) => this.fail(error));
    this.process.stdio[3].on("error", () => {});
    this.waiting = new Map();
    this.listeners = [];
    this.number = 0;
    let rest = "";
    this.process.stdio[4].setEncoding("utf8").on("data", (text) => {
      const messages = (rest + text).split("\0");
      rest = messages.pop();
      for (const message of messages) this.take(JSON.parse(message));
    });
  }

  fail(error) {
    this.gone = error;
    for (const { reject } of this.waiting.values()) reject(error);
    this.waiting.clear();
  }

  take(message) {
    if (message.id === undefined) {
      for (const listener of this.listeners) listener(message);
      return;
    }
    const { resolve, reject } = this.waiting.get(message.id);
    this.waiting.delete(message.id);
    if (message.error) reject(new Error(message.error.message));
    else resolve(message.result);
  }

  send(method, params = {}, sessionId = undefined) {
    const id = ++this.number;
    return new Promise((resolve, reject) => {
      if (this.gone) throw this.gone;
      this.waiting.set(id, { resolve, reject });
      this.process.stdio[3].write(JSON.stringify({ id, method, params, sessionId }) + "\0");
    });
  }

  async close() {
    await this.send("Browser.close").catch(() => {});
    await this.exited;
    rmSync(this.profile, { recursive: true, force: true, maxRetries: 5 });
  }

  /** Opens a file in a new tab of this size; `before` is a script that runs first. */
  async open(url, { width = 1280, height = 800, ratio = 1, touch = false, before = "" } = {}) {
    const { targetId } = await this.send("Target.createTarget", { url: "about:blank" });
    const { sessionId } = await this.send("Target.attachToTarget", { targetId, flatten: true });
    const tab = new Tab(this, targetId, sessionId);
    this.listeners.push((message) => message.sessionId === sessionId && tab.hear(message));
    for (const domain of ["Page", "Runtime", "Network", "Log"]) await tab.send(`${domain}.enable`);
    const metrics = { width, height, deviceScaleFactor: ratio, mobile: false };
    await tab.send("Emulation.setDeviceMetricsOverride", metrics);
    if (touch) await tab.send("Emulation.setTouchEmulationEnabled", { enabled: true, maxTouchPoints: 2 });
    if (before) await tab.send("Page.addScriptToEvaluateOnNewDocument", { source: before });
    const loaded = new Promise((resolve) => (tab.loaded = resolve));
    await tab.send("Page.navigate", { url });
    await loaded;
    await tab.settle();
    return tab;
  }
}

/** A tab: what it asked for and complained of, and its input. */
class Tab {
  constructor(browser, target, session) {
    Object.assign(this, { browser, target, session, requests: [], errors: [] });
  }

  send(method, params) {
    return this.browser.send(method, params, this.session);
  }

  hear({ method, params }) {
    if (method === "Page.loadEventFired") this.loaded();
    if (method === "Network.requestWillBeSent") this.requests.push(params.request.url);
    if (method === "Network.webSocketCreated") this.requests.push(params.url);
    if (method === "Runtime.exceptionThrown") {
      this.errors.push(params.exceptionDetails.exception?.description ?? params.exceptionDetails.text);
    }
    if (method === "Runtime.consoleAPICalled" && ["error", "assert"].includes(params.type)) {
      this.errors.push(params.args.map((arg) => arg.value ?? arg.description).join(" "));
    }
    if (method === "Log.entryAdded" && params.entry.level === "error") this.errors.push(params.entry.text);
  }

  /** The value of an expression in the page; promises are awaited. */
  async evaluate(expression) {
    const options = { expression, awaitPromise: true, returnByValue: true };
    const { result, exceptionDetails } = await this.send("Runtime.evaluate", options);
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  /** Waits until all that is due was drawn. */
  settle() {
    const frames = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))";
    return this.evaluate(frames);
  }

  async mouse(type, x, y, more = {}) {
    await this.send("Input.dispatchMouseEvent", { type, x, y, ...more });
  }

  async drag(from, to, modifiers = 0) {
    const held = { button: "left", buttons: 1, modifiers };
    await this.mouse("mousePressed", ...from, { ...held, clickCount: 1 });
    for (const share of [0.25, 0.5, 0.75, 1]) {
      const at = from.map((start, k) => start + share * (to[k] - start));
      await this.mouse("mouseMoved", ...at, held);
    }
    await this.mouse("mouseReleased", ...to, { button: "left", clickCount: 1, modifiers });
    await this.settle();
  }

  async key(key, modifiers = 0) {
    const text = key.length === 1 ? key : undefined;
    const windowsVirtualKeyCode = { ArrowLeft: 37, ArrowUp: 38, ArrowRight: 39, ArrowDown: 40, Tab: 9 }[key];
    const event = { key, code: key, windowsVirtualKeyCode, modifiers };
    await this.send("Input.dispatchKeyEvent", { type: "keyDown", text, ...event });
    await this.send("Input.dispatchKeyEvent", { type: "keyUp", ...event });
    await this.settle();
  }

  async screenshot() {
    const { data } = await this.send("Page.captureScreenshot", { format: "png" });
    return Buffer.from(data, "base64");
  }

  async close() {
    await this.browser.send("Target.closeTarget", { targetId: this.target });
  }
}
