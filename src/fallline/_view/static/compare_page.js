// @ts-check
// The page of a comparison, whoever hosts it: several optimizers on one loss, moving together.

import { createPlayer } from "./player.js";
import { createThemeControl, readTheme } from "./theme.js";
import { fillTransport, transportToggle } from "./transport.js";
import { listenToKeys } from "./keyboard.js";
import { createRefresher } from "./refresher.js";
import { seriesColours } from "./charts_marks.js";
import { compareMoment, decodeComparison } from "./compare_scene.js";
import { createCompareLayout } from "./compare_layout.js";
import { fillCompareHeader } from "./compare_header.js";
import { fillLegend } from "./compare_legend.js";
import { fillResults } from "./compare_results.js";
import { createComparePictures } from "./compare_pictures.js";
import { createBasinMaps } from "./compare_basins.js";

/**
 * @typedef {{comparison: any, scene: any, choices: any, player: import("./player.js").Player, layout: any, refresh: {ask: () => void, stop: () => void}, refill: () => void, again: () => void, draw: () => void, stop: () => void}} ComparePage
 * comparison: replaced by whoever changes it; scene: what is shown of it, changed in place; refill: the words, tables and maps anew, the canvases stay; again: only what is told of the shown setting
 * @typedef {(page: ComparePage) => {over: (context: CanvasRenderingContext2D, theme: any, where: any) => void, drawn: () => void, stop: () => void}} CompareHand what a host adds to the contour
 */

/**
 * @param {any} payload docs/payload-comparison.md
 * @param {HTMLElement} el
 * @param {CompareHand | null} [hand]
 * @returns {ComparePage}
 */
export function renderComparison(payload, el, hand = null) {
  const comparison = decodeComparison(payload);
  const still = window.matchMedia("(prefers-reduced-motion: reduce)");
  const scene = { ...comparison.settings[comparison.first] };
  const choices = { hidden: new Set(), selected: comparison.leader, windowId: "main", setting: comparison.first, parameter: 0 };
  const refresh = createRefresher(() => page.draw());
  const layout = createCompareLayout(el, comparison, refresh.ask);
  const { root, slots, surfaces } = layout;
  const player = createPlayer(scene, { onChange: refresh.ask, reducedMotion: () => still.matches });
  const theme = createThemeControl(root, refresh.ask, () => page.draw());
  const toggleProjector = () => {
    root.classList.toggle("fl-projector");
    root.focus();
    refresh.ask();
  };
  const transport = fillTransport(slots.transport, scene, player);
  const silence = listenToKeys(el, root, /** @type {any} */ (null), compareKeys(player, root, toggleProjector));
  /** @type {any} */
  let parts = null;
  /** @type {any} */
  let own = null;
  /** @type {ComparePage} */
  const page = {
    comparison,
    scene,
    choices,
    player,
    layout,
    refresh,
    refill: () => {
      parts?.basins.stop();
      const open = slots.table.querySelector("details")?.open ?? false;
      layout.clear();
      parts = compareParts(page, { theme, toggleProjector, slots, surfaces, over: (/** @type {any} */ context, /** @type {any} */ colours, /** @type {any} */ where) => own?.over(context, colours, where) });
      if (open) slots.table.querySelector("details")?.setAttribute("open", "");
    },
    again: () => {
      parts.caption();
      parts.results.again();
    },
    draw: () => {
      const colours = { ...readTheme(root), series: seriesColours(root) };
      const state = { ...player.place, ...choices, ...compareMoment(scene, player.place) };
      transport.update();
      parts.header.update();
      layout.showInset(scene.windows.some((/** @type {any} */ view) => view.id === "inset"));
      parts.legend.update(scene, state);
      parts.results.update();
      parts.pictures.draw(scene, state, colours);
      parts.basins.draw(colours);
      own?.drawn();
    },
    stop: () => {
      own?.stop();
      player.stop();
      refresh.stop();
      theme.stop();
      silence();
      parts.basins.stop();
      layout.stop();
    },
  };
  page.refill();
  own = hand === null ? null : hand(page);
  return page;
}

/** What is filled from a comparison: everything but the canvases and the transport. @param {ComparePage} page @param {any} host */
function compareParts(page, { theme, toggleProjector, slots, surfaces, over }) {
  const { comparison, scene, choices, player, refresh } = page;
  const caption = () => scene.frames.beats.fill(scene.paths[choices.selected].captions);
  const header = fillCompareHeader(slots, comparison, choices, {
    theme,
    onProjector: toggleProjector,
    onSetting: (index) => {
      choices.setting = index;
      choices.windowId = "main";
      player.change(() => Object.assign(scene, page.comparison.settings[index]));
      caption();
      refresh.ask();
    },
  });
  const legend = fillLegend(slots.legend, comparison, choices, () => {
    caption();
    refresh.ask();
  });
  caption();
  return {
    caption,
    header,
    legend,
    results: fillResults(slots, comparison, choices),
    pictures: createComparePictures(comparison, surfaces, slots, choices, refresh.ask, over),
    basins: createBasinMaps(slots.basins, comparison, refresh.ask),
  };
}

/** @param {import("./player.js").Player} player @param {HTMLElement} root @param {() => void} projector */
function compareKeys(player, root, projector) {
  return {
    toggle: () => transportToggle(player),
    back: () => player.back(),
    forward: () => player.forward(),
    home: () => player.seek(0),
    end: () => player.seek(player.count),
    projector,
    leaveProjector: () => {
      if (root.classList.contains("fl-projector")) projector();
    },
    cameraHome: () => {},
    cameraTop: () => {},
    turn: () => {},
  };
}
