// @ts-check
// Loss over steps and parameters over steps, with where the run stands now.

import { formatNumber, linear, logTicks, logarithmic, niceTicks } from "./scale.js";
import { drawBall, drawCross } from "./arrows.js";
import { withAlpha } from "./colour.js";
import { parameterColour } from "./theme.js";
import { chartBox, drawBand, drawChartAxes, drawCursor, drawLevel, drawTag, insideChart, stepsAxis, traceLine } from "./chart_frame.js";

/** @typedef {{width: number, height: number}} Size */

const chartParametersNamed = 6;

/**
 * What the loss chart plots. The excess over the best possible loss where that is known and every loss lies above it: on it each phase of a descent
 * is a slope of its own, while the plain loss would look finished as soon as the steep direction is done. Else the loss.
 * @param {any} scene
 * @returns {{name: string, value: (loss: number | null) => number | null, low: number, high: number, level: number | null, excess: boolean}}
 */
export function lossMeasure(scene) {
  const { history, floor, batch } = scene;
  const excess = floor.kind === "optimum" && batch.size === batch.rows;
  const shift = excess ? floor.loss : 0;
  /** @param {number | null} loss */
  const value = (loss) => (loss === null ? null : loss - shift);
  const all = /** @type {number[]} */ ([...history.loss_low, ...history.loss_high, ...history.full_loss]
    .map(value).filter((each) => each !== null && Number.isFinite(each) && each > 0));
  const high = Math.min(1e300, all.reduce((a, b) => Math.max(a, b), 0) || 1);
  const least = all.reduce((a, b) => Math.min(a, b), Infinity);
  // Fourteen digits below the start an excess is rounding, not loss.
  const first = value(history.full_loss[0] ?? null) ?? 0;
  const low = Math.max(Number.isFinite(least) ? least : high / 10, excess && first > 0 ? first * 1e-14 : 0);
  const whole = batch.size === batch.rows ? "loss (logarithmic)" : "loss (logarithmic): line all rows, band each batch";
  const name = excess ? `loss above the best possible, ${formatNumber(floor.loss)} (logarithmic)` : whole;
  return { name, value, low: low === high ? high / 10 : low, high, excess, level: !excess && floor.kind === "optimum" ? floor.loss : null };
}

/** @param {CanvasRenderingContext2D} context @param {Size} size @param {any} scene @param {any} state @param {any} theme */
export function drawLossChart(context, size, scene, state, theme) {
  const measure = lossMeasure(scene);
  const low = measure.level !== null && measure.level > 0 ? Math.min(measure.low, measure.level) : measure.low;
  const yTicks = logTicks(low / 1.3, measure.high * 1.3, Math.max(3, size.height / 50));
  const yLabels = yTicks.map((tick) => formatNumber(tick));
  const box = chartBox(context, size, theme, yLabels);
  const y = logarithmic([low / 1.3, measure.high * 1.3], [box.top + box.height, box.top]);
  const steps = stepsAxis(scene.total_steps, box);
  drawChartAxes(context, box, theme, { ...steps, y, yTicks, yLabels, xName: "steps taken (logarithmic)", yName: measure.name });
  if (measure.level !== null) drawLevel(context, box, y(measure.level), theme.good);
  const { history, batch } = scene;
  const full = batch.size === batch.rows;
  insideChart(context, box, () => {
    if (!full) drawBand(context, chartBatchBand(scene, measure), steps.x, y, withAlpha(theme.line, 0.3));
    context.beginPath();
    traceLine(context, history.full_step.map((/** @type {number} */ step) => step + 1), history.full_loss.map(measure.value), steps.x, y);
    context.strokeStyle = theme.line;
    context.lineWidth = 2;
    context.lineJoin = "round";
    context.stroke();
  });
  if (measure.level !== null) drawTag(context, box, { text: `best possible ${formatNumber(measure.level)}`, x: box.left - 4, y: y(measure.level) + theme.fontSize, colour: theme.good }, theme);
  chartLossNow(context, box, steps.x, y, { scene, state, theme, measure });
}

/**
 * How many of the first frames follow each other without a gap: there every step is known exactly, beyond them the history's buckets.
 * @param {any} scene
 * @returns {number}
 */
