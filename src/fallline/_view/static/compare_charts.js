// @ts-check
// Losses and parameters of all optimizers over the same steps.

import { formatNumber, formatTicks, niceTicks } from "./scale.js";
import { stepsAxis } from "./chart_frame.js";
import { seriesDash } from "./charts_marks.js";
import { drawLineChart, linesExtent } from "./charts_lines.js";

const compareRounding = 1e-14; // of the excess at the start: what is lower is rounding, not loss
const compareNear = 10; // times the start's loss, where losses have either sign: what is farther has left the picture
const compareFar = 1e3; // times the start's loss: what is higher has left the picture

/** @param {any} path @param {any} state @param {any} theme @param {any} rest */
function compareLine(path, state, theme, rest) {
  const selected = path.index === state.selected;
  return { name: path.label, colour: theme.series[path.index % theme.series.length], dash: seriesDash(path.index), marker: path.index, width: selected ? 3 : 2, ...rest };
}

/** @param {any} scene @param {any} state */
function compareShown(scene, state) {
  return scene.paths.filter((/** @type {any} */ path) => !state.hidden.has(path.index));
}

/** @param {CanvasRenderingContext2D} context @param {{width: number, height: number}} size @param {any} scene @param {any} state @param {any} theme */
export function drawCompareLosses(context, size, scene, state, theme) {
  const excess = scene.floor.kind === "optimum";
  const shift = excess ? scene.floor.loss : 0;
  const value = (/** @type {number | null} */ loss) => (loss === null ? null : loss - shift);
  const start = (value(scene.paths[0].curve.loss[0]) ?? 1) || 1;
  const least = excess ? Math.abs(start) * compareRounding : 0;
  const lines = compareShown(scene, state).map((/** @type {any} */ path) => {
    const { step, loss, low, high } = path.curve;
    const band = low !== null && path.index === state.selected ? { low: low.map(value), high: high.map(value) } : {};
    return compareLine(path, state, theme, { x: step, y: loss.map(value).map((/** @type {number | null} */ each) => (each !== null && each < least ? least : each)), ...band });
  });
  const all = lines.flatMap((/** @type {any} */ line) => line.y);
  const far = Math.abs(start) * compareFar;
  // A loss without a floor may fall below zero, where no logarithm is.
  const log = excess || all.every((/** @type {number | null} */ each) => each === null || !(each <= 0));
  const range = linesExtent(log ? all : all.filter((/** @type {number} */ each) => Math.abs(each) < Math.abs(start) * compareNear), log, 0.04);
  const name = excess ? `loss above the best possible, ${formatNumber(shift)}` : "loss";
  drawLineChart(context, size, {
    lines,
    logY: log,
    yRange: log ? [range[0], Math.max(range[0] * 1.02, Math.min(range[1], far))] : range,
    xName: "steps taken (logarithmic)",
    yName: log ? `${name} (logarithmic)` : name,
    axis: (box) => stepsAxis(scene.total_steps, box),
    cursor: state.taken,
    marks: log && scene.goal > 0 ? [{ name: "goal", value: scene.goal - shift, axis: "y" }] : [],
  }, theme);
}

/** @param {CanvasRenderingContext2D} context @param {{width: number, height: number}} size @param {any} scene @param {any} state @param {any} theme */
export function drawCompareParameters(context, size, scene, state, theme) {
  const shown = scene.parameters.length > 2 ? [state.parameter] : scene.parameters.map((/** @type {string} */ _, /** @type {number} */ p) => p);
  const axis = shown.length > 1 ? theme.fontSize * 2.5 : 0; // the last strip has the axis of steps below it
  const height = (size.height - axis) / shown.length;
  const beside = shown.flatMap((/** @type {number} */ p) => formatTicks(niceTicks(scene.reach[p][0], scene.reach[p][1], Math.max(3, height / 52))));
  shown.forEach((/** @type {number} */ p, /** @type {number} */ i) => {
    const paths = compareShown(scene, state);
    const values = (/** @type {any} */ path) => path.parameters.map((/** @type {number[]} */ at) => at[p]);
    const goals = scene.plane.kind !== "path" && scene.plane.minima_uv.length === 1 ? [scene.plane.minima_uv[0][p]] : [];
    context.save();
    context.translate(0, i * height);
    const last = i === shown.length - 1;
    drawLineChart(context, { width: size.width, height: height + (last ? axis : 0) }, {
      bare: !last,
      beside,
      lines: paths.map((/** @type {any} */ path) => compareLine(path, state, theme, { x: scene.taken, y: values(path) })),
      yRange: scene.reach[p],
      xName: "steps taken (logarithmic)",
      yName: scene.parameters.length > 2 ? "in the training scale" : goals.length > 0 ? `${scene.parameters[p]} (dotted: the minimum)` : scene.parameters[p],
      axis: (box) => stepsAxis(scene.total_steps, box),
      cursor: state.taken,
      names: false,
      marks: goals.map((value) => ({ name: "", value, axis: "y" })),
    }, theme);
    context.restore();
  });
}
