// @ts-check
// The share of the limit: a rate on its way there.

import { make } from "./element.js";

const gaugeRoomy = 1.7; // a track that ends further past the limit has no room for two labels

/**
 * A track from 0 to a little past the limit.
 * @param {{share: number, value: number, limit: number, crossing: number | null}} rate
 * @returns {HTMLElement}
 */
export function makeGauge(rate) {
  const end = Math.max(1.15, Math.min(rate.share * 1.05, 3));
  /** @param {string} kind @param {number} at @param {string} label */
  const tick = (kind, at, label) => {
    const element = make(`span.fl-gauge-${kind}`, {}, label === "" ? "" : make("span.fl-gauge-label", {}, label));
    element.style.left = `${(100 * Math.min(at, end)) / end}%`;
    return element;
  };
  const past = make("span.fl-gauge-past");
  past.style.left = `${100 / end}%`;
  const gauge = make("div.fl-gauge", { "aria-hidden": "true" }, past, tick("tick", 1, "limit"));
  if (rate.crossing !== null && rate.crossing < rate.limit) gauge.append(tick("tick", rate.crossing / rate.limit, end < gaugeRoomy ? "crosses" : ""));
  gauge.append(tick("mark", rate.value / rate.limit, ""));
  return gauge;
}
