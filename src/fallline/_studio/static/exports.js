// @ts-check
// What can be taken away from a picture: the offline page, a PNG, and the Python that does the same.

import { saveFile } from "./share.js";
import { showPython } from "./python_dialog.js";
import { composePng } from "./png.js";

/** @typedef {{settings: () => any, root: HTMLElement, payload: () => any, step: () => number | "end", request: (kind: string, settings: any, options?: any) => Promise<any>}} ExportsHost */

/** @param {ExportsHost} host */
export async function saveOfflinePage({ settings, step, request }) {
  const { text, name } = (await request("report", settings(), { fields: { step: step() } })).payload;
  saveFile(new Blob([text], { type: "text/html" }), name);
}

/** @param {ExportsHost} host */
export async function savePng({ root, payload }) {
  saveFile(await composePng(root, payload()), `${exportStem(payload())}.png`);
}

/** @param {ExportsHost} host */
export async function showProgram({ settings, request }) {
  showPython((await request("python", settings())).payload);
}

/** A file name from the title. @param {any} payload */
function exportStem(payload) {
  return String(payload?.title ?? "").toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "") || "picture";
}