function chartExact(scene) {
  const gap = scene.frames.step.findIndex((/** @type {number} */ step, /** @type {number} */ i) => step !== i);
  return gap === -1 ? scene.frames.step.length : gap;
}

/** The loss of each batch: exact at first, then the history's buckets. @param {any} scene @param {any} measure */
function chartBatchBand({ history, frames }, measure) {
  const exact = chartExact({ frames });
  const from = history.step.findIndex((/** @type {number} */ step) => step >= exact);
  const later = from === -1 ? history.step.length : from;
  const first = frames.loss.slice(0, exact);
  return {
    xs: [...frames.step.slice(0, exact), ...history.step.slice(later)],
    low: [...first, ...history.loss_low.slice(later)].map(measure.value),
    high: [...first, ...history.loss_high.slice(later)].map(measure.value),
  };
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
  const xs = [0, ...frames.step.slice(0, exact).map((/** @type {number} */ step) => step + 1), ...history.step.slice(later).map((/** @type {number} */ step) => step + 1)];
  return { xs: xs.slice(0, kept), low: low.slice(0, kept), high: high.slice(0, kept), outside };
}

/**
 * The current loss as a dot with its number, and ✕ where the first number was not finite.
 * @param {CanvasRenderingContext2D} context @param {import("./chart_frame.js").ChartBox} box @param {any} x @param {any} y @param {any} what
 */
function chartLossNow(context, box, x, y, { scene, state, theme, measure }) {
  if (scene.first_not_finite !== null) drawCross(context, [x(scene.first_not_finite + 1), box.top + 10], 5, theme.step);
  if (scene.frames.step.length === 0) return;
  const { frames } = scene;
  const at = x(chartStepsTaken(scene, state));
  drawCursor(context, box, at, theme);
  const [before, after] = [frames.loss[state.frame], frames.loss_after[state.frame]].map((loss) => measure.value(loss));
  const loss = state.progress < 1 ? frames.loss[state.frame] : frames.loss_after[state.frame];
  if (before === null || after === null || !Number.isFinite(before)) return;
  const end = Number.isFinite(after) ? y(after) : y(before);
  const height = y(before) + state.progress * (end - y(before));
  drawBall(context, [at, Math.max(box.top, Math.min(box.top + box.height, height))], 5, !Number.isFinite(after) && state.progress > 0);
  drawTag(context, box, { text: `loss ${formatNumber(loss)}`, x: at + 2, y: height - theme.fontSize, colour: theme.text }, theme);
}

/** @param {CanvasRenderingContext2D} context @param {Size} size @param {any} scene @param {any} state @param {any} theme */
export function drawParametersChart(context, size, scene, state, theme) {
  const { frames, parameters, optimum } = scene;
  const range = chartParameterRange(scene);
  const yTicks = niceTicks(range[0], range[1], Math.max(3, size.height / 55));
  const named = parameters.length <= chartParametersNamed;
  context.font = `600 ${theme.fontSize}px ${theme.font}`;
  const right = named ? Math.max(...parameters.map((/** @type {string} */ name) => context.measureText(name).width)) + 18 : 14;
  const box = chartBox(context, size, theme, yTicks.map((tick) => formatNumber(tick)), Math.min(right, size.width * 0.3));
  const y = linear(range, [box.top + box.height, box.top]);
  const steps = stepsAxis(scene.total_steps, box);
    drawChartAxes(context, box, theme, { ...steps, y, yTicks, yLabels: yTicks.map((tick) => formatNumber(tick)), xName: "steps taken (logarithmic)", yName: optimum === null ? "" : "dashed: the optimum" });
  let outside = Infinity;
  insideChart(context, box, () => parameters.forEach((/** @type {string} */ _, /** @type {number} */ p) => {
    const colour = parameterColour(theme, p, parameters.length);
    if (optimum !== null && named) drawLevel(context, box, y(optimum.parameters[p]), colour);
    const band = chartParameterBand(scene, p, range);
    if (band.outside !== -1) outside = Math.min(outside, band.xs[band.outside]);
    drawBand(context, band, steps.x, y, colour);
  }));
  if (Number.isFinite(outside)) drawTag(context, box, { text: "outside from here", x: steps.x(outside), y: box.top + theme.fontSize, colour: theme.muted }, theme);
  if (frames.step.length === 0) return;
  const at = steps.x(chartStepsTaken(scene, state));
  drawCursor(context, box, at, theme);
  chartParameterEnds(context, box, y, { scene, state, theme, at, named, size });
}

