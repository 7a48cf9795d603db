// @ts-check
// What is said beside the picture of a surface: how far it can be trusted, and the loss under the pointer.

import { make, setText } from "./element.js";
import { formatNumber } from "./scale.js";
import { plotLayout } from "./plot.js";
import { readTheme } from "./theme.js";

/** @param {any} scene @returns {HTMLElement} */
export function cutHonesty(scene) {
  return make("section.fl-cut-honesty", { "aria-label": "What this picture shows, and hides" }, make("h2", {}, "What this picture shows, and hides"), make("ul", {}, ...scene.sentences.map((/** @type {string} */ text) => make("li", {}, text))));
}

/**
 * The panel beside a live picture; the pointer over the contour is told the loss there.
 * @param {any} scene the surface @param {any} live the live picture's scene @param {{panels: Record<string, HTMLElement>, surfaces: Record<string, import("./surface.js").Surface>, root: HTMLElement}} page
 * @returns {HTMLElement}
 */
export function cutBeside(scene, live, { surfaces, panels, root }) {
  const panel = cutHonesty(scene);
  panel.classList.add("fl-panel");
  panel.tabIndex = 0; // it may scroll
  panel.dataset.scrolls = "true";
  const marks = [...(scene.not_finite > 0 ? ["crosses: not finite"] : []), ...(scene.unseen > 0 ? ["stripes: not evaluated"] : [])];
  const key = `${[...marks, "Point at the picture to read its loss"].join(" · ")}.`;
  const readout = make("p.fl-cut-readout", {}, key);
  panels.contour.append(readout);
  const { canvas } = surfaces.contour;
  canvas.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => {
    const pen = /** @type {CanvasRenderingContext2D | null} */ (canvas.getContext("2d"));
    if (pen === null) return;
    pen.save();
    const { x, y } = plotLayout(pen, live.windows[0], { width: canvas.clientWidth, height: canvas.clientHeight }, readTheme(root), true);
    pen.restore();
    setText(readout, cutWords(scene, x.invert(event.offsetX), y.invert(event.offsetY)) || key);
  });
  canvas.addEventListener("pointerleave", () => setText(readout, key));
  return panel;
}

/** The loss of the cell at a point, empty outside the picture. @param {any} scene @param {number} x @param {number} y @returns {string} */
function cutWords(scene, x, y) {
  const [across, up] = [(x - scene.x[0]) / (scene.x[1] - scene.x[0]), (y - scene.y[0]) / (scene.y[1] - scene.y[0])];
  if (!(across >= 0 && across <= 1 && up >= 0 && up <= 1)) return "";
  const row = scene.loss[Math.round(up * (scene.loss.length - 1))];
  const loss = row[Math.round(across * (row.length - 1))];
  const where = `(${formatNumber(x, 3)}, ${formatNumber(y, 3)})`;
  if (loss === null) return `${where}: not evaluated.`;
  return Number.isFinite(loss) ? `${where}: loss ${formatNumber(loss)}.` : `${where}: the loss is not finite.`;
}
