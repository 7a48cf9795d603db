// @ts-check
// The live picture of a run: one payload in, one page out. Hosts (report, studio, notebook) call `render` and nothing else.

import { renderLive } from "./live_page.js";

/**
 * @typedef {(event: string, listener: () => void) => void} Listening
 * @typedef {{get: (name: string) => any, on?: Listening, off?: Listening}} HostModel
 */

/**
 * Draws the payload `model.get("payload")` (docs/payload.md) into `el`, and again whenever it changes.
 * @param {{model: HostModel, el: HTMLElement}} host
 * @returns {() => void} takes the picture away
 */
export function render({ model, el }) {
  let stop = renderLive(model.get("payload"), el);
  const again = () => {
    stop();
    stop = renderLive(model.get("payload"), el);
  };
  model.on?.("change:payload", again);
  return () => {
    model.off?.("change:payload", again);
    stop();
  };
}
