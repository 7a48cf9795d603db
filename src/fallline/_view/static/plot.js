// @ts-check
// The frame of a flat picture: where a window of the plane lies on the canvas, its axes and the key to its colours.

import { formatNumber, formatTicks, linear, niceTicks } from "./scale.js";
import { shadeColour, shadeLoss } from "./colour.js";
import { labelFont } from "./type.js";

const plotLongName = 0.3; // share of the width from which an axis' name has a row of its own

/**
 * @typedef {{left: number, top: number, width: number, height: number, x: import("./scale.js").Scale, y: import("./scale.js").Scale,
 *   ratio: number, equal: boolean, xTicks: number[], yTicks: number[], nameApart: boolean}} PlotLayout
 * ratio: units per pixel, y over x; nameApart: the horizontal axis' name is long and has a row of its own.
 */

/**
 * Lays a window out on a canvas. Equal windows keep one scale for both axes; others fill the room.
 * @param {CanvasRenderingContext2D} context
 * @param {any} view a window of the payload
 * @param {{width: number, height: number}} size
 * @param {any} theme
 * @param {boolean} hasKey leave room for the colour key
 * @returns {PlotLayout}
 */
export function plotLayout(context, view, size, theme, hasKey) {
  context.font = labelFont(theme);
  const line = Math.max(12, theme.fontSize || 12);
  const header = hasKey ? Math.round(line * 2.5) : Math.round(line * 1.5);
  const nameApart = plotNameWidth(context, view.labels[0], theme) > size.width * plotLongName;
  const footer = Math.round(line * (nameApart ? 3.1 : 1.7));
  context.font = labelFont(theme);
  const yTicks = niceTicks(view.y[0], view.y[1], Math.min(7, Math.max(2, Math.floor(size.height / (line * 4.5)))));
  const left = Math.ceil(Math.max(line, ...formatTicks(yTicks).map((text) => context.measureText(text).width))) + 10;
  const room = { width: Math.max(20, size.width - left - 8), height: Math.max(20, size.height - header - footer) };
  const spans = [view.x[1] - view.x[0], view.y[1] - view.y[0]];
  let { width, height } = room;
  if (view.equal) {
    const unit = Math.min(room.width / spans[0], room.height / spans[1]);
    [width, height] = [spans[0] * unit, spans[1] * unit];
  }
  const x0 = left + (room.width - width) / 2;
  const y0 = header + (room.height - height) / 2;
  const ratio = (spans[1] / height) / (spans[0] / width);
  return {
    left: x0, top: y0, width, height, nameApart,
    x: linear(view.x, [x0, x0 + width]),
    y: linear(view.y, [y0 + height, y0]),
    ratio, equal: Math.abs(Math.log(ratio)) < 0.02,
    xTicks: niceTicks(view.x[0], view.x[1], Math.min(8, Math.max(2, Math.floor(width / (line * 5))))), yTicks,
  };
}

/**
 * A point of the plane on the canvas.
 * @param {PlotLayout} layout
 * @param {any} view
 * @param {(number | null)[] | null | undefined} uv
 * @returns {[number, number] | null} null where it was not measured or is not finite
 */
export function plotPoint(layout, view, uv) {
  const place = windowPoint(view, uv);
  return place === null ? null : [layout.x(place[0]), layout.y(place[1])];
}

/**
 * A point of the plane in a window's own coordinates.
 * @param {any} view
 * @param {(number | null)[] | null | undefined} uv
 * @returns {[number, number] | null}
 */
export function windowPoint(view, uv) {
  if (!uv || !Number.isFinite(uv[0]) || !Number.isFinite(uv[1])) return null;
  const [u, v] = /** @type {[number, number]} */ (uv);
  if (!view.transform) return [u, v];
  const [du, dv] = [u - view.transform.origin[0], v - view.transform.origin[1]];
  const [[a, b], [c, d]] = view.transform.matrix;
  return [a * du + b * dv, c * du + d * dv];
}

/**
 * The direction on the canvas of a direction in the plane.
 * @param {PlotLayout} layout
 * @param {any} view
 * @param {number[] | null | undefined} uv
 * @returns {[number, number] | null} unit vector in px, null where there is no direction
 */
export function plotDirection(layout, view, uv) {
  if (!uv || !Number.isFinite(uv[0]) || !Number.isFinite(uv[1])) return null;
  const origin = view.transform ? view.transform.origin : [0, 0];
  const size = Math.hypot(uv[0], uv[1]);
  if (!(size > 0)) return null;
  const to = windowPoint(view, [origin[0] + uv[0] / size, origin[1] + uv[1] / size]);
  const from = windowPoint(view, origin);
  if (to === null || from === null) return null;
  const across = ((to[0] - from[0]) / (view.x[1] - view.x[0])) * layout.width;
  const down = (-(to[1] - from[1]) / (view.y[1] - view.y[0])) * layout.height;
  const length = Math.hypot(across, down);
  return length > 0 ? [across / length, down / length] : null;
}

