// @ts-check
// Lines laid over the surface of the bowl: the path and the step. What lies behind a wall is fainter.

import { strokeWithHalo } from "./arrows.js";

/**
 * A surface as it is seen.
 * @typedef {{bowl: any, box: import("./camera.js").BowlBox, eye: ReturnType<typeof import("./camera.js").cameraView>,
 *   sample: (x: number, y: number) => number, hides: (x: number, y: number, z: number) => boolean}} Surface
 */
/** @typedef {[number, number, number]} SurfacePoint box units */

const drapePieces = 20; // a line is laid in pieces of a twentieth of the floor's half side
const drapeBehindWall = 0.25;

/**
 * A point of the plane on the surface.
 * @param {Surface} surface
 * @param {any} uv
 * @returns {SurfacePoint | null} null outside the bowl or above its rim
 */
export function surfacePoint({ bowl, box, sample }, uv) {
  if (!uv || !Number.isFinite(uv[0]) || !Number.isFinite(uv[1])) return null;
  const [x, y] = box.at(uv[0], uv[1]);
  const loss = sample(x, y);
  return loss <= bowl.cut * 1.000001 ? [x, y, box.heightOf(loss)] : null;
}

/**
 * A straight piece of the plane laid over the surface.
 * @param {Surface} surface
 * @param {number[]} from uv
 * @param {number[]} to uv
 * @returns {(SurfacePoint | null)[]}
 */
export function drapePiece(surface, from, to) {
  const [a, b] = [surface.box.at(from[0], from[1]), surface.box.at(to[0], to[1])];
  const pieces = Math.min(60, Math.max(1, Math.ceil(Math.hypot(b[0] - a[0], b[1] - a[1]) * drapePieces)));
  return Array.from({ length: pieces + 1 }, (_, i) => surfacePoint(surface, [0, 1].map((k) => from[k] + ((to[k] - from[k]) * i) / pieces)));
}

/**
 * A path laid over the surface.
 * @param {Surface} surface
 * @param {any[]} points uv; null breaks the line
 * @returns {(SurfacePoint | null)[]}
 */
export function drapePath(surface, points) {
  const chain = [];
  for (let i = 0; i + 1 < points.length; i += 1) {
    const [from, to] = [points[i], points[i + 1]];
    if (from && to && [...from, ...to].every(Number.isFinite)) chain.push(...drapePiece(surface, from, to));
    else chain.push(null);
  }
  return chain;
}

/**
 * Draws a laid line with its halo; the part behind a wall at a quarter of its opacity.
 * @param {any} context canvas or offscreen context
 * @param {Surface} surface
 * @param {(SurfacePoint | null)[]} chain
 * @param {{alpha: number, width: number, colour: string}} style
 */
export function drawDraped(context, { eye, hides }, chain, style) {
  const seen = chain.map((point) => (point === null ? null : { at: eye.project(...point), hidden: hides(...point) }));
  for (const hidden of [true, false]) {
    context.save();
    context.globalAlpha = style.alpha * (hidden ? drapeBehindWall : 1);
    strokeWithHalo(context, () => drapeTrace(context, seen, hidden), { colour: style.colour, width: style.width, casing: 2.5 });
    context.restore();
  }
}

/** Adds the pieces that are hidden, or those that are not. @param {CanvasPath} context @param {({at: [number, number], hidden: boolean} | null)[]} seen @param {boolean} hidden */
function drapeTrace(context, seen, hidden) {
  /** @type {[number, number] | null} */
  let last = null;
  for (let i = 1; i < seen.length; i += 1) {
    const [from, to] = [seen[i - 1], seen[i]];
    if (from === null || to === null || to.hidden !== hidden) {
      last = null;
      continue;
    }
    if (last === null) {
      context.moveTo(from.at[0], from.at[1]);
      last = from.at;
    }
    const next = seen[i + 1];
    const goesOn = next !== undefined && next !== null && next.hidden === hidden;
    if (goesOn && Math.hypot(to.at[0] - last[0], to.at[1] - last[1]) < 0.5) continue;
    context.lineTo(to.at[0], to.at[1]);
    last = to.at;
  }
}
