// @ts-check
// What the charts share: a frame with ticks, an axis of steps that is logarithmic like the scrubber, bands and lines.

import { formatNumber, formatTicks, linear, logTicks, logarithmic, niceTicks } from "./scale.js";
import { labelFont } from "./type.js";

/** @typedef {import("./scale.js").Scale} Scale */
/** @typedef {{left: number, top: number, width: number, height: number}} ChartBox */

/**
 * The room inside a chart's axes.
 * @param {CanvasRenderingContext2D} context
 * @param {{width: number, height: number}} size
 * @param {any} theme
 * @param {string[]} yLabels
 * @param {number} [right] px kept free at the right
 * @returns {ChartBox}
 */
export function chartBox(context, size, theme, yLabels, right = 14) {
  context.font = labelFont(theme);
  const left = Math.ceil(Math.max(0, ...yLabels.map((text) => context.measureText(text).width))) + 12;
  const top = Math.round(theme.fontSize * 1.9);
  return {
    left,
    top,
    width: Math.max(20, size.width - left - right),
    height: Math.max(20, size.height - top - Math.ceil(theme.fontSize * 3)),
  };
}

/**
 * The frame of a chart whose height is a loss, logarithmic or not.
 * @param {CanvasRenderingContext2D} context
 * @param {{width: number, height: number}} size
 * @param {any} theme
 * @param {{low: number, high: number, log: boolean}} measure
 */
export function lossFrame(context, size, theme, { low, high, log }) {
  const yTicks = log ? logTicks(low, high, Math.max(3, size.height / 48)) : niceTicks(low, high, Math.max(3, size.height / 55));
  const yLabels = log ? yTicks.map((tick) => formatNumber(tick)) : formatTicks(yTicks);
  const box = chartBox(context, size, theme, yLabels);
  const y = (log ? logarithmic : linear)([low, high], [box.top + box.height, box.top]);
  return { box, y, yTicks, yLabels };
}

/**
 * Grid lines, tick labels and the names of both axes: y's above its axis, x's below.
 * @param {CanvasRenderingContext2D} context
 * @param {ChartBox} box
 * @param {any} theme
 * @param {{x: Scale, y: Scale, xTicks: number[], yTicks: number[], xLabels?: string[], yLabels?: string[],
 *   xName: string, yName: string, bare?: boolean}} axes bare: no labels on the axis of x
 */
export function drawChartAxes(context, box, theme, axes) {
  const { x, y, xTicks, yTicks } = axes;
  const xLabels = axes.xLabels ?? formatTicks(xTicks);
  const yLabels = axes.yLabels ?? formatTicks(yTicks);
  context.save();
  context.font = labelFont(theme);
  context.strokeStyle = theme.grid;
  context.fillStyle = theme.muted;
  context.lineWidth = 1;
  context.beginPath();
  for (const tick of yTicks) chartLine(context, box.left, Math.round(y(tick)) + 0.5, box.left + box.width, Math.round(y(tick)) + 0.5);
  for (const tick of xTicks)
    chartLine(context, Math.round(x(tick)) + 0.5, box.top + box.height, Math.round(x(tick)) + 0.5, box.top + box.height + 4);
  chartLine(context, box.left, box.top + box.height + 0.5, box.left + box.width, box.top + box.height + 0.5);
  context.stroke();
  context.textAlign = "right";
  context.textBaseline = "middle";
  yTicks.forEach((tick, i) => context.fillText(yLabels[i], box.left - 6, y(tick)));
  context.textBaseline = "top";
  let free = axes.bare ? Infinity : -Infinity;
  xTicks.forEach((tick, i) => {
    const half = context.measureText(xLabels[i]).width / 2;
    const middle = Math.min(x(tick), box.left + box.width + 12 - half);
    if (middle - half < free) return;
    free = middle + half + 6;
    context.textAlign = "center";
    context.fillText(xLabels[i], middle, box.top + box.height + 6);
  });
  context.textAlign = "right";
  if (!axes.bare) context.fillText(axes.xName, box.left + box.width, box.top + box.height + 8 + theme.fontSize * 1.15);
  context.textAlign = "left";
  const room = box.left + box.width - 2;
  context.fillText(context.measureText(axes.yName).width > room ? axes.yName.replace("(logarithmic)", "(log)") : axes.yName, 2, 2, room);
  context.restore();
}

