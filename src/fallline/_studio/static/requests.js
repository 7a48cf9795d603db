// @ts-check
// Requests as the pages make them: a promise each, and for what takes long a line with its progress and a Cancel button.

import { make, setText } from "../../_view/static/element.js";

const requestsPatience = 300; // ms until a request without progress of its own is shown as work

/**
 * @typedef {{lane?: string, fields?: Record<string, any>, onProgress?: (share: number, note: string) => void, alsoProgress?: (share: number, note: string) => void, quiet?: boolean}} RequestOptions
 * alsoProgress: beside the line that shows it
 */

/**
 * @param {import("./socket.js").StudioSocket} socket
 * @param {HTMLElement} place where work under way is shown
 */
export function createRequests(socket, place) {
  /** @type {Map<number, {row: HTMLElement, timer: number}>} */
  const shown = new Map();
  const tidy = () => {
    place.hidden = place.childElementCount === 0;
  };
  /** @param {number} id */
  const show = (id) => {
    const words = make("span.st-work-words", { role: "status" }, "Computing …");
    const bar = make("progress.st-work-bar", { "aria-label": "Progress" });
    const row = make("div.st-work-row", {}, words, bar, make("button.fl-button.fl-button-small", { type: "button", click: () => socket.cancel(id) }, "Cancel"));
    const timer = window.setTimeout(() => {
      place.append(row);
      tidy();
    }, requestsPatience);
    shown.set(id, { row, timer });
    return (/** @type {number} */ share, /** @type {string} */ note) => {
      setText(words, note === "" ? "Computing …" : /^[a-z]/.test(note) ? `Computing ${note} …` : note);
      if (Number.isFinite(share)) bar.value = Math.min(1, Math.max(0, share));
    };
  };
  /** @param {number} id */
  const hide = (id) => {
    const found = shown.get(id);
    if (found === undefined) return;
    clearTimeout(found.timer);
    found.row.remove();
    shown.delete(id);
    tidy();
  };
  return {
    /**
     * @param {string} kind
     * @param {any} [settings]
     * @param {RequestOptions} [options]
     * @returns {Promise<any>}
     */
    request: async (kind, settings, { lane, fields = {}, onProgress, alsoProgress = () => {}, quiet = false } = {}) => {
      /** @type {(share: number, note: string) => void} */
      let progress = onProgress ?? (() => {});
      const { id, reply } = socket.ask({ kind, settings, ...fields, ...(lane === undefined ? {} : { lane }) }, (share, note) => {
        progress(share, note);
        alsoProgress(share, note);
      });
      if (onProgress === undefined && !quiet) progress = show(id);
      try {
        return await reply;
      } finally {
        hide(id);
      }
    },
    /** @param {string} lane */
    cancel: (lane) => {
      const id = socket.underWay(lane);
      if (id !== null) socket.cancel(id);
    },
    /** Another page is opened: nobody waits for these any longer. */
    cancelAll: () => socket.cancelAll(),
  };
}
