// @ts-check
// The pixels of a heat map: every pixel shows the highest of the cells that share it, so that no extreme is lost at any zoom.

import { linear } from "./scale.js";
import { shadeRgb, withAlpha } from "./colour.js";
import { drawCross } from "./arrows.js";
import { labelFont } from "./type.js";
import { drawCursor } from "./chart_frame.js";
import { paintStripes } from "./recording_paint.js";

/** @typedef {{low: number, high: number, below: boolean, above: boolean, known: boolean, zero: boolean}} HeatScale */

const heatRow = 1.5; // em of a row with its name
const heatFitted = 28; // em that all rows together take where they are shown at once
const heatLowest = 0.1; // em of a row: below a pixel rows would be lost, so these scroll
const heatShown = 30; // em in sight, more scrolls
const heatAxis = 2; // em
const heatCrossRoom = 9; // px a cell needs for ✕
const heatGroups = 6;
const heatShades = 256;

/** @param {number} rows @param {boolean} fit @returns {{row: number, height: number, shown: number}} em */
export function heatLayout(rows, fit) {
  const row = fit ? Math.max(heatLowest, Math.min(heatRow, heatFitted / rows)) : heatRow;
  const height = rows * row + heatAxis + 0.4;
  return { row, height, shown: Math.min(height, heatShown) };
}

/**
 * What the colours span: all but a half percent of the values at either end; a flight's ratios to each layer's usual value.
 * @param {any} map
 * @param {any} quantity
 * @param {boolean} relative
 * @returns {HeatScale}
 */
