// @ts-check
// The story of an alarm: what broke first, the flight recorder's last steps, the evidence for each known cause.

import { make } from "./element.js";
import { linear, logarithmic } from "./scale.js";
import { drawCursor } from "./chart_frame.js";
import { labelFont } from "./type.js";
import { createSurface } from "./surface.js";
import { cellWords, formatStep } from "./recording_data.js";
import { createHeat } from "./recording_heat.js";
import { paintCross } from "./recording_paint.js";

const storySigns = /** @type {Record<string, string>} */ ({ found: "●", "not found": "○", "not measured": "–" });
const storyOrder = ["found", "not measured", "not found"];

/**
 * @param {any} recording
 * @param {() => void} ask
 * @param {number} [first] which alarm is told at first
 * @returns {{element: HTMLElement | null, shown: () => number, draw: (theme: any) => void, stop: () => void}}
 */
export function createStory(recording, ask, first = 0) {
  if (recording.alarms.length === 0) return { element: null, shown: () => 0, draw: () => {}, stop: () => {} };
  const slot = make("div.fl-rec-story-body");
  let now = /** @type {any} */ (null);
  let told = 0;
  const show = (/** @type {number} */ index) => {
    told = index;
    now?.stop();
    now = storyOf(recording.alarms[index], ask);
    slot.replaceChildren(now.element);
    buttons.forEach((/** @type {Element} */ button, /** @type {number} */ i) => button.setAttribute("aria-pressed", String(i === index)));
    ask();
  };
  const buttons = recording.alarms.map((/** @type {any} */ alarm, /** @type {number} */ i) => make("button.fl-setting", { type: "button", click: () => show(i) }, `step ${formatStep(alarm.step)}`));
  const choice = recording.alarms.length > 1 ? [make("div.fl-setting-group.fl-rec-alarms", { role: "group", "aria-label": "Alarms" }, ...buttons)] : [];
  const element = make("section.fl-rec-panel.fl-rec-story", {}, make("h2.fl-rec-h2", {}, recording.alarms.length > 1 ? `What broke: ${recording.alarms.length} alarms` : "What broke"), ...choice, slot);
  show(Math.min(first, recording.alarms.length - 1));
  return { element, shown: () => told, draw: (theme) => now.draw(theme), stop: () => now.stop() };
}

/** @param {any} alarm @param {() => void} ask */
function storyOf(alarm, ask) {
  const words = make("div.fl-rec-story-words", {}, make("h3.fl-rec-story-title", {}, alarm.title), ...alarm.sentences.map((/** @type {string} */ sentence) => make("p", {}, sentence)), ...storyEvidence(alarm), ...alarm.words.map((/** @type {string} */ sentence) => make("p.fl-rec-quiet", {}, sentence)));
  if (alarm.flight === null) return { element: make("div.fl-rec-story-columns", {}, words), draw: () => {}, stop: () => {} };
  const flight = storyFlight(alarm, ask);
  return { element: make("div.fl-rec-story-columns", {}, words, flight.element), draw: flight.draw, stop: flight.stop };
}

/** Every known cause: found, not measured, not found. @param {any} alarm @returns {HTMLElement[]} */
function storyEvidence(alarm) {
  if (alarm.evidence.length === 0) return [];
  const ordered = [...alarm.evidence].sort((a, b) => storyOrder.indexOf(a.kind) - storyOrder.indexOf(b.kind));
  const items = ordered.map((each) =>
    make(
      `li.fl-rec-evidence.fl-rec-evidence-${each.kind.replace(" ", "-")}`,
      {},
      make("span.fl-rec-evidence-sign", { "aria-hidden": "true" }, storySigns[each.kind]),
      make("div", {}, make("p.fl-rec-evidence-name", {}, each.label, make("span.fl-rec-badge", {}, each.kind)), make("p.fl-rec-evidence-words", {}, each.sentence)),
    ),
  );
  const first = alarm.remedies.map((/** @type {string} */ sentence) => make("p.fl-rec-remedy", {}, sentence));
  return [make("h4.fl-rec-h4", {}, "Evidence for each known cause"), make("ul.fl-rec-evidences", {}, ...items), ...first];
}

