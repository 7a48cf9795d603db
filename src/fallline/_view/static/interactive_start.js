// @ts-check
// Where the descent starts, moved by hand: the ball is dragged, dropped by a click, or moved by the arrow keys. A ring goes ahead of the numbers.

import { ballRadius, strokeWithHalo } from "./arrows.js";
import { drawTag } from "./chart_frame.js";
import { clampToFrame, insideFrame, plotPoint } from "./plot.js";
import { formatNumber } from "./scale.js";
import { switchButton } from "./switches.js";
import { ballPlace } from "./track.js";
import { createHope } from "./interactive_wishes.js";
import { isNear, listenToHand, roundedToPixel } from "./interactive_hand.js";

const startReach = 22; // px around the ball that count as it
const startKey = 0.01; // of the frame that an arrow key goes
const startKeyFar = 5; // times that, with Shift

/**
 * @typedef {{ask: (wish: Record<string, any>, settled: boolean) => void, dragging: (on: boolean) => void, toStart: () => void, redraw: () => void,
 *   state: () => any}} StartHost
 */

/**
 * @param {HTMLCanvasElement} canvas the contour's
 * @param {any} scene
 * @param {StartHost} host
 */
export function createMovableStart(canvas, scene, host) {
  /** @type {{layout: import("./plot.js").PlotLayout, view: any} | null} */
  let shown = null;
  /** @type {[number, number]} */
  let grip = [0, 0]; // from the hand to the middle of the ball
  const can = () => scene.accepts.includes("start") && scene.plane.kind !== "path";
  /** @type {ReturnType<typeof createHope<number[]>>} */
  const hope = createHope({ answered: (start) => startIs(scene, start), gone: host.redraw });
  /** @param {number[]} at px */
  const startAt = (at) => (shown === null ? null : startUnder(scene, shown.layout, shown.view, at));
  /** @param {number[] | null} start @param {boolean} settled */
  const wish = (start, settled) => {
    if (start === null) return;
    const before = hope.down();
    hope.put(start, settled);
    if (before !== hope.down()) host.dragging(hope.down());
    host.ask({ start }, settled);
    host.redraw();
  };
  /** What of the start lies under a hand. @param {number[]} at px */
  const under = (at) => {
    if (shown === null || !can()) return null;
    const { layout, view } = shown;
    const start = plotPoint(layout, view, scene.frames.start_uv[0]);
    const ball = plotPoint(layout, view, ballPlace(scene, host.state()).uv);
    if (start !== null && isNear(start, at, startReach)) return { at: start, whole: true };
    return ball !== null && insideFrame(layout, ball) && isNear(ball, at, startReach) ? { at: ball, whole: false } : null;
  };
  const hand = listenToHand(canvas, {
    under: (at) => (moving() && can() && shown !== null && insideFrame(shown.layout, at) ? (under(at) ?? { at, whole: true }) : under(at)),
    take: (found, at) => {
      grip = [found.at[0] - at[0], found.at[1] - at[1]];
      if (!found.whole) host.toStart(); // the ball itself was taken: it stands at the start again
    },
    move: (at) => wish(startAt([at[0] + grip[0], at[1] + grip[1]]), false),
    drop: () => wish(hope.get(), true),
    click: (at) => {
      if (!can() || shown === null || !insideFrame(shown.layout, at) || under(at) !== null) return;
      host.toStart();
      wish(startAt(at), true);
    },
    cursor: (at) => (!can() || shown === null || !insideFrame(shown.layout, at) ? "" : under(at) ? "grab" : "crosshair"),
  });
  const mode = startMode(canvas);
  const moving = () => mode.on();
  listenToStartKeys(canvas, mode, {
    by: (across, up, settled) => {
      if (shown === null || !can()) return;
      const { layout } = shown;
      const from = hope.get() ?? scene.frames.start[0];
      const at = plotPoint(layout, shown.view, startPlace(scene, from));
      if (at !== null) wish(startAt([at[0] + across * startKey * layout.width, at[1] - up * startKey * layout.height]), settled);
    },
    settle: () => {
      if (hope.down()) wish(hope.get(), true);
    },
  });
  return {
    button: mode.button,
    look: hope.look,
    /** Drawn over the contour. @param {CanvasRenderingContext2D} context @param {any} theme @param {{layout: import("./plot.js").PlotLayout, view: any}} where */
    draw: (context, theme, where) => {
      shown = where;
      mode.button.hidden = !can();
      const start = hope.get();
      if (start !== null || mode.on()) drawHopedStart(context, scene, theme, where, start ?? scene.frames.start[0]);
    },
    stop: () => {
      hand.stop();
      hope.stop();
    },
  };
}

