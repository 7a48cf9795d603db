// @ts-check
// The skeleton of a comparison's page, in reading order. Where things stand at each width is charts.css's business.

import { make } from "./element.js";
import { createSurface } from "./surface.js";

const comparePanels = [
  ["contour", "Seen from above"],
  ["losses", "Loss over steps"],
  ["parameters", "Parameters over steps"],
  ["inset", "Magnified"],
];

/**
 * @param {HTMLElement} el the host's element
 * @param {any} comparison
 * @param {() => void} onResize
 */
export function createCompareLayout(el, comparison, onResize) {
  const inset = comparison.settings.some((/** @type {any} */ scene) => scene.windows.some((/** @type {any} */ view) => view.id === "inset"));
  /** @type {Record<string, import("./surface.js").Surface>} */
  const surfaces = {};
  /** @type {Record<string, HTMLElement>} */
  const panels = {};
  for (const [name, title] of comparePanels) {
    if (name === "inset" && !inset) continue;
    surfaces[name] = createSurface(`fl-canvas-${name}`, onResize);
    const shown = name === "contour" && comparison.parameter_names.length === 1 ? "The loss, and where each one stands" : title;
    panels[name] = make(
      `section.fl-panel.fl-panel-${name}`,
      { "aria-label": shown },
      make("div.fl-panel-head", {}, make("h2.fl-panel-title", {}, shown)),
      surfaces[name].canvas,
    );
  }
  const slots = {
    header: make("header.fl-header"),
    transport: make("div.fl-transport", { role: "group", "aria-label": "Playing the runs" }),
    legend: make("section.fl-panel.fl-panel-legend", { "aria-label": "The optimizers" }),
    verdict: make("section.fl-run.fl-compare-verdict", { "aria-label": "The verdict" }),
    results: make("section.fl-compare-results", { "aria-label": "The results" }),
    basins: make("section.fl-basins", { "aria-label": "Which start ends in which minimum" }),
    table: make("section.fl-numbers", { "aria-label": "The numbers as a table" }),
    ...Object.fromEntries(Object.entries(panels).map(([name, panel]) => [`${name}Head`, /** @type {HTMLElement} */ (panel.firstElementChild)])),
  };
  const { contour, losses, parameters } = panels;
  const middle = make("div.fl-compare-middle", {}, slots.legend, ...(inset ? [panels.inset] : []));
  const side = make("div.fl-compare-side", {}, losses, parameters);
  const body = make("div.fl-compare", {}, contour, slots.transport, middle, side, slots.verdict, slots.results);
  if (comparison.basins !== null) body.append(slots.basins);
  body.append(slots.table);
  const root = make("div.fl", { tabindex: "-1" }, slots.header, body);
  el.append(root);
  return {
    root,
    surfaces,
    slots,
    /** Where nothing is magnified at these rates, another picture takes that place. @param {boolean} shown */
    showInset: (shown) => {
      if (inset) panels.inset.hidden = !shown;
      const home = shown ? side : middle;
      if (parameters.parentElement !== home) home.append(parameters);
    },
    stop: () => {
      Object.values(surfaces).forEach((surface) => surface.stop());
      root.remove();
    },
  };
}
