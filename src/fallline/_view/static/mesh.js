// @ts-check
// The surface of the bowl: its height anywhere, its cells cut open at the rim, and what it hides.

import { bowlLowest } from "./camera.js";

/** @typedef {{points: number[][], loss: number, nearness: number, mesh: boolean[], rim: number[] | null, facing: number, light: number}} MeshCell points: x, y, z in box units, then the loss; mesh: is the edge from each point a mesh line; rim: the two points on the cut */

/**
 * The height of the surface over a point of the floor, smooth between the measured cells (Catmull-Rom, for drawing only).
 * @param {any} bowl
 * @param {import("./camera.js").BowlBox} box
 * @returns {(x: number, y: number) => number} loss; NaN outside the bowl or beside a cell that is not finite
 */
export function meshLoss(bowl, box) {
  const [columns, rows] = [bowl.x.length, bowl.y.length];
  return (x, y) => {
    const column = ((x / box.x + 1) / 2) * (columns - 1);
    const row = ((y / box.y + 1) / 2) * (rows - 1);
    if (!(column >= -1e-9 && column <= columns - 1 + 1e-9 && row >= -1e-9 && row <= rows - 1 + 1e-9)) return NaN;
    const c0 = Math.min(columns - 2, Math.max(0, Math.floor(column)));
    const r0 = Math.min(rows - 2, Math.max(0, Math.floor(row)));
    /** @param {number} r */
    const along = (r) => {
      const line = bowl.loss[r];
      const before = c0 > 0 ? line[c0 - 1] : 3 * line[c0] - 3 * line[c0 + 1] + (line[c0 + 2] ?? line[c0 + 1]);
      const after = c0 + 2 < columns ? line[c0 + 2] : 3 * line[c0 + 1] - 3 * line[c0] + (line[c0 - 1] ?? line[c0]);
      return meshCubic(before, line[c0], line[c0 + 1], after, column - c0);
    };
    const [low, high] = [along(r0), along(r0 + 1)];
    const below = r0 > 0 ? along(r0 - 1) : 3 * low - 3 * high + (r0 + 2 < rows ? along(r0 + 2) : high);
    const above = r0 + 2 < rows ? along(r0 + 2) : 3 * high - 3 * low + (r0 > 0 ? along(r0 - 1) : low);
    return meshCubic(below, low, high, above, row - r0);
  };
}

/** @param {number} before @param {number} a @param {number} b @param {number} after @param {number} part */
function meshCubic(before, a, b, after, part) {
  if (!Number.isFinite(before) || !Number.isFinite(after)) return a + part * (b - a);
  return a + 0.5 * part * (b - before + part * (2 * before - 5 * a + 4 * b - after + part * (3 * (a - b) + after - before)));
}

/**
 * The surface as cells, cut at the rim, sorted from the farthest to the nearest.
 * @param {any} bowl
 * @param {import("./camera.js").BowlBox} box
 * @param {{nearness: (x: number, y: number) => number, toViewer: [number, number, number]}} eye
 * @param {number} finer 1: the measured cells; 2: each split in four
 * @returns {MeshCell[]}
 */
export function meshCells(bowl, box, eye, finer) {
  const columns = (bowl.x.length - 1) * finer;
  const rows = (bowl.y.length - 1) * finer;
  const sample = meshLoss(bowl, box);
  const every = 2 * finer;
  const grid = meshGrid(bowl, box, sample, columns, rows, finer);
  const cells = [];
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      const corners = [grid[row][column], grid[row][column + 1], grid[row + 1][column + 1], grid[row + 1][column]];
      if (corners.some((corner) => !Number.isFinite(corner[2])) || corners.every((corner) => corner[3] > bowl.cut)) continue;
      const mesh = [row % every === 0, (column + 1) % every === 0, (row + 1) % every === 0, column % every === 0];
      cells.push(meshCell(corners, mesh, bowl.cut, eye));
    }
  }
  return cells.sort((a, b) => a.nearness - b.nearness);
}