/** Is this where the run on the screen starts? @param {any} scene @param {number[]} start */
function startIs(scene, start) {
  const now = scene.frames.start[0];
  return start.every((value, k) => Math.abs(value - now[k]) <= 1e-6 * Math.max(1e-3, Math.abs(value)));
}

/** The parameters at a place of the picture: on a curve its one parameter. @param {any} scene @param {import("./plot.js").PlotLayout} layout @param {any} view @param {number[]} at px */
function startUnder(scene, layout, view, at) {
  const [x, y] = clampToFrame(layout, at);
  const place = [layout.x.invert(x), layout.y.invert(y)];
  const units = [(view.x[1] - view.x[0]) / layout.width, (view.y[1] - view.y[0]) / layout.height];
  if (scene.plane.kind === "curve") return [roundedToPixel(place[0], units[0])];
  if (!view.transform) return place.map((value, k) => roundedToPixel(value, units[k]));
  const [[a, b], [c, d]] = view.transform.matrix;
  const whole = a * d - b * c;
  const uv = [(d * place[0] - b * place[1]) / whole, (a * place[1] - c * place[0]) / whole];
  const fine = Math.hypot(d * units[0], b * units[1]) / Math.abs(whole);
  return uv.map((value, k) => roundedToPixel(value + view.transform.origin[k], fine));
}

/** A start's place in the plane. @param {any} scene @param {number[]} start */
function startPlace(scene, start) {
  return scene.plane.kind === "curve" ? [start[0], startHeight(scene, start[0])] : start;
}

/** The loss of the drawn curve over a parameter. @param {any} scene @param {number} at */
function startHeight(scene, at) {
  const { x, loss } = (scene.windows.find((/** @type {any} */ view) => view.id === "main") ?? scene.windows[0]).curve;
  const next = x.findIndex((/** @type {number} */ value) => value >= at);
  if (next <= 0) return loss[next === 0 ? 0 : loss.length - 1];
  return loss[next - 1] + ((at - x[next - 1]) / (x[next] - x[next - 1])) * (loss[next] - loss[next - 1]);
}

/** A dashed ring with its numbers. @param {CanvasRenderingContext2D} context @param {any} scene @param {any} theme @param {{layout: import("./plot.js").PlotLayout, view: any}} where @param {number[]} start */
function drawHopedStart(context, scene, theme, { layout, view }, start) {
  const at = plotPoint(layout, view, startPlace(scene, start));
  if (at === null || !insideFrame(layout, at)) return;
  const radius = ballRadius(theme) + 7;
  strokeWithHalo(context, () => context.arc(at[0], at[1], radius, 0, 2 * Math.PI), { colour: "#ffffff", width: 2, dash: [5, 3], halo: "rgba(10,14,26,0.8)" });
  const text = `start ${scene.parameters.map((/** @type {string} */ name, /** @type {number} */ i) => `${name} ${formatNumber(start[i])}`).join(", ")}`;
  drawTag(context, layout, { text, x: at[0] + radius - 4, y: at[1] + radius + theme.fontSize, colour: theme.text }, theme);
}

/** The mode in which arrow keys, and a finger anywhere on the picture, move the start. @param {HTMLCanvasElement} canvas */
function startMode(canvas) {
  let on = false;
  const button = switchButton("move start", "Drag the ball, or click where it shall start; with this switch on, arrow keys and touches move it", () => set(!on));
  button.classList.add("fl-switch-start");
  /** @param {boolean} next */
  const set = (next) => {
    on = next;
    button.setAttribute("aria-checked", String(on));
    canvas.classList.toggle("fl-turning", on);
    canvas.setAttribute("role", on ? "application" : "img");
    if (on) {
      canvas.tabIndex = 0;
      canvas.focus();
      return;
    }
    canvas.removeAttribute("tabindex");
    button.focus();
  };
  return { button, on: () => on, leave: () => set(false) };
}

/** @param {HTMLCanvasElement} canvas @param {ReturnType<typeof startMode>} mode @param {{by: (across: number, up: number, settled: boolean) => void, settle: () => void}} host */
function listenToStartKeys(canvas, mode, { by, settle }) {
  canvas.addEventListener("keydown", (event) => {
    if (!mode.on() || event.ctrlKey || event.metaKey || event.altKey) return;
    const far = event.shiftKey ? startKeyFar : 1;
    const way = /** @type {Record<string, [number, number]>} */ ({ ArrowLeft: [-far, 0], ArrowRight: [far, 0], ArrowUp: [0, far], ArrowDown: [0, -far] })[event.key];
    if (way) by(way[0], way[1], !event.repeat);
    else if (event.key === "Escape" || event.key === "Enter") mode.leave();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  canvas.addEventListener("keyup", settle);
  canvas.addEventListener("blur", settle);
}
