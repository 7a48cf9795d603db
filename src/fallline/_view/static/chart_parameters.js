// @ts-check
// Parameters over steps, with where the run stands now: in one chart, or one strip each where their scales are too different to share one.

import { formatNumber, linear, niceTicks } from "./scale.js";
import { labelFont } from "./type.js";
import { shortenText } from "./plot.js";
import { parameterColour } from "./theme.js";
import { chartBox, chartExact, chartStepsTaken, drawBand, drawChartAxes, drawCursor, drawLevel, drawTag, heldRange, insideChart, stepsAxis } from "./chart_frame.js";

/** @typedef {import("./chart_frame.js").ChartBox} ChartBox */
/** @typedef {{scene: any, state: any, theme: any, steps: any, named: boolean, room: number}} ParameterChart */

const chartParametersNamed = 6;
const chartStripsAtMost = 3;
const chartStripsFrom = 12; // times the smallest range

/**
 * @param {CanvasRenderingContext2D} context
 * @param {{width: number, height: number}} size
 * @param {any} scene
 * @param {any} state
 * @param {any} theme
 */
export function drawParametersChart(context, size, scene, state, theme) {
  const { parameters, optimum } = scene;
  const groups = chartGroups(scene);
  const each = groups.map((indices) => {
    const range = chartParameterRange(scene, indices);
    return { indices, range, ticks: niceTicks(range[0], range[1], Math.max(2, size.height / groups.length / 55)) };
  });
  const named = parameters.length <= chartParametersNamed;
  context.font = `600 ${theme.fontSize}px ${theme.font}`;
  const widest = Math.max(...parameters.map((/** @type {string} */ name) => context.measureText(name).width));
  const room = named ? Math.min(widest + 18, size.width * 0.3) : 14;
  const whole = chartBox(
    context,
    size,
    theme,
    each.flatMap(({ ticks }) => ticks.map((tick) => formatNumber(tick))),
    room,
  );
  const gap = 12;
  const height = (whole.height - gap * (groups.length - 1)) / groups.length;
  const steps = stepsAxis(scene.total_steps, whole);
  each.forEach(({ indices, range, ticks }, i) => {
    const box = { ...whole, top: whole.top + i * (height + gap), height };
    const y = linear(range, [box.top + height, box.top]);
    const yName = i > 0 || optimum === null ? "" : "dashed: the optimum";
    const yLabels = ticks.map((tick) => formatNumber(tick));
    drawChartAxes(context, box, theme, {
      ...steps,
      y,
      yTicks: ticks,
      yLabels,
      xName: "steps taken (logarithmic)",
      yName,
      bare: i < groups.length - 1,
    });
    chartParameterStrip(context, box, y, indices, { scene, state, theme, steps, named, room: size.width - whole.left - whole.width - 8 });
  });
}

/**
 * One chart for all, or one each: where the widest range would flatten the others.
 * @param {any} scene
 * @returns {number[][]}
 */
function chartGroups(scene) {
  const all = scene.parameters.map((/** @type {string} */ _, /** @type {number} */ p) => p);
  if (all.length < 2 || all.length > chartStripsAtMost) return [all];
  const spans = all.map((/** @type {number} */ p) => {
    const [low, high] = chartParameterRange(scene, [p]);
    return high - low;
  });
  return Math.max(...spans) > chartStripsFrom * Math.min(...spans) ? all.map((/** @type {number} */ p) => [p]) : [all];
}

/**
 * @param {CanvasRenderingContext2D} context @param {ChartBox} box @param {import("./scale.js").Scale} y
 * @param {number[]} indices @param {ParameterChart} chart
 */
function chartParameterStrip(context, box, y, indices, chart) {
  const { scene, state, theme, steps, named } = chart;
  let outside = Infinity;
  insideChart(context, box, () =>
    indices.forEach((p) => {
      const colour = parameterColour(theme, p, scene.parameters.length);
      if (scene.optimum !== null && named) drawLevel(context, box, y(scene.optimum.parameters[p]), colour);
      const band = chartParameterBand(scene, p, y.domain);
      if (band.outside !== -1) outside = Math.min(outside, band.xs[band.outside]);
      drawBand(context, band, steps.x, y, colour);
    }),
  );
  if (Number.isFinite(outside))
    drawTag(context, box, { text: "outside from here", x: steps.x(outside), y: box.top + theme.fontSize, colour: theme.muted }, theme);
  if (scene.frames.step.length === 0) return;
  const at = steps.x(chartStepsTaken(scene, state));
  drawCursor(context, box, at, theme);
  for (const p of indices) chartParameterDot(context, box, y, p, at, chart);
  if (named) chartParameterNames(context, box, y, indices, chart);
}

/**
 * One parameter over the steps taken, until it leaves the chart for good.
 * @param {any} scene
 * @param {number} index
 * @param {[number, number]} range
 */
