// Colours: the tables of colour maps.

/** A table of 256 colours. */
export class Colors {
  constructor(hex) {
    this.table = Uint8Array.from({ length: 1024 }, (_, k) =>
      k % 4 === 3 ? 255 : byteAt(hex, 6 * (k >> 2) + 2 * (k % 4)),
    );
  }

  /** Red, green and blue at a fraction. */
  at(fraction) {
    const k = 4 * Math.round(255 * Math.min(Math.max(fraction, 0), 1));
    return [this.table[k], this.table[k + 1], this.table[k + 2]];
  }
}

/** The fractions of red, green and blue in a colour written as `#rrggbb`. */
export function inkOf(color) {
  return [1, 3, 5].map((k) => byteAt(color, k) / 255);
}

/** The byte of two hexadecimal digits at a place of a text. */
function byteAt(text, k) {
  return parseInt(text.slice(k, k + 2), 16);
}

/** Whether white is told from a colour more easily than black. */
export function isDark([red, green, blue]) {
  return 0.3 * red + 0.6 * green + 0.1 * blue < 115;
}
