// @ts-check
// What of the drawing is in sight: fitted at first, then zoomed and dragged; the wheel zooms with Ctrl only.

const cameraNear = 1.6;
const cameraFarText = 0.5; // below it cards show their names only, large
const cameraMargin = 14;

/**
 * @param {SVGSVGElement} svg
 * @param {SVGGElement} world
 * @param {{still: () => boolean, largest: number, moved: (view: {x: number, y: number, scale: number}) => void}} host still: reduced motion
 * @returns {any}
 */
export function createCamera(svg, world, { still, moved, largest }) {
  const view = { x: 0, y: 0, scale: 1 };
  let [size, whole, request] = [{ width: 0, height: 0 }, { width: 1, height: 1 }, 0];
  let first = { x: 0, y: 0, w: 1, h: 1 };
  const apply = () => {
    world.setAttribute("transform", `translate(${view.x.toFixed(2)} ${view.y.toFixed(2)}) scale(${view.scale.toFixed(4)})`);
    svg.classList.toggle("fl-graph-far-away", view.scale < cameraFarText);
    svg.classList.toggle("fl-graph-loose", whole.height * view.scale > size.height);
    moved(view);
  };
  const glide = (/** @type {{x: number, y: number, scale: number}} */ to) => {
    cancelAnimationFrame(request);
    if (still()) {
      Object.assign(view, to);
      return apply();
    }
    const from = { ...view };
    let begun = 0;
    const move = (/** @type {number} */ now) => {
      begun = begun || now;
      const part = Math.min(1, (now - begun) / 260);
      const eased = 1 - (1 - part) ** 3;
      for (const key of /** @type {("x" | "y" | "scale")[]} */ (["x", "y", "scale"])) view[key] = from[key] + (to[key] - from[key]) * eased;
      apply();
      if (part < 1) request = requestAnimationFrame(move);
    };
    request = requestAnimationFrame(move);
  };
  const least = () => Math.min(largest, (size.width - 2 * cameraMargin) / whole.width, (size.height - 2 * cameraMargin) / whole.height);
  const centred = (/** @type {number} */ scale) => ({ scale, x: (size.width - whole.width * scale) / 2, y: (size.height - whole.height * scale) / 2 });
  const kept = (/** @type {{x: number, y: number, scale: number}} */ to) => {
    const hold = (/** @type {number} */ at, /** @type {number} */ room, /** @type {number} */ length) => (length * to.scale <= room - 2 * cameraMargin ? (room - length * to.scale) / 2 : Math.min(cameraMargin, Math.max(room - cameraMargin - length * to.scale, at)));
    return { scale: to.scale, x: hold(to.x, size.width, whole.width), y: hold(to.y, size.height, whole.height) };
  };
  const beginning = (/** @type {number} */ scale) => {
    const hold = (/** @type {number} */ at, /** @type {number} */ length, /** @type {number} */ room) => (cameraMargin + (at + length) * scale <= room ? cameraMargin : room / 2 - (at + length / 2) * scale);
    return kept({ scale, x: hold(first.x, first.w, size.width), y: hold(first.y, first.h, size.height) });
  };
  const zoomAt = (/** @type {number} */ factor, /** @type {number} */ x, /** @type {number} */ y) => {
    const scale = Math.min(cameraNear, Math.max(Math.min(1, least()), view.scale * factor));
    const ratio = scale / view.scale;
    return kept({ scale, x: x - (x - view.x) * ratio, y: y - (y - view.y) * ratio });
  };
  cameraListen(svg, {
    wheel: (factor, x, y) => { cancelAnimationFrame(request); Object.assign(view, zoomAt(factor, x, y)); apply(); },
    drag: (dx, dy) => { cancelAnimationFrame(request); Object.assign(view, kept({ ...view, x: view.x + dx, y: view.y + dy })); apply(); },
  });
  return {
    view,
    /** @param {{width: number, height: number}} room @param {{width: number, height: number}} drawing @param {{x: number, y: number, w: number, h: number}} start what one begins with */
    measure: (room, drawing, start) => { [size, whole, first] = [room, drawing, start]; },
    fit: () => glide(centred(least())),
    /** Fitted where that can be read, else at the beginning, as wide as there is room. @param {number} readable */
    open: (readable) => {
      cancelAnimationFrame(request);
      const scale = Math.max(readable, Math.min(1, (size.width - 2 * cameraMargin) / whole.width));
      Object.assign(view, least() >= readable ? centred(least()) : beginning(scale));
      apply();
    },
    /** Back to the beginning, where it is out of sight. */
    begin: () => {
      const [left, top] = [view.x + first.x * view.scale, view.y + first.y * view.scale];
      if (left < 0 || top < 0 || left + first.w * view.scale > size.width || top + first.h * view.scale > size.height) glide(beginning(view.scale));
    },
    /** As another one stood. @param {{x: number, y: number, scale: number}} to */
    put: (to) => { Object.assign(view, kept(to)); apply(); },
    keep: () => { Object.assign(view, kept({ ...view, scale: Math.max(view.scale, Math.min(1, least())) })); apply(); },
    zoom: (/** @type {number} */ factor) => glide(zoomAt(factor, size.width / 2, size.height / 2)),
    centre: (/** @type {number} */ x, /** @type {number} */ y) => { Object.assign(view, kept({ ...view, x: size.width / 2 - x * view.scale, y: size.height / 2 - y * view.scale })); apply(); },
    /** Brings a part of the drawing into sight, and where that is larger than the room, what matters most of it. @param {{x: number, y: number, w: number, h: number}} box @param {{x: number, y: number, w: number, h: number}} [most] */
    show: (box, most = box) => {
      const need = (/** @type {number} */ at, /** @type {number[]} */ [from, length], /** @type {number[]} */ [low, long], /** @type {number} */ room) => {
        const seen = (/** @type {number} */ start, /** @type {number} */ extent) => at + start * view.scale >= 10 && at + (start + extent) * view.scale <= room - 10;
        if (seen(from, length)) return at;
        const middle = room / 2 - (from + length / 2) * view.scale;
        if (length * view.scale <= room - 20) return middle;
        if (seen(low, long)) return at;
        return Math.min(room - 20 - (low + long) * view.scale, Math.max(20 - low * view.scale, middle));
      };
      const to = kept({ scale: view.scale, x: need(view.x, [box.x, box.w], [most.x, most.w], size.width), y: need(view.y, [box.y, box.h], [most.y, most.h], size.height) });
      if (Math.abs(to.x - view.x) + Math.abs(to.y - view.y) > 1) glide(to);
    },
    stop: () => cancelAnimationFrame(request),
  };
}

