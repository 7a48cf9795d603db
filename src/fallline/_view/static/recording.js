// @ts-check
// The page of a watched loop: what happened, what broke, every instrument over the steps. Hosts call `render` and nothing else.

import { make, setText } from "./element.js";
import { niceTicks } from "./scale.js";
import { createRefresher } from "./refresher.js";
import { createThemeControl, readTheme } from "./theme.js";
import { seriesColours } from "./charts_marks.js";
import { decodeRecording, formatStep, lastBefore } from "./recording_data.js";
import { createZoom, handleZoom, zoomKeys } from "./recording_zoom.js";
import { createHeat, heatEdges } from "./recording_heat.js";
import { createInstruments, createZoomBar } from "./recording_instruments.js";
import { createStory } from "./recording_story.js";
import { recordingEvents, recordingHeader, recordingHappened, recordingHeadline, recordingHints, recordingMade, recordingTable } from "./recording_panels.js";

/**
 * Draws the payload `model.get("payload")` (docs/payload-recording.md) into `el`.
 * @param {{model: {get: (name: string) => any}, el: HTMLElement}} host
 * @returns {() => void} takes the page away
 */
export function render({ model, el }) {
  const recording = decodeRecording(model.get("payload"));
  const refresh = createRefresher(() => draw());
  const root = make("div.fl.fl-rec", { tabindex: "-1" });
  const theme = createThemeControl(root, refresh.ask, () => draw(true)); // the printer gets all of it, in sight or not
  const projector = () => {
    root.classList.toggle("fl-projector");
    root.focus();
    refresh.ask();
  };
  const story = createStory(recording, refresh.ask);
  const steps = recording.range === null ? null : pageSteps(recording, refresh.ask);
  const body = make("div.fl-rec-body", {}, recordingHeadline(recording), ...(story.element === null ? [] : [story.element]), ...recordingHappened(recording), ...(steps === null ? [] : steps.elements), recordingMade(recording));
  root.append(recordingHeader(recording, pageButtons(theme, projector)), body);
  el.append(root);
  const draw = (whole = false) => {
    const colours = { ...readTheme(root), series: seriesColours(root), bad: getComputedStyle(root).getPropertyValue("--fl-bad").trim(), whole };
    story.draw(colours);
    steps?.draw(colours);
  };
  const silence = pageListen(el, root, projector, steps?.keys ?? (() => false));
  return () => {
    silence();
    theme.stop();
    refresh.stop();
    story.stop();
    steps?.stop();
    root.remove();
  };
}

/** Everything over steps: the bar, the charts, the layers, the marks, the table. @param {any} recording @param {() => void} ask */
function pageSteps(recording, ask) {
  const alarm = recording.alarms[0] ?? null;
  const zoom = createZoom(recording.range, alarm === null ? recording.range[1] : alarm.step, ask);
  const bar = createZoomBar(recording, zoom, alarm);
  const instruments = createInstruments(recording, zoom, ask);
  const layers = recording.layers === null ? null : pageLayers(recording, zoom, ask);
  const events = recordingEvents(recording, zoom);
  const table = recordingTable(recording, zoom);
  const axis = recording.charts[0]?.lines[0].axis;
  const readNext = (/** @type {boolean} */ forward) => {
    if (axis === undefined || zoom.at === null) return;
    const bin = lastBefore(axis.first, zoom.at) + (forward ? 1 : -1);
    zoom.read(axis.first[Math.min(axis.first.length - 1, Math.max(0, bin))]);
    if (zoom.at < zoom.from || zoom.at > zoom.to) zoom.show(zoom.at - (zoom.to - zoom.from) / 2, zoom.at + (zoom.to - zoom.from) / 2);
  };
  return {
    elements: [
      make("section.fl-rec-steps", { "aria-label": "Instruments over steps" }, make("h2.fl-rec-h2", {}, "Instruments over steps"), bar.element, make("div.fl-rec-charts", {}, ...instruments.elements), recordingHints(recording), table.element, ...(layers === null ? [] : [layers.element])),
      ...(events === null ? [] : [events]),
    ],
    keys: zoomKeys(zoom, readNext),
    draw: (/** @type {any} */ theme) => {
      bar.update();
      instruments.draw(theme);
      layers?.draw(theme);
      table.update();
    },
    stop: () => {
      instruments.stop();
      layers?.stop();
    },
  };
}

/** The heat map of all layers, over the same steps as the charts. @param {any} recording @param {import("./recording_zoom.js").RecZoom} zoom @param {() => void} ask */
function pageLayers(recording, zoom, ask) {
  const { layers } = recording;
  const heat = createHeat(
    {
      name: "Layer by layer",
      map: layers,
      relative: false,
      edges: heatEdges(layers.first, layers.last, recording.gaps),
      domain: () => [zoom.from, zoom.to],
      at: () => zoom.at,
      marks: () => recording.marks,
      ticks: (from, to, n) => niceTicks(from, to, n).filter(Number.isInteger).map((at) => ({ at, label: formatStep(at) })),
    },
    ask,
  );
  handleZoom(heat.surface.canvas, zoom, () => heat.layout ?? { left: 0, width: 1 });
  const most = layers.size > 1 ? ` A column holds ${layers.size} measurements and shows the highest.` : "";
  return {
    element: make("section.fl-rec-panel.fl-rec-layers", {}, make("h2.fl-rec-h2", {}, "Layer by layer"), make("p.fl-rec-note", {}, `Rows are the ${formatStep(layers.labels.length)} layers in the model's order; a measured step reaches halfway to its neighbours.${most}`), heat.element),
    draw: heat.draw,
    stop: heat.stop,
  };
}

/** @param {{choice: () => string, next: () => string}} theme @param {() => void} projector @returns {HTMLElement[]} */
function pageButtons(theme, projector) {
  const words = () => ({ auto: "Theme: auto", light: "Theme: light", dark: "Theme: dark" })[theme.choice()] ?? "";
  const button = make("button.fl-button.fl-button-small", { type: "button", title: "Light or dark", click: () => { theme.next(); setText(button, words()); } }, words());
  return [make("button.fl-button.fl-button-small.fl-button-projector", { type: "button", title: "Large type (key P)", click: projector }, "Projector"), button];
}

/** @param {HTMLElement} host @param {HTMLElement} root @param {() => void} projector @param {(event: KeyboardEvent) => boolean} more */
function pageListen(host, root, projector, more) {
  const target = host.dataset.keys === "page" ? host.ownerDocument : root;
  const key = (/** @type {any} */ event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const large = root.classList.contains("fl-projector");
    if (event.key === "p" || event.key === "P" || (event.key === "Escape" && large)) projector();
    else if (!more(event)) return;
    event.preventDefault();
  };
  target.addEventListener("keydown", key);
  return () => target.removeEventListener("keydown", key);
}
