// @ts-check
// The filled levels of the loss and the lines between them.

import { shadeColour } from "./colour.js";
import { shadeAbove } from "./plot.js";

/**
 * A window's levels, from the highest to the lowest, over the whole of a bitmap.
 * @param {OffscreenCanvasRenderingContext2D} pen @param {any} view @param {number} width @param {number} height @param {number} density px of the screen per px of the page
 */
export function drawLevels(pen, view, width, height, density) {
  /** @param {number} x */
  const across = (x) => ((x - view.x[0]) / (view.x[1] - view.x[0])) * width;
  /** @param {number} y */
  const down = (y) => ((view.y[1] - y) / (view.y[1] - view.y[0])) * height;
  pen.fillStyle = shadeColour(shadeAbove(view.levels));
  pen.fillRect(0, 0, width, height);
  for (const level of view.levels) {
    pen.beginPath();
    for (const polygon of level.fill) for (const ring of polygon) levelsTrace(pen, ring, across, down, true);
    pen.fillStyle = shadeColour(level.shade);
    pen.fill("evenodd");
  }
  pen.lineWidth = density;
  pen.lineJoin = "round";
  for (const level of view.levels) {
    pen.beginPath();
    for (const line of level.lines) levelsTrace(pen, line, across, down, false);
    pen.strokeStyle = level.shade > 0.55 ? "rgba(20,20,30,0.30)" : "rgba(255,255,255,0.32)";
    pen.stroke();
  }
}

/** @param {OffscreenCanvasRenderingContext2D} pen @param {number[]} flat @param {(x: number) => number} across @param {(y: number) => number} down @param {boolean} closed */
function levelsTrace(pen, flat, across, down, closed) {
  for (let i = 0; i + 1 < flat.length; i += 2) {
    if (i === 0) pen.moveTo(across(flat[0]), down(flat[1]));
    else pen.lineTo(across(flat[i]), down(flat[i + 1]));
  }
  if (closed) pen.closePath();
}
