// Numbers: out of base64, and as text on axes and under the pointer.

/** The little-endian f64 values in a base64 text. */
export function decodeFloats(text) {
  const characters = atob(text);
  const bytes = new Uint8Array(characters.length);
  for (let k = 0; k < bytes.length; k++) bytes[k] = characters.charCodeAt(k);
  const view = new DataView(bytes.buffer);
  const values = new Float64Array(bytes.length / 8);
  for (let k = 0; k < values.length; k++) values[k] = view.getFloat64(8 * k, true);
  return values;
}

/** A value to nine significant digits, which tell any two single-precision numbers apart. */
export function valueText(value) {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  return plainText(value, 9);
}

/** A value in running text, to three digits. */
export function briefText(value) {
  return plainText(value, 3);
}

/** Texts for the ticks of an axis: equal decimals on a linear one, each for itself on a logarithmic one. */
export function tickTexts(ticks, log) {
  const gaps = ticks.map((tick, k) => {
    const gap = Math.min(Math.abs(tick - ticks[k - 1] || NaN) || Infinity, Math.abs(ticks[k + 1] - tick) || Infinity);
    return Number.isFinite(gap) ? gap : Math.abs(tick) || 1;
  });
  const largest = Math.max(...ticks.map(Math.abs), 0);
  for (let decimals = 0; !log && largest < 1e5 && decimals <= 6; decimals++) {
    const texts = ticks.map((tick) => (tick + 0).toFixed(decimals));
    if (texts.every((text, k) => Math.abs(Number(text) - ticks[k]) <= 1e-3 * gaps[k])) {
      return texts.map((text) => trueMinus(Number(text) === 0 ? text.replace("-", "") : text));
    }
  }
  let digits = 1;
  const exact = (tick, k) => Math.abs(Number(tick.toPrecision(digits)) - tick) <= 1e-3 * gaps[k];
  while (digits < 15 && !ticks.every(exact)) digits++;
  return ticks.map((tick) => plainText(tick, digits));
}

/** A finite value to this number of significant digits: 0.02, 1500, 2×10⁻⁵. */
function plainText(value, digits) {
  const rounded = Number(value.toPrecision(digits));
  const size = Math.abs(rounded);
  if (rounded === 0 || (size >= 1e-3 && size < 1e4) || (size < 1e6 && Number.isInteger(rounded))) {
    return trueMinus(String(rounded + 0));
  }
  const [mantissa, exponent] = rounded.toExponential().split("e");
  const power = "10" + [...exponent.replace("+", "")].map((c) => SUPERSCRIPTS[c]).join("");
  if (mantissa === "1" || mantissa === "-1") return trueMinus(mantissa.slice(0, -1) + power);
  return trueMinus(mantissa + "×" + power);
}

const SUPERSCRIPTS = {
  "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹",
};

function trueMinus(text) {
  return text.replace("-", "−");
}
