// @ts-check
// What an update is made of, over the steps: the shares of its parts, stacked.

import { formatNumber, linear, niceTicks } from "./scale.js";
import { insideChart } from "./chart_frame.js";
import { lastBefore } from "./recording_data.js";
import { paintFrame, paintGaps, paintLevels, paintMarks, paintOutside, paintReading, recordingBox } from "./recording_paint.js";

const partsColours = ["gradient", "w", "b", "good", "muted"]; // as in the other pages; the last is what nothing explains
const partsLowest = -3; // shares: where parts nearly cancel they are hundreds of times the update
const partsHighest = 4;

/**
 * The parts of the step as shares of it, stacked: what works against the step hangs below 0.
 * @param {CanvasRenderingContext2D} context
 * @param {{width: number, height: number}} size
 * @param {any} part
 * @param {{zoom: import("./recording_zoom.js").RecZoom, gaps: number[][], marks: any[]}} state
 * @param {any} theme
 */
export function paintParts(context, size, part, state, theme) {
  const { zoom } = state;
  const box = recordingBox(size, theme);
  const x = linear([zoom.from, zoom.to], [box.left, box.left + box.width]);
  const begin = Math.max(0, lastBefore(part.step, zoom.from));
  const end = Math.min(part.step.length, lastBefore(part.step, zoom.to) + 2);
  let [low, high] = [0, 1];
  for (let i = begin; i < end; i += 1) {
    const [down, up] = partsEnds(part, i);
    [low, high] = [Math.min(low, down), Math.max(high, up)];
  }
  const cut = low < partsLowest || high > partsHighest;
  [low, high] = [Math.max(low, partsLowest), Math.min(high, partsHighest)];
  const y = linear([low - (low < 0 ? 0.04 : 0), high * 1.04], [box.top + box.height, box.top]);
  const yTicks = niceTicks(low, high, Math.max(2, box.height / 38));
  paintFrame(context, box, { x, y, yTicks, yLabels: yTicks.map((tick) => `${formatNumber(tick * 100)} %`) }, theme);
  insideChart(context, box, () => {
    for (let i = begin; i < end; i += 1) paintBar(context, part, i, x, y, theme);
  });
  paintGaps(context, box, x, state.gaps, theme);
  paintLevels(context, box, y, [{ name: "", at: 0 }], theme);
  if (cut) paintOutside(context, box, partsReach(part, x, begin, end), y.domain, theme);
  paintMarks(context, box, x, state.marks, theme);
  paintReading(context, box, x, zoom, theme);
}

/** How far a bar reaches down and up. @param {any} part @param {number} i @returns {[number, number]} */
function partsEnds(part, i) {
  let [down, up] = [0, 0];
  for (let k = 0; k < part.labels.length; k += 1) {
    const share = part.shares[i * part.labels.length + k];
    if (share > 0) up += share;
    else down += share;
  }
  return [down, up];
}

/** The ends of the bars in sight. @param {any} part @param {any} x @param {number} begin @param {number} end */
function partsReach(part, x, begin, end) {
  const ends = Array.from({ length: Math.max(0, end - begin) }, (_, i) => partsEnds(part, begin + i));
  return { at: ends.map((_, i) => x(part.step[begin + i])), low: ends.map(([low]) => low), high: ends.map(([, high]) => high), known: ends.map(() => true) };
}

/** What the chart cuts off, in words; empty where it cuts nothing. @param {any} part @returns {string} */
export function partsCut(part) {
  const cut = [...part.step.keys()].some((i) => partsEnds(part, i)[0] < partsLowest || partsEnds(part, i)[1] > partsHighest);
  return cut ? `bars are cut off at ${formatNumber(100 * partsLowest)} % and ${formatNumber(100 * partsHighest)} % (triangles), the numbers are whole` : "";
}

/** One measurement: a bar up to halfway to its neighbours. @param {CanvasRenderingContext2D} context @param {any} part @param {number} i @param {any} x @param {any} y @param {any} theme */
function paintBar(context, part, i, x, y, theme) {
  const count = part.labels.length;
  const at = x(part.step[i]);
  const before = i > 0 ? at - x(part.step[i - 1]) : Infinity;
  const after = i + 1 < part.step.length ? x(part.step[i + 1]) - at : Infinity;
  const near = Number.isFinite(Math.min(before, after)) ? Math.min(before, after) : 12;
  const [left, right] = [at - Math.min(before, near * 2) / 2, at + Math.min(after, near * 2) / 2].map(Math.round);
  let [up, down] = [0, 0];
  for (let k = 0; k < count; k += 1) {
    const share = part.shares[i * count + k];
    const from = share > 0 ? up : down;
    context.fillStyle = theme[partsColours[k % partsColours.length]];
    const [top, bottom] = [y(Math.max(from, from + share)), y(Math.min(from, from + share))];
    context.fillRect(left, top, Math.max(1, right - left), bottom - top);
    if (share > 0) up += share;
    else down += share;
  }
}

/** A part's shares from one step to another, in words. @param {any} part @param {number} k @param {number} from @param {number} to */
export function partWords(part, k, from, to) {
  const shares = [];
  for (let i = Math.max(0, lastBefore(part.step, from)); i < part.step.length && part.step[i] <= to; i += 1) if (part.step[i] >= from) shares.push(100 * part.shares[i * part.labels.length + k]);
  if (shares.length === 0) return "";
  const [least, most] = [formatNumber(Math.min(...shares)), formatNumber(Math.max(...shares))];
  return least === most ? `${least} %` : `${least} … ${most} %`;
}

/** The colour of part number k, as a rule of the stylesheet. @param {number} k */
export function partColour(k) {
  return `var(--fl-${partsColours[k % partsColours.length]})`;
}
