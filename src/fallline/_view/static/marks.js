// @ts-check
// What lies on the contour at one step: the uphill arrow, the step and its parts, the ghost, the minimum, the ball, the edge.

import { formatNumber } from "./scale.js";
import { lossColour } from "./colour.js";
import { ballRadius, drawArrow, drawBall, drawChevron, drawCross, drawGhostBall, drawMinimum, drawRightAngle } from "./arrows.js";
import { clampToFrame, insideFrame, plotDirection, plotPoint, sideAlong, sideBeside, windowPoint } from "./plot.js";
import { ballPlace, clipSegment } from "./track.js";
import { drawParts } from "./parts.js";

/**
 * One picture being drawn.
 * @typedef {{context: CanvasRenderingContext2D, scene: any, state: any, theme: any, view: any,
 *   layout: import("./plot.js").PlotLayout, labels: import("./labels.js").Labels, inset: boolean}} Picture
 */

/**
 * The size of a gradient: its direction is drawn, its number stands beside it.
 * @param {any} scene
 * @param {number} frame
 * @returns {number}
 */
export function gradientSize(scene, frame) {
  return scene.frames.gradient_norm?.[frame] ?? Math.hypot(...scene.frames.gradient[frame]);
}

/**
 * Everything that belongs to the current step, clipped to the frame; labels are only collected.
 * @param {Picture} picture
 */
export function drawStepMarks(picture) {
  const { context, scene, state, view, layout } = picture;
  const place = ballPlace(scene, state);
  const start = plotPoint(layout, view, scene.frames.start_uv[place.frame]);
  const end = plotPoint(layout, view, scene.frames.end_uv[place.frame]);
  context.save();
  context.beginPath();
  context.rect(layout.left, layout.top, layout.width, layout.height);
  context.clip();
  marksMinimum(picture);
  if (start !== null) {
    if (state.ghost) marksGhost(picture, place.frame, start);
    marksGradient(picture, place.frame, start);
    marksMinus(picture, place.frame, start);
    if (end !== null) marksStep(picture, place.frame, start, end);
  }
  context.restore();
}

/** @param {Picture} picture */
function marksMinimum({ context, scene, state, theme, view, layout, labels, inset }) {
  for (const other of scene.plane.minima_uv) {
    const place = plotPoint(layout, view, other);
    if (place !== null) drawMinimum(context, place, ballRadius(theme) * 0.7);
  }
  const at = plotPoint(layout, view, scene.plane.minimum_uv);
  if (at === null) return;
  drawMinimum(context, at, ballRadius(theme) * 0.95);
  labels.blockBall(at, ballRadius(theme));
  const ball = plotPoint(layout, view, ballPlace(scene, state).uv);
  const apart = ball === null || Math.hypot(ball[0] - at[0], ball[1] - at[1]) > ballRadius(theme) * 6;
  if (!inset && apart && insideFrame(layout, at)) labels.add({ text: "minimum", x: at[0], y: at[1], prefer: "belowRight" });
}

/** The uphill arrow's one length, less only where the frame is nearer. @param {import("./plot.js").PlotLayout} layout @param {number[]} start @param {number[]} along @returns {number} px */
function marksArrowLength(layout, start, along) {
  const fixed = Math.min(72, Math.max(32, Math.min(layout.width, layout.height) * 0.17));
  return Math.min(fixed, Math.max(26, marksRoom(layout, start, along) - 3));
}

/** How far a direction can be followed inside the frame. @param {import("./plot.js").PlotLayout} layout @param {number[]} from @param {number[]} along @returns {number} px */
function marksRoom(layout, from, along) {
  const across = (along[0] > 0 ? layout.left + layout.width - from[0] : from[0] - layout.left) / Math.abs(along[0] || 1e-9);
  const down = (along[1] > 0 ? layout.top + layout.height - from[1] : from[1] - layout.top) / Math.abs(along[1] || 1e-9);
  return Math.min(across, down);
}

