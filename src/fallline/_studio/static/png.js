// @ts-check
// The picture as one PNG: the canvases of the page at their places, over the page's own colours, with the title and the numbers on top.

const pngEdge = 16;
const pngGap = 44; // px between two rows at most: what stands between them on the page is text
const pngTitle = 18; // px above a canvas
const pngLeftOut = ".fl-sweep canvas"; // the rates compared: they are of other runs

/** @typedef {{canvas: HTMLCanvasElement, x: number, y: number, width: number, height: number, title: string}} Placed */

/**
 * @param {HTMLElement} root the picture's host
 * @param {any} payload
 * @returns {Promise<Blob>}
 */
export async function composePng(root, payload) {
  const page = /** @type {HTMLElement} */ (root.querySelector(".fl") ?? root);
  const placed = pngPlaces(page);
  if (placed.length === 0) throw new Error("There is no picture yet.");
  const style = getComputedStyle(page);
  const colour = (/** @type {string} */ name) => style.getPropertyValue(`--fl-${name}`).trim();
  const width = Math.max(...placed.map((each) => each.x + each.width)) + pngEdge;
  const lines = pngLines(page, payload);
  const head = 44 + 22 * lines.length;
  const ratio = Math.max(2, window.devicePixelRatio || 1);
  const sheet = document.createElement("canvas");
  const height = head + Math.max(...placed.map((each) => each.y + each.height)) + pngEdge;
  Object.assign(sheet, { width: Math.round(width * ratio), height: Math.round(height * ratio) });
  const context = /** @type {CanvasRenderingContext2D} */ (sheet.getContext("2d"));
  context.scale(ratio, ratio);
  context.fillStyle = colour("surface");
  context.fillRect(0, 0, width, height);
  /** @param {string} text @param {number} x @param {number} y @param {number} room @param {string} font @param {string} ink */
  const write = (text, x, y, room, font, ink) => {
    context.font = `${font} ${style.fontFamily}`;
    context.fillStyle = ink;
    context.fillText(text, x, y, room);
  };
  write(String(payload?.title ?? "fallline"), pngEdge, 34, width - 2 * pngEdge, "650 20px", colour("text"));
  lines.forEach((line, i) => write(line, pngEdge, 58 + 22 * i, width - 2 * pngEdge, "14px", colour(i === 0 ? "muted" : "text")));
  for (const { canvas, x, y, width: wide, height: high, title } of placed) {
    write(title, x + 4, head + y - 5, wide, "600 12px", colour("muted"));
    context.drawImage(canvas, x, head + y, wide, high);
  }
  return new Promise((resolve, reject) => {
    sheet.toBlob((blob) => (blob === null ? reject(new Error("The browser made no picture.")) : resolve(blob)), "image/png");
  });
}

/** The canvases that are shown, where they stand, without the room that text takes between their rows. @param {HTMLElement} page @returns {Placed[]} */
function pngPlaces(page) {
  const shown = [...page.querySelectorAll("canvas")].filter((canvas) => canvas.width > 0 && canvas.offsetParent !== null && !canvas.matches(pngLeftOut));
  const boxes = shown.map((canvas) => canvas.getBoundingClientRect());
  const left = Math.min(...boxes.map((box) => box.left));
  const order = [...boxes].sort((a, b) => a.top - b.top);
  /** How much is taken out above each top. @type {[number, number][]} */
  const cuts = [];
  let bottom = (order[0]?.top ?? 0) - pngTitle;
  let taken = bottom;
  for (const { top, bottom: end } of order) {
    taken += Math.max(0, top - bottom - (cuts.length === 0 ? pngTitle : pngGap));
    cuts.push([top, taken]);
    bottom = Math.max(bottom, end);
  }
  return shown.map((canvas, i) => {
    const { top, width, height } = boxes[i];
    const [, cut] = /** @type {[number, number]} */ (cuts.filter(([at]) => at <= top).pop());
    return { canvas, x: boxes[i].left - left + pngEdge, y: top - cut, width, height, title: canvas.closest("section")?.querySelector("h2")?.textContent ?? "" };
  });
}

/** The run and its place in words, as the page says them. @param {HTMLElement} page @param {any} payload @returns {string[]} */
function pngLines(page, payload) {
  const place = page.querySelector(".fl-canvas-contour")?.getAttribute("aria-label") ?? "";
  const at = place.search(/(After|Before) step/);
  return [String(payload?.subtitle ?? ""), ...(at < 0 ? [] : [place.slice(at)])];
}
