// @ts-check
// A comparison whose host runs what is asked for: a payload or a part of one in, wishes out. The canvases, the player's place, what is shown
// and what is hidden stay.

import { decodeNumbers } from "./decode.js";
import { compareScene, decodeComparison } from "./compare_scene.js";
import { renderComparison } from "./compare_page.js";
import { createWishes } from "./interactive_wishes.js";
import { createMovableStart } from "./interactive_start.js";
import { createStep } from "./interactive_step.js";

/**
 * Draws `model.get("payload")` (docs/payload-comparison.md) into `el`, and whatever takes its place.
 * @param {{model: import("./interactive.js").InteractiveModel, el: HTMLElement}} host
 * @returns {() => void} takes the page away
 */
export function render({ model, el }) {
  const wishes = createWishes(model);
  /** @type {ReturnType<typeof createStep>} */
  let steps;
  const hand = (/** @type {import("./compare_page.js").ComparePage} */ made) => {
    steps = createStep(model, made.scene, made.player);
    return compareHand(made, wishes, steps);
  };
  let page = renderComparison(model.get("payload"), el, hand);
  const whole = () => {
    const payload = model.get("payload");
    if (compareShape(payload) === compareShape(page.comparison)) keepFocus(page.layout.root, () => replaceComparison(page, decodeComparison(payload)));
    else {
      const before = page;
      page = renderComparison(payload, el, hand);
      keepChoices(before, page);
      before.stop();
    }
    page.draw();
  };
  const part = () => {
    swapSetting(page, decodeNumbers(model.get("part")));
    page.refresh.ask();
  };
  const step = () => steps.go(model.get("step"));
  model.on?.("change:payload", whole);
  model.on?.("change:part", part);
  model.on?.("change:step", step);
  return () => {
    model.off?.("change:payload", whole);
    model.off?.("change:part", part);
    model.off?.("change:step", step);
    wishes.stop();
    page.stop();
  };
}

/** Pages of one shape have the same panels. @param {any} comparison */
function compareShape({ parameter_names, dimensions, rates }) {
  return `${Math.min(parameter_names.length, 3)} ${Math.min(dimensions, 3)} ${rates === null}`;
}

/** Another comparison on the same canvases. @param {import("./compare_page.js").ComparePage} page @param {any} comparison */
function replaceComparison(page, comparison) {
  const { choices, player, scene } = page;
  const before = { ...page.comparison };
  const chosen = chosenOf(before, choices);
  Object.assign(page, { comparison });
  choose(comparison, choices, chosen);
  player.swap(() => Object.assign(scene, comparison.settings[choices.setting]));
  page.refill();
}

/** @param {import("./compare_page.js").ComparePage} before @param {import("./compare_page.js").ComparePage} after */
function keepChoices(before, after) {
  choose(after.comparison, after.choices, chosenOf(before.comparison, before.choices));
  Object.assign(after.scene, after.comparison.settings[after.choices.setting]);
  after.layout.root.classList.toggle("fl-projector", before.layout.root.classList.contains("fl-projector"));
  after.refill();
}

/** What was chosen, by its names. @param {any} comparison @param {any} choices */
function chosenOf({ contenders, settings }, choices) {
  const label = (/** @type {number} */ index) => contenders[index]?.label;
  return { ids: settings.map((/** @type {any} */ scene) => scene.id), id: settings[choices.setting]?.id, selected: label(choices.selected), hidden: [...choices.hidden].map(label) };
}

/** The same choice in another comparison; what is new there is shown. @param {any} comparison @param {any} choices @param {any} before */
function choose({ contenders, settings, leader, first, parameter_names }, choices, before) {
  const ids = settings.map((/** @type {any} */ scene) => scene.id);
  const labels = contenders.map((/** @type {any} */ each) => each.label);
  const fresh = ids.includes("given") && !before.ids.includes("given");
  const at = fresh ? -1 : ids.indexOf(before.id);
  choices.setting = at === -1 ? first : at;
  choices.selected = labels.includes(before.selected) ? labels.indexOf(before.selected) : leader;
  choices.hidden = new Set(before.hidden.map((/** @type {string} */ label) => labels.indexOf(label)).filter((/** @type {number} */ index) => index !== -1));
  choices.parameter = choices.parameter < parameter_names.length ? choices.parameter : 0;
  if (!settings[choices.setting].windows.some((/** @type {any} */ view) => view.id === choices.windowId)) choices.windowId = "main";
}

/**
 * Other runs on the ground that is there.
 * @param {import("./compare_page.js").ComparePage} page
 * @param {{setting: any, start: any, goal: any}} part
 */
function swapSetting({ comparison, choices, player, scene, refill, again }, { setting, start, goal }) {
  Object.assign(comparison, { start, goal });
  const known = comparison.settings.findIndex((/** @type {any} */ each) => each.id === setting.id);
  const base = comparison.settings[known === -1 ? choices.setting : known];
  const made = compareScene(comparison, { ...base, ...setting });
  const index = known === -1 ? comparison.settings.push(made) - 1 : known;
  comparison.settings[index] = made;
  choices.setting = index;
  player.swap(() => Object.assign(scene, made));
  if (known === -1) keepFocus(null, refill);
  else again();
}

/** The focus goes back to the control that reads the same as before. @param {HTMLElement | null} root @param {() => void} change */
function keepFocus(root, change) {
  const held = /** @type {HTMLElement | null} */ (document.activeElement);
  const words = (/** @type {Element} */ each) => `${each.tagName} ${each.getAttribute("aria-label") ?? each.textContent}`;
  const wanted = held === null ? "" : words(held);
  const home = root ?? held?.closest(".fl") ?? null;
  change();
  if (held === null || held.isConnected || home === null) return;
  /** @type {HTMLElement | undefined} */ ([...home.querySelectorAll("button, select, summary, [tabindex]")].find((each) => words(each) === wanted))?.focus({ preventScroll: true });
}

/**
 * The common start, moved by hand as the ball of a single run is.
 * @param {import("./compare_page.js").ComparePage} page
 * @param {import("./interactive_wishes.js").Wishes} wishes
 * @param {ReturnType<typeof createStep>} steps
 */
function compareHand(page, wishes, steps) {
  const place = { frame: 0, progress: 0 };
  const one = {
    get accepts() { return page.comparison.accepts ?? []; },
    get plane() { return page.scene.plane; },
    get parameters() { return page.comparison.parameter_names; },
    get windows() { return page.scene.windows; },
    get frames() {
      const uv = page.scene.paths[0].uv[0];
      return { start_uv: [uv], end_uv: [uv], step: [0], start: [page.comparison.start.parameters] };
    },
    first_not_finite: null,
  };
  const start = createMovableStart(page.layout.surfaces.contour.canvas, one, {
    ask: wishes.ask,
    dragging: () => {},
    toStart: () => page.player.seek(0),
    redraw: page.refresh.ask,
    state: () => place,
  });
  const put = () => {
    const head = page.layout.slots.contourHead.querySelector(".fl-switches");
    if (head !== null && start.button.parentElement !== head) head.append(start.button);
  };
  put();
  return {
    over: (/** @type {CanvasRenderingContext2D} */ context, /** @type {any} */ theme, /** @type {any} */ where) => start.draw(context, theme, where),
    drawn: () => {
      put();
      start.look();
      steps.tell();
    },
    stop: start.stop,
  };
}
