// @ts-check
// A table of cells that are written already.

import { make } from "./element.js";

/**
 * A table of cells that are written already.
 * @param {string[]} columns @param {string[][]} cells @param {boolean[]} numeric @param {string} caption
 * @returns {HTMLElement}
 */
export function whyTable(columns, cells, numeric, caption) {
  /** @type {(c: number) => Record<string, string>} */
  const side = (c) => (numeric[c] ? {} : { class: "fl-words-cell" });
  return make(
    "table.fl-table",
    {},
    ...(caption ? [make("caption", {}, caption)] : []),
    make("thead", {}, make("tr", {}, ...columns.map((name, c) => make("th", { scope: "col", ...side(c) }, name)))),
    make("tbody", {}, ...cells.map((row) => make("tr", {}, ...row.map((text, c) => make(c === 0 ? "th" : "td", { ...(c === 0 ? { scope: "row" } : {}), ...side(c) }, text))))),
  );
}
