// @ts-check
// The page of the last chapter: a small network, trained in its own loop and recorded by fl.watch. Its settings, and its record as the offline page has it.

import { make, setText } from "../../_view/static/element.js";
import { differences } from "./address.js";
import { choiceField, rangeField } from "./widgets.js";

const watchedUsual = { learning_rate: 0.1, optimizer: "SGD", epochs: 40, seed: 0 };

/**
 * @param {HTMLElement} el
 * @param {any} studio pages.js
 * @returns {import("./pages.js").MountedPage}
 */
export function mount(el, studio) {
  /** @type {Record<string, any>} */
  let settings = { ...watchedUsual };
  let asked = 0;
  let stopped = false;
  let remove = () => {};
  const picture = make("div.st-watched-picture");
  const wait = make("p.st-watched-wait", { role: "status" }, "Training …");
  /** @param {Record<string, any>} changes @param {boolean} settled */
  const change = (changes, settled) => {
    settings = { ...settings, ...changes };
    if (settled) ask();
  };
  const rate = rangeField({ label: "Learning rate", low: 0.003, high: 3, log: true, least: 1e-9, most: 1e6 }, (value, settled) => change({ learning_rate: value }, settled));
  const optimizer = choiceField({ label: "Optimizer", choices: [["SGD", "SGD"], ["Adam", "Adam"]] }, (value, settled) => change({ optimizer: value }, settled));
  const epochs = rangeField({ label: "Epochs", low: 1, high: 200, whole: true }, (value, settled) => change({ epochs: value }, settled));
  const seed = rangeField({ label: "Seed", low: 0, high: 99, whole: true, most: 2 ** 32 - 1, track: false }, (value, settled) => change({ seed: value }, settled));
  const fields = { learning_rate: rate, optimizer, epochs, seed };
  el.append(make("section.st-watched-controls", { "aria-label": "Settings" }, ...Object.values(fields).map((field) => field.el)), wait, picture);
  /** @type {Map<string, any>} */
  const held = new Map();
  const model = { get: (/** @type {string} */ key) => held.get(key), on: () => {}, off: () => {}, set: () => {}, save_changes: () => {} };
  const themed = () => {
    picture.dataset.hostTheme = studio.theme.mode();
  };
  themed();
  studio.theme.on("change", themed);
  const look = new URL("/view/recording.css", window.location.href).href;
  if (document.querySelector(`link[href="${look}"]`) === null) document.head.append(make("link", { rel: "stylesheet", href: look }));

  const ask = async () => {
    asked += 1;
    const mine = asked;
    const now = { ...settings };
    picture.setAttribute("aria-busy", "true");
    try {
      const [{ payload }, { render }] = await Promise.all([studio.request("watched", now), import("/view/recording.js")]);
      if (stopped || mine !== asked) return;
      held.set("payload", payload);
      remove();
      setText(wait, "");
      remove = render({ model, el: picture });
      studio.setState(differences(now, watchedUsual));
      rate.tell("");
      studio.answered({ settings: now, payload });
    } catch (/** @type {any} */ fault) {
      if (fault.reason === undefined) throw fault;
      if (!stopped && fault.reason === "error") {
        setText(wait, "");
        rate.tell(fault.message);
      }
    }
    if (mine === asked) picture.removeAttribute("aria-busy"); // else a newer one is under way
  };
  studio.socket.on("restored", ask);
  return {
    update: (/** @type {Record<string, any>} */ state) => {
      settings = { ...watchedUsual, ...state };
      for (const [name, field] of Object.entries(fields)) field.set(settings[name]);
      ask();
    },
    stop: () => {
      stopped = true;
      studio.theme.off("change", themed);
      studio.socket.off("restored", ask);
      remove();
    },
  };
}
