// @ts-check
// The group "Optimizer": which one, its options and no others, the learning rate as a number, and where it changes in mid-run.

import { make, setText } from "../../_view/static/element.js";
import { formatNumber } from "../../_view/static/scale.js";
import { choiceField, controlGroup, numbersField, rangeField, smallButton, switchField } from "./widgets.js";
import { findOptimizer, optimizers } from "./optimizers.js";

/** @typedef {import("./controls.js").ControlsHost} ControlsHost */
/** @typedef {import("./controls.js").ControlsGroup} ControlsGroup */
/** @typedef {import("./widgets.js").Field} Field */

/** @param {ControlsHost} host @returns {ControlsGroup} */
export function optimizerControls(host) {
  const which = choiceField({ label: "Optimizer", choices: optimizers.map(({ name, title }) => [name, title]) }, (value) => host.patch({ ...host.settings(), optimizer: value, optimizer_options: {} }, true, "optimizer"));
  const words = make("p.st-words");
  which.el.append(words);
  const recommended = smallButton("Use the recommended rate", () => host.patch({ ...host.settings(), learning_rate: null, rate_changes: [] }, true, "learning_rate"));
  const rateFault = make("p.st-fault", { role: "alert" });
  const rateBox = make("div.st-field", {}, recommended, rateFault);
  const bends = make("ul.st-bends");
  const options = make("div.st-options");
  const folded = make("details.st-more", {}, make("summary", {}, "Options"), options);
  /** @type {Record<string, Field>} */
  const fields = {
    optimizer: which,
    learning_rate: { el: rateBox, tell: (sentence) => setText(rateFault, sentence), set: () => {}, show: (shown) => { rateBox.hidden = !shown; } },
    optimizer_options: { el: folded, tell: () => {}, set: () => {}, show: (shown) => { folded.hidden = !shown; } },
  };
  /** @type {{[key: string]: Field}} */
  let made = {};
  let madeFor = "";
  const group = controlGroup({ title: "Optimizer", open: true, reset: () => {
    const { optimizer, optimizer_options, learning_rate, rate_changes } = host.defaults;
    host.patch({ ...host.settings(), optimizer, optimizer_options, learning_rate, rate_changes }, true, "optimizer");
  } }, which.el, folded, bends, rateBox);
  return {
    el: group.el,
    fields,
    update: (settings) => {
      const optimizer = findOptimizer(settings.optimizer);
      which.set(optimizer.name);
      words.textContent = optimizer.words;
      if (madeFor !== optimizer.name) {
        for (const key of Object.keys(made)) delete fields[`option.${key}`];
        made = Object.fromEntries(optimizer.options.map((option) => [option.key, optimizerOption(option, host)]));
        for (const [key, field] of Object.entries(made)) fields[`option.${key}`] = field;
        options.replaceChildren(...Object.values(made).map(({ el }) => el));
        madeFor = optimizer.name;
      }
      for (const option of optimizer.options) made[option.key].set(settings.optimizer_options[option.key] ?? option.default);
      folded.open ||= Object.keys(settings.optimizer_options).length > 0;
      recommended.hidden = settings.learning_rate === null && settings.rate_changes.length === 0;
      optimizerBends(bends, settings, host);
      which.show(host.shows("optimizer"));
      rateBox.hidden = !host.shows("learning_rate") && !host.shows("optimizer");
      folded.hidden = optimizer.options.length === 0 || (!host.shows("optimizer") && !host.shows("optimizer_options"));
      group.say(optimizer.title, settings.optimizer !== host.defaults.optimizer || settings.learning_rate !== null || settings.rate_changes.length > 0 || Object.keys(settings.optimizer_options).length > 0);
    },
  };
}

/** @param {import("./optimizers.js").Option} option @param {ControlsHost} host @returns {Field} */
export function optimizerOption(option, host) {
  /** @param {any} value @param {boolean} settled */
  const changed = (value, settled) => {
    const options = { ...host.settings().optimizer_options, [option.key]: value };
    if (JSON.stringify(value) === JSON.stringify(option.default)) delete options[option.key];
    host.patch({ ...host.settings(), optimizer_options: options }, settled, `option.${option.key}`);
  };
  const { name: label, words, low = 0, high = 1, step, log } = option;
  if (typeof option.default === "boolean") return switchField({ label, words }, changed);
  if (Array.isArray(option.default)) return numbersField({ label, words, names: label.split(", "), step }, (values, settled) => changed(values ?? option.default, settled));
  return rangeField({ label, words, low, high, step, log, least: Math.min(0, low), most: 1e6 }, changed);
}

/** The rates from which steps on, each with a way out. @param {HTMLElement} list @param {import("./settings.js").Settings} settings @param {ControlsHost} host */
function optimizerBends(list, settings, host) {
  list.hidden = settings.rate_changes.length === 0;
  list.replaceChildren(
    ...settings.rate_changes.map((/** @type {number[]} */ [step, rate], /** @type {number} */ i) =>
      make("li", {}, `from step ${formatNumber(step, 12)} on: ${formatNumber(rate)}`, smallButton("✕", () => host.patch({ ...host.settings(), rate_changes: host.settings().rate_changes.filter((/** @type {any} */ _, /** @type {number} */ at) => at !== i) }, true, "learning_rate"), `Take back the change at step ${step}`)),
    ),
  );
}
