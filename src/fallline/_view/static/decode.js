// @ts-check
// The payload (docs/payload.md) as it travels, turned into the scene the pictures read: numbers that JSON cannot write are numbers again.

const decodeWords = new Map([
  ["NaN", NaN],
  ["Infinity", Infinity],
  ["-Infinity", -Infinity],
]);

// Fields that hold text: a title or a column may well be called "NaN".
const decodeText = new Set([
  "schema",
  "title",
  "subtitle",
  "data_line",
  "conversion",
  "outcome",
  "verdict",
  "kind",
  "name",
  "axes",
  "note",
  "reach_note",
  "sentences",
  "beats",
  "id",
  "labels",
  "window",
  "feature",
  "target",
  // of the rates
  "reason",
  "run_title",
  "home",
  "snaps",
  "advice",
  "zone",
  "words",
  "sentence",
  "captions",
  // of the pages of compare and why
  "cells",
  "columns",
  "label",
  "paragraphs",
  "parameter_names",
  "left_out",
  "reason",
  "terms",
]);

/** Columns of `frames` that a host may leave out where they are those of another. */
const decodeSame = [["start_uv", "start"], ["end_uv", "end"], ["slice_promised", "first_order_change"], ["slice_came", "real_change"], ["slice_reach", "reach"]];

/**
 * A deep copy with "NaN", "Infinity" and "-Infinity" as numbers wherever the payload holds numbers. null stays null: not measured.
 * @param {any} payload
 * @returns {any} the scene
 */
export function decodePayload(payload) {
  if (payload?.schema !== "fallline.view/1") {
    throw new Error(`This picture reads fallline.view/1, and was given ${payload?.schema ?? "nothing"}.`);
  }
  const scene = decodeNumbers(payload);
  scene.parameters = payload.parameters.slice();
  return scene;
}

/**
 * @param {any} value
 * @returns {any} a deep copy, its numbers that JSON cannot write numbers again
 */
export function decodeNumbers(value) {
  if (typeof value === "string") return decodeWords.get(value) ?? value;
  if (Array.isArray(value)) return value.map(decodeNumbers);
  if (value === null || typeof value !== "object") return value;
  const found = Object.fromEntries(Object.entries(value).map(([name, held]) => [name, decodeText.has(name) ? held : decodeNumbers(held)]));
  if ("ghost_uv" in found) for (const [name, of] of decodeSame) found[name] ??= found[of];
  return found;
}
