// @ts-check
// The payload of a recording (docs/payload-recording.md) as typed arrays, and what a line of it holds at a step.

import { decodeNumbers } from "./decode.js";
import { formatNumber } from "./scale.js";

/**
 * @typedef {{first: Float64Array, last: Float64Array | null, rows: Float64Array | null, size: number}} RecAxis
 * @typedef {{name: string, axis: RecAxis, low: Float64Array, high: Float64Array | null, mean: Float64Array | null, flags: Uint8Array, finite: Float64Array | null,
 *   lowest: number | null, highest: number | null, start: number, end: number, first_not_finite: number | null, not_finite: number}} RecLine
 * @typedef {{at: number[], low: number[], high: number[], mean: number[], known: boolean[], broken: boolean[], lost: number[]}} RecColumns
 * lost: px of what is not finite
 */

const recFinite = 1;
const recNan = 2;
const recAbove = 4;
const recBelow = 8;
const recBreak = 16;
const recTableRows = 40;

/**
 * @param {any} payload
 * @returns {any} the recording: encoded columns are typed arrays
 */
export function decodeRecording(payload) {
  if (payload?.schema !== "fallline.recording-view/1") throw new Error(`This page reads fallline.recording-view/1, and was given ${payload?.schema ?? "nothing"}.`);
  const told = decodeNumbers(payload);
  told.axes = told.axes.map(recSteps);
  for (const chart of told.charts) {
    for (const line of chart.lines) {
      line.axis = told.axes[line.axis];
      line.flags = recBytes(line.flags);
      for (const name of ["low", "high", "mean", "finite"]) line[name] = recFloats(line[name]);
    }
  }
  for (const part of told.parts) Object.assign(part, { step: recFloats(part.step), shares: recFloats(part.shares) });
  if (told.layers !== null) recCells(told.layers);
  for (const alarm of told.alarms) {
    if (alarm.flight === null) continue;
    recCells(alarm.flight);
    Object.assign(alarm.flight.loss, { values: recFloats(alarm.flight.loss.values), flags: recBytes(alarm.flight.loss.flags) });
  }
  return told;
}

/** @param {any} map layers, or a flight */
function recCells(map) {
  Object.assign(map, recSteps(map));
  for (const quantity of map.quantities) {
    quantity.values = recFloats(quantity.values);
    quantity.flags = recBytes(quantity.flags);
    quantity.usual = recFloats(quantity.usual ?? null);
  }
}

/** @param {any} axis @returns {RecAxis} */
function recSteps(axis) {
  return { first: recFloats(axis.first), last: recFloats(axis.last), rows: recFloats(axis.rows ?? null), size: axis.size };
}

/** @param {string} text @returns {Uint8Array} */
function recBytes(text) {
  const held = atob(text);
  const bytes = new Uint8Array(held.length);
  for (let i = 0; i < held.length; i += 1) bytes[i] = held.charCodeAt(i);
  return bytes;
}

/** Little-endian, as every machine with a browser is. @param {string | null} text @returns {any} a Float64Array, or null */
function recFloats(text) {
  return text === null ? null : new Float64Array(recBytes(text).buffer);
}

/**
 * A step as the sentences write it: all digits, grouped.
 * @param {number | null} step
 * @returns {string}
 */
export function formatStep(step) {
  return step === null ? "–" : String(step).replace(/\B(?=(\d{3})+$)/g, ",").replace("-", "−");
}

/**
 * The index of the last bin that begins at or before a step.
 * @param {Float64Array} first rising
 * @param {number} step
 * @returns {number} −1 where there is none
 */
