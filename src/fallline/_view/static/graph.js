// @ts-check
// The page of a backward pass. Hosts call `render` and nothing else.

import { renderGraph } from "./graph_page.js";

/**
 * Draws the payload `model.get("payload")` (docs/payload-backprop.md) into `el`.
 * @param {{model: {get: (name: string) => any}, el: HTMLElement}} host
 * @returns {() => void} takes the page away
 */
export function render({ model, el }) {
  return renderGraph(model.get("payload"), el).stop;
}