/**
 * Dots at the current values, and the names at the right where the lines end.
 * @param {CanvasRenderingContext2D} context @param {import("./chart_frame.js").ChartBox} box @param {any} y @param {any} what
 */
function chartParameterEnds(context, box, y, { scene, state, theme, at, named, size }) {
  const { frames, parameters, optimum } = scene;
  const last = frames.end[frames.end.length - 1];
  /** @type {{name: string, at: number, colour: string}[]} */
  const names = [];
  parameters.forEach((/** @type {string} */ name, /** @type {number} */ p) => {
    const colour = parameterColour(theme, p, parameters.length);
    const value = frames.start[state.frame][p] + state.progress * (frames.end[state.frame][p] - frames.start[state.frame][p]);
    if (y(value) >= box.top && y(value) <= box.top + box.height) {
      context.beginPath();
      context.arc(at, y(value), 4.5, 0, 2 * Math.PI);
      context.fillStyle = colour;
      context.fill();
      context.strokeStyle = theme.surface;
      context.lineWidth = 1.5;
      context.stroke();
    }
    const rests = Number.isFinite(last[p]) && y(last[p]) >= box.top && y(last[p]) <= box.top + box.height;
    const level = rests ? last[p] : optimum?.parameters[p] ?? frames.start[0][p];
    const end = Math.max(box.top, Math.min(box.top + box.height, y(level)));
    names.push({ name: chartShortened(context, name, size.width - box.left - box.width - 8, theme), at: end, colour });
  });
  if (!named) return;
  names.sort((one, other) => one.at - other.at);
  names.forEach((each, i) => { if (i > 0) each.at = Math.max(each.at, names[i - 1].at + theme.fontSize * 1.1); });
  const over = names.length > 0 ? Math.max(0, names[names.length - 1].at - (box.top + box.height)) : 0;
  context.font = `600 ${theme.fontSize}px ${theme.font}`;
  context.textBaseline = "middle";
  context.textAlign = "left";
  for (const { name, at: height, colour } of names) {
    context.fillStyle = colour;
    context.fillText(name, box.left + box.width + 6, height - over);
  }
}

/** A name cut to the room it has. @param {CanvasRenderingContext2D} context @param {string} name @param {number} room @param {any} theme */
function chartShortened(context, name, room, theme) {
  context.font = `600 ${theme.fontSize}px ${theme.font}`;
  let kept = name.length;
  while (kept > 3 && context.measureText(kept === name.length ? name : `${name.slice(0, kept)}…`).width > room) kept -= 1;
  return kept === name.length ? name : `${name.slice(0, kept)}…`;
}

/** The range of the chart of parameters: all finite values, but for a diverged run only while they are within sight of the start. @param {any} scene @returns {[number, number]} */
function chartParameterRange(scene) {
  const { history, frames, optimum } = scene;
  const start = frames.step.length > 0 ? frames.start[0] : [];
  const near = [...start, ...(optimum?.parameters ?? [])].filter(Number.isFinite);
  const all = [...near, ...history.parameters_low.flat(), ...history.parameters_high.flat()].filter((value) => value !== null && Number.isFinite(value));
  let low = all.reduce((a, b) => Math.min(a, b), Infinity);
  let high = all.reduce((a, b) => Math.max(a, b), -Infinity);
  if (scene.outcome === "diverged" && near.length > 0) {
    const middle = (Math.min(...near) + Math.max(...near)) / 2;
    const reach = 4 * Math.max(Math.max(...near) - Math.min(...near), 1e-9);
    low = Math.max(low, middle - reach);
    high = Math.min(high, middle + reach);
  }
  if (!(high > low)) return Number.isFinite(low) ? [low - 1, low + 1] : [0, 1];
  return [low - 0.06 * (high - low), high + 0.06 * (high - low)];
}

/** Steps taken in this state, with the part of the one that is being taken. @param {any} scene @param {any} state */
function chartStepsTaken(scene, state) {
  return scene.frames.step[state.frame] + state.progress;
}
