// @ts-check
// Changes of the data, drawn before the host has answered them.

import { createHope } from "./interactive_wishes.js";

/**
 * @typedef {{ask: (wish: Record<string, any>, settled: boolean) => void, dragging: (on: boolean) => void, redraw: () => void}} PointsHost
 * @typedef {ReturnType<typeof createPointEdits>} PointEdits
 */

/**
 * @param {any} scene
 * @param {PointsHost} host
 */
export function createPointEdits(scene, host) {
  let owed = false; // a wish about a point that the host has not numbered yet
  /** @type {ReturnType<typeof createHope<number[]>>} */
  const hope = createHope({ answered: ([i, x, y]) => pointsNear(scene.data?.x[i], x) && pointsNear(scene.data?.y[i], y), gone: host.redraw });
  /** @param {number[]} point index, x, y @param {boolean} settled */
  const tell = ([i, x, y], settled) => {
    const row = pointsRow(scene.data, i);
    owed = row === null;
    if (row !== null) host.ask({ move_point: [row, x, y] }, settled);
  };
  return {
    held: hope.get,
    down: hope.down,
    stop: hope.stop,
    /** @param {number[]} point index, x, y @param {boolean} settled */
    move: (point, settled) => {
      const before = hope.down();
      hope.put(point, settled);
      if (before !== hope.down()) host.dragging(hope.down());
      pointsPut(scene, point);
      tell(point, settled);
    },
    /** @param {number[]} point x, y @returns {number} its index */
    add: ([x, y]) => {
      const { data } = scene;
      scene.data = { ...data, x: [...data.x, x], y: [...data.y, y], rows: data.rows + 1, ...(data.row ? { row: [...data.row, null] } : {}) };
      host.ask({ add_point: [x, y] }, true);
      return data.x.length;
    },
    /** @param {number} i @returns {boolean} was it taken away? Two points are the least that a line is drawn through */
    remove: (i) => {
      const { data } = scene;
      const row = data.x.length <= 2 || i >= data.x.length ? null : pointsRow(data, i);
      if (row === null) return false;
      const without = (/** @type {any[]} */ column) => column.filter((_, k) => k !== i);
      scene.data = { ...data, x: without(data.x), y: without(data.y), rows: data.rows - 1, ...(data.row ? { row: without(data.row) } : {}) };
      hope.give();
      host.ask({ remove_point: row }, true);
      return true;
    },
    /** The scene has changed: what is held stays where the hand is. */
    look: () => {
      const last = hope.get();
      if (last !== null && (hope.down() || owed)) pointsPut(scene, last);
      if (last !== null && owed) tell(last, !hope.down());
      else hope.look();
    },
  };
}

/**
 * Points can be moved where they are shown as what they are, and the host knows them by number: its own, or their place where all are shown.
 * @param {any} scene
 * @returns {boolean}
 */
export function canEditPoints(scene) {
  const { data } = scene;
  return scene.accepts.includes("points") && data !== null && data.kind !== "parity" && (Boolean(data.row) || data.x.length === data.rows);
}

/** The number that the host knows a point by; null of one that it has not been told of yet. @param {any} data @param {number} i @returns {number | null} */
function pointsRow(data, i) {
  return data.row ? (data.row[i] ?? null) : i;
}

/** @param {number | undefined} a @param {number} b */
function pointsNear(a, b) {
  return a !== undefined && Math.abs(a - b) <= 1e-5 * Math.max(1e-3, Math.abs(b));
}

/** @param {any} scene @param {number[]} point */
function pointsPut(scene, [i, x, y]) {
  if (!scene.data || i >= scene.data.x.length) return;
  scene.data.x[i] = x;
  scene.data.y[i] = y;
}
