// @ts-check
// The slice: the loss along the line of one step, the tangent that promised, what came, and how far the step reached.

import { formatNumber, formatTicks, linear, niceTicks } from "./scale.js";
import { ballRadius, drawBall, drawCross } from "./arrows.js";
import { wrapText } from "./labels.js";
import { labelFont } from "./type.js";
import { drawDial } from "./dial.js";

const sliceStrokes = 60; // straight pieces that the curve is drawn of

/**
 * One slice being drawn. t: 0 is the start of the step, 1 its end.
 * @typedef {{context: CanvasRenderingContext2D, theme: any, line: number, left: number, top: number, width: number, height: number,
 *   x: import("./scale.js").Scale, y: import("./scale.js").Scale, points: number[][], at: (t: number) => number,
 *   start: number, promised: number, came: number}} Slice
 */

/**
 * @param {CanvasRenderingContext2D} context
 * @param {{width: number, height: number}} size
 * @param {any} scene
 * @param {any} state
 * @param {any} theme
 */
export function drawSlice(context, size, scene, state, theme) {
  const frames = scene.frames;
  const frame = Math.min(Math.max(0, Math.round(state.frame)), frames.step.length - 1);
  const taken = sliceTaken(frame, state);
  if (frames.slice[frame] === null) {
    sliceNote(context, size, theme, frames.reach_note[frame], theme.fontSize);
    return;
  }
  const head = sliceHead(context, size, scene, frame, theme, taken);
  const slice = sliceLayout(context, size, scene, frame, theme, head);
  if (slice === null) {
    sliceNote(context, size, theme, "the loss along this step is not finite", head);
    return;
  }
  sliceAxes(slice);
  context.save();
  context.beginPath();
  context.rect(slice.left, slice.top, slice.width, slice.height);
  context.clip();
  sliceCurve(slice);
  sliceTangent(slice);
  context.restore();
  if (taken) {
    sliceBar(slice);
    sliceBarNames(slice);
    drawDial(slice, frames.slice_reach[frame]);
  }
  sliceBall(slice, state);
}

/**
 * What came of the first step is shown once it was taken, as in the row of numbers.
 * @param {number} frame
 * @param {any} state
 * @returns {boolean}
 */
export function sliceTaken(frame, state) {
  return frame > 0 || (state.progress ?? 0) >= 1;
}

/**
 * What a step of this reach does, in words that hold for it.
 * @param {any} scene
 * @param {number} frame
 * @returns {string} empty where reach is not a number
 */
export function reachCaption(scene, frame) {
  const reach = scene.frames.slice_reach[frame];
  if (!Number.isFinite(reach)) return "";
  const { share, kind } = scene.rate;
  const plain = scene.frames.parts_uv === null && kind === "provable" && scene.batch.size === scene.batch.rows && Number.isFinite(share);
  if (reach > 2) return "past level: higher on the other wall";
  if (reach > 1.02) return plain && share >= 0.5 && share < 1 ? "crosses the valley at every step" : "crosses the valley";
  if (reach >= 0.98) return "lands at the bottom";
  return plain && share < 0.5 ? "hugs the wall, then crawls" : "stops short of the bottom";
}

/** The sentence and its caption; returns where the plot may begin. @param {CanvasRenderingContext2D} context @param {{width: number, height: number}} size @param {any} scene @param {number} frame @param {any} theme @param {boolean} taken @returns {number} */
function sliceHead(context, size, scene, frame, theme, taken) {
  const line = Math.max(12, theme.fontSize || 12);
  const { slice_promised: promised, slice_came: came } = scene.frames;
  context.save();
  context.textAlign = "left";
  context.textBaseline = "middle";
  context.font = labelFont(theme, 1.08, true);
  const first = `promised ${formatNumber(promised[frame])}, `;
  const second = `got ${taken ? formatNumber(came[frame]) : "…"}`;
  const wide = context.measureText(first + second).width <= size.width - 4;
  let y = line * 0.8;
  context.fillStyle = theme.tangent;
  context.fillText(first, 2, y);
  context.fillStyle = theme.text;
  const x = wide ? 2 + context.measureText(first).width : 2;
  if (!wide) y += line * 1.3;
  context.fillText(second, x, y);
  const used = x + context.measureText(second).width + line * 1.5;
  context.font = labelFont(theme);
  context.fillStyle = theme.muted;
  const rows = scene.batch.size === scene.batch.rows ? "" : "loss of all rows";
  const reach = scene.frames.slice_reach[frame] === null ? scene.frames.reach_note[frame] || "reach is not defined here" : reachCaption(scene, frame);
  const caption = [taken ? reach : "take the step to see", rows].filter((text) => text !== "").join(" · ");
  if (used + context.measureText(caption).width < size.width - 4) {
    context.fillText(caption, used, y);
  } else {
    for (const row of wrapText(context, caption, size.width - 4)) {
      y += line * 1.3;
      context.fillText(row, 2, y);
    }
  }
  context.restore();
  return y + line * 2.1;
}

