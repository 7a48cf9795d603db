// @ts-check
// The rates as tables: the text alternative of their pictures.

import { make } from "./element.js";
import { formatNumber } from "./scale.js";
import { chooseRows } from "./table.js";

const sweepRows = 12;

/**
 * @param {HTMLElement} slot
 * @param {any} scene
 */
export function fillSweepTables(slot, scene) {
  const { rates } = scene;
  const region = make("div.fl-table-scroll", { tabindex: "0", role: "region", "aria-label": "Numbers of the rates", "data-scrolls": true });
  const details = make(
    "details.fl-details",
    {
      toggle: () => {
        if (details.open && region.childElementCount === 0) region.append(sweepRates(rates), ...rates.examples.map((/** @type {any} */ each) => sweepExample(scene, each)));
      },
    },
    make("summary", {}, `The numbers of ${formatNumber(rates.value.length)} rates, as tables`),
    region,
  );
  slot.append(make("p.fl-sweep-words", {}, [rates.advice, rates.note].filter((text) => text !== "").join(" ")), details);
}

/** @param {any} rates */
function sweepRates(rates) {
  const all = rates.value.map((/** @type {unknown} */ _, /** @type {number} */ i) => i);
  /** @type {[string, (i: number) => string][]} */
  const columns = [
    ["rate", (i) => formatNumber(rates.value[i])],
    ["zone", (i) => rates.zone[i]],
    ["final loss", (i) => formatNumber(rates.final[i])],
    ...(rates.final_low === null ? [] : /** @type {[string, (i: number) => string][]} */ ([["lowest", (i) => formatNumber(rates.final_low[i])], ["highest", (i) => formatNumber(rates.final_high[i])]])),
    ["steps to the goal", (i) => formatNumber(rates.steps_to_goal[i], 12)],
  ];
  return sweepTable("Every rate with its zone and the loss after the last step; – where the goal was not reached.", columns, all);
}

/** @param {any} scene @param {any} example */
function sweepExample({ rates, parameters }, example) {
  /** @param {number} low @param {number} high */
  const range = (low, high) => (Object.is(low, high) ? formatNumber(low) : `${formatNumber(low)} … ${formatNumber(high)}`);
  return sweepTable(
    `${example.zone}: rate ${formatNumber(rates.value[example.stop])}`,
    [
      ["steps taken", (i) => formatNumber(example.step[i], 12)],
      ["loss", (i) => range(example.loss_low[i], example.loss_high[i])],
      [parameters[0], (i) => range(example.parameter_low[i], example.parameter_high[i])],
    ],
    chooseRows(example.step.length, sweepRows),
  );
}

/** @param {string} caption @param {[string, (i: number) => string][]} columns @param {number[]} rows */
function sweepTable(caption, columns, rows) {
  return make(
    "table.fl-table",
    {},
    make("caption", {}, caption),
    make("thead", {}, make("tr", {}, ...columns.map(([name]) => make("th", { scope: "col" }, name)))),
    make("tbody", {}, ...rows.map((i) => make("tr", {}, ...columns.map(([, text], c) => make(c === 0 ? "th" : "td", c === 0 ? { scope: "row" } : {}, text(i)))))),
  );
}
