// @ts-check
// The loss on a plane as a flat picture: colours, rings, the path's shadow, axes, the key. It draws what the payload holds and computes no loss.

import { shadeColour, shadeRgb } from "./colour.js";
import { formatTicks, linear, niceTicks } from "./scale.js";

/** @typedef {{x: import("./scale.js").Scale, y: import("./scale.js").Scale, left: number, top: number, width: number, height: number, ratio: number, key: number, line: number}} CutLayout */

const cutLeast = 120; // pixels: where equal units would leave less, the picture is stretched, and says so
const cutCore = "#111418";
const cutHalo = "#ffffff";

/**
 * @param {CanvasRenderingContext2D} context @param {any} scene @param {{width: number, height: number}} size @param {any} theme
 * @returns {CutLayout}
 */
export function cutLayout(context, scene, size, theme) {
  const line = theme.fontSize;
  context.font = `${line}px ${theme.font}`;
  const labels = scene.scale === null ? [] : scene.scale.labels;
  const widest = Math.max(0, ...labels.map((/** @type {string} */ text) => context.measureText(text).width));
  const key = widest === 0 ? 0 : widest + 34;
  const left = line * 2 + Math.max(...formatTicks(niceTicks(scene.y[0], scene.y[1], 6)).map((text) => context.measureText(text).width)) + 8;
  const room = { width: Math.max(20, size.width - left - key - 12), height: Math.max(20, size.height - line * 3.6 - 10) };
  const spans = [scene.x[1] - scene.x[0], scene.y[1] - scene.y[0]];
  const unit = Math.min(room.width / spans[0], room.height / spans[1]);
  const equal = Math.min(...spans) * unit >= cutLeast;
  const { width, height } = equal ? { width: spans[0] * unit, height: spans[1] * unit } : room;
  const units = spans[0] / width / (spans[1] / height);
  const ratio = equal ? 1 : Math.max(units, 1 / units);
  const top = 10;
  return { x: linear(scene.x, [left, left + width]), y: linear(scene.y, [top + height, top]), left, top, width, height, ratio, key, line };
}

/**
 * The height that a picture of this width has use for.
 * @param {any} scene @param {number} width @returns {number}
 */
export function cutHeight(scene, width) {
  return Math.max(300, 80 + ((width - 130) * (scene.y[1] - scene.y[0])) / (scene.x[1] - scene.x[0]));
}

/** @param {CanvasRenderingContext2D} context @param {any} scene @param {CutLayout} layout @param {any} theme */
export function drawCut(context, scene, layout, theme) {
  context.save();
  context.beginPath();
  context.rect(layout.left, layout.top, layout.width, layout.height);
  context.clip();
  if (scene.scale !== null) {
    cutColours(context, scene, layout);
    cutRings(context, scene, layout);
    cutGaps(context, scene, layout, theme);
  } else {
    context.font = `${layout.line}px ${theme.font}`;
    context.fillStyle = theme.text;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText(`loss: ${scene.words}`, layout.left + layout.width / 2, layout.top + layout.height / 3, layout.width - 16);
  }
  cutPath(context, scene, layout);
  if (layout.ratio > 1.05) cutBadge(context, layout, theme);
  context.restore();
  cutAxes(context, scene, layout, theme);
  if (scene.scale !== null) cutScale(context, scene, layout, theme);
}

