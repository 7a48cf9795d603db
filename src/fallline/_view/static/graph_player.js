// @ts-check
// Take a step, play, back, forward, and the scrubber of a graph's page.

import { make, makeIcon, setText } from "./element.js";

const graphIcons = { play: "M7 4.5v15l12.5-7.5z", pause: "M6.5 4.5h4v15h-4zM13.5 4.5h4v15h-4z", back: "M17.5 5v14L8 12zM5.5 5h2.2v14H5.5z", forward: "M6.5 5v14L16 12zM16.3 5h2.2v14h-2.2z" };
const graphSlowest = 1600; // ms for a moment: time to read its sentence
const graphFastest = 160;
const graphWholePlay = 40_000; // ms that a long graph takes

/**
 * @param {() => void} changed
 * @returns {any}
 */
export function createGraphPlayer(changed) {
  let [at, count, timer] = [0, 1, 0];
  const go = (/** @type {number} */ to) => {
    at = Math.max(0, Math.min(count - 1, to));
    changed();
  };
  const pause = () => {
    clearTimeout(timer);
    timer = 0;
    changed();
  };
  const tick = () => {
    if (at >= count - 1) return pause();
    timer = setTimeout(() => {
      go(at + 1);
      tick();
    }, Math.max(graphFastest, Math.min(graphSlowest, graphWholePlay / count)));
  };
  const player = {
    get at() { return at; },
    get count() { return count; },
    get playing() { return timer !== 0; },
    /** Another graph, standing at another moment. @param {number} moments @param {number} place */
    set: (moments, place) => { [count, at] = [moments, place]; },
    seek: (/** @type {number} */ to) => { clearTimeout(timer); timer = 0; go(to); },
    toggle: () => {
      if (timer !== 0) return pause();
      if (at >= count - 1) at = 0;
      go(at + 1);
      tick();
      changed();
    },
    step: () => player.seek(at >= count - 1 ? 0 : at + 1),
    stop: () => clearTimeout(timer),
  };
  return player;
}

/** @param {any} player @returns {{element: HTMLElement, update: (words: string) => void}} */
export function graphTransport(player) {
  const step = make("button.fl-button.fl-button-step.fl-pulse", { type: "button", click: player.step }, "Take a step");
  const label = make("span.fl-button-word", {}, "Play");
  const icon = makeIcon(graphIcons.play);
  const play = make("button.fl-button.fl-button-play", { type: "button", click: player.toggle }, icon, label);
  const back = make("button.fl-button.fl-button-icon", { type: "button", "aria-label": "One step back", title: "One step back", click: () => player.seek(player.at - 1) }, makeIcon(graphIcons.back));
  const forward = make("button.fl-button.fl-button-icon", { type: "button", "aria-label": "One step on", title: "One step on", click: () => player.seek(player.at + 1) }, makeIcon(graphIcons.forward));
  const counter = make("span.fl-counter");
  const scrub = make("input.fl-scrub", { type: "range", min: "0", step: "1", value: "0", "aria-label": "Steps taken", input: () => player.seek(scrub.valueAsNumber) });
  const element = make("div.fl-transport.fl-graph-transport", { role: "group", "aria-label": "Play" }, step, play, back, make("div.fl-scrub-box", {}, scrub, make("div.fl-counter-line", {}, counter)), forward);
  element.addEventListener("click", (/** @type {any} */ event) => { if (event.detail > 0 && event.target !== scrub) document.activeElement instanceof HTMLElement && document.activeElement.blur(); });
  return {
    element,
    update: (words) => {
      const end = player.at >= player.count - 1;
      if (player.at > 0 || player.playing) step.classList.remove("fl-pulse");
      setText(step, end ? "Back to the start" : "Take a step");
      setText(label, player.playing ? "Pause" : end ? "Again" : "Play");
      icon.firstElementChild?.setAttribute("d", player.playing ? graphIcons.pause : graphIcons.play);
      back.disabled = player.at === 0;
      forward.disabled = end;
      scrub.max = String(player.count - 1);
      scrub.value = String(player.at);
      scrub.setAttribute("aria-valuetext", words);
      setText(counter, words);
    },
  };
}
