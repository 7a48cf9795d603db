// @ts-check
// Building the page: elements from tag, class, attributes and children. No markup is ever parsed from a string.

/**
 * @param {string} tag "button.fl-button" sets classes as well
 * @param {Record<string, string | boolean | number | ((event: any) => void)>} [attributes] functions are listeners; false leaves out
 * @param {...(Node | string)} children
 * @returns {any} the element
 */
export function make(tag, attributes = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  const element = document.createElement(name);
  if (classes.length > 0) element.className = classes.join(" ");
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(key, value);
    else if (value !== false) element.setAttribute(key, value === true ? "" : String(value));
  }
  element.append(...children);
  return element;
}

/**
 * Sets an element's text, only where it differs (a live region would announce it again).
 * @param {Element} element
 * @param {string} text
 */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * An icon of the transport, drawn as one path in a box of 24.
 * @param {string} path
 * @returns {SVGElement}
 */
export function makeIcon(path) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "fl-icon");
  svg.setAttribute("aria-hidden", "true");
  const shape = document.createElementNS(space, "path");
  shape.setAttribute("d", path);
  svg.append(shape);
  return svg;
}
