// @ts-check
// The payload of a comparison turned into one scene for each setting: paths as the player, the parts and the pictures read them.

import { decodeNumbers } from "./decode.js";
import { screenTravel } from "./schedule.js";
import { isFinitePoint } from "./track.js";

/**
 * One optimizer at one setting. frames: its steps as the pictures of a single run read them; captions: of the beats of a step.
 * @typedef {{label: string, index: number, rate: number, diverged: boolean, uv: any[], loss: (number | null)[], parameters: number[][],
 *   curve: any, frames: any, captions: string[], last: number}} ComparePath
 * last: the last moment at which it is finite
 */

/**
 * @param {any} payload
 * @returns {any} the comparison; `settings` are scenes
 */
export function decodeComparison(payload) {
  if (payload?.schema !== "fallline.compare-view/1") {
    throw new Error(`This page reads fallline.compare-view/1, and was given ${payload?.schema ?? "nothing"}.`);
  }
  const comparison = decodeNumbers(payload);
  comparison.settings = comparison.settings.map((/** @type {any} */ setting) => compareScene(comparison, setting));
  return comparison;
}

/**
 * A setting as the pictures read it.
 * @param {any} comparison
 * @param {any} setting
 */
export function compareScene(comparison, setting) {
  const count = comparison.taken.length - 1;
  const scene = {
    ...setting,
    parameters: comparison.parameter_names,
    goal: comparison.goal.loss,
    total_steps: comparison.total_steps,
    taken: comparison.taken,
    paths: setting.runs.map((/** @type {any} */ run, /** @type {number} */ i) => comparePath(comparison, setting, run, i)),
    travel: /** @type {number[]} */ ([]),
    rates: comparison.rates,
    stop: null,
    frames: { step: comparison.taken.slice(1).map((/** @type {number} */ taken) => taken - 1), beats: Array(count).fill([]) },
  };
  const travels = scene.paths.map((/** @type {ComparePath} */ path) => screenTravel({ windows: setting.windows, frames: path.frames }));
  scene.travel = scene.frames.step.map((/** @type {number} */ _, /** @type {number} */ i) =>
    travels.reduce((/** @type {number} */ sum, /** @type {number[]} */ travel) => sum + travel[i], 0),
  );
  return scene;
}

/** @param {any} comparison @param {any} setting @param {any} run @param {number} index @returns {ComparePath} */
function comparePath(comparison, setting, run, index) {
  const uv = run.uv ?? run.parameters;
  const count = uv.length - 1;
  const names = (run.parts_uv ?? []).map((/** @type {any} */ part) => part.name);
  const parts = Array.from({ length: count }, (_, i) =>
    (run.parts_uv ?? []).flatMap((/** @type {any} */ part) => (part.uv[i] === null ? [] : [{ name: part.name, uv: part.uv[i] }])),
  );
  const label = comparison.contenders[index].label;
  const lost = uv.findIndex((/** @type {any} */ point) => !isFinitePoint(point));
  return {
    ...run,
    label,
    index,
    uv,
    last: lost === -1 ? count : Math.max(0, lost - 1),
    frames: { start_uv: uv.slice(0, -1), end_uv: uv.slice(1), parts_uv: run.parts_uv === null ? null : parts },
    captions: compareCaptions(label, names, run.plain),
  };
}

/** What each beat of a step shows of the picked optimizer. @param {string} label @param {string[]} names @param {boolean} plain whether a step is its gradient alone */
function compareCaptions(label, names, plain) {
  if (names.length < 2 && !plain) return [`${label}: its step begins`, "its step, on the way", "that is its step", "all move together"];
  const first = `${label}: gradient, turned round`;
  if (names.length < 2) return [first, "times its rate", "that is its step", "all move together"];
  return [first, ...[1, 2].map((beat) => `+ ${names.slice(comparePartsShown(names.length, beat), comparePartsShown(names.length, beat + 1)).join(" + ") || "together"}`), "all move together"];
}

/**
 * How many of the parts have been shown when a beat is over.
 * @param {number} count
 * @param {number} beat 1 … 3
 */
export function comparePartsShown(count, beat) {
  return beat >= 3 ? count : Math.min(count, beat);
}

/**
 * Where in the list of moments the players' place is.
 * @param {any} scene
 * @param {import("./player.js").Place} place
 * @returns {{moment: number, now: number, taken: number}} moment: whole moments passed; now: with the part of the one that is being passed; taken: steps, likewise
 */
export function compareMoment(scene, place) {
  const now = place.frame + place.progress;
  const moment = Math.floor(now + 1e-9);
  const [before, after] = [scene.taken[moment], scene.taken[Math.min(moment + 1, scene.taken.length - 1)]];
  return { moment, now, taken: before + (now - moment) * (after - before) };
}

/**
 * Where an optimizer stands: at its last finite point once it has left all numbers behind.
 * @param {ComparePath} path
 * @param {{moment: number, now: number}} state
 * @returns {{uv: number[], lost: boolean}}
 */
export function comparePlace(path, { moment, now }) {
  if (now > path.last) return { uv: path.uv[path.last], lost: true };
  const [from, to] = [path.uv[moment], path.uv[Math.min(moment + 1, path.uv.length - 1)]];
  const part = now - moment;
  return { uv: part > 0 ? [0, 1].map((k) => from[k] + part * (to[k] - from[k])) : from, lost: false };
}
