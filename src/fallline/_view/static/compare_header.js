// @ts-check
// What is compared, and at which rates: one common rate, or each at its own best.

import { make, setText } from "./element.js";

/**
 * @param {Record<string, HTMLElement>} slots
 * @param {any} comparison
 * @param {{setting: number}} choices
 * @param {{theme: {next: () => string, choice: () => string}, onProjector: () => void, onSetting: (index: number) => void}} host
 * @returns {{update: () => void}}
 */
export function fillCompareHeader(slots, comparison, choices, host) {
  const words = () => ({ auto: "Theme: auto", light: "Theme: light", dark: "Theme: dark" })[host.theme.choice()] ?? "";
  const theme = make("button.fl-button.fl-button-small", { type: "button", title: "Light or dark", click: () => { host.theme.next(); setText(theme, words()); } }, words());
  const projector = make("button.fl-button.fl-button-small.fl-button-projector", { type: "button", title: "Large type, two pictures (key P)", click: host.onProjector }, "Projector");
  const settings = comparison.settings.map((/** @type {any} */ scene, /** @type {number} */ i) =>
    make("button.fl-setting", { type: "button", click: () => host.onSetting(i) }, scene.name),
  );
  slots.header.append(
    make("div.fl-heading", {}, make("h1.fl-title", {}, comparison.title), make("p.fl-subtitle", {}, comparison.subtitle)),
    ...(settings.length < 2 ? [] : [make("div.fl-settings", {}, make("div.fl-setting-group", { role: "group", "aria-label": "Learning rates" }, ...settings))]),
    make("div.fl-header-tools", {}, projector, theme),
  );
  return {
    update: () => {
      settings.forEach((/** @type {Element} */ button, /** @type {number} */ i) => button.setAttribute("aria-pressed", String(i === choices.setting)));
    },
  };
}
