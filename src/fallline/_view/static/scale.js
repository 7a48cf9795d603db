// @ts-check
// Scales, ticks and the way numbers are written: shared by every picture.

/**
 * A mapping from a domain of values to a range of pixels.
 * @typedef {((value: number) => number) & {invert: (pixel: number) => number, domain: [number, number], range: [number, number]}} Scale
 */

const scaleMinus = "\u2212";
const scaleSuperscripts = "⁰¹²³⁴⁵⁶⁷⁸⁹";

/**
 * A number as text: four significant figures, a true minus sign, no trailing zeros; powers of ten as `1.765×10⁷`.
 * Not measured (null, undefined) is "–"; not finite is "NaN", "∞" or "−∞".
 * @param {number | null | undefined} value
 * @param {number} [figures] significant figures
 * @returns {string}
 */
export function formatNumber(value, figures = 4) {
  if (value === null || value === undefined) return "–";
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : scaleMinus + "∞";
  if (value === 0) return "0";
  const rounded = Number(value.toPrecision(figures));
  const size = Math.abs(rounded);
  const sign = rounded < 0 ? scaleMinus : "";
  if (size >= 1e6 || size < 1e-4) return sign + scalePower(size, figures);
  return sign + scaleGrouped(scalePlain(size, figures));
}

/**
 * Labels for a row of ticks: all with as many decimals as the finest needs.
 * @param {number[]} ticks
 * @returns {string[]}
 */
export function formatTicks(ticks) {
  const largest = Math.max(...ticks.map(Math.abs), 0);
  if (ticks.length < 2 || largest >= 1e6 || largest < 1e-4) return ticks.map((tick) => formatNumber(tick));
  let decimals = 0;
  while (decimals < 12 && ticks.some((tick) => Number(tick.toFixed(decimals)) !== Number(tick.toPrecision(12)))) decimals += 1;
  return ticks.map((tick) => {
    const text = scaleGrouped(Math.abs(tick).toFixed(decimals));
    return tick < 0 && Number(text.replaceAll(",", "")) > 0 ? scaleMinus + text : text;
  });
}

/**
 * About n round values (steps of 1, 2, 2.5 or 5 times a power of ten) inside lo … hi.
 * @param {number} lo
 * @param {number} hi
 * @param {number} n
 * @returns {number[]}
 */
export function niceTicks(lo, hi, n) {
  if (!(hi > lo) || !Number.isFinite(hi - lo)) return Number.isFinite(lo) ? [lo] : [];
  const rough = (hi - lo) / Math.max(1, n);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 2.5, 5, 10].find((factor) => factor * power >= rough * 0.75) ?? 10);
  const ticks = [];
  const first = Math.ceil(lo / step - 1e-9);
  const last = Math.floor(hi / step + 1e-9);
  for (let i = first; i <= last && ticks.length < 100; i += 1) ticks.push(Number((i * step).toPrecision(12)));
  return ticks;
}

/**
 * Ticks for a logarithmic axis: powers of ten, with 2 and 5 between them where there is room for more than n / 2.
 * @param {number} lo positive
 * @param {number} hi
 * @param {number} n about how many
 * @returns {number[]}
 */
export function logTicks(lo, hi, n) {
  if (!(lo > 0) || !(hi > lo) || !Number.isFinite(hi)) return [];
  const decades = Math.log10(hi / lo);
  const every = Math.max(1, Math.ceil(decades / Math.max(1, n)));
  const factors = decades <= n / 3 ? [1, 2, 5] : decades <= n / 2 ? [1, 3] : [1];
  const ticks = [];
  for (let power = Math.floor(Math.log10(lo)); power <= Math.ceil(Math.log10(hi)); power += 1) {
    if (power % every !== 0) continue;
    for (const factor of factors) {
      const tick = Number(`${factor}e${power}`);
      if (tick >= lo * 0.999999 && tick <= hi * 1.000001) ticks.push(tick);
    }
  }
  return ticks.length > 0 ? ticks : niceTicks(lo, hi, 2);
}

/**
 * @param {number[]} domain two values
 * @param {number[]} range two pixels
 * @returns {Scale}
 */
export function linear(domain, range) {
  return scaleBuild(domain, range, (value) => value, (value) => value);
}

/**
 * A logarithmic scale; values that are not positive land at the range's first end.
 * @param {number[]} domain two positive values
 * @param {number[]} range two pixels
 * @returns {Scale}
 */
export function logarithmic(domain, range) {
  const floor = domain[0];
  return scaleBuild(domain, range, (value) => Math.log(value > 0 ? value : floor), Math.exp);
}

/**
 * @param {number[]} domain
 * @param {number[]} range
 * @param {(value: number) => number} forward
 * @param {(value: number) => number} backward
 * @returns {Scale}
 */
function scaleBuild(domain, range, forward, backward) {
  const [lo, hi] = [forward(domain[0]), forward(domain[1])];
  const span = hi - lo || 1;
  const pixels = range[1] - range[0];
  /** @param {number} value */
  const map = (value) => range[0] + ((forward(value) - lo) / span) * pixels;
  /** @param {number} pixel */
  const invert = (pixel) => backward(lo + ((pixel - range[0]) / (pixels || 1)) * span);
  return Object.assign(map, {
    invert,
    domain: /** @type {[number, number]} */ ([domain[0], domain[1]]),
    range: /** @type {[number, number]} */ ([range[0], range[1]]),
  });
}

/** @param {number} size @param {number} figures */
function scalePlain(size, figures) {
  const decimals = Math.max(0, figures - 1 - Math.floor(Math.log10(size)));
  const text = size.toFixed(Math.min(decimals, 20));
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

/** @param {string} text */
function scaleGrouped(text) {
  const [whole, part] = text.split(".");
  const grouped = whole.length > 4 ? whole.replace(/\B(?=(\d{3})+$)/g, ",") : whole;
  return part === undefined ? grouped : `${grouped}.${part}`;
}

/** @param {number} size @param {number} figures */
function scalePower(size, figures) {
  const [mantissa, exponent] = size.toExponential(figures - 1).split("e");
  const digits = mantissa.includes(".") ? mantissa.replace(/\.?0+$/, "") : mantissa;
  const power = Number(exponent);
  const raised = [...String(Math.abs(power))].map((digit) => scaleSuperscripts[Number(digit)]).join("");
  return `${digits === "1" ? "" : `${digits}×`}10${power < 0 ? "⁻" : ""}${raised}`;
}