/** Every cell a pixel of a small bitmap, stretched smoothly. @param {CanvasRenderingContext2D} context @param {any} scene @param {CutLayout} layout */
function cutColours(context, scene, layout) {
  const rows = scene.places.length;
  const columns = scene.places[0].length;
  const small = document.createElement("canvas");
  Object.assign(small, { width: columns, height: rows });
  const pen = small.getContext("2d");
  if (pen === null) return;
  const pixels = pen.createImageData(columns, rows);
  const { first, last } = scene.scale;
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      const place = scene.places[rows - 1 - row][column];
      if (place === null || Number.isNaN(place)) continue;
      pixels.data.set([...shadeRgb((place - first) / (last - first)), 255], 4 * (row * columns + column));
    }
  }
  pen.putImageData(pixels, 0, 0);
  // Cells are points on the edges as well: the bitmap reaches half a cell beyond the frame.
  const [wide, high] = [layout.width / (columns - 1), layout.height / (rows - 1)];
  context.imageSmoothingEnabled = true;
  context.imageSmoothingQuality = "high";
  context.drawImage(small, layout.left - wide / 2, layout.top - high / 2, layout.width + wide, layout.height + high);
}

/** @param {CanvasRenderingContext2D} context @param {any} scene @param {CutLayout} layout */
function cutRings(context, scene, layout) {
  context.strokeStyle = "rgba(255,255,255,0.6)";
  context.lineWidth = 1;
  context.beginPath();
  for (const line of scene.rings.flat()) {
    for (let i = 0; i < line.length; i += 2) {
      const [px, py] = [layout.left + line[i] * layout.width, layout.top + (1 - line[i + 1]) * layout.height];
      if (i === 0) context.moveTo(px, py);
      else context.lineTo(px, py);
    }
  }
  context.stroke();
}

/** Crosses where the loss is not finite, stripes where nothing was evaluated. @param {CanvasRenderingContext2D} context @param {any} scene @param {CutLayout} layout @param {any} theme */
function cutGaps(context, scene, layout, theme) {
  const rows = scene.places.length;
  const columns = scene.places[0].length;
  const [wide, high] = [layout.width / (columns - 1), layout.height / (rows - 1)];
  const every = Math.max(1, Math.round(9 / Math.min(wide, high)));
  context.lineWidth = 1.5;
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      const place = scene.places[row][column];
      if (place !== null && !Number.isNaN(place)) continue;
      const [px, py] = [layout.left + column * wide, layout.top + layout.height - row * high];
      context.strokeStyle = place === null ? theme.grid : theme.zdiverging;
      context.beginPath();
      if (place === null) {
        if ((row + column) % (2 * every) >= every) continue;
        context.moveTo(px - wide / 2, py + high / 2);
        context.lineTo(px + wide / 2, py - high / 2);
      } else {
        if (row % every !== 0 || column % every !== 0) continue;
        context.moveTo(px - 3, py - 3);
        context.lineTo(px + 3, py + 3);
        context.moveTo(px - 3, py + 3);
        context.lineTo(px + 3, py - 3);
      }
      context.stroke();
    }
  }
}

/** @param {CanvasRenderingContext2D} context @param {any} scene @param {CutLayout} layout */
function cutPath(context, scene, layout) {
  const path = scene.path ?? { x: [0], y: [0], full: [1] };
  const points = path.x.map((/** @type {number} */ x, /** @type {number} */ i) => [layout.x(x), layout.y(path.y[i])]);
  for (const [colour, width] of /** @type {[string, number][]} */ ([[cutHalo, 5], [cutCore, 2]])) {
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.lineJoin = "round";
    context.beginPath();
    points.forEach(([px, py], i) => (i === 0 ? context.moveTo(px, py) : context.lineTo(px, py)));
    context.stroke();
  }
  let [lastX, lastY] = [-99, -99];
  points.forEach(([px, py], i) => {
    if (Math.hypot(px - lastX, py - lastY) < 10) return;
    [lastX, lastY] = [px, py];
    context.beginPath();
    context.arc(px, py, 3, 0, 2 * Math.PI);
    context.fillStyle = cutHalo;
    context.fill();
    context.fillStyle = `rgba(17,20,24,${path.full[i]})`;
    context.fill();
    context.strokeStyle = cutCore;
    context.lineWidth = 1;
    context.stroke();
  });
  if (points.length > 1) cutEnd(context, points[0], true);
  cutEnd(context, points[points.length - 1], false);
}

