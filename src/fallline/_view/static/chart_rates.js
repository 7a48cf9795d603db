// @ts-check
// Where each rate ended, and what a run of each zone looks like: the textbook's drawing, measured.

import { formatNumber, logTicks, logarithmic } from "./scale.js";
import { drawCross } from "./arrows.js";
import { withAlpha } from "./colour.js";
import { drawChartAxes, drawLevel, drawTag, insideChart, lossFrame, stepsAxis, strokeValues } from "./chart_frame.js";
import { parameterColour } from "./theme.js";

const ratesHeadroom = 1000; // times the start's height: what ends higher is marked at the top edge
const ratesPlaces = 12; // steps from left to right that a curve's name is tried at
const ratesDepth = 1e-13; // of the start's height: what lies lower is rounding
/** @type {Record<string, {ink: string, dash: number[]}>} */
const ratesInk = {
  "too small": { ink: "zsmall", dash: [2, 4] },
  "just right": { ink: "zright", dash: [] },
  bouncing: { ink: "zbouncing", dash: [9, 4] },
  diverging: { ink: "zdiverging", dash: [9, 3, 2, 3] },
};

/**
 * How losses of many runs stand on one axis: above the best possible where that is known, else as they are.
 * @param {any} rates
 * @param {(number | null)[]} losses
 */
function ratesMeasure(rates, losses) {
  const above = rates.floor.kind === "optimum";
  const shift = above ? rates.floor.loss : 0;
  const start = rates.start_loss - shift;
  /** @param {number} loss */
  const value = (loss) => loss - shift;
  const finite = /** @type {number[]} */ ([...losses, rates.start_loss].filter((loss) => loss !== null && Number.isFinite(loss))).map(value);
  const least = Math.min(...finite);
  if (start > 0 && (above || least > 0)) {
    const positive = finite.filter((each) => each > start * ratesDepth);
    const [low, high] = [Math.min(...positive) / 1.6, Math.min(Math.max(...positive), start * ratesHeadroom) * 1.6];
    return { name: above ? "loss above the best possible (logarithmic)" : "loss (logarithmic)", low, high, log: true, value: (/** @type {number} */ loss) => (Number.isFinite(loss) ? Math.max(low, value(loss)) : value(loss)) };
  }
  const sorted = finite.toSorted((a, b) => a - b);
  const middle = sorted[Math.floor(sorted.length / 2)];
  const span = Math.max(Math.abs(start - middle), Math.abs(start) * 1e-6, 1e-12);
  return { name: "loss", low: Math.max(least, start - 6 * span) - 0.08 * span, high: Math.min(Math.max(...finite), start + 3 * span) + 0.1 * span, log: false, value };
}

