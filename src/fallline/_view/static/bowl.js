// @ts-check
// The bowl: the loss as a surface with an open rim, the path on it, turned by the reader. It supports the contour and never leads.

import { formatNumber, formatTicks, niceTicks } from "./scale.js";
import { lossShade, shadeRgb, withAlpha } from "./colour.js";
import { ballRadius, drawArrow, drawBall, drawMinimum } from "./arrows.js";
import { createLabels } from "./labels.js";
import { labelFont } from "./type.js";
import { axisColour, shortenText } from "./plot.js";
import { ballPlace } from "./track.js";
import { gradientSize } from "./marks.js";
import { bowlBox, bowlFor, bowlLowest, cameraView } from "./camera.js";
import { meshCells, meshHides, meshLoss } from "./mesh.js";
import { drapePath, drapePiece, drawDraped, surfacePoint } from "./drape.js";

/**
 * Everything one drawing of the bowl needs.
 * @typedef {{context: CanvasRenderingContext2D, size: {width: number, height: number}, scene: any, state: any, theme: any, bowl: any,
 *   box: import("./camera.js").BowlBox, eye: ReturnType<typeof cameraView>, sample: (x: number, y: number) => number,
 *   hides: (x: number, y: number, z: number) => boolean, labels: import("./labels.js").Labels}} BowlPicture
 */

/**
 * Of each bowl: its surface as it was last seen, and the surface with the faint path over it.
 * @typedef {WeakMap<object, {key: string, ground: OffscreenCanvas, whole: OffscreenCanvas, trail: any}>} BowlLayers
 */

const bowlGlass = 0.55; // opacity of a wall seen from outside
const bowlGradientLength = 0.42; // half sides: the arrow shows a direction only

/**
 * A painter of the bowl. It keeps the drawn surface, which changes only with the camera, the window, the theme and the size.
 * @returns {{draw: import("./contour.js").Painter}}
 */
export function createBowlPainter() {
  /** @type {BowlLayers} */
  const kept = new WeakMap();
  return {
    draw: (context, size, scene, state, theme) => {
      const bowl = bowlFor(scene, state.windowId);
      if (!bowl) return;
      const picture = bowlPicture(context, size, scene, state, theme, bowl);
      bowlFloor(picture);
      const layer = bowlLayer(kept, picture);
      context.drawImage(layer, 0, 0, size.width, size.height);
      for (const axis of [0, 1]) bowlFloorAxis(picture, axis);
      bowlPath(picture);
      bowlMarks(picture);
      bowlHeightAxis(picture);
      picture.labels.draw(context, theme);
    },
  };
}

/** @param {CanvasRenderingContext2D} context @param {{width: number, height: number}} size @param {any} scene @param {any} state @param {any} theme @param {any} bowl @returns {BowlPicture} */
function bowlPicture(context, size, scene, state, theme, bowl) {
  const line = Math.max(12, theme.fontSize || 12);
  const box = bowlBox(scene, bowl);
  const camera = state.camera;
  context.font = labelFont(theme);
  const left = Math.max(line * 2.6, bowlWidest(context, formatTicks(niceTicks(bowlLowest(bowl), bowl.cut, 3))) + 14);
  const room = { left, top: line * 1.4, width: size.width - left - line * 2.6, height: size.height - line * 4.2 };
  const eye = cameraView(camera, box, room);
  const sample = meshLoss(bowl, box);
  const labels = createLabels({ x: 2, y: 2, width: size.width - 4, height: size.height - 4 });
  return { context, size, scene, state, theme, bowl, box, eye, sample, hides: meshHides(sample, bowl, box, eye.toViewer), labels };
}

/** The surface, drawn once per view, and the faint path over it, once for each path. @param {BowlLayers} kept @param {BowlPicture} picture @returns {OffscreenCanvas} */
function bowlLayer(kept, picture) {
  const { context, size, scene, state, theme, bowl } = picture;
  const density = Math.max(1, context.getTransform().a);
  const key = [size.width, size.height, density, state.camera.azimuth, state.camera.elevation, state.moving, theme.dark].join(" ");
  let layer = kept.get(bowl);
  const [width, height] = [Math.max(1, Math.round(size.width * density)), Math.max(1, Math.round(size.height * density))];
  if (layer === undefined || layer.key !== key) {
    layer = { key, ground: new OffscreenCanvas(width, height), whole: new OffscreenCanvas(width, height), trail: null };
    const pen = layer.ground.getContext("2d");
    pen?.scale(density, density);
    if (pen !== null) bowlSurface(pen, picture);
    kept.set(bowl, layer);
  }
  const pen = layer.whole.getContext("2d");
  if (layer.trail !== scene.trail && pen !== null) {
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.clearRect(0, 0, width, height);
    pen.drawImage(layer.ground, 0, 0);
    pen.scale(density, density);
    drawDraped(pen, picture, drapePath(picture, scene.trail), { alpha: 0.4, width: 1.25, colour: "#ffffff" });
    layer.trail = scene.trail;
  }
  return layer.whole;
}