export function heatScale(map, quantity, relative) {
  const rows = map.labels.length;
  /** @type {number[]} */
  const values = [];
  let zero = false;
  for (let i = 0; i < quantity.values.length; i += 1) {
    if (quantity.flags[i] !== 1) continue;
    const value = relative ? quantity.values[i] / quantity.usual[i % rows] : quantity.values[i];
    if (value > 0 && Number.isFinite(value)) values.push(value);
    else zero = true;
  }
  if (values.length === 0) return { low: 0.1, high: 10, below: false, above: false, known: false, zero };
  values.sort((a, b) => a - b);
  const at = (/** @type {number} */ share) => values[Math.round(share * (values.length - 1))];
  let [low, high] = relative ? [Math.max(values[0], 0.1), Math.min(at(1), 1e4)] : [at(0.005), at(0.995)];
  if (relative) [low, high] = [Math.min(low, 0.5), Math.max(high, 2)];
  if (!(high > low * 1.01)) [low, high] = [low / 2, high * 2];
  return { low, high, below: values[0] < low * 0.999 || zero, above: at(1) > high * 1.001, known: true, zero };
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {{width: number, height: number}} size
 * @param {import("./recording_heat.js").HeatOptions} options
 * @param {any} state
 * @param {any} theme
 * @returns {{left: number, width: number, rowHeight: number, plotHeight: number, rowAt: (y: number) => number | null}}
 */
export function paintHeat(context, size, options, state, theme) {
  const { map } = options;
  const rows = map.labels.length;
  const em = theme.fontSize / 0.8125;
  const top = 3;
  const plotHeight = size.height - top - heatAxis * em;
  const rowHeight = heatLayout(rows, state.fit).row * em;
  context.font = labelFont(theme, 1, true);
  const widest = Math.max(...map.labels.map((/** @type {string} */ label) => context.measureText(label).width));
  const left = Math.ceil(Math.min(size.width * 0.36, Math.max(widest + 14, theme.fontSize * 5.5)));
  const box = { left, top, width: Math.max(20, size.width - left - 10), height: Math.min(plotHeight, rows * rowHeight - state.scrolled) };
  const from = Math.max(0, Math.floor(state.scrolled / rowHeight));
  const to = Math.min(rows, Math.ceil((state.scrolled + plotHeight) / rowHeight));
  const x = linear(options.domain(), [box.left, box.left + box.width]);
  paintStripes(context, box, theme);
  context.save();
  context.beginPath();
  context.rect(0, top, size.width, plotHeight);
  context.clip();
  const y = (/** @type {number} */ row) => top + row * rowHeight - state.scrolled;
  heatCells(context, options, state, { box, from, to, x, y, rowHeight }, theme);
  heatNames(context, options, state, { box, from, to, y, rowHeight, left }, theme);
  heatCrosses(context, options, state, { box, from, to, x, y, rowHeight }, theme);
  for (const mark of options.marks()) heatMark(context, box, x(mark.step), mark.kind === "alarm" ? theme.bad : theme.muted);
  const at = options.at();
  if (at !== null && at >= x.domain[0] && at <= x.domain[1]) heatReading(context, options.edges, at, x, box, theme);
  context.restore();
  heatTicks(context, options, x, box, top + plotHeight, theme);
  return { left: box.left, width: box.width, rowHeight, plotHeight, rowAt: (py) => {
    const row = Math.floor((py - top + state.scrolled) / rowHeight);
    return py <= top + plotHeight && row >= 0 && row < rows ? row : null;
  } };
}

/** @param {CanvasRenderingContext2D} context @param {any} options @param {any} state @param {any} place @param {any} theme */
function heatCells(context, options, state, { box, from, to, x, y, rowHeight }, theme) {
  const { map, edges, relative } = options;
  const quantity = map.quantities[state.quantity];
  const count = map.labels.length;
  const [wide, high] = [Math.ceil(box.width), to - from];
  if (high <= 0) return;
  const best = new Float32Array(wide * high).fill(-1);
  const { low, high: most } = state.scale;
  const span = Math.log(most / low) || 1;
  for (let c = 0; c < map.first.length; c += 1) {
    const begin = Math.max(0, Math.floor(x(edges.left[c]) - box.left + 0.01));
    const end = Math.min(wide, Math.max(begin + 1, Math.floor(x(edges.right[c]) - box.left + 0.01)));
    if (end <= 0 || begin >= wide) continue;
    for (let row = from; row < to; row += 1) {
      const cell = c * count + row;
      if (quantity.flags[cell] === 0) continue;
      const value = relative ? quantity.values[cell] / quantity.usual[row] : quantity.values[cell];
      const shade = quantity.flags[cell] > 1 ? 2 : Math.min(1, Math.max(0, Math.log(Math.max(value, low) / low) / span));
      const line = (row - from) * wide;
      for (let px = begin; px < end; px += 1) if (shade > best[line + px]) best[line + px] = shade;
    }
  }
  const bitmap = new OffscreenCanvas(wide, high);
  const pen = /** @type {OffscreenCanvasRenderingContext2D} */ (bitmap.getContext("2d"));
  const image = pen.createImageData(wide, high);
  const colours = Array.from({ length: heatShades }, (_, i) => shadeRgb(i / (heatShades - 1)));
  const lost = heatLostColour(theme);
  for (let i = 0; i < best.length; i += 1) {
    if (best[i] < 0) continue;
    const colour = best[i] > 1 ? lost : colours[Math.round(best[i] * (heatShades - 1))];
    image.data[4 * i] = colour[0];
    image.data[4 * i + 1] = colour[1];
    image.data[4 * i + 2] = colour[2];
    image.data[4 * i + 3] = 255;
  }
  pen.putImageData(image, 0, 0);
  context.imageSmoothingEnabled = false;
  context.drawImage(bitmap, box.left, y(from), wide, high * rowHeight);
  context.imageSmoothingEnabled = true;
}

/** @param {any} theme @returns {number[]} */
function heatLostColour(theme) {
  const hex = theme.bad.replace("#", "");
  return [0, 2, 4].map((i) => parseInt(hex.slice(i, i + 2), 16));
}

/** The names of rows, or of groups of them where rows are low; the row that is read, and the one that broke first. @param {CanvasRenderingContext2D} context @param {any} options @param {any} state @param {any} place @param {any} theme */
function heatNames(context, options, state, { box, from, to, y, rowHeight, left }, theme) {
  const { labels, row: at } = options.map; // at: the layer that broke first
  const room = left - 10;
  context.save();
  context.font = labelFont(theme);
  context.textAlign = "right";
  context.textBaseline = "middle";
  const named = rowHeight >= theme.fontSize;
  const depth = named ? 0 : heatDepth(labels);
  let free = -Infinity;
  for (let row = from; row < to; row += 1) {
    const middle = y(row) + rowHeight / 2;
    const group = heatGroup(labels[row], depth);
    const first = row === 0 || heatGroup(labels[row - 1], depth) !== group;
    const bold = row === at;
    if (!named && first && row > from) heatRule(context, box, y(row), theme);
    if (!named && (!first || middle < free)) continue;
    free = middle + theme.fontSize * 1.1;
    context.font = labelFont(theme, 1, bold);
    context.fillStyle = bold ? theme.bad : row === state.row ? theme.text : theme.muted;
    context.fillText(heatShorten(context, named ? labels[row] : group, room), left - 7, named ? middle : Math.max(middle, theme.fontSize * 0.6));
  }
  const outside = named ? 0 : 1.5; // a frame would hide a row as low as a pixel
  const around = (/** @type {number} */ row) => ({ ...box, top: y(row) - outside, height: rowHeight + 2 * outside });
  if (at !== null) heatFrame(context, around(at), theme.bad, 2);
  if (state.row !== null) heatFrame(context, around(state.row), theme.text, state.row === at ? 1 : 1.5);
  if (!named && state.row !== null && state.row >= from && state.row < to) heatTag(context, labels[state.row], box, y(state.row) + rowHeight / 2, theme);
  context.restore();
}

/** @param {CanvasRenderingContext2D} context @param {any} box @param {string} colour @param {number} width */
function heatFrame(context, box, colour, width) {
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.strokeRect(box.left, box.top, box.width, box.height);
}

/** @param {CanvasRenderingContext2D} context @param {any} box @param {number} y @param {any} theme */
function heatRule(context, box, y, theme) {
  context.fillStyle = withAlpha(theme.muted, 0.7);
  context.fillRect(box.left - 5, Math.round(y), 5, 1);
}

/** The name of the row that is read, where rows are too low for names. @param {CanvasRenderingContext2D} context @param {string} text @param {any} box @param {number} y @param {any} theme */
function heatTag(context, text, box, y, theme) {
  context.font = labelFont(theme, 1, true);
  context.textAlign = "left";
  const width = context.measureText(text).width + 10;
  const top = Math.max(box.top, Math.min(box.top + box.height - theme.fontSize * 1.6, y - theme.fontSize * 0.8));
  context.fillStyle = theme.surface;
  context.fillRect(box.left + 4, top, width, theme.fontSize * 1.6);
  context.fillStyle = theme.text;
  context.fillText(text, box.left + 9, top + theme.fontSize * 0.82);
}

/** As few components of a name as make several groups; names that find no room are left out. @param {string[]} labels */
function heatDepth(labels) {
  for (const depth of [1, 2]) if (new Set(labels.map((label) => heatGroup(label, depth))).size >= heatGroups) return depth;
  return 3;
}

/** @param {string} label @param {number} depth 0: the whole name */
function heatGroup(label, depth) {
  return depth === 0 ? label : label.split(".").slice(0, depth).join(".");
}

/** The end of a layer's name says most. @param {CanvasRenderingContext2D} context @param {string} text @param {number} room */
function heatShorten(context, text, room) {
  if (context.measureText(text).width <= room) return text;
  let kept = text;
  while (kept.length > 1 && context.measureText(`…${kept}`).width > room) kept = kept.slice(1);
  return `…${kept}`;
}

/** ✕ on what is not finite: on every cell with room for it, and always on the first. @param {CanvasRenderingContext2D} context @param {any} options @param {any} state @param {any} place @param {any} theme */
function heatCrosses(context, options, state, { box, from, to, x, y, rowHeight }, theme) {
  const { map, edges } = options;
  const { flags } = map.quantities[state.quantity];
  const count = map.labels.length;
  let first = null;
  for (let c = 0; c < map.first.length; c += 1) {
    const [left, right] = [x(edges.left[c]), x(edges.right[c])];
    const roomy = Math.min(right - left, rowHeight) >= heatCrossRoom;
    for (let row = 0; row < count; row += 1) {
      if (flags[c * count + row] < 2) continue;
      if (first === null || (first.column === c && row === map.row)) first = { column: c, row };
      if (!roomy || row < from || row >= to || right < box.left || left > box.left + box.width) continue;
      heatSmallCross(context, (left + right) / 2, y(row) + rowHeight / 2, theme.surface);
    }
  }
  if (first === null) return;
  const middle = (x(edges.left[first.column]) + x(edges.right[first.column])) / 2;
  if (middle < box.left || middle > box.left + box.width) return;
  const cell = Math.min(x(edges.right[first.column]) - x(edges.left[first.column]), rowHeight);
  if (cell < heatCrossRoom) drawCross(context, [middle, y(first.row) + rowHeight / 2], 4, theme.dark ? "#a4161a" : theme.bad);
  else heatFrame(context, { left: x(edges.left[first.column]) + 1.5, top: y(first.row) + 1.5, width: x(edges.right[first.column]) - x(edges.left[first.column]) - 3, height: rowHeight - 3 }, theme.surface, 2);
}

/** @param {CanvasRenderingContext2D} context @param {number} x @param {number} y @param {string} colour */
function heatSmallCross(context, x, y, colour) {
  context.strokeStyle = colour;
  context.lineWidth = 1.5;
  context.beginPath();
  for (const side of [-1, 1]) {
    context.moveTo(x - 3, y - 3 * side);
    context.lineTo(x + 3, y + 3 * side);
  }
  context.stroke();
}

/** The column that is read: framed where it is wide, so that its cells stay in sight. @param {CanvasRenderingContext2D} context @param {any} edges @param {number} at @param {any} x @param {any} box @param {any} theme */
function heatReading(context, edges, at, x, box, theme) {
  const column = edges.left.findIndex((/** @type {number} */ left, /** @type {number} */ c) => left <= at && at < edges.right[c]);
  const [left, right] = column < 0 ? [0, 0] : [Math.max(box.left, x(edges.left[column])), Math.min(box.left + box.width, x(edges.right[column]))];
  if (right - left < heatCrossRoom) drawCursor(context, box, x(at), theme);
  else heatFrame(context, { left, top: box.top, width: right - left, height: box.height }, theme.step, 2);
}

/** @param {CanvasRenderingContext2D} context @param {any} box @param {number} at @param {string} colour */
function heatMark(context, box, at, colour) {
  if (at < box.left || at > box.left + box.width) return;
  context.save();
  context.strokeStyle = colour;
  context.setLineDash([6, 3]);
  context.lineWidth = 1.5;
  context.beginPath();
  context.moveTo(at, box.top);
  context.lineTo(at, box.top + box.height);
  context.stroke();
  context.restore();
}

/** @param {CanvasRenderingContext2D} context @param {any} options @param {any} x @param {any} box @param {number} bottom @param {any} theme */
function heatTicks(context, options, x, box, bottom, theme) {
  context.save();
  context.font = labelFont(theme);
  context.fillStyle = theme.muted;
  context.strokeStyle = theme.grid;
  context.textBaseline = "top";
  let free = -Infinity;
  for (const { at, label } of options.ticks(x.domain[0], x.domain[1], Math.max(2, box.width / (theme.fontSize * 7)))) {
    const half = context.measureText(label).width / 2;
    const middle = Math.min(x(at), box.left + box.width + 10 - half);
    if (middle - half < free) continue;
    free = middle + half + 8;
    context.beginPath();
    context.moveTo(x(at), bottom);
    context.lineTo(x(at), bottom + 4);
    context.stroke();
    context.textAlign = "center";
    context.fillText(label, middle, bottom + 6);
  }
  context.restore();
}
