// @ts-check
// The page "Formulas": surfaces that textbooks use, and a formula of one's own; drop the ball anywhere and see where it ends.

import { make, setText } from "../../_view/static/element.js";
import { createExperiment } from "./experiment.js";
import { glyphs, paintGlyph } from "./formula_glyphs.js";

/** @param {HTMLElement} el @param {any} studio */
export function mountFormulas(el, studio) {
  return createExperiment(el, studio, "formulas", studio.controls === null || studio.controls.includes("formula") ? formulaGallery : null);
}

/** The named surfaces as small pictures, and a field for another one. @param {{choose: (changes: Record<string, any>) => void}} host */
function formulaGallery(host) {
  const cards = glyphs.map((glyph) => {
    const canvas = make("canvas.st-glyph", { width: 192, height: 108, "aria-hidden": "true" });
    paintGlyph(canvas, glyph);
    return make("button.st-card", { type: "button", "aria-pressed": "false", "data-formula": glyph.name, click: () => host.choose({ formula: glyph.name }) }, canvas, make("span.st-card-title", {}, glyph.title), make("span.st-words", {}, glyph.words));
  });
  const input = make("input.st-text", { id: "st-own-formula", type: "text", spellcheck: "false", autocapitalize: "off", autocomplete: "off", placeholder: "w^4 - 3*w^2 + w", "aria-describedby": "st-own-fault st-own-words" });
  const fault = make("p.st-fault", { id: "st-own-fault", role: "alert" });
  const form = make("form.st-own", { submit: (/** @type {Event} */ event) => {
    event.preventDefault();
    const text = input.value.trim();
    if (text === "") setText(fault, "Type a formula first, such as (w - 1)^2 + b^4.");
    else host.choose({ formula: text });
  } }, make("label.st-label", { for: "st-own-formula" }, "Your own formula"), make("div.st-own-line", {}, input, make("button.fl-button.fl-button-small", { type: "submit" }, "Draw it")), make("p.st-words", { id: "st-own-words" }, "In w, or in w and b, with + − * / ^ and sin, cos, exp, log, sqrt."), fault);
  input.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => event.stopPropagation());
  const hint = make("p.st-words.st-hint", {}, "Drag the ball anywhere in the picture and see where it ends.");
  return {
    el: make("section.st-gallery", { "aria-label": "Formulas" }, make("div.st-cards", {}, ...cards), form, hint),
    /** @param {Record<string, any>} settings */
    update: (settings) => {
      const named = cards.some((card) => card.dataset.formula === settings.formula);
      for (const card of cards) card.setAttribute("aria-pressed", String(card.dataset.formula === settings.formula));
      if (document.activeElement !== input) input.value = named ? "" : settings.formula;
    },
    /** @param {string} sentence */
    tell: (sentence) => setText(fault, sentence),
  };
}
