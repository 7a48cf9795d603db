// @ts-check
// The path of a descent on a flat picture: the whole of it faint, what has been walked solid, the steps as dots.

import { strokeWithHalo } from "./arrows.js";
import { curveBetween, onCurve } from "./curve.js";
import { plotPoint } from "./plot.js";

const trackExact = 20; // the last steps are drawn whole, even where they only cross the picture
const trackFar = 4000; // px outside the canvas beyond which a line is cut: canvases lose precision with huge coordinates

/**
 * Where the ball is in this state.
 * @param {any} scene
 * @param {any} state
 * @returns {{frame: number, uv: number[] | null, lost: boolean}} uv in the plane; lost: it stays at the last finite point
 */
export function ballPlace(scene, state) {
  const { start_uv: starts, end_uv: ends } = scene.frames;
  const frame = Math.min(Math.max(0, Math.round(state.frame)), starts.length - 1);
  const [start, end] = [starts[frame], ends[frame]];
  if (isFinitePoint(start) && isFinitePoint(end)) {
    const part = Math.min(1, Math.max(0, state.progress ?? 0));
    const lost = scene.first_not_finite !== null && scene.frames.step[frame] + (part > 0 ? 1 : 0) > scene.first_not_finite;
    const uv = [start[0] + part * (end[0] - start[0]), start[1] + part * (end[1] - start[1])];
    return { frame, uv: scene.plane.kind === "curve" && part > 0 && part < 1 ? onCurve(scene, uv) : uv, lost };
  }
  const moved = (state.progress ?? 0) > 0;
  for (let i = frame; i >= 0; i -= 1) {
    if (isFinitePoint(ends[i]) && i < frame) return { frame, uv: ends[i], lost: true };
    if (isFinitePoint(starts[i])) return { frame, uv: starts[i], lost: i < frame || moved };
  }
  return { frame, uv: null, lost: true };
}

/**
 * @param {any} uv
 * @returns {boolean}
 */
export function isFinitePoint(uv) {
  return Array.isArray(uv) && Number.isFinite(uv[0]) && Number.isFinite(uv[1]);
}

/**
 * Adds a polyline to the current path: breaks at null, leaves out points closer than half a pixel, cuts what lies far outside.
 * @param {CanvasRenderingContext2D} context
 * @param {([number, number] | null)[]} points px
 */
export function tracePoints(context, points) {
  /** @type {[number, number] | null} */
  let last = null;
  let open = false;
  for (const point of points) {
    if (point === null) {
      last = null;
    } else if (last === null) {
      last = point;
      open = false;
    } else if (Math.abs(point[0] - last[0]) + Math.abs(point[1] - last[1]) >= 0.5) {
      const piece = clipSegment(last, point);
      if (piece !== null) {
        if (!open || piece[0] !== last) context.moveTo(piece[0][0], piece[0][1]);
        context.lineTo(piece[1][0], piece[1][1]);
        open = piece[1] === point;
      } else {
        open = false;
      }
      last = point;
    }
  }
}

/**
 * The part of a segment that lies within a few thousand pixels of the canvas.
 * @param {[number, number]} from
 * @param {[number, number]} to
 * @returns {[[number, number], [number, number]] | null}
 */
export function clipSegment(from, to) {
  let [enter, leave] = [0, 1];
  for (const axis of [0, 1]) {
    const delta = to[axis] - from[axis];
    if (!Number.isFinite(delta)) return null;
    for (const [sign, bound] of [[-1, trackFar], [1, trackFar]]) {
      const room = bound - sign * from[axis];
      const speed = sign * delta;
      if (speed === 0 && room < 0) return null;
      if (speed > 0) leave = Math.min(leave, room / speed);
      if (speed < 0) enter = Math.max(enter, room / speed);
    }
  }
  if (enter > leave) return null;
  /** @param {number} part @returns {[number, number]} */
  const at = (part) => [from[0] + part * (to[0] - from[0]), from[1] + part * (to[1] - from[1])];
  return [enter === 0 ? from : at(enter), leave === 1 ? to : at(leave)];
}

/**
 * The whole path, faint: what is still to come. Pieces that only cross the picture from outside to outside are left to the step itself.
 * @param {any} context canvas or offscreen context in the layout's coordinates
 * @param {any} scene
 * @param {any} view
 * @param {import("./plot.js").PlotLayout} layout
 */
export function drawTrail(context, scene, view, layout) {
  const points = scene.trail
    .flatMap((/** @type {any} */ uv, /** @type {number} */ i) => [...curveBetween(scene, scene.trail[i - 1], uv), uv])
    .map((/** @type {any} */ uv) => plotPoint(layout, view, uv));
  context.save();
  context.globalAlpha = 0.4;
  strokeWithHalo(context, () => tracePoints(context, trackTouching(points, layout)), { colour: "#ffffff", width: 1.25, casing: 1.75 });
  context.restore();
}

