// @ts-check
// The words and numbers of the current step: captions while its four beats are shown, then its sentences; always its numbers.

import { make, setText } from "./element.js";
import { formatNumber } from "./scale.js";
import { parameterColour } from "./theme.js";

/** @typedef {import("./player.js").Place} Place */

const sentenceParameters = 4; // how many parameters the row of numbers holds

/**
 * @param {HTMLElement} slot
 * @param {any} scene
 * @returns {{update: (place: Place, theme: any) => void}}
 */
export function fillSentence(slot, scene) {
  const title = make("h2.fl-step-title");
  const numbers = make("dl.fl-readout");
  const words = make("div.fl-words", { "aria-live": "polite" });
  slot.append(title, numbers, words);
  const cells = sentenceCells(numbers, scene);
  let shown = "";
  let told = scene.frames;
  return {
    update: (place, theme) => {
      if (scene.frames.step.length === 0) {
        setText(title, "No step was taken");
        return;
      }
      const moved = place.progress > 0;
      setText(
        title,
        moved || place.beat > 0
          ? `${place.progress === 1 ? "After step" : "Step"} ${formatNumber(scene.frames.step[place.frame], 12)}`
          : place.frame === 0
            ? "The start"
            : `Before step ${formatNumber(scene.frames.step[place.frame], 12)}`,
      );
      for (const cell of cells) cell(place, theme);
      words.setAttribute("aria-live", place.mode === "playing" ? "off" : "polite");
      const key = place.mode === "playing" ? "playing" : `${scene.stop} ${place.frame} ${place.mode} ${place.beat} ${place.progress === 1}`;
      if (key === shown && told === scene.frames) return;
      [shown, told] = [key, scene.frames];
      words.replaceChildren(...sentenceBeats(scene, place), ...sentenceWords(scene, place));
    },
  };
}

/** The four beats of the step that was taken, for as long as one stands there. @param {any} scene @param {Place} place @returns {HTMLElement[]} */
function sentenceBeats(scene, { mode, frame, progress }) {
  const beats = mode === "idle" && progress === 1 ? (scene.frames.beats?.[frame] ?? []) : [];
  return beats.length === 0 ? [] : [make("ol.fl-beats", {}, ...beats.map((/** @type {string} */ text, /** @type {number} */ i) => make(`li.fl-beats-${i + 1}`, {}, text)))];
}

/** @param {any} scene @param {Place} place @returns {HTMLElement[]} */
function sentenceWords(scene, place) {
  if (place.mode === "playing")
    return [make("p.fl-word-quiet", {}, "Playing: the ball moves at one pace across the picture, so it lingers where the steps are long.")];
  if (place.mode === "beats" && scene.frames.beats !== null) {
    return scene.frames.beats[place.frame].map((/** @type {string} */ text, /** @type {number} */ i) =>
      make(`p.fl-beat.fl-beat-${i + 1}${i + 1 === place.beat ? ".fl-beat-now" : i + 1 > place.beat ? ".fl-beat-later" : ""}`, {}, text),
    );
  }
  if (place.progress === 0 && place.frame === 0 && scene.stop === null) {
    const opening = scene.opening ?? `The ball is where training starts: ${scene.plane.kind === "curve" ? "height is the loss. " : "height and colour are the loss, dark is low. "}Press “Take a step”: it finds which way is uphill, and goes the other way.`;
    return [opening].flat().map((text) => make("p", {}, text));
  }
  return scene.frames.sentences[place.frame].map((/** @type {string} */ text) => make("p", {}, text));
}

/**
 * The row of numbers: the loss, each parameter, the slope's promise and what came, the reach.
 * @param {HTMLElement} list
 * @param {any} scene
 * @returns {((place: Place, theme: any) => void)[]}
 */
function sentenceCells(list, scene) {
  const { parameters } = scene;
  const shown = parameters.length > sentenceParameters || scene.plane.kind === "path" && scene.parameters_title ? [] : parameters; // a place in a plane says nothing by itself
  const rows = [
    sentenceCell(list, "loss", "loss", (place) => sentenceNow(place, scene.frames.loss, scene.frames.loss_after)),
    ...shown.map((/** @type {string} */ name, /** @type {number} */ i) =>
      sentenceCell(list, name, "parameter", (place) => (place.progress < 1 ? scene.frames.start : scene.frames.end)[place.frame][i], {
        colour: (theme) => parameterColour(theme, i, parameters.length),
      }),
    ),
  ];
  const known = (/** @type {any[]} */ column) => column.some((value) => value !== null) || scene.frames.beats !== null;
  if (known(scene.frames.first_order_change)) rows.push(sentenceCell(list, "the slope promised", "promised", (place) => scene.frames.first_order_change[place.frame]));
  rows.push(sentenceCell(list, "what came", "came", (place) => scene.frames.real_change[place.frame], { later: true }));
  if (known(scene.frames.reach)) rows.push(sentenceCell(list, "reach", "reach", (place) => scene.frames.reach[place.frame], { later: true, note: (place) => scene.frames.reach_note[place.frame] }));
  const shares = scene.frames.limit_share ?? [];
  if (shares.some((/** @type {number | null} */ share) => share !== null)) rows.push(sentenceCell(list, "rate, % of its limit", "share", (place) => (shares[place.frame] === null ? null : Number((100 * shares[place.frame]).toPrecision(3)))));
  return rows;
}

/** @param {Place} place @param {(number | null)[]} before @param {(number | null)[]} after */
function sentenceNow(place, before, after) {
  return place.progress < 1 ? before[place.frame] : after[place.frame];
}

/**
 * @param {HTMLElement} list
 * @param {string} name
 * @param {string} id
 * @param {(place: Place) => number | null} value
 * @param {{colour?: (theme: any) => string, note?: (place: Place) => string, later?: boolean}} [more]
 * note: why there is no number; later: known only once the step is taken
 * @returns {(place: Place, theme: any) => void}
 */
function sentenceCell(list, name, id, value, { colour, note, later } = {}) {
  const number = make("dd", { "data-number": id === "parameter" ? name : id });
  const cell = make(`div.fl-cell.fl-cell-${id}`, {}, make("dt", {}, name), number);
  list.append(cell);
  return (place, theme) => {
    const found = value(place);
    setText(number, later && place.progress < 1 ? "…" : formatNumber(found));
    number.title = found === null && note ? note(place) : "";
    if (colour) cell.style.setProperty("--fl-mark", colour(theme));
  };
}
