// @ts-check
// The charts of a recording and the bar above them: what is in sight, which step is read, every number at it.

import { make, setText } from "./element.js";
import { formatNumber } from "./scale.js";
import { createSurface } from "./surface.js";
import { makeSwatch } from "./charts_marks.js";
import { binSteps, binWords, formatStep, lastBefore } from "./recording_data.js";
import { handleZoom } from "./recording_zoom.js";
import { paintChart, recordingBox } from "./recording_paint.js";
import { paintParts, partColour, partsCut } from "./recording_parts.js";

const recMarkNear = 4; // px within which a mark is read with the step

/**
 * @param {any} recording
 * @param {import("./recording_zoom.js").RecZoom} zoom
 * @param {() => void} ask
 * @returns {{elements: HTMLElement[], draw: (theme: any) => void, stop: () => void}}
 */
export function createInstruments(recording, zoom, ask) {
  const charts = [
    ...recording.charts.map((/** @type {any} */ chart) => recChart(recording, chart, zoom, ask)),
    ...recording.parts.map((/** @type {any} */ part) => recParts(recording, part, zoom, ask)),
  ];
  return {
    elements: charts.map((chart) => chart.element),
    draw: (theme) => {
      for (const chart of charts) chart.draw(theme);
    },
    stop: () => charts.forEach((chart) => chart.surface.stop()),
  };
}

/** @param {any} recording @param {any} chart @param {any} zoom @param {() => void} ask */
function recChart(recording, chart, zoom, ask) {
  const surface = createSurface("fl-rec-canvas", ask);
  const state = { zoom, log: chart.log, gaps: recording.gaps, marks: recording.marks, held: { key: "", columns: [] } };
  const knob = make("button.fl-switch", { type: "button", role: "switch", "aria-checked": String(chart.log), "aria-label": `${chart.title}: logarithmic`, click: () => {
    state.log = !state.log;
    knob.setAttribute("aria-checked", String(state.log));
    ask();
  } }, make("span.fl-switch-knob", {}), "log");
  const values = chart.lines.map(() => make("span.fl-rec-value"));
  const wheres = chart.lines.map(() => make("span.fl-rec-where"));
  chart.lines.forEach((/** @type {any} */ _, /** @type {number} */ i) => values[i].setAttribute("data-number", i === 0 ? chart.id : `${chart.id}-${i}`));
  const entries = chart.lines.map((/** @type {any} */ line, /** @type {number} */ i) =>
    make("li", {}, makeSwatch(i, chart.joined ? { marker: false } : { line: false }), chart.lines.length > 1 ? make("span.fl-rec-line-name", {}, line.name) : "", values[i], wheres[i]),
  );
  const element = make(
    `section.fl-rec-panel.fl-rec-chart.fl-rec-chart-${chart.id}`,
    { "aria-label": chart.title },
    recHead(chart.title, chart.note, chart.can_log ? [knob] : []),
    make("ul.fl-rec-values", {}, ...entries),
    surface.canvas,
  );
  surface.describe(describeChart(chart));
  handleZoom(surface.canvas, zoom, () => recRoom(surface.canvas));
  return {
    element,
    surface,
    draw: (/** @type {any} */ theme) => {
      chart.lines.forEach((/** @type {any} */ line, /** @type {number} */ i) => recSay(line, zoom.at, values[i], wheres[i]));
      recPaint(surface, theme, (context, size) => paintChart(context, size, chart, state, theme));
    },
  };
}

/** Draws what is in sight; out of it only the first time and for the printer. @param {any} surface @param {any} theme @param {import("./surface.js").Drawing} draw */
function recPaint(surface, theme, draw) {
  if (!surface.inSight() && surface.painted && !theme.whole) return;
  surface.paint((/** @type {CanvasRenderingContext2D} */ context, /** @type {{width: number, height: number}} */ size) => {
    surface.painted = true;
    draw(context, size);
  });
}

