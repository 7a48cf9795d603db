// @ts-check
// What can be switched in the pictures: the ghost of "+ gradient", valley axes, zooming out, turning by touch.

import { make, setText } from "./element.js";

/** @typedef {{ghost: boolean, windowId: "main" | "wide" | "wider" | "valley"}} Choices */

/**
 * @param {HTMLElement} panel the contour's panel
 * @param {any} scene
 * @param {Choices} choices changed in place
 * @param {() => void} onChange
 * @returns {{update: () => void}}
 */
export function fillSwitches(panel, scene, choices, onChange) {
  const has = (/** @type {string} */ id) => scene.windows.some((/** @type {any} */ view) => view.id === id);
  const row = make("div.fl-switches");
  panel.querySelector(".fl-panel-head")?.append(row);
  const ghost = switchButton("+ gradient", "Show where + gradient, uphill, would have gone", () => {
    choices.ghost = !choices.ghost;
  });
  const valley = switchButton("valley axes", "Plot along the sharpest and the flattest direction", () => {
    choices.windowId = choices.windowId === "valley" ? "main" : "valley";
  });
  const zoom = make("button.fl-button.fl-button-small.fl-zoom", {
    type: "button",
    click: () => {
      choices.windowId = switchZoomed(choices.windowId, has);
      onChange();
    },
  });
  if (scene.frames.ghost_uv) row.append(ghost);
  if (has("valley")) row.append(valley);
  const leaves = has("wide") && pathLeaves(scene);
  if (leaves) row.append(zoom);
  for (const control of [ghost, valley]) control.addEventListener("click", onChange);
  return {
    update: () => {
      ghost.setAttribute("aria-checked", String(choices.ghost));
      valley.setAttribute("aria-checked", String(choices.windowId === "valley"));
      const next = switchZoomed(choices.windowId, has);
      setText(zoom, next === "main" ? "zoom back in" : "zoom out × 10");
    },
  };
}

/** @param {string} text @param {string} title @param {() => void} act */
export function switchButton(text, title, act) {
  return make(
    "button.fl-switch",
    { type: "button", role: "switch", title, "aria-checked": "false", click: act },
    make("span.fl-switch-knob"),
    text,
  );
}

/** @param {string} id @param {(id: string) => boolean} has @returns {"main" | "wide" | "wider"} */
export function switchZoomed(id, has) {
  if (id === "wide") return has("wider") ? "wider" : "main";
  return id === "wider" ? "main" : "wide";
}

/**
 * Does the path leave the main window?
 * @param {any} scene
 * @returns {boolean}
 */
export function pathLeaves(scene) {
  const main = scene.windows.find((/** @type {any} */ view) => view.id === "main");
  return scene.frames.end_uv.some(
    (/** @type {any} */ uv) => uv === null || !(uv[0] >= main.x[0] && uv[0] <= main.x[1] && uv[1] >= main.y[0] && uv[1] <= main.y[1]),
  );
}

/**
 * Turning the bowl: by mouse always, by touch where the switch is on (else a drag scrolls the page), by arrow keys.
 * @param {HTMLElement} panel
 * @param {HTMLCanvasElement} canvas
 * @param {{turn: (dx: number, dy: number) => void, moving: (moving: boolean) => void}} host
 */
export function makeTurnable(panel, canvas, { turn, moving }) {
  canvas.tabIndex = 0;
  const button = switchButton("turn by touch", "Drags on the bowl turn it instead of scrolling the page", () => {
    const on = !canvas.classList.contains("fl-turning");
    canvas.classList.toggle("fl-turning", on);
    button.setAttribute("aria-checked", String(on));
  });
  button.classList.add("fl-switch-touch");
  panel.querySelector(".fl-panel-head")?.append(make("div.fl-switches", {}, button));
  /** @type {{id: number, x: number, y: number} | null} */
  let drag = null;
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || (event.pointerType === "touch" && !canvas.classList.contains("fl-turning"))) return;
    drag = { id: event.pointerId, x: event.clientX, y: event.clientY };
    canvas.setPointerCapture(event.pointerId);
    moving(true);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (drag === null || event.pointerId !== drag.id) return;
    turn(event.clientX - drag.x, event.clientY - drag.y);
    drag = { id: event.pointerId, x: event.clientX, y: event.clientY };
  });
  const end = () => {
    if (drag === null) return;
    drag = null;
    moving(false);
  };
  canvas.addEventListener("pointerup", end);
  canvas.addEventListener("pointercancel", end);
}
