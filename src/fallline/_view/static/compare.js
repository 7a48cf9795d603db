// @ts-check
// The page of a comparison. Hosts call `render` and nothing else.

import { renderComparison } from "./compare_page.js";

/**
 * Draws the payload `model.get("payload")` (docs/payload-comparison.md) into `el`.
 * @param {{model: {get: (name: string) => any}, el: HTMLElement}} host
 * @returns {() => void} takes the page away
 */
export function render({ model, el }) {
  return renderComparison(model.get("payload"), el).stop;
}
