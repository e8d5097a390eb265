// Shapes: minima and saddles of a channel, on the surface, over the contours and as a list.

import { decodeFloats, valueText, briefText } from "./numbers.js";
import { unitPlaces } from "./axis.js";
import { INK, FONT, drawDot } from "./canvas.js";

/** Minima that are drawn and listed, the most persistent ones. */
const MOST_MINIMA = 300;
/** Minima that have a number in the pictures. */
const MOST_NUMBERS = 40;

/** Minima and saddles of one channel of a landscape, in one draw. */
export class Shape {
  constructor(landscape, data) {
    this.channel = data.channel;
    /** The number of the channel's grid. */
    this.grid = data.draw;
    this.landscape = landscape;
    const { minima, saddles } = data;
    const [i, j, persistence, share, certain] = ["i", "j", "persistence", "share", "certain"].map((name) =>
      decodeFloats(minima[name]),
    );
    const values = landscape.channels.get(this.channel);
    const first = this.grid * landscape.x.length * landscape.y.length;
    const point = (i, j) => {
      const [[x], [y]] = [unitPlaces(landscape.x, [landscape.x[i]]), unitPlaces(landscape.y, [landscape.y[j]])];
      return { i, j, x, y, value: values[first + i * landscape.y.length + j] };
    };
    this.total = i.length;
    this.minima = Array.from(i.slice(0, MOST_MINIMA), (_, k) => {
      const known = { persistence: persistence[k], share: share[k], certain: certain[k] === 1 };
      return { number: k + 1, ...point(i[k], j[k]), ...known };
    });
    const [si, sj, ends] = ["i", "j", "ends"].map((name) => decodeFloats(saddles[name]));
    const all = Array.from(si, (_, k) => ({ ...point(si[k], sj[k]), ends: ends[k] + 1 }));
    this.saddles = all.filter((saddle) => saddle.ends <= this.minima.length);
    this.hills = data.hills;
  }

  /** What is at a grid point, as a text; empty if nothing is. */
  at(i, j) {
    const here = (point) => point.i === i && point.j === j;
    const minimum = this.minima.find(here);
    if (minimum) {
      const { number, persistence, share, certain } = minimum;
      const rise = persistence === Infinity ? "the deepest" : `persistence ${briefText(persistence)}`;
      const doubt = certain ? "" : ", not certain for points without a value";
      return `minimum ${number}: ${rise}, ${shareText(share)} of the points flow here${doubt}`;
    }
    const saddle = this.saddles.find(here);
    return saddle ? `saddle at which minimum ${saddle.ends} ends` : "";
  }

  /** Counts, for the heading of the list. */
  get summary() {
    const count = (number, one, many) => `${number} ${number === 1 ? one : many}`;
    const { total, saddles, hills, minima } = this;
    const some = total > minima.length ? ` (the ${minima.length} most persistent shown)` : "";
    const rest = hills > 0 ? `, ${count(hills, "hill", "hills")}` : "";
    const all = total > minima.length ? "" : `, ${count(saddles.length, "saddle", "saddles")}`;
    return `Shape of ${this.channel}: ${count(total, "minimum", "minima")}${some}${all}${rest}`;
  }

  /** A row of texts for each minimum. */
  get rows() {
    const { landscape } = this;
    const saddles = new Map(this.saddles.map((saddle) => [saddle.ends, saddle]));
    return this.minima.map(({ number, i, j, value, persistence, share, certain }) => {
      const saddle = saddles.get(number);
      const end = saddle ? valueText(saddle.value) : "–";
      const rise = persistence === Infinity ? "∞" : briefText(persistence);
      const place = [briefText(landscape.x[i]), briefText(landscape.y[j])];
      return [`${number}${certain ? "" : " ?"}`, ...place, valueText(value), end, rise, shareText(share)];
    });
  }

  /** Draws all marks flat; `place` takes a point to the picture, and returns null where it is not in it. */
  draw(context, place) {
    for (const saddle of this.saddles) {
      const at = place(saddle);
      if (at) drawDiamond(context, ...at);
    }
    context.font = FONT;
    context.textAlign = "left";
    context.textBaseline = "middle";
    context.lineJoin = "round";
    for (const minimum of this.minima) {
      const at = place(minimum);
      if (!at) continue;
      const [x, y] = at;
      drawDot(context, x, y, 3.5, minimum.certain ? "#000000" : "#ffffff");
      if (minimum.number > MOST_NUMBERS || this.minima.length === 1) continue;
      context.lineWidth = 3;
      context.strokeStyle = "rgba(255,255,255,.9)";
      context.strokeText(minimum.number, x + 6, y);
      context.fillStyle = INK;
      context.fillText(minimum.number, x + 6, y);
    }
  }
}

/** The shapes of a landscape. */
export function shapesOf(landscape, data) {
  return data.map((shape) => new Shape(landscape, shape));
}

function drawDiamond(context, x, y) {
  const r = 4.5;
  context.beginPath();
  context.moveTo(x, y - r);
  context.lineTo(x + r, y);
  context.lineTo(x, y + r);
  context.lineTo(x - r, y);
  context.closePath();
  context.fillStyle = "#ffffff";
  context.fill();
  context.lineWidth = 1.2;
  context.strokeStyle = INK;
  context.stroke();
}

/** A share in percent. */
function shareText(share) {
  return `${briefText(100 * share)} %`;
}
