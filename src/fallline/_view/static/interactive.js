// @ts-check
// The live picture where a host runs what is asked for: a payload in, wishes out. Without `payload.accepts` it is the page of render.js.

import { renderLive } from "./live_page.js";
import { renderAsking } from "./interactive_page.js";

/**
 * @typedef {(event: string, listener: () => void) => void} InteractiveListening
 * @typedef {{get: (name: string) => any, set?: (name: string, value: any) => void, save_changes?: () => void, on?: InteractiveListening, off?: InteractiveListening}} InteractiveModel
 */

/**
 * Draws `model.get("payload")` (docs/payload.md) into `el`. A new payload and a new `part` (some of its keys) take the place of what is shown; what a
 * person asks for is set as the model's `wish`.
 * @param {{model: InteractiveModel, el: HTMLElement}} host
 * @returns {() => void} takes the picture away
 */
export function render({ model, el }) {
  /** @type {{replace: (payload: any) => void, swap: (part: any) => void, go: (step: any) => void, stop: () => void} | null} */
  let page = null;
  let away = () => {};
  const whole = () => {
    const payload = model.get("payload");
    const asks = interactiveAsks(payload);
    if (page !== null && asks) return page.replace(payload);
    away();
    page = asks ? renderAsking(model, el) : null;
    away = page === null ? renderLive(payload, el) : page.stop;
  };
  const part = () => page?.swap(model.get("part"));
  const step = () => page?.go(model.get("step"));
  whole();
  model.on?.("change:payload", whole);
  model.on?.("change:part", part);
  model.on?.("change:step", step);
  return () => {
    model.off?.("change:payload", whole);
    model.off?.("change:part", part);
    model.off?.("change:step", step);
    away();
  };
}

/** Does the host answer wishes, and is there a step to show? @param {any} payload */
function interactiveAsks(payload) {
  return (payload?.accepts ?? []).length > 0 && payload.frames.step.length > 0 && payload.total_steps > 0;
}
