// @ts-check
// The page of a loss surface: the live picture on its plane, and the honesty panel beside it. Hosts call `render` and nothing else.

import { decodeNumbers } from "./decode.js";
import { make, setText } from "./element.js";
import { createThemeControl } from "./theme.js";
import { renderLive } from "./live_page.js";
import { cutBeside, cutHonesty } from "./cut_beside.js";

/**
 * Draws the payload `model.get("payload")` (docs/payload-comparison.md) into `el`.
 * @param {{model: {get: (name: string) => any}, el: HTMLElement}} host
 * @returns {() => void} takes the page away
 */
export function render({ model, el }) {
  const payload = model.get("payload");
  if (payload?.schema !== "fallline.surface-view/2") throw new Error(`This page reads fallline.surface-view/2, and was given ${payload?.schema ?? "nothing"}.`);
  const scene = decodeNumbers(payload);
  return payload.live === null ? cutWithout(scene, el) : renderLive(payload.live, el, (live, page) => cutBeside(scene, live, page));
}

/** Where all losses are equal, or none is finite, there is nothing to draw. @param {any} scene @param {HTMLElement} el */
function cutWithout(scene, el) {
  const root = make("div.fl.fl-cut", { tabindex: "-1" });
  el.append(root);
  const theme = createThemeControl(root, () => {}, () => {});
  const words = () => ({ auto: "Theme: auto", light: "Theme: light", dark: "Theme: dark" })[theme.choice()] ?? "";
  const button = make("button.fl-button.fl-button-small", { type: "button", title: "Light or dark", click: () => { theme.next(); setText(button, words()); } }, words());
  root.append(
    make("div.fl-article-tools.fl-header-tools", {}, button),
    make("article.fl-cut-page", {}, make("p.fl-kicker", {}, "fallline surface"), make("h1", {}, scene.title), make("p.fl-cut-words", {}, `Loss: ${scene.words}.`), cutHonesty(scene)),
  );
  return () => {
    theme.stop();
    root.remove();
  };
}
