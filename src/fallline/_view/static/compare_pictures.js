// @ts-check
// Every canvas of the page of a comparison: who draws it, and what it says to those who cannot see it.

import { make, setText } from "./element.js";
import { formatNumber } from "./scale.js";
import { createCompareContour } from "./compare_contour.js";
import { describeRates, drawRatesChart } from "./chart_rates.js";
import { drawCompareLosses, drawCompareParameters } from "./compare_charts.js";
import { legendLoss } from "./compare_legend.js";

/**
 * @param {any} comparison
 * @param {Record<string, import("./surface.js").Surface>} surfaces
 * @param {Record<string, HTMLElement>} slots
 * @param {any} choices
 * @param {() => void} onChange
 * @param {(context: CanvasRenderingContext2D, theme: any, where: any) => void} over draws over the contour
 * @returns {{draw: (scene: any, state: any, theme: any) => void}}
 */
export function createComparePictures(comparison, surfaces, slots, choices, onChange, over) {
  const contour = createCompareContour();
  const zoom = make("button.fl-button.fl-button-small.fl-zoom", { type: "button", click: () => { choices.windowId = compareZoomed(zoomable, choices.windowId); onChange(); } });
  /** @type {string[]} */
  let zoomable = [];
  /** @type {string[]} */
  let hides = [];
  slots.contourHead.append(make("div.fl-switches", {}, zoom));
  if (comparison.parameter_names.length > 2) slots.parametersHead.append(compareParameterMenu(comparison, choices, onChange));
  /** @type {Record<string, (context: CanvasRenderingContext2D, size: any, scene: any, state: any, theme: any) => void>} */
  const all = {
    contour: (context, size, scene, state, theme) => contour.draw(context, size, scene, state, theme, state.windowId, over),
    inset: (context, size, scene, state, theme) => contour.draw(context, size, scene, state, theme, "inset"),
    losses: drawCompareLosses,
    parameters: drawCompareParameters,
    rates: drawRatesChart,
  };
  const words = { contour: "The loss with every path on it.", inset: "The same, magnified.", losses: "Loss over steps.", parameters: "Parameters over steps.", rates: "" };
  return {
    draw: (scene, state, theme) => {
      zoomable = ["main", "wide", "wider"].filter((id) => scene.windows.some((/** @type {any} */ view) => view.id === id));
      zoom.hidden = zoomable.length < 2;
      setText(zoom, compareZoomed(zoomable, choices.windowId) === "main" ? "zoom back in" : "zoom out × 10");
      if (hides !== scene.hidden) {
        hides = scene.hidden;
        slots.hidden.replaceChildren(...hides.map((/** @type {string} */ text) => make("li", {}, text)));
      }
      const told = [comparePlaces(scene, state), ...scene.hidden].join(" ");
      for (const [name, surface] of Object.entries(surfaces)) {
        if (state.mode !== "idle" && !surface.inSight()) continue;
        surface.paint((context, size) => all[name](context, size, scene, state, theme));
        if (state.mode === "idle") surface.describe(name === "rates" ? describeRates(scene) : `${words[/** @type {keyof typeof words} */ (name)]} ${told}`);
      }
    },
  };
}

/** @param {string[]} zoomable @param {string} id */
function compareZoomed(zoomable, id) {
  return zoomable[(zoomable.indexOf(id) + 1) % Math.max(1, zoomable.length)] ?? "main";
}

/** Where everybody stands, in words. @param {any} scene @param {any} state */
function comparePlaces(scene, state) {
  const steps = scene.taken[state.moment];
  const each = scene.paths
    .filter((/** @type {any} */ path) => !state.hidden.has(path.index))
    .map((/** @type {any} */ path) => {
      const values = path.parameters === null ? [] : path.parameters[state.moment].slice(0, 4);
      const where = values.map((/** @type {number} */ value, /** @type {number} */ p) => `${scene.parameters[p]} ${formatNumber(value)}, `).join("");
      return `${path.label}: ${where}loss ${formatNumber(legendLoss(path, state.moment))}`;
    });
  return `After ${formatNumber(steps, 12)} ${steps === 1 ? "step" : "steps"}, ${scene.name}: ${each.join("; ")}.`;
}

/** Which of many parameters is plotted. @param {any} comparison @param {any} choices @param {() => void} onChange */
function compareParameterMenu(comparison, choices, onChange) {
  const menu = make("select.fl-menu", { "aria-label": "Parameter", change: () => { choices.parameter = menu.selectedIndex; onChange(); } }, ...comparison.parameter_names.map((/** @type {string} */ name) => make("option", {}, name)));
  return menu;
}
