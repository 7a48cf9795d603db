// @ts-check
// The controls beside the picture, in groups that can be folded. They show settings and say what is to be changed; they compute nothing.

import { make } from "../../_view/static/element.js";
import { dataControls } from "./controls_data.js";
import { optimizerControls } from "./controls_optimizer.js";
import { trainingControls } from "./controls_training.js";

/** @typedef {import("./settings.js").Settings} Settings */
/** @typedef {import("./widgets.js").Field} Field */
/**
 * @typedef {{
 *   page: string, settings: () => Settings, defaults: Settings,
 *   patch: (changes: Settings, settled: boolean, cause: string) => void,
 *   chooseFile: () => void, columns: () => string[], tableName: () => string, shows: (name: string) => boolean,
 * }} ControlsHost
 * @typedef {{el: HTMLElement, fields: Record<string, Field>, update: (settings: Settings, payload: any) => void}} ControlsGroup
 */

/**
 * @param {HTMLElement} el
 * @param {Omit<ControlsHost, "shows">} given
 * @param {string[] | null} only names of the groups and controls to offer, null for all
 */
export function createControls(el, given, only) {
  const host = { ...given, shows: (/** @type {string} */ name) => only === null || only.includes(name) };
  /** @type {[string, (host: ControlsHost) => ControlsGroup][]} */
  const makers = [...(given.page === "neuron" ? [/** @type {[string, (host: ControlsHost) => ControlsGroup]} */ (["data", dataControls])] : []), ["optimizer", optimizerControls], ["training", trainingControls]];
  const groups = makers.map(([name, maker]) => {
    const whole = host.shows(name);
    const group = maker(whole ? { ...host, shows: () => true } : host);
    return { ...group, any: whole || Object.keys(group.fields).some(host.shows) };
  }).filter(({ any }) => any);
  /** @type {Record<string, Field>} */
  const fields = Object.assign({}, ...groups.map((group) => group.fields));
  const elsewhere = make("p.st-fault", { role: "alert" });
  el.append(elsewhere, ...groups.map((group) => group.el));
  return {
    /** @param {Settings} settings @param {any} payload null where there is none yet */
    update: (settings, payload) => groups.forEach((group) => group.update(settings, payload)),
    /** A sentence under the control that caused it, or above all of them. @param {string} sentence @param {string} cause */
    tell: (sentence, cause) => {
      for (const field of Object.values(fields)) field.tell("");
      const at = fields[cause];
      elsewhere.textContent = at === undefined ? sentence : "";
      if (sentence === "" || at === undefined) return;
      at.tell(sentence);
      const folded = /** @type {HTMLDetailsElement | null} */ (at.el.closest("details"));
      if (folded !== null) folded.open = true;
      at.el.scrollIntoView({ block: "nearest" });
    },
  };
}
