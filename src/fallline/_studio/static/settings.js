// @ts-check
// The settings of a run as the controls know them: their defaults, what an address may say of them, and what a wish of the picture changes.

/** @typedef {Record<string, any>} Settings */

/** @type {Settings} */
const settingsRun = {
  start: null, // random, of the seed; a formula's usual one
  learning_rate: null, // what a sweep recommends
  rate_changes: [],
  optimizer: "SGD",
  optimizer_options: {},
  epochs: 200,
};

/** @type {Record<string, Settings>} */
export const defaults = {
  neuron: { data: { kind: "line", slope: 2, intercept: 1, noise: 0.5, points: 100, outliers: 0 }, edits: [], ...settingsRun, batch_size: null, loss: "mse", standardise: null, seed: 0 },
  formulas: { formula: "parabola", ...settingsRun },
};

const settingsLargest = 1e30; // of any number
const settingsNumber = (/** @type {any} */ value) => typeof value === "number" && Math.abs(value) <= settingsLargest;
const settingsReal = (/** @type {number} */ low, /** @type {number} */ high) => (/** @type {any} */ value) => settingsNumber(value) && value >= low && value <= high;
const settingsWhole = (/** @type {number} */ low, /** @type {number} */ high) => (/** @type {any} */ value) => Number.isInteger(value) && value >= low && value <= high;
const settingsOr = (/** @type {any} */ other, /** @type {(value: any) => boolean} */ test) => (/** @type {any} */ value) => value === other || test(value);
const settingsText = (/** @type {number} */ longest) => (/** @type {any} */ value) => typeof value === "string" && value !== "" && [...value].length <= longest;
const settingsList = (/** @type {number} */ most, /** @type {(value: any) => boolean} */ test) => (/** @type {any} */ value) => Array.isArray(value) && value.length <= most && value.every(test);
const settingsRate = (/** @type {any} */ value) => settingsNumber(value) && value > 0 && value < settingsLargest;
const settingsTruth = (/** @type {any} */ value) => typeof value === "boolean";
const settingsLosses = ["mse", "mae", "huber", "bce"];

/** [row, x, y]: moved; [null, x, y]: added; [row, null, null]: removed. @param {any} value */
function settingsEdit(value) {
  if (!Array.isArray(value) || value.length !== 3) return false;
  const [row, x, y] = value;
  const gone = x === null && y === null;
  return (row === null ? !gone : settingsWhole(0, 1e6)(row)) && (gone || (settingsNumber(x) && settingsNumber(y)));
}

/** [step, rate] @param {any} value */
function settingsChange(value) {
  return Array.isArray(value) && value.length === 2 && settingsWhole(0, 100_000)(value[0]) && settingsRate(value[1]);
}

/** What each value has to be, and how a sentence names it: the bounds of _desk/_settings.py (a test asks both). @type {Record<string, [(value: any) => boolean, string]>} */
const settingsRules = {
  "data.kind": [(value) => ["line", "points", "upload"].includes(value), "line, points or upload"],
  "data.slope": [settingsReal(-1e6, 1e6), "a number from −1,000,000 to 1,000,000"],
  "data.intercept": [settingsReal(-1e6, 1e6), "a number from −1,000,000 to 1,000,000"],
  "data.noise": [settingsReal(0, 1e6), "a number from 0 to 1,000,000"],
  "data.points": [settingsWhole(2, 10_000), "a whole number from 2 to 10,000"],
  "data.outliers": [settingsWhole(0, 10_000), "a whole number from 0 to 10,000"],
  "data.x": [settingsList(10_000, settingsNumber), "a list of numbers"],
  "data.y": [settingsList(10_000, settingsNumber), "a list of numbers"],
  "data.table": [settingsText(200), "the name of a table"],
  "data.target": [settingsOr(null, settingsText(1_000)), "the name of a column"],
  "data.features": [settingsOr(null, settingsList(1_000, settingsText(1_000))), "a list of columns"],
  "data.drop_missing": [settingsTruth, "true or false"],
  edits: [settingsList(1_000, settingsEdit), "a list of changed points"],
  formula: [settingsText(500), "a formula"],
  start: [settingsOr(null, settingsList(1_000, settingsNumber)), "a list of numbers"],
  learning_rate: [settingsOr(null, settingsRate), "a number above 0"],
  rate_changes: [settingsList(200, settingsChange), "a list of steps and rates"],
  optimizer: [settingsText(100), "the name of an optimizer"],
  epochs: [settingsWhole(1, 1e15), "a whole number from 1"],
  batch_size: [settingsOr(null, settingsWhole(1, 1e9)), "a whole number of rows"],
  loss: [(value) => typeof value === "string" && settingsLosses.includes(value.toLowerCase()), "mse, mae, huber or bce"],
  standardise: [settingsOr(null, settingsTruth), "true or false"],
  seed: [settingsWhole(0, 2 ** 53), "a whole number from 0"],
};