/** @param {string} title @param {string} note @param {HTMLElement[]} tools */
function recHead(title, note, tools) {
  return make("div.fl-rec-head", {}, make("h3.fl-rec-title", {}, title), make("p.fl-rec-note", {}, note), ...tools);
}

/** The number at the step that is read: of that step, else the last one measured before, which is named. @param {any} line @param {number | null} at @param {HTMLElement} value @param {HTMLElement} where */
function recSay(line, at, value, where) {
  const bin = at === null ? -1 : lastBefore(line.axis.first, at);
  setText(value, bin < 0 ? "–" : binWords(line, bin));
  const last = bin < 0 ? 0 : line.axis.last === null ? line.axis.first[bin] : line.axis.last[bin];
  const elsewhere = bin >= 0 && at !== null && last < at;
  const wide = bin >= 0 && line.axis.last !== null && line.axis.last[bin] !== line.axis.first[bin];
  setText(where, bin < 0 ? "" : elsewhere ? `step ${binSteps(line.axis, bin)}` : wide ? `steps ${binSteps(line.axis, bin)}` : "");
}

/** @param {any} recording @param {any} part @param {any} zoom @param {() => void} ask */
function recParts(recording, part, zoom, ask) {
  const surface = createSurface("fl-rec-canvas", ask);
  const values = part.labels.map((/** @type {string} */ label) => make("span.fl-rec-value", { "data-number": `part-${label}` }));
  const where = make("span.fl-rec-where");
  const entries = part.labels.map((/** @type {string} */ label, /** @type {number} */ k) => {
    const swatch = make("span.fl-rec-block", { "aria-hidden": "true" });
    swatch.style.background = partColour(k);
    return make("li", {}, swatch, make("span.fl-rec-line-name", {}, label), values[k]);
  });
  const several = recording.parts.length > 1 ? `, ${part.name}` : "";
  const note = ["what the update is made of, as shares of it; below 0 a part works against it", partsCut(part), part.words].filter(Boolean).join("; ");
  const element = make("section.fl-rec-panel.fl-rec-chart.fl-rec-chart-parts", { "aria-label": `Parts of the step${several}` }, recHead(`Parts of the step${several}`, note, []), make("ul.fl-rec-values", {}, ...entries, make("li", {}, where)), surface.canvas);
  surface.describe(`Parts of the step${several}: shares of ${part.labels.join(", ")} at ${part.step.length} steps, stacked; at the last ${part.labels.map((/** @type {string} */ label, /** @type {number} */ k) => `${label} ${formatNumber(part.shares[(part.step.length - 1) * part.labels.length + k])}`).join(", ")}.`);
  handleZoom(surface.canvas, zoom, () => recRoom(surface.canvas));
  return {
    element,
    surface,
    draw: (/** @type {any} */ theme) => {
      const at = zoom.at === null ? -1 : lastBefore(part.step, zoom.at);
      values.forEach((/** @type {HTMLElement} */ value, /** @type {number} */ k) => setText(value, at < 0 ? "–" : `${formatNumber(100 * part.shares[at * part.labels.length + k])} %`));
      setText(where, at < 0 || part.step[at] === zoom.at ? "" : `step ${formatStep(part.step[at])}`);
      recPaint(surface, theme, (context, size) => paintParts(context, size, part, { zoom, gaps: recording.gaps, marks: recording.marks }, theme));
    },
  };
}

/** Where the steps lie on a chart's canvas. @param {HTMLCanvasElement} canvas */
function recRoom(canvas) {
  const size = Number.parseFloat(getComputedStyle(canvas).fontSize);
  return recordingBox({ width: canvas.clientWidth, height: canvas.clientHeight }, { fontSize: Math.max(12, size * 0.8125) });
}

