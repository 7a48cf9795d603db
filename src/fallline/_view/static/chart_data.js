// @ts-check
// The data with the model's current line, or for several features predictions against targets.

import { formatNumber, formatTicks, linear, niceTicks } from "./scale.js";
import { strokeWithHalo } from "./arrows.js";
import { withAlpha } from "./colour.js";
import { chartBox, drawChartAxes, drawTag, heldRange, insideChart, traceLine } from "./chart_frame.js";

const chartStickPoints = 120; // residual sticks only where they can be told apart

/**
 * @param {CanvasRenderingContext2D} context
 * @param {{width: number, height: number}} size
 * @param {any} scene
 * @param {any} state
 * @param {any} theme
 */
export function drawDataChart(context, size, scene, state, theme) {
  const { data } = scene;
  const parity = data.kind === "parity";
  const current = chartCurve(scene, state);
  const { box, x, y, yTicks } = dataFrame(context, size, scene, theme);
  const [xRange, yRange] = [x.domain, y.domain];
  drawChartAxes(context, box, theme, {
    x,
    y,
    xTicks: niceTicks(xRange[0], xRange[1], Math.max(3, box.width / 80)),
    yTicks,
    xName: parity ? `${data.target}, as measured` : data.feature,
    yName: parity ? `${data.target}, as predicted` : data.target,
  });
  insideChart(context, box, () => {
    if (parity) {
      chartReference(context, [xRange[0], xRange[1]], [xRange[0], xRange[1]], x, y, theme);
      if (current !== null) chartPoints(context, data.x, current, x, y, theme);
      return;
    }
    if (current !== null && chartInSight(data, parity, current, yRange) && data.kind === "line" && data.x.length <= chartStickPoints)
      chartSticks(context, data, current, x, y, theme);
    chartPoints(context, data.x, data.y, x, y, theme);
    if (data.best !== null) chartReference(context, data.curve_x, data.best, x, y, theme);
    if (current !== null)
      strokeWithHalo(context, () => traceLine(context, data.curve_x, current, x, y), { colour: theme.step, width: 3, halo: theme.halo });
  });
  chartDataKey(context, size, scene, theme, parity);
  if (!chartInSight(data, parity, current, yRange))
    drawTag(
      context,
      box,
      {
        text: parity ? "the predictions are outside" : "the line is outside",
        x: box.left + 8,
        y: box.top + theme.fontSize,
        colour: theme.step,
      },
      theme,
    );
}

/**
 * Where the chart's axes stand: for its drawing, and for a hand that points into it.
 * @param {CanvasRenderingContext2D} context @param {{width: number, height: number}} size @param {any} scene @param {any} theme
 */
export function dataFrame(context, size, scene, theme) {
  const [xRange, yRange] = chartDataRanges(scene.data, scene.data.kind === "parity", scene);
  const yTicks = niceTicks(yRange[0], yRange[1], Math.max(3, size.height / 55));
  const box = chartBox(context, size, theme, formatTicks(yTicks));
  return { box, x: linear(xRange, [box.left, box.left + box.width]), y: linear(yRange, [box.top + box.height, box.top]), yTicks };
}

/**
 * Does any of what the model says now lie in the chart?
 * @param {any} data @param {boolean} parity @param {(number | null)[] | null} current @param {[number, number]} range
 */
function chartInSight(data, parity, current, range) {
  if (current === null) return true;
  const inside = current.some((value) => value !== null && value >= range[0] && value <= range[1]);
  if (inside || parity) return inside;
  const finite = /** @type {number[]} */ (current.filter((value) => value !== null && Number.isFinite(value)));
  return finite.length > 1 && Math.min(...finite) < range[0] && Math.max(...finite) > range[1];
}

/**
 * The model's output between the step's start and end: for a line and for predictions exactly what the parameters in between give.
 * @param {any} scene
 * @param {any} state
 * @returns {(number | null)[] | null}
 */
function chartCurve(scene, state) {
  if (scene.frames.step.length === 0) return null;
  const [start, end] = [scene.frames.curve_start[state.frame], scene.frames.curve_end[state.frame]];
  if (state.progress === 0) return start;
  if (state.progress === 1) return end;
  return start.map((/** @type {number | null} */ value, /** @type {number} */ i) =>
    value === null || end[i] === null ? null : value + state.progress * (end[i] - value),
  );
}

/**
 * The data decide; what the model says at the start and at the end widens the range of y, by at most one more range at each side.
 * @param {any} data
 * @param {boolean} parity
 * @param {any} scene
 * @returns {[number, number][]}
 */
function chartDataRanges(data, parity, scene) {
  const x = chartPadded(data.x);
  const [low, high] = parity ? x : chartPadded(data.kind === "logistic" ? [...data.y, 0, 1] : data.y);
  const last = scene.outcome === "diverged" ? [] : (scene.frames.curve_end.at(-1) ?? []);
  const said = [...(scene.frames.curve_start[0] ?? []), ...last];
  const widened = chartPadded([
    low,
    high,
    ...said.map((value) => (value === null ? null : Math.max(2 * low - high, Math.min(2 * high - low, value)))),
  ]);
  const inside = !said.some((value) => value < low || value > high);
  const [least, most] = inside ? [low, high] : widened;
  return [heldRange(scene, "data x", x[0], x[1]), heldRange(scene, "data y", least, most)];
}

