// @ts-check
// The page of a live picture, whoever hosts it: the contour leads, then the bowl, the step, the charts; played, scrubbed and turned.

import { decodePayload } from "./decode.js";
import { createLayout } from "./layout.js";
import { createPlayer, placeAfter } from "./player.js";
import { createThemeControl, readTheme } from "./theme.js";
import { fillHeader, fillRun } from "./header.js";
import { fillSlider } from "./slider.js";
import { fillSweepTables } from "./sweep_tables.js";
import { createStops, hasRates } from "./stops.js";
import { fillTransport, transportToggle } from "./transport.js";
import { fillSentence } from "./sentence.js";
import { fillSwitches, makeTurnable } from "./switches.js";
import { fillTable } from "./table.js";
import { listenToKeys } from "./keyboard.js";
import { setText } from "./element.js";
import { createRefresher } from "./refresher.js";
import { createPictures } from "./pictures.js";
import { hasInset } from "./contour.js";
import { homeCamera, topCamera, turnCamera } from "./camera.js";

/**
 * @param {any} payload docs/payload.md
 * @param {HTMLElement} el
 * @param {((scene: any, page: {panels: Record<string, HTMLElement>, surfaces: Record<string, import("./surface.js").Surface>, root: HTMLElement}) => HTMLElement) | null} [beside] makes a panel that stands beside the pictures
 * @returns {() => void} takes the page away
 */
export function renderLive(payload, el, beside = null) {
  const scene = decodePayload(payload);
  const empty = scene.frames.step.length === 0;
  const stops = createStops(scene);
  const still = window.matchMedia("(prefers-reduced-motion: reduce)");
  /** @type {import("./switches.js").Choices & {camera: any, turning: boolean}} */
  const choices = { ghost: false, windowId: "main", camera: empty ? topCamera() : homeCamera(scene), turning: false };
  const refresh = createRefresher(() => draw());
  const layout = createLayout(el, { without: liveWithout(scene), empty, onResize: refresh.ask });
  const { root, slots, panels, surfaces } = layout;
  const player = createPlayer(scene, { onChange: refresh.ask, reducedMotion: () => still.matches });
  const theme = createThemeControl(root, refresh.ask, () => draw());
  const toggleProjector = () => {
    root.classList.toggle("fl-projector");
    root.focus(); // the button that was pressed is hidden now
    refresh.ask();
  };
  const header = fillHeader(slots.header, scene, { theme, onProjector: toggleProjector, onBack: () => showStop(null) });
  fillRun(slots.run, scene);
  const table = fillTable(slots.table, scene);
  /** @param {number | null} index */
  const showStop = (index) => {
    player.change(() => stops.show(index));
    table.update();
  };
  const slider = hasRates(scene)
    ? fillSlider(slots.rates, scene, { choose: showStop, toggle: () => transportToggle(player) })
    : null;
  if (slider !== null) fillSweepTables(slots.sweep, scene);
  if (scene.rates?.reason) slots.rates.append(scene.rates.reason);
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
  if (panels.bowl) makeTurnable(panels.bowl, surfaces.bowl.canvas, { turn, moving });
  if (!empty && scene.total_steps === 0) root.classList.add("fl-still"); // one place, nothing to play
  if (beside !== null) layout.addBeside(beside(scene, layout));
  if (scene.parameters_title && panels.parameters) setText(/** @type {Element} */ (panels.parameters.querySelector("h2")), scene.parameters_title);
  if (scene.plane.kind === "curve") setText(/** @type {Element} */ (panels.contour.querySelector("h2")), `The loss over ${scene.parameters[0]}`);
  const silence = listenToKeys(el, root, surfaces.bowl?.canvas ?? null, {
    ...livePlayKeys(player),
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
  if (scene.opens_at) player.seek(placeAfter(scene, player, scene.opens_at));
  const draw = () => {
    const colours = readTheme(root);
    header.update();
    slider?.update(stops.at());
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

/** What there is nothing to draw of. @param {any} scene @returns {import("./layout.js").PanelName[]} */
export function liveWithout(scene) {
  const empty = scene.frames.step.length === 0;
  if (!empty && scene.total_steps === 0) return ["inset", "slice", "data", "loss", "parameters", "rates", "zoneloss", "zoneparameters"];
  return /** @type {any[]} */ ([...(hasInset(scene) ? [] : ["inset"]), ...(scene.bowls.length > 0 ? [] : ["bowl"]), ...(scene.data === null ? ["data"] : []), ...(scene.frames.slice.some((/** @type {any} */ losses) => losses !== null) || empty ? [] : ["slice"]), ...(hasRates(scene) ? [] : ["rates", "zoneloss", "zoneparameters"])]);
}

/** @param {import("./player.js").Player} player */
export function livePlayKeys(player) {
  return {
    toggle: () => transportToggle(player),
    back: () => player.back(),
    forward: () => player.forward(),
    home: () => player.seek(0),
    end: () => player.seek(player.count),
  };
}
