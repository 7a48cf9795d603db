// @ts-check
// The verdict in sentences, the results as a table for the rates that are shown, and the numbers of the pictures.

import { make } from "./element.js";
import { formatNumber } from "./scale.js";
import { chooseRows } from "./table.js";
import { makeSwatch } from "./charts_marks.js";

const resultsRows = 40;

/**
 * @param {Record<string, HTMLElement>} slots
 * @param {any} comparison
 * @param {{setting: number}} choices
 * @returns {{update: () => void, again: () => void}} again: the setting that is shown has changed
 */
export function fillResults(slots, comparison, choices) {
  const title = make("h2.fl-run-title");
  const scroll = make("div.fl-facts", { tabindex: "0", role: "region", "aria-label": "Results", "data-scrolls": true });
  const reason = make("p.fl-run-small");
  const more = make("div.fl-more");
  slots.results.append(title, reason, scroll, more);
  const region = make("div.fl-table-scroll", { tabindex: "0", role: "region", "aria-label": "Losses and parameters of the steps", "data-scrolls": true });
  const details = make("details.fl-details", { toggle: () => fill() }, make("summary", {}, "The numbers of the pictures, as a table"), region);
  const notes = [...comparison.terms, comparison.dimensions > 2 ? "" : comparison.settings[0].plane.note, "Keys: Space plays, ← and → step, Home and End jump, P is the projector."].filter((text) => text !== "");
  slots.table.append(details, ...notes.map((text) => make("p.fl-keys", {}, text)));
  let shown = -1;
  const fill = () => {
    if (details.open) region.replaceChildren(resultsNumbers(comparison, comparison.settings[choices.setting]));
  };
  return {
    update: () => {
      if (shown === choices.setting) return;
      shown = choices.setting;
      const scene = comparison.settings[shown];
      slots.verdict.replaceChildren(
        make("h2.fl-run-title", {}, scene.titles.verdict),
        ...scene.verdict.map((/** @type {string} */ text) => make("p.fl-verdict", {}, text)),
      );
      title.textContent = scene.titles.results;
      reason.textContent = scene.reason;
      scroll.replaceChildren(namedTable(comparison, scene.table));
      more.replaceChildren(...scene.more.flatMap((/** @type {any} */ table) => [
        make("h2.fl-run-title", {}, table.title),
        make("div.fl-facts", { tabindex: "0", role: "region", "aria-label": table.title, "data-scrolls": true }, namedTable(comparison, table)),
      ]));
      fill();
    },
    again: () => {
      shown = -1;
    },
  };
}

/**
 * A written table whose first column names the optimizers.
 * @param {any} comparison
 * @param {{columns: string[], cells: string[][], numeric: boolean[]}} table
 * @returns {HTMLElement}
 */
export function namedTable(comparison, table) {
  const labels = comparison.contenders.map((/** @type {any} */ contender) => contender.label);
  /** @param {number} c @returns {Record<string, string>} */
  const side = (c) => (table.numeric[c] ? {} : { class: "fl-words-cell" });
  return make(
    "table.fl-table",
    {},
    make("thead", {}, make("tr", {}, ...table.columns.map((name, c) => make("th", { scope: "col", ...side(c) }, name)))),
    make(
      "tbody",
      {},
      ...table.cells.map((row) =>
        make(
          "tr",
          {},
          ...row.map((text, c) => {
            if (c > 0) return make("td", side(c), text);
            const index = labels.indexOf(text);
            return make("th", { scope: "row", class: "fl-words-cell" }, make("span.fl-named", {}, ...(index === -1 ? [] : [makeSwatch(index)]), text));
          }),
        ),
      ),
    ),
  );
}

/** Losses, and for one or two parameters where each stands. @param {any} comparison @param {any} scene */
function resultsNumbers(comparison, scene) {
  const names = comparison.parameter_names.length <= 2 ? comparison.parameter_names : [];
  const columns = scene.paths.flatMap((/** @type {any} */ path) => [
    [`${path.label}: loss`, (/** @type {number} */ i) => path.loss[i]],
    ...names.map((/** @type {string} */ name, /** @type {number} */ p) => [name, (/** @type {number} */ i) => path.parameters[i][p]]),
  ]);
  const cells = (/** @type {number} */ i) => columns.map((/** @type {any} */ [, value]) => make("td", {}, formatNumber(value(i))));
  return make(
    "table.fl-table",
    {},
    make("caption", {}, `Losses are of all rows${names.length > 0 ? "; parameters in the training scale" : ""}; ${scene.name}.`),
    make("thead", {}, make("tr", {}, ...["steps taken", ...columns.map((/** @type {any} */ [name]) => name)].map((name) => make("th", { scope: "col" }, name)))),
    make("tbody", {}, ...chooseRows(scene.taken.length, resultsRows).map((i) => make("tr", {}, make("th", { scope: "row" }, formatNumber(scene.taken[i], 12)), ...cells(i)))),
  );
}
