// @ts-check
// The values of an expression's leaves: each as it is typed, and each number of a small one on a slider.

import { make, setText } from "../../_view/static/element.js";
import { formatNumber } from "../../_view/static/scale.js";
import { leafText } from "./backprop_state.js";

/** @typedef {import("./backprop_state.js").Leaf} Leaf */

const leavesSliders = 6; // numbers up to which each has a slider
const leavesTrack = 1000;
const leavesReach = [3, 10, 30, 100, 1000, 1e4, 1e6]; // ends of a slider, on either side of 0

/**
 * @param {(name: string, text: string, settled: boolean) => void} changed
 */
export function leafControls(changed) {
  const el = make("div.st-leaves");
  /** @type {Map<string, ReturnType<typeof leafRow>>} */
  let rows = new Map();
  return {
    el,
    /** @param {Leaf[]} leaves @param {Record<string, string>} at as typed */
    update: (leaves, at) => {
      const before = rows;
      rows = new Map(leaves.map((leaf) => [leaf.name, before.get(leaf.name) ?? leafRow(leaf.name, changed)]));
      for (const [name, row] of before) if (!rows.has(name)) row.el.remove();
      [...rows.values()].forEach((row, i) => {
        if (el.children[i] !== row.el) el.insertBefore(row.el, el.children[i] ?? null);
      });
      for (const leaf of leaves) rows.get(leaf.name)?.update(leaf, at[leaf.name]);
    },
    /** @param {string} sentence @param {string} name @returns {boolean} whether there is such a leaf */
    tell: (sentence, name) => {
      for (const row of rows.values()) row.tell("");
      const row = rows.get(name);
      row?.tell(sentence);
      return row !== undefined;
    },
  };
}

/** @param {string} name @param {(name: string, text: string, settled: boolean) => void} changed */
function leafRow(name, changed) {
  const input = make("input.st-text.st-leaf-text", { type: "text", spellcheck: "false", autocapitalize: "off", autocomplete: "off", "aria-label": `Value of ${name}` });
  const shape = make("span.st-words");
  const fault = make("p.st-fault", { role: "alert" });
  const sliders = make("div.st-leaf-sliders");
  /** @type {Leaf} */
  let leaf = { name, shape: [], numbers: [], whole: false };
  /** @type {ReturnType<typeof leafSlider>[]} */
  let made = [];
  input.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => event.stopPropagation());
  input.addEventListener("input", () => changed(name, input.value, false));
  input.addEventListener("change", () => changed(name, input.value, true));
  const el = make("div.st-leaf", { role: "group", "aria-label": name }, make("div.st-leaf-head", {}, make("strong.st-leaf-name", {}, name), input, shape), sliders, fault);
  return {
    el,
    /** @param {string} sentence */
    tell: (sentence) => {
      setText(fault, sentence);
      el.classList.toggle("st-field-faulty", sentence !== "");
    },
    /** @param {Leaf} now @param {string | undefined} typed */
    update: (now, typed) => {
      leaf = now;
      if (document.activeElement !== input) input.value = typed ?? leafText(now.numbers, now.shape);
      setText(shape, now.shape.length === 0 ? (now.whole ? "class number" : "") : now.shape.length === 1 ? formatNumber(now.shape[0]) + (now.shape[0] === 1 ? " number" : " numbers") : now.shape.join(" × "));
      const count = now.numbers.length > leavesSliders ? 0 : now.numbers.length;
      if (made.length !== count) {
        made = Array.from({ length: count }, (_, i) => leafSlider((value, settled) => {
          const numbers = leaf.numbers.map((each, k) => (k === i ? value : each));
          leaf = { ...leaf, numbers };
          const text = leafText(numbers, leaf.shape);
          input.value = text;
          changed(name, text, settled);
        }));
        sliders.replaceChildren(...made.map((slider) => slider.el));
      }
      made.forEach((slider, i) => slider.update(count === 1 && now.shape.length === 0 ? name : `${name}[${leafPlace(i, now.shape)}]`, now.numbers[i], now.whole));
    },
  };
}

/** Where a number stands, as an index. @param {number} index @param {number[]} shape */
function leafPlace(index, shape) {
  /** @type {number[]} */
  const places = [];
  for (let k = shape.length - 1, rest = index; k >= 0; k -= 1) {
    places.unshift(rest % shape[k]);
    rest = Math.floor(rest / shape[k]);
  }
  return places.join(", ");
}

/** @param {(value: number, settled: boolean) => void} changed */
function leafSlider(changed) {
  const slider = make("input.st-range", { type: "range", min: "0", max: String(leavesTrack), step: "any" });
  const words = make("span.st-leaf-place");
  let [reach, whole, held] = [leavesReach[0], false, false];
  let now = 0;
  const value = () => {
    if (whole) return Math.round((slider.valueAsNumber / leavesTrack) * 9);
    const exact = (slider.valueAsNumber / leavesTrack - 0.5) * 2 * reach;
    return Number((Math.round(exact / (reach / 300)) * (reach / 300)).toPrecision(6));
  };
  slider.addEventListener("pointerdown", () => { held = true; });
  slider.addEventListener("input", () => {
    now = value();
    changed(now, !held);
  });
  slider.addEventListener("change", () => {
    held = false;
    changed(now, true);
  });
  slider.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    event.stopPropagation();
    const by = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 10, PageDown: -10 }[event.key];
    if (by === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    now = whole ? Math.max(0, now + Math.sign(by)) : Number((now + (by * reach) / 60).toPrecision(6));
    changed(now, true);
  });
  return {
    el: make("label.st-leaf-slider", {}, words, slider),
    /** @param {string} label @param {number} number @param {boolean} isWhole */
    update: (label, number, isWhole) => {
      [now, whole] = [number, isWhole];
      setText(words, label);
      slider.setAttribute("aria-label", label);
      slider.disabled = !Number.isFinite(number);
      if (!held) {
        reach = leavesReach.find((each) => Math.abs(number) <= 0.8 * each) ?? 2 * Math.abs(number);
        slider.value = String(leavesTrack * (whole ? number / 9 : 0.5 + number / (2 * reach)));
      }
      slider.setAttribute("aria-valuetext", formatNumber(number));
    },
  };
}