/**
 * The colour that belongs to an axis: each parameter has one everywhere.
 * @param {any} scene
 * @param {any} theme
 * @param {string} label
 * @returns {string}
 */
export function axisColour(scene, theme, label) {
  if (scene.parameters.length > 2) return theme.text;
  const [first, second] = [0, 1].map((axis) => [scene.parameters[axis], scene.plane?.axes[axis]].includes(label));
  return first ? theme.w : second ? theme.b : theme.text;
}

/**
 * Frame, ticks and names of the axes.
 * @param {CanvasRenderingContext2D} context
 * @param {PlotLayout} layout
 * @param {any} view
 * @param {any} scene
 * @param {any} theme
 */
export function drawAxes(context, layout, view, scene, theme) {
  const { left, top, width, height } = layout;
  const line = Math.max(12, theme.fontSize || 12);
  context.save();
  context.strokeStyle = theme.muted;
  context.fillStyle = theme.muted;
  context.lineWidth = 1;
  context.strokeRect(left - 0.5, top - 0.5, width + 1, height + 1);
  context.font = labelFont(theme);
  context.textBaseline = "middle";
  context.textAlign = "right";
  const yTexts = formatTicks(layout.yTicks);
  layout.yTicks.forEach((tick, i) => {
    const y = layout.y(tick);
    plotTickLine(context, left - 5, y, left - 1, y);
    context.fillText(yTexts[i], left - 8, y);
  });
  context.textBaseline = "top";
  const nameWidth = plotAxisName(context, view.labels[0], layout, scene, theme, line);
  const xTexts = formatTicks(layout.xTicks);
  context.textAlign = "center";
  context.font = labelFont(theme);
  context.fillStyle = theme.muted;
  layout.xTicks.forEach((tick, i) => {
    const x = layout.x(tick);
    plotTickLine(context, x, top + height + 1, x, top + height + 5);
    if (x + context.measureText(xTexts[i]).width / 2 < left + width - nameWidth) context.fillText(xTexts[i], x, top + height + 7);
  });
  context.restore();
}

/** The name of the horizontal axis; returns the room it takes from the ticks. @param {CanvasRenderingContext2D} context @param {string} name @param {PlotLayout} layout @param {any} scene @param {any} theme @param {number} line */
function plotAxisName(context, name, layout, scene, theme, line) {
  const wide = plotNameWidth(context, name, theme);
  context.fillStyle = axisColour(scene, theme, name);
  context.textAlign = "right";
  const text = shortenText(context, `${name} →`, layout.width);
  context.fillText(text, layout.left + layout.width, layout.top + layout.height + (layout.nameApart ? 7 + line * 1.35 : 6));
  return layout.nameApart ? -line : wide + line * 0.5;
}

/** @param {CanvasRenderingContext2D} context @param {string} name @param {any} theme @returns {number} px */
function plotNameWidth(context, name, theme) {
  context.font = labelFont(theme, 1.1, true);
  return context.measureText(`${name} →`).width;
}

/**
 * The name of the vertical axis, above its top; returns the x where free room begins.
 * @param {CanvasRenderingContext2D} context
 * @param {PlotLayout} layout
 * @param {string} name
 * @param {string} colour
 * @param {any} theme
 * @param {number} room px
 * @returns {number}
 */
export function drawVerticalName(context, layout, name, colour, theme, room) {
  context.save();
  context.font = labelFont(theme, 1.1, true);
  context.fillStyle = colour;
  context.textAlign = "left";
  context.textBaseline = "alphabetic";
  const text = shortenText(context, `↑ ${name}`, room);
  context.fillText(text, layout.left, layout.top - 7);
  const end = layout.left + context.measureText(text).width;
  context.restore();
  return end;
}

/**
 * The key to the colours: the bands as they are drawn, with losses beside them.
 * @param {CanvasRenderingContext2D} context
 * @param {PlotLayout} layout
 * @param {any} view
 * @param {any} scene
 * @param {any} theme
 * @param {number} from px, the left end of the free room
 */
