// @ts-check
// The fields of the controls: a range with its number, a list to choose from, a switch. Each says what is wrong with it under itself.

import { make, setText } from "../../_view/static/element.js";

/**
 * @typedef {{el: HTMLElement, set: (value: any) => void, tell: (sentence: string) => void, show: (shown: boolean) => void}} Field
 * @typedef {(value: any, settled: boolean) => void} Changed
 * @typedef {{label: string, words?: string, low: number, high: number, step?: number, log?: boolean, whole?: boolean, least?: number, most?: number, empty?: string, track?: boolean}} RangeOptions
 * low, high: of the slider; least, most: of the number; log: the slider goes by factors; whole: whole numbers; empty: what "no number" means, as text in the field;
 * track: false leaves the slider out
 */

const widgetsTrack = 1000;
const widgetsUnbounded = 1e9; // from here on the server says what is too much

/** @returns {string} an id that no other field of the page has, whichever copy of this module made it */
function widgetsId() {
  return `st-field-${Math.random().toString(36).slice(2)}`;
}

/** The arrows, Space and letters are the field's here, not the player's. @param {KeyboardEvent} event */
function widgetsKeep(event) {
  if (event.key !== "Escape") event.stopPropagation();
}

/**
 * A label with a few words, what is set below or beside it, and a line for what is wrong.
 * @param {string} label @param {string} words @param {string} forId @param {{beside?: HTMLElement, below?: HTMLElement[]}} parts
 */
function widgetsRow(label, words, forId, { beside, below = [] }) {
  const fault = make("p.st-fault", { role: "alert", id: `${forId}-fault` });
  const name = make("div.st-field-name", {}, make("label.st-label", { for: forId }, label), ...(words === "" ? [] : [make("span.st-words", { id: `${forId}-words` }, words)]));
  const el = make("div.st-field", {}, beside === undefined ? name : make("div.st-field-line", {}, name, beside), ...(below.length === 0 ? [] : [make("div.st-field-line", {}, ...below)]), fault);
  return {
    el,
    /** @param {string} sentence */
    tell: (sentence) => {
      setText(fault, sentence);
      el.classList.toggle("st-field-faulty", sentence !== "");
    },
    /** @param {boolean} shown */
    show: (shown) => {
      el.hidden = !shown;
    },
  };
}

/**
 * A range and a number field that say the same.
 * @param {RangeOptions} options
 * @param {Changed} changed unsettled while the range is dragged
 * @returns {Field}
 */
export function rangeField({ label, words = "", low, high, step, log = false, whole = false, least = low, most = high, empty, track = true }, changed) {
  const id = widgetsId();
  const number = make("input.st-number", { id, type: "number", step: step ?? (whole ? 1 : "any"), inputmode: whole ? "numeric" : "decimal", "aria-describedby": `${id}-fault${words === "" ? "" : ` ${id}-words`}`, ...(empty === undefined ? {} : { placeholder: empty }) });
  const range = make("input.st-range", { type: "range", min: 0, max: widgetsTrack, step: "any", "aria-label": label });
  const row = widgetsRow(label, words, id, track ? { below: [range, number] } : { beside: number });
  /** @param {number} value */
  const round = (value) => {
    const stepped = step === undefined ? Number(value.toPrecision(3)) : Math.round(value / step) * step;
    return whole ? Math.round(value) : Number(stepped.toPrecision(12));
  };
  /** @param {number} place 0 … 1 */
  const valueAt = (place) => round(log ? low * (high / low) ** place : low + (high - low) * place);
  /** @param {number} value */
  const placeOf = (value) => Math.min(1, Math.max(0, log ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low)));
  /** @type {number | null} */
  let now = null;
  /** @param {number | null} value */
  const set = (value) => {
    now = value;
    if (document.activeElement !== number) number.value = value === null ? "" : String(value);
    if (document.activeElement !== range || Math.abs(valueAt(range.valueAsNumber / widgetsTrack) - (value ?? high)) > 1e-12) range.value = String(widgetsTrack * placeOf(value ?? high));
    range.setAttribute("aria-valuetext", value === null ? (empty ?? "") : String(value));
  };
  /** @param {number | null} value @param {boolean} settled */
  const change = (value, settled) => {
    if (value === now && !settled) return;
    now = value;
    row.tell("");
    range.setAttribute("aria-valuetext", String(value ?? empty));
    changed(value, settled);
  };
  let held = false; // by a pointer
  range.addEventListener("pointerdown", () => {
    held = true;
  });
  range.addEventListener("input", () => {
    const value = valueAt(range.valueAsNumber / widgetsTrack);
    number.value = String(value);
    change(value, !held);
  });
  range.addEventListener("change", () => {
    held = false;
    change(now, true);
  });
  range.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    const by = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 10, PageDown: -10 }[event.key];
    widgetsKeep(event);
    if (by === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const value = widgetsStepped(now ?? high, by, { low, high, step, log, whole });
    set(value);
    number.value = String(value);
    changed(value, true);
    row.tell("");
  });
  number.addEventListener("keydown", widgetsKeep);
  number.addEventListener("change", () => {
    const value = widgetsNumber(number, { least, most, whole, empty }, row.tell);
    if (value === undefined) return;
    change(value, true);
    range.value = String(widgetsTrack * placeOf(value ?? high));
  });
  return { ...row, set };
}

/** @param {number} value @param {number} by @param {{low: number, high: number, step?: number, log: boolean, whole: boolean}} of @returns {number} */
function widgetsStepped(value, by, { low, high, step, log, whole }) {
  const moved = log ? value * 1.1 ** by : value + by * (step ?? (whole ? 1 : (high - low) / 100));
  const apart = whole ? Math.round(Math.abs(moved - value) < 1 ? value + Math.sign(by) : moved) : Number(moved.toPrecision(log ? 3 : 12));
  return Math.min(high, Math.max(low, apart));
}

