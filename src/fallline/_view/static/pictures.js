// @ts-check
// Every canvas of the page: who draws it, and what its label says to those who cannot see it.

import { createContourPainter } from "./contour.js";
import { createBowlPainter } from "./bowl.js";
import { drawSlice, sliceTaken } from "./slice.js";
import { describeData, drawDataChart } from "./chart_data.js";
import { drawLossChart } from "./chart_loss.js";
import { drawParametersChart } from "./chart_parameters.js";
import { describeExamples, describeRates, drawRatesChart, drawZoneLosses, drawZoneParameters } from "./chart_rates.js";
import { formatNumber } from "./scale.js";

/** @typedef {import("./surface.js").Surface} Surface */
/**
 * @typedef {(context: CanvasRenderingContext2D, size: {width: number, height: number}, scene: any, state: any, theme: any) => void} Painting
 * @typedef {{draw: Painting, describe: (state: any) => string}} Picturing
 */

/**
 * @param {any} scene
 * @param {Record<string, Surface>} surfaces
 * @returns {{draw: (state: any, theme: any) => void}}
 */
export function createPictures(scene, surfaces) {
  const contour = createContourPainter();
  const bowl = createBowlPainter();
  /** @type {Record<string, Picturing>} */
  const all = {
    contour: { draw: contour.draw, describe: (state) => `${scene.plane.kind === "curve" ? `The loss over ${scene.parameters[0]}` : "The loss seen from above"}, with the path. ${describePlace(scene, state)}` },
    inset: { draw: contour.drawInset, describe: (state) => `The valley floor, magnified. ${describePlace(scene, state)}` },
    bowl: {
      draw: bowl.draw,
      describe: (state) => `The loss as a bowl; arrow keys turn it, 0 resets, T looks from above. ${describePlace(scene, state)}`,
    },
    slice: { draw: drawSlice, describe: (state) => describeSlice(scene, state) },
    data: { draw: drawDataChart, describe: (state) => `${describeData(scene)} ${describePlace(scene, state)}` },
    loss: { draw: drawLossChart, describe: (state) => `Loss over steps. ${describePlace(scene, state)}` },
    rates: { draw: drawRatesChart, describe: () => describeRates(scene) },
    zoneloss: { draw: drawZoneLosses, describe: () => describeExamples(scene, "loss") },
    zoneparameters: { draw: drawZoneParameters, describe: () => describeExamples(scene, scene.parameters[0]) },
    parameters: { draw: drawParametersChart, describe: (state) => `Parameters over steps. ${describePlace(scene, state)}` },
  };
  return {
    draw: (state, theme) => {
      for (const [name, surface] of Object.entries(surfaces)) {
        if (scene.frames.step.length === 0 && name !== "data") continue;
        // While something moves only what can be seen is drawn; the last frame draws everything.
        if ((state.mode !== "idle" || state.moving) && !surface.inSight()) continue;
        surface.paint((context, size) => all[name].draw(context, size, scene, state, theme));
        if (state.mode === "idle") surface.describe(all[name].describe(state));
      }
    },
  };
}

/** @param {any} scene @param {any} state */
function describePlace(scene, state) {
  const { frames, parameters, optimum } = scene;
  if (frames.step.length === 0) return "No step was taken.";
  if (scene.total_steps === 0) return "The ball is where the parameters stand.";
  const moved = state.progress === 1;
  const values = (moved ? frames.end : frames.start)[state.frame];
  const where = parameters
    .slice(0, 8)
    .map((/** @type {string} */ name, /** @type {number} */ i) => `${name} ${formatNumber(values[i])}`)
    .join(", ");
  const loss = formatNumber((moved ? frames.loss_after : frames.loss)[state.frame]);
  const best = optimum === null ? "" : ` The minimum has loss ${formatNumber(optimum.loss)}.`;
  return `${moved ? "After" : "Before"} step ${formatNumber(frames.step[state.frame], 12)}: ${where}, loss ${loss}.${best}`;
}

/** @param {any} scene @param {any} state */
function describeSlice(scene, state) {
  const { frames } = scene;
  if (frames.step.length === 0) return "The loss along the step: no step was taken.";
  if (frames.slice[state.frame] === null) return `The loss along the step: ${frames.reach_note[state.frame]}.`;
  const reach = frames.slice_reach[state.frame];
  const far = reach === null ? frames.reach_note[state.frame] : `reach ${formatNumber(reach)}`;
  const [promised, came] = [frames.slice_promised, frames.slice_came].map((column) => formatNumber(column[state.frame]));
  const step = `The loss along step ${formatNumber(frames.step[state.frame], 12)}: the tangent promised ${promised}`;
  return !sliceTaken(state.frame, state) ? `${step}; the step is still to be taken.` : `${step}, what came is ${came}, ${far}.`;
}