/** How much of an arrow lies in the plane, where not all of it does. @param {number | null | undefined} share */
function marksPart(share) {
  return share === null || share === undefined || share >= 0.9995 ? "" : `, ${formatNumber(100 * share, 2)} % in the plane`;
}

/** @param {Picture} picture @param {number} frame @param {[number, number]} start */
function marksGradient(picture, frame, start) {
  const { context, scene, state, theme, view, layout, labels, inset } = picture;
  const along = plotDirection(layout, view, scene.frames.gradient_uv[frame]);
  if (along === null) return;
  const grown = state.beat === 1 ? state.beatProgress ?? 1 : 1;
  const length = marksArrowLength(layout, start, along) * grown;
  const tip = [start[0] + along[0] * length, start[1] + along[1] * length];
  const full = scene.batch.size === scene.batch.rows;
  if (layout.equal && full && scene.plane.kind === "parameters" && !state.moving) drawRightAngle(context, start, along, ballRadius(theme) * 1.9);
  const alpha = state.beat === 2 || state.beat === 3 ? 0.55 : 1;
  drawArrow(context, start, tip, { colour: theme.gradient, width: 3, dash: [6, 4], alpha });
  if (!insideFrame(layout, start)) return;
  labels.blockLine(start, tip);
  const curve = scene.plane.kind === "curve";
  const text = curve ? `slope ${formatNumber(scene.frames.gradient[frame][0])}` : `uphill: gradient ${formatNumber(gradientSize(scene, frame))}`;
  if (!inset) labels.add({ text: `${text}${marksPart(scene.frames.gradient_share?.[frame])}`, x: tip[0], y: tip[1], prefer: sideAlong(along), colour: theme.gradient, bold: true, away: 6, required: true });
  if (!inset && !curve && scene.frames.parts_uv === null && scene.frames.beats !== null && (state.beat === 0 || state.beat === 4)) marksOpposite(picture, start, along);
}

/** @param {Picture} picture @param {[number, number]} start @param {[number, number]} along */
function marksOpposite({ labels, theme }, start, along) {
  labels.add({ text: "opposite ways", x: start[0], y: start[1], prefer: Math.abs(along[0]) > Math.abs(along[1]) ? "above" : "right", away: ballRadius(theme) * 1.8, near: true });
}

/** The second beat: minus turns the arrow round. @param {Picture} picture @param {number} frame @param {[number, number]} start */
function marksMinus(picture, frame, start) {
  const { context, scene, state, theme, view, layout, labels } = picture;
  if (state.beat !== 2 && state.beat !== 3) return;
  const along = plotDirection(layout, view, scene.frames.gradient_uv[frame]);
  if (along === null) return;
  const length = marksArrowLength(layout, start, along) * (state.beat === 2 ? state.beatProgress ?? 1 : 1);
  const tip = [start[0] - along[0] * length, start[1] - along[1] * length];
  drawArrow(context, start, tip, { colour: theme.step, width: 3, dash: [6, 4], alpha: state.beat === 2 ? 1 : 0.5 });
  labels.blockLine(start, tip);
  if (state.beat === 2) labels.add({ text: "minus", x: tip[0], y: tip[1], prefer: sideAlong([-along[0], -along[1]]), bold: true, away: 6, required: true });
}

/** @param {Picture} picture @param {number} frame @param {[number, number]} start @param {[number, number]} end */
function marksStep(picture, frame, start, end) {
  const { context, scene, state, theme, layout, labels, inset } = picture;
  if (state.beat === 1 || state.beat === 2 || scene.total_steps === 0) return;
  const drop = scene.plane.kind === "curve" ? end : null; // the step is along the one axis; the loss follows
  if (drop !== null) end = [end[0], start[1]];
  const piece = clipSegment(start, end);
  if (piece === null) return;
  if (scene.frames.parts_uv !== null) drawParts(picture, frame, start);
  drawArrow(context, piece[0], piece[1], { colour: theme.step, width: 3.5 });
  if (drop !== null) marksDrop(context, clipSegment(end, drop), theme);
  const seen = insideFrame(layout, piece[1]) ? piece[1] : marksExit(layout, start, piece[1]);
  labels.blockLine(clampToFrame(layout, piece[0]), seen);
  const length = Math.hypot(end[0] - start[0], end[1] - start[1]);
  if (inset || length < 5 * ballRadius(theme)) return;
  const text = state.beat === 3 ? `× ${formatNumber(scene.frames.learning_rate[frame])}` : `step${marksPart(scene.frames.step_share?.[frame])}`;
  labels.add({ text, x: (start[0] + seen[0]) / 2, y: (start[1] + seen[1]) / 2, prefer: sideBeside(start, seen), bold: true, away: 8, near: true });
}