/** The last steps: the loss above, the layers below, one column for each step. @param {any} alarm @param {() => void} ask */
function storyFlight(alarm, ask) {
  const { flight } = alarm;
  const count = flight.first.length;
  const edges = { left: Float64Array.from({ length: count }, (_, i) => i), right: Float64Array.from({ length: count }, (_, i) => i + 1) };
  let at = /** @type {number} */ (storyFirst(alarm));
  const heat = createHeat(
    {
      name: "The last steps",
      map: flight,
      relative: true,
      shown: flight.quantities.findIndex((/** @type {any} */ each) => each.id === flight.shown),
      extra: { label: "loss", words: (column) => cellWords(flight.loss, column) },
      edges,
      domain: () => [0, count],
      at: () => at + 0.5,
      marks: () => [],
      ticks: (from, to, n) => {
        const every = Math.max(1, Math.ceil(count / n));
        return [...flight.first.keys()].filter((i) => (count - 1 - i) % every === 0).map((i) => ({ at: i + 0.5, label: formatStep(flight.first[i]) }));
      },
    },
    ask,
  );
  const surface = createSurface("fl-rec-canvas-strip", ask);
  surface.describe(`The loss of the last ${count} steps: ${cellWords(flight.loss, 0)} at step ${formatStep(flight.first[0])}, ${cellWords(flight.loss, count - 1)} at step ${formatStep(flight.first[count - 1])}.`);
  const loss = make("strong", { "data-number": "flight-loss" });
  const reading = make("p.fl-rec-heat-reading", {}, "loss ", loss);
  const go = (/** @type {number} */ to) => {
    at = Math.min(count - 1, Math.max(0, to));
    ask();
  };
  heat.surface.canvas.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => {
    if (heat.layout === null) return;
    const share = (event.clientX - heat.surface.canvas.getBoundingClientRect().left - heat.layout.left) / heat.layout.width;
    if (share >= 0 && share <= 1) go(Math.floor(share * count));
  });
  heat.scroll.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (by === undefined) return;
    go(at + by);
    event.preventDefault();
    event.stopPropagation();
  });
  let revealed = false;
  return {
    element: make("div.fl-rec-flight", {}, make("h4.fl-rec-h4", {}, count === 1 ? "The last step, layer by layer" : `The last ${count} steps, layer by layer`), reading, surface.canvas, heat.element),
    draw: (/** @type {any} */ theme) => {
      loss.textContent = cellWords(flight.loss, at);
      heat.draw(theme);
      if (!revealed && heat.layout !== null) {
        revealed = true;
        heat.centre();
      }
      if (heat.layout !== null) surface.paint((context, size) => storyLoss(context, size, flight, at, heat.layout, theme));
    },
    stop: () => [heat, surface].forEach((each) => each.stop()),
  };
}

/** The column to read first: the first in which what broke is not finite, else the last. @param {any} alarm */
function storyFirst(alarm) {
  const { flight } = alarm;
  const rows = flight.labels.length;
  const { flags } = flight.quantities.find((/** @type {any} */ each) => each.id === flight.shown);
  for (let c = 0; c < flight.first.length; c += 1) {
    for (let r = 0; r < rows; r += 1) if ((flight.row ?? r) === r && flags[c * rows + r] > 1) return c;
  }
  return flight.first.length - 1;
}

/** The loss over the last steps, above its columns. @param {CanvasRenderingContext2D} context @param {{width: number, height: number}} size @param {any} flight @param {number} at @param {any} layout @param {any} theme */
function storyLoss(context, size, flight, at, layout, theme) {
  const box = { left: layout.left, top: 6, width: layout.width, height: size.height - 12 };
  const count = flight.first.length;
  const { values: losses, flags, log } = flight.loss;
  const known = [...losses.keys()].filter((i) => flags[i] === 1);
  const values = known.map((i) => losses[i]);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const y = (log ? logarithmic : linear)(high > low ? [low, high] : [low - 1, low + 1], [box.top + box.height, box.top]);
  const x = (/** @type {number} */ i) => box.left + ((i + 0.5) / count) * box.width;
  context.font = labelFont(theme);
  context.fillStyle = theme.muted;
  context.textAlign = "right";
  context.textBaseline = "middle";
  context.fillText(log ? "loss (log)" : "loss", box.left - 7, box.top + box.height / 2);
  context.strokeStyle = theme.series[0];
  context.lineWidth = 2;
  context.lineJoin = "round";
  context.beginPath();
  for (const i of known) {
    if (i > 0 && flags[i - 1] === 1) context.lineTo(x(i), y(losses[i]));
    else context.moveTo(x(i), y(losses[i]));
  }
  context.stroke();
  drawCursor(context, box, x(at), theme);
  for (let i = 0; i < count; i += 1) if (flags[i] !== 1) paintCross(context, [x(i), box.top + 6], theme);
}
