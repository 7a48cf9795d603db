// @ts-check
// A chart of several named lines on linear or logarithmic axes: each with its own colour and its own dash or marker, its name where it ends.

import { formatNumber, formatTicks, linear, logTicks, logarithmic, niceTicks } from "./scale.js";
import { drawCross } from "./arrows.js";
import { withAlpha } from "./colour.js";
import { createLabels } from "./labels.js";
import { labelFont } from "./type.js";
import { shortenText } from "./plot.js";
import { chartBox, drawBand, drawChartAxes, drawCursor, insideChart, strokeValues } from "./chart_frame.js";
import { drawMarker } from "./charts_marks.js";

/**
 * @typedef {{name: string, x: (number | null)[], y: (number | null)[], colour: string, dash?: number[], width?: number, marker?: number | null,
 *   points?: boolean, low?: (number | null)[], high?: (number | null)[]}} ChartLine
 * marker: a shape of charts_marks.js, drawn on every point (points) or beside the name; low, high: a faded band around it
 * @typedef {{lines: ChartLine[], xName: string, yName: string, logX?: boolean, logY?: boolean, yRange?: [number, number],
 *   bare?: boolean, beside?: string[], marks?: {name: string, value: number, axis: string}[], axis?: (box: any) => any, cursor?: number | null, names?: boolean}} LineChart
 * bare: another chart below has the axis of x; beside: further labels of y that its axis leaves room for; axis: makes the axis of x itself (a logarithmic count of steps); cursor: an upright line; names: false leaves the names to a legend
 */

const linesNamesAtMost = 0.3; // of the width: longer names go into a legend instead
const linesEarly = 0.86; // of the width: a line that ends before has its name there
const linesBlocked = 60; // pieces of a line that keep labels away

/**
 * @param {CanvasRenderingContext2D} context
 * @param {{width: number, height: number}} size
 * @param {LineChart} chart
 * @param {any} theme
 */
export function drawLineChart(context, size, chart, theme) {
  const domains = linesDomains(chart);
  const named = chart.names !== false && linesNamed(context, size, chart, theme);
  const yTicks = (chart.logY ? logTicks : niceTicks)(domains.y[0], domains.y[1], Math.max(3, size.height / 52));
  const yLabels = chart.logY ? yTicks.map((tick) => formatNumber(tick)) : formatTicks(yTicks);
  const widest = named ? linesWidest(context, chart, theme) + 26 : 14;
  const box = chartBox(context, size, theme, [...yLabels, ...(chart.beside ?? [])], widest);
  if (chart.bare) box.height += theme.fontSize * 2.5;
  const y = (chart.logY ? logarithmic : linear)(domains.y, [box.top + box.height, box.top]);
  const axis = chart.axis ? chart.axis(box) : linesAxis(chart, domains.x, box, theme);
  drawChartAxes(context, box, theme, { ...axis, y, yTicks, yLabels, xName: chart.xName, bare: chart.bare, yName: shortenText(context, chart.yName, size.width - 6) });
  const labels = createLabels({ x: box.left, y: box.top, width: box.width, height: box.height });
  linesMarks(context, box, chart, axis.x, y, theme, labels);
  insideChart(context, box, () => {
    for (const line of chart.lines) linesDraw(context, line, axis.x, y, labels);
  });
  for (const line of chart.lines) if (line.points) linesPoints(context, line, axis.x, y, labels);
  if (chart.cursor !== undefined && chart.cursor !== null) drawCursor(context, box, axis.x(chart.cursor), theme);
  for (const line of chart.lines) linesLost(context, box, line, axis.x, theme);
  if (named) linesNames(context, box, chart, axis.x, y, size, theme, labels);
  labels.draw(context, theme);
}

/**
 * Do the names stand beside the lines, or is there a legend needed.
 * @param {CanvasRenderingContext2D} context
 * @param {{width: number}} size
 * @param {LineChart} chart
 * @param {any} theme
 * @returns {boolean}
 */
export function linesNamed(context, size, chart, theme) {
  return linesWidest(context, chart, theme) + 26 <= size.width * linesNamesAtMost;
}

