// @ts-check
// The page of a question: an article of one column, its curves as charts, its facts as tables. Hosts call `render` and nothing else.

import { decodeNumbers } from "./decode.js";
import { make, setText } from "./element.js";
import { createSurface } from "./surface.js";
import { createThemeControl, readTheme } from "./theme.js";
import { createRefresher } from "./refresher.js";
import { seriesColours } from "./charts_marks.js";
import { drawLineChart, linesNamed } from "./charts_lines.js";
import { makeBars, makeGauges } from "./bars.js";
import { describeCurves, whyChart, whyCurvesTable, whyFactsTable, whyLegend } from "./why_exhibits.js";

/** @type {Record<string, (exhibit: any) => HTMLElement>} */
const whyTables = { facts: whyFactsTable, bars: makeBars, gauges: makeGauges };

/**
 * Draws the payload `model.get("payload")` (docs/payload-comparison.md) into `el`.
 * @param {{model: {get: (name: string) => any}, el: HTMLElement}} host
 * @returns {() => void} takes the page away
 */
export function render({ model, el }) {
  const payload = model.get("payload");
  if (payload?.schema !== "fallline.why-view/1") throw new Error(`This page reads fallline.why-view/1, and was given ${payload?.schema ?? "nothing"}.`);
  const answer = decodeNumbers(payload);
  const refresh = createRefresher(() => draw());
  const root = make("div.fl.fl-why", { tabindex: "-1" });
  /** @type {{surface: import("./surface.js").Surface, curves: any, legend: HTMLElement}[]} */
  const charts = [];
  el.append(root);
  const theme = createThemeControl(root, refresh.ask, () => draw());
  const body = make("article.fl-article", {}, make("p.fl-kicker", {}, answer.kicker), make("h1", {}, answer.title), make("p.fl-lead", {}, answer.summary));
  for (const section of answer.sections) body.append(whySection(section, charts, refresh.ask));
  const projector = () => {
    root.classList.toggle("fl-projector");
    root.focus();
    refresh.ask();
  };
  root.append(whyTools(theme, projector), body);
  const draw = () => {
    const colours = { ...readTheme(root), series: seriesColours(root), bad: getComputedStyle(root).getPropertyValue("--fl-bad").trim() };
    for (const { surface, curves, legend } of charts) {
      surface.paint((context, size) => {
        const chart = whyChart(curves, colours);
        legend.hidden = linesNamed(context, size, chart, colours);
        drawLineChart(context, size, chart, colours);
      });
    }
  };
  const silence = whyListen(el, root, projector);
  return () => {
    silence();
    theme.stop();
    refresh.stop();
    for (const { surface } of charts) surface.stop();
    root.remove();
  };
}

/** @param {{choice: () => string, next: () => string}} theme @param {() => void} projector */
function whyTools(theme, projector) {
  const words = () => ({ auto: "Theme: auto", light: "Theme: light", dark: "Theme: dark" })[theme.choice()] ?? "";
  const button = make("button.fl-button.fl-button-small", { type: "button", title: "Light or dark", click: () => { theme.next(); setText(button, words()); } }, words());
  return make(
    "div.fl-article-tools.fl-header-tools",
    {},
    make("button.fl-button.fl-button-small.fl-button-projector", { type: "button", title: "Large type (key P)", click: projector }, "Projector"),
    button,
  );
}

/** @param {any} section @param {any[]} charts @param {() => void} onResize */
function whySection(section, charts, onResize) {
  const block = make("section.fl-article-section", {}, make("h2", {}, section.heading));
  for (const text of section.paragraphs) block.append(make("p", {}, text));
  for (const exhibit of section.exhibits) block.append(whyTables[exhibit.kind]?.(exhibit) ?? whyFigure(exhibit, charts, onResize));
  return block;
}

/** @param {any} curves @param {any[]} charts @param {() => void} onResize */
function whyFigure(curves, charts, onResize) {
  const surface = createSurface("fl-canvas-curves", onResize);
  surface.describe(describeCurves(curves));
  const legend = whyLegend(curves);
  charts.push({ surface, curves, legend });
  const region = make("div.fl-table-scroll", { tabindex: "0", role: "region", "aria-label": `Numbers of ${curves.title}` });
  const details = make("details.fl-details", {
    toggle: () => {
      if (details.open && region.childElementCount === 0) region.append(whyCurvesTable(curves));
    },
  }, make("summary", {}, "The numbers as a table"), region);
  return make("figure.fl-figure", {}, make("h3.fl-figure-title", {}, curves.title), legend, surface.canvas, make("figcaption", {}, curves.caption), details);
}

/** P is the projector; arrows then go from section to section. @param {HTMLElement} host @param {HTMLElement} root @param {() => void} projector */
function whyListen(host, root, projector) {
  const target = host.dataset.keys === "page" ? host.ownerDocument : root;
  const key = (/** @type {any} */ event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const large = root.classList.contains("fl-projector");
    if (event.key === "p" || event.key === "P" || (event.key === "Escape" && large)) projector();
    else if (large && (event.key === "ArrowRight" || event.key === "ArrowLeft")) whyTurn(root, event.key === "ArrowRight");
    else return;
    event.preventDefault();
  };
  target.addEventListener("keydown", key);
  return () => target.removeEventListener("keydown", key);
}

/** To the next section, or the one before. @param {HTMLElement} root @param {boolean} on */
function whyTurn(root, on) {
  const stops = [...root.querySelectorAll("h1, h2")];
  const tops = stops.map((stop) => stop.getBoundingClientRect().top);
  const next = on ? tops.findIndex((top) => top > 60) : tops.findLastIndex((top) => top < -4);
  if (next !== -1) stops[next].scrollIntoView({ block: "start" });
}
