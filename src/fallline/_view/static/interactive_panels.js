// @ts-check
// Panels that come and go with what the payload holds, while the page and its canvases stay; and what is drawn over them.

import { setText } from "./element.js";
import { fillRun } from "./header.js";
import { fillSentence } from "./sentence.js";
import { fillSweepTables } from "./sweep_tables.js";
import { liveWithout } from "./live_page.js";

/** @typedef {import("./surface.js").Surface} Surface */
/** @typedef {(context: CanvasRenderingContext2D, size: {width: number, height: number}) => void} Overlay */

const panelsOfRates = /** @type {const} */ (["rates", "zoneloss", "zoneparameters"]);

/**
 * A surface with something drawn over its picture. While a hand is down it draws only where it is seen, and says nothing.
 * @param {Surface} surface
 * @param {{quiet: () => boolean, over?: Overlay, words?: () => string}} more
 * @returns {Surface}
 */
export function surfaceUnder(surface, { quiet, over, words }) {
  return {
    ...surface,
    paint: (draw) => {
      if (quiet() && !surface.inSight()) return;
      surface.paint((context, size) => {
        draw(context, size);
        over?.(context, size);
      });
    },
    describe: (text) => {
      if (!quiet()) surface.describe(`${text}${words?.() ?? ""}`);
    },
  };
}

/**
 * @param {ReturnType<typeof import("./layout.js").createLayout>} layout with every panel
 * @param {any} scene
 * @param {Record<string, Surface>} surfaces all of them
 * @returns {{shown: Record<string, Surface>, arrange: () => void}} shown: those there is something to draw on, kept up to date
 */
export function createStandingPanels(layout, scene, surfaces) {
  /** @type {Record<string, Surface>} */
  const shown = {};
  const { panels, slots, root } = layout;
  const body = slots.step.parentElement;
  const arrange = () => {
    const without = panelsWithout(scene);
    for (const [name, panel] of Object.entries(panels)) {
      const gone = without.includes(name);
      panel.hidden = gone;
      body?.classList.toggle(`fl-body-no-${name}`, gone);
      if (gone) delete shown[name];
      else shown[name] = surfaces[name];
    }
    slots.sweep.hidden = without.includes("rates");
    panelsTabs(root, slots.tabs, panels);
    panelsTitle(panels.contour, scene.plane.kind === "curve" ? `The loss over ${scene.parameters[0]}` : "Seen from above");
    panelsTitle(panels.parameters, scene.parameters_title ?? "Parameters over steps");
  };
  return { shown, arrange };
}

/** @param {any} scene @returns {string[]} */
function panelsWithout(scene) {
  const { rates } = scene;
  const drawn = rates && rates.reason == null && rates.value && rates.final && rates.zone;
  return [...liveWithout(scene), ...(drawn ? [] : panelsOfRates), ...(drawn && rates.examples?.length > 0 ? [] : panelsOfRates.slice(1))];
}

/** @param {HTMLElement} panel @param {string} text */
function panelsTitle(panel, text) {
  const title = panel.querySelector("h2");
  if (title !== null) setText(title, text);
}

/** A tab without a panel goes, and its place is left to the first. @param {HTMLElement} root @param {HTMLElement} list @param {Record<string, HTMLElement>} panels */
function panelsTabs(root, list, panels) {
  const tabs = /** @type {HTMLElement[]} */ ([...list.querySelectorAll("[data-name]")]);
  for (const tab of tabs) tab.hidden = !Object.values(panels).some((panel) => panel.dataset.tab === tab.dataset.name && !panel.hidden);
  const first = tabs.find((tab) => !tab.hidden);
  const bowl = tabs.find((tab) => tab.dataset.name === "bowl");
  if (bowl) setText(bowl, panels.bowl.hidden ? "Step" : "Bowl");
  if (tabs.some((tab) => tab.hidden && tab.dataset.name === root.dataset.tab)) first?.click();
}

/**
 * The words that are made anew when a run takes another's place: only those that changed.
 * @param {ReturnType<typeof import("./layout.js").createLayout>["slots"]} slots
 * @param {any} scene
 * @returns {{update: (place: import("./player.js").Place, theme: any, quiet: boolean) => void, retell: () => void, renew: () => void}} retell: the words of the whole run
 */
export function fillStandingWords(slots, scene) {
  let sentence = fillSentence(slots.step, scene);
  let cells = "";
  let run = "";
  /** @type {any} */
  let rates = null;
  return {
    update: (place, theme, quiet) => {
      const now = JSON.stringify([scene.parameters, scene.plane.kind]);
      if (now !== cells && cells !== "") {
        slots.step.replaceChildren();
        sentence = fillSentence(slots.step, scene);
      }
      cells = now;
      sentence.update(place, theme);
      if (quiet) slots.step.querySelector(".fl-words")?.setAttribute("aria-live", "off"); // words by the dozen are not read out
    },
    retell: () => {
      const now = JSON.stringify([scene.run_title, scene.verdict, scene.data_line, scene.conversion, scene.plane.note]);
      if (now !== run) {
        slots.run.replaceChildren();
        fillRun(slots.run, scene);
      }
      run = now;
    },
    renew: () => {
      if (rates === scene.rates || slots.sweep.hidden) return;
      rates = scene.rates;
      const open = slots.sweep.querySelector("details")?.open ?? false;
      for (const old of slots.sweep.querySelectorAll(".fl-sweep-words, .fl-details")) old.remove();
      fillSweepTables(slots.sweep, scene);
      const details = slots.sweep.querySelector("details");
      if (details !== null) details.open = open;
    },
  };
}
