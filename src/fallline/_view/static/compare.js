// @ts-check
// The page of a comparison: several optimizers on one loss, moving together. Hosts call `render` and nothing else.

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
 * Draws the payload `model.get("payload")` (docs/payload-comparison.md) into `el`.
 * @param {{model: {get: (name: string) => any}, el: HTMLElement}} host
 * @returns {() => void} takes the page away
 */
export function render({ model, el }) {
  const comparison = decodeComparison(model.get("payload"));
  const still = window.matchMedia("(prefers-reduced-motion: reduce)");
  const scene = { ...comparison.settings[comparison.first] };
  const choices = { hidden: new Set(), selected: comparison.leader, windowId: "main", setting: comparison.first, parameter: 0 };
  const refresh = createRefresher(() => draw());
  const layout = createCompareLayout(el, comparison, refresh.ask);
  const { root, slots, surfaces } = layout;
  const player = createPlayer(scene, { onChange: refresh.ask, reducedMotion: () => still.matches });
  const theme = createThemeControl(root, refresh.ask, () => draw());
  const toggleProjector = () => {
    root.classList.toggle("fl-projector");
    root.focus();
    refresh.ask();
  };
  const header = fillCompareHeader(slots, comparison, choices, {
    theme,
    onProjector: toggleProjector,
    onSetting: (index) => {
      choices.setting = index;
      choices.windowId = "main";
      player.change(() => Object.assign(scene, comparison.settings[index]));
      caption();
      refresh.ask();
    },
  });
  const caption = () => scene.frames.beats.fill(scene.paths[choices.selected].captions);
  const legend = fillLegend(slots.legend, comparison, choices, () => {
    caption();
    refresh.ask();
  });
  const results = fillResults(slots, comparison, choices);
  const transport = fillTransport(slots.transport, scene, player);
  const pictures = createComparePictures(comparison, surfaces, slots, choices, refresh.ask);
  const basins = createBasinMaps(slots.basins, comparison, refresh.ask);
  const silence = listenToKeys(el, root, /** @type {any} */ (null), {
    toggle: () => transportToggle(player),
    back: () => player.back(),
    forward: () => player.forward(),
    home: () => player.seek(0),
    end: () => player.seek(player.count),
    projector: toggleProjector,
    leaveProjector: () => {
      if (root.classList.contains("fl-projector")) toggleProjector();
    },
    cameraHome: () => {},
    cameraTop: () => {},
    turn: () => {},
  });
  const draw = () => {
    const colours = { ...readTheme(root), series: seriesColours(root) };
    const state = { ...player.place, ...choices, ...compareMoment(scene, player.place) };
    transport.update();
    header.update();
    layout.showInset(scene.windows.some((/** @type {any} */ view) => view.id === "inset"));
    legend.update(scene, state);
    results.update();
    pictures.draw(scene, state, colours);
    basins.draw(colours);
  };
  caption();
  return () => {
    player.stop();
    refresh.stop();
    theme.stop();
    silence();
    basins.stop();
    layout.stop();
  };
}
