// @ts-check
// Taking back: every change of the settings is one step, by button and by Ctrl+Z. Beside the button stands what the studio does of itself.

import { make, setText } from "../../_view/static/element.js";
import { smallButton } from "./widgets.js";

const undoTogether = 1000; // ms: changes of one control that follow each other closer are one step
const undoMost = 200;

/** @typedef {import("./settings.js").Settings} Settings */

/**
 * @param {HTMLElement} place
 * @param {(settings: Settings) => void} back
 */
export function createUndo(place, back) {
  /** @type {Settings[]} */
  const past = [];
  /** @type {Settings | null} */
  let now = null;
  let [last, at, close] = ["", -Infinity, false];
  const undo = () => {
    const before = past.pop();
    if (before === undefined) return;
    now = before;
    back(before);
    show();
  };
  const button = smallButton("Undo", undo, "Undo the last change (Ctrl+Z)");
  const words = make("span.st-words", { role: "status" });
  const show = () => {
    button.disabled = past.length === 0;
  };
  show();
  place.append(make("div.st-undo", {}, button, words));
  /** @param {KeyboardEvent} event */
  const key = (event) => {
    const typing = event.target instanceof Element && event.target.matches("textarea, input:not([type=range], [type=checkbox])");
    if (event.key.toLowerCase() !== "z" || !(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey || typing || past.length === 0) return;
    event.preventDefault();
    undo();
  };
  document.addEventListener("keydown", key, true); // before the controls, which keep their keys to themselves
  return {
    /** Settings that stand now. @param {Settings} settings @param {string} cause */
    keep: (settings, cause) => {
      if (now !== null && JSON.stringify(now) === JSON.stringify(settings)) return;
      close = cause === last && cause !== "address" && performance.now() - at < undoTogether;
      [last, at] = [cause, performance.now()];
      if (now !== null && !close) past.push(now);
      if (past.length > undoMost) past.shift();
      now = settings;
      show();
    },
    /** Did the last change only go on with the one before? */
    follows: () => close,
    /** @param {string} sentence */
    say: (sentence) => setText(words, sentence),
    stop: () => document.removeEventListener("keydown", key, true),
  };
}
