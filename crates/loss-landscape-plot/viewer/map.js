// Maps: the contours of a landscape seen from above, with axes, colour bar, trajectories and the pointer's point.

const INK = "#1a1a1a";
const FONT = "11px system-ui, sans-serif";
const MARGIN = { left: 48, top: 10, bottom: 38, right: 78 };
const BAR = { gap: 14, width: 13 };

class ContourMap {
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
    const side = Math.max(Math.min(width - MARGIN.left - MARGIN.right, height - MARGIN.top - MARGIN.bottom), 40);
    const left = Math.max((width - side - MARGIN.left - MARGIN.right) / 2, 0) + MARGIN.left;
    this.frame = { left: Math.round(left), top: MARGIN.top, side: Math.floor(side) };
    this.canvas.dataset.frame = [this.frame.left, this.frame.top, this.frame.side].join(" ");
    const { width: columns, height: rows } = this.canvas;
    Object.assign(this.picture, { width: columns, height: rows });
    const context = this.picture.getContext("2d");
    const ratio = pixelRatio();
    const pixels = Math.round(this.frame.side * ratio);
    const image = bandImage(field, colors, pixels, pixels, ratio);
    context.putImageData(image, Math.round(this.frame.left * ratio), Math.round(this.frame.top * ratio));
    context.scale(ratio, ratio);
    this.drawLines(context, colors);
    this.drawAxes(context);
    this.drawBar(context, colors);
  }

  /** Draws the whole map: the picture, and on it trajectories and the point (i, j) of the pointer. */
  draw(trajectories, point) {
    const { context, canvas } = this;
    const [i, j] = point ? [point.i, point.j] : [-1, -1];
    const state = [i, j, trajectories.length].join(" ");
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
    for (const trajectory of trajectories) trajectory.draw(context, (x, y) => this.place(x, y));
    if (point) {
      const [x, y] = this.place(this.field.x[point.i], this.field.y[point.j]);
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

  /** A place of the unit square in the picture. */
  place(x, y) {
    const { left, top, side } = this.frame;
    return [left + x * side, top + (1 - y) * side];
  }

  /** The grid point nearest to a place in the picture, or null outside the frame. */
  pointAt(x, y) {
    const { left, top, side } = this.frame;
    const [u, v] = [(x - left) / side, 1 - (y - top) / side];
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
          const place = this.place(line[s], line[s + 1]);
          if (s === 0) context.moveTo(...place);
          else context.lineTo(...place);
        }
      }
      context.lineJoin = "round";
      context.lineWidth = 1;
      context.strokeStyle = isDark(colors.at(levels[k])) ? "rgba(255,255,255,.7)" : "rgba(0,0,0,.6)";
      context.stroke();
      for (const [x, y] of this.labelPlaces(lines, placed)) texts.push([labels[k], x, y]);
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

  /** Up to two places for a level's label: on its lines, and as far as can be from labels there are. */
  labelPlaces(lines, placed) {
    const { left, top, side } = this.frame;
    const found = [];
    // Rings as small as the label itself stay without.
    const long = lines.filter((line) => lineLength(line) * side > 90).flat();
    const stride = 2 * Math.max(Math.floor(long.length / 2 / 150), 1);
    for (let count = 0; count < 2; count++) {
      let best = { room: 34 };
      for (let s = 0; s < long.length; s += stride) {
        const [x, y] = this.place(long[s], long[s + 1]);
        const border = Math.min(x - left, left + side - x, 1.6 * (y - top), 1.6 * (top + side - y));
        if (border < 20) continue;
        const room = placed.reduce((room, [u, v]) => Math.min(room, Math.hypot(x - u, 1.6 * (y - v))), 1e3);
        // The second only where the first is far.
        if (room > best.room && (count === 0 || room > 110)) best = { room, x, y };
      }
      if (best.x === undefined) break;
      placed.push([best.x, best.y]);
      found.push([best.x, best.y]);
    }
    return found;
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
    const across = axisTicks(landscape.x, 6);
    context.textAlign = "center";
    context.textBaseline = "top";
    for (const { place, text } of across) {
      const [x, y] = this.place(place, 0);
      context.moveTo(x, y);
      context.lineTo(x, y + 4);
      context.fillText(text, x, y + 7);
    }
    const upwards = axisTicks(landscape.y, 6);
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (const { place, text } of upwards) {
      const [x, y] = this.place(0, place);
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
    context.translate(left - MARGIN.left + 12, top + side / 2);
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
    const ticks = levels.length ? levels : scale.ticks(5);
    tickTexts(ticks, scale.log).forEach((text, k) => {
      const y = height(scale.fraction(ticks[k]));
      context.fillRect(x + BAR.width, y - 0.4, 3, 0.8);
      context.fillText(text, x + BAR.width + 6, y);
    });
  }
}

/** The length of a flat list of points. */
function lineLength(line) {
  let length = 0;
  for (let s = 2; s < line.length; s += 2) length += Math.hypot(line[s] - line[s - 2], line[s + 1] - line[s - 1]);
  return length;
}

/** The ticks of an axis of coordinates: their places from 0 to 1, and texts. */
function axisTicks(axis, most) {
  const scale = new Scale(false, axis[0], axis[axis.length - 1]);
  const ticks = scale.ticks(most);
  const texts = tickTexts(ticks, false);
  return ticks.map((tick, k) => ({ place: scale.fraction(tick), text: texts[k] }));
}

/** Gives a canvas the device pixels of its place in the page; returns its size in CSS pixels. */
function sizeCanvas(canvas) {
  const { clientWidth: width, clientHeight: height } = canvas;
  const [columns, rows] = [Math.round(width * pixelRatio()), Math.round(height * pixelRatio())];
  if (canvas.width !== columns) canvas.width = columns;
  if (canvas.height !== rows) canvas.height = rows;
  return { width, height };
}

/** Device pixels in a CSS pixel. */
function pixelRatio() {
  return Math.min(window.devicePixelRatio || 1, 3);
}

function isDark([red, green, blue]) {
  return 0.3 * red + 0.6 * green + 0.1 * blue < 115;
}

/** A table of 256 colours. */
class Colors {
  constructor(hex) {
    this.table = Uint8Array.from({ length: 1024 }, (_, k) =>
      k % 4 === 3 ? 255 : parseInt(hex.substr(6 * (k >> 2) + 2 * (k % 4), 2), 16),
    );
  }

  /** Red, green and blue at a fraction. */
  at(fraction) {
    const k = 4 * Math.round(255 * Math.min(Math.max(fraction, 0), 1));
    return [this.table[k], this.table[k + 1], this.table[k + 2]];
  }
}