/** @param {CanvasRenderingContext2D} context @param {{width: number, height: number}} size @param {any} scene @param {number} frame @param {any} theme @param {number} top @returns {Slice | null} */
function sliceLayout(context, size, scene, frame, theme, top) {
  const line = Math.max(12, theme.fontSize || 12);
  const frames = scene.frames;
  /** @type {number[][]} */
  const points = scene.slice_t.map((/** @type {number} */ t, /** @type {number} */ i) => [t, frames.slice[frame]?.[i]]).filter((/** @type {number[]} */ point) => Number.isFinite(point[1]));
  const [promised, came] = [frames.slice_promised[frame], frames.slice_came[frame]];
  if (points.length < Math.max(4, Math.min(8, scene.slice_t.length - 2)) || !Number.isFinite(promised) || !Number.isFinite(came)) return null;
  const at = sliceBetween(points);
  const end = at(1);
  const start = end - came;
  const bottom = Math.min(start, end, start + promised, ...points.map((point) => point[1]));
  const high = Math.max(start, end);
  const span = high - bottom || Math.abs(high) * 1e-6 || 1;
  const [low, up] = [bottom - 0.1 * span, high + 0.28 * span];
  const height = Math.max(30, size.height - top - line * 2.1);
  const y = linear([low, up], [top + height, top]);
  context.font = labelFont(theme);
  const widest = Math.max(...sliceTickTexts(y, height, line, start).texts.map((text) => context.measureText(text).width));
  const left = Math.ceil(widest) + 9;
  const width = Math.max(30, size.width - left - 6);
  return { context, theme, line, left, top, width, height, x: linear([-0.5, 2.5], [left, left + width]), y, points, at, start, promised, came };
}

/** The sampled loss between its samples (cubic through four: exact on a parabola). @param {number[][]} points @returns {(t: number) => number} */
function sliceBetween(points) {
  return (t) => {
    let first = points.findIndex((point) => point[0] >= t) - 2;
    first = Math.min(points.length - 4, Math.max(0, first));
    const near = points.slice(first, first + 4);
    return near.reduce((sum, [ti, loss], i) => sum + near.reduce((product, [tj], j) => (i === j ? product : (product * (t - tj)) / (ti - tj)), loss), 0);
  };
}

/** Ticks in loss; where the whole picture is a sliver of it, as changes from the start. @param {import("./scale.js").Scale} y @param {number} height @param {number} line @param {number} start */
function sliceTickTexts(y, height, line, start) {
  const [low, high] = y.domain;
  const count = Math.min(5, Math.max(2, Math.floor(height / (line * 3))));
  const relative = (high - low) / Math.max(Math.abs(low), Math.abs(high)) < 0.004;
  const [from, to] = relative ? [low - start, high - start] : [low, high];
  const below = to - ((to - from) * line) / (2 * height); // above it stands the axis' name
  let ticks = niceTicks(from, below, count);
  for (let more = count + 1; ticks.length < 2 && more < count + 4; more += 1) ticks = niceTicks(from, below, more);
  const values = relative ? ticks.map((tick) => tick + start) : ticks;
  const texts = formatTicks(ticks).map((text, i) => (relative && ticks[i] > 0 ? `+${text}` : text));
  return { values, texts, relative };
}

/** @param {Slice} slice */
function sliceAxes(slice) {
  const { context, theme, line, left, top, width, height, x, y } = slice;
  const { values, texts, relative } = sliceTickTexts(y, height, line, slice.start);
  context.save();
  context.font = labelFont(theme);
  context.textBaseline = "middle";
  context.lineWidth = 1;
  values.forEach((value, i) => {
    context.strokeStyle = theme.grid;
    context.beginPath();
    context.moveTo(left, y(value));
    context.lineTo(left + width, y(value));
    context.stroke();
    context.fillStyle = theme.muted;
    context.textAlign = "right";
    context.fillText(texts[i], left - 6, y(value));
  });
  context.strokeStyle = theme.muted;
  context.beginPath();
  context.moveTo(left + 0.5, top);
  context.lineTo(left + 0.5, top + height + 0.5);
  context.lineTo(left + width, top + height + 0.5);
  context.stroke();
  context.textBaseline = "top";
  context.textAlign = "center";
  for (const [t, text] of /** @type {[number, string][]} */ ([[0, "start"], [1, "end"]])) {
    context.beginPath();
    context.moveTo(x(t), top + height);
    context.lineTo(x(t), top + height + 5);
    context.stroke();
    context.fillStyle = theme.text;
    context.fillText(text, x(t), top + height + 7);
  }
  context.fillStyle = theme.muted;
  context.textAlign = "right";
  const free = left + width - x(1) - context.measureText("end").width / 2 - line;
  const name = ["along the step →", "step →", "→"].find((text) => context.measureText(text).width < free) ?? "";
  context.fillText(name, left + width, top + height + 7);
  context.textAlign = "left";
  context.textBaseline = "alphabetic";
  context.fillText(relative ? `loss, from ${formatNumber(slice.start)}` : "loss ↑", 2, top - 4);
  context.restore();
}

