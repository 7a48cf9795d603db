// @ts-check
// On a narrow screen the controls are a sheet over the lower half, so that the picture above is seen while they are moved.

import { make, setText } from "../../_view/static/element.js";

/** @param {HTMLElement} panel @param {() => Element | null} [seen] what shall stay in sight above the sheet */
export function createSheet(panel, seen = () => null) {
  const words = make("span.st-sheet-words");
  const opener = make("button.st-sheet-open", { type: "button", "aria-expanded": "false", click: () => show(!panel.classList.contains("st-sheet")) }, make("strong", {}, "Settings"), words);
  const close = make("button.fl-button.fl-button-small.st-sheet-close", { type: "button", click: () => show(false) }, "Done");
  panel.append(close);
  let was = 0; // how far the page was scrolled
  /** @param {boolean} open @param {HTMLElement} [to] what has the focus once it is closed */
  const show = (open, to = opener) => {
    panel.classList.toggle("st-sheet", open);
    opener.setAttribute("aria-expanded", String(open));
    document.body.classList.toggle("st-with-sheet", open);
    if (open) {
      was = window.scrollY;
      close.focus({ preventScroll: true });
      seen()?.scrollIntoView({ block: "start" });
    } else {
      to.focus({ preventScroll: true });
      if (to === opener) window.scrollTo(0, was);
      else to.scrollIntoView({ block: "nearest" });
    }
  };
  /** @param {KeyboardEvent} event */
  const key = (event) => {
    if (event.key === "Escape" && panel.classList.contains("st-sheet")) show(false);
  };
  document.addEventListener("keydown", key);
  panel.addEventListener("focusout", ({ relatedTarget: to }) => {
    // what the focus goes to may lie behind the sheet
    if (to instanceof HTMLElement && !panel.contains(to) && panel.classList.contains("st-sheet")) show(false, to);
  });
  return {
    opener,
    /** @param {string} text */
    say: (text) => setText(words, text),
    stop: () => {
      document.removeEventListener("keydown", key);
      document.body.classList.remove("st-with-sheet");
    },
  };
}
