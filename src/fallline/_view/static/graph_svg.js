// @ts-check
// Making SVG, and measuring and shortening its text. No markup is ever parsed from a string.

const graphSpace = "http://www.w3.org/2000/svg";

/**
 * @param {string} tag "rect.fl-graph-card" sets classes as well
 * @param {Record<string, string | number | boolean | ((event: any) => void)>} [attributes]
 * @param {...(Node | string)} children
 * @returns {any}
 */
export function makeSvg(tag, attributes = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  const element = document.createElementNS(graphSpace, name);
  if (classes.length > 0) element.setAttribute("class", classes.join(" "));
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(key, value);
    else if (value !== false) element.setAttribute(key, String(value));
  }
  element.append(...children);
  return element;
}

/**
 * A ruler for the picture's type.
 * @param {string} family
 * @returns {{width: (text: string, size: number, bold?: boolean) => number, fit: (text: string, size: number, room: number, bold?: boolean, end?: boolean) => string}} end: what is cut off is the beginning
 */
export function createRuler(family) {
  const context = /** @type {CanvasRenderingContext2D} */ (document.createElement("canvas").getContext("2d"));
  const width = (/** @type {string} */ text, /** @type {number} */ size, bold = false) => {
    context.font = `${bold ? "650 " : ""}${size}px ${family}`;
    return context.measureText(text).width * 1.01;
  };
  const fit = (/** @type {string} */ text, /** @type {number} */ size, /** @type {number} */ room, bold = false, end = false) => {
    if (width(text, size, bold) <= room) return text;
    const letters = [...text];
    const cut = (/** @type {number} */ count) => (end ? `…${letters.slice(letters.length - count).join("").trimStart()}` : `${letters.slice(0, count).join("").trimEnd()}…`);
    let [low, high] = [0, letters.length];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (width(cut(middle), size, bold) <= room) low = middle;
      else high = middle - 1;
    }
    return cut(low);
  };
  return { width, fit };
}
