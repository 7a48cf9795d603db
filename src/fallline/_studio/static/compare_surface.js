// @ts-check
// What the optimizers run on: a textbook surface, a formula of one's own, or the loss of the neuron on its data.

import { make, setText } from "../../_view/static/element.js";
import { glyphs } from "./formula_glyphs.js";
import { choiceField, controlGroup } from "./widgets.js";
import { compareDefaults } from "./compare_settings.js";

const surfaceNeuron = "the neuron";
const surfaceOwn = "a formula";
const surfaceExample = "w^4 - 3*w^2 + w + b^2";

/** @param {(formula: string | null) => void} chosen null: the neuron's loss */
export function surfaceControls(chosen) {
  const input = make("input.st-text.st-own-text", { type: "text", spellcheck: "false", autocapitalize: "off", autocomplete: "off", "aria-label": "Formula", placeholder: surfaceExample });
  const fault = make("p.st-fault", { role: "alert" });
  const form = make("form.st-own-line", { submit: (/** @type {Event} */ event) => {
    event.preventDefault();
    chosen(input.value.trim() === "" ? surfaceExample : input.value.trim());
  } }, input, make("button.fl-button.fl-button-small", { type: "submit" }, "Run"));
  const own = make("div", {}, form, make("p.st-words", {}, "In w, or in w and b, with + − * / ^ and sin, cos, exp, log, sqrt. It needs a lowest point."));
  const which = choiceField({ label: "Surface", choices: [...glyphs.filter(({ name }) => name !== "saddle").map(({ name, title }) => /** @type {[string, string]} */ ([name, title])), [surfaceNeuron, "The neuron’s loss"], [surfaceOwn, "Your own formula …"]] }, (value) => {
    own.hidden = value !== surfaceOwn;
    if (value === surfaceOwn) input.focus();
    else chosen(value === surfaceNeuron ? null : value);
  });
  input.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => event.stopPropagation());
  const usual = compareDefaults().formula;
  const group = controlGroup({ title: "Surface", open: true, reset: () => chosen(usual) }, which.el, own, fault);
  return {
    el: group.el,
    /** @param {string} sentence */
    tell: (sentence) => setText(fault, sentence),
    /** @param {string | null} formula */
    update: (formula) => {
      const glyph = glyphs.find(({ name }) => name === formula);
      which.set(formula === null ? surfaceNeuron : glyph === undefined ? surfaceOwn : glyph.name);
      own.hidden = formula === null || glyph !== undefined;
      if (document.activeElement !== input) input.value = glyph === undefined && formula !== null ? formula : "";
      group.say(formula === null ? "the neuron’s loss" : (glyph?.title ?? formula), formula !== usual);
    },
  };
}
