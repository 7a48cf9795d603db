// @ts-check
// The rate slider: a track of measured zones, the marks that theory and the runs set on it, and stops at measured rates only.

import { make, setText } from "./element.js";
import { formatNumber, logTicks } from "./scale.js";

/**
 * @typedef {{row: number, at: number, texts: string[], sides: ("left" | "right" | "middle")[], element: HTMLElement, away?: number, key?: string}} SliderLabel
 * row 0 above the track, 1 below it; texts: the longest that fits is shown; key: the class of its sign in the legend, where not even the first fits
 */

const sliderPage = 6; // stops that PageUp and PageDown go
const sliderGap = 8; // px between two labels
const sliderWidth = 1000;
const sliderExact = 0.005; // a limit known to less than this part of itself is as exact as the three digits it is written with
const sliderThumb = 18; // px that the thumb covers to either side
const sliderRing = 10; // px that the ring of the own rate covers
/** The class of a predicted rate's mark and of its sign in the legend. @type {Record<string, string>} */
const sliderMarks = { crossing: "crossing", limit: "predicted", "full batch": "faded" };

/**
 * @param {HTMLElement} slot
 * @param {any} scene
 * @param {{choose: (index: number) => void, toggle: () => void}} host
 * @returns {{update: (at: number | null) => void}}
 */
export function fillSlider(slot, scene, host) {
  const { rates } = scene;
  const values = rates.value;
  const [low, high] = [values[0], values[values.length - 1]];
  /** Where a rate stands, 0 … 1. @param {number} rate */
  const place = (rate) => Math.min(1, Math.max(0, Math.log(rate / low) / Math.log(high / low)));
  const input = make("input.fl-rates-input", { type: "range", min: "0", max: String(sliderWidth), step: "any", "aria-label": "Learning rate" });
  let chosen = 0;
  /** @param {number} index */
  const choose = (index) => {
    const next = Math.min(values.length - 1, Math.max(0, index));
    input.value = String(sliderWidth * place(values[next]));
    if (next === chosen) return;
    chosen = next;
    host.choose(next);
  };
  input.addEventListener("input", () => choose(sliderNearest(values.map(place), input.valueAsNumber / sliderWidth)));
  input.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const by = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: sliderPage, PageDown: -sliderPage, Home: -Infinity, End: Infinity }[event.key];
    if (by !== undefined) choose(chosen + by);
    else if (event.key === " ") host.toggle();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  const { track, legend, labels } = sliderTrack(rates, place);
  track.append(input);
  slot.append(track, make("p.fl-rates-legend", {}, legend, make("span.fl-rates-note", {}, rates.snaps)));
  return {
    update: (at) => {
      const shown = at ?? rates.own;
      if (shown !== null) {
        chosen = shown;
        input.value = String(sliderWidth * place(values[shown]));
        input.setAttribute("aria-valuetext", rates.words[shown]);
      }
      sliderFit(track, legend, labels);
      sliderMakeRoom(track, [[place(values[chosen]), sliderThumb], ...(rates.own === null ? [] : [[place(values[rates.own]), sliderRing]])]);
    },
  };
}

/** The index of the nearest place. @param {number[]} places @param {number} at */
function sliderNearest(places, at) {
  return places.reduce((best, place, i) => (Math.abs(place - at) < Math.abs(places[best] - at) ? i : best), 0);
}

/**
 * The zone's name as a class.
 * @param {string} zone
 * @returns {string}
 */
export function zoneClass(zone) {
  return `fl-zone-${zone.replace(" ", "-")}`;
}

/** The zones, the marks and their labels. @param {any} rates @param {(rate: number) => number} place */
export function sliderTrack(rates, place) {
  const bar = make("div.fl-rates-bar");
  for (const { name, low, high } of rates.zones) {
    const zone = make(`span.fl-rates-zone.${zoneClass(name)}`, { "data-zone": name }, make("span.fl-rates-name", {}, name));
    zone.style.left = `${100 * place(low)}%`;
    zone.style.width = `${100 * (place(high) - place(low))}%`;
    bar.append(zone);
  }
  const track = make("div.fl-rates-track", { "data-home": rates.home }, bar);
  /** @type {SliderLabel[]} */
  const labels = [];
  /** @param {string} kind @param {number} rate */
  const mark = (kind, rate) => {
    const element = make(`span.fl-rates-mark.fl-rates-${kind}`, { "aria-hidden": "true" });
    element.style.left = `${100 * place(rate)}%`;
    bar.append(element);
    return element;
  };
  /** @param {Omit<SliderLabel, "element">} label @param {string} [kind] */
  const label = (label, kind = "label") => {
    const element = make(`span.fl-rates-text.fl-rates-text-${kind}`, { "aria-hidden": "true", "data-row": label.row });
    bar.append(element);
    labels.push({ ...label, element });
  };
  for (const { kind, name, short, rate } of rates.marks) {
    const crossing = kind === "crossing";
    mark(sliderMarks[kind], rate);
    label({ row: 0, at: place(rate), texts: [name, short], sides: crossing ? ["left", "right"] : ["right", "left"], away: kind === "full batch" ? 12 : 5, key: sliderMarks[kind] });
  }
  if (rates.own !== null) mark("own", rates.value[rates.own]);
  if (rates.recommended !== null) { // before the measured limit: its label has the first choice of a place, under its mark
    const { value, low, high } = rates.recommended;
    mark("bracket", low).style.width = `${100 * (place(high) - place(low))}%`;
    mark("star", value);
    label({ row: 1, at: place(value), texts: [`recommended ${formatNumber(value, 3)}`, "recommended"], sides: ["middle", "left", "right"], away: -16, key: "star" });
  }
  if (rates.measured_limit !== null) {
    mark("measured", rates.measured_limit);
    const name = rates.value.includes(rates.measured_limit) ? "diverges from" : "measured limit"; // placed closely only where further runs were made
    const texts = [`${name} ${formatNumber(rates.measured_limit, 3)}`, name, "measured"];
    if (rates.resolution !== null && rates.resolution > sliderExact) texts.unshift(`${texts[0]} (measured to ${formatNumber(100 * rates.resolution, 2)} %)`);
    label({ row: 1, at: place(rates.measured_limit), texts, sides: ["right", "left"], away: 9, key: "triangle" });
  }
  for (const tick of logTicks(rates.low ?? rates.value[0], rates.high ?? rates.value[rates.value.length - 1], 6)) label({ row: 1, at: place(tick), texts: [formatNumber(tick)], sides: ["middle"] }, "tick");
  return { track, legend: make("span.fl-rates-keys"), labels };
}

