// @ts-check
// The runs the rate slider stops at, each as a scene that every picture can draw. Their numbers were measured and embedded; here they are only laid out.

/**
 * @typedef {{count: number, own: number | null, at: () => number | null, show: (index: number | null) => void}} Stops
 * at: the stop that is shown, null for the recorded run
 */

/**
 * Switches one scene between the recorded run and the measured ones: the scene itself changes, so that whoever holds it sees the other run.
 * @param {any} scene
 * @returns {Stops}
 */
export function createStops(scene) {
  const { rates, frames, slice_t, history, trail, total_steps, first_not_finite, outcome, rate, batch } = scene;
  const recorded = { frames, slice_t, history, trail, total_steps, first_not_finite, outcome, rate, batch, stop: null };
  const base = { ...scene };
  Object.assign(scene, recorded);
  const own = hasRates(scene) ? rates.own : null;
  /** @type {Map<number, any>} */
  const made = new Map();
  return {
    count: hasRates(scene) ? rates.value.length : 0,
    own,
    at: () => scene.stop,
    show: (index) => {
      if (index === null || index === own) {
        Object.assign(scene, recorded);
        return;
      }
      if (!made.has(index)) made.set(index, stopScene(base, index));
      Object.assign(scene, made.get(index));
    },
  };
}

/**
 * Are there measured rates to choose from?
 * @param {any} scene
 * @returns {boolean}
 */
export function hasRates(scene) {
  return Boolean(scene.rates) && scene.rates.reason === null;
}

/** @param {any} base @param {number} index */
function stopScene(base, index) {
  const { rates, batch, rate } = base;
  const { stops } = rates;
  const value = rates.value[index];
  const frames = stopFrames(base, index);
  return {
    frames,
    slice_t: stops.slice_t,
    history: stopHistory(stops, index, frames),
    trail: stopTrail(frames),
    total_steps: frames.step.length === 0 ? 0 : stops.first_not_finite[index] === null ? stops.step[stops.step.length - 1] + 1 : frames.step[frames.step.length - 1] + 1,
    first_not_finite: stops.first_not_finite[index],
    outcome: rates.zone[index] === "diverging" ? "diverged" : "descending",
    rate: { ...rate, value, share: rate.limit === null ? null : value / rate.limit },
    batch: { size: batch.rows, rows: batch.rows },
    stop: index,
  };
}

/** The columns of `frames`, as the recorded run has them. @param {any} base @param {number} index */
function stopFrames(base, index) {
  const { rates, frames: recorded, data, plane } = base;
  const { stops } = rates;
  const [start, end, loss] = [stops.start[index], stops.end[index], stops.loss[index]];
  const all = loss.map((/** @type {unknown} */ _, /** @type {number} */ i) => i);
  /** @template T @param {(i: number) => T} value @returns {T[]} */
  const each = (value) => all.map(value);
  const uv = stops.start_uv ? { start: stops.start_uv[index], end: stops.end_uv[index] } : { start, end };
  const promised = stops.first_order_change[index];
  const came = stops.real_change[index];
  return {
    step: stops.step.slice(0, all.length),
    epoch: stops.epoch.slice(0, all.length),
    learning_rate: each(() => rates.value[index]),
    loss,
    loss_after: stops.loss_after[index],
    full_loss: stops.loss_after[index],
    start,
    end,
    gradient: stops.gradient[index],
    first_order_change: promised,
    real_change: came,
    reach: stops.reach[index],
    reach_note: each(() => ""),
    start_uv: uv.start,
    end_uv: uv.end,
    gradient_uv: (stops.gradient_uv ?? stops.gradient)[index],
    ghost_uv: each((i) => [0, 1].map((k) => (k === 1 && plane.kind === "curve" ? stops.ghost_loss[index][i] : 2 * uv.start[i][k] - uv.end[i][k]))),
    ghost_loss: stops.ghost_loss[index],
    parts_uv: recorded.parts_uv === null ? null : each(() => []),
    distance: stops.distance?.[index] ?? each(() => 0),
    plane_loss: stops.plane_loss?.[index] ?? stops.loss_after[index],
    off_plane: each(() => null),
    sentences: each(() => [rates.sentence[index], rates.note]),
    beats: each(() => rates.captions),
    slice: stops.slice[index],
    slice_promised: promised,
    slice_came: came,
    slice_reach: stops.reach[index],
    curve_start: each((i) => stopCurve(stops.inputs, data, start[i])),
    curve_end: each((i) => stopCurve(stops.inputs, data, end[i])),
  };
}

/** What the neuron says at the data panel's inputs. @param {number[][] | null} inputs @param {any} data @param {number[]} parameters */
function stopCurve(inputs, data, parameters) {
  if (inputs === null) return null;
  const bias = parameters[parameters.length - 1];
  const linear = inputs.map((row) => row.reduce((sum, x, k) => sum + x * parameters[k], bias));
  return data.kind === "logistic" ? linear.map((value) => 0.5 * (1 + Math.tanh(0.5 * value))) : linear;
}

/** @param {any} frames */
function stopTrail(frames) {
  const points = [];
  for (let i = 0; i < frames.step.length; i += 1) {
    points.push(frames.start_uv[i]);
    if (frames.step[i + 1] !== frames.step[i] + 1) points.push(frames.end_uv[i], null);
  }
  return points.map((point) => (point !== null && point.every(Number.isFinite) ? point : null));
}

/** Every step while frames follow each other, then the lowest and highest from one frame to the next. @param {any} stops @param {number} index @param {any} frames */
function stopHistory(stops, index, frames) {
  const { bands } = stops;
  const last = frames.step[frames.step.length - 1] ?? -1;
  const kept = bands.step.filter((/** @type {number} */ step) => step <= last).length;
  const [low, high] = [bands.loss_low[index].slice(0, kept), bands.loss_high[index].slice(0, kept)];
  const steps = [-1];
  const losses = [frames.loss[0]];
  frames.step.forEach((/** @type {number} */ step, /** @type {number} */ i) => {
    steps.push(step);
    losses.push(frames.loss_after[i]);
    const band = i - (frames.step.length - kept);
    const next = frames.loss_after[i + 1];
    if (band < 0 || next === undefined) return;
    const between = (step + frames.step[i + 1]) / 2;
    for (const extreme of [high[band], low[band]]) {
      if (extreme <= Math.max(losses[losses.length - 1], next) && extreme >= Math.min(losses[losses.length - 1], next)) continue;
      steps.push(between);
      losses.push(extreme);
    }
  });
  /** @param {number[][]} columns */
  const cut = (columns) => columns.map((column) => column.slice(0, kept));
  return {
    step: bands.step.slice(0, kept),
    loss_low: low,
    loss_high: high,
    full_step: steps,
    full_loss: losses,
    parameters_low: cut(bands.parameters_low[index]),
    parameters_high: cut(bands.parameters_high[index]),
  };
}
