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
import { createSlot } from "./recording_slot.js";
import { recordingEvents, recordingHappened, recordingHeading, recordingHeadline, recordingHints, recordingMade, recordingTable } from "./recording_panels.js";

/**
 * Draws the payload `model.get("payload")` (docs/payload-recording.md) into `el`, and a newer one of the same run in its place: the zoom, what was
 * chosen and the place on the page stay. Hosts of a live page give `on`, `off`, `set` as well.
 * @param {{model: {get: (name: string) => any, on?: any, off?: any, set?: any}, el: HTMLElement}} host
 * @returns {() => void} takes the page away
 */
export function render({ model, el }) {
  const recording = decodeRecording(model.get("payload"));
  const refresh = createRefresher(() => draw());
  const root = make("div.fl.fl-rec", { tabindex: "-1" });
  el.append(root);
  const theme = createThemeControl(root, refresh.ask, () => draw(true)); // the printer gets all of it, in sight or not
  const projector = () => {
    root.classList.toggle("fl-projector");
    root.focus();
    refresh.ask();
  };
  const { heading, headline, happened, made } = pageSlots(recording);
  let story = /** @type {ReturnType<typeof createStory> | null} */ (null);
  const told = createSlot(() => recording.alarms.map((/** @type {any} */ alarm) => [alarm.title, alarm.sentences, alarm.evidence]), () => {
    story?.stop();
    story = createStory(recording, refresh.ask, story?.shown() ?? 0);
    return story.element;
  });
  let steps = /** @type {ReturnType<typeof pageSteps> | null} */ (null);
  const over = make("div.fl-rec-slot");
  const overSteps = () => {
    if (steps !== null) steps.renew();
    else if (recording.range !== null) {
      steps = pageSteps(recording, refresh.ask, model);
      over.replaceChildren(...steps.elements);
    }
  };
  overSteps();
  root.append(
    make("header.fl-rec-top", {}, heading.element, make("div.fl-rec-tools", {}, ...pageButtons(theme, projector))),
    make("div.fl-rec-body", {}, headline.element, told.element, happened.element, over, made.element),
  );
  const draw = (whole = false) => {
    const colours = { ...readTheme(root), series: seriesColours(root), bad: getComputedStyle(root).getPropertyValue("--fl-bad").trim(), whole };
    story?.draw(colours);
    steps?.draw(colours);
  };
  const renew = () => {
    Object.assign(recording, decodeRecording(model.get("payload")));
    for (const slot of [heading, headline, told, happened, made]) slot.renew();
    overSteps();
    refresh.ask();
  };
  const link = () => steps?.link();
  const events = /** @type {[string, () => void][]} */ ([["change:payload", renew], ["change:sight", link], ["change:range", link]]);
  for (const [name, act] of events) model.on?.(name, act);
  const silence = pageListen(el, root, projector, (event) => steps?.keys(event) ?? false);
  return () => {
    for (const [name, act] of events) model.off?.(name, act);
    silence();
    theme.stop();
    refresh.stop();
    story?.stop();
    steps?.stop();
    root.remove();
  };
}

/** What is said in words, each anew where it has changed. @param {any} recording */
function pageSlots(recording) {
  return {
    heading: createSlot(() => [recording.title, recording.outcome, recording.subtitle], () => recordingHeading(recording)),
    headline: createSlot(() => [recording.sentence, recording.facts, recording.outcome], () => recordingHeadline(recording)),
    happened: createSlot(() => recording.paragraphs, () => recordingHappened(recording)),
    made: createSlot(() => recording.made, () => recordingMade(recording)),
  };
}

