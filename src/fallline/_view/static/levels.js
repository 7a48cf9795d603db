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
  for (const gap of view.gaps ?? []) levelsGap(pen, gap, across, down, density);
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

/** An area without a colour: crosses where the loss is not finite, stripes where nothing was evaluated. @param {OffscreenCanvasRenderingContext2D} pen @param {{kind: string, fill: number[][][]}} gap @param {(x: number) => number} across @param {(y: number) => number} down @param {number} density */
function levelsGap(pen, gap, across, down, density) {
  pen.save();
  pen.beginPath();
  for (const polygon of gap.fill) for (const ring of polygon) levelsTrace(pen, ring, across, down, true);
  pen.clip("evenodd");
  const broken = gap.kind === "not finite";
  pen.fillStyle = broken ? "#f3dcdc" : "#d8dbe2";
  pen.fillRect(0, 0, pen.canvas.width, pen.canvas.height);
  pen.strokeStyle = broken ? "#9d1420" : "#8a919e";
  pen.lineWidth = 1.5 * density;
  pen.beginPath();
  const every = (broken ? 13 : 9) * density;
  for (let x = every / 2; x < pen.canvas.width + pen.canvas.height; x += every) {
    if (!broken) {
      pen.moveTo(x, 0);
      pen.lineTo(x - pen.canvas.height, pen.canvas.height);
      continue;
    }
    for (let y = every / 2; y < pen.canvas.height; y += every) {
      pen.moveTo(x - 3 * density, y - 3 * density);
      pen.lineTo(x + 3 * density, y + 3 * density);
      pen.moveTo(x - 3 * density, y + 3 * density);
      pen.lineTo(x + 3 * density, y - 3 * density);
    }
  }
  pen.stroke();
  pen.restore();
}