/** Painter's algorithm: the farthest cell first. The outside of a wall is like smoked glass: the inside shows through. @param {OffscreenCanvasRenderingContext2D} pen @param {BowlPicture} picture */
function bowlSurface(pen, picture) {
  const { scene, state, theme, bowl, box, eye } = picture;
  const levels = scene.windows.find((/** @type {any} */ window) => window.id === bowl.window)?.levels ?? [];
  const finer = state.moving ? 1 : 2;
  const cells = meshCells(bowl, box, eye, finer);
  const behind = (3 * Math.max(box.x / (bowl.x.length - 1), box.y / (bowl.y.length - 1))) / finer;
  pen.lineJoin = "round";
  /** @param {import("./mesh.js").MeshCell} cell */
  const paint = (cell) => {
    const points = cell.points.map(([x, y, z]) => eye.project(x, y, z));
    if (points.length < 3) return;
    const shade = lossShade(scene, cell.loss);
    pen.beginPath();
    points.forEach(([x, y], i) => (i === 0 ? pen.moveTo(x, y) : pen.lineTo(x, y)));
    pen.closePath();
    pen.fillStyle = bowlShade(shade, cell.facing, cell.light);
    pen.globalAlpha = cell.facing >= 0 ? 1 : bowlGlass;
    pen.fill();
    if (cell.facing >= 0) {
      pen.strokeStyle = pen.fillStyle;
      pen.lineWidth = 0.75;
      pen.stroke();
    }
    pen.globalAlpha = 1;
    bowlMesh(pen, points, cell, shade);
  };
  let lined = 0;
  /** Lines follow a cell or two behind, once no neighbour can paint over them. @param {number} nearness */
  const line = (nearness) => {
    for (; lined < cells.length && cells[lined].nearness <= nearness; lined += 1) bowlLines(pen, eye, cells[lined], levels, theme);
  };
  for (const cell of cells) {
    paint(cell);
    line(cell.nearness - behind);
  }
  line(Infinity);
}

/** The contour lines' and the rim's pieces inside one cell: drawn with the cells, so that nearer walls cover them. @param {OffscreenCanvasRenderingContext2D} pen @param {BowlPicture["eye"]} eye @param {import("./mesh.js").MeshCell} cell @param {{loss: number, shade: number}[]} levels @param {any} theme */
function bowlLines(pen, eye, cell, levels, theme) {
  pen.globalAlpha = cell.facing >= 0 ? 1 : bowlGlass;
  for (const level of levels) {
    /** @type {[number, number][]} */
    const crossings = [];
    cell.points.forEach((from, i) => {
      const to = cell.points[(i + 1) % cell.points.length];
      if (from[3] > level.loss === to[3] > level.loss) return;
      const part = (level.loss - from[3]) / (to[3] - from[3]);
      const [x, y, z] = [0, 1, 2].map((k) => from[k] + part * (to[k] - from[k]));
      crossings.push(eye.project(x, y, z));
    });
    if (crossings.length !== 2) continue;
    pen.beginPath();
    pen.moveTo(...crossings[0]);
    pen.lineTo(...crossings[1]);
    pen.strokeStyle = level.shade > 0.55 ? "rgba(20,20,30,0.55)" : "rgba(255,255,255,0.65)";
    pen.lineWidth = 1;
    pen.stroke();
  }
  if (cell.rim !== null) {
    const [from, to] = cell.rim.map((i) => cell.points[i]);
    pen.beginPath();
    pen.moveTo(...eye.project(from[0], from[1], from[2]));
    pen.lineTo(...eye.project(to[0], to[1], to[2]));
    pen.strokeStyle = theme.text;
    pen.lineWidth = 1.5;
    pen.stroke();
  }
  pen.globalAlpha = 1;
}