/**
 * Names stand inside their zones and labels beside their marks where they fit; what finds no room is named beneath.
 * @param {HTMLElement} track @param {HTMLElement} legend @param {SliderLabel[]} labels
 */
export function sliderFit(track, legend, labels) {
  const width = track.querySelector(".fl-rates-bar")?.clientWidth ?? 0;
  const fitted = `${width} ${getComputedStyle(track).height}`; // the projector has larger type
  if (width === 0 || track.dataset.fitted === fitted) return;
  track.dataset.fitted = fitted;
  const missing = new Map();
  for (const zone of track.querySelectorAll(".fl-rates-zone")) {
    const name = /** @type {HTMLElement} */ (zone.firstElementChild);
    name.hidden = false;
    name.hidden = name.offsetWidth + 6 > zone.clientWidth;
    if (name.hidden) missing.set(zone.getAttribute("data-zone"), `fl-rates-swatch ${zoneClass(zone.getAttribute("data-zone") ?? "")}`);
  }
  /** @type {[number, number][][]} */
  const taken = [[], []];
  for (const mark of track.querySelectorAll(".fl-rates-measured, .fl-rates-crossing, .fl-rates-predicted, .fl-rates-faded")) {
    const { offsetLeft: left, offsetWidth: wide } = /** @type {HTMLElement} */ (mark);
    taken[mark.matches(".fl-rates-measured") ? 1 : 0].push([left - wide / 2, left + wide / 2]);
  }
  for (const label of labels) {
    const found = sliderPlace(label, width, taken[label.row]);
    label.element.hidden = found === null;
    if (label.key !== undefined && (found === null || (label.element.textContent ?? "").length < 6)) missing.set(label.texts[0], `fl-rates-sign fl-rates-sign-${label.key}`);
    if (found === null) continue;
    taken[label.row].push([found - sliderGap, found + label.element.offsetWidth + sliderGap]);
    label.element.style.left = `${found}px`;
  }
  if (track.dataset.home) missing.set(track.dataset.home, "fl-rates-ring");
  legend.replaceChildren(...[...missing].map(([name, sign]) => make("span.fl-rates-key", {}, make(`span.${sign.replace(" ", ".")}`), name)));
}

/**
 * A zone's name steps aside within its zone where something would cover it, and out of sight where there is no room: it also stands beside the rate.
 * @param {HTMLElement} track @param {number[][]} covers where each stands (0 … 1), and how many px it covers to either side
 */
export function sliderMakeRoom(track, covers) {
  const width = track.querySelector(".fl-rates-bar")?.clientWidth ?? 0;
  for (const zone of /** @type {NodeListOf<HTMLElement>} */ (track.querySelectorAll(".fl-rates-zone"))) {
    const name = /** @type {HTMLElement} */ (zone.firstElementChild);
    const [left, right, own] = [zone.offsetLeft, zone.offsetLeft + zone.offsetWidth, name.offsetWidth];
    const middle = (left + right) / 2;
    const edges = [...covers].sort((a, b) => a[0] - b[0]).flatMap(([at, half]) => [at * width - half, at * width + half]);
    const bounds = [left, ...edges, right];
    /** @type {number[]} */
    const spots = [];
    for (let i = 0; i < bounds.length; i += 2) {
      const [from, to] = [Math.max(left, ...bounds.slice(0, i + 1)) + own / 2, Math.min(right, ...bounds.slice(i + 1)) - own / 2];
      if (from <= to) spots.push(Math.min(to, Math.max(from, middle)));
    }
    const spot = spots.sort((a, b) => Math.abs(a - middle) - Math.abs(b - middle))[0];
    name.style.visibility = spot === undefined ? "hidden" : "";
    name.style.transform = spot === undefined ? "" : `translateX(${spot - middle}px)`;
  }
}

/** The left end of the longest text that fits beside its mark, null where none does. @param {SliderLabel} label @param {number} width @param {[number, number][]} taken */
function sliderPlace({ element, at, texts, sides, away = 5 }, width, taken) {
  element.hidden = false;
  for (const text of texts) {
    setText(element, text);
    const own = element.offsetWidth;
    for (const side of sides) {
      const left = at * width + (side === "left" ? -own - away : side === "right" ? away : -own / 2);
      if (left < -12 || left + own > width + 12) continue;
      if (taken.every(([from, to]) => left >= to || left + own <= from)) return left;
    }
  }
  return null;
}
