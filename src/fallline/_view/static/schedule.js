// @ts-check
// How long playing takes at each step: constant travel on the screen, so that it slows down where the ball moves.

const scheduleLongest = 8; // seconds for the whole run
const scheduleFirst = 10; // steps that get at least three animation frames each
const scheduleThreeFrames = 3.2 / 60;

/** @typedef {{starts: Float64Array, total: number}} Schedule starts[i]: seconds at which frame i begins; starts[F] = total */

/**
 * @param {any} scene its `travel`, where it has one, is taken instead of the travel on its screen
 * @param {number} [secondsAtMost]
 * @returns {Schedule}
 */
export function makeSchedule(scene, secondsAtMost = scheduleLongest) {
  /** @type {number[]} */
  const travel = scene.travel ?? screenTravel(scene);
  const count = travel.length;
  const total = Math.min(secondsAtMost, Math.max(0.6, 0.45 * count));
  const least = travel.map((_, i) => (i < scheduleFirst ? scheduleThreeFrames : 0));
  const spare = total - least.reduce((sum, value) => sum + value, 0);
  const whole = travel.reduce((sum, value) => sum + value, 0) || 1;
  const starts = new Float64Array(count + 1);
  for (let i = 0; i < count; i += 1) starts[i + 1] = starts[i] + least[i] + (spare * travel[i]) / whole;
  return { starts, total };
}

/**
 * The place on the path at a time: 3.25 is a quarter of the way along frame 3.
 * @param {Schedule} schedule
 * @param {number} seconds
 * @returns {number}
 */
export function positionAt(schedule, seconds) {
  const { starts, total } = schedule;
  const count = starts.length - 1;
  if (seconds >= total) return count;
  const frame = frameBefore(starts, seconds);
  const length = starts[frame + 1] - starts[frame];
  return frame + (length > 0 ? Math.min(1, (seconds - starts[frame]) / length) : 1);
}

/**
 * The time at which a place on the path is reached.
 * @param {Schedule} schedule
 * @param {number} position
 * @returns {number}
 */
export function secondsAt(schedule, position) {
  const frame = Math.min(Math.floor(position), schedule.starts.length - 2);
  if (frame < 0) return 0;
  return schedule.starts[frame] + (position - frame) * (schedule.starts[frame + 1] - schedule.starts[frame]);
}

/** The last frame that began at or before a time, by halving. @param {Float64Array} starts @param {number} seconds */
function frameBefore(starts, seconds) {
  let low = 0;
  let high = starts.length - 2;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (starts[middle] <= seconds) low = middle;
    else high = middle - 1;
  }
  return low;
}

/**
 * How far the ball moves at each frame: in widths of the main picture, plus what the magnifier shows of it, plus a little so that
 * no step is instantaneous. Outside the pictures nothing moves.
 * @param {any} scene
 * @returns {number[]}
 */
export function screenTravel(scene) {
  const windows = scene.windows.filter((/** @type {any} */ each) => each.id === "main" || each.id === "inset");
  const { start_uv: start, end_uv: end } = scene.frames;
  const far = start.map((/** @type {any} */ from, /** @type {number} */ i) =>
    windows.reduce(
      (/** @type {number} */ sum, /** @type {any} */ each) => sum + insideLength(each, from, end[i]) * (each.id === "inset" ? 0.5 : 1),
      0,
    ),
  );
  const whole = far.reduce((/** @type {number} */ sum, /** @type {number} */ value) => sum + value, 0) || 1;
  return far.map((/** @type {number} */ value) => value / whole + 0.12 / far.length);
}

/**
 * The length of a segment inside a window, in widths of the window (Liang–Barsky clipping).
 * @param {any} view
 * @param {(number[] | null)} from
 * @param {(number[] | null)} to
 */
function insideLength(view, from, to) {
  if (from === null || to === null || ![...from, ...to].every(Number.isFinite)) return 0;
  const [width, height] = [view.x[1] - view.x[0], view.y[1] - view.y[0]];
  const a = [(from[0] - view.x[0]) / width, (from[1] - view.y[0]) / height];
  const d = [(to[0] - from[0]) / width, (to[1] - from[1]) / height];
  let [enter, leave] = [0, 1];
  for (const k of [0, 1]) {
    if (d[k] === 0) {
      if (a[k] < 0 || a[k] > 1) return 0;
      continue;
    }
    const cuts = [-a[k] / d[k], (1 - a[k]) / d[k]].sort((one, other) => one - other);
    enter = Math.max(enter, cuts[0]);
    leave = Math.min(leave, cuts[1]);
  }
  return leave > enter ? Math.hypot(d[0], d[1]) * (leave - enter) : 0;
}
