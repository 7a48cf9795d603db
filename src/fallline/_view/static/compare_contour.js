// @ts-check
// The leading picture: one loss from above (for one parameter its curve) and every optimizer's path over it, all at the same step.

import { formatNumber } from "./scale.js";
import { withAlpha } from "./colour.js";
import { ballRadius, drawArrow, drawChevron, drawCross, drawMinimum, strokeWithHalo } from "./arrows.js";
import { drawCurve } from "./curve.js";
import { createLabels } from "./labels.js";
import { drawLevels } from "./levels.js";
import { axisColour, clampToFrame, drawAxes, drawColourKey, drawVerticalName, insideFrame, plotLayout, plotPoint, sideAlong } from "./plot.js";
import { clipSegment, tracePoints } from "./track.js";
import { drawParts, partsColour } from "./parts.js";
import { drawMarker } from "./charts_marks.js";
import { comparePartsShown, comparePlace } from "./compare_scene.js";

/**
 * @typedef {{context: CanvasRenderingContext2D, scene: any, state: any, theme: any, view: any, layout: import("./plot.js").PlotLayout,
 *   labels: import("./labels.js").Labels, inset: boolean}} ComparePicture
 */

const compareManyMinima = 12;
const compareCrowded = 64; // px: among so many paths shorter parts are not seen in their place

/** @returns {{draw: (context: CanvasRenderingContext2D, size: any, scene: any, state: any, theme: any, windowId: string, over?: (context: CanvasRenderingContext2D, theme: any, where: any) => void) => void}} */
export function createCompareContour() {
  /** @type {WeakMap<object, Map<string, OffscreenCanvas>>} */
  const kept = new WeakMap();
  return {
    draw: (context, size, scene, state, theme, windowId, over = () => {}) => {
      const inset = windowId === "inset";
      const view = compareWindow(scene, windowId) ?? (inset ? null : compareWindow(scene, "main"));
      if (view) over(context, theme, { layout: comparePaint(kept, context, size, { scene, state, theme, view, inset }), view });
    },
  };
}

/** @param {any} scene @param {string} id */
function compareWindow(scene, id) {
  return scene.windows.find((/** @type {any} */ view) => view.id === id);
}

/**
 * @param {WeakMap<object, Map<string, OffscreenCanvas>>} kept @param {CanvasRenderingContext2D} context @param {{width: number, height: number}} size
 * @param {{scene: any, state: any, theme: any, view: any, inset: boolean}} what
 */
function comparePaint(kept, context, size, { scene, state, theme, view, inset }) {
  const curve = scene.plane.kind === "curve";
  const layout = plotLayout(context, view, size, theme, !inset && !curve);
  if (!curve) context.drawImage(compareLayer(kept, context, view, layout), layout.left, layout.top, layout.width, layout.height);
  drawAxes(context, layout, view, scene, theme);
  const room = inset || curve ? layout.width : layout.width * 0.62;
  const free = drawVerticalName(context, layout, view.labels[1], axisColour(scene, theme, view.labels[1]), theme, room);
  if (!inset && !curve) drawColourKey(context, layout, view, scene, theme, free + 12);
  const labels = createLabels({ x: layout.left + 2, y: layout.top + 2, width: layout.width - 4, height: layout.height - 4 });
  const picture = { context, scene, state, theme, view, layout, labels, inset };
  const shown = scene.paths.filter((/** @type {any} */ path) => !state.hidden.has(path.index));
  const [picked, others] = [true, false].map((is) => shown.filter((/** @type {any} */ path) => (path.index === state.selected) === is));
  compareInside(context, layout, () => {
    if (curve) drawCurve(context, view, layout, theme);
    if (!inset) compareInsetBox(picture);
    compareMinima(picture);
    for (const path of others) compareTrack(picture, path);
  });
  compareBadge(picture);
  compareStart(picture);
  for (const path of others) compareBall(picture, path);
  for (const path of picked) {
    compareInside(context, layout, () => {
      compareTrack(picture, path);
      compareStep(picture, path);
    });
    compareBall(picture, path);
  }
  labels.draw(context, theme);
  return layout;
}

/** @param {CanvasRenderingContext2D} context @param {import("./plot.js").PlotLayout} layout @param {() => void} draw */
function compareInside(context, { left, top, width, height }, draw) {
  context.save();
  context.beginPath();
  context.rect(left, top, width, height);
  context.clip();
  draw();
  context.restore();
}

/** @param {WeakMap<object, Map<string, OffscreenCanvas>>} kept @param {CanvasRenderingContext2D} context @param {any} view @param {import("./plot.js").PlotLayout} layout */
function compareLayer(kept, context, view, layout) {
  const density = Math.max(1, context.getTransform().a);
  const [width, height] = [layout.width, layout.height].map((side) => Math.max(1, Math.round(side * density)));
  const layers = kept.get(view) ?? new Map();
  kept.set(view, layers);
  const key = `${width} ${height}`;
  let layer = layers.get(key);
  if (layer === undefined) {
    layer = new OffscreenCanvas(width, height);
    const pen = layer.getContext("2d");
    if (pen !== null) drawLevels(pen, view, width, height, density);
    layers.clear();
    layers.set(key, layer);
  }
  return layer;
}

