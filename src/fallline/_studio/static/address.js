// @ts-check
// The state of a page in the address: "#/neuron?learning_rate=0.02&data.noise=0.5" and back. Only what differs from the defaults stands there.
// "#/chapters/minus" is "#/chapters?name=minus".

/** @typedef {{page: string, state: Record<string, any>}} Address */
/** @typedef {{address: Address, problems: string[]}} ReadAddress problems: one sentence each, of what could not be read and is left out */

const addressPlain = { "%20": "+", "%2C": ",", "%3A": ":", "%28": "(", "%29": ")", "%2F": "/", "%2A": "*", "%3D": "=" };
const addressDepth = 4;

/**
 * @param {string} hash with or without its "#"
 * @param {string} home the page that is meant where none is named
 * @returns {ReadAddress}
 */
export function readAddress(hash, home) {
  /** @type {string[]} */
  const problems = [];
  const [path, query = ""] = addressSplit(hash.replace(/^#?\/?/, ""));
  /** @type {Record<string, any>} */
  const state = {};
  for (const pair of query.split("&").filter((each) => each !== "")) {
    const [key, text] = addressSplit(pair, "=").map((part) => addressDecode(part ?? ""));
    const names = key === null ? [] : key.split(".");
    const bad = text === null || names.length === 0 || names.length > addressDepth || names.some((name) => !/^[A-Za-z_][A-Za-z0-9_-]*$/.test(name) || name in {}); // no page has a setting that is named as what every object has
    if (bad || !addressPut(state, names, addressValue(text ?? ""))) problems.push(`“${pair.slice(0, 60)}” in the address could not be read, so it is left out.`);
  }
  const place = addressDecode(path);
  if (place === null) problems.push(`“${path.slice(0, 40)}” in the address is no page: this is the first one.`);
  const [page, name] = addressSplit(place ?? "", "/");
  if (name !== undefined && name !== "") state.name ??= name;
  return { address: { page: page || home, state }, problems };
}

/**
 * @param {Address} address
 * @returns {string} "#/page?key=value…"
 */
export function writeAddress({ page, state }) {
  const pairs = addressPairs(state, []).map(([key, value]) => `${addressEncode(key)}=${addressEncode(addressText(value))}`);
  return `#/${addressEncode(page)}${pairs.length === 0 ? "" : `?${pairs.join("&")}`}`;
}

/**
 * What of a state differs from its defaults.
 * @param {Record<string, any>} state
 * @param {Record<string, any>} defaults
 * @returns {Record<string, any>}
 */
export function differences(state, defaults) {
  /** @type {Record<string, any>} */
  const found = {};
  for (const [key, value] of Object.entries(state)) {
    const usual = defaults[key];
    if (value === undefined || JSON.stringify(value) === JSON.stringify(usual)) continue;
    if (addressIsGroup(value) && addressIsGroup(usual)) {
      const inner = differences(value, usual);
      if (Object.keys(inner).length > 0) found[key] = inner;
    } else found[key] = value;
  }
  return found;
}

/** @param {any} value */
function addressIsGroup(value) {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

/** @param {Record<string, any>} state @param {string[]} above @returns {[string, any][]} */
function addressPairs(state, above) {
  return Object.entries(state).flatMap(([name, value]) => {
    if (value === undefined) return [];
    const names = [...above, name];
    return addressIsGroup(value) ? addressPairs(value, names) : [/** @type {[string, any]} */ ([names.join("."), value])];
  });
}

/** A value as text: bare where reading it back gives the same, else in quotation marks. @param {any} value @returns {string} */
function addressText(value) {
  if (typeof value === "string") return addressValue(value) === value ? value : JSON.stringify(value);
  return Array.isArray(value) ? addressBrackets(JSON.stringify(value), { "[": "(", "]": ")" }) : String(value);
}

/** @param {string} text @returns {any} a number, true, false, null, a list in round brackets, or the text itself */
function addressValue(text) {
  if (/^-?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$/.test(text)) return Number(text);
  if (/^(true|false|null|".*")$/s.test(text)) return addressJson(text, text);
  if (/^\(.*\)$/s.test(text)) return addressJson(addressBrackets(text, { "(": "[", ")": "]" }), text);
  return text;
}

/** @param {string} text @param {string} otherwise */
function addressJson(text, otherwise) {
  try {
    return JSON.parse(text);
  } catch {
    return otherwise;
  }
}

/** Other brackets for a list's own, outside of its texts. @param {string} text @param {Record<string, string>} others */
function addressBrackets(text, others) {
  return text.replace(/"(?:[^"\\]|\\.)*"|[[\]()]/g, (found) => others[found] ?? found);
}

/** @param {Record<string, any>} state @param {string[]} names @param {any} value @returns {boolean} false where a name is a value and a group at once */
function addressPut(state, names, value) {
  let group = state;
  for (const name of names.slice(0, -1)) {
    group[name] ??= {};
    if (!addressIsGroup(group[name])) return false;
    group = group[name];
  }
  const last = names[names.length - 1];
  if (addressIsGroup(group[last])) return false;
  group[last] = value;
  return true;
}

/** @param {string} text @param {string} [at] @returns {string[]} before and behind the first sign */
function addressSplit(text, at = "?") {
  const place = text.indexOf(at);
  return place < 0 ? [text] : [text.slice(0, place), text.slice(place + 1)];
}

/** @param {string} text */
function addressEncode(text) {
  return encodeURIComponent(text).replace(/%(20|2C|3A|28|29|2F|2A|3D)/g, (found) => /** @type {Record<string, string>} */ (addressPlain)[found]);
}

/** @param {string} text @returns {string | null} null where its signs are no text */
function addressDecode(text) {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return null;
  }
}