/**
 * The number in a field; undefined where it is none that it may be, which is told.
 * @param {HTMLInputElement} field @param {{least: number, most: number, whole: boolean, empty?: string}} of @param {(sentence: string) => void} tell
 * @returns {number | null | undefined}
 */
function widgetsNumber(field, { least, most, whole, empty }, tell) {
  const value = field.valueAsNumber;
  if (field.value === "" && !field.validity.badInput && empty !== undefined) return null;
  if (Number.isFinite(value) && value >= least && value <= most && (!whole || Number.isInteger(value))) return value;
  const [from, to] = [least, most].map((each) => each.toLocaleString("en").replace("-", "−"));
  tell(`${whole ? "A whole number" : "A number"} from ${from} ${most >= widgetsUnbounded ? "on" : `to ${to}`}, please.`);
  return undefined;
}

/**
 * @param {{label: string, words?: string, choices: [string, string][]}} options value and name of each
 * @param {Changed} changed
 * @returns {Field & {offer: (choices: [string, string][]) => void}}
 */
export function choiceField({ label, words = "", choices }, changed) {
  const id = widgetsId();
  const select = make("select.st-select", { id, "aria-describedby": `${id}-fault` });
  const row = widgetsRow(label, words, id, { beside: select });
  /** @param {[string, string][]} offered */
  const offer = (offered) => select.replaceChildren(...offered.map(([value, name]) => make("option", { value }, name)));
  offer(choices);
  select.addEventListener("change", () => {
    row.tell("");
    changed(select.value, true);
  });
  select.addEventListener("keydown", widgetsKeep);
  return {
    ...row,
    offer,
    /** @param {string} value */
    set: (value) => {
      if (![...select.options].some((option) => option.value === value)) select.append(make("option", { value }, value)); // an address may name one that is not in the list
      select.value = value;
    },
  };
}

/**
 * @param {{label: string, words?: string}} options
 * @param {Changed} changed
 * @returns {Field}
 */
export function switchField({ label, words = "" }, changed) {
  const id = widgetsId();
  const box = make("input.st-check", { id, type: "checkbox", "aria-describedby": `${id}-fault` });
  const row = widgetsRow(label, words, id, { beside: box });
  box.addEventListener("change", () => {
    row.tell("");
    changed(box.checked, true);
  });
  return {
    ...row,
    set: (value) => {
      box.checked = Boolean(value);
    },
  };
}

/**
 * A few numbers side by side, each named.
 * @param {{label: string, words?: string, names: string[], step?: number, empty?: string}} options
 * @param {Changed} changed gets the list, null where all are empty
 * @returns {Field & {name: (names: string[]) => void, suggest: (values: number[]) => void}}
 */
export function numbersField({ label, words = "", names, step, empty }, changed) {
  const id = widgetsId();
  const place = make("span.st-numbers");
  const row = widgetsRow(label, words, `${id}-0`, { below: [place] });
  /** @type {HTMLInputElement[]} */
  let inputs = [];
  const read = () => {
    const values = inputs.map((input) => (input.value === "" ? Number(input.placeholder) : input.valueAsNumber));
    if (inputs.every((input) => input.value === "") && empty !== undefined) changed(null, true);
    else if (values.every((value) => Number.isFinite(value))) changed(values, true);
    else {
      row.tell("Numbers, please.");
      return;
    }
    row.tell("");
  };
  /** @param {string[]} given */
  const name = (given) => {
    if (given.length === inputs.length && given.every((each, i) => inputs[i].getAttribute("aria-label") === `${label} ${each}`)) return;
    inputs = given.map((each, i) => make("input.st-number", { id: `${id}-${i}`, type: "number", step: step ?? "any", "aria-label": `${label} ${each}`, title: each, change: read, keydown: widgetsKeep }));
    place.replaceChildren(...inputs);
  };
  name(names);
  return {
    ...row,
    name,
    /** What stands there in grey where nothing was chosen. @param {number[]} values */
    suggest: (values) => values.forEach((value, i) => inputs[i] !== undefined && (inputs[i].placeholder = String(Number(value.toPrecision(4))))),
    /** @param {number[] | null} values */
    set: (values) => inputs.forEach((input, i) => {
      if (document.activeElement !== input) input.value = values === null ? "" : String(Number((values[i] ?? 0).toPrecision(6)));
    }),
  };
}

/**
 * @param {string} text
 * @param {() => void} act
 * @param {string} [label] where the text alone does not say it
 */
export function smallButton(text, act, label) {
  return make("button.fl-button.fl-button-small.st-button", { type: "button", click: act, ...(label === undefined ? {} : { "aria-label": label, title: label }) }, text);
}

/**
 * A group that can be folded, with a way back to its defaults.
 * @param {{title: string, open: boolean, reset: () => void}} options
 * @param {...HTMLElement} fields
 */
export function controlGroup({ title, open, reset }, ...fields) {
  const summary = make("span.st-group-summary");
  const back = make("button.st-reset", { type: "button", "aria-label": `Reset: ${title} as at first`, click: reset }, "Reset");
  const el = make("details.st-group", { open }, make("summary.st-group-title", {}, make("h2", {}, title), summary), ...fields, back);
  return {
    el,
    /** @param {string} text what is chosen, shown while the group is folded @param {boolean} changed */
    say: (text, changed) => {
      setText(summary, text);
      back.hidden = !changed;
    },
  };
}