/** @param {CanvasRenderingContext2D} context @param {{width: number, height: number}} size @param {any} scene @param {any} _state @param {any} theme */
export function drawRatesChart(context, size, scene, _state, theme) {
  const { rates } = scene;
  const measure = ratesMeasure(rates, [...rates.final, ...(rates.final_low ?? []), ...(rates.final_high ?? [])]);
  if (rates.named) ratesStrip(measure, size, theme);
  const { box, y, yTicks, yLabels } = lossFrame(context, size, theme, measure);
  const x = logarithmic([rates.value[0], rates.value[rates.value.length - 1]], [box.left + 8, box.left + box.width - 8]);
  const xTicks = logTicks(rates.value[0], rates.value[rates.value.length - 1], box.width / 70);
  insideChart(context, box, () => {
    for (const { name, low, high } of rates.zones) {
      context.fillStyle = withAlpha(theme[ratesInk[name].ink], 0.16);
      context.fillRect(x(low) - 1, box.top, Math.max(4, x(high) - x(low) + 2), box.height);
    }
  });
  drawChartAxes(context, box, theme, { x, y, xTicks, xLabels: xTicks.map((tick) => formatNumber(tick)), yTicks, yLabels, xName: "learning rate (logarithmic)", yName: measure.name.replace("loss", "final loss") });
  const goal = rates.goal_loss === null ? NaN : y(measure.value(rates.goal_loss)); // no bottom, no goal
  if (goal >= box.top && goal <= box.top + box.height) {
    drawLevel(context, box, goal, theme.good);
    drawTag(context, box, { text: "goal", x: box.left - 4, y: goal - theme.fontSize * 0.8, colour: theme.good }, theme);
  }
  ratesUpright(context, box, rates, x, theme);
  if (rates.named) ratesZoneNames(context, box, rates, x, theme);
  if (rates.final_low !== null) ratesSpread(context, rates, x, y, measure, theme);
  const final = rates.final.map((/** @type {number} */ loss) => measure.value(loss));
  insideChart(context, box, () => strokeValues(context, rates.value, final, { x, y }, { colour: theme.line, width: 1.5 }));
  const shown = scene.stop ?? rates.own;
  rates.value.forEach((/** @type {number} */ rate, /** @type {number} */ i) => {
    const ink = theme[ratesInk[rates.zone[i]].ink];
    const height = y(measure.value(rates.final[i]));
    if (!Number.isFinite(rates.final[i])) drawCross(context, [x(rate), box.top + 7], 4, ink);
    else ratesDot(context, [x(rate), ratesWithin(box, height)], height < box.top ? 1 : height > box.top + box.height ? -1 : 0, ink, theme);
  });
  if (rates.continuous) ratesNow(context, box, scene, x, (loss) => y(measure.value(loss)), theme);
  for (const [i, text, colour] of /** @type {[number | null, string, string][]} */ ([[rates.own, rates.home, theme.step], [scene.stop, "here", theme.text]])) {
    if (i === null) continue;
    const at = [x(rates.value[i]), Number.isFinite(rates.final[i]) ? ratesWithin(box, y(measure.value(rates.final[i]))) : box.top + 7];
    ratesRing(context, at, colour, i === shown ? 7.5 : 6);
    if (i === shown || scene.stop === null) drawTag(context, box, { text, x: at[0] + 2, y: Math.min(at[1] + theme.fontSize * 1.3, box.top + box.height - theme.fontSize), colour }, theme);
  }
}

/** Where the run on the screen stands among them: its rate need be none of theirs. @param {CanvasRenderingContext2D} context @param {any} box @param {any} scene @param {any} x @param {(loss: number) => number} y @param {any} theme */
function ratesNow(context, box, { rate, frames, history }, x, y, theme) {
  const rates = frames.learning_rate ?? [];
  if (rates.some((/** @type {number} */ each) => Math.abs(each / rates[0] - 1) > 1e-6)) {
    drawTag(context, box, { text: "now: its rate changes", x: box.left, y: box.top + theme.fontSize, colour: theme.step }, theme);
    return;
  }
  const at = x(rate.value);
  if (!(at >= box.left && at <= box.left + box.width)) return;
  const final = y(history.full_loss[history.full_loss.length - 1] ?? NaN);
  const place = [at, Number.isFinite(final) ? ratesWithin(box, final) : box.top + 7];
  ratesRing(context, place, theme.step, 7.5);
  drawTag(context, box, { text: "now", x: at + 2, y: Math.min(place[1] + theme.fontSize * 1.3, box.top + box.height - theme.fontSize), colour: theme.step }, theme);
}

/** Room for a line of words under the losses. @param {ReturnType<typeof ratesMeasure>} measure @param {{height: number}} size @param {any} theme */
function ratesStrip(measure, size, theme) {
  const part = (1.7 * theme.fontSize) / Math.max(60, size.height - 6 * theme.fontSize);
  if (measure.log) measure.low /= (measure.high / measure.low) ** part;
  else measure.low -= (measure.high - measure.low) * part;
}

/** A height kept inside the chart. @param {any} box @param {number} height */
function ratesWithin(box, height) {
  return Math.max(box.top, Math.min(box.top + box.height, height));
}

/** The limits as upright lines; that of the full batch, which binds no mini-batches, as a faded band. @param {CanvasRenderingContext2D} context @param {any} box @param {any} rates @param {any} x @param {any} theme */
function ratesUpright(context, box, rates, x, theme) {
  context.save();
  context.strokeStyle = theme.text;
  for (const { kind, rate } of rates.marks) {
    const faded = kind === "full batch";
    context.globalAlpha = faded ? 0.18 : 1;
    context.lineWidth = faded ? 14 : 1.25;
    context.setLineDash(kind === "crossing" ? [4, 4] : []);
    context.beginPath();
    context.moveTo(x(rate), box.top);
    context.lineTo(x(rate), box.top + box.height);
    context.stroke();
  }
  context.restore();
}

