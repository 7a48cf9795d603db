// @ts-check
// The contenders beside the picture: each with its shape, its rate and its options; up to six of them.

import { make, setText } from "../../_view/static/element.js";
import { formatNumber } from "../../_view/static/scale.js";
import { makeSwatch } from "../../_view/static/charts_marks.js";
import { choiceField, controlGroup, smallButton } from "./widgets.js";
import { optimizerOption } from "./controls_optimizer.js";
import { findOptimizer, optimizers } from "./optimizers.js";
import { compareDefaults, mostContenders, newContender, twinsOf } from "./compare_settings.js";

/** @typedef {import("./compare_settings.js").Contender} Contender */
/** @typedef {{best: number, good: [number, number] | null, low: number, high: number, limit: number | null}} Tuned */
/** @typedef {{contenders: () => Contender[], patch: (contenders: Contender[], settled: boolean, cause: string) => void}} ContendersHost */

const contendersTrack = 1000;
const contendersRange = /** @type {[number, number]} */ ([1e-5, 10]); // of a slider before its optimizer was tuned
const contendersFew = 2;

/** @param {ContendersHost} host */
export function contenderControls(host) {
  const list = make("ol.st-contenders");
  const fault = make("p.st-fault", { role: "alert" });
  const offer = make("p.st-words.st-twin", { hidden: true, role: "status" });
  /** @type {Tuned[]} */
  let known = [];
  /** @type {ReturnType<typeof contenderRow>[]} */
  let rows = [];
  let madeFor = "";
  const add = choiceField({ label: "Add", choices: [["", "an optimizer …"], ...optimizers.map(({ name, title }) => /** @type {[string, string]} */ ([name, title]))] }, (value) => {
    add.set("");
    if (value === "") return;
    const twins = twinsOf(host.contenders(), newContender(value));
    if (twins.length === 0) host.patch([...host.contenders(), newContender(value)], true, "contenders");
    else contenderTwin(offer, host, value, twins, known);
  });
  const group = controlGroup({ title: "Contenders", open: true, reset: () => host.patch(compareDefaults().contenders, true, "contenders") }, list, add.el, offer, fault);
  const usual = JSON.stringify(compareDefaults().contenders);
  return {
    el: group.el,
    /** @param {string} sentence */
    tell: (sentence) => setText(fault, sentence),
    /** @param {Tuned[]} tuned of each, as far as it is known @param {string[]} labels */
    update: (tuned, labels) => {
      const contenders = host.contenders();
      known = tuned;
      const asked = JSON.stringify(contenders);
      if (asked !== offer.dataset.of) offer.hidden = true;
      offer.dataset.of = asked;
      const names = contenders.map(({ optimizer }) => optimizer).join(" ");
      if (madeFor !== names) {
        rows = contenders.map((_, i) => contenderRow(host, i));
        list.replaceChildren(...rows.map(({ el }) => el));
        madeFor = names;
      }
      rows.forEach((row, i) => row.update(contenders[i], tuned[i] ?? null, labels[i] ?? null, contenders.length));
      add.show(contenders.length < mostContenders);
      group.say(`${contenders.length} optimizers`, JSON.stringify(contenders) !== usual);
    },
  };
}

/**
 * In place of a contender that is there already: how the two could differ.
 * @param {HTMLElement} place @param {ContendersHost} host @param {string} optimizer @param {number[]} twins their places @param {Tuned[]} tuned
 */
function contenderTwin(place, host, optimizer, twins, tuned) {
  const { title } = findOptimizer(optimizer);
  const contenders = host.contenders();
  const rates = twins.map((i) => contenders[i].learning_rate ?? tuned[i]?.best ?? null);
  const words = `${title} is there already, with the same options: nothing was added. Change an option of the one that is there, or compare two rates of it.`;
  const known = /** @type {number[]} */ (rates.filter((rate) => rate !== null));
  const added = known.length < rates.length ? null : Number((Math.min(...known) / 3).toPrecision(3));
  const act = () => {
    const set = contenders.map((each, i) => (twins.includes(i) ? { ...each, learning_rate: Number(known[twins.indexOf(i)].toPrecision(3)) } : each));
    host.patch([...set, { ...newContender(optimizer), learning_rate: added }], true, "contenders");
  };
  place.replaceChildren(words, ...(added === null ? [] : [" ", smallButton(`Add it at rate ${formatNumber(added)}`, act)]));
  place.hidden = false;
}

