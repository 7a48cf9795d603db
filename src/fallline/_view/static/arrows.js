// @ts-check
// The marks that mean something: arrows, the ball, the minimum, the edge chevron, the cross. Each has a shape of its own, not only a colour.

import { haloFor, withAlpha } from "./colour.js";

/** @typedef {{colour: string, width?: number, dash?: number[], alpha?: number, head?: number, hollow?: boolean}} ArrowStyle */

/**
 * The radius of the ball for a type size; the other marks are measured by it.
 * @param {any} theme
 * @returns {number} px
 */
export function ballRadius(theme) {
  return Math.max(6, (theme.fontSize || 12) * 0.5);
}

/**
 * A line with a contrasting halo, so that it reads on any ground.
 * @param {CanvasRenderingContext2D} context
 * @param {() => void} trace adds the line to the current path
 * @param {{colour: string, width: number, dash?: number[], halo?: string, casing?: number}} style
 */
export function strokeWithHalo(context, trace, style) {
  context.save();
  context.lineJoin = "round";
  context.lineCap = style.dash ? "butt" : "round";
  context.beginPath();
  trace();
  context.strokeStyle = style.halo ?? haloFor(style.colour);
  context.lineWidth = style.width + (style.casing ?? 2.5);
  context.stroke();
  context.setLineDash(style.dash ?? []);
  context.strokeStyle = style.colour;
  context.lineWidth = style.width;
  context.stroke();
  context.restore();
}

/**
 * An arrow exactly from one point to another. Its head shrinks with it; under two pixels there is nothing to see.
 * @param {CanvasRenderingContext2D} context
 * @param {number[]} from px
 * @param {number[]} to px
 * @param {ArrowStyle} style
 */
export function drawArrow(context, from, to, style) {
  const length = Math.hypot(to[0] - from[0], to[1] - from[1]);
  if (!(length >= 2) || length > 1e5) return;
  const width = style.width ?? 3;
  const head = Math.min(style.head ?? width * 4, length * 0.7);
  const along = [(to[0] - from[0]) / length, (to[1] - from[1]) / length];
  const base = [to[0] - along[0] * head, to[1] - along[1] * head];
  const half = head * 0.5;
  context.save();
  context.globalAlpha *= style.alpha ?? 1;
  const halo = haloFor(style.colour);
  arrowHead(context, to, base, along, half);
  context.strokeStyle = halo;
  context.lineWidth = 2.5;
  context.lineJoin = "round";
  context.stroke();
  strokeWithHalo(context, () => {
    context.moveTo(from[0], from[1]);
    context.lineTo(base[0] + along[0], base[1] + along[1]);
  }, { colour: style.colour, width: Math.min(width, Math.max(1, length * 0.3)), dash: style.dash, halo });
  arrowHead(context, to, base, along, half);
  context.fillStyle = style.hollow ? halo : style.colour;
  context.fill();
  if (style.hollow) {
    context.strokeStyle = style.colour;
    context.lineWidth = 1.5;
    context.stroke();
  }
  context.restore();
}

/** @param {CanvasRenderingContext2D} context @param {number[]} tip @param {number[]} base @param {number[]} along @param {number} half */
function arrowHead(context, tip, base, along, half) {
  context.beginPath();
  context.moveTo(tip[0], tip[1]);
  context.lineTo(base[0] - along[1] * half, base[1] + along[0] * half);
  context.lineTo(base[0] + along[1] * half, base[1] - along[0] * half);
  context.closePath();
}

/**
 * Where the descent is: white with a black ring; grey once a number was not finite.
 * @param {CanvasRenderingContext2D} context
 * @param {number[]} at px
 * @param {number} radius px
 * @param {boolean} [lost] it stays at the last finite point
 */
export function drawBall(context, [x, y], radius, lost = false) {
  context.save();
  context.beginPath();
  context.arc(x, y, radius + 2, 0, 2 * Math.PI);
  context.fillStyle = "rgba(255,255,255,0.75)";
  context.fill();
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fillStyle = lost ? "#8d9199" : "#ffffff";
  context.fill();
  context.strokeStyle = "#000000";
  context.lineWidth = Math.max(2, radius * 0.3);
  context.stroke();
  context.restore();
}

/**
 * A hollow ball: where + instead of − would have gone.
 * @param {CanvasRenderingContext2D} context
 * @param {number[]} at px
 * @param {number} radius px
 */
export function drawGhostBall(context, [x, y], radius) {
  context.save();
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fillStyle = "rgba(255,255,255,0.45)";
  context.fill();
  context.strokeStyle = "rgba(0,0,0,0.75)";
  context.setLineDash([3, 2.5]);
  context.lineWidth = 1.8;
  context.stroke();
  context.restore();
}

/**
 * The minimum: a white plus sign with a dark edge.
 * @param {CanvasRenderingContext2D} context
 * @param {number[]} at px
 * @param {number} size px, from the middle to an end
 */
export function drawMinimum(context, [x, y], size) {
  strokeWithHalo(context, () => {
    context.moveTo(x - size, y);
    context.lineTo(x + size, y);
    context.moveTo(x, y - size);
    context.lineTo(x, y + size);
  }, { colour: "#ffffff", width: 2, halo: "rgba(10,14,26,0.9)" });
}

/**
 * The first number that was not finite: ✕.
 * @param {CanvasRenderingContext2D} context
 * @param {number[]} at px
 * @param {number} size px
 * @param {string} colour
 */
export function drawCross(context, [x, y], size, colour) {
  strokeWithHalo(context, () => {
    context.moveTo(x - size, y - size);
    context.lineTo(x + size, y + size);
    context.moveTo(x + size, y - size);
    context.lineTo(x - size, y + size);
  }, { colour, width: 3, halo: "rgba(255,255,255,0.92)" });
}

/**
 * A chevron at the edge of a picture, pointing to what lies outside.
 * @param {CanvasRenderingContext2D} context
 * @param {number[]} at px, on the edge
 * @param {number} angle where it points, radians, clockwise from the right
 * @param {string} colour
 */
export function drawChevron(context, [x, y], angle, colour) {
  context.save();
  context.translate(x, y);
  context.rotate(angle);
  for (const shift of [-9, -1]) {
    strokeWithHalo(context, () => {
      context.moveTo(shift - 6, -7);
      context.lineTo(shift, 0);
      context.lineTo(shift - 6, 7);
    }, { colour, width: 3 });
  }
  context.restore();
}

/**
 * A small right angle between two directions at a point, and a piece of the second direction's line.
 * @param {CanvasRenderingContext2D} context
 * @param {number[]} at px
 * @param {number[]} along unit vector in px (the gradient)
 * @param {number} size px
 */
export function drawRightAngle(context, [x, y], along, size) {
  const across = [-along[1], along[0]];
  const reach = size * 2.6;
  context.save();
  strokeWithHalo(context, () => {
    context.moveTo(x - across[0] * reach, y - across[1] * reach);
    context.lineTo(x + across[0] * reach, y + across[1] * reach);
  }, { colour: "#ffffff", width: 1.25, halo: withAlpha("#0a0e1a", 0.55), casing: 1.5 });
  strokeWithHalo(context, () => {
    context.moveTo(x + across[0] * size, y + across[1] * size);
    context.lineTo(x + (across[0] + along[0]) * size, y + (across[1] + along[1]) * size);
    context.lineTo(x + along[0] * size, y + along[1] * size);
  }, { colour: "#ffffff", width: 1.25, halo: withAlpha("#0a0e1a", 0.55), casing: 1.5 });
  context.restore();
}
