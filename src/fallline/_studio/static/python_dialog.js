// @ts-check
// The program that does the same, to be read and copied: with fallline, and written out in PyTorch alone.

import { make, setText } from "../../_view/static/element.js";
import { copyText, saveFile } from "./share.js";

const pythonTabs = [
  ["fallline", "With fallline"],
  ["pytorch", "In PyTorch alone"],
];

/** @param {Record<string, string>} programs fallline, pytorch, and the name of the file */
export function showPython(programs) {
  const code = make("code");
  const place = make("pre.st-code", { tabindex: "0", role: "tabpanel", "aria-label": "The program" }, code);
  const offered = pythonTabs.filter(([key]) => typeof programs[key] === "string");
  const tabs = offered.map(([key, title]) => make("button.fl-tab", { type: "button", role: "tab", "data-key": key, click: () => choose(key) }, title));
  let chosen = offered[0]?.[0] ?? "";
  /** @param {string} key */
  const choose = (key) => {
    chosen = key;
    for (const tab of tabs) {
      tab.setAttribute("aria-selected", String(tab.dataset.key === key));
      tab.tabIndex = tab.dataset.key === key ? 0 : -1;
    }
    setText(code, programs[key] ?? "");
    place.scrollTop = 0;
  };
  const copy = make("button.fl-button", { type: "button" }, "Copy");
  copy.addEventListener("click", async () => {
    setText(copy, (await copyText(programs[chosen], dialog)) ? "Copied" : "The browser forbids copying");
    setTimeout(() => setText(copy, "Copy"), 2500);
  });
  const save = make("button.fl-button", { type: "button", click: () => saveFile(new Blob([programs[chosen]], { type: "text/x-python" }), programs.name ?? "fallline_run.py") }, "Save");
  const close = make("button.fl-button", { type: "button", click: () => dialog.close() }, "Close");
  const list = make("div.fl-tabs", { role: "tablist", "aria-label": "Which program" }, ...tabs);
  const dialog = make("dialog.st-dialog", { "aria-label": "The Python that does the same" }, make("h2", {}, "The Python that does the same"), list, place, make("div.st-dialog-buttons", {}, copy, save, close));
  list.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
    const next = tabs[(tabs.findIndex((tab) => tab.dataset.key === chosen) + 1) % tabs.length];
    choose(next.dataset.key ?? "");
    next.focus();
  });
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => event.stopPropagation()); // Space and arrows are not the player's here
  choose(chosen);
  document.body.append(dialog);
  dialog.showModal();
  copy.focus();
}