/** @param {CanvasRenderingContext2D} context @param {number} x0 @param {number} y0 @param {number} x1 @param {number} y1 */
function chartLine(context, x0, y0, x1, y1) {
  context.moveTo(x0, y0);
  context.lineTo(x1, y1);
}

/**
 * Draws with everything outside the axes cut off.
 * @param {CanvasRenderingContext2D} context
 * @param {ChartBox} box
 * @param {() => void} draw
 */
export function insideChart(context, box, draw) {
  context.save();
  context.beginPath();
  context.rect(box.left - 1, box.top - 1, box.width + 2, box.height + 2);
  context.clip();
  draw();
  context.restore();
}

/**
 * The axis of steps taken: 0 at the left, logarithmic like the scrubber, so that the first steps have room.
 * @param {number} total steps of the run
 * @param {ChartBox} box
 * @returns {{x: Scale, xTicks: number[], xLabels: string[]}}
 */
export function stepsAxis(total, box) {
  const end = Math.log1p(Math.max(1, total));
  const flat = linear([0, end], [box.left, box.left + box.width]);
  /** @param {number} value */
  const map = (value) => flat(Math.log1p(Math.max(0, value)));
  const x = Object.assign(map, {
    invert: (/** @type {number} */ px) => Math.expm1(flat.invert(px)),
    domain: /** @type {[number, number]} */ ([0, total]),
    range: flat.range,
  });
  const xTicks = [0];
  for (let power = 1; power <= total; power *= 10)
    for (const factor of total > 2000 ? [1] : [1, 2, 5]) if (factor * power < total) xTicks.push(factor * power);
  const spaced = xTicks.filter((tick) => x(total) - x(tick) > 44 || tick === 0);
  spaced.push(total);
  return { x, xTicks: spaced, xLabels: spaced.map((tick) => formatNumber(tick, 12)) };
}

/**
 * A polyline that breaks where a value was not measured or is not finite.
 * @param {CanvasRenderingContext2D} context
 * @param {(number | null)[]} xs values
 * @param {(number | null)[]} ys values
 * @param {Scale} x
 * @param {Scale} y
 */
export function traceLine(context, xs, ys, x, y) {
  let pen = false;
  for (let i = 0; i < xs.length; i += 1) {
    const [across, up] = [xs[i], ys[i]];
    if (across === null || up === null || !Number.isFinite(up)) {
      pen = false;
      continue;
    }
    const height = Math.max(-1e4, Math.min(1e4, y(up)));
    if (pen) context.lineTo(x(across), height);
    else context.moveTo(x(across), height);
    pen = true;
  }
}

/**
 * A line of values that breaks where one is missing, drawn.
 * @param {CanvasRenderingContext2D} context
 * @param {(number | null)[]} xs
 * @param {(number | null)[]} ys
 * @param {{x: Scale, y: Scale}} scales
 * @param {{colour: string, width?: number, dash?: number[]}} pen
 */
export function strokeValues(context, xs, ys, { x, y }, { colour, width = 2, dash = [] }) {
  context.save();
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.lineJoin = "round";
  context.setLineDash(dash);
  context.beginPath();
  traceLine(context, xs, ys, x, y);
  context.stroke();
  context.restore();
}

/**
 * A min–max band with its outline, one pixel at least.
 * @param {CanvasRenderingContext2D} context
 * @param {{xs: number[], low: (number | null)[], high: (number | null)[]}} band
 * @param {Scale} x
 * @param {Scale} y
 * @param {string} colour
 */
