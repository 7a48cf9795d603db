// @ts-check
// The page "Neuron": the textbook line or a table of one's own.

import { createExperiment } from "./experiment.js";

/** @param {HTMLElement} el @param {any} studio */
export function mountNeuron(el, studio) {
  return createExperiment(el, studio, "neuron");
}