/** @param {CanvasRenderingContext2D} context @param {LineChart} chart @param {any} theme */
function linesWidest(context, chart, theme) {
  context.font = labelFont(theme, 1, true);
  return Math.max(0, ...chart.lines.map((line) => context.measureText(line.name).width));
}

/** What the axes span: all that can be drawn. @param {LineChart} chart @returns {{x: [number, number], y: [number, number]}} */
function linesDomains(chart) {
  const marked = (/** @type {string} */ axis) => (chart.marks ?? []).filter((mark) => mark.axis === axis).map((mark) => mark.value);
  const x = linesExtent([...chart.lines.flatMap((line) => line.x), ...marked("x")], chart.logX ?? false, 0);
  const y = chart.yRange ?? linesExtent([...chart.lines.flatMap((line) => line.y), ...marked("y")], chart.logY ?? false, 0.05);
  return { x, y };
}

/** @param {(number | null)[]} values @param {boolean} log @param {number} pad part of the span @returns {[number, number]} */
export function linesExtent(values, log, pad) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (value === null || !Number.isFinite(value) || (log && value <= 0)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (low > high) return log ? [0.1, 10] : [0, 1];
  if (log) {
    const room = low === high ? 2 : (high / low) ** pad;
    return [low / Math.max(room, 1), high * Math.max(room, 1)];
  }
  const room = low === high ? Math.abs(low) || 1 : (high - low) * pad;
  return [low - room, high + room];
}

/** @param {LineChart} chart @param {[number, number]} domain @param {any} box @param {any} theme */
function linesAxis(chart, domain, box, theme) {
  const room = Math.max(2, box.width / (theme.fontSize * 5.5));
  const xTicks = (chart.logX ? logTicks : niceTicks)(domain[0], domain[1], room);
  const x = (chart.logX ? logarithmic : linear)(domain, [box.left, box.left + box.width]);
  return { x, xTicks, xLabels: chart.logX ? xTicks.map((tick) => formatNumber(tick)) : formatTicks(xTicks) };
}

/** @param {CanvasRenderingContext2D} context @param {ChartLine} line @param {any} x @param {any} y @param {import("./labels.js").Labels} labels */
function linesDraw(context, line, x, y, labels) {
  if (line.points) return;
  if (line.low && line.high) drawBand(context, { xs: /** @type {number[]} */ (line.x), low: line.low, high: line.high }, x, y, withAlpha(line.colour, 0.2));
  strokeValues(context, line.x, line.y, { x, y }, line);
  const points = linesSeen(line, x, y);
  const every = Math.max(1, Math.ceil(points.length / linesBlocked));
  for (let i = 0; i + every < points.length; i += every) labels.blockLine(points[i], points[i + every]);
}

/** @param {CanvasRenderingContext2D} context @param {ChartLine} line @param {any} x @param {any} y @param {import("./labels.js").Labels} labels */
function linesPoints(context, line, x, y, labels) {
  for (const point of linesSeen(line, x, y)) {
    drawMarker(context, point, 4.5, line.marker ?? 0, line.colour);
    labels.blockBall(point, 5);
  }
}

/** The points that can be drawn, in px. @param {ChartLine} line @param {any} x @param {any} y */
function linesSeen(line, x, y) {
  return line.x.map((value, i) => [value === null ? NaN : x(value), linesHeight(line.y[i], y)]).filter((point) => point.every(Number.isFinite));
}

/** @param {number | null} value @param {any} y */
function linesHeight(value, y) {
  return value === null || !Number.isFinite(value) ? NaN : y(value);
}

/** ✕ at the edge where a value was not finite. @param {CanvasRenderingContext2D} context @param {any} box @param {ChartLine} line @param {any} x @param {any} theme */
function linesLost(context, box, line, x, theme) {
  const at = line.y.findIndex((value) => value !== null && !Number.isFinite(value));
  const across = at === -1 ? null : line.x[at];
  if (across === null || !Number.isFinite(across)) return;
  drawCross(context, [x(across), box.top + theme.fontSize * 0.6], 5, line.colour);
}

