// @ts-check
// A canvas that keeps itself sharp: its bitmap follows its size on the page and the pixels of the screen.

import { make } from "./element.js";

/**
 * @typedef {(context: CanvasRenderingContext2D, size: {width: number, height: number}) => void} Drawing
 * @typedef {{canvas: HTMLCanvasElement, paint: (draw: Drawing) => void, describe: (text: string) => void,
 *   inSight: () => boolean, stop: () => void}} Surface
 */

/**
 * @param {string} className
 * @param {() => void} onResize
 * @returns {Surface}
 */
export function createSurface(className, onResize) {
  const canvas = make(`canvas.fl-canvas.${className}`, { role: "img" });
  const context = canvas.getContext("2d");
  const size = { width: 0, height: 0 };
  const observer = new ResizeObserver(() => {
    const { clientWidth: width, clientHeight: height } = canvas;
    if (width === size.width && height === size.height) return;
    Object.assign(size, { width, height });
    onResize();
  });
  observer.observe(canvas);
  let seen = true;
  const sight = new IntersectionObserver((entries) => {
    seen = entries[entries.length - 1].isIntersecting;
    if (seen) onResize();
  });
  sight.observe(canvas);
  return {
    canvas,
    paint: (draw) => {
      if (size.width < 8 || size.height < 8) return;
      const ratio = window.devicePixelRatio || 1;
      const [wide, high] = [Math.round(size.width * ratio), Math.round(size.height * ratio)];
      if (canvas.width !== wide || canvas.height !== high) Object.assign(canvas, { width: wide, height: high });
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      context.clearRect(0, 0, size.width, size.height);
      draw(context, size);
    },
    describe: (text) => {
      if (canvas.getAttribute("aria-label") !== text) canvas.setAttribute("aria-label", text);
    },
    inSight: () => seen,
    stop: () => {
      observer.disconnect();
      sight.disconnect();
    },
  };
}
