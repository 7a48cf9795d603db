// @ts-check
// A heat map of layers over steps: rows in the model's order, colours logarithmic, ✕ where a number is not finite, stripes where nothing was measured.

import { make, setText } from "./element.js";
import { formatNumber } from "./scale.js";
import { createSurface } from "./surface.js";
import { cellWords, formatStep } from "./recording_data.js";
import { heatLayout, heatScale, paintHeat } from "./recording_heat_paint.js";

/**
 * @typedef {{name: string, map: any, relative: boolean, highlight: string | null, edges: {left: Float64Array, right: Float64Array},
 *   domain: () => [number, number], at: () => number | null, marks: () => any[], ticks: (from: number, to: number, n: number) => {at: number, label: string}[]}} HeatOptions
 * relative: to each layer's median; edges: of the columns, in the units of the axis of x; at: the column that is read, in the same units
 */

const heatNamedRows = 36; // up to so many rows each has its name at once
const heatTableColumns = 8;

/**
 * @param {HeatOptions} options
 * @param {() => void} ask
 * @returns {any}
 */
export function createHeat(options, ask) {
  const { map } = options;
  const rows = map.labels.length;
  const state = { quantity: 0, fit: rows > heatNamedRows && !(options.relative && options.highlight !== null), row: Math.max(0, map.labels.indexOf(options.highlight)), scales: map.quantities.map((/** @type {any} */ each) => heatScale(map, each, options.relative)) };
  const surface = createSurface("fl-rec-canvas-heat", ask);
  const tall = make("div.fl-rec-heat-tall", {}, surface.canvas);
  const scroll = make("div.fl-rec-heat-scroll", { tabindex: "0", role: "region", "aria-label": `${options.name}: layers over steps. Arrow keys go from layer to layer.`, scroll: ask }, tall);
  const reading = make("p.fl-rec-heat-reading", {});
  const choices = map.quantities.map((/** @type {any} */ each, /** @type {number} */ i) =>
    make("button.fl-setting", { type: "button", "aria-pressed": String(i === 0), click: () => choose(i) }, each.title),
  );
  const fit = make("button.fl-button.fl-button-small", { type: "button", click: () => {
    state.fit = !state.fit;
    place();
    ask();
  } });
  const legend = make("div.fl-rec-heat-legend");
  const table = heatTable(options, state);
  const choose = (/** @type {number} */ index) => {
    state.quantity = index;
    choices.forEach((/** @type {Element} */ button, /** @type {number} */ i) => button.setAttribute("aria-pressed", String(i === index)));
    heatLegend(legend, state, options);
    table.update();
    ask();
  };
  const place = () => {
    const { height, shown } = heatLayout(rows, state.fit);
    tall.style.height = `${height}em`;
    scroll.style.height = `${shown}em`;
    surface.canvas.style.height = `${shown}em`;
    setText(fit, state.fit ? "Name every row" : "Overview");
  };
  const element = make(
    "div.fl-rec-heat",
    {},
    make("div.fl-rec-heat-head", {}, make("div.fl-setting-group", { role: "group", "aria-label": "Quantity" }, ...choices), ...(rows > heatNamedRows ? [fit] : [])),
    reading,
    scroll,
    legend,
    table.element,
  );
  place();
  heatLegend(legend, state, options);
  surface.describe(`${options.name}: a heat map of ${rows} layers; its numbers stand in the table below.`);
  const held = { layout: /** @type {any} */ (null), element, surface, scroll, state };
  scroll.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (by === undefined) return;
    state.row = Math.min(rows - 1, Math.max(0, state.row + by));
    heatReveal(held);
    event.preventDefault();
    ask();
  });
  surface.canvas.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => {
    if (held.layout === null) return;
    const row = held.layout.rowAt(event.clientY - surface.canvas.getBoundingClientRect().top);
    if (row !== null) state.row = row;
    ask();
  });
  return Object.assign(held, {
    centre: () => heatCentre(held),
    refreshTable: table.update,
    /** @param {any} theme */
    draw: (theme) => {
      heatSay(reading, options, state);
      surface.paint((context, size) => {
        held.layout = paintHeat(context, size, options, { ...state, scale: state.scales[state.quantity], scrolled: scroll.scrollTop }, theme);
      });
    },
    stop: surface.stop,
  });
}

/** Scrolls the row that is read to the middle. @param {any} held */
function heatCentre(held) {
  held.scroll.scrollTop = (held.state.row + 0.5) * held.layout.rowHeight - held.layout.plotHeight / 2;
}

/** Scrolls the row that is read into sight. @param {any} held */
function heatReveal(held) {
  if (held.layout === null) return;
  const { row } = held.state;
  const { rowHeight, plotHeight } = held.layout;
  if (row * rowHeight < held.scroll.scrollTop) held.scroll.scrollTop = row * rowHeight;
  if ((row + 1) * rowHeight > held.scroll.scrollTop + plotHeight) held.scroll.scrollTop = (row + 1) * rowHeight - plotHeight;
}

/** The column that is read: the last one that begins at or before. @param {HeatOptions} options @returns {number} −1: none */
function heatColumn(options) {
  const at = options.at();
  if (at === null) return -1;
  const { left, right } = options.edges;
  for (let c = left.length - 1; c >= 0; c -= 1) if (left[c] <= at) return at <= right[c] ? c : -1;
  return -1;
}

