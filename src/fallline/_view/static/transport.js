// @ts-check
// Take a step, play, back, forward, and the scrubber, logarithmic in the step: the first steps are where things happen.

import { make, makeIcon, setText } from "./element.js";
import { formatNumber } from "./scale.js";

/** @typedef {import("./player.js").Player} Player */

const transportIcons = {
  play: "M7 4.5v15l12.5-7.5z",
  pause: "M6.5 4.5h4v15h-4zM13.5 4.5h4v15h-4z",
  back: "M17.5 5v14L8 12zM5.5 5h2.2v14H5.5z",
  forward: "M6.5 5v14L16 12zM16.3 5h2.2v14h-2.2z",
};
const transportScrub = 1000;

/**
 * @param {HTMLElement} slot
 * @param {any} scene
 * @param {Player} player
 * @returns {{update: () => void}}
 */
export function fillTransport(slot, scene, player) {
  const step = make("button.fl-button.fl-button-step.fl-pulse", { type: "button", click: () => player.takeStep() }, "Take a step");
  const playLabel = make("span.fl-button-word", {}, "Play");
  const playIcon = makeIcon(transportIcons.play);
  const play = make("button.fl-button.fl-button-play", { type: "button", click: () => transportToggle(player) }, playIcon, playLabel);
  const back = transportButton("back", "One step back", () => player.back());
  const forward = transportButton("forward", "One step on", () => player.forward());
  const counter = make("span.fl-counter");
  const skip = make("span.fl-skip", { "aria-hidden": "true" });
  const scrub = make("input.fl-scrub", {
    type: "range",
    min: "0",
    max: String(transportScrub),
    step: "any",
    value: "0",
    "aria-label": "Steps taken",
    input: () => player.seek(transportPosition(scrub.valueAsNumber, player.count)),
    keydown: (/** @type {KeyboardEvent} */ event) => transportScrubKey(event, player),
  });
  slot.append(step, play, back, make("div.fl-scrub-box", {}, scrub, make("div.fl-counter-line", {}, counter, skip)), forward);
  slot.addEventListener("click", transportLetGo);
  if (player.count === 0) for (const control of [step, play, back, forward, scrub]) control.disabled = true;
  return {
    update: () => {
      const { place } = player;
      const taken = player.taken();
      if (place.mode !== "idle" || taken > 0) step.classList.remove("fl-pulse");
      const playing = place.mode === "playing";
      setText(playLabel, playing ? "Pause" : taken >= player.count && player.count > 0 ? "Again" : "Play");
      playIcon.firstElementChild?.setAttribute("d", playing ? transportIcons.pause : transportIcons.play);
      const atEnd = taken >= player.count && place.mode === "idle";
      setText(step, atEnd && player.count > 0 ? "Back to the start" : "Take a step");
      back.disabled = player.count === 0 || taken === 0;
      forward.disabled = atEnd;
      scrub.value = String(transportValue(player.position(), player.count));
      const words = transportWords(scene, player);
      scrub.setAttribute("aria-valuetext", words);
      setText(counter, words);
      setText(
        skip,
        place.mode === "beats" && scene.frames.beats !== null
          ? (scene.frames.beats[place.frame][place.beat - 1] ?? "")
          : place.skip > 1
            ? `× ${transportCount(place.skip)}`
            : "",
      );
    },
  };
}

/**
 * Play or pause: what Space does too.
 * @param {Player} player
 */
export function transportToggle(player) {
  if (player.place.mode === "playing") player.pause();
  else player.play();
}

/**
 * A button that was clicked gives the focus back, so that Space plays again; one that was pressed by a key keeps it.
 * @param {MouseEvent} event
 */
function transportLetGo(event) {
  const button = /** @type {Element} */ (event.target).closest("button");
  if (event.detail > 0 && button !== null) /** @type {HTMLElement | null} */ (button.closest(".fl"))?.focus({ preventScroll: true });
}

/** @param {"back" | "forward"} icon @param {string} label @param {() => void} act */
function transportButton(icon, label, act) {
  return make(
    "button.fl-button.fl-button-icon",
    { type: "button", "aria-label": label, title: label, click: act },
    makeIcon(transportIcons[icon]),
  );
}

/** @param {any} scene @param {Player} player */
function transportWords(scene, player) {
  const taken = player.taken();
  const done = taken === 0 ? 0 : scene.frames.step[taken - 1] + (player.place.mode === "beats" && player.place.progress < 1 ? 0 : 1);
  return `${transportCount(done)} of ${transportCount(scene.total_steps)} ${scene.total_steps === 1 ? "step" : "steps"} taken`;
}

/** @param {number} count */
function transportCount(count) {
  return formatNumber(count, 12);
}

/** Where on the scrubber a position stands. @param {number} position @param {number} count */
function transportValue(position, count) {
  return count === 0 ? 0 : (transportScrub * Math.log1p(position)) / Math.log1p(count);
}

/** The position nearest to a place on the scrubber. @param {number} value @param {number} count */
function transportPosition(value, count) {
  return Math.round(Math.expm1((value / transportScrub) * Math.log1p(count)));
}

/** The scrubber's keys go by whole steps. @param {KeyboardEvent} event @param {Player} player */
function transportScrubKey(event, player) {
  const by = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 10, PageDown: -10 }[event.key];
  if (by === undefined) return;
  player.seek(player.taken() + by);
  event.preventDefault();
  event.stopPropagation();
}