/** Patterns of the zones, their names where they have room, the names of the limits: there is no track above that tells them. @param {CanvasRenderingContext2D} context @param {any} box @param {any} rates @param {any} x @param {any} theme */
function ratesZoneNames(context, box, rates, x, theme) {
  context.save();
  context.beginPath();
  context.rect(box.left, box.top, box.width, box.height);
  context.clip();
  for (const { name, low, high } of rates.zones) {
    const [left, right] = [Math.max(box.left, x(low) - 1), Math.min(box.left + box.width, x(high) + 1)];
    if (name === "bouncing" || name === "diverging") ratesHatch(context, [left, box.top, Math.max(4, right - left), box.height], withAlpha(theme[ratesInk[name].ink], 0.4), name === "diverging");
  }
  context.restore();
  context.save();
  context.font = `600 ${theme.fontSize}px ${theme.font}`;
  context.textBaseline = "middle";
  context.textAlign = "center";
  for (const { name, low, high } of rates.zones) {
    const [left, right] = [Math.max(box.left, x(low)), Math.min(box.left + box.width, x(high))];
    context.fillStyle = theme[ratesInk[name].ink];
    if (context.measureText(name).width + 8 < right - left) context.fillText(name, (left + right) / 2, box.top + box.height - theme.fontSize * 0.8);
  }
  context.font = `${theme.fontSize}px ${theme.font}`;
  context.fillStyle = theme.text;
  for (const { short, rate } of rates.marks) {
    const left = x(rate) + 5 + context.measureText(short).width < box.left + box.width;
    context.textAlign = left ? "left" : "right";
    context.fillText(short, x(rate) + (left ? 5 : -5), box.top + theme.fontSize * 0.8);
  }
  context.restore();
}

/** Slanted lines, crossed where asked. @param {CanvasRenderingContext2D} context @param {number[]} place @param {string} colour @param {boolean} crossed */
function ratesHatch(context, [left, top, width, height], colour, crossed) {
  context.save();
  context.beginPath();
  context.rect(left, top, width, height);
  context.clip();
  context.strokeStyle = colour;
  context.lineWidth = 1;
  context.beginPath();
  for (let at = left - height; at < left + width + height; at += 9) {
    context.moveTo(at, top + height);
    context.lineTo(at + height, top);
    if (!crossed) continue;
    context.moveTo(at, top);
    context.lineTo(at + height, top + height);
  }
  context.stroke();
  context.restore();
}

/** The lowest and highest over seeds. @param {CanvasRenderingContext2D} context @param {any} rates @param {any} x @param {any} y @param {ReturnType<typeof ratesMeasure>} measure @param {any} theme */
function ratesSpread(context, rates, x, y, measure, theme) {
  context.save();
  context.strokeStyle = withAlpha(theme.line, 0.55);
  context.lineWidth = 4;
  rates.value.forEach((/** @type {number} */ rate, /** @type {number} */ i) => {
    const [low, high] = [rates.final_low[i], rates.final_high[i]].map((loss) => y(measure.value(loss)));
    if (!Number.isFinite(low) || !Number.isFinite(high)) return;
    context.beginPath();
    context.moveTo(x(rate), low);
    context.lineTo(x(rate), high);
    context.stroke();
  });
  context.restore();
}

/** @param {CanvasRenderingContext2D} context @param {number[]} at @param {number} outside 1: it lies above the chart, −1: below @param {string} colour @param {any} theme */
function ratesDot(context, [x, y], outside, colour, theme) {
  context.beginPath();
  if (outside === 0) {
    context.arc(x, y, 3.4, 0, 2 * Math.PI);
  } else {
    context.moveTo(x, y + 2 * outside);
    context.lineTo(x + 4.5, y + 10 * outside);
    context.lineTo(x - 4.5, y + 10 * outside);
    context.closePath();
  }
  context.fillStyle = colour;
  context.fill();
  context.strokeStyle = theme.surface;
  context.lineWidth = 1;
  context.stroke();
}

/** @param {CanvasRenderingContext2D} context @param {number[]} at @param {string} colour @param {number} radius */
function ratesRing(context, [x, y], colour, radius) {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.strokeStyle = colour;
  context.lineWidth = 2.5;
  context.stroke();
}