/** The inside is lit from the left; the outside of a wall is darker and greyer. @param {number} shade @param {number} facing @param {number} light */
function bowlShade(shade, facing, light) {
  const inside = facing >= 0;
  const brightness = inside ? 0.84 + 0.24 * Math.max(0, light) : 0.5 + 0.12 * Math.abs(light);
  const [red, green, blue] = shadeRgb(shade);
  const grey = 0.3 * red + 0.59 * green + 0.11 * blue;
  const mix = inside ? 0 : 0.45;
  return `rgb(${[red, green, blue].map((value) => Math.round(Math.min(255, (value + mix * (grey - value)) * brightness))).join(",")})`;
}

/** @param {OffscreenCanvasRenderingContext2D} pen @param {[number, number][]} points @param {import("./mesh.js").MeshCell} cell @param {number} shade */
function bowlMesh(pen, points, cell, shade) {
  pen.beginPath();
  points.forEach(([x, y], i) => {
    if (!cell.mesh[i]) return;
    const [toX, toY] = points[(i + 1) % points.length];
    pen.moveTo(x, y);
    pen.lineTo(toX, toY);
  });
  pen.strokeStyle = shade > 0.55 ? "rgba(60,45,0,0.16)" : "rgba(255,255,255,0.2)";
  pen.lineWidth = 0.6;
  pen.stroke();
}

/** The walked path; what lies behind a wall at a quarter. @param {BowlPicture} picture */
function bowlPath(picture) {
  const { context, scene, state } = picture;
  const place = ballPlace(scene, state);
  const { start_uv: starts, end_uv: ends, step } = scene.frames;
  const walked = [];
  for (let i = 0; i < place.frame; i += 1) {
    walked.push(starts[i]);
    if (step[i + 1] !== step[i] + 1) walked.push(ends[i], null);
  }
  walked.push(starts[place.frame], place.uv);
  drawDraped(context, picture, drapePath(picture, walked), { alpha: 1, width: 2, colour: "#ffffff" });
}

/** The minimum, the step, the tangent arrow uphill and the ball. @param {BowlPicture} picture */
function bowlMarks(picture) {
  const { context, scene, state, theme, eye, hides, labels } = picture;
  const place = ballPlace(scene, state);
  const lowest = surfacePoint(picture, scene.plane.minimum_uv);
  if (lowest !== null) {
    context.save();
    context.globalAlpha = hides(...lowest) ? 0.35 : 1;
    drawMinimum(context, eye.project(...lowest), ballRadius(theme) * 0.8);
    context.restore();
  }
  bowlStep(picture, place.frame);
  bowlGradient(picture, place.frame);
  const ball = surfacePoint(picture, place.uv);
  if (ball === null) {
    if (place.uv !== null) labels.add({ text: "the ball is outside this bowl", x: picture.size.width / 2, y: 14, prefer: "below", required: true, away: 0 });
    return;
  }
  const at = eye.project(...ball);
  context.save();
  context.globalAlpha = hides(...ball) ? 0.45 : 1;
  const radius = ballRadius(theme);
  drawBall(context, [at[0], at[1] - radius * 0.6 * eye.toViewer[2]], radius, place.lost || state.lost === true);
  context.restore();
  labels.blockBall(at, radius + 3);
}

/** @param {BowlPicture} picture @param {number} frame */
function bowlStep(picture, frame) {
  const { context, scene, state, theme, eye } = picture;
  const [from, to] = [scene.frames.start_uv[frame], scene.frames.end_uv[frame]];
  if (state.beat === 1 || state.beat === 2 || ![...from, ...to].every(Number.isFinite)) return;
  const chain = drapePiece(picture, from, to);
  drawDraped(context, picture, chain, { alpha: 1, width: 3, colour: theme.step });
  const [before, last] = chain.slice(-2);
  if (!before || !last) return;
  const [a, b] = [eye.project(...before), eye.project(...last)];
  const length = Math.hypot(b[0] - a[0], b[1] - a[1]);
  const start = chain[0] ? eye.project(...chain[0]) : a;
  if (length < 0.2 || Math.hypot(b[0] - start[0], b[1] - start[1]) < 14) return;
  const back = [b[0] - ((b[0] - a[0]) / length) * 13, b[1] - ((b[1] - a[1]) / length) * 13];
  drawArrow(context, back, b, { colour: theme.step, width: 3, head: 12 });
}

