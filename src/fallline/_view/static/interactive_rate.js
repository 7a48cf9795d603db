// @ts-check
// The rate that is asked for: of the whole run, or "from here on"; and the field it can be typed into.

import { make, setText } from "./element.js";
import { formatNumber } from "./scale.js";
import { switchButton } from "./switches.js";
import { createHope } from "./interactive_wishes.js";

/**
 * Who carries the wishes: `taken` counts frames, `stepsTaken` steps.
 * @typedef {{ask: (wish: Record<string, any>, settled: boolean) => void, dragging: (on: boolean) => void, taken: () => number,
 *   stepsTaken: () => number, redraw: () => void}} RateHost
 * @typedef {ReturnType<typeof createAskedRate>} AskedRate
 */

/**
 * @param {any} scene
 * @param {RateHost} host
 */
export function createAskedRate(scene, host) {
  let bends = false;
  /** @type {number | null} */
  let from = null; // the step from which the wish that is being made holds
  const varies = () => {
    const rates = scene.frames.learning_rate;
    return scene.accepts.includes("bend") && rates !== null && rates[0] !== rates[rates.length - 1];
  };
  const shown = () => {
    const rates = scene.frames.learning_rate;
    return varies() ? rates[Math.min(host.taken(), rates.length - 1)] : scene.rate.value;
  };
  /** @type {ReturnType<typeof createHope<number>>} */
  const hope = createHope({ answered: (rate) => Math.abs(shown() / rate - 1) < 1e-6, gone: host.redraw });
  const here = switchButton("from here on", "A new rate holds from where the ball is now; what was walked stays", () => {
    bends = !bends;
    here.setAttribute("aria-checked", String(bends));
  });
  here.classList.add("fl-rate-here");
  return {
    here,
    look: hope.look,
    stop: hope.stop,
    down: hope.down,
    now: () => hope.get() ?? shown(),
    words: () => {
      const now = hope.get() ?? shown();
      if (hope.get() !== null) return formatNumber(now);
      return varies() ? `${formatNumber(now)} at this step` : (scene.rate.words ?? formatNumber(now));
    },
    /** @param {number} rate @param {boolean} settled */
    wish: (rate, settled) => {
      if (!hope.down()) from = bends && scene.accepts.includes("bend") && host.taken() > 0 ? host.stepsTaken() : null;
      host.ask(from === null ? { learning_rate: rate } : { bend: [from, rate] }, settled);
      const before = hope.down();
      hope.put(rate, settled);
      if (before !== hope.down()) host.dragging(hope.down());
      host.redraw();
    },
  };
}

/**
 * The rate's number in the header, as a field.
 * @param {HTMLElement} header
 * @param {AskedRate} asked
 */
export function fillRateField(header, asked) {
  const field = make("input.fl-rate-field", { type: "text", inputmode: "decimal", autocomplete: "off", spellcheck: "false", size: 7, "data-number": "rate", "aria-label": "Learning rate, typed", title: "Type a rate and press Enter" });
  const fault = make("span.fl-rate-fault", { role: "alert" });
  let typing = false;
  const show = () => {
    const text = String(Number(asked.now().toPrecision(4)));
    if (field.value !== text) field.value = text;
    field.removeAttribute("aria-invalid");
    setText(fault, "");
  };
  const commit = () => {
    if (!typing) return;
    const rate = Number(field.value.trim().replace("−", "-").replace(",", "."));
    if (!(rate > 0) || !Number.isFinite(rate)) {
      field.setAttribute("aria-invalid", "true");
      setText(fault, "A number above 0, please.");
      return;
    }
    typing = false;
    asked.wish(rate, true);
    show();
  };
  field.addEventListener("input", () => {
    typing = true;
  });
  field.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    event.stopPropagation(); // its keys are those of a text
    if (event.key === "Enter") commit();
    if (event.key !== "Escape") return;
    typing = false;
    show();
  });
  field.addEventListener("blur", () => {
    commit();
    typing = false;
    show();
  });
  header.querySelector('[data-number="rate"]')?.replaceWith(field);
  header.querySelector(".fl-rate")?.append(asked.here, fault);
  return {
    update: () => {
      if (!typing) show();
    },
  };
}