export function lastBefore(first, step) {
  let [low, high] = [0, first.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (first[middle] <= step) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/**
 * What a line holds at a bin, or at several, in words: one value, or the lowest and the highest.
 * @param {RecLine} line
 * @param {number} i
 * @param {number} [until] the last bin
 * @returns {string}
 */
export function binWords(line, i, until = i) {
  let [flags, low, high] = [0, Infinity, -Infinity];
  for (let k = i; k <= until; k += 1) {
    flags |= line.flags[k];
    if (!(line.flags[k] & recFinite)) continue;
    low = Math.min(low, line.low[k]);
    high = Math.max(high, (line.high ?? line.low)[k]);
  }
  const words = [];
  if (flags & recFinite) {
    const [least, most] = [formatNumber(low), formatNumber(high)];
    words.push(least === most ? least : `${least} … ${most}`);
  }
  if (flags & recNan) words.push("NaN");
  if (flags & recAbove) words.push("∞");
  if (flags & recBelow) words.push("−∞");
  return words.join(", ");
}

/**
 * The steps of a bin, or of several, in words.
 * @param {RecAxis} axis
 * @param {number} i
 * @param {number} [until] the last bin
 * @returns {string}
 */
export function binSteps(axis, i, until = i) {
  const [first, last] = [axis.first[i], (axis.last ?? axis.first)[until]];
  return first === last ? formatStep(first) : `${formatStep(first)}–${formatStep(last)}`;
}

/**
 * One cell of a heat map, or of a flight's loss, in words.
 * @param {{values: Float64Array, flags: Uint8Array}} quantity
 * @param {number} cell
 * @returns {string}
 */
export function cellWords(quantity, cell) {
  return ["not measured", formatNumber(quantity.values[cell]), "NaN", "∞", "−∞"][quantity.flags[cell]];
}

/**
 * Steps in sight as rows of a table: about forty, which leave out none of the bins.
 * @param {RecAxis} axis
 * @param {number} from first step in sight
 * @param {number} to last
 * @returns {{from: number, to: number, words: string}[]} steps
 */
export function tableRows(axis, from, to) {
  const [first, last] = [Math.max(0, lastBefore(axis.first, from)), Math.max(0, lastBefore(axis.first, to))];
  const count = Math.min(recTableRows, last - first + 1);
  const at = (/** @type {number} */ i) => first + Math.round((i * (last - first + 1)) / count);
  return Array.from({ length: count }, (_, i) => {
    const [begin, end] = [at(i), at(i + 1) - 1];
    return { from: axis.first[begin], to: (axis.last ?? axis.first)[end], words: binSteps(axis, begin, end) };
  });
}

/** All that a line holds from one step to another, in words; empty where nothing was measured. @param {RecLine} line @param {number} from @param {number} to */
export function stepsWords(line, from, to) {
  const { first, last } = line.axis;
  let begin = Math.max(0, lastBefore(first, from));
  while (begin > 0 && (last ?? first)[begin - 1] >= from) begin -= 1; // a number may stand twice at one step
  if (first.length > 0 && (last ?? first)[begin] < from) begin += 1;
  return binWords(line, begin, lastBefore(first, to));
}

/** A value to draw a dot at, null where the bin holds none. @param {RecLine} line @param {number} i @returns {number | null} */
export function binValue(line, i) {
  if (i < 0 || !(line.flags[i] & recFinite)) return null;
  return (line.mean ?? line.low)[i];
}

/**
 * The bins in sight gathered into columns of one pixel: lowest, highest and mean of each, so that no extreme is lost at any zoom.
 * @param {RecLine} line
 * @param {(step: number) => number} x
 * @param {number} from first step in sight
 * @param {number} to last
 * @returns {RecColumns}
 */
export function lineColumns(line, x, from, to) {
  /** @type {RecColumns} */
  const made = { at: [], low: [], high: [], mean: [], known: [], broken: [], lost: [] };
  const { first, last } = line.axis;
  const begin = Math.max(0, lastBefore(first, from) - 1);
  const end = Math.min(first.length, lastBefore(first, to) + 3);
  let now = { column: NaN, at: 0, low: Infinity, high: -Infinity, sum: 0, weight: 0, broken: false, count: 0 };
  const flush = () => {
    if (now.count === 0) return;
    made.at.push(now.count === 1 ? now.at : now.column + 0.5);
    made.low.push(now.low);
    made.high.push(now.high);
    made.mean.push(now.weight > 0 ? Math.min(now.high, Math.max(now.low, now.sum / now.weight)) : NaN);
    made.known.push(now.weight > 0);
    made.broken.push(now.broken);
  };
  for (let i = begin; i < end; i += 1) {
    const steps = last === null ? 0 : last[i] - first[i];
    const at = x(first[i] + steps / 2);
    const flags = line.flags[i];
    const broken = (flags & recBreak) !== 0;
    if (Math.floor(at) !== now.column || broken) {
      flush();
      now = { column: Math.floor(at), at, low: Infinity, high: -Infinity, sum: 0, weight: 0, broken, count: 0 };
    }
    now.count += 1;
    if (flags & (recNan | recAbove | recBelow)) made.lost.push(at);
    if (!(flags & recFinite)) continue;
    const high = (line.high ?? line.low)[i];
    if (line.low[i] < now.low) now.low = line.low[i];
    if (high > now.high) now.high = high;
    const rows = (line.finite ?? line.axis.rows)?.[i] ?? 1;
    now.sum += (line.mean ?? line.low)[i] * rows;
    now.weight += rows;
  }
  flush();
  return made;
}