/** From the end of a step along the axis to the loss it comes to. @param {CanvasRenderingContext2D} context @param {[number, number][] | null} line @param {any} theme */
function marksDrop(context, line, theme) {
  if (line === null) return;
  context.save();
  context.strokeStyle = theme.step;
  context.lineWidth = 1.75;
  context.setLineDash([3, 4]);
  context.beginPath();
  context.moveTo(...line[0]);
  context.lineTo(...line[1]);
  context.stroke();
  context.restore();
}

/** @param {Picture} picture @param {number} frame @param {[number, number]} start */
function marksGhost(picture, frame, start) {
  const { context, scene, theme, view, layout, labels, inset } = picture;
  const to = plotPoint(layout, view, scene.frames.ghost_uv?.[frame]);
  if (to === null) return;
  const piece = clipSegment(start, to);
  if (piece === null) return;
  drawArrow(context, piece[0], piece[1], { colour: theme.step, width: 3, alpha: 0.6, hollow: true });
  const seen = clampToFrame(layout, piece[1]);
  if (insideFrame(layout, to)) drawGhostBall(context, to, ballRadius(theme));
  else marksChevron(context, layout, start, to, theme.muted);
  labels.blockLine(start, seen);
  labels.blockBall(seen, ballRadius(theme) + 2);
  const text = `with + instead of −: loss ${formatNumber(scene.frames.ghost_loss[frame])}`;
  if (!inset) labels.add({ text, x: seen[0], y: seen[1], prefer: sideAlong([seen[0] - start[0], seen[1] - start[1]]), required: true, away: ballRadius(theme) + 4 });
}

/**
 * The ball, or where it has left the picture: drawn over everything but the labels.
 * @param {Picture} picture
 */
export function drawBallMarks(picture) {
  const { context, scene, state, theme, view, layout, labels, inset } = picture;
  const place = ballPlace(scene, state);
  const at = plotPoint(layout, view, place.uv);
  if (at === null) return;
  const inside = insideFrame(layout, at);
  if (inside) {
    if (scene.plane.kind === "path") marksPin(picture, place.frame, at);
    drawBall(context, at, ballRadius(theme), place.lost);
    labels.blockBall(at, ballRadius(theme) + 2);
  } else {
    const edge = marksChevron(context, layout, plotPoint(layout, view, scene.frames.start_uv[place.frame]), at, theme.step);
    labels.blockBall(edge, 14);
    const text = marksOutside(scene, state, view, place);
    if (!inset) labels.add({ text, x: edge[0], y: edge[1], prefer: sideAlong([layout.left + layout.width / 2 - edge[0], layout.top + layout.height / 2 - edge[1]]), required: true, bold: true, away: 16 });
  }
  if (place.lost) marksCross(picture, inside ? at : clampToFrame(layout, at));
}

/** @param {Picture} picture @param {number[]} at */
function marksCross({ context, scene, theme, layout, labels, inset }, at) {
  const radius = ballRadius(theme);
  const spot = [Math.min(at[0] + radius * 2.6, layout.left + layout.width - radius * 1.5), Math.max(at[1] - radius * 2.6, layout.top + radius * 1.5)];
  drawCross(context, spot, radius * 0.8, "#c8102e");
  labels.blockBall(spot, radius);
  const text = `step ${scene.first_not_finite}: not a finite number`;
  if (!inset && scene.first_not_finite !== null) labels.add({ text, x: spot[0], y: spot[1], prefer: "left", required: true, bold: true, away: radius * 1.6 });
}

