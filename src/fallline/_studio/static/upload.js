// @ts-check
// A table of one's own: dropped anywhere on the page or chosen from a list of files, and sent to the server on this computer.

import { make } from "../../_view/static/element.js";

/** @typedef {{id: string, name: string, rows: number, columns: {name: string, kind: string}[], target: string, features: string[]}} Uploaded */

/**
 * @param {{url: (path: string) => string, onTable: (table: Uploaded) => void, onAgain: (table: Uploaded) => void, onFault: (sentence: string) => void}} host
 * onAgain: the same file under another id, as the server does not have it any longer
 */
export function createUpload({ url, onTable, onAgain, onFault }) {
  const input = make("input.st-offscreen", { type: "file", accept: ".csv,.tsv,.txt,.parquet,.jsonl,.ndjson,.json", tabindex: "-1", "aria-hidden": "true" });
  const veil = make("div.st-veil", { hidden: true }, make("p", {}, "Drop the table: the neuron learns from it"));
  document.body.append(input, veil);
  let over = 0;
  /** @type {{file: File, ids: Map<string, boolean>} | null} ids: under which a server has had it, and whether it was sent again for that */
  let held = null; // the last one that was taken, for a server that was started again
  let under = new AbortController(); // of the file that is on its way: the last one dropped is the one that is wanted
  /** @param {DragEvent} event */
  const holdsFile = (event) => event.dataTransfer !== null && [...event.dataTransfer.types].includes("Files");
  /** @param {number} depth */
  const put = (depth) => {
    over = depth;
    veil.hidden = depth <= 0;
  };
  /** @param {File | undefined} file @param {(table: Uploaded) => void} [taken] */
  const send = async (file, taken = onTable) => {
    if (file === undefined) return;
    under.abort();
    under = new AbortController();
    const { signal } = under;
    try {
      const address = new URL(url("/upload"));
      address.searchParams.set("name", file.name);
      const answer = await fetch(address, { method: "POST", body: file, signal });
      const said = await answer.json();
      if (signal.aborted) return;
      if (answer.ok) {
        held = { file, ids: (held?.file === file ? held.ids : new Map()).set(said.id, false) };
        taken(uploadChosen(said));
      } else onFault(said.error ?? "The server did not take the table.");
    } catch {
      if (!signal.aborted) onFault("The table could not be sent: the studio’s server does not answer.");
    }
  };
  /** @type {[string, (event: DragEvent) => void][]} */
  const listeners = [
    ["dragenter", (event) => holdsFile(event) && put(over + 1)],
    ["dragleave", (event) => holdsFile(event) && put(over - 1)],
    ["dragover", (event) => {
      if (holdsFile(event)) event.preventDefault();
    }],
    ["drop", (event) => {
      if (!holdsFile(event)) return;
      event.preventDefault();
      put(0);
      if ((event.dataTransfer?.files.length ?? 0) > 1) onFault("One table at a time, please: the first was taken.");
      send(event.dataTransfer?.files[0]);
    }],
  ];
  for (const [name, listener] of listeners) document.addEventListener(name, /** @type {EventListener} */ (listener));
  input.addEventListener("change", () => {
    send(input.files?.[0]);
    input.value = ""; // the same file may be chosen again after it was changed
  });
  return {
    choose: () => input.click(),
    /**
     * Sends the file once more where a server says that it does not have its table.
     * @param {string} sentence @param {any} data of the settings @returns {boolean} whether it is on its way
     */
    again: (sentence, data) => {
      if (!sentence.startsWith("This table is no longer here") || held?.ids.get(data?.table) !== false) return false;
      held.ids.set(data.table, true);
      send(held.file, onAgain);
      return true;
    },
    stop: () => {
      under.abort();
      for (const [name, listener] of listeners) document.removeEventListener(name, /** @type {EventListener} */ (listener));
      input.remove();
      veil.remove();
    },
  };
}

/** The table that an address names, dropped by somebody else. @param {any} studio @param {any} data of the settings @param {Uploaded | null} known @param {(table: Uploaded) => void} taken */
export async function askTable(studio, data, known, taken) {
  if (data?.kind !== "upload" || data.table === known?.id) return;
  try {
    taken((await studio.request("table", {}, { fields: { table: data.table }, quiet: true })).payload);
  } catch {
    // the run on it says why
  }
}

const uploadCounts = /^(id|index|row|nr|no|number|year|month|day|date|time|timestamp)$|_(id|index|nr|year|date)$/i;

/** What is predicted unless told: the last column of numbers that is no count of rows and no date; from the others of that kind. @param {Uploaded} table @returns {Uploaded} */
function uploadChosen(table) {
  const measured = [...table.features, table.target].filter((name) => !uploadCounts.test(name));
  return measured.length < 2 ? table : { ...table, target: measured[measured.length - 1], features: measured.slice(0, -1) };
}