/**
 * Settings from the state of an address; what is none of them stays at its default and is told.
 * @param {string} page "neuron" or "formulas"
 * @param {Record<string, any>} state
 * @returns {{settings: Settings, problems: string[]}}
 */
export function readSettings(page, state) {
  const settings = structuredClone(defaults[page]);
  /** @type {string[]} */
  const problems = [];
  /** @param {Settings} into @param {Record<string, any>} from @param {string} above */
  const take = (into, from, above) => {
    for (const [key, value] of Object.entries(from)) {
      const name = `${above}${key}`;
      if (name === "data" && value !== null && typeof value === "object") {
        if (value.kind !== undefined && value.kind !== "line") into.data = {};
        take(into.data, value, "data.");
      } else if (name === "optimizer_options" && value !== null && typeof value === "object") into[key] = value;
      else if (!Object.hasOwn(settingsRules, name) || (above === "" && !Object.hasOwn(defaults[page], key))) problems.push(`The address says “${name}”, and there is no such setting: it is left out.`);
      else if (!settingsRules[name][0](value)) problems.push(`The address says ${name} = ${settingsShown(value)}, and it has to be ${settingsRules[name][1]}: it stands at its default.`);
      else into[key] = value;
    }
  };
  take(settings, state, "");
  if (page === "neuron" && settings.data.kind === undefined) settings.data = structuredClone(defaults.neuron.data);
  return { settings: settingsFirst(settings), problems };
}

/** A change before the first step is the rate of the run. @param {Settings} settings @returns {Settings} */
function settingsFirst(settings) {
  const first = settings.rate_changes.filter((/** @type {number[]} */ [step]) => step === 0);
  if (first.length === 0) return settings;
  return { ...settings, learning_rate: first[first.length - 1][1], rate_changes: settings.rate_changes.filter((/** @type {number[]} */ [step]) => step > 0) };
}

/** @param {any} value */
function settingsShown(value) {
  const text = typeof value === "string" ? `“${value}”` : typeof value === "number" ? String(value) : JSON.stringify(value);
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}

/**
 * The settings after a wish of the picture.
 * @param {Settings} settings
 * @param {Record<string, any>} wish
 * @returns {Settings}
 */
export function withWish(settings, wish) {
  const now = { ...settings };
  if (wish.learning_rate !== undefined) now.learning_rate = wish.learning_rate;
  if (wish.start !== undefined) now.start = wish.start;
  if (wish.bend !== undefined) {
    const [step, rate] = wish.bend;
    Object.assign(now, settingsFirst({ ...now, rate_changes: [...settings.rate_changes.filter((/** @type {number[]} */ [at]) => at < step), [step, rate]] }));
  }
  if (wish.move_point !== undefined) now.edits = settingsMoved(settings.edits ?? [], wish.move_point);
  if (wish.add_point !== undefined) now.edits = [...(settings.edits ?? []), [null, ...wish.add_point]];
  if (wish.remove_point !== undefined) now.edits = [...(settings.edits ?? []), [wish.remove_point, null, null]];
  return now;
}

/** One drag is one edit, however often it was told of on its way. @param {any[][]} edits @param {any[]} move */
function settingsMoved(edits, move) {
  const last = edits[edits.length - 1];
  const same = last !== undefined && last[0] === move[0] && last[1] !== null;
  return [...(same ? edits.slice(0, -1) : edits), move];
}

/**
 * The settings after other data was chosen: points changed by hand belong to the data they were changed in.
 * @param {Settings} settings
 * @param {Settings} data
 */
export function withData(settings, data) {
  const gone = data.kind !== settings.data.kind || data.points !== settings.data.points || data.table !== settings.data.table;
  /** @type {Settings} */
  const now = { ...settings, data };
  if (gone) now.edits = [];
  const other = data.kind !== settings.data.kind || data.table !== settings.data.table || JSON.stringify(data.features) !== JSON.stringify(settings.data.features);
  if (other) Object.assign(now, { start: null, learning_rate: null, rate_changes: [], standardise: null, batch_size: null });
  return now;
}
