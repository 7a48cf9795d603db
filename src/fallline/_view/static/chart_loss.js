// @ts-check
// Loss over steps, with where the run stands now.

import { formatNumber } from "./scale.js";
import { drawBall, drawCross } from "./arrows.js";
import { withAlpha } from "./colour.js";
import { chartExact, chartStepsTaken, drawBand, drawChartAxes, drawCursor, drawLevel, drawTag, heldRange, insideChart, lossFrame, stepsAxis, strokeValues } from "./chart_frame.js";

/** @typedef {{width: number, height: number}} Size */

/**
 * What the loss chart plots. The excess over the best possible loss where that is known and every loss lies above it: on it each phase of a descent
 * is a slope of its own, while the plain loss would look finished as soon as the steep direction is done. Else the loss.
 * @param {any} scene
 * @returns {{name: string, value: (loss: number | null) => number | null, low: number, high: number, log: boolean, level: number | null, excess: boolean}}
 */
export function lossMeasure(scene) {
  const { history, floor, batch } = scene;
  const excess = floor.kind === "optimum" && batch.size === batch.rows;
  const shift = excess ? floor.loss : 0;
  /** @param {number | null} loss */
  const value = (loss) => (loss === null ? null : loss - shift);
  const all = /** @type {number[]} */ (
    [...history.loss_low, ...history.loss_high, ...history.full_loss]
      .map(value)
      .filter((each) => each !== null && Number.isFinite(each) && each > 0)
  );
  const first = value(history.full_loss[0] ?? null) ?? 0;
  const below = history.full_loss.some((/** @type {number | null} */ loss) => loss !== null && loss < 0);
  if (!excess && below) return lossBelowZero(scene, first);
  const high = Math.min(1e300, all.reduce((a, b) => Math.max(a, b), 0) || 1);
  const least = all.reduce((a, b) => Math.min(a, b), Infinity);
  // Fourteen digits below the start an excess is rounding, not loss.
  const low = Math.max(Number.isFinite(least) ? least : high / 10, excess && first > 0 ? first * 1e-14 : 0);
  const whole = batch.size === batch.rows ? "loss (logarithmic)" : "loss (logarithmic): line all rows, band each batch";
  const name = excess ? `loss above the best possible, ${formatNumber(floor.loss)} (logarithmic)` : whole;
  const range = heldRange(scene, `loss ${excess}`, (low === high ? high / 10 : low) / 1.3, high * 1.3, true);
  return { name, value, low: range[0], high: range[1], log: true, excess, level: !excess && floor.kind === "optimum" ? floor.loss : null };
}

/** A loss that falls below zero, and perhaps for ever: as it is, as far down as the picture of it goes. @param {any} scene @param {number} first */
function lossBelowZero(scene, first) {
  const { history, floor } = scene;
  const seen = history.full_loss.filter((/** @type {number | null} */ loss) => loss !== null && Number.isFinite(loss));
  const low = Math.max(Math.min(...seen), Math.min(floor.loss, first));
  const span = Math.max(first - low, Math.abs(first) * 1e-3, 1e-12);
  const [least, most] = heldRange(scene, "loss below zero", low - 0.1 * span, Math.min(Math.max(...seen), first + 2 * span) + 0.1 * span);
  return { name: "loss", value: (/** @type {number | null} */ loss) => loss, low: least, high: most, log: false, excess: false, level: null };
}

/** @param {CanvasRenderingContext2D} context @param {Size} size @param {any} scene @param {any} state @param {any} theme */
export function drawLossChart(context, size, scene, state, theme) {
  const measure = lossMeasure(scene);
  const low = measure.level !== null && measure.level > 0 ? Math.min(measure.low, measure.level / 1.3) : measure.low;
  const { box, y, yTicks, yLabels } = lossFrame(context, size, theme, { ...measure, low });
  const steps = stepsAxis(scene.total_steps, box);
  drawChartAxes(context, box, theme, { ...steps, y, yTicks, yLabels, xName: "steps taken (logarithmic)", yName: measure.name });
  if (measure.level !== null) drawLevel(context, box, y(measure.level), theme.good);
  const { history, batch } = scene;
  const full = batch.size === batch.rows;
  insideChart(context, box, () => {
    if (!full) drawBand(context, chartBatchBand(scene, measure), steps.x, y, withAlpha(theme.line, 0.3));
    const taken = history.full_step.map((/** @type {number} */ step) => step + 1);
    strokeValues(context, taken, history.full_loss.map(measure.value), { x: steps.x, y }, { colour: theme.line });
  });
  if (measure.level !== null)
    drawTag(
      context,
      box,
      { text: `best possible ${formatNumber(measure.level)}`, x: box.left - 4, y: y(measure.level) + theme.fontSize, colour: theme.good },
      theme,
    );
  for (const [step, rate] of scene.rate.changes ?? []) chartLossBend(context, box, steps.x(step), `rate ${formatNumber(rate)}`, theme);
  chartLossNow(context, box, steps.x, y, { scene, state, theme, measure });
}

/** From here on another rate held. @param {CanvasRenderingContext2D} context @param {import("./chart_frame.js").ChartBox} box @param {number} at px @param {string} text @param {any} theme */
function chartLossBend(context, box, at, text, theme) {
  context.save();
  context.setLineDash([2, 3]);
  drawCursor(context, box, at, theme);
  context.restore();
  drawTag(context, box, { text, x: at - 6, y: box.top + box.height - theme.fontSize, colour: theme.step }, theme);
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
