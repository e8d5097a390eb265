// Maps: the contours of a landscape seen from above, with axes, colour bar, trajectories, minima and saddles, and the
// pointer's point.

import { tickTexts } from "./numbers.js";
import { nearest, axisTicks } from "./axis.js";
import { isDark } from "./colors.js";
import { INK, FONT, sizeCanvas, pixelRatio, drawDot } from "./canvas.js";
import { bandPixels } from "./bands.js";
import { isolines } from "./isolines.js";
import { labelPlaces } from "./labels.js";
import { Frame } from "./frame.js";

/** Around the frame, at least; long numbers make the sides wider. */
const MARGIN = { left: 48, top: 10, bottom: 38, right: 78 };
const MOST_TICKS = 6;
const BAR = { gap: 14, width: 13, text: 6 };

export class ContourMap {
  constructor(canvas, landscape) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.landscape = landscape;
    this.picture = document.createElement("canvas");
  }

  /** Whether the picture still has the size of its place in the page. */
  get fits() {
    const { canvas } = this;
    const pixels = (length) => Math.round(length * pixelRatio());
    return canvas.width === pixels(canvas.clientWidth) && canvas.height === pixels(canvas.clientHeight);
  }

  /** Draws anew what changes with the field, the colours or the size. */
  refresh(field, colors) {
    this.field = field;
    this.drawn = null;
    const { width, height } = sizeCanvas(this.canvas);
    this.margin = this.marginFor(field);
    this.frame = Frame.fit(width, height, this.margin);
    this.canvas.dataset.frame = [this.frame.left, this.frame.top, this.frame.side].join(" ");
    const { width: columns, height: rows } = this.canvas;
    Object.assign(this.picture, { width: columns, height: rows });
    const context = this.picture.getContext("2d");
    const ratio = pixelRatio();
    const pixels = Math.round(this.frame.side * ratio);
    const image = new ImageData(bandPixels(field, colors, pixels, pixels, ratio), pixels, pixels);
    context.putImageData(image, Math.round(this.frame.left * ratio), Math.round(this.frame.top * ratio));
    context.scale(ratio, ratio);
    this.drawLines(context, colors);
    this.drawAxes(context);
    this.drawBar(context, colors);
  }

  /** The margins that the numbers of the second axis and of the colour bar need. */
  marginFor(field) {
    const { context } = this;
    context.font = FONT;
    const widest = (ticks) => Math.max(0, ...ticks.map(({ text }) => context.measureText(text).width));
    const left = Math.max(MARGIN.left, widest(axisTicks(this.landscape.y, MOST_TICKS)) + 26);
    const right = Math.max(MARGIN.right, BAR.gap + BAR.width + BAR.text + widest(barTicks(field)) + 2);
    return { ...MARGIN, left, right };
  }

  /** Draws the whole map: the picture, and on it trajectories, a shape or none, and the point (i, j) of the pointer. */
  draw(trajectories, shape, point) {
    const { context, canvas } = this;
    const [i, j] = point ? [point.i, point.j] : [-1, -1];
    const state = [i, j, trajectories.length, shape !== null].join(" ");
    if (this.drawn === state) return;
    this.drawn = state;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.drawImage(this.picture, 0, 0);
    context.scale(pixelRatio(), pixelRatio());
    const { left, top, side } = this.frame;
    context.save();
    context.beginPath();
    context.rect(left, top, side, side);
    context.clip();
    for (const trajectory of trajectories) trajectory.draw(context, (x, y) => this.frame.place(x, y));
    if (shape) shape.draw(context, ({ x, y }) => this.frame.place(x, y));
    if (point) {
      const [x, y] = this.frame.place(this.field.x[point.i], this.field.y[point.j]);
      for (const [color, width] of [["rgba(255,255,255,.5)", 2.4], [INK, 0.8]]) {
        context.strokeStyle = color;
        context.lineWidth = width;
        context.beginPath();
        context.moveTo(left, y);
        context.lineTo(left + side, y);
        context.moveTo(x, top);
        context.lineTo(x, top + side);
        context.stroke();
      }
      drawDot(context, x, y, 3.5, "#ffffff");
    }
    context.restore();
  }

  /** The grid point nearest to a place in the picture, or null outside the frame. */
  pointAt(x, y) {
    const [u, v] = this.frame.locate(x, y);
    if (!(u >= -0.02 && u <= 1.02 && v >= -0.02 && v <= 1.02)) return null;
    return { i: nearest(this.field.x, u), j: nearest(this.field.y, v) };
  }

  drawLines(context, colors) {
    const { field, frame } = this;
    // Cells below a pixel show nothing more than larger ones.
    const stride = Math.max(Math.floor(Math.max(field.nx, field.ny) / frame.side), 1);
    const levels = field.levels.map((level) => field.scale.fraction(level));
    const found = isolines(field, levels, stride);
    this.linesLeftOut = found === null;
    const labels = tickTexts(field.levels, field.scale.log);
    const placed = [];
    const texts = [];
    (found ?? []).forEach((lines, k) => {
      context.beginPath();
      for (const line of lines) {
        for (let s = 0; s < line.length; s += 2) {
          const place = frame.place(line[s], line[s + 1]);
          if (s === 0) context.moveTo(...place);
          else context.lineTo(...place);
        }
      }
      context.lineJoin = "round";
      context.lineWidth = 1;
      context.strokeStyle = isDark(colors.at(levels[k])) ? "rgba(255,255,255,.7)" : "rgba(0,0,0,.6)";
      context.stroke();
      for (const place of labelPlaces(lines, placed, frame)) {
        placed.push(place);
        texts.push([labels[k], ...place]);
      }
    });
    context.font = "10px system-ui, sans-serif";
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.lineJoin = "round";
    for (const [text, x, y] of texts) {
      context.lineWidth = 3;
      context.strokeStyle = "rgba(255,255,255,.85)";
      context.strokeText(text, x, y);
      context.fillStyle = INK;
      context.fillText(text, x, y);
    }
  }

  drawAxes(context) {
    const { left, top, side } = this.frame;
    const { landscape } = this;
    context.strokeStyle = INK;
    context.fillStyle = INK;
    context.lineWidth = 1;
    context.strokeRect(left - 0.5, top - 0.5, side + 1, side + 1);
    context.font = FONT;
    context.beginPath();
    const across = axisTicks(landscape.x, MOST_TICKS);
    context.textAlign = "center";
    context.textBaseline = "top";
    for (const { place, text } of across) {
      const [x, y] = this.frame.place(place, 0);
      context.moveTo(x, y);
      context.lineTo(x, y + 4);
      context.fillText(text, x, y + 7);
    }
    const upwards = axisTicks(landscape.y, MOST_TICKS);
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (const { place, text } of upwards) {
      const [x, y] = this.frame.place(0, place);
      context.moveTo(x - 4, y);
      context.lineTo(x, y);
      context.fillText(text, x - 7, y);
    }
    context.stroke();
    context.textAlign = "center";
    context.textBaseline = "alphabetic";
    context.font = "12px system-ui, sans-serif";
    context.fillText(landscape.xLabel, left + side / 2, top + side + MARGIN.bottom - 6, side);
    context.save();
    context.translate(left - this.margin.left + 12, top + side / 2);
    context.rotate(-Math.PI / 2);
    context.fillText(landscape.yLabel, 0, 0, side);
    context.restore();
  }

  drawBar(context, colors) {
    const { left, top, side } = this.frame;
    const { scale, levels } = this.field;
    const x = left + side + BAR.gap;
    const edges = [0, ...levels.map((level) => scale.fraction(level)), 1];
    const height = (fraction) => top + (1 - fraction) * side;
    edges.slice(1).forEach((edge, k) => {
      context.fillStyle = `rgb(${colors.at((edge + edges[k]) / 2)})`;
      context.fillRect(x, height(edge), BAR.width, height(edges[k]) - height(edge) + 0.5);
    });
    context.strokeStyle = INK;
    context.lineWidth = 0.8;
    context.strokeRect(x, top, BAR.width, side);
    context.fillStyle = INK;
    context.font = FONT;
    context.textAlign = "left";
    context.textBaseline = "middle";
    for (const { place, text } of barTicks(this.field)) {
      const y = height(place);
      context.fillRect(x + BAR.width, y - 0.4, 3, 0.8);
      context.fillText(text, x + BAR.width + BAR.text, y);
    }
  }
}

/** The ticks of the colour bar: the levels, or round numbers where there are none; their places and texts. */
function barTicks({ levels, scale }) {
  const ticks = levels.length ? levels : scale.ticks(MOST_TICKS - 1);
  return tickTexts(ticks, scale.log).map((text, k) => ({ place: scale.fraction(ticks[k]), text }));
}
