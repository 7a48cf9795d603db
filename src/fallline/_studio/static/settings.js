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

const settingsNumber = (/** @type {any} */ value) => typeof value === "number" && Number.isFinite(value);
const settingsWhole = (/** @type {number} */ low, /** @type {number} */ high) => (/** @type {any} */ value) => Number.isInteger(value) && value >= low && value <= high;
const settingsOr = (/** @type {any} */ other, /** @type {(value: any) => boolean} */ test) => (/** @type {any} */ value) => value === other || test(value);
const settingsText = (/** @type {any} */ value) => typeof value === "string" && value !== "";
const settingsList = (/** @type {(value: any) => boolean} */ test) => (/** @type {any} */ value) => Array.isArray(value) && value.every(test);
const settingsPositive = (/** @type {any} */ value) => settingsNumber(value) && value > 0;

/** What each value has to be, and how a sentence names it. The server checks again, and more closely. @type {Record<string, [(value: any) => boolean, string]>} */
const settingsRules = {
  "data.kind": [(value) => ["line", "points", "upload"].includes(value), "line, points or upload"],
  "data.slope": [settingsNumber, "a number"],
  "data.intercept": [settingsNumber, "a number"],
  "data.noise": [(value) => settingsNumber(value) && value >= 0, "a number from 0"],
  "data.points": [settingsWhole(2, 10_000), "a whole number from 2 to 10,000"],
  "data.outliers": [settingsWhole(0, 10_000), "a whole number from 0 to 10,000"],
  "data.x": [settingsList(settingsNumber), "a list of numbers"],
  "data.y": [settingsList(settingsNumber), "a list of numbers"],
  "data.table": [settingsText, "the name of a table"],
  "data.target": [settingsText, "the name of a column"],
  "data.features": [settingsList(settingsText), "a list of columns"],
  edits: [settingsList((edit) => Array.isArray(edit) && edit.length === 3), "a list of changed points"],
  formula: [settingsText, "a formula"],
  start: [settingsOr(null, settingsList(settingsNumber)), "a list of numbers"],
  learning_rate: [settingsOr(null, settingsPositive), "a number above 0"],
  rate_changes: [settingsList((each) => Array.isArray(each) && each.length === 2 && each.every(settingsNumber)), "a list of steps and rates"],
  optimizer: [settingsText, "the name of an optimizer"],
  epochs: [settingsWhole(1, 1e12), "a whole number from 1"],
  batch_size: [settingsOr(null, settingsWhole(1, 10_000)), "a whole number of rows"],
  loss: [settingsText, "the name of a loss"],
  standardise: [settingsOr(null, (value) => typeof value === "boolean"), "true or false"],
  seed: [settingsWhole(0, 2 ** 32 - 1), "a whole number from 0"],
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
      else if (!(name in settingsRules) || !(name in settingsRules && (above !== "" || key in defaults[page]))) problems.push(`The address says “${name}”, and there is no such setting: it is left out.`);
      else if (!settingsRules[name][0](value)) problems.push(`The address says ${name} = ${settingsShown(value)}, and it has to be ${settingsRules[name][1]}: it stands at its default.`);
      else into[key] = value;
    }
  };
  take(settings, state, "");
  if (page === "neuron" && settings.data.kind === undefined) settings.data = structuredClone(defaults.neuron.data);
  return { settings, problems };
}

/** @param {any} value */
function settingsShown(value) {
  const text = typeof value === "string" ? `“${value}”` : JSON.stringify(value);
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
    now.rate_changes = [...settings.rate_changes.filter((/** @type {number[]} */ [at]) => at < step), [step, rate]];
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
