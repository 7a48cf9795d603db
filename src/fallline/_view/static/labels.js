// @ts-check
// Text on a picture: every label finds a place inside the canvas where it covers neither the ball, an arrow nor another label.

import { withAlpha } from "./colour.js";
import { labelFont } from "./type.js";

/** @typedef {{x: number, y: number, width: number, height: number}} Box */
/** @typedef {{text: string, x: number, y: number, prefer?: string, colour?: string, away?: number, required?: boolean, near?: boolean, corner?: boolean, bold?: boolean}} LabelRequest
 * required: placed even where it covers something; near: left out where it would stand far from its point;
 * corner: it belongs to the whole picture and stands in its point's corner, else in another */
/** @typedef {{block: (box: Box) => void, blockLine: (from: number[], to: number[]) => void, blockBall: (at: number[], radius: number) => void, add: (request: LabelRequest) => void, draw: (context: CanvasRenderingContext2D, theme: any) => void}} Labels */

const labelDirections = {
  right: [1, 0], left: [-1, 0], above: [0, -1], below: [0, 1],
  aboveRight: [0.8, -0.8], aboveLeft: [-0.8, -0.8], belowRight: [0.8, 0.8], belowLeft: [-0.8, 0.8],
};

/**
 * Collects what is in the way, then the labels in order of importance, then draws them.
 * @param {Box} bounds labels stay inside
 * @returns {Labels}
 */
export function createLabels(bounds) {
  /** @type {Box[]} */
  const blocked = [];
  /** @type {LabelRequest[]} */
  const requests = [];
  return {
    block: (box) => { blocked.push(box); },
    blockBall: ([x, y], radius) => { blocked.push({ x: x - radius, y: y - radius, width: 2 * radius, height: 2 * radius }); },
    blockLine: (from, to) => {
      const pieces = Math.min(40, Math.max(1, Math.ceil(Math.hypot(to[0] - from[0], to[1] - from[1]) / 8)));
      for (let i = 0; i <= pieces; i += 1) {
        const [x, y] = [0, 1].map((k) => from[k] + ((to[k] - from[k]) * i) / pieces);
        blocked.push({ x: x - 3, y: y - 3, width: 6, height: 6 });
      }
    },
    add: (request) => { requests.push(request); },
    draw: (context, theme) => {
      /** @type {(() => void)[]} */
      const placed = [];
      const needed = requests.filter((request) => request.required);
      for (const request of [...needed, ...requests.filter((other) => !other.required)]) {
        const lines = labelMeasure(context, theme, request, bounds);
        const box = labelPlace(request, lines, bounds, blocked);
        if (box === null) continue;
        blocked.push(box);
        placed.push(() => labelPaint(context, theme, request, lines, box));
        if (!request.corner) labelLeader(context, theme, request, box);
      }
      for (const paint of placed) paint();
    },
  };
}

/**
 * Breaks a sentence into lines no wider than the room it has. Expects context.font to be set.
 * @param {CanvasRenderingContext2D} context
 * @param {string} text
 * @param {number} room px
 * @returns {string[]}
 */
export function wrapText(context, text, room) {
  const lines = [];
  let line = "";
  for (const word of text.split(" ")) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (line !== "" && context.measureText(longer).width > room) {
      lines.push(line);
      line = word;
    } else {
      line = longer;
    }
  }
  if (line !== "") lines.push(line);
  return lines;
}

/**
 * @param {CanvasRenderingContext2D} context @param {any} theme @param {LabelRequest} request @param {Box} bounds
 */
function labelMeasure(context, theme, request, bounds) {
  context.font = labelFont(theme, 1, request.bold);
  const rows = wrapText(context, request.text, Math.max(60, bounds.width - 16));
  const width = Math.max(...rows.map((row) => context.measureText(row).width)) + 10;
  const lineHeight = Math.max(12, theme.fontSize || 12) * 1.25;
  return { rows, width, height: rows.length * lineHeight + 4, lineHeight };
}

/**
 * The first free place, else (where the label is required) the one that covers least; null where it is left out.
 * @param {LabelRequest} request @param {{width: number, height: number}} size @param {Box} bounds @param {Box[]} blocked
 * @returns {Box | null}
 */