/** Everything over steps: the bar, the charts, the layers, the marks, the table. @param {any} recording @param {() => void} ask @param {any} model */
function pageSteps(recording, ask, model) {
  const alarm = recording.alarms[0] ?? null;
  let linked = false; // the steps in sight are what the host said: nobody is told
  const zoom = createZoom(recording.range, alarm === null ? recording.range[1] : alarm.step, () => {
    ask();
    bar.aloud(!linked);
    if (!linked) model.set?.("sight", { from: zoom.from, to: zoom.to, at: zoom.at });
  });
  const quietly = (/** @type {() => void} */ act) => {
    linked = true;
    act();
    linked = false;
  };
  const grow = () => quietly(() => zoom.grow(recording.range, model.get("range") ?? recording.range));
  const bar = createZoomBar(recording, zoom);
  grow();
  const instruments = createInstruments(recording, zoom, ask);
  const layers = pageLayerPlace(recording, zoom, ask);
  const events = createSlot(() => recording.marks, () => recordingEvents(recording, zoom));
  const hints = createSlot(() => recording.words, () => recordingHints(recording));
  const table = recordingTable(recording, zoom);
  return {
    elements: [
      make("section.fl-rec-steps", { "aria-label": "Instruments over steps" }, make("h2.fl-rec-h2", {}, "Instruments over steps"), bar.element, instruments.element, hints.element, table.element, layers.element),
      events.element,
    ],
    keys: zoomKeys(zoom, (forward) => pageReadNext(recording, zoom, forward)),
    renew: () => {
      grow();
      instruments.renew();
      layers.renew();
      events.renew();
      hints.renew();
    },
    link: () => {
      grow();
      const sight = model.get("sight");
      if (sight) quietly(() => {
        zoom.show(sight.from, sight.to);
        zoom.read(sight.at);
      });
    },
    draw: (/** @type {any} */ theme) => {
      bar.update();
      instruments.draw(theme);
      layers.draw(theme);
      table.update();
    },
    stop: () => {
      instruments.stop();
      layers.stop();
    },
  };
}

/** Reads the next number of the first chart, or the one before. @param {any} recording @param {import("./recording_zoom.js").RecZoom} zoom @param {boolean} forward */
function pageReadNext(recording, zoom, forward) {
  const axis = recording.charts[0]?.lines[0].axis;
  if (axis === undefined || zoom.at === null) return;
  const bin = lastBefore(axis.first, zoom.at) + (forward ? 1 : -1);
  zoom.read(axis.first[Math.min(axis.first.length - 1, Math.max(0, bin))]);
  if (zoom.at < zoom.from || zoom.at > zoom.to) zoom.show(zoom.at - (zoom.to - zoom.from) / 2, zoom.at + (zoom.to - zoom.from) / 2);
}

/** Where the map of the layers stands, as soon as there is one. @param {any} recording @param {import("./recording_zoom.js").RecZoom} zoom @param {() => void} ask */
function pageLayerPlace(recording, zoom, ask) {
  let layers = /** @type {ReturnType<typeof pageLayers> | null} */ (null);
  const element = make("div.fl-rec-slot");
  const renew = () => {
    if (recording.layers === null || layers?.renew()) return;
    layers?.stop();
    layers = pageLayers(recording, zoom, ask);
    element.replaceChildren(layers.element);
  };
  renew();
  return { element, renew, draw: (/** @type {any} */ theme) => layers?.draw(theme), stop: () => layers?.stop() };
}

/** The heat map of all layers, over the same steps as the charts. @param {any} recording @param {import("./recording_zoom.js").RecZoom} zoom @param {() => void} ask */
function pageLayers(recording, zoom, ask) {
  const { layers } = recording;
  const edges = () => heatEdges(recording.layers.first, recording.layers.last, recording.gaps);
  const heat = createHeat(
    {
      name: "Layer by layer",
      map: layers,
      relative: false,
      edges: edges(),
      domain: () => [zoom.from, zoom.to],
      at: () => zoom.at,
      marks: () => recording.marks,
      ticks: (from, to, n) => niceTicks(from, to, n).filter(Number.isInteger).map((at) => ({ at, label: formatStep(at) })),
    },
    ask,
  );
  handleZoom(heat.surface.canvas, zoom, () => heat.layout ?? { left: 0, width: 1 });
  const said = () => {
    const most = recording.layers.size > 1 ? ` A column holds ${recording.layers.size} measurements and shows the highest.` : "";
    return `Rows are the ${formatStep(layers.labels.length)} layers in the model's order; a measured step reaches halfway to its neighbours.${most}`;
  };
  const note = make("p.fl-rec-note", {}, said());
  const rows = (/** @type {any} */ map) => JSON.stringify([map.labels, map.quantities.map((/** @type {any} */ each) => each.id)]);
  return {
    element: make("section.fl-rec-panel.fl-rec-layers", {}, make("h2.fl-rec-h2", {}, "Layer by layer"), note, heat.element),
    /** @returns {boolean} false where these are other layers */
    renew: () => {
      if (rows(recording.layers) !== rows(layers)) return false;
      heat.renew(recording.layers, edges());
      setText(note, said());
      return true;
    },
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