/** @param {ComparePicture} picture */
function compareInsetBox({ context, scene, view, layout, labels }) {
  const inset = compareWindow(scene, "inset");
  if (!inset || !(inset.magnification > view.magnification)) return;
  const [x0, x1] = inset.x.map(layout.x);
  const [y1, y0] = inset.y.map(layout.y);
  if (x1 - x0 < 3) return;
  strokeWithHalo(context, () => context.rect(x0, y0, x1 - x0, y1 - y0), { colour: "#ffffff", width: 1.25, dash: [5, 3], halo: "rgba(10,14,26,0.7)", casing: 1.5 });
  labels.add({ text: `magnified × ${formatNumber(inset.magnification, 2)}`, x: x1, y: y0, prefer: "aboveLeft", away: 4 });
}

/** @param {ComparePicture} picture */
function compareMinima({ context, scene, theme, view, layout, labels, inset }) {
  const all = scene.plane.minima_uv;
  all.forEach((/** @type {number[]} */ uv, /** @type {number} */ i) => {
    const at = plotPoint(layout, view, uv);
    if (at === null || !insideFrame(layout, at)) return;
    const many = all.length > compareManyMinima;
    drawMinimum(context, at, ballRadius(theme) * (many && i > 0 ? 0.45 : 0.95));
    if (!many || i === 0) labels.blockBall(at, ballRadius(theme));
    const name = all.length === 1 ? "minimum" : many ? (i === 0 ? "lowest" : "") : `minimum ${compareLetter(i)}`;
    if (!inset && name !== "") labels.add({ text: name, x: at[0], y: at[1], prefer: "belowRight" });
  });
}

/**
 * What minimum number i is called on the pictures.
 * @param {number} index
 * @returns {string}
 */
export function compareLetter(index) {
  return String.fromCharCode(97 + (index % 26));
}

/** Its whole path faint, what is walked solid, a dot for each step that has room. @param {ComparePicture} picture @param {any} path */
function compareTrack({ context, state, theme, view, layout, inset }, path) {
  const colour = theme.series[path.index % theme.series.length];
  const picked = path.index === state.selected;
  const project = (/** @type {any} */ uv) => plotPoint(layout, view, uv);
  const points = path.uv.slice(0, path.last + 1).map(project);
  const ahead = points.slice(state.moment);
  context.save();
  context.globalAlpha = 0.4;
  context.beginPath();
  tracePoints(context, ahead);
  context.strokeStyle = colour;
  context.lineWidth = 1.25;
  context.stroke();
  context.restore();
  const walked = [...points.slice(0, state.moment + 1), project(comparePlace(path, state).uv)];
  if (walked.length < 2) return;
  strokeWithHalo(context, () => tracePoints(context, walked), { colour, width: picked ? 3 : 2.25, casing: 1.75 });
  let last = null;
  for (const [i, point] of points.slice(0, state.moment + 1).entries()) {
    if (point === null || (last !== null && Math.hypot(point[0] - last[0], point[1] - last[1]) < (inset ? 7 : 9))) continue;
    if (last !== null) drawMarker(context, point, picked ? 3 : 2.5, path.index, colour, { full: path.full?.[i] });
    last = point;
  }
}

/** The last step of the picked optimizer, exactly, and its parts head to tail; in the beats of a step the parts one by one. @param {ComparePicture} picture @param {any} path */
function compareStep(picture, path) {
  const { context, scene, state, theme, view, layout, labels } = picture;
  const frame = state.frame;
  if (frame + 1 > path.last || scene.taken[frame + 1] - scene.taken[frame] !== 1) return;
  const [start, end] = [path.uv[frame], path.uv[frame + 1]].map((uv) => plotPoint(layout, view, uv));
  if (start === null || end === null) return;
  if (state.beat >= 1 && state.beat <= 3) {
    compareBeat(picture, path, start, end);
    return;
  }
  if (state.now === 0) return;
  const others = scene.paths.flatMap((/** @type {any} */ other) => (state.hidden.has(other.index) ? [] : other.uv)); // a card with the parts keeps clear of them
  const own = { ...scene, frames: { ...path.frames, start_uv: [...path.frames.start_uv, ...others] }, plane: { ...scene.plane, minimum_uv: scene.plane.minima_uv[0] ?? null } };
  if (path.frames.parts_uv !== null && state.mode === "idle") drawParts({ ...picture, scene: own }, frame, start, compareCrowded);
  const piece = clipSegment(start, end);
  if (piece === null || state.progress < 1) return;
  drawArrow(context, piece[0], piece[1], { colour: theme.step, width: 3.5 });
  labels.blockLine(clampToFrame(layout, piece[0]), clampToFrame(layout, piece[1]));
}