export function drawBand(context, { xs, low, high }, x, y, colour) {
  context.save();
  context.fillStyle = colour;
  context.strokeStyle = colour;
  context.lineJoin = "round";
  for (const [from, to] of finiteRuns(low, high)) {
    context.beginPath();
    for (let i = from; i < to; i += 1) context.lineTo(x(xs[i]), y(/** @type {number} */ (high[i])));
    for (let i = to - 1; i >= from; i -= 1) context.lineTo(x(xs[i]), y(/** @type {number} */ (low[i])));
    context.closePath();
    context.fill();
    context.lineWidth = 2;
    context.stroke();
  }
  context.restore();
}

/** Pieces [from, to) in which both ends of a band are finite. @param {(number | null)[]} low @param {(number | null)[]} high */
function finiteRuns(low, high) {
  const runs = [];
  let from = 0;
  for (let i = 0; i <= low.length; i += 1) {
    if (i < low.length && low[i] !== null && high[i] !== null && Number.isFinite(low[i]) && Number.isFinite(high[i])) continue;
    if (i > from) runs.push([from, i]);
    from = i + 1;
  }
  return runs;
}

/**
 * A dashed level with its name, like the optimum's.
 * @param {CanvasRenderingContext2D} context
 * @param {ChartBox} box
 * @param {number} at px
 * @param {string} colour
 */
export function drawLevel(context, box, at, colour) {
  context.save();
  context.strokeStyle = colour;
  context.lineWidth = 1.5;
  context.setLineDash([6, 4]);
  context.beginPath();
  chartLine(context, box.left, at, box.left + box.width, at);
  context.stroke();
  context.restore();
}

/**
 * Where the run stands: a thin upright line.
 * @param {CanvasRenderingContext2D} context
 * @param {ChartBox} box
 * @param {number} at px
 * @param {any} theme
 */
export function drawCursor(context, box, at, theme) {
  context.save();
  context.strokeStyle = theme.step;
  context.lineWidth = 1.5;
  context.beginPath();
  chartLine(context, at, box.top, at, box.top + box.height);
  context.stroke();
  context.restore();
}

/**
 * A short text on a piece of the surface's colour, kept inside the chart.
 * @param {CanvasRenderingContext2D} context
 * @param {ChartBox} box
 * @param {{text: string, x: number, y: number, colour: string, right?: boolean}} tag
 * @param {any} theme
 */
export function drawTag(context, box, tag, theme) {
  context.save();
  context.font = labelFont(theme, 1, true);
  const width = context.measureText(tag.text).width + 8;
  const height = theme.fontSize + 6;
  const flip = !tag.right && tag.x + width + 8 > box.left + box.width;
  const left = tag.right ? box.left + box.width - width : flip ? tag.x - width - 8 : tag.x + 8;
  const top = Math.min(Math.max(tag.y - height / 2, box.top), box.top + box.height - height);
  context.globalAlpha = 0.88;
  context.fillStyle = theme.surface;
  context.fillRect(Math.max(left, box.left), top, width, height);
  context.globalAlpha = 1;
  context.fillStyle = tag.colour;
  context.textAlign = "left";
  context.textBaseline = "middle";
  context.fillText(tag.text, Math.max(left, box.left) + 4, top + height / 2 + 0.5);
  context.restore();
}

/**
 * How many of the first frames follow each other without a gap: there every step is known exactly, beyond them the history's buckets.
 * @param {any} scene
 * @returns {number}
 */
export function chartExact(scene) {
  const gap = scene.frames.step.findIndex((/** @type {number} */ step, /** @type {number} */ i) => step !== i);
  return gap === -1 ? scene.frames.step.length : gap;
}

/**
 * The range of an axis. Where a host's run is replaced while something is dragged (`scene.held`), an axis only grows, unless the run has become
 * much smaller than it: nothing jumps.
 * @param {any} scene @param {string} name of the axis @param {number} low @param {number} high @param {boolean} [log]
 * @returns {[number, number]}
 */
export function heldRange({ held }, name, low, high, log = false) {
  if (!held) return [low, high];
  return held.range(name, low, high, log);
}

/** Steps taken in this state, with the part of the one that is being taken. @param {any} scene @param {any} state */
export function chartStepsTaken(scene, state) {
  return scene.frames.step[state.frame] + state.progress;
}