/** @param {ContendersHost} host @param {number} index */
function contenderRow(host, index) {
  /** @param {Partial<Contender>} changes @param {boolean} settled @param {string} cause */
  const change = (changes, settled, cause) => host.patch(host.contenders().map((each, i) => (i === index ? { ...each, ...changes } : each)), settled, cause);
  const name = make("strong.st-contender-name");
  const remove = smallButton("✕", () => host.patch(host.contenders().filter((_, i) => i !== index), true, "contenders"), "Remove");
  const rate = contenderRate((value, settled) => change({ learning_rate: value }, settled, "rate"));
  const optimizer = findOptimizer(host.contenders()[index].optimizer);
  const fields = optimizer.options.map((option) => ({ option, field: optimizerOption(option, /** @type {any} */ ({
    settings: () => ({ optimizer_options: host.contenders()[index].options }),
    patch: (/** @type {any} */ settings, /** @type {boolean} */ settled) => change({ options: settings.optimizer_options }, settled, "options"),
  })) }));
  const summary = make("summary.st-contender-more", {}, "Options");
  const more = make("details", {}, summary, ...fields.map(({ field }) => field.el));
  more.hidden = fields.length === 0;
  return {
    el: make("li.st-contender", {}, make("div.st-contender-head", {}, makeSwatch(index), name, remove), rate.el, rate.foot, more),
    /** @param {Contender} contender @param {Tuned | null} tuned @param {string | null} label @param {number} count */
    update: (contender, tuned, label, count) => {
      const shown = label ?? findOptimizer(contender.optimizer).title;
      setText(name, shown);
      remove.hidden = count <= contendersFew;
      remove.setAttribute("aria-label", `Remove ${shown}`);
      for (const { option, field } of fields) field.set(contender.options[option.key] ?? option.default);
      const changed = Object.keys(contender.options).length;
      setText(summary, changed === 0 ? "Options" : `Options (${changed} changed)`);
      rate.update(contender.learning_rate, tuned, shown);
    },
  };
}

/**
 * A rate on a logarithmic track: green where it was measured to be just right, a tick at the best one.
 * @param {(value: number | null, settled: boolean) => void} changed
 */
function contenderRate(changed) {
  const words = make("span.st-contender-words");
  const number = make("input.st-number", { type: "number", step: "any", inputmode: "decimal", min: "0" });
  const slider = make("input.st-range", { type: "range", min: "0", max: String(contendersTrack), step: "any" });
  const good = make("span.st-rate-good");
  const tick = make("span.st-rate-best");
  const tuned = make("button.fl-button.fl-button-small.st-tuned", { type: "button", click: () => changed(null, true) }, "Its best rate");
  let [low, high] = contendersRange;
  let now = /** @type {number | null} */ (null);
  const at = (/** @type {number} */ value) => Math.min(1, Math.max(0, Math.log(value / low) / Math.log(high / low)));
  const value = () => Number((low * (high / low) ** (slider.valueAsNumber / contendersTrack)).toPrecision(3));
  let held = false;
  slider.addEventListener("pointerdown", () => { held = true; });
  slider.addEventListener("input", () => changed(value(), !held));
  slider.addEventListener("change", () => {
    held = false;
    changed(now ?? value(), true);
  });
  slider.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    event.stopPropagation();
    const by = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 10, PageDown: -10 }[event.key];
    if (by === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    changed(Number(Math.min(high, Math.max(low, (now ?? value()) * 1.1 ** by)).toPrecision(3)), true);
  });
  number.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => event.stopPropagation());
  number.addEventListener("change", () => {
    const typed = number.valueAsNumber;
    if (number.value === "") changed(null, true);
    else if (Number.isFinite(typed) && typed > 0) changed(typed, true);
    else number.value = now === null ? "" : String(now);
  });
  return {
    foot: make("div.st-contender-foot", {}, words, tuned),
    el: make("div.st-rate", {}, make("div.st-rate-track", {}, make("div.st-rate-zones", { "aria-hidden": "true" }, good, tick), slider), number),
    /** @param {number | null} given @param {Tuned | null} known @param {string} label */
    update: (given, known, label) => {
      if (known !== null) [low, high] = [known.low, known.high * 3];
      const shown = given ?? known?.best ?? null;
      now = shown;
      slider.setAttribute("aria-label", `${label}: learning rate`);
      number.setAttribute("aria-label", `${label}: learning rate as a number`);
      if (document.activeElement !== number) number.value = shown === null ? "" : String(Number(shown.toPrecision(3)));
      if (shown !== null && (document.activeElement !== slider || !held)) slider.value = String(contendersTrack * at(shown));
      setText(words, given === null ? (known === null ? "to be tuned" : "its best") : zoneWords(given, known));
      slider.setAttribute("aria-valuetext", shown === null ? "to be tuned" : `${formatNumber(shown)}, ${words.textContent}`);
      good.hidden = known === null || known.good === null;
      if (known !== null && known.good !== null) Object.assign(good.style, { left: `${100 * at(known.good[0])}%`, right: `${100 - 100 * at(known.good[1])}%` });
      tick.hidden = known === null;
      if (known !== null) tick.style.left = `${100 * at(known.best)}%`;
      tuned.disabled = given === null;
      const back = known === null ? "Tune it" : `Back to its own best rate, ${formatNumber(known.best)}`;
      tuned.title = back;
      tuned.setAttribute("aria-label", `${label}: ${back}`);
    },
  };
}

/** Where a rate lies against those that were tried. @param {number} rate @param {Tuned | null} known */
function zoneWords(rate, known) {
  if (known === null || known.good === null) return "set here";
  if (rate < known.good[0]) return "below just right";
  return rate > known.good[1] ? "above just right" : "just right";
}