/** @param {SVGSVGElement} svg @param {{wheel: (factor: number, x: number, y: number) => void, drag: (dx: number, dy: number) => void}} act */
function cameraListen(svg, act) {
  svg.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const box = svg.getBoundingClientRect();
    act.wheel(Math.exp(-event.deltaY * 0.002), event.clientX - box.left, event.clientY - box.top);
  }, { passive: false });
  let held = /** @type {{id: number, x: number, y: number, moved: boolean} | null} */ (null);
  svg.addEventListener("pointerdown", (event) => {
    if (event.button === 0) held = { id: event.pointerId, x: event.clientX, y: event.clientY, moved: false };
  });
  svg.addEventListener("pointermove", (event) => {
    if (held === null || event.pointerId !== held.id) return;
    const [dx, dy] = [event.clientX - held.x, event.clientY - held.y];
    if (!held.moved && Math.hypot(dx, dy) < 4) return;
    if (!held.moved) svg.setPointerCapture(event.pointerId);
    held = { ...held, x: event.clientX, y: event.clientY, moved: true };
    svg.classList.add("fl-graph-dragging");
    act.drag(dx, dy);
  });
  const end = () => {
    if (held?.moved) svg.addEventListener("click", (event) => event.stopPropagation(), { capture: true, once: true });
    held = null;
    svg.classList.remove("fl-graph-dragging");
  };
  svg.addEventListener("pointerup", end);
  svg.addEventListener("pointercancel", end);
}
