// @ts-check
// What an answer shows: curves as charts (with their numbers in words and as a table), facts as tables.

import { make } from "./element.js";
import { whyTable } from "./words_table.js";
import { formatNumber } from "./scale.js";
import { chooseRows } from "./table.js";
import { makeLegend, makeSwatch, seriesDash } from "./charts_marks.js";

const whyRows = 14;

/**
 * How each series is drawn. What is asked about is strong, the wrong way dashed, theory dotted; the others take turns.
 * @param {any} curves
 * @returns {{index: number | null, dash: number[], kind: string}[]} index of colour and shape
 */
function whyStyles(curves) {
  let next = 0;
  return curves.series.map((/** @type {any} */ series) => {
    if (series.kind === "theory") return { index: null, dash: [2, 4], kind: "theory" };
    if (series.kind === "wrong") return { index: null, dash: [8, 5], kind: "wrong" };
    const index = next;
    next += 1;
    return { index, dash: series.kind === "main" && index === 0 ? [] : seriesDash(index), kind: series.kind };
  });
}

/**
 * @param {any} curves
 * @param {any} theme with `series` and `bad`
 * @returns {import("./charts_lines.js").LineChart}
 */
export function whyChart(curves, theme) {
  const styles = whyStyles(curves);
  return {
    lines: curves.series.map((/** @type {any} */ series, /** @type {number} */ i) => {
      const { index, dash, kind } = styles[i];
      return {
        name: series.name,
        x: series.x,
        y: series.y,
        colour: index === null ? (kind === "theory" ? theme.muted : theme.bad) : theme.series[index % theme.series.length],
        dash,
        width: kind === "main" ? 3 : 2,
        points: series.points,
        marker: series.points ? (index ?? 6) : null,
      };
    }),
    xName: curves.x_title,
    yName: curves.y_title,
    logX: curves.log_x,
    logY: curves.log_y,
    marks: curves.marks,
  };
}

/** @param {any} curves @returns {HTMLElement} */
export function whyLegend(curves) {
  const styles = whyStyles(curves);
  return makeLegend(
    curves.series.map((/** @type {any} */ series, /** @type {number} */ i) => {
      const { index, dash, kind } = styles[i];
      const colour = index === null ? `var(--fl-${kind === "theory" ? "muted" : "bad"})` : undefined;
      return { name: series.name, swatch: makeSwatch(index ?? 6, { dash, marker: series.points, line: !series.points, colour }) };
    }),
  );
}

/**
 * A chart in words: what is plotted, and where each series begins and ends.
 * @param {any} curves
 * @returns {string}
 */
export function describeCurves(curves) {
  const each = curves.series.map((/** @type {any} */ series) => {
    const last = series.x.length - 1;
    if (last < 0) return `${series.name}: nothing was measured.`;
    return `${series.name}: ${formatNumber(series.y[0])} at ${formatNumber(series.x[0])}, ${formatNumber(series.y[last])} at ${formatNumber(series.x[last])}.`;
  });
  const marks = curves.marks.map((/** @type {any} */ mark) => `${mark.name}: ${formatNumber(mark.value)}.`);
  return [`${curves.title}. ${curves.y_title} against ${curves.x_title}.`, ...each, ...marks].join(" ");
}

/** @param {any} curves @returns {HTMLElement} */
export function whyCurvesTable(curves) {
  const rows = curves.series.flatMap((/** @type {any} */ series) =>
    chooseRows(series.x.length, whyRows).map((i) => [series.name, formatNumber(series.x[i]), formatNumber(series.y[i])]),
  );
  return whyTable(["", curves.x_title, curves.y_title], rows, [false, true, true], "About a dozen points of each line.");
}

/** @param {any} facts @returns {HTMLElement} */
export function whyFactsTable(facts) {
  const scroll = make("div.fl-facts", { tabindex: "0", role: "region", "aria-label": facts.title }, whyTable(facts.columns, facts.cells, facts.numeric, ""));
  return make("figure.fl-figure", {}, make("h3.fl-figure-title", {}, facts.title), scroll, make("figcaption", {}, facts.caption));
}