/** Breaks a path where a piece has both ends outside. @param {([number, number] | null)[]} points @param {import("./plot.js").PlotLayout} layout */
function trackTouching(points, layout) {
  /** @type {([number, number] | null)[]} */
  const kept = [];
  for (let i = 0; i < points.length; i += 1) {
    if (i > 0 && trackOutside(points[i - 1], layout) && trackOutside(points[i], layout)) kept.push(null);
    kept.push(points[i]);
  }
  return kept;
}

/** @param {[number, number] | null} point @param {import("./plot.js").PlotLayout} layout */
function trackOutside(point, layout) {
  return point === null || point[0] < layout.left || point[0] > layout.left + layout.width || point[1] < layout.top || point[1] > layout.top + layout.height;
}

/**
 * What has been walked, solid; steps as dots where they are six pixels apart. With more than two parameters a dot is
 * hollow in proportion to its distance from the plane.
 * @param {CanvasRenderingContext2D} context
 * @param {any} scene
 * @param {any} state
 * @param {any} view
 * @param {import("./plot.js").PlotLayout} layout
 */
export function drawTrack(context, scene, state, view, layout) {
  const place = ballPlace(scene, state);
  const { points: walked, recent } = trackWalked(scene, place, (uv) => plotPoint(layout, view, uv));
  context.save();
  context.globalAlpha = 0.75;
  strokeWithHalo(context, () => tracePoints(context, trackTouching(walked.slice(0, recent + 1), layout)), { colour: "#ffffff", width: 2, casing: 2.5 });
  context.restore();
  strokeWithHalo(context, () => tracePoints(context, walked.slice(recent)), { colour: "#ffffff", width: 2, casing: 3 });
  trackDots(context, scene, place.frame, layout, (uv) => plotPoint(layout, view, uv));
}

/**
 * The points walked so far, broken where frames leave steps out.
 * @param {any} scene @param {{frame: number, uv: number[] | null}} place @param {(uv: any) => [number, number] | null} project
 * @returns {{points: ([number, number] | null)[], recent: number}} recent: where the last steps begin
 */
function trackWalked(scene, place, project) {
  const { start_uv: starts, end_uv: ends, step } = scene.frames;
  const points = [];
  let recent = 0;
  for (let i = 0; i < place.frame; i += 1) {
    if (i <= place.frame - trackExact) recent = points.length;
    points.push(project(starts[i]), ...curveBetween(scene, starts[i], ends[i]).map(project));
    if (step[i + 1] !== step[i] + 1) points.push(project(ends[i]), null);
  }
  points.push(project(starts[place.frame]), ...curveBetween(scene, starts[place.frame], place.uv).map(project), project(place.uv));
  return { points, recent };
}

/**
 * @param {CanvasRenderingContext2D} context @param {any} scene @param {number} frame @param {import("./plot.js").PlotLayout} layout
 * @param {(uv: any) => [number, number] | null} project
 */
function trackDots(context, scene, frame, layout, project) {
  const { start_uv: starts, distance } = scene.frames;
  const farthest = scene.plane.kind === "path" ? Math.max(0, ...distance.filter(Number.isFinite)) : 0;
  /** @type {{point: [number, number], index: number}[]} */
  const dots = [];
  /** @type {[number, number] | null} */
  let last = null;
  for (let i = 0; i < starts.length; i += 1) {
    const point = project(starts[i]);
    if (point === null || (last !== null && Math.hypot(point[0] - last[0], point[1] - last[1]) < 6)) continue;
    last = point;
    if (!trackOutside(point, layout)) dots.push({ point, index: i });
  }
  const crowd = dots.length > 150 ? 0.45 : dots.length > 60 ? 0.7 : 1;
  context.save();
  for (const { point, index } of dots) {
    context.globalAlpha = index <= frame ? 1 : 0.5;
    const off = farthest > 0 && index > 0 && Number.isFinite(distance[index - 1]) ? distance[index - 1] / farthest : 0;
    trackDot(context, point, (index <= frame ? 3.2 : 2.6) * (farthest > 0 ? Math.max(0.7, crowd) : crowd), off);
  }
  context.restore();
}

/** @param {CanvasRenderingContext2D} context @param {[number, number]} at @param {number} radius @param {number} off 0 (in the plane) … 1 */
function trackDot(context, [x, y], radius, off) {
  context.beginPath();
  context.arc(x, y, radius + Math.min(1.2, radius * 0.45), 0, 2 * Math.PI);
  context.fillStyle = "rgba(10,14,26,0.85)";
  context.fill();
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  if (off > 0.02) context.arc(x, y, radius * 0.85 * Math.sqrt(off), 0, 2 * Math.PI, true);
  context.fillStyle = "#ffffff";
  context.fill();
}
