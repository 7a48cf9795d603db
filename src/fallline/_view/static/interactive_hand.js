// @ts-check
// A hand on a canvas: it takes what lies under it and moves it, or clicks beside. A finger on nothing scrolls the page as ever.

const handSlack = 4; // px a hand may tremble before it drags

/**
 * @template T
 * @typedef {{under: (at: number[]) => T | null, take: (found: T, at: number[]) => void, move: (at: number[]) => void, drop: () => void,
 *   click: (at: number[]) => void, cursor: (at: number[]) => string, hover?: (at: number[] | null) => void, touches?: () => boolean}} HandHost
 * touches: may a finger do all this? else it scrolls
 */

/** @param {number[]} a px @param {number[]} b px @param {number} reach px */
export function isNear(a, b, reach) {
  return Math.hypot(a[0] - b[0], a[1] - b[1]) <= reach;
}

/**
 * A value that was pointed at, with as many decimals as half a pixel has.
 * @param {number} value @param {number} unit a pixel's
 * @returns {number}
 */
export function roundedToPixel(value, unit) {
  return Number(value.toFixed(Math.max(0, Math.min(12, Math.ceil(-Math.log10(unit / 2))))));
}

/**
 * @template T
 * @param {HTMLCanvasElement} canvas
 * @param {HandHost<T>} host
 * @returns {{stop: () => void, down: () => boolean}}
 */
export function listenToHand(canvas, host) {
  /** @type {{id: number, from: number[], found: T, moved: boolean} | null} */
  let held = null;
  /** @type {number[] | null} */
  let pressed = null; // where: a click that ends elsewhere is none
  const off = new AbortController();
  const { signal } = off;
  /** @param {{clientX: number, clientY: number}} event */
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  /** @param {string} kind of pointer */
  const idle = (kind) => kind === "touch" && host.touches?.() === false;
  const end = () => {
    const last = held;
    held = null;
    if (last?.moved) host.drop();
  };
  canvas.addEventListener("pointerdown", (event) => {
    const at = place(event);
    pressed = at;
    if (event.button !== 0 || held !== null || idle(event.pointerType)) return;
    const found = host.under(at);
    if (found === null) return;
    held = { id: event.pointerId, from: at, found, moved: false };
    canvas.setPointerCapture(event.pointerId);
    canvas.style.cursor = "grabbing";
  }, { signal });
  canvas.addEventListener("pointermove", (event) => {
    const at = place(event);
    if (held === null) {
      canvas.style.cursor = event.pointerType === "touch" ? "" : host.cursor(at);
      host.hover?.(event.pointerType === "touch" ? null : at);
      return;
    }
    if (event.pointerId !== held.id) return;
    if (!held.moved) {
      if (isNear(at, held.from, handSlack)) return;
      Object.assign(held, { moved: true });
      pressed = null;
      host.take(held.found, held.from);
    }
    host.move(at);
  }, { signal });
  for (const name of ["pointerup", "pointercancel", "lostpointercapture"]) canvas.addEventListener(name, end, { signal });
  canvas.addEventListener("pointerleave", () => host.hover?.(null), { signal });
  canvas.addEventListener("click", (event) => {
    const at = place(event);
    if (pressed !== null && isNear(at, pressed, handSlack) && !idle(/** @type {PointerEvent} */ (event).pointerType)) host.click(at);
    pressed = null;
  }, { signal });
  canvas.addEventListener("touchstart", (event) => {
    if (event.touches.length === 1 && !idle("touch") && host.under(place(event.touches[0])) !== null) event.preventDefault(); // no scrolling with the ball in hand
  }, { signal, passive: false });
  return { stop: () => off.abort(), down: () => held !== null };
}