function chartParameterBand({ history, frames }, index, range) {
  const exact = chartExact({ frames });
  const from = history.step.findIndex((/** @type {number} */ step) => step >= exact);
  const later = from === -1 ? history.step.length : from;
  const first = [frames.start[0]?.[index], ...frames.end.slice(0, exact).map((/** @type {number[]} */ end) => end[index])];
  const low = [...first, ...history.parameters_low[index].slice(later)];
  const high = [...first, ...history.parameters_high[index].slice(later)];
  const outside = low.findIndex((value, i) => !(value >= range[0] && high[i] <= range[1]));
  const kept = outside === -1 ? low.length : outside + 1;
  const xs = [
    0,
    ...frames.step.slice(0, exact).map((/** @type {number} */ step) => step + 1),
    ...history.step.slice(later).map((/** @type {number} */ step) => step + 1),
  ];
  return { xs: xs.slice(0, kept), low: low.slice(0, kept), high: high.slice(0, kept), outside };
}

/**
 * Where a parameter stands now.
 * @param {CanvasRenderingContext2D} context
 * @param {ChartBox} box
 * @param {import("./scale.js").Scale} y
 * @param {number} index
 * @param {number} at px
 * @param {ParameterChart} chart
 */
function chartParameterDot(context, box, y, index, at, { scene, state, theme }) {
  const { start, end } = scene.frames;
  const height = y(start[state.frame][index] + state.progress * (end[state.frame][index] - start[state.frame][index]));
  if (!(height >= box.top && height <= box.top + box.height)) return;
  context.beginPath();
  context.arc(at, height, 4.5, 0, 2 * Math.PI);
  context.fillStyle = parameterColour(theme, index, scene.parameters.length);
  context.fill();
  context.strokeStyle = theme.surface;
  context.lineWidth = 1.5;
  context.stroke();
}

/**
 * The names at the right, where the lines end; of a line that left the chart, at its optimum.
 * @param {CanvasRenderingContext2D} context
 * @param {ChartBox} box
 * @param {import("./scale.js").Scale} y
 * @param {number[]} indices
 * @param {ParameterChart} chart
 */
function chartParameterNames(context, box, y, indices, { scene, theme, room }) {
  const { frames, parameters, optimum } = scene;
  const last = frames.end[frames.end.length - 1];
  const bottom = box.top + box.height;
  context.font = labelFont(theme, 1, true);
  const names = indices
    .map((p) => {
      const rests = y(last[p]) >= box.top && y(last[p]) <= bottom;
      const level = rests ? last[p] : (optimum?.parameters[p] ?? frames.start[0][p]);
      const at = Math.max(box.top, Math.min(bottom, y(level)));
      return { name: shortenText(context, parameters[p], room), at, colour: parameterColour(theme, p, parameters.length) };
    })
    .sort((one, other) => one.at - other.at);
  names.forEach((each, i) => {
    if (i > 0) each.at = Math.max(each.at, names[i - 1].at + theme.fontSize * 1.1);
  });
  const over = Math.max(0, names[names.length - 1].at - bottom);
  context.textBaseline = "middle";
  context.textAlign = "left";
  for (const { name, at, colour } of names) {
    context.fillStyle = colour;
    context.fillText(name, box.left + box.width + 6, at - over);
  }
}

/**
 * All finite values of some parameters, but for a diverged run only while they are within sight of the start.
 * @param {any} scene
 * @param {number[]} indices
 * @returns {[number, number]}
 */
function chartParameterRange(scene, indices) {
  const { history, frames, optimum } = scene;
  const start = frames.step.length > 0 ? indices.map((p) => frames.start[0][p]) : [];
  const near = [...start, ...(optimum === null ? [] : indices.map((p) => optimum.parameters[p]))].filter(Number.isFinite);
  const seen = indices.flatMap((p) => [...history.parameters_low[p], ...history.parameters_high[p]]);
  const stepped = scene.stop === null ? [] : frames.end.flatMap((/** @type {number[]} */ end) => indices.map((p) => end[p])); // its history begins after its first frames
  const all = [...near, ...seen, ...stepped].filter((value) => value !== null && Number.isFinite(value));
  let low = all.reduce((a, b) => Math.min(a, b), Infinity);
  let high = all.reduce((a, b) => Math.max(a, b), -Infinity);
  if (scene.outcome === "diverged" && near.length > 0) {
    const middle = (Math.min(...near) + Math.max(...near)) / 2;
    const reach = 4 * Math.max(Math.max(...near) - Math.min(...near), 1e-9);
    low = Math.max(low, middle - reach);
    high = Math.min(high, middle + reach);
  }
  if (!(high > low)) return Number.isFinite(low) ? [low - 1, low + 1] : [0, 1];
  return heldRange(scene, `parameters ${indices}`, low - 0.06 * (high - low), high + 0.06 * (high - low));
}
