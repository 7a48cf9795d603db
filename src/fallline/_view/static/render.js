// @ts-check
// The live picture: one payload in, one page out. Hosts (report, studio, notebook) call `render` and nothing else.

import { decodePayload } from "./decode.js";
import { createLayout } from "./layout.js";
import { createPlayer } from "./player.js";
import { createThemeControl, readTheme } from "./theme.js";
import { fillHeader, fillRun } from "./header.js";
import { fillTransport, transportToggle } from "./transport.js";
import { fillSentence } from "./sentence.js";
import { fillSwitches, makeTurnable } from "./switches.js";
import { fillTable } from "./table.js";
import { listenToKeys } from "./keyboard.js";
import { createPictures } from "./pictures.js";
import { hasInset } from "./contour.js";
import { homeCamera, topCamera, turnCamera } from "./camera.js";

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
  let stop = renderPage(model.get("payload"), el);
  const again = () => {
    stop();
    stop = renderPage(model.get("payload"), el);
  };
  model.on?.("change:payload", again);
  return () => {
    model.off?.("change:payload", again);
    stop();
  };
}

/**
 * @param {any} payload
 * @param {HTMLElement} el
 * @returns {() => void}
 */
function renderPage(payload, el) {
  const scene = decodePayload(payload);
  const empty = scene.frames.step.length === 0;
  const still = window.matchMedia("(prefers-reduced-motion: reduce)");
  /** @type {import("./switches.js").Choices & {camera: any, turning: boolean}} */
  const choices = { ghost: false, windowId: "main", camera: empty ? topCamera() : homeCamera(scene), turning: false };
  const refresh = renderRefresher(() => draw());
  const layout = createLayout(el, { inset: hasInset(scene), empty, onResize: refresh.ask });
  const { root, slots, panels, surfaces } = layout;
  const player = createPlayer(scene, { onChange: refresh.ask, reducedMotion: () => still.matches });
  const theme = createThemeControl(root, refresh.ask);
  const toggleProjector = () => {
    root.classList.toggle("fl-projector");
    root.focus(); // the button that was pressed is hidden now
    refresh.ask();
  };
  fillHeader(slots.header, scene, { theme, onProjector: toggleProjector });
  fillRun(slots.run, scene);
  fillTable(slots.table, scene);
  const transport = fillTransport(slots.transport, scene, player);
  const sentence = fillSentence(slots.step, scene);
  const switches = fillSwitches(panels.contour, scene, choices, refresh.ask);
  const pictures = createPictures(scene, surfaces);
  /** @param {any} camera */
  const look = (camera) => {
    choices.camera = camera;
    refresh.ask();
  };
  /** @param {number} dx @param {number} dy */
  const turn = (dx, dy) => look(turnCamera(choices.camera, dx, dy));
  const moving = (/** @type {boolean} */ on) => {
    choices.turning = on;
    refresh.ask();
  };
  makeTurnable(panels.bowl, surfaces.bowl.canvas, { turn, moving });
  const silence = listenToKeys(el, root, surfaces.bowl.canvas, {
    ...renderPlayKeys(player),
    projector: toggleProjector,
    leaveProjector: () => {
      if (root.classList.contains("fl-projector")) toggleProjector();
    },
    cameraHome: () => {
      if (!empty) look(homeCamera(scene));
    },
    cameraTop: () => look(topCamera()),
    turn,
  });
  const draw = () => {
    const colours = readTheme(root);
    transport.update();
    sentence.update(player.place, colours);
    switches.update();
    const { ghost, windowId, camera, turning } = choices;
    pictures.draw({ ...player.place, ghost, windowId, camera, moving: turning }, colours);
  };
  return () => {
    player.stop();
    refresh.stop();
    theme.stop();
    silence();
    layout.stop();
  };
}

/** @param {import("./player.js").Player} player */
function renderPlayKeys(player) {
  return {
    toggle: () => transportToggle(player),
    back: () => player.back(),
    forward: () => player.forward(),
    home: () => player.seek(0),
    end: () => player.seek(player.count),
  };
}

/**
 * Draws once in the next animation frame, however often it was asked to.
 * @param {() => void} draw
 * @returns {{ask: () => void, stop: () => void}}
 */
function renderRefresher(draw) {
  let request = 0;
  return {
    ask: () => {
      if (request !== 0) return;
      request = requestAnimationFrame(() => {
        request = 0;
        draw();
      });
    },
    stop: () => cancelAnimationFrame(request),
  };
}