/** One cell in words. @param {HeatOptions} options @param {any} quantity @param {number} column @param {number} row */
function heatWords(options, quantity, column, row) {
  return cellWords(quantity, column * options.map.labels.length + row);
}

/** The steps of a column in words. @param {any} map @param {number} column */
function heatSteps(map, column) {
  const [first, last] = [map.first[column], map.last[column]];
  return first === last ? `step ${formatStep(first)}` : `steps ${formatStep(first)} to ${formatStep(last)}, the highest`;
}

/** @param {HTMLElement} reading @param {HeatOptions} options @param {any} state */
function heatSay(reading, options, state) {
  const { map } = options;
  const column = heatColumn(options);
  const quantity = map.quantities[state.quantity];
  const name = `${map.labels[state.row]} (${map.kinds[state.row]})`;
  if (column < 0) {
    reading.replaceChildren(make("strong", {}, name), " · not measured at this step");
    return;
  }
  const value = heatWords(options, quantity, column, state.row);
  const rest = [make("strong", {}, name), ` · ${heatSteps(map, column)} · ${quantity.title} `, make("strong", { "data-number": "heat" }, value)];
  const median = quantity.medians?.[state.row];
  const cell = column * map.labels.length + state.row;
  if (options.relative && quantity.flags[cell] === 1 && median > 0) rest.push(`, ${formatNumber(quantity.values[cell] / median)} × its median`);
  reading.replaceChildren(...rest);
}

/** @param {HTMLElement} legend @param {any} state @param {HeatOptions} options */
function heatLegend(legend, state, options) {
  const scale = state.scales[state.quantity];
  const times = options.relative ? "× " : "";
  const bar = make("span.fl-rec-heat-bar", { "aria-hidden": "true" });
  const middle = Math.sqrt(scale.low * scale.high);
  legend.replaceChildren(
    ...(scale.known
      ? [
          make("span", {}, `${scale.below ? "≤ " : ""}${times}${formatNumber(scale.low, 3)}`),
          bar,
          make("span", {}, `${scale.above ? "≥ " : ""}${times}${formatNumber(scale.high, 3)}`),
          make("span.fl-rec-quiet", {}, options.relative ? "times the layer's own median, logarithmic" : `logarithmic, middle ${formatNumber(middle, 3)}`),
        ]
      : []),
    make("span.fl-rec-heat-key.fl-rec-heat-lost", {}, "✕"),
    make("span", {}, "not finite"),
    make("span.fl-rec-heat-key.fl-rec-heat-missing", {}),
    make("span", {}, "not measured"),
  );
}

/** The map as a table, made when it is opened: a few columns in sight. @param {HeatOptions} options @param {any} state */
function heatTable(options, state) {
  const { map } = options;
  const region = make("div.fl-table-scroll", { tabindex: "0", role: "region", "aria-label": `${options.name} as a table`, "data-scrolls": true });
  const fill = () => {
    if (!details.open) {
      region.replaceChildren();
      return;
    }
    const quantity = map.quantities[state.quantity];
    const [from, to] = options.domain();
    const inSight = [...map.first.keys()].filter((c) => options.edges.right[c] > from && options.edges.left[c] < to);
    const count = Math.min(heatTableColumns, inSight.length);
    const chosen = [...new Set(Array.from({ length: count }, (_, i) => inSight[count === 1 ? 0 : inSight.length - 1 - Math.round(((count - 1 - i) * (inSight.length - 1)) / (count - 1))]))];
    region.replaceChildren(
      make(
        "table.fl-table",
        {},
        make("caption", {}, `${quantity.title}${map.size > 1 ? ", the highest of each column's measurements" : ""}`),
        make("thead", {}, make("tr", {}, make("th", { scope: "col", class: "fl-words-cell" }, "layer"), ...chosen.map((c) => make("th", { scope: "col" }, heatSteps(map, c).replace(", the highest", ""))))),
        make("tbody", {}, ...map.labels.map((/** @type {string} */ label, /** @type {number} */ row) => make("tr", {}, make("th", { scope: "row", class: "fl-words-cell" }, label), ...chosen.map((c) => make("td", {}, heatWords(options, quantity, c, row)))))),
      ),
    );
  };
  const details = make("details.fl-details", { toggle: fill }, make("summary", {}, "The map as a table"), region);
  return { element: details, update: fill };
}

/**
 * The edges of measured columns: halfway to their neighbours, and no further than the nearer one is away; never across a gap of the record.
 * @param {Float64Array} first
 * @param {Float64Array} last
 * @param {number[][]} gaps
 * @returns {{left: Float64Array, right: Float64Array}}
 */
export function heatEdges(first, last, gaps) {
  const count = first.length;
  const [left, right] = [new Float64Array(count), new Float64Array(count)];
  for (let i = 0; i < count; i += 1) {
    const before = i > 0 ? first[i] - last[i - 1] : Infinity;
    const after = i + 1 < count ? first[i + 1] - last[i] : Infinity;
    const nearer = Math.min(before, after);
    const most = Number.isFinite(nearer) ? nearer * 2 : 1;
    left[i] = first[i] - Math.min(before, most) / 2;
    right[i] = last[i] + Math.min(after, most) / 2;
  }
  for (const [begin, end] of gaps) {
    for (let i = 0; i < count; i += 1) {
      if (last[i] < begin) right[i] = Math.min(right[i], begin - 0.5);
      else if (first[i] > end) left[i] = Math.max(left[i], end + 0.5);
    }
  }
  return { left, right };
}
