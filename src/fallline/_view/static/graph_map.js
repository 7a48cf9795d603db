// @ts-check
// A small map of the whole graph, where only a part of it is in sight: which part, and how far the gradient has come.

import { makeSvg } from "./graph_svg.js";

const mapMost = { width: 190, height: 84 };

/**
 * @param {(x: number, y: number) => void} go brings a point of the drawing to the middle
 * @returns {any}
 */
export function createGraphMap(go) {
  const svg = makeSvg("svg.fl-graph-map", { "aria-hidden": "true" });
  const frame = makeSvg("rect.fl-graph-map-frame");
  let [scale, room] = [1, { width: 1, height: 1 }];
  let whole = { width: 1, height: 1 };
  /** @type {Map<any, SVGElement>} */
  const dots = new Map();
  const point = (/** @type {any} */ event) => {
    if (event.buttons !== 1 && event.type !== "pointerdown") return;
    const box = svg.getBoundingClientRect();
    go((event.clientX - box.left - 6) / scale, (event.clientY - box.top - 6) / scale);
  };
  svg.addEventListener("pointerdown", (/** @type {any} */ event) => { svg.setPointerCapture(event.pointerId); point(event); });
  svg.addEventListener("pointermove", point);
  return {
    element: svg,
    /** @param {any} drawn @param {{width: number, height: number}} size of the picture @param {{width: number, height: number} | null} beside the room there is for it beside the picture */
    draw: (drawn, size, beside) => {
      [room, whole] = [size, drawn];
      const most = beside ?? { width: Math.min(mapMost.width, size.width * 0.4), height: mapMost.height };
      scale = Math.min(most.width / drawn.width, most.height / drawn.height);
      svg.classList.toggle("fl-graph-map-beside", beside !== null);
      svg.setAttribute("width", String(drawn.width * scale + 12));
      svg.setAttribute("height", String(drawn.height * scale + 12));
      dots.clear();
      for (const { unit, x, y } of drawn.units.values()) dots.set(unit, makeSvg("rect", { x: 6 + x * scale, y: 6 + y * scale, width: Math.max(2, unit.w * scale), height: Math.max(2, unit.h * scale), rx: 1 }));
      svg.replaceChildren(...dots.values(), frame);
    },
    /** @param {any} state @param {any} moment */
    show: (state, moment) => {
      for (const [unit, dot] of dots) dot.setAttribute("class", moment.unit === unit ? "fl-graph-map-now" : state.arrived.has(unit) ? "fl-graph-map-back" : state.values.has(unit) ? "fl-graph-map-value" : "fl-graph-map-wait");
    },
    /** @param {{x: number, y: number, scale: number}} view */
    frame: (view) => {
      const hidden = !svg.classList.contains("fl-graph-map-beside") && whole.width * view.scale <= room.width && whole.height * view.scale <= room.height;
      svg.classList.toggle("fl-graph-map-idle", hidden);
      const [left, top] = [Math.max(0, -view.x / view.scale), Math.max(0, -view.y / view.scale)];
      const [right, bottom] = [Math.min(whole.width, (room.width - view.x) / view.scale), Math.min(whole.height, (room.height - view.y) / view.scale)];
      for (const [key, value] of Object.entries({ x: 6 + left * scale - 2, y: 6 + top * scale - 2, width: Math.max(4, (right - left) * scale + 4), height: Math.max(4, (bottom - top) * scale + 4) })) frame.setAttribute(key, String(value));
    },
  };
}
