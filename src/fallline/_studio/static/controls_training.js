// @ts-check
// The group "Training": how long, with how many rows a step, on which loss, from where and from which seed.

import { formatNumber } from "../../_view/static/scale.js";
import { choiceField, controlGroup, numbersField, rangeField, smallButton, switchField } from "./widgets.js";

/** @typedef {import("./controls.js").ControlsHost} ControlsHost */
/** @typedef {import("./controls.js").ControlsGroup} ControlsGroup */

const trainingLosses = /** @type {[string, string][]} */ ([
  ["mse", "mean squared error"],
  ["mae", "mean absolute error"],
  ["huber", "Huber"],
  ["bce", "cross-entropy (0 or 1)"],
]);
const trainingNames = 4; // parameters up to which each has a field for where it starts
const trainingSeeds = 2 ** 20;

/** @param {ControlsHost} host @returns {ControlsGroup} */
export function trainingControls(host) {
  const neuron = host.page === "neuron";
  /** @param {string} key @returns {import("./widgets.js").Changed} */
  const change = (key) => (value, settled) => host.patch({ ...host.settings(), [key]: value }, settled, key);
  const start = numbersField({ label: "Start", words: "or drag the ball in the picture", names: [], empty: "random" }, change("start"));
  /** @type {Record<string, import("./widgets.js").Field>} */
  const fields = {
    epochs: rangeField({ label: neuron ? "Epochs" : "Steps", words: neuron ? "passes over the data" : "", low: 1, high: 2000, log: true, whole: true, most: 1e12 }, change("epochs")),
    ...(neuron
      ? {
          batch_size: rangeField({ label: "Batch size", words: "rows looked at for one step", low: 1, high: 100, log: true, whole: true, most: 10_000, empty: "all rows" }, (value, settled) => change("batch_size")(value !== null && value >= trainingRows(host.settings()) ? null : value, settled)),
          loss: choiceField({ label: "Loss", choices: trainingLosses }, change("loss")),
          standardise: switchField({ label: "Standardise", words: "inputs to mean 0, spread 1" }, change("standardise")),
          seed: rangeField({ label: "Seed", words: "of noise, start, batches", low: 0, high: 100, whole: true, most: 2 ** 32 - 1, track: false }, change("seed")),
        }
      : {}),
    start,
  };
  const random = smallButton(neuron ? "Random start" : "Usual start", () => change("start")(null, true));
  start.el.querySelector(".st-field-line")?.append(random);
  fields.seed?.el.querySelector(".st-field-line")?.append(smallButton("⚄", () => change("seed")(Math.floor(Math.random() * trainingSeeds), true), "Another seed"));
  const group = controlGroup({ title: "Training", open: false, reset: () => host.patch({ ...host.settings(), ...Object.fromEntries(Object.keys(fields).map((key) => [key, host.defaults[key]])) }, true, "training") }, ...Object.values(fields).map(({ el }) => el));
  return {
    el: group.el,
    fields,
    update: (settings, payload) => {
      for (const [key, field] of Object.entries(fields)) field.show(host.shows(key));
      fields.epochs.set(settings.epochs);
      if (neuron) {
        fields.batch_size.set(settings.batch_size);
        fields.loss.set(settings.loss);
        fields.standardise.set(settings.standardise ?? settings.data.kind === "upload");
        fields.seed.set(settings.seed);
      }
      const names = payload?.parameters ?? [];
      if (names.length > trainingNames) start.show(false);
      else start.name(names);
      const first = payload?.frames?.start?.[0];
      if (Array.isArray(first)) start.suggest(first);
      start.set(settings.start);
      random.disabled = settings.start === null;
      const changed = Object.keys(fields).some((key) => JSON.stringify(settings[key]) !== JSON.stringify(host.defaults[key]));
      const rows = neuron && settings.batch_size !== null ? `, batches of ${formatNumber(settings.batch_size)}` : "";
      group.say(`${formatNumber(settings.epochs)} ${neuron ? "epochs" : "steps"}${rows}`, changed);
    },
  };
}

/** @param {import("./settings.js").Settings} settings how many rows there are; a table's own number is not known here */
function trainingRows({ data }) {
  return data.kind === "line" ? data.points : data.kind === "points" ? data.x.length : Infinity;
}