/** Corners [x, y, z, loss] of all cells. @param {any} bowl @param {import("./camera.js").BowlBox} box @param {(x: number, y: number) => number} sample @param {number} columns @param {number} rows @param {number} finer */
function meshGrid(bowl, box, sample, columns, rows, finer) {
  return Array.from({ length: rows + 1 }, (_, row) => Array.from({ length: columns + 1 }, (_unused, column) => {
    const x = ((2 * column) / columns - 1) * box.x;
    const y = ((2 * row) / rows - 1) * box.y;
    const loss = finer === 1 ? bowl.loss[row][column] : sample(x, y);
    return [x, y, box.heightOf(loss), loss];
  }));
}

/** @param {number[][]} corners @param {boolean[]} mesh @param {number} cut @param {{nearness: (x: number, y: number) => number, toViewer: [number, number, number]}} eye @returns {MeshCell} */
function meshCell(corners, mesh, cut, eye) {
  const [a, b, c, d] = corners;
  const right = [c[0] + b[0] - a[0] - d[0], 0, c[2] + b[2] - a[2] - d[2]];
  const deep = [0, c[1] + d[1] - a[1] - b[1], c[2] + d[2] - a[2] - b[2]];
  const normal = [-right[2] * deep[1], -right[0] * deep[2], right[0] * deep[1]];
  const size = Math.hypot(normal[0], normal[1], normal[2]) || 1;
  const facing = (normal[0] * eye.toViewer[0] + normal[1] * eye.toViewer[1] + normal[2] * eye.toViewer[2]) / size;
  const light = (-0.42 * normal[0] + 0.35 * normal[1] + 0.84 * normal[2]) / size;
  const { points, edges, rim } = meshCut(corners, mesh, cut);
  const loss = points.reduce((sum, point) => sum + point[3], 0) / (points.length || 1);
  return { points, loss, nearness: eye.nearness((a[0] + c[0]) / 2, (a[1] + c[1]) / 2), mesh: edges, rim, facing, light };
}

/** The part of a cell below the cut (Sutherland–Hodgman), which of its edges are mesh lines, and its piece of the rim. @param {number[][]} corners @param {boolean[]} mesh @param {number} cut */
function meshCut(corners, mesh, cut) {
  if (corners.every((corner) => corner[3] <= cut)) return { points: corners, edges: mesh, rim: null };
  const points = [];
  const edges = [];
  const rim = [];
  for (let i = 0; i < corners.length; i += 1) {
    const [from, to] = [corners[i], corners[(i + 1) % corners.length]];
    const [inside, next] = [from[3] <= cut, to[3] <= cut];
    if (inside) {
      points.push(from);
      edges.push(mesh[i]);
    }
    if (inside !== next) {
      const part = (cut - from[3]) / (to[3] - from[3]);
      const point = from.map((value, k) => value + part * (to[k] - value));
      points.push(point);
      edges.push(inside ? false : mesh[i]);
      rim.push(points.length - 1);
    }
  }
  return { points, edges, rim: rim.length === 2 ? rim : null };
}

/**
 * Is a point of the surface hidden behind a wall? Walks from it towards the viewer and looks whether the surface comes between.
 * @param {(x: number, y: number) => number} sample
 * @param {any} bowl
 * @param {import("./camera.js").BowlBox} box
 * @param {[number, number, number]} toViewer
 * @returns {(x: number, y: number, z: number) => boolean}
 */
export function meshHides(sample, bowl, box, toViewer) {
  const lowest = bowlLowest(bowl);
  const top = box.heightOf(bowl.cut);
  const flat = Math.hypot(toViewer[0], toViewer[1]);
  return (x, y, z) => {
    if (flat < 1e-6 || bowl.cut <= lowest) return false;
    const stride = 0.03;
    const climb = (toViewer[2] / flat) * stride;
    const [dx, dy] = [(toViewer[0] / flat) * stride, (toViewer[1] / flat) * stride];
    for (let i = 1; i < 120; i += 1) {
      const height = z + climb * i;
      if (height > top) return false;
      const surface = box.heightOf(sample(x + dx * i, y + dy * i));
      if (Number.isNaN(surface)) return false;
      if (surface > height + 0.012 && surface <= top) return true;
    }
    return false;
  };
}