export function drawColourKey(context, layout, view, scene, theme, from) {
  const line = Math.max(12, theme.fontSize || 12);
  context.save();
  context.font = labelFont(theme);
  context.textBaseline = "middle";
  const right = layout.left + layout.width;
  const from0 = scene.floor.kind === "optimum" ? "the best possible" : "the lowest seen";
  const caption = [`loss, coloured by its height above ${from0}`, "loss, coloured by height"].find((text) => context.measureText(text).width < right - from - 13 * line) ?? "loss";
  const captionWidth = context.measureText(caption).width + 8;
  const width = Math.min(15 * line, right - from - captionWidth - line);
  if (width < 5 * line) { context.restore(); return; }
  const x0 = right - width;
  const top = layout.top - Math.round(line * 2.2);
  const bar = Math.round(line * 0.7);
  context.fillStyle = theme.muted;
  context.textAlign = "right";
  context.fillText(caption, x0 - 8, top + bar / 2);
  plotKeyBands(context, view, x0, top, width, bar);
  context.strokeStyle = theme.muted;
  context.lineWidth = 1;
  context.strokeRect(x0 - 0.5, top - 0.5, width + 1, bar + 1);
  context.fillStyle = theme.muted;
  /** @type {number[][]} */
  const taken = [];
  for (const tick of plotKeyTicks(scene)) {
    const half = context.measureText(tick.text).width / 2;
    const x = Math.min(right - half, Math.max(x0 + half, x0 + tick.shade * width));
    if (taken.some(([from, to]) => x + half + line * 0.7 > from && x - half - line * 0.7 < to)) continue;
    plotTickLine(context, x0 + tick.shade * width, top + bar, x0 + tick.shade * width, top + bar + 3);
    context.textAlign = "center";
    context.fillText(tick.text, x, top + bar + 4 + line * 0.5);
    taken.push([x - half, x + half]);
  }
  context.restore();
}

/**
 * The shade of what lies above a window's highest level: one rung further up the ladder.
 * @param {{shade: number}[]} levels from the highest to the lowest
 * @returns {number}
 */
export function shadeAbove(levels) {
  if (levels.length < 2) return 1;
  return Math.min(1, 2 * levels[0].shade - levels[1].shade);
}

/** @param {CanvasRenderingContext2D} context @param {any} view @param {number} x0 @param {number} top @param {number} width @param {number} bar */
function plotKeyBands(context, view, x0, top, width, bar) {
  context.fillStyle = shadeColour(shadeAbove(view.levels));
  context.fillRect(x0, top, width, bar);
  for (const level of view.levels) {
    context.fillStyle = shadeColour(level.shade);
    context.fillRect(x0, top, Math.min(1, Math.max(0, level.shade)) * width, bar);
  }
}

/** Losses to write beside the key: round ones, and the two ends; the most useful first. @param {any} scene @returns {{text: string, shade: number}[]} */
function plotKeyTicks(scene) {
  const { top, bottom } = scene.color;
  const floor = scene.floor.loss;
  const ticks = [{ text: formatNumber(shadeLoss(scene, 0)), shade: 0 }];
  const highest = Math.ceil(Math.log10(floor + top));
  for (const factor of [1, 2, 5]) {
    for (let power = highest; power > highest - 12; power -= 1) {
      const loss = Number(`${factor}e${power}`);
      const shade = loss - floor > 0 ? Math.log((loss - floor) / bottom) / Math.log(top / bottom) : -1;
      if (shade > 0.03 && shade <= 1) ticks.push({ text: formatNumber(loss), shade });
    }
  }
  for (const shade of [0.25, 0.5, 0.75]) ticks.push({ text: formatNumber(shadeLoss(scene, shade)), shade });
  return ticks;
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {string} text
 * @param {number} room px
 * @returns {string} the text, its end replaced by … where it is too long
 */
export function shortenText(context, text, room) {
  if (context.measureText(text).width <= room) return text;
  let kept = text;
  while (kept.length > 1 && context.measureText(`${kept}…`).width > room) kept = kept.slice(0, -1);
  return `${kept}…`;
}

/** @param {CanvasRenderingContext2D} context @param {number} x0 @param {number} y0 @param {number} x1 @param {number} y1 */
function plotTickLine(context, x0, y0, x1, y1) {
  context.beginPath();
  context.moveTo(x0, y0);
  context.lineTo(x1, y1);
  context.stroke();
}

/**
 * @param {PlotLayout} layout
 * @param {number[]} at px
 * @returns {boolean} is it inside the frame
 */
export function insideFrame(layout, [x, y]) {
  return x >= layout.left - 0.5 && x <= layout.left + layout.width + 0.5 && y >= layout.top - 0.5 && y <= layout.top + layout.height + 0.5;
}

/**
 * @param {PlotLayout} layout
 * @param {number[]} at px
 * @returns {[number, number]} the nearest point inside the frame
 */
export function clampToFrame(layout, [x, y]) {
  return [Math.min(Math.max(x, layout.left), layout.left + layout.width), Math.min(Math.max(y, layout.top), layout.top + layout.height)];
}

/**
 * The side a label stands on so that it continues a direction.
 * @param {number[]} along px
 * @returns {string}
 */
export function sideAlong([x, y]) {
  if (Math.abs(x) > 1.5 * Math.abs(y)) return x > 0 ? "right" : "left";
  if (Math.abs(y) > 1.5 * Math.abs(x)) return y > 0 ? "below" : "above";
  return (y > 0 ? "below" : "above") + (x > 0 ? "Right" : "Left");
}

/**
 * The side a label stands on so that it lies beside a line.
 * @param {number[]} from px
 * @param {number[]} to px
 * @returns {string}
 */
export function sideBeside(from, to) {
  return Math.abs(to[0] - from[0]) > Math.abs(to[1] - from[1]) ? "below" : "right";
}
