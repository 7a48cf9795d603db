// @ts-check
// One chart of a recording on its canvas: lines with their bands, gaps, marks, the reading line.

import { formatNumber, formatTicks, linear, logTicks, logarithmic, niceTicks } from "./scale.js";
import { strokeWithHalo } from "./arrows.js";
import { withAlpha } from "./colour.js";
import { labelFont } from "./type.js";
import { drawChartAxes, drawCursor, insideChart } from "./chart_frame.js";
import { drawMarker, seriesDash } from "./charts_marks.js";
import { binValue, formatStep, lastBefore, lineColumns } from "./recording_data.js";

/** @typedef {import("./recording_zoom.js").RecZoom} RecZoom */
/** @typedef {{left: number, top: number, width: number, height: number}} RecBox */

const paintSpike = 0.22; // of the height that a column stands out from both its neighbours
const paintDots = 7; // px to both neighbours from which on a point has a dot
const paintOutlier = 6; // so many times beyond what most values span: marked at the edge instead

/**
 * Where a chart's values are drawn: the same left edge in all of them, so that one step is one upright line.
 * @param {{width: number, height: number}} size
 * @param {any} theme
 * @returns {RecBox}
 */
export function recordingBox(size, theme) {
  const left = Math.round(theme.fontSize * 4.9);
  const top = Math.round(theme.fontSize * 1.25);
  return { left, top, width: Math.max(20, size.width - left - 12), height: Math.max(20, size.height - top - Math.ceil(theme.fontSize * 1.8)) };
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {{width: number, height: number}} size
 * @param {any} chart
 * @param {{zoom: RecZoom, log: boolean, gaps: number[][], marks: any[], held: {key: string, columns: any[]}}} state held: the columns drawn last
 * @param {any} theme
 */
export function paintChart(context, size, chart, state, theme) {
  const { zoom } = state;
  const box = recordingBox(size, theme);
  const x = linear([zoom.from, zoom.to], [box.left, box.left + box.width]);
  const columns = paintColumns(chart, x, state);
  const domain = paintDomain(columns, chart, state.log, box);
  const y = (state.log ? logarithmic : linear)(domain, [box.top + box.height, box.top]);
  const some = columns.some((/** @type {any} */ held) => held.known.includes(true));
  const yTicks = some ? (state.log ? logTicks : niceTicks)(domain[0], domain[1], Math.max(2, box.height / 38)) : [];
  paintFrame(context, box, { x, y, yTicks, yLabels: state.log ? yTicks.map((tick) => formatNumber(tick)) : formatTicks(yTicks) }, theme);
  if (!some) paintNote(context, columns.some((/** @type {any} */ held) => held.lost.length > 0) ? "no finite value here" : "nothing measured here", box.left + box.width / 2, box.top + box.height / 2, theme);
  paintGaps(context, box, x, state.gaps, theme);
  if (some) paintLevels(context, box, y, chart.levels, theme);
  insideChart(context, box, () => {
    columns.forEach((/** @type {any} */ held, /** @type {number} */ i) => paintLine(context, held, y, { colour: theme.series[i % theme.series.length], dash: seriesDash(i), log: state.log, thin: columns.length > 1, marker: chart.joined ? null : i }));
  });
  if (chart.clipped && !state.log) columns.forEach((/** @type {any} */ held) => paintOutside(context, box, held, domain, theme));
  paintMarks(context, box, x, state.marks, theme);
  columns.forEach((/** @type {any} */ held) => paintLost(context, box, held, theme));
  paintReading(context, box, x, zoom, theme);
  if (zoom.at === null) return;
  const at = zoom.at;
  chart.lines.forEach((/** @type {any} */ line, /** @type {number} */ i) => {
    const bin = lastBefore(line.axis.first, at);
    const value = binValue(line, bin);
    if (value === null || (state.log && value <= 0)) return;
    const middle = line.axis.last === null ? line.axis.first[bin] : (line.axis.first[bin] + line.axis.last[bin]) / 2;
    insideChart(context, box, () => paintDot(context, [x(middle), y(value)], 4, theme.series[i % theme.series.length], theme));
  });
}

/** The columns of all lines; the same ones as long as only the reading line moves. @param {any} chart @param {any} x @param {any} state @returns {any[]} */
function paintColumns(chart, x, { zoom, held }) {
  const key = [...x.domain, ...x.range].join(" ");
  if (held.key !== key) Object.assign(held, { key, columns: chart.lines.map((/** @type {any} */ line) => lineColumns(line, x, zoom.from, zoom.to)) });
  return held.columns;
}

/** @param {CanvasRenderingContext2D} context @param {RecBox} box @param {any} axes @param {any} theme */
export function paintFrame(context, box, axes, theme) {
  const xTicks = niceTicks(axes.x.domain[0], axes.x.domain[1], Math.max(2, box.width / (theme.fontSize * 7))).filter(Number.isInteger);
  drawChartAxes(context, box, theme, { ...axes, xTicks, xLabels: xTicks.map((tick) => formatStep(tick)), xName: "", yName: "" });
}

/** The values in sight, with the chart's own span. @param {any[]} columns @param {any} chart @param {boolean} log @param {RecBox} box @returns {[number, number]} */
function paintDomain(columns, chart, log, box) {
  const values = [];
  for (const held of columns) {
    for (let i = 0; i < held.at.length; i += 1) {
      if (!held.known[i] || held.at[i] < box.left - 1 || held.at[i] > box.left + box.width + 1) continue;
      for (const value of [held.low[i], held.high[i]]) if (!log || value > 0) values.push(value);
    }
  }
  if (chart.clipped && !log) paintCut(values);
  if (!log && chart.span !== null) values.push(...chart.span);
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (low > high) return log ? [0.1, 10] : [0, 1];
  if (log) return low === high ? [low / 2, high * 2] : [low / (high / low) ** 0.06, high * (high / low) ** 0.06];
  if (low === high) return [low - (Math.abs(low) * 0.1 || 1), high + (Math.abs(high) * 0.1 || 1)];
  const room = (high - low) * 0.06;
  return Number.isFinite(room) ? [low - room, high + room] : [low, high];
}

/** Leaves out what lies far beyond nearly all of the values. @param {number[]} values changed in place */
function paintCut(values) {
  if (values.length < 12) return;
  const sorted = [...values].sort((a, b) => a - b);
  const [low, high] = [0.05, 0.95].map((share) => sorted[Math.round(share * (sorted.length - 1))]);
  const room = (high - low || Math.abs(high) || 1) * paintOutlier;
  const kept = values.filter((value) => value >= low - room && value <= high + room);
  values.splice(0, values.length, ...kept);
}

/**
 * @param {CanvasRenderingContext2D} context @param {import("./recording_data.js").RecColumns} held @param {import("./scale.js").Scale} y
 * @param {{colour: string, dash: number[], log: boolean, thin: boolean, marker: number | null}} style marker: of single measurements, which no line joins
 */
function paintLine(context, held, y, { colour, dash, log, thin, marker }) {
  const height = (/** @type {number} */ value) => Math.max(-1e4, Math.min(1e4, log && value <= 0 ? 1e4 : y(value)));
  const count = held.at.length;
  const tops = held.high.map((value, i) => (held.known[i] ? height(value) : NaN));
  const bottoms = held.low.map((value, i) => (held.known[i] ? height(value) : NaN));
  const spike = paintSpike * Math.abs(y.range[0] - y.range[1]);
  const [pale, strong] = [withAlpha(colour, 0.26), withAlpha(colour, 0.7)];
  context.save();
  for (let i = 0; i < count; i += 1) {
    if (!held.known[i] || held.low[i] === held.high[i]) continue;
    const [top, bottom] = [tops[i], bottoms[i]];
    // A spike of a single column would be too pale to see.
    const up = Math.min(tops[i - 1], tops[i + 1]) - top > spike;
    context.fillStyle = up || bottom - Math.max(bottoms[i - 1], bottoms[i + 1]) > spike ? strong : pale;
    // As wide as the way to its neighbours: a bin of many steps may be wider than a pixel.
    const right = marker === null && i + 1 < count && !held.broken[i + 1] ? (held.at[i] + held.at[i + 1]) / 2 : held.at[i] + 0.5;
    const left = marker === null && i > 0 && !held.broken[i] ? (held.at[i] + held.at[i - 1]) / 2 : held.at[i] - 0.5;
    context.fillRect(left, top, Math.max(1, right - left), Math.max(1, bottom - top));
  }
  if (marker !== null) {
    context.restore();
    for (let i = 0; i < count; i += 1) if (held.known[i]) drawMarker(context, [held.at[i], height(held.mean[i])], count > 150 ? 2.25 : 3.25, marker, colour, { ring: "transparent" });
    return;
  }
  context.strokeStyle = colour;
  context.lineWidth = thin ? 1.5 : 1.75;
  context.lineJoin = "round";
  const spread = count > 1 ? (held.at[count - 1] - held.at[0]) / (count - 1) : Infinity;
  context.setLineDash(spread < paintDots ? dash : []);
  context.beginPath();
  let pen = false;
  for (let i = 0; i < count; i += 1) {
    if (!held.known[i]) {
      pen = false;
      continue;
    }
    if (pen && !held.broken[i]) context.lineTo(held.at[i], height(held.mean[i]));
    else context.moveTo(held.at[i], height(held.mean[i]));
    pen = true;
  }
  context.stroke();
  context.fillStyle = colour;
  for (let i = 0; i < count; i += 1) {
    const alone = (i === 0 || held.broken[i] || !held.known[i - 1]) && (i + 1 === count || held.broken[i + 1] || !held.known[i + 1]);
    const roomy = held.at[i] - (held.at[i - 1] ?? -Infinity) >= paintDots && (held.at[i + 1] ?? Infinity) - held.at[i] >= paintDots;
    if (!held.known[i] || !(alone || roomy)) continue;
    context.beginPath();
    context.arc(held.at[i], height(held.mean[i]), 2.25, 0, 2 * Math.PI);
    context.fill();
  }
  context.restore();
}

/** What was not recorded: striped. @param {CanvasRenderingContext2D} context @param {RecBox} box @param {any} x @param {number[][]} gaps @param {any} theme */
export function paintGaps(context, box, x, gaps, theme) {
  for (const [first, last] of gaps) {
    const [left, right] = [Math.max(box.left, x(first - 0.5)), Math.min(box.left + box.width, x(last + 0.5))];
    if (right < box.left || left > box.left + box.width) continue;
    paintStripes(context, { left, top: box.top, width: Math.max(1, right - left), height: box.height }, theme);
    if (right - left > theme.fontSize * 8) paintNote(context, "not recorded", (left + right) / 2, box.top + box.height / 2, theme);
  }
}

/** @param {CanvasRenderingContext2D} context @param {RecBox} box @param {any} theme */
export function paintStripes(context, box, theme) {
  context.save();
  context.beginPath();
  context.rect(box.left, box.top, box.width, box.height);
  context.clip();
  context.fillStyle = withAlpha(theme.muted, 0.1);
  context.fillRect(box.left, box.top, box.width, box.height);
  context.strokeStyle = withAlpha(theme.muted, 0.45);
  context.lineWidth = 1;
  context.beginPath();
  for (let at = box.left - box.height; at < box.left + box.width; at += 7) {
    context.moveTo(at, box.top + box.height);
    context.lineTo(at + box.height, box.top);
  }
  context.stroke();
  context.restore();
}

/** @param {CanvasRenderingContext2D} context @param {string} text @param {number} x @param {number} y @param {any} theme */
function paintNote(context, text, x, y, theme) {
  context.save();
  context.font = labelFont(theme);
  context.textAlign = "center";
  context.textBaseline = "middle";
  const width = context.measureText(text).width + 10;
  context.fillStyle = theme.surface;
  context.fillRect(x - width / 2, y - theme.fontSize * 0.75, width, theme.fontSize * 1.5);
  context.fillStyle = theme.muted;
  context.fillText(text, x, y + 0.5);
  context.restore();
}

/** @param {CanvasRenderingContext2D} context @param {RecBox} box @param {any} y @param {any[]} levels @param {any} theme */
export function paintLevels(context, box, y, levels, theme) {
  context.save();
  context.font = labelFont(theme);
  context.strokeStyle = theme.muted;
  context.fillStyle = theme.muted;
  context.textAlign = "left";
  context.textBaseline = "bottom";
  context.setLineDash([5, 4]);
  let free = Infinity;
  for (const { name, at } of levels) {
    const height = y(at);
    if (!(height >= box.top - 1 && height <= box.top + box.height + 1)) continue;
    context.beginPath();
    context.moveTo(box.left, Math.round(height) + 0.5);
    context.lineTo(box.left + box.width, Math.round(height) + 0.5);
    context.stroke();
    if (!name || height > free) continue; // names that would stand on one another: the lower one stays
    context.fillText(name, box.left + 4, height - 1);
    free = height - 1.1 * theme.fontSize;
  }
  context.restore();
}

/** Alarms red and dashed with "!" on a disc, other events grey and dotted with a triangle. @param {CanvasRenderingContext2D} context @param {RecBox} box @param {any} x @param {any[]} marks @param {any} theme */
export function paintMarks(context, box, x, marks, theme) {
  context.save();
  for (const mark of marks) {
    const at = x(mark.step);
    if (at < box.left - 1 || at > box.left + box.width + 1) continue;
    const alarm = mark.kind === "alarm";
    context.strokeStyle = alarm ? theme.bad : theme.muted;
    context.fillStyle = context.strokeStyle;
    context.lineWidth = alarm ? 1.5 : 1;
    context.setLineDash(alarm ? [6, 3] : [2, 3]);
    context.beginPath();
    context.moveTo(at, box.top);
    context.lineTo(at, box.top + box.height);
    context.stroke();
    if (alarm) continue;
    context.beginPath();
    context.moveTo(at - 4, box.top - 7);
    context.lineTo(at + 4, box.top - 7);
    context.lineTo(at, box.top);
    context.fill();
  }
  for (const mark of marks) {
    const at = x(mark.step);
    if (mark.kind === "alarm" && at >= box.left - 1 && at <= box.left + box.width + 1) paintAlarm(context, at, box.top - 7, theme);
  }
  context.restore();
}

/** @param {CanvasRenderingContext2D} context @param {number} x @param {number} y @param {any} theme */
function paintAlarm(context, x, y, theme) {
  context.setLineDash([]);
  paintDot(context, [x, y], 7, theme.bad, theme);
  context.font = `700 10px ${theme.font}`;
  context.fillStyle = theme.surface;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText("!", x, y + 0.5);
}

/** What is not finite. @param {CanvasRenderingContext2D} context @param {number[]} at px @param {any} theme */
export function paintCross(context, [x, y], theme) {
  strokeWithHalo(context, () => {
    context.moveTo(x - 4, y - 4);
    context.lineTo(x + 4, y + 4);
    context.moveTo(x + 4, y - 4);
    context.lineTo(x - 4, y + 4);
  }, { colour: theme.bad, width: 2.5, halo: theme.surface, casing: 3 });
}

/** What is not finite: a bar along the upper edge, ✕ where each stretch begins. @param {CanvasRenderingContext2D} context @param {RecBox} box @param {any} held @param {any} theme */
function paintLost(context, box, held, theme) {
  let last = -Infinity;
  context.save();
  context.fillStyle = theme.bad;
  for (const at of held.lost) {
    if (at < box.left - 1 || at > box.left + box.width + 1) continue;
    context.fillRect(at - 1, box.top, 2, 4);
    if (at - last > 14) paintCross(context, [at, box.top + 9], theme);
    last = at;
  }
  context.restore();
}

/** Triangles at the edge over values outside the chart. @param {CanvasRenderingContext2D} context @param {RecBox} box @param {any} held @param {number[]} domain @param {any} theme */
export function paintOutside(context, box, held, [low, high], theme) {
  context.save();
  context.fillStyle = theme.step;
  for (let i = 0; i < held.at.length; i += 1) {
    if (!held.known[i] || held.at[i] < box.left || held.at[i] > box.left + box.width) continue;
    for (const [outside, edge, side] of [[held.high[i] > high, box.top, 1], [held.low[i] < low, box.top + box.height, -1]]) {
      if (!outside) continue;
      context.beginPath();
      context.moveTo(held.at[i], Number(edge));
      context.lineTo(held.at[i] - 5, Number(edge) + 8 * Number(side));
      context.lineTo(held.at[i] + 5, Number(edge) + 8 * Number(side));
      context.fill();
    }
  }
  context.restore();
}

/** @param {CanvasRenderingContext2D} context @param {RecBox} box @param {any} x @param {RecZoom} zoom @param {any} theme */
export function paintReading(context, box, x, zoom, theme) {
  if (zoom.picked !== null) {
    const [left, right] = zoom.picked.map((step) => x(step));
    context.fillStyle = withAlpha(theme.step, 0.16);
    context.fillRect(left, box.top, right - left, box.height);
  }
  if (zoom.at !== null && zoom.at >= zoom.from && zoom.at <= zoom.to) drawCursor(context, box, x(zoom.at), theme);
}

/** @param {CanvasRenderingContext2D} context @param {number[]} at @param {number} radius @param {string} colour @param {any} theme */
function paintDot(context, at, radius, colour, theme) {
  context.beginPath();
  context.arc(at[0], at[1], radius, 0, 2 * Math.PI);
  context.fillStyle = colour;
  context.fill();
  context.strokeStyle = theme.surface;
  context.lineWidth = 2;
  context.stroke();
}
