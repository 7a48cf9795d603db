// @ts-check
// The leading picture: the loss from above, the path over it, this step's arrows; and its magnifier on the valley floor.

import { formatNumber } from "./scale.js";
import { strokeWithHalo } from "./arrows.js";
import { drawCurve } from "./curve.js";
import { createLabels } from "./labels.js";
import { drawLevels } from "./levels.js";
import { axisColour, drawAxes, drawColourKey, drawVerticalName, plotLayout } from "./plot.js";
import { drawTrack, drawTrail } from "./track.js";
import { drawBallMarks, drawStepMarks } from "./marks.js";

/** @typedef {(context: CanvasRenderingContext2D, size: {width: number, height: number}, scene: any, state: any, theme: any) => void} Painter */

/**
 * Of each window, by its size: its levels, and the levels with the faint path over them.
 * @typedef {WeakMap<object, Map<string, {ground: OffscreenCanvas, whole: OffscreenCanvas, trail: any}>>} ContourLayers
 */

const contourLayersKept = 4;

/**
 * A painter of contours. It keeps the filled levels, which change only with the window and the size.
 * @returns {{draw: Painter, drawInset: Painter}}
 */
export function createContourPainter() {
  /** @type {ContourLayers} */
  const kept = new WeakMap();
  return {
    draw: (context, size, scene, state, theme) => {
      const view = contourWindow(scene, state.windowId) ?? contourWindow(scene, "main");
      if (view) contourPaint(kept, context, size, { scene, state, theme, view, inset: false });
    },
    drawInset: (context, size, scene, state, theme) => {
      const view = contourWindow(scene, "inset");
      if (view) contourPaint(kept, context, size, { scene, state, theme, view, inset: true });
    },
  };
}

/**
 * Is there a magnified window of the valley floor?
 * @param {any} scene
 * @returns {boolean}
 */
export function hasInset(scene) {
  return contourWindow(scene, "inset") !== undefined;
}

/** @param {any} scene @param {string} id */
function contourWindow(scene, id) {
  return scene.windows.find((/** @type {any} */ view) => view.id === id);
}

/**
 * @param {ContourLayers} kept @param {CanvasRenderingContext2D} context @param {{width: number, height: number}} size
 * @param {{scene: any, state: any, theme: any, view: any, inset: boolean}} what
 */
function contourPaint(kept, context, size, what) {
  const { scene, state, theme, view, inset } = what;
  const layout = plotLayout(context, view, size, theme, !inset && !view.curve);
  if (view.curve) {
    drawCurve(context, view, layout, theme);
    drawTrail(context, scene, view, layout);
  } else context.drawImage(contourLayer(kept, context, scene, view, layout), layout.left, layout.top, layout.width, layout.height);
  drawAxes(context, layout, view, scene, theme);
  const labels = createLabels({ x: layout.left + 2, y: layout.top + 2, width: layout.width - 4, height: layout.height - 4 });
  const picture = { context, scene, state, theme, view, layout, labels, inset };
  const room = inset ? layout.width : layout.width * 0.62;
  const free = drawVerticalName(context, layout, view.labels[1], axisColour(scene, theme, view.labels[1]), theme, room);
  if (!inset && !view.curve) drawColourKey(context, layout, view, scene, theme, free + 12);
  context.save();
  context.beginPath();
  context.rect(layout.left, layout.top, layout.width, layout.height);
  context.clip();
  if (!inset) contourInsetBox(picture);
  drawTrack(context, scene, state, view, layout);
  context.restore();
  if (!view.curve) contourBadge(picture);
  drawStepMarks(picture);
  drawBallMarks(picture);
  labels.draw(context, theme);
}

/** The filled levels and their lines, drawn once, and the faint path over them, once for each path. @param {ContourLayers} kept @param {CanvasRenderingContext2D} context @param {any} scene @param {any} view @param {import("./plot.js").PlotLayout} layout */
function contourLayer(kept, context, scene, view, layout) {
  const density = Math.max(1, context.getTransform().a);
  const [width, height] = [Math.max(1, Math.round(layout.width * density)), Math.max(1, Math.round(layout.height * density))];
  const key = `${width} ${height}`;
  const layers = kept.get(view) ?? new Map();
  kept.set(view, layers);
  let layer = layers.get(key);
  if (layer === undefined) {
    layer = { ground: new OffscreenCanvas(width, height), whole: new OffscreenCanvas(width, height), trail: null };
    const pen = layer.ground.getContext("2d");
    if (pen !== null) drawLevels(pen, view, width, height, density);
    if (layers.size >= contourLayersKept) layers.delete(layers.keys().next().value);
    layers.set(key, layer);
  }
  const pen = layer.whole.getContext("2d");
  if (layer.trail !== scene.trail && pen !== null) {
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.drawImage(layer.ground, 0, 0);
    pen.setTransform(density, 0, 0, density, -layout.left * density, -layout.top * density);
    drawTrail(pen, scene, view, layout);
    layer.trail = scene.trail;
  }
  return layer.whole;
}

/** Where the magnifier looks, on the main picture. @param {import("./marks.js").Picture} picture */
function contourInsetBox({ context, scene, view, layout, labels }) {
  const inset = contourWindow(scene, "inset");
  if (!inset || view.transform || inset.transform || !(inset.magnification > view.magnification)) return;
  const [x0, x1] = inset.x.map(layout.x);
  const [y1, y0] = inset.y.map(layout.y);
  if (x1 - x0 < 3 || x1 < layout.left || x0 > layout.left + layout.width || y1 < layout.top || y0 > layout.top + layout.height) return;
  strokeWithHalo(context, () => context.rect(x0, y0, x1 - x0, y1 - y0), { colour: "#ffffff", width: 1.25, dash: [5, 3], halo: "rgba(10,14,26,0.7)", casing: 1.5 });
  labels.add({ text: `magnified × ${formatNumber(inset.magnification, 2)}`, x: x1, y: y0, prefer: "aboveLeft", away: 4 });
}

/** What the picture does to lengths: the magnifier's factor, or axes that differ. @param {import("./marks.js").Picture} picture */
function contourBadge({ view, layout, labels, inset }) {
  const corner = { x: layout.left, y: layout.top, prefer: "belowRight", away: 4, required: true, corner: true };
  if (inset) labels.add({ ...corner, text: `× ${formatNumber(view.magnification, 2)}`, bold: true });
  if (layout.equal) return;
  const wide = layout.ratio < 1;
  const times = formatNumber(wide ? 1 / layout.ratio : layout.ratio, 2);
  const ratio = wide ? `1 : ${times}` : `${times} : 1`;
  labels.add({ ...corner, y: layout.top + layout.height, prefer: "aboveRight", text: inset ? `axes ${ratio}` : `axes differ ${ratio}; right angles look bent` });
}
