// @ts-check
// Small things that the list of runs and a run's page both say: numbers, times, how a run stands.

import { make } from "../../_view/static/element.js";
import { decodeNumbers } from "../../_view/static/decode.js";
import { formatNumber } from "../../_view/static/scale.js";

const runSigns = /** @type {Record<string, string>} */ ({ running: "●", diverged: "✕", converged: "✓", descending: "↘", stalled: "→", interrupted: "■", ended: "■", broken: "!" });

/** @param {any} value as it travels: a number, or one of the words for what is not finite @returns {string} */
export function numberWords(value) {
  return formatNumber(decodeNumbers({ value }).value);
}

/** How many, all digits grouped. @param {number} count @returns {string} */
export function countWords(count) {
  return count.toLocaleString("en").replace("-", "−");
}

/** How a run stands: a sign, a colour and its words. @param {string | null} outcome @param {string} words */
export function outcomeBadge(outcome, words) {
  const sign = make("span.st-run-sign", { "aria-hidden": "true" }, runSigns[outcome ?? ""] ?? "?");
  return make(`span.st-run-state.st-run-${outcome ?? "open"}`, {}, sign, make("span", {}, words));
}

/** How long ago, in the unit that matters. @param {number} at seconds since 1970 */
export function whenWords(at) {
  const ago = Math.max(0, Date.now() / 1000 - at);
  if (ago < 5) return "just now";
  if (ago < 60) return `${Math.floor(ago / 5) * 5} s ago`;
  if (ago < 3600) return `${Math.floor(ago / 60)} min ago`;
  if (ago < 86400) return `${Math.floor(ago / 3600)} h ago`;
  const days = Math.floor(ago / 86400);
  return days < 14 ? `${days} ${days === 1 ? "day" : "days"} ago` : new Date(at * 1000).toLocaleDateString("en", { year: "numeric", month: "short", day: "numeric" });
}

/**
 * A stylesheet of the page, once.
 * @param {string} path
 * @returns {{ready: Promise<void>, remove: () => void}} remove: it may say the same as one of the shell's, in another order
 */
export function linkStyle(path) {
  const known = document.querySelector(`link[href="${path}"]`);
  const link = /** @type {HTMLLinkElement} */ (known ?? make("link", { rel: "stylesheet", href: path }));
  const ready = new Promise((/** @type {(_: void) => void} */ done) => {
    if (link.sheet !== null) return done();
    for (const event of ["load", "error"]) link.addEventListener(event, () => done(), { once: true });
  });
  if (known === null) document.head.append(link);
  return { ready, remove: () => link.remove() };
}
