// @ts-check
// What a run file says of a picture of its loss: the snapshots' path in its own plane, how much that plane hides, and what is missing.

import { make } from "../../_view/static/element.js";
import { formatNumber } from "../../_view/static/scale.js";
import { countWords, numberWords } from "./run_words.js";

const pathRoom = { top: 32, right: 14, bottom: 32, left: 14 }; // px, with room for a name above and below
const pathTall = 0.62; // of the width, at most
const pathFaintest = 0.25;

/** @param {any} studio @param {string} name @param {string} lane */
export function createRunPath(studio, name, lane) {
  const element = make("section.st-run-path", { hidden: true, "aria-label": "The path and its surface" });
  let shown = /** @type {number | null} */ (null);
  let told = /** @type {any} */ (null);
  let stopped = false;
  const drawing = make("div.st-run-drawing");
  const observer = new ResizeObserver(() => told?.plane && drawPath(drawing, told));
  observer.observe(drawing);
  /** @param {any} about */
  const ask = async (about) => {
    try {
      const { payload } = await studio.request("run_path", {}, { fields: { name }, lane: `path of ${lane}`, quiet: true });
      if (stopped) return;
      told = payload;
      element.replaceChildren(...pathWatched(payload, about, drawing));
      if (payload.plane) drawPath(drawing, payload);
    } catch (problem) {
      const { reason, message } = /** @type {any} */ (problem);
      if (!stopped && reason === "error") element.replaceChildren(make("p.st-fault", {}, message));
    }
  };
  return {
    element,
    /** @param {any} about */
    show: (about) => {
      if (about.kind !== "recording") {
        element.hidden = true;
        return;
      }
      element.hidden = false;
      if (shown === about.snapshots) return;
      shown = about.snapshots;
      ask(about);
    },
    stop: () => {
      stopped = true;
      observer.disconnect();
    },
  };
}

/** @param {any} told @param {any} about @param {HTMLElement} drawing @returns {HTMLElement[]} */
function pathWatched(told, about, drawing) {
  const words = make(
    "div.st-run-path-words",
    {},
    ...told.sentences.map((/** @type {string} */ sentence) => make("p", {}, sentence)),
    make("p", {}, make("strong", {}, "The loss around the path is not in this file: "), "that takes the model, the loss function and the data, an objective in your own code. The terminal draws it, with the path on it and how far the picture can be trusted:"),
    make("p", {}, make("code.st-run-command", {}, told.command)),
    make("p.st-words", {}, "That page is a file of its own, to be opened by itself; the studio reads run files only."),
  );
  if (!told.plane) return [make("h2.st-run-h2", {}, "The path and its surface"), words];
  return [make("h2.st-run-h2", {}, "The path and its surface"), make("div.st-run-path-columns", {}, make("div", {}, drawing, pathTable(told)), words)];
}

/** The path's shadow in its plane, one scale for both directions. @param {HTMLElement} place @param {any} told */
function drawPath(place, told) {
  const width = place.clientWidth;
  if (width < 40) return;
  const { points, away, shares } = told.plane;
  const [us, vs] = [0, 1].map((k) => points.map((/** @type {number[]} */ point) => point[k]));
  const ends = (/** @type {number[]} */ values) => [Math.min(...values), Math.max(...values)];
  const [[u0, u1], [v0, v1]] = [ends(us), ends(vs)];
  const room = width - pathRoom.left - pathRoom.right;
  const unit = Math.min(room / (u1 - u0 || 1), (room * pathTall) / (v1 - v0 || 1));
  const height = Math.max(60, (v1 - v0) * unit) + pathRoom.top + pathRoom.bottom;
  const at = (/** @type {number} */ i) => [pathRoom.left + (room - (u1 - u0) * unit) / 2 + (us[i] - u0) * unit, height - pathRoom.bottom - (vs[i] - v0) * unit];
  const furthest = Math.max(...away);
  const marks = points.map((/** @type {number[]} */ _, /** @type {number} */ i) => {
    const [x, y] = at(i);
    const faint = furthest > 0 ? 1 - (1 - pathFaintest) * (away[i] / furthest) : 1;
    const dot = shape("circle", { cx: x, cy: y, r: i === 0 || i === points.length - 1 ? 6 : 3.5, class: i === points.length - 1 ? "st-run-dot st-run-dot-end" : i === 0 ? "st-run-dot st-run-dot-start" : "st-run-dot", opacity: i === 0 || i === points.length - 1 ? 1 : faint });
    dot.append(Object.assign(shape("title", {}), { textContent: pathPoint(told, i) }));
    return dot;
  });
  const line = shape("polyline", { points: points.map((/** @type {number[]} */ _, /** @type {number} */ i) => at(i).map((each) => each.toFixed(1)).join(",")).join(" "), class: "st-run-line-path" });
  const names = [0, points.length - 1].map((i) => {
    const [x, y] = at(i);
    const beside = at(i === 0 ? 1 : i - 1)[1];
    return Object.assign(shape("text", { x: x + (x > width / 2 ? 6 : -6), y: y + (beside < y ? 21 : -12), "text-anchor": x > width / 2 ? "end" : "start", class: "st-run-label" }), { textContent: i === 0 ? `start, ${pathStep(told.steps[0])}` : pathStep(told.steps[i]) });
  });
  const words = `The path of the parameters in the plane that holds most of it: ${points.length} snapshots from ${pathStep(told.steps[0])} to ${pathStep(told.steps[points.length - 1])}; the numbers stand in the table below.`;
  const svg = shape("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": words });
  svg.append(line, ...marks, ...names);
  place.replaceChildren(svg, make("p.st-words", {}, `→ path direction 1, ${sharePercent(shares[0])} of the variance; ↑ direction 2, ${sharePercent(shares[1])}; one scale for both`));
}

/** @param {string} name @param {Record<string, any>} attributes @returns {any} */
function shape(name, attributes) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  return element;
}

/** @param {number} step */
function pathStep(step) {
  return step < 0 ? "before step 0" : `after step ${countWords(step)}`;
}

/** @param {number} share */
function sharePercent(share) {
  return `${formatNumber(100 * share, 3)} %`;
}

/** @param {any} told @param {number} i */
function pathPoint(told, i) {
  const loss = told.losses[i] === null ? "" : `, loss of the next batch ${numberWords(told.losses[i])}`;
  return `${pathStep(told.steps[i])}${loss}, ${formatNumber(told.plane.away[i])} away from the plane`;
}

/** @param {any} told */
function pathTable(told) {
  const region = make("div.fl-table-scroll", { tabindex: "0", role: "region", "aria-label": "Snapshots of the path", "data-scrolls": true });
  const fill = () => {
    if (region.childElementCount > 0) return;
    const rows = told.steps.map((/** @type {number} */ step, /** @type {number} */ i) => make("tr", {}, make("th", { scope: "row" }, pathStep(step)), ...[told.plane.points[i][0], told.plane.points[i][1], told.plane.away[i], told.losses[i]].map((value) => make("td", {}, value === null ? "–" : formatNumber(value)))));
    region.append(make("table.fl-table", {}, make("caption", {}, "Places in the plane, in units of the parameters; the loss is the one given in the step after"), make("thead", {}, make("tr", {}, ...["snapshot", "direction 1", "direction 2", "away from the plane", "loss of the next batch"].map((word) => make("th", { scope: "col" }, word)))), make("tbody", {}, ...rows)));
  };
  return make("details.fl-details", { toggle: fill }, make("summary", {}, "The path as a table"), region);
}