function labelPlace(request, size, bounds, blocked) {
  const names = Object.keys(labelDirections);
  const order = [request.prefer ?? "right", ...names.filter((name) => name !== request.prefer)];
  let best = null;
  let least = Infinity;
  if (request.corner) {
    const corner = labelCorners(request, size, bounds).find((box) => blocked.every((other) => labelOverlap(box, other) === 0));
    if (corner) return corner;
  }
  for (const far of request.required ? [0, 10, 24, 42, 64, 90, 125] : request.near ? [0, 8] : [0, 10, 24]) {
    for (const name of order) {
      const box = labelBox(request, size, bounds, labelDirections[/** @type {keyof typeof labelDirections} */ (name)], far);
      const covered = blocked.reduce((sum, other) => sum + labelOverlap(box, other), 0);
      if (covered === 0) return box;
      if (covered < least) [best, least] = [box, covered];
    }
  }
  return request.required ? best : null;
}

/** The corners of the picture, the nearest to the request's point first. @param {LabelRequest} request @param {{width: number, height: number}} size @param {Box} bounds @returns {Box[]} */
function labelCorners(request, { width, height }, bounds) {
  const corners = [0, 1].flatMap((right) => [0, 1].map((low) => ({ x: bounds.x + 3 + right * (bounds.width - width - 6), y: bounds.y + 3 + low * (bounds.height - height - 6), width, height })));
  /** @param {Box} box */
  const far = (box) => Math.hypot(box.x + width / 2 - request.x, box.y + height / 2 - request.y);
  return corners.sort((a, b) => far(a) - far(b));
}

/** @param {LabelRequest} request @param {{width: number, height: number}} size @param {Box} bounds @param {number[]} direction @param {number} far */
function labelBox(request, size, bounds, direction, far) {
  const away = (request.away ?? 10) + far;
  const left = request.x + direction[0] * away + (Math.sign(direction[0]) - 1) * 0.5 * size.width;
  const top = request.y + direction[1] * away + (Math.sign(direction[1]) - 1) * 0.5 * size.height;
  return {
    x: Math.min(Math.max(left, bounds.x), bounds.x + bounds.width - size.width),
    y: Math.min(Math.max(top, bounds.y), bounds.y + bounds.height - size.height),
    width: size.width,
    height: size.height,
  };
}

/** @param {Box} a @param {Box} b */
function labelOverlap(a, b) {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  return width > 0 && height > 0 ? width * height : 0;
}

/** A thin line from a label that stands far off to its point. @param {CanvasRenderingContext2D} context @param {any} theme @param {LabelRequest} request @param {Box} box */
function labelLeader(context, theme, request, box) {
  const near = [Math.min(Math.max(request.x, box.x), box.x + box.width), Math.min(Math.max(request.y, box.y), box.y + box.height)];
  if (Math.hypot(near[0] - request.x, near[1] - request.y) < (request.away ?? 10) + 8) return;
  context.save();
  context.strokeStyle = withAlpha(theme.surface, 0.9);
  context.lineWidth = 1.5;
  context.beginPath();
  context.moveTo(near[0], near[1]);
  context.lineTo(request.x, request.y);
  context.stroke();
  context.restore();
}

/**
 * @param {CanvasRenderingContext2D} context @param {any} theme @param {LabelRequest} request
 * @param {{rows: string[], lineHeight: number}} lines @param {Box} box
 */
function labelPaint(context, theme, request, lines, box) {
  context.save();
  context.font = labelFont(theme, 1, request.bold);
  context.fillStyle = withAlpha(theme.surface, 0.88);
  context.beginPath();
  context.roundRect(box.x, box.y, box.width, box.height, 4);
  context.fill();
  context.fillStyle = request.colour ?? theme.text;
  context.textAlign = "left";
  context.textBaseline = "middle";
  lines.rows.forEach((row, i) => context.fillText(row, box.x + 5, box.y + 2.5 + lines.lineHeight * (i + 0.5)));
  context.restore();
}
