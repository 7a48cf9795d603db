// @ts-check
// The group "Data": the textbook line and what it is made of, or a table of one's own, and the points that were changed by hand.

import { make, setText } from "../../_view/static/element.js";
import { formatNumber } from "../../_view/static/scale.js";
import { choiceField, controlGroup, rangeField, smallButton } from "./widgets.js";
import { withData } from "./settings.js";

/** @typedef {import("./controls.js").ControlsHost} ControlsHost */
/** @typedef {import("./controls.js").ControlsGroup} ControlsGroup */

const dataHint = "In the picture of the data: drag a point to move it, click to add one.";

/** What the line is made of. @type {[string, import("./widgets.js").RangeOptions][]} */
const dataFields = [
  ["noise", { label: "Noise", words: "scatter about the line", low: 0, high: 5, step: 0.1, most: 1000 }],
  ["points", { label: "Points", words: "how many", low: 5, high: 1000, log: true, whole: true, least: 2, most: 10_000 }],
  ["outliers", { label: "Outliers", words: "points far off", low: 0, high: 20, whole: true, most: 10_000 }],
  ["slope", { label: "True slope", low: -5, high: 5, step: 0.1, least: -1000, most: 1000 }],
  ["intercept", { label: "True intercept", low: -10, high: 10, step: 0.1, least: -1000, most: 1000 }],
];

/** @param {ControlsHost} host @returns {ControlsGroup} */
export function dataControls(host) {
  const settle = (/** @type {any} */ data, /** @type {boolean} */ settled, /** @type {string} */ cause) => host.patch(withData(host.settings(), data), settled, cause);
  /** @type {Record<string, import("./widgets.js").Field>} */
  const fields = {};
  for (const [key, options] of dataFields) {
    fields[key] = rangeField(options, (value, settled) => settle({ ...host.settings().data, [key]: value }, settled, key));
  }
  const table = dataTable(host, settle);
  Object.assign(fields, table.fields);
  const by = make("span");
  const undo = smallButton("Undo all", () => host.patch({ ...host.settings(), edits: [] }, true, "edits"), "Undo all changes made by hand");
  const hand = make("p.st-hand", {}, by, undo);
  const hint = make("p.st-words.st-hint", {}, dataHint);
  const group = controlGroup({ title: "Data", open: true, reset: () => settle(host.defaults.data, true, "data") }, table.chosen, ...dataFields.map(([key]) => fields[key].el), table.el, hand, hint);
  return {
    el: group.el,
    fields,
    update: (settings, payload) => {
      const { data, edits } = settings;
      const line = data.kind === "line";
      for (const [key] of dataFields) {
        fields[key].show(line && host.shows(key));
        if (line) fields[key].set(data[key]);
      }
      table.update(settings);
      hand.hidden = edits.length === 0;
      const several = data.kind === "upload" && (data.features?.length ?? 0) > 1;
      setText(hint, several ? "With several columns there is no picture of the points to drag them in: choose one column for that." : dataHint);
      hint.hidden = !several && payload !== null && !(payload.accepts ?? ["points"]).includes("points");
      setText(by, `${formatNumber(edits.length)} ${edits.length === 1 ? "change" : "changes"} made by hand`);
      const words = line ? `line, ${formatNumber(data.points)} points` : data.kind === "points" ? `${formatNumber((data.x ?? []).length)} points` : (table.name() || "a table");
      group.say(words, JSON.stringify(data) !== JSON.stringify(host.defaults.data) || edits.length > 0);
    },
  };
}

/** A table of one's own: choosing it, its target and its features. @param {ControlsHost} host @param {(data: any, settled: boolean, cause: string) => void} settle */
function dataTable(host, settle) {
  const name = make("strong.st-table-name");
  const back = smallButton("Back to the textbook line", () => settle(host.defaults.data, true, "table"));
  const chosen = make("div.st-table-chosen", { hidden: true }, make("p", {}, "Your table: ", name), back);
  const choose = smallButton("Use a table of your own …", host.chooseFile);
  const words = make("p.st-words", {}, "CSV, TSV, Parquet or JSON lines: choose it or drop it anywhere on this page. It stays on this computer.");
  const fault = make("p.st-fault", { role: "alert" });
  const table = { el: make("div.st-field", {}, choose, words, fault), tell: (/** @type {string} */ sentence) => setText(fault, sentence), set: () => {}, show: (/** @type {boolean} */ shown) => { table.el.hidden = !shown; } };
  const target = choiceField({ label: "Predict", choices: [] }, (value) => {
    const { data } = host.settings();
    const others = data.features.filter((/** @type {string} */ each) => each !== value);
    settle({ ...data, target: value, features: others.length > 0 ? others : [data.target] }, true, "target");
  });
  const boxes = make("div.st-boxes", { role: "group", "aria-label": "Predict it from" });
  const boxesFault = make("p.st-fault", { role: "alert" });
  const features = { el: make("div.st-field", {}, make("p.st-label", {}, "from"), boxes, boxesFault), tell: (/** @type {string} */ sentence) => setText(boxesFault, sentence), set: () => {}, show: (/** @type {boolean} */ shown) => { features.el.hidden = !shown; } };
  const el = make("div.st-table", {}, target.el, features.el, table.el);
  /** @param {string} column @param {boolean} on */
  const pick = (column, on) => {
    const { data } = host.settings();
    const now = on ? [...data.features, column] : data.features.filter((/** @type {string} */ each) => each !== column);
    if (now.length === 0) features.tell("One column at least, please.");
    else settle({ ...data, features: now }, true, "features");
    if (now.length === 0) dataBoxes(boxes, host.columns(), data, pick);
  };
  return {
    el,
    chosen,
    fields: { table, target, features },
    name: () => name.textContent ?? "",
    /** @param {import("./settings.js").Settings} settings */
    update: ({ data }) => {
      const upload = data.kind === "upload";
      const known = host.columns();
      const columns = known.length > 0 ? known : upload ? [data.target, ...data.features] : [];
      chosen.hidden = data.kind === "line" || !host.shows("table");
      setText(name, upload ? (host.tableName()) : "points");
      target.show(upload && host.shows("target"));
      features.show(upload && host.shows("features"));
      table.show(host.shows("table"));
      setText(choose, upload ? "Use another table …" : "Use a table of your own …");
      words.hidden = upload;
      if (!upload) return;
      target.offer(columns.map((/** @type {string} */ column) => [column, column]));
      target.set(data.target);
      dataBoxes(boxes, columns.filter((/** @type {string} */ column) => column !== data.target), data, pick);
    },
  };
}

/** @param {HTMLElement} place @param {string[]} columns @param {any} data @param {(column: string, on: boolean) => void} pick */
function dataBoxes(place, columns, data, pick) {
  const at = /** @type {HTMLElement | null} */ (document.activeElement)?.dataset.column;
  place.replaceChildren(...columns.map((column) => make("label.st-box", {}, make("input", { type: "checkbox", checked: data.features.includes(column), "data-column": column, change: (/** @type {any} */ event) => pick(column, event.target.checked) }), column)));
  if (at !== undefined) [...place.querySelectorAll("input")].find((box) => box.dataset.column === at)?.focus(); // made anew: the focus stays
}