/**
 * More than two parameters: how far the true loss stands above or below the plane's, as a pin beside the ball.
 * @param {Picture} picture @param {number} frame @param {[number, number]} at
 */
function marksPin({ context, scene, state, theme, layout, labels, inset }, frame, at) {
  const known = (state.progress ?? 0) > 0.5 ? frame : frame - 1;
  if (known < 0) return;
  const { full_loss: full, plane_loss: plane, off_plane: off } = scene.frames;
  if (!Number.isFinite(off[known]) || !Number.isFinite(full[known])) return;
  const height = Math.min(0.3, off[known]) * layout.height;
  if (height < 1) return;
  const radius = ballRadius(theme);
  const x = at[0] + radius * 1.9;
  const foot = at[1] + radius;
  const head = [x, Math.max(layout.top + radius, foot - radius * 2 - height)];
  drawArrow(context, [x, foot], head, { colour: "#ffffff", width: 2, head: 0.01 });
  context.save();
  context.beginPath();
  context.arc(head[0], head[1], radius * 0.7, 0, 2 * Math.PI);
  context.fillStyle = lossColour(scene, full[known]);
  context.fill();
  context.lineWidth = 1.75;
  context.strokeStyle = "#ffffff";
  context.stroke();
  context.restore();
  labels.blockLine([x, foot], head);
  const text = `true loss ${formatNumber(full[known])}, here ${formatNumber(plane[known])}`;
  if (!inset && height > 4) labels.add({ text, x: head[0], y: head[1], prefer: "aboveRight" });
}

/**
 * Where the way from a point to one outside leaves the picture; seen from its middle where the first lies outside as well.
 * @param {import("./plot.js").PlotLayout} layout @param {number[] | null} from @param {number[]} at @returns {number[]}
 */
function marksExit(layout, from, at) {
  const middle = [layout.left + layout.width / 2, layout.top + layout.height / 2];
  const half = [layout.width / 2 - 4, layout.height / 2 - 4];
  const origin = from !== null && half.every((room, k) => Math.abs(from[k] - middle[k]) < room) ? from : middle;
  const away = [at[0] - origin[0], at[1] - origin[1]];
  const part = Math.min(...half.map((room, k) => (room - Math.sign(away[k]) * (origin[k] - middle[k])) / Math.abs(away[k] || 1e-9)));
  return [origin[0] + away[0] * part, origin[1] + away[1] * part];
}

/** @param {CanvasRenderingContext2D} context @param {import("./plot.js").PlotLayout} layout @param {number[] | null} from @param {number[]} at @param {string} colour @returns {number[]} */
function marksChevron(context, layout, from, at, colour) {
  const edge = marksExit(layout, from, at);
  drawChevron(context, edge, Math.atan2(at[1] - edge[1], at[0] - edge[0]), colour);
  return edge;
}

/** "step 41: w = 15.2, outside", of the axis that is farther out. @param {any} scene @param {any} state @param {any} view @param {{frame: number, uv: number[] | null}} place */
function marksOutside(scene, state, view, place) {
  const landed = (state.progress ?? 0) > 0 || place.frame === 0;
  const frames = scene.frames;
  const last = landed ? place.frame : place.frame - 1;
  const point = windowPoint(view, landed ? frames.end_uv[last] : frames.start_uv[place.frame]) ?? windowPoint(view, place.uv);
  if (point === null) return "outside";
  const [across, up] = [view.x, view.y].map((/** @type {number[]} */ range, k) => Math.abs((point[k] - (range[0] + range[1]) / 2) / (range[1] - range[0])));
  const axis = across >= up ? 0 : 1;
  return `step ${frames.step[last]}: ${view.labels[axis]} = ${formatNumber(point[axis])}, outside`;
}