/** A chart in words. @param {any} chart */
function describeChart(chart) {
  const each = chart.lines.map((/** @type {any} */ line) => {
    const lost = line.first_not_finite === null ? "" : ` ${line.not_finite} values are not finite, the first at step ${formatStep(line.first_not_finite)}.`;
    return `${line.name}: ${formatNumber(line.start)} at step ${formatStep(line.axis.first[0])}, ${formatNumber(line.end)} at the end; lowest ${formatNumber(line.lowest)}, highest ${formatNumber(line.highest)}.${lost}`;
  });
  return [`${chart.title} over steps.`, ...each].join(" ");
}

/**
 * The bar above the charts: the step that is read, what happened there, the steps in sight, and the buttons of the zoom.
 * @param {any} recording
 * @param {import("./recording_zoom.js").RecZoom} zoom
 * @param {{step: number} | null} alarm
 * @returns {{element: HTMLElement, update: () => void}}
 */
export function createZoomBar(recording, zoom, alarm) {
  const step = make("strong.fl-rec-step", { "data-number": "step" });
  const happened = make("span.fl-rec-happened");
  const said = make("span.fl-rec-said");
  const line = recording.charts[0]?.lines[0];
  const sight = make("span.fl-rec-sight", { "data-number": "sight" });
  const button = (/** @type {string} */ text, /** @type {string} */ title, /** @type {() => void} */ click) => make("button.fl-button.fl-button-small", { type: "button", title, "aria-label": title, click }, text);
  const tools = [
    button("◀", "Earlier (key ←)", () => zoom.pan(-0.5)),
    button("▶", "Later (key →)", () => zoom.pan(0.5)),
    button("−", "Zoom out (key −)", () => zoom.scale(2)),
    button("+", "Zoom in (key +)", () => zoom.scale(0.5)),
    button("Whole run", "All steps (key 0, or a double click)", () => zoom.reset()),
  ];
  if (alarm !== null) {
    const go = button("To the alarm", "The steps around the first alarm", () => {
      zoom.show(alarm.step - 60, alarm.step + 20);
      zoom.read(alarm.step);
    });
    go.classList.add("fl-rec-alarm-button");
    tools.push(go);
  }
  return {
    element: make("div.fl-rec-bar", {}, make("p.fl-rec-bar-words", { role: "status" }, "step ", step, said, happened, sight), make("div.fl-rec-tools", {}, ...tools)),
    update: () => {
      setText(step, formatStep(zoom.at));
      const bin = line === undefined || zoom.at === null ? -1 : lastBefore(line.axis.first, zoom.at);
      setText(said, bin < 0 ? "" : `, ${recording.charts[0].title} ${binWords(line, bin)}. `);
      const near = recNear(recording, zoom);
      setText(happened, near === null ? "" : near.kind === "alarm" ? ` ! ${near.sentence}` : near.kind === "gap" ? ` ▨ ${near.sentence}` : ` ▾ ${near.sentence}`);
      happened.classList.toggle("fl-rec-bad", near?.kind === "alarm");
      const [from, to] = [Math.max(Math.ceil(zoom.from), recording.range[0]), Math.min(Math.floor(zoom.to), recording.range[1])];
      setText(sight, `steps ${formatStep(from)} to ${formatStep(to)}`);
    },
  };
}

/** The mark at the step that is read, as near as a hand can point; a gap is everywhere inside. @param {any} recording @param {any} zoom */
function recNear(recording, zoom) {
  if (zoom.at === null) return null;
  const room = ((zoom.to - zoom.from) / 1000) * recMarkNear;
  const gap = recording.gaps.find((/** @type {number[]} */ each) => zoom.at >= each[0] && zoom.at <= each[1]);
  const near = recording.marks.filter((/** @type {any} */ mark) => Math.abs(mark.step - zoom.at) <= room);
  const nearest = near.sort((/** @type {any} */ a, /** @type {any} */ b) => Math.abs(a.step - zoom.at) - Math.abs(b.step - zoom.at))[0];
  if (nearest !== undefined) return nearest;
  return gap === undefined ? null : { kind: "gap", sentence: `Steps ${formatStep(gap[0])} to ${formatStep(gap[1])} are not in the record.` };
}
