// @ts-check
// The same numbers as a table: the text alternative of every canvas.

import { make, setText } from "./element.js";
import { formatNumber } from "./scale.js";

const tableRows = 40;

/**
 * A closed details element; the table is built when it is first opened.
 * @param {HTMLElement} slot
 * @param {any} scene
 * @returns {{update: () => void}} to call when the scene shows another run
 */
export function fillTable(slot, scene) {
  if (scene.frames.step.length === 0) return { update: () => {} };
  const region = make("div.fl-table-scroll", { tabindex: "0", role: "region", "aria-label": "Numbers of the steps", "data-scrolls": true });
  const summary = make("summary");
  const fill = () => {
    const chosen = chooseRows(scene.frames.step.length, tableRows);
    setText(summary, `The numbers of ${chosen.length === 1 ? "the step" : `${chosen.length} steps`}, as a table`);
    if (details.open) region.replaceChildren(tableElement(scene, chosen));
    else region.replaceChildren();
  };
  const details = make("details.fl-details", { toggle: fill }, summary, region);
  fill();
  slot.append(
    details,
    make(
      "p.fl-keys",
      {},
      "Keys: Space plays, ← and → step, Home and End jump, P is the projector, 0 and T turn the bowl back and look from above.",
    ),
  );
  return { update: fill };
}

/**
 * About n of the indices 0 … count − 1, logarithmically spaced, the first and the last among them.
 * @param {number} count
 * @param {number} n
 * @returns {number[]}
 */
export function chooseRows(count, n) {
  if (count <= n) return Array.from({ length: count }, (_, i) => i);
  const found = new Set();
  for (let part = 0; found.size < n && part <= 4 * n; part += 1) found.add(Math.round(Math.expm1((part / (4 * n)) * Math.log(count))));
  const all = [...found].filter((index) => index < count);
  const spaced = Array.from({ length: n }, (_, i) => all[Math.round((i * (all.length - 1)) / (n - 1))]);
  return [...new Set([...spaced.slice(0, -1), count - 1])];
}

/** @param {any} scene @param {number[]} chosen */
function tableElement(scene, chosen) {
  const { frames, parameters } = scene;
  /** @type {[string, (i: number) => string][]} */
  const columns = [
    ["step", (i) => formatNumber(frames.step[i], 12)],
    ...(frames.epoch === null ? [] : [/** @type {[string, (i: number) => string]} */ (["epoch", (i) => formatNumber(frames.epoch[i], 12)])]),
    ...(frames.learning_rate === null ? [] : [/** @type {[string, (i: number) => string]} */ (["rate", (i) => formatNumber(frames.learning_rate[i])])]),
    ["loss before", (i) => formatNumber(frames.loss[i])],
    ["loss after", (i) => formatNumber(frames.loss_after[i])],
    ...parameters.map((/** @type {string} */ name, /** @type {number} */ p) => [
      `${name} after`,
      (/** @type {number} */ i) => formatNumber(frames.end[i][p]),
    ]),
    ...(frames.gradient_norm ? tableSlopes(frames) : parameters.map((/** @type {string} */ name, /** @type {number} */ p) => [
      `slope of ${name}`,
      (/** @type {number} */ i) => formatNumber(frames.gradient[i][p]),
    ])),
    ["promised", (i) => formatNumber(frames.first_order_change[i])],
    ["came", (i) => formatNumber(frames.real_change[i])],
    ["reach", (i) => (frames.reach[i] === null ? frames.reach_note[i] : formatNumber(frames.reach[i]))],
    ...tableBeside(scene),
  ];
  const caption = frames.gradient_norm ? "Gradients and distances are those of the whole space; places are coordinates of the plane." : "Losses and changes are of each step's own batch; parameters and slopes in the training scale.";
  return make(
    "table.fl-table",
    {},
    make("caption", {}, caption),
    make("thead", {}, make("tr", {}, ...columns.map(([name]) => make("th", { scope: "col" }, name)))),
    make(
      "tbody",
      {},
      ...chosen.map((i) =>
        make("tr", {}, ...columns.map(([, text], c) => (c === 0 ? make("th", { scope: "row" }, text(i)) : make("td", {}, text(i))))),
      ),
    ),
  );
}

/** Of a whole gradient only its length, and how much of it lies in the plane. @param {any} frames @returns {[string, (i: number) => string][]} */
function tableSlopes(frames) {
  return [
    ["gradient", (i) => formatNumber(frames.gradient_norm[i])],
    ["of it in the plane", (i) => (frames.gradient_share[i] === null ? "–" : `${formatNumber(100 * frames.gradient_share[i], 3)} %`)],
  ];
}

/** Of a path that does not lie in the plane. @param {any} scene @returns {[string, (i: number) => string][]} */
function tableBeside({ frames, plane }) {
  if (plane.kind !== "path" || !frames.gradient_norm) return [];
  return [
    ["plane's loss under it", (i) => formatNumber(frames.plane_loss[i])],
    ["distance from the plane", (i) => formatNumber(frames.distance[i], 3)],
  ];
}
