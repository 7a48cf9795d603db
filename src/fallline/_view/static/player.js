// @ts-check
// Where the picture stands in the run, and what moves it: four beats of a step, playing, stepping, scrubbing.

import { makeSchedule, positionAt, secondsAt } from "./schedule.js";

const playerBeat = 0.6; // seconds
const playerMove = 0.9; // seconds of a step that is no four beats: nobody knows that it is the gradient's
const playerCut = 0.25; // seconds between two jump cuts when reduced motion is asked for
const playerLongest = 0.3; // seconds one animation frame may advance: a page that was hidden does not jump ahead

/**
 * @typedef {{frame: number, progress: number, beat: number, beatProgress: number, mode: "idle" | "beats" | "playing", skip: number}} Place
 * frame 0 … F−1; progress 0 … 1 along its step; beat 0 (nothing shown yet) … 4 (moved); skip: steps passed in the last animation frame
 */
/** @typedef {ReturnType<typeof createPlayer>} Player */

/**
 * @param {any} scene
 * @param {{onChange: () => void, reducedMotion: () => boolean}} host
 */
export function createPlayer(scene, host) {
  let count = 0;
  /** @type {import("./schedule.js").Schedule} */
  let schedule = { starts: new Float64Array(1), total: 0 };
  const load = () => {
    count = scene.total_steps === 0 ? 0 : scene.frames.step.length;
    schedule = count > 0 ? makeSchedule(scene) : { starts: new Float64Array(1), total: 0 };
  };
  load();
  /** @type {Place} */
  const place = { frame: 0, progress: 0, beat: 0, beatProgress: 1, mode: "idle", skip: 0 };
  let request = 0;
  let last = 0;
  let clock = 0; // seconds into the beats or into the schedule
  /** @type {number | null} */
  let aim = null; // the step that swaps keep to: a run in between may leave it out

  /** @param {Partial<Place>} changes */
  const set = (changes) => {
    Object.assign(place, changes);
    host.onChange();
  };
  const stop = () => {
    cancelAnimationFrame(request);
    request = 0;
    if (place.mode !== "idle") Object.assign(place, { mode: "idle", skip: 0, beatProgress: 1 });
  };
  /** @param {"beats" | "playing"} mode */
  const start = (mode) => {
    aim = null;
    place.mode = mode;
    last = 0;
    request = requestAnimationFrame(tick);
    host.onChange();
  };
  /** @param {number} now milliseconds */
  const tick = (now) => {
    const passed = last === 0 ? 0 : Math.min(playerLongest, (now - last) / 1000);
    if (place.mode === "playing" && host.reducedMotion() && last !== 0 && now - last < playerCut * 1000) {
      request = requestAnimationFrame(tick);
      return;
    }
    clock += place.mode === "playing" && host.reducedMotion() && last !== 0 ? (now - last) / 1000 : passed;
    last = now;
    const more = place.mode === "beats" ? beatsTick() : playTick();
    if (more) request = requestAnimationFrame(tick);
    else stop();
    host.onChange();
  };
  const beatsTick = () => {
    if (scene.frames.beats === null) {
      const part = Math.min(1, clock / playerMove);
      Object.assign(place, { beat: 4, beatProgress: 1, progress: playerEase(part) });
      return part < 1;
    }
    const done = clock / playerBeat;
    place.beat = Math.min(4, Math.floor(done) + 1);
    place.beatProgress = done >= 4 ? 1 : done - Math.floor(done);
    place.progress = done >= 4 ? 1 : playerEase(Math.max(0, done - 3));
    return done < 4;
  };
  const playTick = () => {
    const before = place.frame;
    const exact = positionAt(schedule, clock);
    const position = host.reducedMotion() ? Math.ceil(exact) : exact;
    playerPut(place, position, count);
    place.skip = scene.frames.step[place.frame] - scene.frames.step[before];
    return clock < schedule.total;
  };
  /** @param {number} position whole: steps shown as taken */
  const seek = (position) => {
    stop();
    aim = null;
    playerPut(place, Math.min(count, Math.max(0, Math.round(position))), count);
    set({ beatProgress: 1 });
  };
  const taken = () => (place.progress > 0 ? place.frame + 1 : place.frame);
  return {
    place,
    get count() {
      return count;
    },
    /** The scene shows another run: as many steps of it are taken as of the one before. @param {() => void} change */
    change: (change) => {
      stop();
      const [all, before] = [taken() >= count, taken() === 0 ? 0 : scene.frames.step[taken() - 1] + 1];
      change();
      load();
      const after = scene.frames.step.filter((/** @type {number} */ step) => step < before).length;
      seek(all ? count : after);
    },
    /** The same run goes another way from here on, or from the start: the place in it stays, and what was playing plays on. @param {() => void} change */
    swap: (change) => {
      const { mode } = place;
      const all = taken() >= count;
      const step = aim ?? scene.frames.step[place.frame] ?? 0;
      change();
      load();
      const { step: steps } = scene.frames;
      const next = steps.findIndex((/** @type {number} */ each) => each >= step);
      const frame = next === -1 || steps[next] > step ? (next === -1 ? count : next) - 1 : next;
      if (mode === "idle" && all) seek(count);
      else if (steps[frame] === step) place.frame = frame;
      else seek(frame + 1);
      if (mode === "playing" && place.mode === "idle") start("playing");
      if (mode === "idle") aim = step;
      if (place.mode === "playing") clock = secondsAt(schedule, place.frame + place.progress);
      host.onChange();
    },
    position: () => place.frame + place.progress,
    taken,
    seek,
    back: () => seek(place.mode === "beats" ? place.frame : taken() - 1),
    forward: () => seek(place.mode === "beats" ? place.frame + 1 : taken() + 1),
    pause: () => {
      const here = taken();
      stop();
      seek(here);
    },
    /** Four beats: gradient, minus, times the rate, move. At the end of the run: back to the start. */
    takeStep: () => {
      if (count === 0) return;
      const next = place.mode === "beats" ? place.frame + 1 : taken();
      if (next >= count) {
        seek(0);
        return;
      }
      stop();
      Object.assign(place, { frame: next, progress: 0, beat: 0, beatProgress: 1 });
      clock = 0;
      if (host.reducedMotion()) set({ progress: 1, beat: 4 });
      else start("beats");
    },
    play: () => {
      if (count === 0) return;
      const from = taken() >= count ? 0 : place.mode === "beats" ? place.frame : taken();
      stop();
      clock = secondsAt(schedule, from);
      start("playing");
    },
    stop,
  };
}

/**
 * @param {Place} place
 * @param {number} position
 * @param {number} count
 */
function playerPut(place, position, count) {
  const begun = Math.floor(position);
  const whole = position === begun && position > 0;
  const frame = Math.max(0, Math.min(count - 1, whole ? begun - 1 : begun));
  const progress = whole ? 1 : position - begun;
  Object.assign(place, { frame, progress, beat: progress > 0 ? 4 : 0 });
}

/** Slow, fast, slow. @param {number} part 0 … 1 */
function playerEase(part) {
  return part < 0.5 ? 2 * part * part : 1 - 2 * (1 - part) * (1 - part);
}

/** The player's place where so many steps were taken. @param {any} scene @param {Player} player @param {number | "end" | null} step */
export function placeAfter({ frames }, player, step) {
  return step === "end" ? player.count : frames.step.filter((/** @type {number} */ each) => each < (step ?? 0)).length;
}
