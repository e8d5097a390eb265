// Ticks: the round numbers between two ends.

/** Multiples of 1, 2 or 5 times a power of ten. */
export function linearTicks(lo, hi, most) {
  const rough = hi / most - lo / most;
  const exponent = Math.floor(Math.log10(rough));
  for (const digit of [1, 2, 5, 10, 20]) {
    const step = Number(`${digit}e${exponent}`);
    const first = Math.ceil(lo / step - 1e-9);
    const count = Math.floor(hi / step + 1e-9) - first + 1;
    if (Math.abs(first) < 1e12 && count >= 1 && count <= most) {
      return Array.from({ length: count }, (_, k) => Number(((first + k) * step).toPrecision(14)));
    }
  }
  return [lo, hi];
}

/** Round numbers spread evenly over decades; over about one, those of a linear axis. */
export function logTicks(lo, hi, most) {
  const [first, last] = [Math.floor(Math.log10(lo)), Math.ceil(Math.log10(hi))];
  const inside = (tick) => tick >= lo * (1 - 1e-9) && tick <= hi * (1 + 1e-9) && Number.isFinite(tick);
  const decades = (digits, every) => {
    const ticks = [];
    for (let exponent = first; exponent <= last; exponent++) {
      if (exponent % every === 0) ticks.push(...digits.map((digit) => Number(`${digit}e${exponent}`)));
    }
    return ticks.filter(inside);
  };
  for (const digits of [[1, 1.5, 2, 3, 5, 7], [1, 2, 5], [1, 3], [1]]) {
    const ticks = decades(digits, 1);
    if (ticks.length > most) continue;
    return ticks.length > 2 || hi / lo > 20 ? ticks : linearTicks(lo, hi, most).filter((tick) => tick > 0);
  }
  const every = [2, 3, 5, 10, 20, 50, 100].find((every) => decades([1], every).length <= most);
  return decades([1], every ?? 200);
}
