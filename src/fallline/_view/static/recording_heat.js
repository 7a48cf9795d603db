// @ts-check
// A heat map of layers over steps: rows in the model's order, colours logarithmic, ✕ where a number is not finite, stripes where nothing was measured.

import { make, setText } from "./element.js";
import { formatNumber } from "./scale.js";
import { createSurface } from "./surface.js";
import { cellWords } from "./recording_data.js";
import { heatSteps, heatTable } from "./recording_heat_table.js";
import { heatLayout, heatScale, paintHeat } from "./recording_heat_paint.js";

/**
 * @typedef {{name: string, map: any, relative: boolean, shown?: number, extra?: HeatExtra, edges: {left: Float64Array, right: Float64Array},
 *   domain: () => [number, number], at: () => number | null, marks: () => any[], ticks: (from: number, to: number, n: number) => {at: number, label: string}[]}} HeatOptions
 * @typedef {{label: string, words: (column: number) => string}} HeatExtra a row of the table that the map has not
 * relative: to what is usual for each layer; shown: the quantity at first; edges: of the columns, in the units of the axis of x; at: the column that is read, in the same units
 */

const heatNamedRows = 36; // up to so many rows each has its name at once

/**
 * @param {HeatOptions} options
 * @param {() => void} ask
 * @returns {any}
 */
export function createHeat(options, ask) {
  const { map } = options;
  const scales = () => options.map.quantities.map((/** @type {any} */ each) => heatScale(options.map, each, options.relative));
  const rows = map.labels.length;
  const many = rows > heatNamedRows;
  const state = { quantity: options.shown ?? 0, fit: many && !(options.relative && map.row !== null), row: map.row, scales: scales() };
  const surface = createSurface("fl-rec-canvas-heat", ask);
  const tall = make("div.fl-rec-heat-tall", {}, surface.canvas);
  const scroll = make("div.fl-rec-heat-scroll", { tabindex: "0", role: "region", "aria-label": `${options.name}: layers over steps. Arrow keys go from layer to layer.`, scroll: ask }, tall);
  const reading = make("p.fl-rec-heat-reading", { role: "status" });
  const legend = make("div.fl-rec-heat-legend");
  const table = heatTable(options, state);
  const quantities = heatQuantities(map, state, () => {
    heatLegend(legend, state, options);
    table.update();
    ask();
  });
  const held = { layout: /** @type {any} */ (null), element: heatHead(quantities, many ? [heatFit(state, { tall, scroll, canvas: surface.canvas, rows }, ask)] : [], [reading, scroll, legend, table.element]), surface, scroll, state };
  heatPlace(state, { tall, scroll, canvas: surface.canvas, rows });
  heatLegend(legend, state, options);
  surface.describe(`${options.name}: a heat map of ${rows} layers; its numbers stand in the table below.`);
  heatHands(held, rows, ask);
  return Object.assign(held, {
    centre: () => heatCentre(held),
    /** New columns of the same layers. @param {any} now @param {HeatOptions["edges"]} edges */
    renew: (now, edges) => {
      Object.assign(options, { map: now, edges });
      state.scales = scales();
      heatLegend(legend, state, options);
      table.update();
    },
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

/** @param {HTMLElement} quantities @param {HTMLElement[]} tools @param {HTMLElement[]} below */
function heatHead(quantities, tools, below) {
  return make("div.fl-rec-heat", {}, make("div.fl-rec-heat-head", {}, quantities, ...tools), ...below);
}

/** The buttons that choose the quantity. @param {any} map @param {any} state @param {() => void} changed */
function heatQuantities(map, state, changed) {
  const choices = map.quantities.map((/** @type {any} */ each, /** @type {number} */ i) =>
    make("button.fl-setting", { type: "button", "aria-pressed": String(i === state.quantity), click: () => {
      state.quantity = i;
      choices.forEach((/** @type {Element} */ button, /** @type {number} */ k) => button.setAttribute("aria-pressed", String(k === i)));
      changed();
    } }, each.title),
  );
  return make("div.fl-setting-group", { role: "group", "aria-label": "Quantity" }, ...choices);
}

/** All rows at once, or each with its name. @param {any} state @param {any} boxes @param {() => void} ask */
function heatFit(state, boxes, ask) {
  const words = () => (state.fit ? "Name every row" : "Overview");
  const button = make("button.fl-button.fl-button-small", { type: "button", click: () => {
    state.fit = !state.fit;
    setText(button, words());
    heatPlace(state, boxes);
    ask();
  } }, words());
  return button;
}

/** @param {any} state @param {any} boxes */
function heatPlace(state, { tall, scroll, canvas, rows }) {
  const { height, shown } = heatLayout(rows, state.fit);
  tall.style.height = `${height}em`;
  scroll.style.height = `${shown}em`;
  canvas.style.height = `${shown}em`;
}

/** Pointer and arrow keys choose the row that is read. @param {any} held @param {number} rows @param {() => void} ask */
function heatHands(held, rows, ask) {
  const { state, scroll, surface } = held;
  scroll.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (by === undefined) return;
    state.row = state.row === null ? (by > 0 ? 0 : rows - 1) : Math.min(rows - 1, Math.max(0, state.row + by));
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
}

/** Scrolls the row that is read to the middle. @param {any} held */
function heatCentre(held) {
  held.scroll.scrollTop = ((held.state.row ?? 0) + 0.5) * held.layout.rowHeight - held.layout.plotHeight / 2;
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

/** @param {HTMLElement} reading @param {HeatOptions} options @param {any} state */
function heatSay(reading, options, state) {
  const { map } = options;
  const column = heatColumn(options);
  const quantity = map.quantities[state.quantity];
  if (state.row === null) {
    setText(reading, "Point at a layer, or go from one to the next with ↑ and ↓.");
    return;
  }
  const name = map.told[state.row];
  if (column < 0) {
    reading.replaceChildren(make("strong", {}, name), " · not measured at this step");
    return;
  }
  const cell = column * map.labels.length + state.row;
  const steps = `${heatSteps(map, column)}${map.first[column] === map.last[column] ? "" : ", the highest"}`;
  const rest = [make("strong", {}, name), ` · ${steps} · ${quantity.title} `, make("strong", { "data-number": "heat" }, cellWords(quantity, cell))];
  const usual = quantity.usual?.[state.row];
  if (options.relative && quantity.flags[cell] === 1 && usual > 0) rest.push(`, ${formatNumber(quantity.values[cell] / usual)} × its usual`);
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
          make("span.fl-rec-quiet", {}, options.relative ? "times the layer's usual: its median in the earlier half of the flight recorder; logarithmic" : `logarithmic, middle ${formatNumber(middle, 3)}`),
        ]
      : []),
    make("span.fl-rec-heat-entry", {}, make("span.fl-rec-heat-key.fl-rec-heat-lost", {}, "✕"), "not finite"),
    make("span.fl-rec-heat-entry", {}, make("span.fl-rec-heat-key.fl-rec-heat-missing", {}), "not measured"),
  );
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
