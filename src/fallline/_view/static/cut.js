// @ts-check
// The page of a loss surface: the plane seen from above, the honesty panel beside it, the path in numbers. Hosts call `render` and nothing else.

import { decodeNumbers } from "./decode.js";
import { make, setText } from "./element.js";
import { createSurface } from "./surface.js";
import { createThemeControl, readTheme } from "./theme.js";
import { createRefresher } from "./refresher.js";
import { formatNumber } from "./scale.js";
import { whyTable } from "./words_table.js";
import { cutHeight, cutLayout, drawCut } from "./cut_picture.js";

/**
 * Draws the payload `model.get("payload")` (fallline.surface-view/1) into `el`.
 * @param {{model: {get: (name: string) => any}, el: HTMLElement}} host
 * @returns {() => void} takes the page away
 */
export function render({ model, el }) {
  const payload = model.get("payload");
  if (payload?.schema !== "fallline.surface-view/1") throw new Error(`This page reads fallline.surface-view/1, and was given ${payload?.schema ?? "nothing"}.`);
  const scene = decodeNumbers(payload);
  const refresh = createRefresher(() => draw());
  const root = make("div.fl.fl-cut", { tabindex: "-1" });
  const theme = createThemeControl(root, refresh.ask, () => draw());
  const picture = createSurface("fl-canvas-cut", refresh.ask);
  picture.describe(`${scene.title}. Loss: ${scene.words}. ${scene.sentences.join(" ")}`);
  const readout = make("p.fl-cut-readout", {}, "");
  /** @type {import("./cut_picture.js").CutLayout | null} */
  let layout = null;
  picture.canvas.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => {
    if (layout !== null) setText(readout, cutWords(scene, layout, event.offsetX, event.offsetY));
  });
  picture.canvas.addEventListener("pointerleave", () => setText(readout, cutKey(scene)));
  setText(readout, cutKey(scene));
  root.append(
    cutTools(theme),
    make(
      "article.fl-cut-page",
      {},
      make("p.fl-kicker", {}, "fallline surface"),
      make("h1", {}, scene.title),
      make(
        "div.fl-cut-main",
        {},
        make("figure.fl-figure", {}, picture.canvas, readout, make("figcaption", {}, scene.note === "" ? "" : `${scene.note[0].toUpperCase()}${scene.note.slice(1)}.`)),
        make("section.fl-cut-honesty", {}, make("h2", {}, "What this picture shows, and hides"), make("ul", {}, ...scene.sentences.map((/** @type {string} */ text) => make("li", {}, text)))),
      ),
      ...cutTable(scene),
    ),
  );
  el.append(root);
  const draw = () => {
    const colours = readTheme(root);
    picture.canvas.style.maxHeight = `${cutHeight(scene, picture.canvas.clientWidth)}px`;
    picture.paint((context, size) => {
      layout = cutLayout(context, scene, size, colours);
      drawCut(context, scene, layout, colours);
    });
  };
  return () => {
    theme.stop();
    refresh.stop();
    picture.stop();
    root.remove();
  };
}

/** @param {{choice: () => string, next: () => string}} theme */
function cutTools(theme) {
  const words = () => ({ auto: "Theme: auto", light: "Theme: light", dark: "Theme: dark" })[theme.choice()] ?? "";
  const button = make("button.fl-button.fl-button-small", { type: "button", title: "Light or dark", click: () => { theme.next(); setText(button, words()); } }, words());
  return make("div.fl-article-tools.fl-header-tools", {}, button);
}

/** What the marks mean. @param {any} scene @returns {string} */
function cutKey(scene) {
  const told = [];
  if (scene.path !== null && scene.path.x.length > 1) told.push("square: the path's start; ring: its end; hollow dots lie far from the plane");
  else told.push("ring: the parameters as they stand");
  if (scene.not_finite > 0) told.push("crosses: not finite");
  if (scene.unseen > 0) told.push("stripes: not evaluated");
  return `${told.join(" · ")}.`;
}

/** The loss under the pointer. @param {any} scene @param {import("./cut_picture.js").CutLayout} layout @param {number} px @param {number} py @returns {string} */
function cutWords(scene, layout, px, py) {
  const [x, y] = [layout.x.invert(px), layout.y.invert(py)];
  if (scene.scale === null || x < scene.x[0] || x > scene.x[1] || y < scene.y[0] || y > scene.y[1]) return cutKey(scene);
  const rows = scene.places.length;
  const columns = scene.places[0].length;
  const row = Math.round(((y - scene.y[0]) / (scene.y[1] - scene.y[0])) * (rows - 1));
  const column = Math.round(((x - scene.x[0]) / (scene.x[1] - scene.x[0])) * (columns - 1));
  const place = scene.places[row][column];
  const where = `(${formatNumber(x, 3)}, ${formatNumber(y, 3)})`;
  if (place === null) return `${where}: not evaluated.`;
  if (Number.isNaN(place)) return `${where}: the loss is not finite.`;
  if (place < scene.scale.first - 0.99) return `${where}: loss ${formatNumber(scene.scale.lowest, 3)}, the lowest.`;
  const more = place >= 8 ? "at least " : "";
  return `${where}: loss ${more}${formatNumber(scene.scale.lowest + scene.scale.span * 4 ** place, 3)}.`;
}

/** @param {any} scene @returns {Node[]} */
function cutTable(scene) {
  if (scene.table === null) return [];
  const { columns, cells, captions } = scene.table;
  const region = make("div.fl-table-scroll", { tabindex: "0", role: "region", "aria-label": "The path in numbers" }, whyTable(columns, cells, columns.map(() => true), captions));
  return [make("details.fl-details", {}, make("summary", {}, "The path in numbers"), region)];
}