/** @param {ComparePicture} picture @param {any} path @param {[number, number]} start @param {[number, number]} end */
function compareBeat({ context, state, theme, view, layout }, path, start, end) {
  const parts = path.frames.parts_uv?.[state.frame] ?? [];
  if (parts.length < 2) {
    const part = (state.beat - 1 + (state.beatProgress ?? 1)) / 3;
    drawArrow(context, start, [0, 1].map((k) => start[k] + part * (end[k] - start[k])), { colour: path.plain ? theme.gradient : theme.step, width: 2.5 });
    return;
  }
  const [before, after] = [state.beat === 1 ? 0 : comparePartsShown(parts.length, state.beat - 1), comparePartsShown(parts.length, state.beat)];
  const at = [...path.uv[state.frame]];
  parts.slice(0, after).forEach((/** @type {any} */ part, /** @type {number} */ i) => {
    const grown = i < before ? 1 : (state.beatProgress ?? 1);
    const from = plotPoint(layout, view, at);
    const to = plotPoint(layout, view, [0, 1].map((k) => at[k] + grown * part.uv[k]));
    for (const k of [0, 1]) at[k] += part.uv[k];
    const piece = from === null || to === null ? null : clipSegment(from, to);
    if (piece !== null) drawArrow(context, piece[0], piece[1], { colour: partsColour(theme, part.name), width: 2.5 });
  });
}

/** @param {ComparePicture} picture */
function compareStart({ context, scene, state, theme, view, layout, labels, inset }) {
  const at = plotPoint(layout, view, scene.paths[0].uv[0]);
  if (at === null || !insideFrame(layout, at) || inset) return;
  context.save();
  context.beginPath();
  context.arc(at[0], at[1], ballRadius(theme) + 3, 0, 2 * Math.PI);
  context.strokeStyle = "rgba(255,255,255,0.9)";
  context.lineWidth = 4.5;
  context.stroke();
  context.strokeStyle = "#000000";
  context.lineWidth = 1.75;
  context.stroke();
  context.restore();
  labels.blockBall(at, ballRadius(theme) + 4);
  labels.add({ text: state.now === 0 ? "all start here" : "start", x: at[0], y: at[1], prefer: "above", away: ballRadius(theme) + 6 });
}

/** Where it stands, under its own shape; a chevron at the edge where that is outside. @param {ComparePicture} picture @param {any} path */
function compareBall({ context, state, theme, view, layout, labels, inset }, path) {
  const colour = theme.series[path.index % theme.series.length];
  const { uv, lost } = comparePlace(path, state);
  const at = plotPoint(layout, view, uv);
  if (at === null) return;
  const radius = ballRadius(theme) * (path.index === state.selected ? 1.15 : 0.9);
  if (insideFrame(layout, at)) {
    drawMarker(context, at, radius, path.index, colour);
    if (lost) drawCross(context, [at[0], at[1] - radius * 2], radius * 0.7, colour);
    labels.blockBall(at, radius + 1);
    if (state.now > 0 && !inset) labels.add({ text: path.label, x: at[0], y: at[1], prefer: "right", colour, bold: true, near: true, away: radius + 5 });
    return;
  }
  if (inset) return;
  const middle = [layout.left + layout.width / 2, layout.top + layout.height / 2];
  const away = [at[0] - middle[0], at[1] - middle[1]];
  const part = Math.min((layout.width / 2 - 6) / Math.abs(away[0] || 1e-9), (layout.height / 2 - 6) / Math.abs(away[1] || 1e-9));
  const edge = [middle[0] + away[0] * part, middle[1] + away[1] * part];
  drawChevron(context, edge, Math.atan2(away[1], away[0]), colour);
  labels.blockBall(edge, 12);
  labels.add({ text: `${path.label}: outside`, x: edge[0], y: edge[1], prefer: sideAlong([-away[0], -away[1]]), colour, bold: true, required: true, away: 14 });
}

/** @param {ComparePicture} picture */
function compareBadge({ scene, view, layout, labels, inset }) {
  const corner = { x: layout.left, y: layout.top, prefer: "belowRight", away: 4, required: true, corner: true };
  if (inset) labels.add({ ...corner, text: `× ${formatNumber(view.magnification, 2)}`, bold: true });
  if (layout.equal || scene.plane.kind === "curve") return;
  const wide = layout.ratio < 1;
  const times = formatNumber(wide ? 1 / layout.ratio : layout.ratio, 2);
  const ratio = wide ? `1 : ${times}` : `${times} : 1`;
  labels.add({ ...corner, y: layout.top + layout.height, prefer: "aboveRight", text: inset ? `axes ${ratio}` : `axes differ ${ratio}; right angles look bent` });
}
