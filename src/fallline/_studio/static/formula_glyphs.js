// @ts-check
// Small true pictures of the named surfaces: each place coloured by the formula's own value there, as in the large picture.

import { shadeRgb } from "../../_view/static/colour.js";

/** @typedef {{name: string, title: string, words: string, reach: [number, number, number, number], value: (w: number, b: number) => number}} Glyph */

const glyphsTau = 2 * Math.PI;

/** @type {Glyph[]} */
export const glyphs = [
  { name: "parabola", title: "(w − 3)²", words: "the smallest example", reach: [-1, 7, -1, 14], value: (w) => (w - 3) ** 2 },
  { name: "ravine", title: "Ravine", words: "steep one way, flat the other", reach: [-2.2, 2.2, -11, 11], value: (w, b) => (100 * w * w + b * b) / 2 },
  { name: "rosenbrock", title: "Rosenbrock", words: "a bent valley", reach: [-2, 2, -1, 3], value: (w, b) => (1 - w) ** 2 + 100 * (b - w * w) ** 2 },
  { name: "saddle", title: "Saddle", words: "down one way, up the other", reach: [-2, 2, -1.5, 1.5], value: (w, b) => w * w - b * b + 2.25 },
  { name: "himmelblau", title: "Himmelblau", words: "four minima", reach: [-5, 5, -5, 5], value: (w, b) => (w * w + b - 11) ** 2 + (w + b * b - 7) ** 2 },
  { name: "rastrigin", title: "Rastrigin", words: "a dimple at every whole number", reach: [-3, 3, -2.25, 2.25], value: (w, b) => 20 + w * w - 10 * Math.cos(glyphsTau * w) + b * b - 10 * Math.cos(glyphsTau * b) },
];

const glyphsLevels = 9;

/** @param {HTMLCanvasElement} canvas @param {Glyph} glyph */
export function paintGlyph(canvas, glyph) {
  const context = canvas.getContext("2d");
  if (context === null) return;
  if (glyph.name === "parabola") paintCurve(context, canvas, glyph);
  else paintSurface(context, canvas, glyph);
}

/** Bands of the logarithm of the value, as contours have them. @param {CanvasRenderingContext2D} context @param {HTMLCanvasElement} canvas @param {Glyph} glyph */
function paintSurface(context, { width, height }, { reach: [left, right, low, high], value, name }) {
  const at = (/** @type {number} */ i, /** @type {number} */ j) => value(left + ((right - left) * (i + 0.5)) / width, high - ((high - low) * (j + 0.5)) / height);
  const values = Float64Array.from({ length: width * height }, (_, k) => at(k % width, Math.floor(k / width)));
  const top = values.reduce((a, b) => Math.max(a, b));
  const bottom = top * (name === "saddle" || name === "rastrigin" ? 0.02 : 0.0005);
  const image = context.createImageData(width, height);
  values.forEach((each, k) => {
    const shade = Math.log(Math.max(each, bottom) / bottom) / Math.log(top / bottom);
    const rgb = shadeRgb(Math.round(shade * glyphsLevels) / glyphsLevels);
    image.data.set([...rgb, 255], 4 * k);
  });
  context.putImageData(image, 0, 0);
}

/** @param {CanvasRenderingContext2D} context @param {HTMLCanvasElement} canvas @param {Glyph} glyph */
function paintCurve(context, { width, height }, { reach: [left, right, low, high], value }) {
  context.fillStyle = `rgb(${shadeRgb(0.08).join(",")})`;
  context.fillRect(0, 0, width, height);
  context.strokeStyle = `rgb(${shadeRgb(0.95).join(",")})`;
  context.lineWidth = 4;
  context.beginPath();
  for (let i = 0; i <= width; i += 2) context.lineTo(i, height * (1 - (value(left + ((right - left) * i) / width, 0) - low) / (high - low)));
  context.stroke();
}