/** White with a black ring. @param {CanvasRenderingContext2D} context @param {number[]} point @param {boolean} square */
function cutEnd(context, [px, py], square) {
  context.beginPath();
  if (square) context.rect(px - 5, py - 5, 10, 10);
  else context.arc(px, py, 6, 0, 2 * Math.PI);
  context.fillStyle = cutHalo;
  context.fill();
  context.strokeStyle = cutCore;
  context.lineWidth = 2.5;
  context.stroke();
}

/** @param {CanvasRenderingContext2D} context @param {CutLayout} layout @param {any} theme */
function cutBadge(context, layout, theme) {
  context.font = `${layout.line}px ${theme.font}`;
  const brief = `axes differ ${Number(layout.ratio.toPrecision(2))} : 1`;
  const whole = `${brief}; right angles look bent`;
  const text = context.measureText(whole).width < layout.width - 24 ? whole : brief;
  const width = context.measureText(text).width;
  context.fillStyle = theme.surface;
  context.fillRect(layout.left + layout.width - width - 16, layout.top + layout.height - layout.line * 1.8, width + 16, layout.line * 1.8);
  context.fillStyle = theme.text;
  context.textAlign = "right";
  context.textBaseline = "alphabetic";
  context.fillText(text, layout.left + layout.width - 8, layout.top + layout.height - layout.line * 0.6);
}

/** @param {CanvasRenderingContext2D} context @param {any} scene @param {CutLayout} layout @param {any} theme */
function cutAxes(context, scene, layout, theme) {
  const { line, left, top, width, height } = layout;
  context.font = `${line}px ${theme.font}`;
  context.fillStyle = theme.muted;
  context.strokeStyle = theme.muted;
  context.lineWidth = 1;
  context.strokeRect(left, top, width, height);
  const across = niceTicks(scene.x[0], scene.x[1], Math.max(2, Math.floor(width / 90)));
  const names = formatTicks(across);
  context.textAlign = "center";
  context.textBaseline = "top";
  across.forEach((tick, i) => context.fillText(names[i], layout.x(tick), top + height + 6));
  const up = niceTicks(scene.y[0], scene.y[1], Math.max(2, Math.floor(height / 60)));
  const upNames = formatTicks(up);
  context.textAlign = "right";
  context.textBaseline = "middle";
  up.forEach((tick, i) => context.fillText(upNames[i], left - 6, layout.y(tick)));
  context.fillStyle = theme.text;
  context.textAlign = "center";
  context.textBaseline = "top";
  context.fillText(scene.axes[0], left + width / 2, top + height + line * 1.3 + 8, width);
  context.save();
  context.translate(2, top + height / 2);
  context.rotate(-Math.PI / 2);
  context.fillText(scene.axes[1], 0, 0, height);
  context.restore();
}

/** Colours beside their losses. @param {CanvasRenderingContext2D} context @param {any} scene @param {CutLayout} layout @param {any} theme */
function cutScale(context, scene, layout, theme) {
  const { first, last, ticks, labels } = scene.scale;
  const [left, wide, top] = [layout.left + layout.width + 14, 14, layout.top + layout.line * 1.9];
  const height = Math.max(60, layout.height - layout.line * 1.9);
  for (let i = 0; i < height; i += 1) {
    context.fillStyle = shadeColour(1 - i / height);
    context.fillRect(left, top + i, wide, 1.5);
  }
  context.fillStyle = theme.text;
  context.textAlign = "left";
  context.textBaseline = "alphabetic";
  context.fillText("loss", left, top - layout.line * 0.9);
  context.textBaseline = "middle";
  const room = Math.ceil((layout.line * 1.3) / (height / (last - first)));
  ticks.forEach((/** @type {number} */ tick, /** @type {number} */ i) => {
    if (i % room !== 0) return;
    context.fillText(labels[i], left + wide + 5, top + height * (1 - (tick - first) / (last - first)));
  });
}