/** Uphill along the tangent: in space, so it leans with the wall. @param {BowlPicture} picture @param {number} frame */
function bowlGradient(picture, frame) {
  const { context, scene, theme, eye, box, sample, hides, labels } = picture;
  const uv = scene.frames.start_uv[frame];
  const start = surfacePoint(picture, uv);
  const along = scene.frames.gradient_uv[frame];
  if (start === null || !along || ![...along].every(Number.isFinite)) return;
  const size = Math.hypot(along[0], along[1]);
  if (!(size > 0)) return;
  const spread = picture.bowl.x[picture.bowl.x.length - 1] - picture.bowl.x[0];
  const [ax, ay] = box.at(uv[0] + (along[0] / size) * spread, uv[1] + (along[1] / size) * spread);
  const [dx, dy] = [ax - start[0], ay - start[1]];
  const flat = Math.hypot(dx, dy) || 1;
  const [ux, uy] = [dx / flat, dy / flat];
  const near = 0.02;
  const [low, high] = [sample(start[0] - ux * near, start[1] - uy * near), sample(start[0] + ux * near, start[1] + uy * near)];
  if (!Number.isFinite(high - low)) return;
  const rise = (box.heightOf(high) - box.heightOf(low)) / (2 * near);
  const stretch = bowlGradientLength / Math.hypot(1, rise);
  const tip = [start[0] + ux * stretch, start[1] + uy * stretch, start[2] + rise * stretch];
  const [from, to] = [eye.project(...start), eye.project(tip[0], tip[1], tip[2])];
  drawArrow(context, from, to, { colour: theme.gradient, width: 3, dash: [6, 4], alpha: hides(...start) ? 0.35 : 1 });
  labels.blockLine(from, to);
  labels.add({ text: `uphill ${formatNumber(gradientSize(scene, frame))}`, x: to[0], y: to[1], prefer: to[0] > from[0] ? "right" : "left", colour: theme.gradient, bold: true, away: 6 });
}

/** The floor the bowl stands on. @param {BowlPicture} picture */
function bowlFloor(picture) {
  const { context, theme, eye, box } = picture;
  const corners = [[-1, -1], [1, -1], [1, 1], [-1, 1]].map(([x, y]) => eye.project(x * box.x, y * box.y, 0));
  context.save();
  context.beginPath();
  corners.forEach(([x, y], i) => (i === 0 ? context.moveTo(x, y) : context.lineTo(x, y)));
  context.closePath();
  context.fillStyle = withAlpha(theme.muted, 0.1);
  context.fill();
  context.strokeStyle = theme.grid;
  context.lineWidth = 1;
  context.stroke();
  context.restore();
}

/** One of the floor's two near edges as an axis. @param {BowlPicture} picture @param {number} axis 0 or 1 */
function bowlFloorAxis(picture, axis) {
  const { context, scene, theme, bowl, eye } = picture;
  const view = scene.windows.find((/** @type {any} */ window) => window.id === bowl.window);
  const values = axis === 0 ? bowl.x : bowl.y;
  const range = [values[0], values[values.length - 1]];
  const place = (/** @type {number} */ value) => bowlFloorAt(picture, axis, value);
  const centre = eye.project(0, 0, 0);
  const middle = bowlFloorAt(picture, axis);
  const left = (middle[0] - bowlFloorAt(picture, 1 - axis)[0] || axis - 0.5) < 0;
  const away = Math.hypot(middle[0] - centre[0], middle[1] - centre[1]) || 1;
  const out = [(middle[0] - centre[0]) / away, (middle[1] - centre[1]) / away];
  const line = Math.max(12, theme.fontSize || 12);
  const ticks = niceTicks(range[0], range[1], 4);
  context.save();
  context.strokeStyle = theme.muted;
  context.fillStyle = theme.muted;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.font = labelFont(theme);
  context.beginPath();
  context.moveTo(...place(range[0]));
  context.lineTo(...place(range[1]));
  const [low, high] = [place(range[0]), place(range[1])];
  const texts = formatTicks(ticks);
  const roomy = Math.hypot(high[0] - low[0], high[1] - low[1]) > line * 6;
  ticks.forEach((tick, i) => {
    const [x, y] = place(tick);
    context.moveTo(x, y);
    context.lineTo(x + out[0] * 5, y + out[1] * 5);
    if (roomy) context.fillText(texts[i], x + out[0] * (8 + context.measureText(texts[i]).width / 2), y + out[1] * (6 + line * 0.6));
  });
  context.stroke();
  const reach = 8 + (roomy ? bowlWidest(context, texts) * Math.abs(out[0]) + line * 1.1 : 0);
  bowlAxisName(picture, view ? view.labels[axis] : scene.plane.axes[axis], [middle[0] + out[0] * (reach + line * 0.9), middle[1] + out[1] * (reach + line * 0.6)], left);
  context.restore();
}

