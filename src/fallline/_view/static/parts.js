// @ts-check
// What a step of momentum or Adam is made of: its parts head to tail, in the picture where they fit, else as a small drawing of their own.

import { formatNumber } from "./scale.js";
import { withAlpha } from "./colour.js";
import { drawArrow } from "./arrows.js";
import { labelFont } from "./type.js";
import { clampToFrame, insideFrame, plotPoint, sideBeside } from "./plot.js";
import { clipSegment } from "./track.js";

/** @typedef {{name: string, from: [number, number], to: [number, number], length: number}} StepPart px */

const partsSmallest = 18; // px: a part shorter than this says nothing in the picture
const partsRoom = 300; // px: a smaller picture has no corner to spare
const partsDrawing = 8; // lines of type: the longer side of the small drawing

/**
 * Draws the parts of one step. The small drawing is made where a part leaves the frame or would be too small to see.
 * @param {import("./marks.js").Picture} picture
 * @param {number} frame
 * @param {[number, number]} start px
 * @param {number} [smallest] px: where no part is longer, the small drawing is made
 */
export function drawParts(picture, frame, start, smallest = partsSmallest) {
  const { scene, layout, inset } = picture;
  const chain = partsChain(picture, frame, start);
  if (chain.length < 2) return;
  const seen = chain.every((part) => insideFrame(layout, part.to)) && chain.some((part) => part.length > smallest);
  if (seen) partsInPlace(picture, chain);
  else if (!inset && Math.min(layout.width, layout.height) > partsRoom) partsApart(picture, chain, scene.frames.end_uv[frame]);
}

/** The parts that move at all, as arrows. @param {import("./marks.js").Picture} picture @param {number} frame @param {[number, number]} start @returns {StepPart[]} */
function partsChain({ scene, view, layout }, frame, start) {
  const at = [...scene.frames.start_uv[frame]];
  const chain = [];
  let from = start;
  for (const part of scene.frames.parts_uv[frame] ?? []) {
    at[0] += part.uv[0];
    at[1] += part.uv[1];
    const to = plotPoint(layout, view, at);
    if (to === null) return [];
    const length = Math.hypot(to[0] - from[0], to[1] - from[1]);
    if (part.uv[0] !== 0 || part.uv[1] !== 0) chain.push({ name: part.name, from, to, length });
    from = to;
  }
  return chain;
}

/** @param {any} theme @param {string} name @returns {string} */
export function partsColour(theme, name) {
  /** @type {Record<string, string>} */
  const colours = { gradient: theme.gradient, momentum: theme.w, preconditioning: theme.b, decay: theme.good };
  return colours[name] ?? theme.muted;
}

/** @param {import("./marks.js").Picture} picture @param {StepPart[]} chain */
function partsInPlace({ context, theme, layout, labels, inset }, chain) {
  const shown = Math.min(layout.width, layout.height) > 320 ? 30 : 60;
  for (const { name, from, to, length } of chain) {
    const piece = clipSegment(from, to);
    if (piece === null) continue;
    drawArrow(context, piece[0], piece[1], { colour: partsColour(theme, name), width: 2.25 });
    labels.blockLine(clampToFrame(layout, from), clampToFrame(layout, to));
    if (inset || length < shown) continue;
    const middle = [(from[0] + to[0]) / 2, (from[1] + to[1]) / 2];
    labels.add({ text: name, x: middle[0], y: middle[1], prefer: sideBeside(from, to), colour: partsColour(theme, name), away: 6, near: true });
  }
}

/**
 * The same arrows, all shrunk or grown alike, on a card in the corner farthest from the ball. Arrows that run back over each other are set a
 * few pixels apart.
 * @param {import("./marks.js").Picture} picture @param {StepPart[]} chain @param {number[]} endUv
 */
