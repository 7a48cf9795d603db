// @ts-check
// Which steps are in sight and at which one the numbers are read: one state for all charts, and the hands on it (pointer, wheel, keys).

/**
 * @typedef {{from: number, to: number, at: number | null, picked: [number, number] | null, whole: [number, number],
 *   show: (from: number, to: number) => void, scale: (factor: number, around?: number) => void, pan: (share: number) => void, reset: () => void,
 *   read: (step: number | null) => void, pick: (from: number | null, to?: number) => void,
 *   grow: (range: [number, number], whole: [number, number]) => void}} RecZoom
 * from, to: steps at the edges; at: the step that is read; picked: a stretch being selected; grow: the run has more steps, what was at its end stays there
 */

const zoomFewest = 4; // steps in sight
const zoomDrag = 5; // px that make a drag of a click
const zoomWheel = 0.0022;
const zoomEdge = 0.5; // steps from the edge at which the first or last step is out of sight

/**
 * @param {[number, number]} given first and last step
 * @param {number | null} at
 * @param {() => void} onChange
 * @returns {RecZoom}
 */
export function createZoom(given, at, onChange) {
  let range = given;
  let whole = zoomWhole(range);
  /** @type {RecZoom} */
  const zoom = {
    from: whole[0],
    to: whole[1],
    at,
    picked: null,
    whole,
    show: (from, to) => {
      const most = whole[1] - whole[0];
      const span = Math.min(most, Math.max(to - from, Math.min(zoomFewest, most)));
      const start = Math.min(Math.max((from + to - span) / 2, whole[0]), whole[1] - span);
      Object.assign(zoom, { from: start, to: start + span });
      onChange();
    },
    scale: (factor, around = zoom.at !== null && zoom.at >= zoom.from && zoom.at <= zoom.to ? zoom.at : (zoom.from + zoom.to) / 2) => {
      zoom.show(around - (around - zoom.from) * factor, around + (zoom.to - around) * factor);
    },
    pan: (share) => {
      const by = share * (zoom.to - zoom.from);
      zoom.show(zoom.from + by, zoom.to + by);
    },
    reset: () => zoom.show(whole[0], whole[1]),
    read: (step) => {
      zoom.at = step === null ? null : Math.min(range[1], Math.max(range[0], Math.round(step)));
      onChange();
    },
    pick: (from, to = 0) => {
      zoom.picked = from === null ? null : [from, to];
      onChange();
    },
    grow: (now, all) => {
      const [atEnd, atStart] = [whole[1] - zoom.to < zoomEdge, zoom.from - whole[0] < zoomEdge];
      const inSight = zoom.to - zoom.from;
      if (zoom.at === range[1]) zoom.at = now[1];
      range = now;
      whole = zoomWhole(all);
      const to = atEnd ? whole[1] : Math.min(zoom.to, whole[1]);
      Object.assign(zoom, { whole, to, from: atEnd && atStart ? whole[0] : Math.max(whole[0], to - inSight) });
      onChange();
    },
  };
  return zoom;
}

/** @param {[number, number]} range @returns {[number, number]} */
function zoomWhole(range) {
  return [range[0] - 0.5, range[1] + 0.5];
}

/**
 * Drag selects a stretch, moving reads, a double click shows all, the wheel with Ctrl zooms; a finger reads and leaves the page's scrolling alone.
 * @param {HTMLCanvasElement} canvas
 * @param {RecZoom} zoom
 * @param {() => {left: number, width: number}} box where the steps are drawn, px
 */
export function handleZoom(canvas, zoom, box) {
  canvas.tabIndex = -1; // a click into it is where the keys go
  /** @param {MouseEvent} event */
  const stepAt = (event) => {
    const { left, width } = box();
    const share = (event.clientX - canvas.getBoundingClientRect().left - left) / width;
    return zoom.from + Math.min(1, Math.max(0, share)) * (zoom.to - zoom.from);
  };
  /** @type {{x: number, step: number} | null} */
  let held = null;
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    if (event.pointerType !== "touch") {
      held = { x: event.clientX, step: stepAt(event) };
      canvas.setPointerCapture(event.pointerId);
    }
    zoom.read(stepAt(event));
  });
  canvas.addEventListener("pointermove", (event) => {
    const step = stepAt(event);
    if (held !== null && Math.abs(event.clientX - held.x) > zoomDrag) zoom.pick(Math.min(step, held.step), Math.max(step, held.step));
    zoom.read(step);
  });
  const release = () => {
    if (zoom.picked !== null) {
      const [from, to] = zoom.picked;
      zoom.pick(null);
      zoom.show(from, to);
    }
    held = null;
  };
  canvas.addEventListener("pointerup", release);
  canvas.addEventListener("pointercancel", () => {
    held = null;
    zoom.pick(null);
  });
  canvas.addEventListener("dblclick", () => zoom.reset());
  canvas.addEventListener("wheel", (event) => {
    if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) zoom.pan((event.deltaX / box().width) * 1.2);
    else if (event.ctrlKey || event.metaKey) zoom.scale(Math.exp(event.deltaY * zoomWheel * (event.ctrlKey && Math.abs(event.deltaY) < 40 ? 4 : 1)), stepAt(event));
    else return; // the plain wheel scrolls the page, which is longer than the screen
    event.preventDefault();
  }, { passive: false });
}

/**
 * + and − zoom, arrows pan, 0 shows all, Shift with an arrow reads the next step; in a chart or its bar Home and End go to the ends.
 * @param {RecZoom} zoom
 * @param {(forward: boolean) => void} readNext
 * @returns {(event: KeyboardEvent) => boolean} was it one of these keys
 */
export function zoomKeys(zoom, readNext) {
  return (event) => {
    const on = /** @type {Element} */ (event.target);
    if (on.matches?.("select, input")) return false;
    if (/^(Home|End)$/.test(event.key) && !on.closest?.(".fl-rec-bar, .fl-rec-chart, .fl-rec-heat")) return false; // the page scrolls
    const span = zoom.to - zoom.from;
    /** @type {Record<string, () => void>} */
    const keys = {
      "+": () => zoom.scale(0.5),
      "=": () => zoom.scale(0.5),
      "-": () => zoom.scale(2),
      "_": () => zoom.scale(2),
      0: () => zoom.reset(),
      ArrowLeft: () => (event.shiftKey ? readNext(false) : zoom.pan(-0.15)),
      ArrowRight: () => (event.shiftKey ? readNext(true) : zoom.pan(0.15)),
      Home: () => zoom.show(zoom.whole[0], zoom.whole[0] + span),
      End: () => zoom.show(zoom.whole[1] - span, zoom.whole[1]),
    };
    const act = keys[event.key];
    if (act === undefined) return false;
    act();
    return true;
  };
}
