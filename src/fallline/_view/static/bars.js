// @ts-check
// Numbers as bars from one zero line, and rates as places on a track up to their limit: tables first, pictures beside the numbers.

import { make } from "./element.js";
import { makeGauge } from "./gauge.js";

/**
 * @typedef {{name: string, text: string, value: number, error: number, kind: string, gap?: undefined} | {gap: string}} BarsRow
 * kind: up, down, or none (0 within its error)
 * @param {{title: string, caption: string, columns: string[], rows: BarsRow[], end: number | null}} bars end: where the longest possible bar ends, null where the longest bar does
 * @returns {HTMLElement}
 */
export function makeBars({ title, caption, columns, rows, end }) {
  const told = rows.flatMap((row) => (row.gap === undefined ? [row] : []));
  const low = Math.min(0, ...told.map(({ value, error }) => value - error));
  const high = Math.max(end ?? 0, ...told.map(({ value, error }) => value + error));
  const place = (/** @type {number} */ value) => (high > low ? (100 * (value - low)) / (high - low) : 0);
  const heads = [...columns, ""].map((name, c) => make("th", { scope: "col", class: c === 1 ? "" : "fl-words-cell" }, name));
  const lines = rows.map((row) =>
    row.gap === undefined
      ? make("tr", {}, make("th", { scope: "row", class: "fl-words-cell" }, row.name), make("td", {}, row.text), make("td.fl-bars-cell", {}, barsTrack(row, place)))
      : make("tr.fl-bars-gap", {}, make("td", { colspan: 3, class: "fl-words-cell" }, row.gap)),
  );
  const table = make("table.fl-bars", {}, make("thead", {}, make("tr", {}, ...heads)), make("tbody", {}, ...lines));
  return make("figure.fl-figure", {}, make("h3.fl-figure-title", {}, title), table, make("figcaption", {}, caption));
}

/** @param {any} row @param {(value: number) => number} place in % */
function barsTrack({ value, error, kind }, place) {
  const [from, to] = [Math.min(0, value), Math.max(0, value)].map(place);
  const bar = make(`span.fl-bars-bar.fl-bars-${kind}`);
  Object.assign(bar.style, { left: `${from}%`, width: `max(2px, ${to - from}%)` });
  const zero = make("span.fl-bars-zero");
  zero.style.left = `${place(0)}%`;
  const parts = [zero, bar];
  if (error > 0 && Number.isFinite(error)) {
    const spread = make("span.fl-bars-error");
    Object.assign(spread.style, { left: `${place(value - error)}%`, width: `${place(value + error) - place(value - error)}%` });
    parts.push(spread);
  }
  return make("div.fl-bars-track", { "aria-hidden": "true" }, ...parts);
}

/**
 * Each rate on its way to its limit, with the words that say what the limit rests on.
 * @param {{title: string, rows: {name: string, share: number | null, value: number, limit: number | null, words: string}[]}} gauges
 * @returns {HTMLElement}
 */
export function makeGauges({ title, rows }) {
  return make(
    "figure.fl-figure",
    {},
    make("h3.fl-figure-title", {}, title),
    ...rows.map(({ name, share, value, limit, words }) =>
      make("div.fl-share", {}, make("p.fl-share-name", {}, make("b", {}, name)), ...(share === null || limit === null ? [] : [makeGauge({ share, value, limit, crossing: null })]), make("p.fl-share-words", {}, words)),
    ),
  );
}
