// @ts-check
// A loss of one parameter: the curve itself, the first picture of all.

import { withAlpha } from "./colour.js";

/**
 * The loss over the parameter, with the ground under it.
 * @param {CanvasRenderingContext2D} context
 * @param {any} view a window with a curve
 * @param {import("./plot.js").PlotLayout} layout
 * @param {any} theme
 */
export function drawCurve(context, view, layout, theme) {
  const { left, top, width, height } = layout;
  const { x, loss } = view.curve;
  const points = x.map((/** @type {number} */ value, /** @type {number} */ i) => [layout.x(value), curveCap(layout.y(loss[i]))]);
  context.save();
  context.beginPath();
  context.rect(left, top, width, height);
  context.clip();
  for (const under of [true, false]) {
    context.beginPath();
    let pen = null;
    for (const [across, up] of points) {
      if (!Number.isFinite(up)) {
        if (under && pen !== null) context.lineTo(pen, top + height);
        pen = null;
        continue;
      }
      if (pen === null && under) context.moveTo(across, top + height);
      if (pen === null && !under) context.moveTo(across, up);
      else context.lineTo(across, up);
      pen = across;
    }
    if (under) {
      if (pen !== null) context.lineTo(pen, top + height);
      context.fillStyle = withAlpha(theme.line, theme.dark ? 0.22 : 0.12);
      context.fill();
    } else {
      context.strokeStyle = theme.line;
      context.lineWidth = 3;
      context.lineJoin = "round";
      context.stroke();
    }
  }
  context.restore();
}

/** Canvases lose precision with huge coordinates. @param {number} pixel */
function curveCap(pixel) {
  return Number.isNaN(pixel) ? NaN : Math.min(1e5, Math.max(-1e5, pixel));
}

/**
 * The points of the curve passed on the way from one point of the path to the next, so that a path keeps to the curve.
 * @param {any} scene
 * @param {any} from parameter and loss
 * @param {any} to
 * @returns {number[][]} without the two ends
 */
export function curveBetween(scene, from, to) {
  if (scene.plane.kind !== "curve" || ![from, to].every((point) => point?.every(Number.isFinite))) return [];
  const view = scene.windows.find((/** @type {any} */ window) => [from, to].every(([u]) => u >= window.x[0] && u <= window.x[1]));
  if (view === undefined) return [];
  const [low, high] = [Math.min(from[0], to[0]), Math.max(from[0], to[0])];
  const passed = view.curve.x.map((/** @type {number} */ u, /** @type {number} */ i) => [u, view.curve.loss[i]]).filter((/** @type {number[]} */ [u, loss]) => u > low && u < high && Number.isFinite(loss));
  return from[0] < to[0] ? passed : passed.reverse();
}

/**
 * A place between two points of the path, on the curve where it is known.
 * @param {any} scene
 * @param {number[]} uv parameter and loss
 * @returns {number[]}
 */
export function onCurve(scene, [u, v]) {
  const view = scene.windows.find((/** @type {any} */ window) => u >= window.x[0] && u <= window.x[1]);
  if (view === undefined) return [u, v];
  const { x, loss } = view.curve;
  const place = ((u - x[0]) / (x[x.length - 1] - x[0])) * (x.length - 1);
  const at = Math.min(x.length - 2, Math.max(0, Math.floor(place)));
  const height = loss[at] + (place - at) * (loss[at + 1] - loss[at]);
  return [u, Number.isFinite(height) ? height : v];
}
