// @ts-check
// The data under the hand: a click adds a point, a drag moves it, a double click or Delete takes it away; the same by keys.

import { make, setText } from "./element.js";
import { formatNumber } from "./scale.js";
import { switchButton } from "./switches.js";
import { canEditPoints, createPointEdits } from "./interactive_edits.js";
import { isNear, listenToHand, roundedToPixel } from "./interactive_hand.js";

const pointsReach = 12; // px around a point that count as it
const pointsKey = 0.01; // of the chart that an arrow key goes
const pointsKeyFar = 5; // times that, with Shift
const pointsTwice = 700; // ms: the second click of two that added a point is not meant to take it away

/**
 * What is pointed at: the point under the mouse, the one that was chosen, whether keys move it; the chart's axes as they were last drawn.
 * @typedef {{over: number | null, chosen: number | null, picked: boolean, added: number, frame: DataFrame | null}} PointsState
 * @typedef {ReturnType<typeof import("./chart_data.js").dataFrame>} DataFrame
 */

/**
 * @param {HTMLElement} panel the data's
 * @param {HTMLCanvasElement} canvas
 * @param {any} scene
 * @param {import("./interactive_edits.js").PointsHost} host
 */
export function createMovablePoints(panel, canvas, scene, host) {
  /** @type {PointsState} */
  const state = { over: null, chosen: null, picked: false, added: -Infinity, frame: null };
  const edits = createPointEdits(scene, host);
  const said = make("p.fl-said", { "aria-live": "polite" });
  const touch = pointsTouchSwitch(canvas);
  panel.querySelector(".fl-panel-head")?.append(make("span.fl-panel-hint", {}, "click adds, drag moves, double click removes"), make("div.fl-switches", {}, touch.button));
  panel.append(said);
  const can = () => canEditPoints(scene);
  /** @param {number | null} next */
  const choose = (next) => {
    state.chosen = next;
    if (next !== null) setText(said, pointsWords(scene.data, next, state.picked));
    host.redraw();
  };
  const acts = pointsActs(scene, state, edits, choose);
  const hand = pointsByHand(canvas, scene, state, { ...acts, can, choose, redraw: host.redraw, touches: touch.on });
  listenToPointKeys(canvas, {
    ...acts,
    can,
    picked: () => state.picked,
    next: (by, far) => choose(pointsBeside(scene.data, state.chosen, by, far)),
    settle: () => {
      const last = edits.held();
      if (edits.down() && last !== null && !hand.down()) edits.move(last, true);
    },
    remove: () => acts.remove(state.chosen),
  });
  return {
    look: edits.look,
    arrange: () => {
      panel.classList.toggle("fl-panel-points", can());
      if (can()) canvas.tabIndex = 0;
      else canvas.removeAttribute("tabindex");
      canvas.setAttribute("role", can() ? "application" : "img");
    },
    words: () => (can() ? " Left and right choose a point, Enter picks it up, arrows then move it, Delete removes it, Insert adds one." : ""),
    /** Drawn over the chart. @param {CanvasRenderingContext2D} context @param {any} theme @param {DataFrame} where */
    draw: (context, theme, where) => {
      state.frame = where;
      if (!can()) return;
      const chosen = document.activeElement === canvas || hand.down() ? state.chosen : null;
      for (const [i, width] of /** @type {[number | null, number][]} */ ([[state.over, 1.5], [chosen, state.picked ? 3 : 2]]))
        if (i !== null && i < scene.data.x.length) pointsRing(context, where, scene.data, i, width, theme);
    },
    stop: () => {
      hand.stop();
      edits.stop();
    },
  };
}

/**
 * What hand and keys both do.
 * @param {any} scene @param {PointsState} state @param {import("./interactive_edits.js").PointEdits} edits @param {(next: number | null) => void} choose
 */
function pointsActs(scene, state, edits, choose) {
  /** To a place of the chart, px. @param {number[]} at @param {boolean} settled */
  const to = (at, settled) => {
    if (state.chosen === null || state.frame === null) return;
    edits.move([state.chosen, ...pointsUnder(scene, state.frame, at)], settled);
    choose(state.chosen);
  };
  return {
    to,
    /** By key. @param {number} across @param {number} up @param {boolean} settled */
    by: (across, up, settled) => {
      const { frame, chosen } = state;
      if (frame === null || chosen === null) return;
      to([frame.x(scene.data.x[chosen]) + across * pointsKey * frame.box.width, frame.y(scene.data.y[chosen]) - up * pointsKey * frame.box.height], settled);
    },
    drop: () => {
      const last = edits.held();
      if (last !== null) edits.move(last, true);
    },
    pick: () => {
      state.picked = state.chosen !== null && !state.picked;
      choose(state.chosen);
    },
    /** At a place, px; by key in the middle, and picked up. @param {number[]} [at] */
    add: (at) => {
      if (state.frame === null) return;
      const { left, top, width, height } = state.frame.box;
      Object.assign(state, { added: performance.now(), picked: at === undefined });
      choose(edits.add(pointsUnder(scene, state.frame, at ?? [left + width / 2, top + height / 2])));
    },
    /** @param {number | null} i */
    remove: (i) => {
      if (i === null || !edits.remove(i)) return;
      Object.assign(state, { over: null, picked: false });
      choose(null);
    },
  };
}

/**
 * @param {HTMLCanvasElement} canvas @param {any} scene @param {PointsState} state
 * @param {ReturnType<typeof pointsActs> & {can: () => boolean, choose: (next: number | null) => void, redraw: () => void, touches: () => boolean}} host
 */