/** Named values on the axes. @param {CanvasRenderingContext2D} context @param {any} box @param {LineChart} chart @param {any} x @param {any} y @param {any} theme @param {import("./labels.js").Labels} labels */
function linesMarks(context, box, chart, x, y, theme, labels) {
  context.save();
  context.strokeStyle = theme.muted;
  context.lineWidth = 1.5;
  context.setLineDash([2, 3]);
  for (const mark of chart.marks ?? []) {
    const at = (mark.axis === "x" ? x : y)(mark.value);
    context.beginPath();
    if (mark.axis === "x") {
      context.moveTo(at, box.top);
      context.lineTo(at, box.top + box.height);
      labels.add({ text: mark.name, x: at, y: box.top + 8, prefer: "right", away: 5, colour: theme.muted, required: true });
    } else {
      context.moveTo(box.left, at);
      context.lineTo(box.left + box.width, at);
      linesMarkName(context, box, mark.name, at, theme, chart.lines.flatMap((line) => linesSeen(line, x, y)));
    }
    context.stroke();
  }
  context.restore();
}

/** The name of a level stands at the end with fewer lines around it, just above it (just below under the top). @param {CanvasRenderingContext2D} context @param {any} box @param {string} name @param {number} at @param {any} theme @param {number[][]} points */
function linesMarkName(context, box, name, at, theme, points) {
  context.save();
  context.font = labelFont(theme);
  const [wide, high] = [context.measureText(name).width + 8, theme.fontSize * 1.4];
  const below = at - high < box.top;
  const crowd = [box.left, box.left + box.width - wide].map((left) => points.filter(([x, y]) => x >= left && x <= left + wide && y > at - (below ? 2 : high) && y < at + (below ? high : 2)).length);
  const right = crowd[1] <= crowd[0];
  context.textAlign = right ? "right" : "left";
  context.textBaseline = below ? "top" : "bottom";
  context.lineJoin = "round";
  context.setLineDash([]);
  context.lineWidth = 4;
  context.strokeStyle = theme.surface;
  const place = [right ? box.left + box.width - 2 : box.left + 4, at + (below ? 4 : -3)];
  context.strokeText(name, place[0], place[1]);
  context.fillStyle = theme.muted;
  context.fillText(name, place[0], place[1]);
  context.restore();
}

/** Where a line ends, in px; null where it was never finite. @param {ChartLine} line @param {any} x @param {any} y @returns {number[] | null} */
function linesEnd(line, x, y) {
  const seen = linesSeen(line, x, y);
  return seen.length === 0 ? null : seen[seen.length - 1];
}

/**
 * The names: at the right where the lines go on to there, else where they end.
 * @param {CanvasRenderingContext2D} context @param {any} box @param {LineChart} chart @param {any} x @param {any} y @param {{width: number}} size @param {any} theme
 * @param {import("./labels.js").Labels} labels
 */
function linesNames(context, box, chart, x, y, size, theme, labels) {
  const [top, bottom] = [box.top, box.top + box.height];
  /** @type {any[]} */
  const names = [];
  for (const line of chart.lines) {
    const end = linesEnd(line, x, y);
    if (end !== null && end[0] < box.left + box.width * linesEarly) {
      labels.add({ text: line.name, x: end[0], y: Math.max(top, Math.min(bottom, end[1])), colour: line.colour, bold: true, required: true, away: 6 });
    } else {
      names.push({ line, at: end === null ? top : Math.max(top, Math.min(bottom, end[1])) });
    }
  }
  names.sort((one, other) => one.at - other.at);
  const step = theme.fontSize * 1.3;
  names.forEach((each, k) => {
    if (k > 0) each.at = Math.max(each.at, names[k - 1].at + step);
  });
  for (let k = names.length - 1, most = bottom; k >= 0; k -= 1, most -= step) names[k].at = Math.min(names[k].at, most);
  context.save();
  context.textBaseline = "middle";
  context.textAlign = "left";
  context.font = labelFont(theme, 1, true);
  const left = box.left + box.width + 8;
  for (const { line, at } of names) {
    const marked = line.marker !== null && line.marker !== undefined;
    if (marked) drawMarker(context, [left + 4, at], 4.5, line.marker ?? 0, line.colour);
    context.fillStyle = line.colour;
    context.fillText(shortenText(context, line.name, size.width - left - (marked ? 13 : 0)), left + (marked ? 13 : 0), at);
  }
  context.restore();
}
