// @ts-check
// Who is who: each optimizer's colour, dash and shape, its rate and its loss now. A switch hides it, its name picks it: then the parts of its
// step are drawn.

import { make, setText } from "./element.js";
import { formatNumber } from "./scale.js";
import { makeSwatch } from "./charts_marks.js";

/**
 * @param {HTMLElement} slot
 * @param {any} comparison
 * @param {{hidden: Set<number>, selected: number}} choices changed in place
 * @param {() => void} onChange
 * @returns {{update: (scene: any, state: any) => void}}
 */
export function fillLegend(slot, comparison, choices, onChange) {
  const rows = comparison.contenders.map((/** @type {any} */ contender, /** @type {number} */ i) => legendRow(contender, i, choices, onChange, comparison.words.pick));
  const key = make("p.fl-legend-key");
  slot.append(
    make("div.fl-panel-head", {}, make("h2.fl-panel-title", {}, comparison.words.runs), make("span.fl-legend-hint", {}, comparison.words.hint)),
    make(
      "table.fl-legend",
      {},
      make("thead", {}, make("tr", {}, ...["shown", comparison.words.run, "rate", "loss now"].map((name, c) => make("th", { scope: "col", class: c < 2 ? "fl-words-cell" : "" }, c === 0 ? "" : name)))),
      make("tbody", {}, ...rows.map((/** @type {any} */ row) => row.element)),
    ),
    key,
  );
  return {
    update: (scene, state) => {
      rows.forEach((/** @type {any} */ row, /** @type {number} */ i) => row.update(scene.paths[i], state));
      legendKey(key, scene.paths[choices.selected]);
    },
  };
}

/** @param {any} contender @param {number} index @param {{hidden: Set<number>, selected: number}} choices @param {() => void} onChange @param {string} title */
function legendRow(contender, index, choices, onChange, title) {
  const toggle = make("button.fl-switch", {
    type: "button",
    role: "switch",
    "aria-label": `Show ${contender.label}`,
    click: () => {
      if (!choices.hidden.delete(index)) choices.hidden.add(index);
      onChange();
    },
  }, make("span.fl-switch-knob"));
  const pick = make("button.fl-pick", {
    type: "button",
    title,
    click: () => {
      choices.selected = index;
      choices.hidden.delete(index);
      onChange();
    },
  }, makeSwatch(index), make("span.fl-pick-name", {}, contender.label));
  const rate = make("td", { "data-number": `rate-${index}` });
  const loss = make("td.fl-legend-loss", { "data-number": `loss-${index}` });
  const element = make("tr", {}, make("td", {}, toggle), make("th", { scope: "row" }, pick), rate, loss);
  return {
    element,
    update: (/** @type {any} */ path, /** @type {any} */ state) => {
      toggle.setAttribute("aria-checked", String(!choices.hidden.has(index)));
      pick.setAttribute("aria-pressed", String(choices.selected === index));
      element.classList.toggle("fl-legend-off", choices.hidden.has(index));
      setText(rate, formatNumber(path.rate));
      setText(loss, formatNumber(legendLoss(path, state.moment)));
    },
  };
}

/** The loss at this moment, or the last one that was measured before it (inside an epoch none is). @param {any} path @param {number} moment */
export function legendLoss(path, moment) {
  for (let i = moment; i >= 0; i -= 1) if (path.loss[i] !== null) return path.loss[i];
  return null;
}

/** Which arrow is which part. @param {HTMLElement} slot @param {any} path */
function legendKey(slot, path) {
  const names = [...new Set((path.frames.parts_uv ?? []).flat().map((/** @type {any} */ part) => part.name))];
  const wanted = `${path.label}: ${names.join(" ")}`;
  if (slot.dataset.shows === wanted) return;
  slot.dataset.shows = wanted;
  const parts = names.length > 1 ? names : [];
  slot.replaceChildren(
    make("span.fl-part.fl-part-step", {}, "step"),
    ...(parts.length > 0 ? [" = "] : [" of ", path.label]),
    ...parts.flatMap((name, i) => [...(i > 0 ? [" + "] : []), make(`span.fl-part.fl-part-${name}`, {}, name)]),
  );
}
