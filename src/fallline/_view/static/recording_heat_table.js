// @ts-check
// A heat map as a table, for whoever does not see it: a few of the columns in sight.

import { make } from "./element.js";
import { cellWords, formatStep } from "./recording_data.js";

const heatTableColumns = 8;

/** The steps of a column in words. @param {any} map @param {number} column */
export function heatSteps(map, column) {
  const [first, last] = [map.first[column], map.last[column]];
  return first === last ? `step ${formatStep(first)}` : `steps ${formatStep(first)} to ${formatStep(last)}`;
}

/** @param {string} label @param {string[]} cells */
function heatRowOf(label, cells) {
  return make("tr", {}, make("th", { scope: "row", class: "fl-words-cell" }, label), ...cells.map((words) => make("td", {}, words)));
}

/** The map as a table, made when it is opened: a few columns in sight. @param {import("./recording_heat.js").HeatOptions} options @param {any} state */
export function heatTable(options, state) {
  const { extra } = options;
  const region = make("div.fl-table-scroll", { tabindex: "0", role: "region", "aria-label": `${options.name} as a table`, "data-scrolls": true });
  const fill = () => {
    if (!details.open) {
      region.replaceChildren();
      return;
    }
    const { map } = options;
    const quantity = map.quantities[state.quantity];
    const [from, to] = options.domain();
    const inSight = [...map.first.keys()].filter((c) => options.edges.right[c] > from && options.edges.left[c] < to);
    const count = Math.min(heatTableColumns, inSight.length);
    const chosen = [...new Set(Array.from({ length: count }, (_, i) => inSight[count === 1 ? 0 : inSight.length - 1 - Math.round(((count - 1 - i) * (inSight.length - 1)) / (count - 1))]))];
    region.replaceChildren(
      make(
        "table.fl-table",
        {},
        make("caption", {}, `${quantity.title}${map.size > 1 ? ", the highest of each column's measurements" : ""}`),
        make("thead", {}, make("tr", {}, make("th", { scope: "col", class: "fl-words-cell" }, "layer"), ...chosen.map((c) => make("th", { scope: "col" }, heatSteps(map, c))))),
        make("tbody", {}, ...(extra === undefined ? [] : [heatRowOf(extra.label, chosen.map(extra.words))]), ...map.labels.map((/** @type {string} */ label, /** @type {number} */ row) => heatRowOf(label, chosen.map((c) => cellWords(quantity, c * map.labels.length + row))))),
      ),
    );
  };
  const details = make("details.fl-details", { toggle: fill }, make("summary", {}, "The map as a table"), region);
  return { element: details, update: fill };
}
