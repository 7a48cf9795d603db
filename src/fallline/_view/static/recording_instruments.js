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
 * @returns {{element: HTMLElement, renew: () => void, draw: (theme: any) => void, stop: () => void}} renew: the recording holds new numbers
 */
export function createInstruments(recording, zoom, ask) {
  const element = make("div.fl-rec-charts");
  let charts = /** @type {any[]} */ ([]);
  const renew = () => {
    const [known, several] = [new Map(charts.map((chart) => [chart.key, chart])), recording.parts.length > 1];
    const now = [
      ...recording.charts.map((/** @type {any} */ chart) => recAgain(known, recKey(chart), chart, () => recChart(recording, chart, zoom, ask))),
      ...recording.parts.map((/** @type {any} */ part) => recAgain(known, `parts ${several} ${part.name} ${part.labels}`, part, () => recParts(recording, part, zoom, ask))),
    ];
    if (now.length !== charts.length || now.some((chart, i) => chart !== charts[i])) element.replaceChildren(...now.map((chart) => chart.element));
    charts.filter((chart) => !now.includes(chart)).forEach((chart) => chart.surface.stop());
    charts = now;
  };
  renew();
  return {
    element,
    renew,
    draw: (theme) => {
      for (const chart of charts) chart.draw(theme);
    },
    stop: () => charts.forEach((chart) => chart.surface.stop()),
  };
}

/** The chart that is there already, with its new numbers, or a new one. @param {Map<string, any>} known @param {string} key @param {any} told @param {() => any} begin */
function recAgain(known, key, told, begin) {
  const found = known.get(key);
  if (found === undefined) return Object.assign(begin(), { key });
  found.renew(told);
  return found;
}

/** What a chart looks like, apart from its numbers. @param {any} chart */
function recKey(chart) {
  return JSON.stringify([chart.id, chart.title, chart.note, chart.can_log, chart.joined, chart.lines.map((/** @type {any} */ line) => line.name)]);
}

/** @param {any} recording @param {any} first @param {any} zoom @param {() => void} ask */
function recChart(recording, first, zoom, ask) {
  let chart = first;
  let chosen = /** @type {boolean | null} */ (null); // by the switch
  const surface = createSurface("fl-rec-canvas", ask);
  const state = { zoom, log: chart.log, gaps: recording.gaps, marks: recording.marks, held: { key: "", columns: [] } };
  const knob = make("button.fl-switch", { type: "button", role: "switch", "aria-checked": String(chart.log), "aria-label": `${chart.title}: logarithmic`, click: () => {
    chosen = !state.log;
    scale();
    ask();
  } }, make("span.fl-switch-knob", {}), "log");
  const scale = () => {
    state.log = chosen ?? chart.log;
    knob.setAttribute("aria-checked", String(state.log));
  };
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
    renew: (/** @type {any} */ told) => {
      chart = told;
      Object.assign(state, { gaps: recording.gaps, marks: recording.marks, held: { key: "", columns: [] } });
      scale();
      surface.describe(describeChart(chart));
      surface.painted = false; // out of sight it would stay as it is
    },
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

/** @param {any} recording @param {any} first @param {any} zoom @param {() => void} ask */
function recParts(recording, first, zoom, ask) {
  let part = first;
  const surface = createSurface("fl-rec-canvas", ask);
  const values = part.labels.map((/** @type {string} */ label) => make("span.fl-rec-value", { "data-number": `part-${label}` }));
  const where = make("span.fl-rec-where");
  const entries = part.labels.map((/** @type {string} */ label, /** @type {number} */ k) => {
    const swatch = make("span.fl-rec-block", { "aria-hidden": "true" });
    swatch.style.background = partColour(k);
    return make("li", {}, swatch, make("span.fl-rec-line-name", {}, label), values[k]);
  });
  const several = recording.parts.length > 1 ? `, ${part.name}` : "";
  const note = () => ["what the update is made of, as shares of it; below 0 a part works against it", partsCut(part), part.words].filter(Boolean).join("; ");
  const element = make("section.fl-rec-panel.fl-rec-chart.fl-rec-chart-parts", { "aria-label": `Parts of the step${several}` }, recHead(`Parts of the step${several}`, note(), []), make("ul.fl-rec-values", {}, ...entries, make("li", {}, where)), surface.canvas);
  surface.describe(describeParts(part, several));
  handleZoom(surface.canvas, zoom, () => recRoom(surface.canvas));
  return {
    element,
    surface,
    renew: (/** @type {any} */ told) => {
      part = told;
      setText(element.querySelector(".fl-rec-note"), note());
      surface.describe(describeParts(part, several));
      surface.painted = false;
    },
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

/** @param {any} part @param {string} several whose, of several */
function describeParts(part, several) {
  const last = part.labels.map((/** @type {string} */ label, /** @type {number} */ k) => `${label} ${formatNumber(part.shares[(part.step.length - 1) * part.labels.length + k])}`);
  return `Parts of the step${several}: shares of ${part.labels.join(", ")} at ${part.step.length} steps, stacked; at the last ${last.join(", ")}.`;
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
 * @returns {{element: HTMLElement, aloud: (on: boolean) => void, update: () => void}} aloud: is it read out? Not what grows by itself
 */
export function createZoomBar(recording, zoom) {
  const step = make("strong.fl-rec-step", { "data-number": "step" });
  const happened = make("span.fl-rec-happened");
  const said = make("span.fl-rec-said");
  const sight = make("span.fl-rec-sight", { "data-number": "sight" });
  const button = (/** @type {string} */ text, /** @type {string} */ title, /** @type {() => void} */ click) => make("button.fl-button.fl-button-small", { type: "button", title, "aria-label": title, click }, text);
  const tools = [
    button("◀", "Earlier (key ←)", () => zoom.pan(-0.5)),
    button("▶", "Later (key →)", () => zoom.pan(0.5)),
    button("−", "Zoom out (key −)", () => zoom.scale(2)),
    button("+", "Zoom in (key +)", () => zoom.scale(0.5)),
    button("Whole run", "All steps (key 0, or a double click)", () => zoom.reset()),
  ];
  const go = button("To the alarm", "The steps around the first alarm", () => {
    zoom.show(recording.alarms[0].step - 60, recording.alarms[0].step + 20);
    zoom.read(recording.alarms[0].step);
  });
  go.classList.add("fl-rec-alarm-button");
  const place = make("div.fl-rec-tools", {}, ...tools);
  const words = make("p.fl-rec-bar-words", { role: "status" }, "step ", step, said, happened, sight);
  return {
    element: make("div.fl-rec-bar", {}, words, place),
    aloud: (on) => words.setAttribute("aria-live", on ? "polite" : "off"),
    update: () => {
      const line = recording.charts[0]?.lines[0];
      if (recording.alarms.length > 0 && go.parentElement === null) place.append(go);
      setText(step, formatStep(zoom.at));
      const bin = line === undefined || zoom.at === null ? -1 : lastBefore(line.axis.first, zoom.at);
      setText(said, bin < 0 ? "" : `, ${recording.charts[0].title} ${binWords(line, bin)}. `);
      const near = recNear(recording, zoom);
      setText(happened, near === null ? "" : near.kind === "alarm" ? ` ! ${near.sentence}` : near.kind === "gap" ? ` ▨ ${near.sentence}` : ` ▾ ${near.sentence}`);
      happened.classList.toggle("fl-rec-bad", near?.kind === "alarm");
      const [from, to] = [Math.ceil(Math.max(zoom.from, zoom.whole[0])), Math.floor(Math.min(zoom.to, zoom.whole[1]))];
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