function partsApart(picture, chain, endUv) {
  const { context, theme, view, layout, labels } = picture;
  const end = plotPoint(layout, view, endUv) ?? chain[chain.length - 1].to;
  const points = [...chain.flatMap((part) => [part.from, part.to]), end];
  const [xs, ys] = [points.map((point) => point[0]), points.map((point) => point[1])];
  const size = Math.max(Math.max(...xs) - Math.min(...xs), Math.max(...ys) - Math.min(...ys)) || 1;
  const line = Math.max(12, theme.fontSize || 12);
  const factor = (partsDrawing * line) / size;
  const [width, drawn] = [line * 10.5 + 20, (Math.max(...ys) - Math.min(...ys)) * factor + chain.length * 6 + 18];
  const height = drawn + line * 1.35 * (chain.length + 1) + 8;
  if (height > layout.height * 0.6) return;
  const [left, top] = partsCorner(picture, width, height);
  context.save();
  context.fillStyle = withAlpha(theme.surface, 0.92);
  context.beginPath();
  context.roundRect(left, top, width, height, 6);
  context.fill();
  partsText(context, theme, chain, factor, left + 10, top + line, line);
  const centre = [left + width / 2, top + height - drawn / 2 - 2];
  /** @param {number[]} point @param {number} lane @returns {[number, number]} */
  const place = (point, lane) => [
    centre[0] + (point[0] - (Math.min(...xs) + Math.max(...xs)) / 2) * factor,
    centre[1] + (point[1] - (Math.min(...ys) + Math.max(...ys)) / 2) * factor + (lane - (chain.length - 1) / 2) * 7,
  ];
  chain.forEach((lane, i) => drawArrow(context, place(lane.from, i), place(lane.to, i), { colour: partsColour(theme, lane.name), width: 2.25, head: 9 }));
  context.restore();
  labels.block({ x: left, y: top, width, height });
}

/** The corner whose card would cover least of the path; among equals the one farthest from the ball. @param {import("./marks.js").Picture} picture @param {number} width @param {number} height @returns {number[]} */
function partsCorner({ scene, state, view, layout }, width, height) {
  const [right, bottom] = [layout.left + layout.width - width - 6, layout.top + layout.height - height - 6];
  const corners = [[right, layout.top + 6], [right, bottom], [layout.left + 6, bottom], [layout.left + 6, layout.top + 6]];
  const path = scene.frames.start_uv.map((/** @type {any} */ uv) => plotPoint(layout, view, uv));
  const ball = plotPoint(layout, view, scene.frames.start_uv[Math.round(state.frame)]) ?? [layout.left, layout.top];
  const lowest = plotPoint(layout, view, scene.plane.minimum_uv);
  /** @param {number[] | null} at @param {number[]} corner @param {number} around px */
  const covers = (at, [x, y], around) => at !== null && at[0] > x - around && at[0] < x + width + around && at[1] > y - around && at[1] < y + height + around;
  const costs = corners.map((corner, i) => path.filter((/** @type {number[] | null} */ at) => covers(at, corner, 0)).length
    + 1 / (1 + Math.hypot(ball[0] - corner[0] - width / 2, ball[1] - corner[1] - height / 2))
    + (covers(ball, corner, 20) ? 1e6 : 0) + (covers(lowest, corner, 10) ? 1e3 : 0) + (i === 2 && !layout.equal ? 1e5 : 0)); // the badge of unequal axes stands at the lower left
  return corners[costs.indexOf(Math.min(...costs))];
}

/** @param {CanvasRenderingContext2D} context @param {any} theme @param {StepPart[]} chain @param {number} factor @param {number} x @param {number} y @param {number} line */
function partsText(context, theme, chain, factor, x, y, line) {
  context.textAlign = "left";
  context.textBaseline = "middle";
  context.font = labelFont(theme, 1, true);
  context.fillStyle = theme.text;
  const times = factor >= 1 ? `× ${formatNumber(factor, 2)}` : `× 1/${formatNumber(1 / factor, 2)}`;
  context.fillText(`step's parts ${times}`, x, y);
  context.font = labelFont(theme);
  chain.forEach((lane, i) => {
    context.fillStyle = partsColour(theme, lane.name);
    context.fillText(`→ ${lane.name}`, x, y + line * 1.35 * (i + 1));
  });
}