/**
 * @typedef {{name: string, low: number, high: number, log: boolean, value: (loss: number) => number}} RatesMeasure
 * @typedef {{zone: string, stop: number, step: number[], low: number[], high: number[]}} RatesCurve
 */

/** Loss over the steps of one rate of each zone. @param {CanvasRenderingContext2D} context @param {{width: number, height: number}} size @param {any} scene @param {any} _state @param {any} theme */
export function drawZoneLosses(context, size, scene, _state, theme) {
  const { rates } = scene;
  const all = rates.examples.flatMap((/** @type {any} */ each) => [...each.loss_low, ...each.loss_high]);
  const curves = rates.examples.map((/** @type {any} */ each) => ({ ...each, low: each.loss_low, high: each.loss_high }));
  ratesCurves(context, size, scene, theme, { measure: ratesMeasure(rates, all), curves, level: null, total: ratesTotal(scene) });
}

/** The first parameter over the steps of one rate of each zone. @param {CanvasRenderingContext2D} context @param {{width: number, height: number}} size @param {any} scene @param {any} _state @param {any} theme */
export function drawZoneParameters(context, size, scene, _state, theme) {
  const { rates, optimum, parameters } = scene;
  const curves = rates.examples.map((/** @type {any} */ each) => ({ ...each, low: each.parameter_low, high: each.parameter_high }));
  const level = optimum === null ? null : optimum.parameters[0];
  const held = curves.filter((/** @type {any} */ each) => each.zone !== "diverging");
  const near = [curves[0]?.low[0], level, ...(held.length > 0 ? held : []).flatMap((/** @type {any} */ each) => [...each.low, ...each.high])];
  const finite = near.filter((value) => value !== null && Number.isFinite(value));
  const [low, high] = [Math.min(...finite), Math.max(...finite)];
  const pad = (high - low || Math.abs(high) || 1) * (held.length > 0 && held.some((/** @type {any} */ each) => each.zone === "bouncing") ? 0.1 : 0.5);
  const measure = { name: parameters[0], low: low - pad, high: high + pad, log: false, value: (/** @type {number} */ value) => value };
  ratesCurves(context, size, scene, theme, { measure, curves, level, total: ratesTotal(scene) });
}

/** @param {any} scene */
function ratesTotal(scene) {
  if (!scene.rates.stops) return scene.total_steps;
  const { step } = scene.rates.stops;
  return step[step.length - 1] + 1;
}

/** @param {CanvasRenderingContext2D} context @param {{width: number, height: number}} size @param {any} scene @param {any} theme @param {{measure: RatesMeasure, curves: RatesCurve[], level: number | null, total: number}} what */
function ratesCurves(context, size, scene, theme, { measure, curves, level, total }) {
  const { box, y, yTicks, yLabels } = lossFrame(context, size, theme, measure);
  const steps = stepsAxis(total, box);
  drawChartAxes(context, box, theme, { ...steps, y, yTicks, yLabels, xName: "steps taken (logarithmic)", yName: measure.name });
  if (level !== null) drawLevel(context, box, y(level), parameterColour(theme, 0, scene.parameters.length));
  /** @type {number[][][]} */
  const lines = []; // px, of each curve as it is drawn
  insideChart(context, box, () => {
    for (const { zone, step: taken, low, high } of curves) {
      const step = taken.slice(0, ratesInside(low, high, measure));
      const xs = step.flatMap((at, i) => (low[i] === high[i] ? [at] : [at, at]));
      const ys = step.flatMap((_, i) => (low[i] === high[i] ? [low[i]] : [high[i], low[i]])).map((value) => measure.value(value));
      const { ink, dash } = ratesInk[zone];
      strokeValues(context, xs, ys, { x: steps.x, y }, { colour: theme[ink], width: 2.5, dash });
      lines.push(xs.map((at, i) => [steps.x(at), y(ys[i])]));
    }
  });
  curves.forEach((curve) => ratesBroken(context, box, curve, steps.x, theme));
  ratesNames(context, box, scene, theme, curves, lines);
}

/** How many points are drawn: until the curve has left the chart for good. @param {number[]} low @param {number[]} high @param {RatesMeasure} measure */
function ratesInside(low, high, measure) {
  return low.findLastIndex((value, i) => {
    const [least, most] = [measure.value(value), measure.value(high[i])];
    return least <= measure.high && most >= measure.low && !(least < measure.low && most > measure.high);
  }) + 2;
}

