// @ts-check
// What the page of a comparison is set to: its defaults, what an address says of it, and what is asked of the server.

import { differences } from "./address.js";
import { defaults, readSettings } from "./settings.js";

/** @typedef {{optimizer: string, learning_rate: number | null, options: Record<string, any>}} Contender learning_rate null: tuned */
/** @typedef {Record<string, any> & {contenders: Contender[]}} CompareSettings */

export const mostContenders = 6;
const compareRun = ["learning_rate", "rate_changes", "optimizer", "optimizer_options"]; // of a single run; here each contender has its own

/** @param {string} optimizer @returns {Contender} */
export function newContender(optimizer) {
  return { optimizer, learning_rate: null, options: {} };
}

/**
 * The places of those with the same optimizer and options: two of them run together at set rates only.
 * @param {Contender[]} contenders @param {Contender} one
 */
export function twinsOf(contenders, one) {
  const same = (/** @type {Contender} */ each) => each.optimizer.toLowerCase() === one.optimizer.toLowerCase() && JSON.stringify(each.options) === JSON.stringify(one.options);
  return contenders.flatMap((each, i) => (same(each) ? [i] : []));
}

/** @returns {CompareSettings} */
export function compareDefaults() {
  const usual = structuredClone(defaults.neuron);
  for (const name of compareRun) delete usual[name];
  return { ...usual, formula: "ravine", seeds: null, contenders: ["SGD", "momentum", "Adam"].map(newContender) };
}

/**
 * Settings from the state of an address; what is none of them stays at its default and is told.
 * @param {Record<string, any>} state
 * @returns {{settings: CompareSettings, problems: string[]}}
 */
export function readCompareState(state) {
  const { contenders, seeds, formula, ...rest } = state;
  const own = compareDefaults();
  const mine = Object.fromEntries(Object.entries(rest).filter(([name]) => !compareRun.includes(name)));
  const read = readSettings("neuron", mine);
  for (const name of compareRun) {
    delete read.settings[name];
    if (name in rest) read.problems.push(`The address says “${name}”, and each contender has its own: it is left out.`);
  }
  const problems = [...read.problems];
  const settings = { ...own, ...read.settings };
  if (formula === null || (typeof formula === "string" && formula !== "")) settings.formula = formula;
  else if (formula === undefined) settings.formula = rest.data === undefined && rest.edits === undefined ? own.formula : null;
  else problems.push("The address says a formula that is none: the ravine stands in its place.");
  if (Number.isInteger(seeds) && seeds >= 1 && seeds <= 5) settings.seeds = seeds;
  else if (seeds !== undefined && seeds !== null) problems.push(`The address says seeds = ${JSON.stringify(seeds).slice(0, 40)}, and it has to be a whole number from 1 to 5: it stands at its default.`);
  if (contenders === undefined) return { settings, problems };
  const listed = typeof contenders === "string" ? contenders.split(",").map(contenderOf) : contenders;
  const given = Array.isArray(listed) ? listed.map(readContender) : [null];
  if (given.length < 2 || given.length > mostContenders || given.some((each) => each === null)) problems.push("The address names contenders that cannot be read: SGD, momentum and Adam stand in their place.");
  else settings.contenders = /** @type {Contender[]} */ (given);
  return { settings, problems };
}

/** "Adam" or "Adam:0.01". @param {string} text */
function contenderOf(text) {
  const [optimizer, rate] = text.trim().split(":");
  return rate === undefined ? optimizer : [optimizer, Number(rate)];
}

/** "Adam", or ["Adam", 0.01], or ["Adam", null, {betas: …}]. @param {any} given @returns {Contender | null} */
function readContender(given) {
  const [optimizer, rate = null, options = {}] = Array.isArray(given) ? given : [given];
  const sound = typeof optimizer === "string" && optimizer !== "" && (rate === null || (Number.isFinite(rate) && rate > 0)) && options !== null && typeof options === "object" && !Array.isArray(options);
  return sound ? { optimizer, learning_rate: rate, options } : null;
}

/** What of the settings stands in the address. @param {CompareSettings} settings */
export function compareState(settings) {
  const state = differences(settings, compareDefaults());
  if (settings.formula !== null) for (const name of ["data", "edits", "batch_size", "loss", "standardise"]) delete state[name];
  if (state.contenders === undefined) return state;
  const plain = settings.contenders.every(({ options }) => Object.keys(options).length === 0);
  if (plain) state.contenders = settings.contenders.map(({ optimizer, learning_rate }) => (learning_rate === null ? optimizer : `${optimizer}:${learning_rate}`)).join(",");
  else state.contenders = settings.contenders.map(({ optimizer, learning_rate, options }) => [optimizer, learning_rate, options]);
  return state;
}

/** What the server is asked. @param {CompareSettings} settings */
export function compareRequest(settings) {
  const { formula, start, epochs, seed, seeds, contenders, ...rows } = settings;
  return { start, epochs, seed, seeds, contenders, ...(formula === null ? rows : { formula }) };
}
