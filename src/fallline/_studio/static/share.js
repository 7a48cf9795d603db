// @ts-check
// The Share menu of the bar: the link to what is on the screen, and what the page offers to take away.

import { make, setText } from "../../_view/static/element.js";

/** @typedef {{name: string, act: () => void | Promise<void>}} ShareEntry */

/**
 * @param {HTMLElement} place
 * @param {{link: () => string, notice: (sentence: string) => void}} host
 */
export function createShare(place, { link, notice }) {
  const list = make("div.st-menu-list", { role: "group", "aria-label": "Share" });
  const menu = make("details.st-menu", {}, make("summary.fl-button.fl-button-small", {}, "Share"), list);
  const close = () => {
    menu.open = false;
  };
  menu.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== "Escape" || !menu.open) return;
    close();
    menu.querySelector("summary").focus();
    event.stopPropagation();
  });
  document.addEventListener("pointerdown", (event) => {
    if (!menu.contains(/** @type {Node} */ (event.target))) close();
  });
  menu.addEventListener("focusout", (/** @type {FocusEvent} */ event) => {
    if (event.relatedTarget !== null && !menu.contains(/** @type {Node} */ (event.relatedTarget))) close();
  });
  place.append(menu);
  /** @param {ShareEntry[]} entries */
  const offer = (entries) => {
    const copy = { name: "Copy link", act: async () => (await copyText(link()) ? "Copied: whoever opens it sees these numbers" : "The browser forbids copying: take the address from its bar") };
    list.replaceChildren(...[copy, ...entries].map(({ name, act }) => shareButton(name, act, notice, close)));
  };
  offer([]);
  return { offer };
}

/** @param {string} name @param {() => any} act @param {(sentence: string) => void} notice @param {() => void} close */
function shareButton(name, act, notice, close) {
  const button = make("button.st-menu-entry", { type: "button" }, name);
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      const said = await act();
      if (typeof said === "string") {
        setText(button, said);
        setTimeout(() => setText(button, name), 2500);
      } else close();
    } catch (error) {
      close();
      notice(error instanceof Error ? error.message : String(error));
    } finally {
      button.disabled = false;
    }
  });
  return button;
}

/** @param {string} text @param {HTMLElement} [within] a dialog that keeps the focus to itself @returns {Promise<boolean>} whether it is on the clipboard now */
export async function copyText(text, within = document.body) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = make("textarea.st-offscreen", { "aria-hidden": "true" }); // where the page is not on localhost the clipboard's own way is shut
    field.value = text;
    within.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    return done;
  }
}

/** Hands a file to the browser. @param {Blob} blob @param {string} name */
export function saveFile(blob, name) {
  const url = URL.createObjectURL(blob);
  make("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
