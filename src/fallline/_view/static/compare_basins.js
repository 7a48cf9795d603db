// @ts-check
// Which start ends in which minimum: one small map for each optimizer, and the shares in words.

import { make } from "./element.js";
import { formatNumber } from "./scale.js";
import { shadeRgb } from "./colour.js";
import { drawMinimum } from "./arrows.js";
import { labelFont } from "./type.js";
import { plotLayout, drawAxes, drawVerticalName } from "./plot.js";
import { createSurface } from "./surface.js";
import { makeSwatch } from "./charts_marks.js";
import { compareLetter } from "./compare_contour.js";
import { namedTable } from "./compare_results.js";

const basinColours = [[68, 119, 170], [221, 204, 119], [68, 170, 153], [204, 102, 119], [170, 68, 153], [153, 153, 51], [136, 204, 238], [136, 34, 85]];
const basinNowhere = [150, 150, 155];

/**
 * @param {HTMLElement} slot
 * @param {any} comparison
 * @param {() => void} onResize
 * @returns {{draw: (theme: any) => void, stop: () => void}}
 */
export function createBasinMaps(slot, comparison, onResize) {
  const { basins } = comparison;
  if (basins === null) return { draw: () => {}, stop: () => {} };
  /** @type {{surface: import("./surface.js").Surface, map: any, bitmap: OffscreenCanvas}[]} */
  const maps = [];
  const list = make("div.fl-basin-list");
  for (const map of basins.maps) {
    const label = comparison.contenders[map.contender].label;
    const words = basinWords(basins, label) || map.left_out;
    const figure = make("figure.fl-figure.fl-basin", {}, make("h3.fl-figure-title.fl-named", {}, makeSwatch(map.contender), label));
    if (map.ends_in !== null) {
      const surface = createSurface("fl-canvas-basin", onResize);
      surface.describe(`${label}: which start ends in which minimum. ${words}`);
      maps.push({ surface, map, bitmap: basinBitmap(basins, map) });
      figure.append(surface.canvas);
    }
    figure.append(make("figcaption", {}, words));
    list.append(figure);
  }
  slot.append(
    make("h2.fl-run-title", {}, "Which start ends in which minimum"),
    ...[...basins.sentences, basinKey(basins)].map((text) => make("p.fl-run-small", {}, text)),
    list,
    make("div.fl-facts", { tabindex: "0", role: "region", "aria-label": "Shares of the starts", "data-scrolls": true }, namedTable(comparison, basins.table)),
  );
  return {
    draw: (theme) => {
      for (const { surface, bitmap } of maps) surface.paint((context, size) => basinPaint(context, size, comparison, bitmap, theme));
    },
    stop: () => maps.forEach(({ surface }) => surface.stop()),
  };
}

/** The shares of one map as its row of the table has them. @param {any} basins @param {string} label */
function basinWords({ table }, label) {
  const row = table.cells.find((/** @type {string[]} */ cells) => cells[0] === label);
  return row === undefined ? "" : row.slice(1).map((/** @type {string} */ cell, /** @type {number} */ i) => `${table.columns[i + 1].replace(/ \(.*/, "")}: ${cell}`).join(", ");
}

/** @param {any} basins */
function basinKey(basins) {
  const grey = "grey: at rest in none of them";
  if (basins.by_loss) return `Each point of a map is a start; its colour is the loss of the minimum it ends in: the darker the lower, darkest the lowest of all (loss ${formatNumber(basins.minima[0].loss)}); ${grey}.`;
  return `Each point of a map is a start; its colour says where it ends: ${basins.minima.map((/** @type {any} */ each, /** @type {number} */ i) => `${compareLetter(i)} (${each.at.map((/** @type {number} */ value) => formatNumber(value)).join(", ")})`).join(", ")}; ${grey}.`;
}

/** One pixel for each start. @param {any} basins @param {any} map */
function basinBitmap(basins, map) {
  const [rows, columns] = [map.ends_in.length, map.ends_in[0].length];
  const losses = basins.minima.map((/** @type {any} */ each) => each.loss);
  const [low, high] = [Math.min(...losses), Math.max(...losses)];
  const bitmap = new OffscreenCanvas(columns, rows);
  const pen = /** @type {OffscreenCanvasRenderingContext2D} */ (bitmap.getContext("2d"));
  const image = pen.createImageData(columns, rows);
  map.ends_in.forEach((/** @type {(number | null)[]} */ row, /** @type {number} */ r) =>
    row.forEach((index, c) => {
      const colour = index === null ? basinNowhere : basins.by_loss ? shadeRgb(Math.sqrt((losses[index] - low) / (high - low || 1))) : basinColours[index % basinColours.length];
      image.data.set([...colour, 255], 4 * ((rows - 1 - r) * columns + c));
    }),
  );
  pen.putImageData(image, 0, 0);
  return bitmap;
}

/** @param {CanvasRenderingContext2D} context @param {{width: number, height: number}} size @param {any} comparison @param {OffscreenCanvas} bitmap @param {any} theme */
function basinPaint(context, size, comparison, bitmap, theme) {
  const { basins } = comparison;
  const view = { x: basins.x, y: basins.y, labels: basins.axes, equal: true };
  const layout = plotLayout(context, view, size, theme, false);
  context.imageSmoothingEnabled = false;
  context.drawImage(bitmap, layout.left, layout.top, layout.width, layout.height);
  context.imageSmoothingEnabled = true;
  drawAxes(context, layout, view, { parameters: comparison.parameter_names }, theme);
  drawVerticalName(context, layout, view.labels[1], theme.b, theme, layout.width);
  const few = basins.minima.length <= basinColours.length;
  basins.minima.forEach((/** @type {any} */ minimum, /** @type {number} */ i) => {
    const at = [layout.x(minimum.at[0]), layout.y(minimum.at[1])];
    if (few || i === 0) drawMinimum(context, at, 5);
    if (few) basinLetter(context, compareLetter(i), at, theme);
  });
  const at = [layout.x(basins.start[0]), layout.y(basins.start[1])];
  context.beginPath();
  context.arc(at[0], at[1], 5.5, 0, 2 * Math.PI);
  context.lineWidth = 4;
  context.strokeStyle = "#ffffff";
  context.stroke();
  context.lineWidth = 1.75;
  context.strokeStyle = "#000000";
  context.stroke();
}

/** @param {CanvasRenderingContext2D} context @param {string} letter @param {number[]} at @param {any} theme */
function basinLetter(context, letter, [x, y], theme) {
  context.save();
  context.font = labelFont(theme, 1.1, true);
  context.textAlign = "left";
  context.textBaseline = "bottom";
  context.lineJoin = "round";
  context.lineWidth = 3.5;
  context.strokeStyle = "rgba(10,14,26,0.9)";
  context.strokeText(letter, x + 6, y - 3);
  context.fillStyle = "#ffffff";
  context.fillText(letter, x + 6, y - 3);
  context.restore();
}