/** Where a value, the middle one unless told, lies on the floor's near edge along an axis. @param {BowlPicture} picture @param {number} axis 0 or 1 @param {number} [value] @returns {[number, number]} */
function bowlFloorAt({ bowl, box, eye }, axis, value) {
  const values = axis === 0 ? bowl.x : bowl.y;
  const told = value ?? (values[0] + values[values.length - 1]) / 2;
  if (axis === 0) return eye.project(box.at(told, bowl.y[0])[0], (eye.nearness(0, 1) > 0 ? 1 : -1) * box.y, 0);
  return eye.project((eye.nearness(1, 0) > 0 ? 1 : -1) * box.x, box.at(bowl.x[0], told)[1], 0);
}

/** A long name stands at the foot of the picture, on the side of its axis; a short one beside it. @param {BowlPicture} picture @param {string} name @param {number[]} at @param {boolean} left whether the other axis lies farther to the right: two long names share no side */
function bowlAxisName({ context, size, scene, theme, labels }, name, at, left) {
  const line = Math.max(12, theme.fontSize || 12);
  context.font = labelFont(theme, 1.1, true);
  if (context.measureText(name).width > size.width * 0.48) context.font = labelFont(theme, 1, true);
  context.textAlign = "center";
  context.fillStyle = axisColour(scene, theme, name);
  const text = shortenText(context, name, size.width * 0.48);
  const half = context.measureText(text).width / 2;
  const long = half > line * 3;
  const x = long ? (left ? half + 3 : size.width - half - 3) : Math.min(size.width - half - 3, Math.max(half + 3, at[0]));
  const y = long ? size.height - line : Math.min(size.height - line * 0.7, at[1]);
  context.strokeStyle = theme.surface;
  context.lineWidth = 4;
  context.lineJoin = "round";
  context.strokeText(text, x, y);
  context.fillText(text, x, y);
  labels.block({ x: x - half, y: y - line * 0.7, width: 2 * half, height: line * 1.4 });
}

/** @param {CanvasRenderingContext2D} context @param {string[]} texts @returns {number} px */
function bowlWidest(context, texts) {
  return Math.max(0, ...texts.map((text) => context.measureText(text).width));
}

/** The loss, upright at the corner farthest to the left. @param {BowlPicture} picture */
function bowlHeightAxis(picture) {
  const { context, state, theme, bowl, box, eye, labels } = picture;
  if (state.camera.elevation > 75) return;
  const corners = [[-1, -1], [1, -1], [1, 1], [-1, 1]].map(([x, y]) => [x * box.x, y * box.y]);
  const [x, y] = corners.reduce((best, corner) => (eye.project(corner[0], corner[1], 0)[0] < eye.project(best[0], best[1], 0)[0] ? corner : best));
  const line = Math.max(12, theme.fontSize || 12);
  const ticks = niceTicks(bowlLowest(bowl), bowl.cut, 3);
  const texts = formatTicks(ticks);
  context.save();
  context.strokeStyle = theme.muted;
  context.fillStyle = theme.muted;
  context.font = labelFont(theme);
  context.textAlign = "left";
  context.textBaseline = "middle";
  const top = eye.project(x, y, box.heightOf(bowl.cut));
  context.beginPath();
  context.moveTo(...eye.project(x, y, 0));
  context.lineTo(...top);
  ticks.forEach((tick, i) => {
    const at = eye.project(x, y, box.heightOf(tick));
    context.moveTo(at[0], at[1]);
    context.lineTo(at[0] - 4, at[1]);
    context.textAlign = "right";
    context.fillText(texts[i], at[0] - 6, at[1]);
    const width = context.measureText(texts[i]).width;
    labels.block({ x: at[0] - 6 - width, y: at[1] - line / 2, width, height: line });
  });
  context.stroke();
  context.font = labelFont(theme, 1.05, true);
  context.textAlign = "center";
  context.fillStyle = theme.text;
  context.fillText("loss", Math.max(top[0], line * 1.5), Math.max(line * 0.7, top[1] - line));
  context.restore();
}
