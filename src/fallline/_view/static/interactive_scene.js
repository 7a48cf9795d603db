// @ts-check
// One scene that stays while what it shows is replaced, and axes that stand still while something is dragged.

import { decodeNumbers, decodePayload } from "./decode.js";

/** What lies under a hand that moves the start: it stays while the hand does. */
const sceneGround = ["plane", "windows", "bowls", "color"];
/** What tells one loss from another. */
const sceneLoss = ["title", "data_line", "conversion", "parameters", "optimum", "floor"];
const sceneShrinks = 3; // an axis gives way once it is this many times longer than what stands on it

/** @typedef {{range: (name: string, low: number, high: number, log: boolean) => [number, number], hold: (how: HoldKind) => void}} HeldRanges */
/** @typedef {"free" | "grow" | "points"} HoldKind points: while a point of the data is held, the data's own axes do not even grow */

/**
 * @param {any} payload docs/payload.md
 */
export function createStandingScene(payload) {
  const held = sceneRanges();
  /** @param {any} given */
  const read = (given) => {
    const scene = { ...decodePayload(given), stop: null, held };
    scene.opening ??= sceneOpening(scene);
    return scene;
  };
  const scene = read(payload);
  let grounded = false;
  /** @type {Record<string, any>} */
  let waiting = {};
  /** @type {number[] | null} */
  let moved = null; // where a hand has put the start
  /** @param {Record<string, any>} found */
  const put = (found) => {
    const same = (grounded || moved !== null) && sceneSame(scene, found);
    const stays = grounded || (moved !== null && same && sceneHolds(scene, found, moved));
    for (const [name, value] of Object.entries(found)) if (!sceneGround.includes(name) || !stays) scene[name] = value;
    if (grounded && same) return; // the ground of a start that has gone on since
    if (grounded) waiting = { ...waiting, ...Object.fromEntries(Object.entries(found).filter(([name]) => sceneGround.includes(name))) };
    else if ("windows" in found) moved = null; // its own ground from here on
  };
  return {
    scene,
    held,
    /** A whole payload. @param {any} next */
    replace: (next) => {
      const found = read(next);
      for (const name of Object.keys(scene)) if (!(name in found)) delete scene[name];
      put(found);
    },
    /** Some keys of one. @param {any} part */
    swap: (part) => put(decodeNumbers(part ?? {})),
    /** While a hand moves the start the ground stays. @param {boolean} on */
    ground: (on) => {
      grounded = on;
      if (on) return;
      Object.assign(scene, waiting);
      waiting = {};
    },
    /** The start was put somewhere: what lies under it is the same loss, so it stays while it reaches there; null: another wish was made. @param {number[] | null} start */
    moved: (start) => {
      moved = start;
    },
  };
}

/** What is said before the first step, where the start can be moved. @param {any} scene */
function sceneOpening(scene) {
  const height = scene.plane.kind === "curve" ? "height is the loss. " : "height and colour are the loss, dark is low. ";
  const opening = `The ball is where training starts: ${height}Press “Take a step” (key →): it finds which way is uphill, and goes the other way.`;
  return scene.accepts.includes("start") ? [opening, "Drag the ball to start elsewhere, or click where it shall start. Drag the rate to see another path."] : [opening];
}

/** Is it the loss that is on the screen? @param {any} scene @param {Record<string, any>} found */
function sceneSame(scene, found) {
  const points = (/** @type {any} */ data) => JSON.stringify([data?.x, data?.y]);
  const alike = (/** @type {string} */ name) => !(name in found) || JSON.stringify(found[name]) === JSON.stringify(scene[name]);
  return sceneLoss.every(alike) && (!("data" in found) || points(found.data) === points(scene.data));
}

/**
 * Does the ground on the screen hold the run that starts where a hand has put the start?
 * @param {any} scene @param {Record<string, any>} found @param {number[]} start
 */
function sceneHolds(scene, found, start) {
  const { start_uv: places, start: starts, loss } = found.frames ?? scene.frames;
  const main = scene.windows.find((/** @type {any} */ view) => view.id === "main");
  const bowl = scene.bowls.find((/** @type {any} */ each) => each.window === "main");
  const [u, v] = places[0];
  if (!start.every((value, k) => Math.abs(value - starts[0][k]) <= 1e-6 * Math.max(1e-3, Math.abs(value)))) return false;
  return u >= main.x[0] && u <= main.x[1] && v >= main.y[0] && v <= main.y[1] && !(bowl && loss[0] > bowl.cut);
}

/** @returns {HeldRanges} */
function sceneRanges() {
  /** @type {HoldKind} */
  let how = "free";
  /** @type {Map<string, [number, number]>} */
  const ranges = new Map();
  return {
    range: (name, low, high, log) => {
      const last = ranges.get(name);
      const still = how === "points" && name.startsWith("data");
      const next = last === undefined || how === "free" ? /** @type {[number, number]} */ ([low, high]) : still ? last : sceneGrown(last, low, high, log);
      ranges.set(name, next);
      return next;
    },
    hold: (next) => {
      how = next;
    },
  };
}

/** @param {[number, number]} last @param {number} low @param {number} high @param {boolean} log @returns {[number, number]} */
function sceneGrown(last, low, high, log) {
  /** @param {number} from @param {number} to */
  const length = (from, to) => (log ? Math.log(to / from) : to - from);
  if (length(last[0], last[1]) > sceneShrinks * length(low, high)) return [low, high];
  return [Math.min(last[0], low), Math.max(last[1], high)];
}
