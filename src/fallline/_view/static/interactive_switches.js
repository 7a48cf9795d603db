// @ts-check
// The switches over the contour of a page that asks. The zoom stands in the picture's corner, so that nothing moves when a run needs it.

import { make, setText } from "./element.js";
import { pathLeaves, switchButton, switchZoomed } from "./switches.js";

/**
 * @param {HTMLElement} panel the contour's panel
 * @param {any} scene
 * @param {import("./switches.js").Choices} choices changed in place
 * @param {() => void} onChange
 * @returns {{row: HTMLElement, update: () => void}}
 */
export function fillStandingSwitches(panel, scene, choices, onChange) {
  const has = (/** @type {string} */ id) => scene.windows.some((/** @type {any} */ view) => view.id === id);
  const ghost = switchButton("+ gradient", "Show where + gradient, uphill, would have gone", () => {
    choices.ghost = !choices.ghost;
    onChange();
  });
  const valley = switchButton("valley axes", "Plot along the sharpest and the flattest direction", () => {
    choices.windowId = choices.windowId === "valley" ? "main" : "valley";
    onChange();
  });
  const zoom = make("button.fl-button.fl-button-small.fl-zoom", {
    type: "button",
    click: () => {
      choices.windowId = switchZoomed(choices.windowId, has);
      onChange();
    },
  });
  const row = make("div.fl-switches", {}, ghost, valley);
  panel.querySelector(".fl-panel-head")?.append(row);
  panel.append(zoom);
  return {
    row,
    update: () => {
      if (!has(choices.windowId)) choices.windowId = "main";
      ghost.setAttribute("aria-checked", String(choices.ghost));
      valley.setAttribute("aria-checked", String(choices.windowId === "valley"));
      valley.hidden = !has("valley");
      zoom.classList.toggle("fl-away", choices.windowId === "main" && !(has("wide") && pathLeaves(scene)));
      setText(zoom, switchZoomed(choices.windowId, has) === "main" ? "zoom back in" : "zoom out × 10");
    },
  };
}
