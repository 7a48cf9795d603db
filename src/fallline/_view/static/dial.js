// @ts-check
// The dial of reach: how far a step went, measured against the bottom of the parabola along it.

import { formatNumber } from "./scale.js";
import { strokeWithHalo } from "./arrows.js";
import { labelFont } from "./type.js";

/**
 * A dial shaped like the valley it measures: 0 on the near rim, 1 at the bottom, 2 level on the other wall.
 * @param {import("./slice.js").Slice} slice
 * @param {number | null} reach null where it is not defined: the slice's caption says why
 */
export function drawDial(slice, reach) {
  const { context, theme, line, x, y, start, came } = slice;
  const radius = Math.min(34, Math.max(18, Math.min(slice.width, slice.height) * 0.15));
  if (reach === null || !Number.isFinite(reach)) return;
  const spot = dialPlace(slice, radius);
  const [cx, cy] = spot;
  const landing = [x(1), y(start + came)];
  context.save();
  context.strokeStyle = theme.muted;
  context.setLineDash([2, 3]);
  context.lineWidth = 1;
  context.beginPath();
  const away = [cx, cy + radius + line * 1.5];
  if (landing[1] > away[1] + 12) {
    context.moveTo(away[0], away[1]);
    context.lineTo(landing[0] + (away[0] - landing[0]) * 0.25, landing[1] + (away[1] - landing[1]) * 0.25);
  }
  context.stroke();
  context.setLineDash([]);
  context.lineWidth = 3;
  context.lineCap = "round";
  context.beginPath();
  context.arc(cx, cy, radius, 0, Math.PI);
  context.stroke();
  const angle = Math.PI * (1 - Math.min(2.25, Math.max(0, reach)) / 2);
  strokeWithHalo(context, () => {
    context.moveTo(cx, cy);
    context.lineTo(cx + Math.cos(angle) * (radius - 5), cy + Math.sin(angle) * (radius - 5));
  }, { colour: theme.step, width: 2.5, halo: theme.surface });
  context.beginPath();
  context.arc(cx + Math.cos(angle) * radius, cy + Math.sin(angle) * radius, 4.5, 0, 2 * Math.PI);
  context.fillStyle = theme.step;
  context.fill();
  dialTexts(slice, spot, radius, reach);
  context.restore();
}

/** @param {import("./slice.js").Slice} slice @param {number[]} spot @param {number} radius @param {number} reach */
function dialTexts({ context, theme, line }, [cx, cy], radius, reach) {
  context.font = labelFont(theme);
  context.fillStyle = theme.muted;
  context.textBaseline = "middle";
  context.textAlign = "right";
  context.fillText("0", cx - radius - 6, cy);
  context.textAlign = "left";
  context.fillText("2", cx + radius + 6, cy);
  context.textAlign = "center";
  context.fillText("1", cx, cy + radius + line * 0.75);
  context.font = labelFont(theme, 1, true);
  context.fillStyle = theme.text;
  context.fillText(`reach ${formatNumber(reach)}`, cx, cy - line * (reach > 2 ? 1.75 : 1.05));
}

/** The place nearest to the landing point that neither the curve nor the tangent crosses. @param {import("./slice.js").Slice} slice @param {number} radius @returns {number[]} */
function dialPlace({ context, theme, line, left, top, width, height, x, y, points, start, came, promised }, radius) {
  context.font = labelFont(theme, 1, true);
  const half = Math.max(radius + line * 1.3, context.measureText("reach 0.0000").width / 2 + 4);
  const [above, below] = [line * 2.3, radius + line * 1.4];
  const lines = points.map(([t, loss]) => [x(t), y(loss)]);
  for (let t = -0.5; t <= 1.12; t += 0.06) lines.push([x(t), y(start + t * promised)]);
  for (let part = 0; part <= 1; part += 0.1) lines.push([x(1) + 6, y(start + came + part * (promised - came))]);
  for (const name of [y(start + came) + line * 0.6, y(start + promised)]) for (let k = 0; k < 6; k += 1) lines.push([x(1) + 9 + k * line * 0.7, name]);
  const wanted = [x(1), Math.min(y(start + came), top + height) - below - line];
  let best = [Math.min(left + width - half, x(1.6)), top + above];
  let least = Infinity;
  for (let cy = top + above; cy + below <= top + height; cy += 6) {
    for (let cx = left + half; cx + half <= left + width; cx += 6) {
      const far = Math.abs(cx - wanted[0]) + 0.7 * Math.abs(cy - wanted[1]);
      if (far >= least || lines.some((point) => Math.abs(point[0] - cx) < half && point[1] > cy - above && point[1] < cy + below)) continue;
      [best, least] = [[cx, cy], far];
    }
  }
  return best;
}
