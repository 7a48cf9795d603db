// @ts-check
// The skeleton of a comparison's page, in reading order. Where things stand at each width is charts.css's business.

import { make } from "./element.js";
import { formatNumber } from "./scale.js";
import { createSurface } from "./surface.js";

const comparePanels = [
  ["contour", "Seen from above"],
  ["losses", "Loss over steps"],
  ["parameters", "Parameters over steps"],
  ["inset", "Magnified"],
  ["rates", "Where each rate ended"],
];

/** The zones by name, each with its colour and where it was measured. @param {any} rates */
function rateZones(rates) {
  const words = (/** @type {any} */ { low, high }) => (low === high ? formatNumber(low) : `${formatNumber(low)} … ${formatNumber(high)}`);
  return make("ul.fl-key.fl-zone-key", {}, ...rates.zones.map((/** @type {any} */ zone) => make(`li.fl-zone-${zone.name.replace(" ", "-")}`, {}, make("b", {}, zone.name), ` ${words(zone)}`)));
}

/**
 * @param {HTMLElement} el the host's element
 * @param {any} comparison
 * @param {() => void} onResize
 */
export function createCompareLayout(el, comparison, onResize) {
  const asks = (comparison.accepts ?? []).length > 0; // other comparisons may follow on the same canvases
  const inset = (asks && comparison.dimensions > 1) || comparison.settings.some((/** @type {any} */ scene) => scene.windows.some((/** @type {any} */ view) => view.id === "inset"));
  /** @type {Record<string, import("./surface.js").Surface>} */
  const surfaces = {};
  /** @type {Record<string, HTMLElement>} */
  const panels = {};
  for (const [name, title] of comparePanels) {
    if ((name === "rates" && comparison.rates === null) || (name === "inset" && !inset) || (name === "parameters" && comparison.parameter_names.length === 0)) continue;
    surfaces[name] = createSurface(`fl-canvas-${name}`, onResize);
    const shown = name === "contour" && comparison.parameter_names.length === 1 ? "The loss, and where each one stands" : title;
    panels[name] = make(
      `section.fl-panel.fl-panel-${name}`,
      { "aria-label": shown },
      make("div.fl-panel-head", {}, make("h2.fl-panel-title", {}, shown)),
      surfaces[name].canvas,
    );
  }
  if (panels.rates) /** @type {HTMLElement} */ (panels.rates.firstElementChild).after(rateZones(comparison.rates));
  const slots = {
    header: make("header.fl-header"),
    transport: make("div.fl-transport", { role: "group", "aria-label": "Playing the runs" }),
    legend: make("section.fl-panel.fl-panel-legend", { "aria-label": comparison.words.runs }),
    verdict: make("section.fl-run.fl-compare-verdict", { "aria-label": "The verdict" }),
    results: make("section.fl-compare-results", { "aria-label": "The results" }),
    basins: make("section.fl-basins", { "aria-label": "Which start ends in which minimum" }),
    table: make("section.fl-numbers", { "aria-label": "The numbers as a table" }),
    ...Object.fromEntries(Object.entries(panels).map(([name, panel]) => [`${name}Head`, /** @type {HTMLElement} */ (panel.firstElementChild)])),
  };
  const { contour, losses, parameters } = panels;
  const hidden = make("ul.fl-hidden");
  const hides = make("section.fl-panel.fl-panel-hidden", { "aria-label": "What the picture hides" }, make("div.fl-panel-head", {}, make("h2.fl-panel-title", {}, "What the picture hides")), hidden);
  const middle = make("div.fl-compare-middle", {}, slots.legend, ...(comparison.dimensions > 2 ? [hides] : []), ...(inset ? [panels.inset] : []));
  const side = make("div.fl-compare-side", {}, ...(panels.rates ? [panels.rates] : []), losses, ...(parameters ? [parameters] : []));
  const body = make(`div.fl-compare${parameters ? "" : ".fl-compare-two"}`, {}, contour, slots.transport, middle, side, slots.verdict, slots.results);
  if (comparison.basins !== null || asks) body.append(slots.basins);
  body.append(slots.table);
  const root = make("div.fl", { tabindex: "-1" }, slots.header, body);
  el.append(root);
  return {
    root,
    surfaces,
    slots: { ...slots, hidden },
    /** Empties what is filled from a comparison; the canvases and the transport stay. */
    clear: () => {
      for (const slot of [slots.header, slots.legend, slots.verdict, slots.results, slots.basins, slots.table]) slot.replaceChildren();
      for (const panel of Object.values(panels)) panel.querySelectorAll(".fl-switches, .fl-menu").forEach((each) => each.remove());
    },
    /** Where nothing is magnified at these rates, another picture takes that place. @param {boolean} shown */
    showInset: (shown) => {
      if (inset) panels.inset.hidden = !shown;
      const home = shown ? side : middle;
      if (parameters && parameters.parentElement !== home) home.append(parameters);
    },
    stop: () => {
      Object.values(surfaces).forEach((surface) => surface.stop());
      root.remove();
    },
  };
}