/** ✕ where the first number is not finite. @param {CanvasRenderingContext2D} context @param {any} box @param {RatesCurve} curve @param {any} x @param {any} theme */
function ratesBroken(context, box, { zone, step, low, high }, x, theme) {
  const at = low.findIndex((value, i) => !Number.isFinite(value) || !Number.isFinite(high[i]));
  if (at !== -1) drawCross(context, [x(step[at]), box.top + 9], 4.5, theme[ratesInk[zone].ink]);
}

/**
 * Each curve named near itself, where no other name stands and no curve passes; where there is no such place, where no name stands.
 * @param {CanvasRenderingContext2D} context @param {any} box @param {any} scene @param {any} theme @param {RatesCurve[]} curves @param {number[][][]} lines of each curve, px
 */
function ratesNames(context, box, scene, theme, curves, lines) {
  /** @type {number[][]} */
  const taken = [];
  const half = theme.fontSize * 0.75;
  context.font = `600 ${theme.fontSize}px ${theme.font}`;
  curves.forEach((curve, which) => {
    const text = `${curve.zone}: ${formatNumber(scene.rates.value[curve.stop], 3)}`;
    const width = context.measureText(text).width + 8;
    const [from, down] = [(box.width - width - 1) / ratesPlaces, theme.fontSize / 2];
    const spots = Array.from({ length: ratesPlaces + 1 }, (_, i) => box.left + i * from).flatMap((left) => {
      const [x, y] = lines[which].findLast(([at, up]) => at <= left + width / 2 && Number.isFinite(up)) ?? [NaN, NaN];
      return Array.from({ length: Math.max(0, (box.height - 2 * half) / down) }, (_, i) => box.top + half + i * down).map((up) => [left, left + width, up, Math.abs(up - ratesWithin(box, y)) + Math.max(0, left - x)]);
    });
    const free = spots.filter(([left, right, y]) => taken.every(([start, end, up]) => Math.abs(y - up) > 2 * half || right < start || left > end)).sort((a, b) => a[3] - b[3]);
    const spot = free.find(([left, right, y]) => !lines.some((line) => ratesPasses(line, left - 3, right + 3, y - half, y + half))) ?? free[0];
    if (spot === undefined) return;
    taken.push(spot);
    drawTag(context, box, { text, x: spot[0] - 8, y: spot[2], colour: theme[ratesInk[curve.zone].ink] }, theme);
  });
}

/** Whether a line passes through a rectangle. @param {number[][]} line px @param {number} left @param {number} right @param {number} top @param {number} bottom */
function ratesPasses(line, left, right, top, bottom) {
  return line.some(([x, y], i) => {
    const [beforeX, beforeY] = line[Math.max(0, i - 1)];
    if (x < left || beforeX > right) return false;
    const heights = [left, right].map((edge) => (x === beforeX ? NaN : beforeY + ((y - beforeY) * (Math.min(x, Math.max(beforeX, edge)) - beforeX)) / (x - beforeX)));
    const [one, other] = x === beforeX ? [beforeY, y] : heights;
    return Math.min(one, other) <= bottom && Math.max(one, other) >= top;
  });
}

/**
 * The chart of final losses in words.
 * @param {any} scene
 * @returns {string}
 */
export function describeRates(scene) {
  const { rates } = scene;
  const spans = rates.zones.map((/** @type {any} */ zone) => `${zone.name} from ${formatNumber(zone.low)} to ${formatNumber(zone.high)}`).join(", ");
  return `Final loss against learning rate: ${spans}. The table below has the numbers.`;
}

/**
 * One rate of each zone in words.
 * @param {any} scene
 * @param {string} what
 * @returns {string}
 */
export function describeExamples(scene, what) {
  const { rates } = scene;
  const each = rates.examples.map((/** @type {any} */ one) => `${one.zone} at ${formatNumber(rates.value[one.stop])} ends at ${formatNumber(what === "loss" ? one.loss_high.at(-1) : one.parameter_high.at(-1))}`);
  return `The ${what} over the steps of one rate of each zone: ${each.join(", ")}. The table below has the numbers.`;
}