/** @param {(number | null)[]} values @returns {[number, number]} */
function chartPadded(values) {
  const finite = /** @type {number[]} */ (values.filter((value) => value !== null && Number.isFinite(value)));
  const low = finite.reduce((a, b) => Math.min(a, b), Infinity);
  const high = finite.reduce((a, b) => Math.max(a, b), -Infinity);
  if (!Number.isFinite(low)) return [0, 1];
  const pad = high > low ? 0.05 * (high - low) : 1;
  return [low - pad, high + pad];
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {(number | null)[]} xs
 * @param {(number | null)[]} ys
 * @param {any} x
 * @param {any} y
 * @param {any} theme
 */
function chartPoints(context, xs, ys, x, y, theme) {
  context.fillStyle = withAlpha(theme.line, theme.dark ? 0.75 : 0.6);
  const radius = xs.length > 200 ? 2 : 2.8;
  for (let i = 0; i < xs.length; i += 1) {
    const [across, up] = [xs[i], ys[i]];
    if (across === null || up === null || !Number.isFinite(across) || !Number.isFinite(up)) continue;
    context.beginPath();
    context.arc(x(across), Math.max(-1e4, Math.min(1e4, y(up))), radius, 0, 2 * Math.PI);
    context.fill();
  }
}

/**
 * From each point to the current line: what the loss squares and averages.
 * @param {CanvasRenderingContext2D} context
 * @param {any} data
 * @param {(number | null)[]} current
 * @param {any} x
 * @param {any} y
 * @param {any} theme
 */
function chartSticks(context, data, current, x, y, theme) {
  const [x0, x1] = data.curve_x;
  const [y0, y1] = current;
  if (y0 === null || y1 === null || !Number.isFinite(y0) || !Number.isFinite(y1)) return;
  context.strokeStyle = withAlpha(theme.step, 0.45);
  context.lineWidth = 1;
  context.beginPath();
  for (let i = 0; i < data.x.length; i += 1) {
    const on = y0 + ((data.x[i] - x0) / (x1 - x0 || 1)) * (y1 - y0);
    context.moveTo(x(data.x[i]), y(data.y[i]));
    context.lineTo(x(data.x[i]), Math.max(-1e4, Math.min(1e4, y(on))));
  }
  context.stroke();
}

/**
 * The best there is, dashed.
 * @param {CanvasRenderingContext2D} context
 * @param {number[]} xs
 * @param {number[]} ys
 * @param {any} x
 * @param {any} y
 * @param {any} theme
 */
function chartReference(context, xs, ys, x, y, theme) {
  context.save();
  context.strokeStyle = theme.good;
  context.lineWidth = 2;
  context.setLineDash([7, 5]);
  context.beginPath();
  traceLine(context, xs, ys, x, y);
  context.stroke();
  context.restore();
}

/**
 * Which line is which, at the top right.
 * @param {CanvasRenderingContext2D} context
 * @param {{width: number, height: number}} size
 * @param {any} scene
 * @param {any} theme
 * @param {boolean} parity
 */
function chartDataKey(context, size, scene, theme, parity) {
  const entries = parity
    ? [["exact", theme.good, true]]
    : [["now", theme.step, false], ...(scene.data.best === null ? [] : [["best", theme.good, true]])];
  context.save();
  context.font = `${theme.fontSize}px ${theme.font}`;
  context.textAlign = "right";
  context.textBaseline = "top";
  let right = size.width - 4;
  for (const [text, colour, dashed] of entries.reverse()) {
    context.fillStyle = theme.muted;
    context.fillText(/** @type {string} */ (text), right, 2);
    right -= context.measureText(/** @type {string} */ (text)).width + 6;
    context.strokeStyle = /** @type {string} */ (colour);
    context.lineWidth = dashed ? 2 : 3;
    context.setLineDash(dashed ? [5, 4] : []);
    context.beginPath();
    context.moveTo(right - 22, 2 + theme.fontSize / 2);
    context.lineTo(right, 2 + theme.fontSize / 2);
    context.stroke();
    right -= 34;
  }
  context.restore();
}

/**
 * The chart in words, for its label.
 * @param {any} scene
 * @returns {string}
 */
export function describeData(scene) {
  const { data } = scene;
  const shown =
    data.x.length === data.rows
      ? `${formatNumber(data.rows, 12)} rows`
      : `${formatNumber(data.x.length, 12)} of ${formatNumber(data.rows, 12)} rows`;
  return data.kind === "parity"
    ? `Predicted against measured ${data.target}, ${shown}.`
    : `${data.target} against ${data.feature}, ${shown}, with the model's current ${data.kind === "line" ? "line" : "curve"}.`;
}
