// @ts-check
// The rate slider where every rate can be run: it takes every position of its track, on which the measured zones and marks stand.

import { make, setText } from "./element.js";
import { sliderFit, sliderMakeRoom, sliderTrack } from "./slider.js";

const askStep = 1.02; // an arrow key
const askPage = 1.5;
const askWidth = 1000;
const askThumb = 18; // px that the thumb covers to either side
const askFigures = 3; // significant figures of a rate that was pointed at
const askAround = 1000; // times the rate to either side, where nobody has measured a limit

/** @typedef {{low: number, high: number, rates: any, place: (rate: number) => number}} AskShape */

/**
 * @param {HTMLElement} slot
 * @param {any} scene
 * @param {import("./interactive_rate.js").AskedRate} asked
 * @param {() => void} toggle plays or pauses
 * @returns {{update: () => void}}
 */
export function fillAskingSlider(slot, scene, asked, toggle) {
  const input = make("input.fl-rates-input", { type: "range", min: "0", max: String(askWidth), step: "any", "aria-label": "Learning rate" });
  const track = make("div.fl-rates-track", {}, make("div.fl-rates-bar"), input);
  const keys = make("span.fl-rates-keys");
  const note = make("span.fl-rates-note");
  let shape = askShape(scene);
  /** @type {ReturnType<typeof sliderTrack>["labels"]} */
  let labels = [];
  /** @type {any} */
  let drawn;
  const rebuild = () => {
    drawn = scene.rates;
    shape = askShape(scene);
    const made = sliderTrack(shape.rates, shape.place);
    track.firstElementChild?.replaceWith(...made.track.childNodes); // the input stays: a hand may hold it
    labels = made.labels;
    delete track.dataset.fitted;
    setText(note, scene.rates?.reason ?? scene.rates?.snaps ?? "");
    note.classList.toggle("fl-rates-reason", Boolean(scene.rates?.reason));
  };
  askListen(input, asked, () => shape, toggle);
  slot.append(track, make("p.fl-rates-legend", {}, keys, note));
  return {
    update: () => {
      if (drawn === undefined || drawn !== scene.rates || !askCovers(shape, scene)) rebuild();
      const now = asked.now();
      if (!asked.down()) input.value = String(askWidth * shape.place(now));
      const words = asked.words();
      if (input.getAttribute("aria-valuetext") !== words) input.setAttribute("aria-valuetext", words);
      asked.here.hidden = !scene.accepts.includes("bend");
      input.disabled = !scene.accepts.includes("learning_rate");
      sliderFit(track, keys, labels);
      sliderMakeRoom(track, [[shape.place(now), askThumb]]);
    },
  };
}

/** The ends of the track and what stands on it. @param {any} scene @returns {AskShape} */
function askShape(scene) {
  const known = scene.rates && !scene.rates.reason ? scene.rates : {};
  const { limit, value } = scene.rate;
  const low = known.low ?? known.value?.[0] ?? (limit === null ? value / askAround : limit / 1000);
  const high = known.high ?? known.value?.at(-1) ?? (limit === null ? value * askAround : 3 * limit);
  const rates = { zones: [], marks: [], value: [], recommended: null, measured_limit: null, resolution: null, ...known, own: null, home: "", low, high };
  return { low, high, rates, place: (rate) => Math.min(1, Math.max(0, Math.log(rate / low) / Math.log(high / low))) };
}

/** Where nothing was measured the track goes with the limit. @param {AskShape} shape @param {any} scene */
function askCovers(shape, scene) {
  if (scene.rates && !scene.rates.reason) return true;
  const { low, high } = askShape(scene);
  return scene.rate.limit === null ? scene.rate.value >= shape.low && scene.rate.value <= shape.high : low === shape.low && high === shape.high;
}

/**
 * @param {HTMLInputElement} input @param {import("./interactive_rate.js").AskedRate} asked @param {() => AskShape} shape @param {() => void} toggle
 */
function askListen(input, asked, shape, toggle) {
  let last = 0;
  /** @param {number} rate @param {boolean} settled */
  const wish = (rate, settled) => {
    const { low, high } = shape();
    last = Math.min(high, Math.max(low, rate));
    asked.wish(last, settled);
  };
  const settle = () => {
    if (asked.down()) wish(last, true);
  };
  input.addEventListener("input", () => {
    const { low, high } = shape();
    wish(Number((low * (high / low) ** (input.valueAsNumber / askWidth)).toPrecision(askFigures)), false);
  });
  for (const end of ["change", "pointerup", "pointercancel", "blur", "keyup"]) input.addEventListener(end, settle);
  input.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const by = { ArrowRight: askStep, ArrowUp: askStep, ArrowLeft: 1 / askStep, ArrowDown: 1 / askStep, PageUp: askPage, PageDown: 1 / askPage, Home: 0, End: Infinity }[event.key];
    if (by !== undefined) wish(by === 0 ? 0 : Number((asked.now() * by).toPrecision(askFigures)), !event.repeat);
    else if (event.key === " ") toggle();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
}