function pointsByHand(canvas, scene, state, host) {
  /** @param {number[]} at px @returns {number | null} the nearest point */
  const under = (at) => (state.frame === null || !host.can() ? null : pointsNearest(scene.data, state.frame, at));
  const within = (/** @type {number[]} */ at) => state.frame !== null && host.can() && pointsInside(state.frame, at);
  canvas.addEventListener("dblclick", (event) => {
    if (performance.now() - state.added > pointsTwice) host.remove(under([event.offsetX, event.offsetY]));
  });
  canvas.addEventListener("contextmenu", (event) => {
    const found = under([event.offsetX, event.offsetY]);
    if (found === null) return;
    event.preventDefault();
    host.remove(found);
  });
  return listenToHand(canvas, {
    touches: host.touches,
    under,
    take: host.choose,
    move: (at) => host.to(at, false),
    drop: host.drop,
    click: (at) => {
      if (!within(at)) return;
      const found = under(at);
      canvas.focus({ preventScroll: true });
      if (found === null) host.add(at);
      else host.choose(found);
    },
    cursor: (at) => (!within(at) ? "" : under(at) === null ? "copy" : "grab"),
    hover: (at) => {
      const next = at === null ? null : under(at);
      if (next === state.over) return;
      state.over = next;
      host.redraw();
    },
  });
}

/** @param {any} data @param {number} i @param {boolean} picked */
function pointsWords(data, i, picked) {
  return `point ${i + 1} of ${data.x.length}: ${data.feature} ${formatNumber(data.x[i])}, ${data.target} ${formatNumber(data.y[i])}${picked ? ", picked up" : ""}`;
}

/** @param {DataFrame} frame @param {number[]} at px */
function pointsInside({ box }, [x, y]) {
  return x >= box.left && x <= box.left + box.width && y >= box.top && y <= box.top + box.height;
}

/** @param {any} data @param {DataFrame} frame @param {number[]} at px */
function pointsNearest(data, frame, at) {
  let [best, least] = [-1, Infinity];
  for (let i = 0; i < data.x.length; i += 1) {
    const far = Math.hypot(frame.x(data.x[i]) - at[0], frame.y(data.y[i]) - at[1]);
    if (far < least) [best, least] = [i, far];
  }
  return best !== -1 && isNear(at, [frame.x(data.x[best]), frame.y(data.y[best])], pointsReach) ? best : null;
}

/** What a place of the chart stands for; a class is 0 or 1. @param {any} scene @param {DataFrame} frame @param {number[]} at px */
function pointsUnder(scene, { box, x, y }, at) {
  const across = x.invert(Math.min(box.left + box.width, Math.max(box.left, at[0])));
  const up = y.invert(Math.min(box.top + box.height, Math.max(box.top, at[1])));
  const units = [(x.domain[1] - x.domain[0]) / box.width, (y.domain[1] - y.domain[0]) / box.height];
  return [roundedToPixel(across, units[0]), scene.data.kind === "logistic" ? Math.round(Math.min(1, Math.max(0, up))) : roundedToPixel(up, units[1])];
}

/** The next point to the right or to the left; far: the last one there. @param {any} data @param {number | null} from @param {number} by @param {boolean} far */
function pointsBeside(data, from, by, far) {
  const order = data.x.map((/** @type {number} */ _, /** @type {number} */ i) => i).sort((/** @type {number} */ a, /** @type {number} */ b) => data.x[a] - data.x[b]);
  const at = from === null ? (by > 0 ? -1 : order.length) : order.indexOf(from);
  return order[far ? (by > 0 ? order.length - 1 : 0) : Math.min(order.length - 1, Math.max(0, at + by))];
}

/** @param {CanvasRenderingContext2D} context @param {DataFrame} frame @param {any} data @param {number} i @param {number} width @param {any} theme */
function pointsRing(context, frame, data, i, width, theme) {
  context.beginPath();
  context.arc(frame.x(data.x[i]), frame.y(data.y[i]), 7, 0, 2 * Math.PI);
  context.strokeStyle = theme.step;
  context.lineWidth = width;
  context.stroke();
}

/** A finger scrolls the page over the points unless it is told to edit them. @param {HTMLCanvasElement} canvas */
function pointsTouchSwitch(canvas) {
  let on = false;
  const button = switchButton("edit by touch", "Taps and drags on the chart edit the points instead of scrolling the page", () => {
    on = !on;
    button.setAttribute("aria-checked", String(on));
    canvas.classList.toggle("fl-turning", on);
  });
  button.classList.add("fl-switch-touch");
  return { button, on: () => on };
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {{can: () => boolean, picked: () => boolean, next: (by: number, far: boolean) => void, pick: () => void, by: (across: number, up: number, settled: boolean) => void,
 *   settle: () => void, remove: () => void, add: () => void}} host
 */
function listenToPointKeys(canvas, host) {
  canvas.addEventListener("keydown", (event) => {
    if (!host.can() || event.ctrlKey || event.metaKey || event.altKey) return;
    const far = event.shiftKey ? pointsKeyFar : 1;
    const way = /** @type {Record<string, [number, number]>} */ ({ ArrowLeft: [-far, 0], ArrowRight: [far, 0], ArrowUp: [0, far], ArrowDown: [0, -far] })[event.key];
    if (way && host.picked()) host.by(way[0], way[1], !event.repeat);
    else if (way) host.next(Math.sign(way[0] + way[1]), false);
    else if (event.key === "Home" || event.key === "End") host.next(event.key === "End" ? 1 : -1, true);
    else if (event.key === "Enter" || (event.key === "Escape" && host.picked())) host.pick();
    else if (event.key === "Delete" || event.key === "Backspace") host.remove();
    else if (event.key === "Insert") host.add();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  canvas.addEventListener("keyup", host.settle);
  canvas.addEventListener("blur", host.settle);
}
