// @ts-check
// The words of a recording's page: the headline, the facts, what happened, the numbers as a table, how it was recorded.

import { make } from "./element.js";
import { whyTable } from "./words_table.js";
import { formatStep, stepsWords, tableRows } from "./recording_data.js";
import { partWords } from "./recording_parts.js";

const panelSigns = /** @type {Record<string, string>} */ ({ alarm: "!", gap: "▨", exception: "■", resumed: "↻", note: "▾" });
const panelOutcomes = /** @type {Record<string, string>} */ ({ diverged: "diverged", converged: "converged" });

/** A sentence with what stands between backticks as code. @param {string} text @returns {(string | Node)[]} */
function panelCode(text) {
  return text.split("\u0060").map((piece, i) => (i % 2 === 1 ? make("code", {}, piece) : piece));
}

/** @param {any} recording @returns {HTMLElement} */
export function recordingHeading(recording) {
  return make("div.fl-rec-heading", {}, make("div.fl-heading-line", {}, make("h1.fl-title", {}, recording.title), ...(recording.outcome === null ? [] : [make(`span.fl-outcome.fl-outcome-${panelOutcomes[recording.outcome] ?? "other"}`, {}, recording.outcome)])), make("p.fl-subtitle", {}, recording.subtitle));
}

/** @param {any} recording @returns {HTMLElement} */
export function recordingHeadline(recording) {
  const bad = recording.outcome === "diverged" ? ".fl-rec-lead-bad" : "";
  return make(
    "section.fl-rec-intro",
    { "aria-label": "In one line" },
    make(`p.fl-rec-lead${bad}`, {}, ...panelCode(recording.sentence)),
    make("dl.fl-readout.fl-rec-facts", {}, ...recording.facts.map((/** @type {any} */ fact) => make("div.fl-cell", {}, make("dt", {}, fact.label), make("dd", {}, fact.words)))),
  );
}

/** What the record shows, a paragraph for each side of it. @param {any} recording @returns {HTMLElement | null} */
export function recordingHappened(recording) {
  if (recording.paragraphs.length === 0) return null;
  const told = recording.paragraphs.map((/** @type {string[]} */ sentences) => make("p", {}, ...panelCode(sentences.join(" "))));
  return make("section.fl-rec-panel.fl-rec-told", {}, make("h2.fl-rec-h2", {}, "What happened"), make("div.fl-rec-paragraphs", {}, ...told));
}

/** @param {any} recording @param {import("./recording_zoom.js").RecZoom} zoom @returns {HTMLElement | null} */
export function recordingEvents(recording, zoom) {
  if (recording.marks.length === 0) return null;
  const items = recording.marks.map((/** @type {any} */ mark) =>
    make("li", {}, make(
      "button.fl-rec-event",
      { type: "button", title: "Show the steps around it", click: () => {
        const half = Math.max(30, (zoom.whole[1] - zoom.whole[0]) / 40);
        zoom.show(mark.step - half, mark.step + half);
        zoom.read(mark.step);
      } },
      make(`span.fl-rec-sign.fl-rec-sign-${mark.kind}`, { "aria-hidden": "true" }, panelSigns[mark.kind] ?? "▾"),
      make("span.fl-rec-event-step", {}, `step ${formatStep(mark.step)}`),
      make("span", {}, mark.sentence),
    )),
  );
  return make("section.fl-rec-panel.fl-rec-events", {}, make("h2.fl-rec-h2", {}, "Marks in the record"), make("ul.fl-rec-list", { tabindex: "0", "data-scrolls": true, "aria-label": "Marks in the record" }, ...items));
}

/**
 * The numbers of all charts as one table: about forty steps of those in sight.
 * @param {any} recording
 * @param {import("./recording_zoom.js").RecZoom} zoom
 * @returns {{element: HTMLElement, update: () => void}}
 */
export function recordingTable(recording, zoom) {
  const region = make("div.fl-table-scroll", { tabindex: "0", role: "region", "aria-label": "Numbers of the steps in sight", "data-scrolls": true });
  let shown = "";
  const update = () => {
    const now = details.open ? `${recording.rows} ${zoom.from} ${zoom.to}` : "";
    if (now === shown) return;
    shown = now;
    region.replaceChildren(...(details.open ? [panelTable(recording, zoom)] : []));
  };
  const details = make("details.fl-details.fl-rec-table", { toggle: update }, make("summary", {}, "The numbers in sight as a table"), region);
  return { element: details, update };
}

/** @param {any} recording @param {import("./recording_zoom.js").RecZoom} zoom */
function panelTable(recording, zoom) {
  const { charts, parts } = recording;
  const axis = charts[0]?.lines[0].axis;
  if (axis === undefined) return make("p", {}, "Nothing was measured.");
  const columns = [
    ...charts.flatMap((/** @type {any} */ chart) => chart.lines.map((/** @type {any} */ line) => ({ name: chart.lines.length > 1 ? `${chart.title}, ${line.name}` : chart.title, words: (/** @type {number} */ from, /** @type {number} */ to) => stepsWords(line, from, to) }))),
    ...parts.flatMap((/** @type {any} */ part) => part.labels.map((/** @type {string} */ label, /** @type {number} */ k) => ({ name: `Part of the step${parts.length > 1 ? `, ${part.name}` : ""}, ${label}`, words: (/** @type {number} */ from, /** @type {number} */ to) => partWords(part, k, from, to) }))),
  ];
  const cells = tableRows(axis, zoom.from, zoom.to).map((row) => [row.words, ...columns.map(({ words }) => words(row.from, row.to))]);
  return whyTable(["step", ...columns.map(({ name }) => name)], cells, [true, ...columns.map(() => true)], "An empty cell: not measured at these steps. Two numbers: the lowest and the highest of the steps.");
}

/** @param {any} recording @returns {HTMLElement} */
export function recordingMade(recording) {
  const { made } = recording;
  const rows = made.rows.map((/** @type {any} */ row) => make("div", {}, make("dt", {}, row.label), make("dd", {}, row.words)));
  const costs = made.costs === null ? [] : [make("div.fl-facts.fl-rec-costs", { tabindex: "0", role: "region", "aria-label": "Cost by instrument", "data-scrolls": true }, whyTable(made.costs.columns, made.costs.cells, made.costs.numeric, "What each instrument cost"))];
  const notes = made.sentences.length === 0 ? [] : [make("ul.fl-rec-notes", {}, ...made.sentences.map((/** @type {string} */ sentence) => make("li", {}, sentence)))];
  return make("section.fl-rec-panel.fl-rec-made", {}, make("h2.fl-rec-h2", {}, "How this was recorded"), make("div.fl-rec-made-columns", {}, make("dl.fl-rec-rows", {}, ...rows), make("div", {}, ...costs, ...notes)));
}

/** @param {any} recording @returns {HTMLElement} */
export function recordingHints(recording) {
  return make(
    "div.fl-rec-hints",
    {},
    make("p.fl-keys", {}, "Drag over a chart to zoom in, double click or 0 for the whole run, + and − zoom, ← and → pan, Shift with an arrow reads step by step, Ctrl with the wheel zooms. P is the projector."),
    ...recording.words.map((/** @type {string} */ sentence) => make("p.fl-rec-quiet", {}, sentence)),
  );
}
