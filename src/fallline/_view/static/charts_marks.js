// @ts-check
// How several things in one picture are told apart: each its own colour, its own dash and its own shape.

import { make } from "./element.js";
import { haloFor } from "./colour.js";

const chartsDashes = [[], [9, 4], [2.5, 3], [9, 3, 2.5, 3], [14, 4], [5, 3], [9, 3, 2.5, 3, 2.5, 3], [1.5, 4.5]];

/**
 * The colours of the series, as the stylesheet has them for this theme.
 * @param {HTMLElement} root
 * @returns {string[]}
 */
export function seriesColours(root) {
  const style = getComputedStyle(root);
  return chartsDashes.map((_, i) => style.getPropertyValue(`--fl-c${i}`).trim());
}

/**
 * @param {number} index
 * @returns {number[]} the dash of series number `index`
 */
export function seriesDash(index) {
  return chartsDashes[seriesShape(index)];
}

/** When the colours begin again, dashes and shapes are others. @param {number} index */
function seriesShape(index) {
  return (index + 3 * Math.floor(index / chartsDashes.length)) % chartsDashes.length;
}

/**
 * The outline of shape number `index` around a point: circle, square, triangle, diamond, triangle down, star, cross, hexagon.
 * @param {number[]} at px
 * @param {number} radius px
 * @param {number} index
 * @returns {number[][]} corners
 */
export function markerOutline([x, y], radius, index) {
  /** @param {number} n @param {number} turn @param {number} [inner] */
  const around = (n, turn, inner = 1) =>
    Array.from({ length: inner === 1 ? n : 2 * n }, (_, i) => {
      const angle = turn + (2 * Math.PI * i) / (inner === 1 ? n : 2 * n);
      const far = radius * (i % 2 === 1 ? inner : 1);
      return [x + far * Math.cos(angle), y + far * Math.sin(angle)];
    });
  const up = -Math.PI / 2;
  const shapes = [
    () => around(24, 0),
    () => around(4, Math.PI / 4).map(([a, b]) => [x + (a - x) * 1.2, y + (b - y) * 1.2]),
    () => around(3, up).map(([a, b]) => [x + (a - x) * 1.3, y + (b - y) * 1.3]),
    () => around(4, up).map(([a, b]) => [x + (a - x) * 1.2, y + (b - y) * 1.2]),
    () => around(3, -up).map(([a, b]) => [x + (a - x) * 1.3, y + (b - y) * 1.3]),
    () => around(5, up, 0.48).map(([a, b]) => [x + (a - x) * 1.4, y + (b - y) * 1.4]),
    () => around(4, up / 2, 0.4).map(([a, b]) => [x + (a - x) * 1.3, y + (b - y) * 1.3]),
    () => around(6, 0),
  ];
  return shapes[seriesShape(index)]();
}

/**
 * A filled shape with a rim that parts it from whatever lies under it.
 * @param {CanvasRenderingContext2D} context
 * @param {number[]} at px
 * @param {number} radius px
 * @param {number} index
 * @param {string} colour
 * @param {{ring?: string, hollow?: boolean, full?: number}} [style] full: how much of it is filled, 1 unless told
 */
export function drawMarker(context, at, radius, index, colour, style = {}) {
  context.save();
  context.setLineDash([]);
  context.lineJoin = "round";
  context.beginPath();
  for (const [x, y] of markerOutline(at, radius, index)) context.lineTo(x, y);
  context.closePath();
  context.strokeStyle = style.ring ?? haloFor(colour);
  context.lineWidth = Math.max(2, radius * 0.55);
  context.stroke();
  context.fillStyle = style.hollow ? "#ffffff" : colour;
  context.fill();
  const empty = 1 - (style.full ?? 1);
  if (empty > 0.02) {
    context.beginPath();
    context.arc(at[0], at[1], radius * Math.sqrt(empty) * 0.8, 0, 2 * Math.PI);
    context.fillStyle = "#ffffff";
    context.fill();
  }
  if (style.hollow) {
    context.strokeStyle = colour;
    context.lineWidth = 1.75;
    context.stroke();
  }
  context.restore();
}

/**
 * The key to one series: a piece of its line with its shape on it, in its colour.
 * @param {number} index
 * @param {{dash?: number[], marker?: boolean, line?: boolean, colour?: string}} [style]
 * @returns {SVGElement}
 */
export function makeSwatch(index, style = {}) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  for (const [key, value] of [["viewBox", "0 0 40 16"], ["class", "fl-swatch"], ["aria-hidden", "true"]]) svg.setAttribute(key, value);
  svg.style.color = style.colour ?? `var(--fl-c${index % chartsDashes.length})`;
  if (style.line !== false) {
    const line = document.createElementNS(space, "path");
    line.setAttribute("d", "M1 8H39");
    line.setAttribute("class", "fl-swatch-line");
    line.setAttribute("stroke-dasharray", (style.dash ?? seriesDash(index)).join(" "));
    svg.append(line);
  }
  if (style.marker !== false) {
    const shape = document.createElementNS(space, "path");
    shape.setAttribute("d", `M${markerOutline([20, 8], 5, index).map((point) => point.map((value) => value.toFixed(2)).join(" ")).join("L")}Z`);
    shape.setAttribute("class", "fl-swatch-mark");
    svg.append(shape);
  }
  return svg;
}

/**
 * A legend: names beside their swatches.
 * @param {{name: string, swatch: SVGElement}[]} entries
 * @returns {HTMLElement}
 */
export function makeLegend(entries) {
  return make("ul.fl-key", {}, ...entries.map(({ name, swatch }) => make("li", {}, swatch, name)));
}
