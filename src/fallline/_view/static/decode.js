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
]);

/**
 * A deep copy with "NaN", "Infinity" and "-Infinity" as numbers wherever the payload holds numbers. null stays null: not measured.
 * @param {any} payload
 * @returns {any} the scene
 */
export function decodePayload(payload) {
  if (payload?.schema !== "fallline.view/1") {
    throw new Error(`This picture reads fallline.view/1, and was given ${payload?.schema ?? "nothing"}.`);
  }
  const scene = decodeValue(payload);
  scene.parameters = payload.parameters.slice();
  return scene;
}

/** @param {any} value @returns {any} */
function decodeValue(value) {
  if (typeof value === "string") return decodeWords.get(value) ?? value;
  if (Array.isArray(value)) return value.map(decodeValue);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([name, held]) => [name, decodeText.has(name) ? held : decodeValue(held)]));
}