/** @param {Slice} slice */
function sliceCurve({ context, theme, points, at, x, y }) {
  const [first, last] = [points[0][0], points[points.length - 1][0]];
  context.save();
  context.beginPath();
  for (let i = 0; i <= sliceStrokes; i += 1) {
    const t = first + (i / sliceStrokes) * (last - first);
    context.lineTo(x(t), sliceCap(y(at(t))));
  }
  context.strokeStyle = theme.text;
  context.lineWidth = 2.25;
  context.lineJoin = "round";
  context.stroke();
  context.restore();
}

/** Canvases lose precision with huge coordinates. @param {number} pixel */
function sliceCap(pixel) {
  return Math.min(1e5, Math.max(-1e5, pixel));
}

/** @param {Slice} slice */
function sliceTangent({ context, theme, line, left, top, width, height, x, y, start, promised }) {
  context.save();
  context.strokeStyle = theme.tangent;
  context.lineWidth = 2.25;
  context.lineCap = "round";
  context.setLineDash([0.5, 5]);
  context.beginPath();
  context.moveTo(x(-0.5), sliceCap(y(start - 0.5 * promised)));
  context.lineTo(x(1.12), sliceCap(y(start + 1.12 * promised)));
  context.stroke();
  context.restore();
  if (width < line * 11) return;
  context.save();
  context.font = labelFont(theme);
  context.fillStyle = theme.tangent;
  context.textAlign = "right";
  context.textBaseline = "middle";
  const spot = y(start + 0.62 * promised);
  const room = x(0.62) - 10 - left;
  const low = spot + line * 1.5 > top + height;
  const below = promised < 0 && !low ? line * 0.95 : -line * 0.95; // on the side the line does not run to, inside the plot
  if (room > context.measureText("tangent").width) context.fillText("tangent", x(0.62) - 4, spot + below);
  context.restore();
}

/** Between what the tangent promised and what came. @param {Slice} slice */
function sliceBar({ context, theme, x, y, start, promised, came }) {
  const [top, bottom] = [y(start + came), y(start + promised)];
  const place = x(1);
  context.save();
  context.strokeStyle = theme.step;
  context.fillStyle = theme.step;
  context.lineWidth = 4;
  context.globalAlpha = 0.9;
  context.beginPath();
  context.moveTo(place, top);
  context.lineTo(place, bottom);
  context.stroke();
  context.globalAlpha = 1;
  context.beginPath();
  context.arc(place, bottom, 4, 0, 2 * Math.PI);
  context.fillStyle = theme.surface;
  context.fill();
  context.strokeStyle = theme.tangent;
  context.lineWidth = 2;
  context.stroke();
  context.beginPath();
  context.moveTo(place - 6, top);
  context.lineTo(place + 6, top);
  context.strokeStyle = theme.step;
  context.lineWidth = 2.5;
  context.stroke();
  context.restore();
}

/** Names at the two ends of the bar, where there is room. @param {Slice} slice */
function sliceBarNames({ context, theme, line, left, width, x, y, at, start, promised, came }) {
  const [top, bottom] = [y(start + came), y(start + promised)];
  context.save();
  context.font = labelFont(theme);
  context.textBaseline = "middle";
  context.textAlign = "left";
  const [place, wide] = [x(1) + 9, context.measureText("promised").width];
  const spots = [bottom - 1, top + line * 0.8];
  /** @param {number} spot */
  const crossed = (spot) => [1.03, 1.15, 1.3, 1.45].some((t) => x(t) < place + wide && Math.abs(y(at(t)) - spot) < line * 0.7);
  if (place + wide < left + width && bottom - top > line * 2.2) {
    context.fillStyle = theme.tangent;
    if (!crossed(spots[0])) context.fillText("promised", place, spots[0]);
    context.fillStyle = theme.step;
    if (!crossed(spots[1])) context.fillText("got", place, spots[1]);
  }
  context.restore();
}

/** @param {Slice} slice @param {any} state */
function sliceBall({ context, theme, x, y, at, left, top, width, height }, state) {
  const t = Math.min(1, Math.max(0, state.progress ?? 0));
  const spot = [x(t), y(at(t))];
  if (Number.isFinite(spot[1]) && spot[1] >= top - 20 && spot[1] <= top + height + 20) drawBall(context, spot, ballRadius(theme) * 0.85);
  else drawCross(context, [left + width - 12, top + 12], 5, "#c8102e");
}

/** @param {CanvasRenderingContext2D} context @param {{width: number, height: number}} size @param {any} theme @param {string} text @param {number} top */
function sliceNote(context, size, theme, text, top) {
  context.save();
  context.font = labelFont(theme);
  context.fillStyle = theme.muted;
  context.textAlign = "left";
  context.textBaseline = "top";
  const line = Math.max(12, theme.fontSize || 12);
  wrapText(context, text, size.width - 8).forEach((row, i) => context.fillText(row, 4, top + i * line * 1.3));
  context.restore();
}
