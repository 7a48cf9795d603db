// @ts-check
// Where everything stands: layers by the longest path, as few crossings as a few sweeps find, compact coordinates. Deterministic.

import { orderLayers } from "./graph_order.js";
import { rowsBreaks, rowsNarrow, rowsPath, rowsTurns } from "./graph_rows.js";

const layoutGap = 18; // between cards of one layer
const layoutThin = 12; // of a long edge that passes a layer
const layoutLanes = [14, 10, 7, 4.5, 3]; // between such edges on a narrow page: the widest that leaves every layer its room
const layoutBend = 36; // between layers: room for the curves
const layoutBusy = 1.35; // more of it where many edges leave
const layoutHead = 12; // the straight piece before the arrowhead

/**
 * @typedef {{unit: any, layer: number, main: number, cross: number, at: number, start: number, row: number, into: Piece[], out: Piece[]}} Spot a card, or a long edge passing a layer (unit null)
 * @typedef {{link: any, from: Spot, to: Spot, leave: number, arrive: number}} Piece of an edge, from one layer to the next; offsets from the spots' middles
 */

/**
 * Layers run along the main axis (to the right in rows, or down), cards of one layer stand along the cross axis.
 * @param {any[]} units with w and h
 * @param {any[]} links with from, to, and label: {w, h}
 * @param {{down: boolean, row: number, rows: number}} how row: the width that there is for a single row, rows: for more of them, and for cards side by side
 * @returns {{places: Map<any, {x: number, y: number}>, paths: Map<any, any>, width: number, height: number, rows: number}}
 */
export function layoutGraph(units, links, { down, row, rows: room }) {
  const [ranks, lane] = down ? layoutNarrow(units, links, room) : [layoutRanks(units, links), layoutThin + layoutGap];
  const firsts = down ? [0] : rowsBreaks(units, links, ranks, { row, rows: room }, { bend: layoutCurve, head: layoutHead, runs: (held, count) => layoutRuns(count, links, held, down) });
  const { layers, chains } = layoutSpots(units, links, ranks, { down, thin: down ? 0 : layoutThin });
  orderLayers(layers);
  for (const layer of layers) for (const spot of layer) layoutPorts(spot);
  const rows = firsts.map((first, i) => layers.slice(first, firsts[i + 1]));
  rows.forEach((row, i) => { for (const spot of row.flat()) spot.row = i; });
  for (const row of rows) layoutCross(row, lane, down ? room / 2 : Infinity);
  const runs = layoutRuns(layers.length, links, ranks, down);
  return layoutResult({ rows, chains, runs, down, ...layoutMain(rows, runs, down) });
}

/** Layers that have their room on a narrow page, and how far apart edges pass them. @param {any[]} units @param {any[]} links @param {number} room @returns {[Map<any, number>, number]} */
function layoutNarrow(units, links, room) {
  const first = layoutRanks(units, links);
  for (const lane of layoutLanes) {
    const ranks = new Map(first);
    if (rowsNarrow(units, links, ranks, room, { gap: layoutGap, lane }) || lane === layoutLanes.at(-1)) return [ranks, lane];
  }
  return [first, layoutGap];
}

/** The longest path to each card; leaves stand just before what uses them first. @param {any[]} units @param {any[]} links */
function layoutRanks(units, links) {
  const into = new Map(units.map((unit) => [unit, /** @type {any[]} */ ([])]));
  const out = new Map(units.map((unit) => [unit, /** @type {any[]} */ ([])]));
  for (const link of links) {
    into.get(link.to)?.push(link);
    out.get(link.from)?.push(link);
  }
  const ranks = new Map();
  const waits = new Map(units.map((unit) => [unit, into.get(unit)?.length ?? 0]));
  const ready = units.filter((unit) => waits.get(unit) === 0);
  while (ready.length > 0) {
    const unit = ready.shift();
    ranks.set(unit, Math.max(0, ...(into.get(unit) ?? []).map((link) => ranks.get(link.from) + 1)));
    for (const link of out.get(unit) ?? []) {
      const left = (waits.get(link.to) ?? 0) - 1;
      waits.set(link.to, left);
      if (left === 0) ready.push(link.to);
    }
  }
  layoutLate([...ranks.keys()], { into, out, ranks });
  for (const unit of units) if (into.get(unit)?.length === 0 && (out.get(unit)?.length ?? 0) > 0) ranks.set(unit, Math.min(...(out.get(unit) ?? []).map((link) => ranks.get(link.to))) - 1);
  const places = new Map([...new Set(ranks.values())].sort((a, b) => a - b).map((rank, i) => [rank, i])); // no layer is left empty
  for (const [unit, rank] of ranks) ranks.set(unit, places.get(rank));
  return ranks;
}

/** What is made of leaves only, a transposed weight for example, stands where it is used: that shortens more edges than it stretches. @param {any[]} sorted @param {{into: Map<any, any[]>, out: Map<any, any[]>, ranks: Map<any, number>}} held */
function layoutLate(sorted, { into, out, ranks }) {
  for (const unit of sorted.reverse()) {
    const [before, after] = [into.get(unit) ?? [], out.get(unit) ?? []];
    const stretched = before.filter((link) => (into.get(link.from) ?? []).length > 0).length;
    if (after.length > stretched && before.length > 0) ranks.set(unit, Math.min(...after.map((link) => ranks.get(link.to) ?? 0)) - 1);
  }
}

/** @param {any[]} units @param {any[]} links @param {Map<any, number>} ranks @param {{down: boolean, thin: number}} how */
function layoutSpots(units, links, ranks, { down, thin }) {
  /** @type {Spot[][]} */
  const layers = Array.from({ length: Math.max(...ranks.values()) + 1 }, () => []);
  /** @type {Map<any, Spot>} */
  const spots = new Map();
  const stand = (/** @type {any} */ unit, /** @type {number} */ layer, /** @type {number} */ main, /** @type {number} */ cross) => {
    const spot = { unit, layer, main, cross, at: 0, start: 0, row: 0, into: [], out: [] };
    layers[layer].push(spot);
    return spot;
  };
  for (const unit of units) {
    spots.set(unit, stand(unit, ranks.get(unit) ?? 0, down ? unit.h : unit.w, down ? unit.w : unit.h));
  }
  /** @type {Map<any, Piece[]>} */
  const chains = new Map();
  for (const link of links) {
    const [from, to] = [/** @type {Spot} */ (spots.get(link.from)), /** @type {Spot} */ (spots.get(link.to))];
    /** @type {Piece[]} */
    const pieces = [];
    let last = from;
    for (let layer = from.layer + 1; layer <= to.layer; layer += 1) {
      const next = layer === to.layer ? to : stand(null, layer, 0, thin);
      const piece = { link, from: last, to: next, leave: 0, arrive: 0 };
      last.out.push(piece);
      next.into.push(piece);
      pieces.push(piece);
      last = next;
    }
    chains.set(link, pieces);
  }
  return { layers, chains };
}

/** Where edges leave and arrive along a card's side, in the order of the cards they come from and go to. @param {Spot} spot */
function layoutPorts(spot) {
  if (spot.unit === null) return;
  const spread = (/** @type {Piece[]} */ pieces, /** @type {(piece: Piece) => number} */ place, /** @type {(piece: Piece, at: number) => void} */ set) => {
    pieces.sort((a, b) => place(a) - place(b));
    pieces.forEach((piece, i) => set(piece, ((i + 0.5) / pieces.length - 0.5) * spot.cross));
  };
  spread(spot.into, (piece) => piece.from.start, (piece, at) => { piece.arrive = at; });
  spread(spot.out, (piece) => piece.to.start, (piece, at) => { piece.leave = at; });
}

/** Middles along the cross axis: each wants to stand where its neighbours make its edges straight, none may overlap. @param {Spot[][]} layers @param {number} lane between edges that pass @param {number} most from the middle */
function layoutCross(layers, lane, most) {
  for (const layer of layers) {
    let edge = 0;
    layer.forEach((spot, i) => {
      if (i > 0) edge += layoutApart(layer[i - 1], spot, lane);
      spot.at = edge;
    });
    for (const spot of layer) spot.at -= edge / 2;
  }
  for (let sweep = 0; sweep < 24; sweep += 1) {
    const forward = sweep % 2 === 0;
    const both = sweep >= 16;
    for (const layer of forward ? layers : [...layers].reverse()) {
      const wishes = layer.map((spot) => {
        const pulls = [];
        if (forward || both) for (const piece of spot.into) if (piece.from.row === spot.row) pulls.push([piece.from.at + piece.leave - piece.arrive, layoutPull(piece)]);
        if (!forward || both) for (const piece of spot.out) if (piece.to.row === spot.row) pulls.push([piece.to.at + piece.arrive - piece.leave, layoutPull(piece)]);
        const weight = pulls.reduce((sum, [, pull]) => sum + pull, 0);
        return weight === 0 ? [spot.at, 0.01] : [pulls.reduce((sum, [at, pull]) => sum + at * pull, 0) / weight, weight];
      });
      layoutSettle(layer, wishes, lane, most);
    }
  }
}

/** Long edges want to be straight most. @param {Piece} piece */
function layoutPull(piece) {
  return (piece.from.unit === null ? 2.5 : 1) * (piece.to.unit === null ? 2.5 : 1);
}

/** @param {Spot} first @param {Spot} second @param {number} lane */
function layoutApart(first, second, lane) {
  return first.unit === null && second.unit === null ? lane : (first.cross + second.cross) / 2 + layoutGap;
}

/** The places nearest to the wishes (least squares) that keep their distances: pools of neighbours that would overlap move as one, and all stay within `most` of the middle. @param {Spot[]} layer @param {number[][]} wishes @param {number} lane @param {number} most */
function layoutSettle(layer, wishes, lane, most) {
  /** @type {{sum: number, weight: number, size: number}[]} */
  const pools = [];
  let offset = 0;
  const offsets = layer.map((spot, i) => {
    if (i > 0) offset += layoutApart(layer[i - 1], spot, lane);
    return offset;
  });
  layer.forEach((_, i) => {
    let pool = { sum: (wishes[i][0] - offsets[i]) * wishes[i][1], weight: wishes[i][1], size: 1 };
    for (let before = pools.at(-1); before !== undefined && before.sum / before.weight > pool.sum / pool.weight; before = pools.at(-1)) {
      pools.pop();
      pool = { sum: pool.sum + before.sum, weight: pool.weight + before.weight, size: pool.size + before.size };
    }
    pools.push(pool);
  });
  if (layer.length === 0) return; // its leaves went on to the next row
  const [low, high] = [layer[0].cross / 2 - most, most - offset - layer[layer.length - 1].cross / 2];
  const held = (/** @type {number} */ at) => (low > high ? (low + high) / 2 : Math.min(high, Math.max(low, at)));
  let i = 0;
  for (const pool of pools) for (let k = 0; k < pool.size; k += 1, i += 1) layer[i].at = held(pool.sum / pool.weight) + offsets[i];
}

/** Room for the curves between two layers. @param {number} busy edges that leave the first */
function layoutCurve(busy) {
  return layoutBend * (busy > 4 ? layoutBusy : 1);
}

/** How long edges run straight before each layer: as long as its longest label. @param {number} count of layers @param {any[]} links @param {Map<any, number>} ranks @param {boolean} down */
function layoutRuns(count, links, ranks, down) {
  const runs = Array.from({ length: count }, () => layoutHead);
  for (const link of links) {
    const layer = ranks.get(link.to) ?? 0;
    runs[layer] = Math.max(runs[layer], layoutHead + (link.label === null ? 0 : (down ? link.label.h : link.label.w) + 6));
  }
  return runs;
}

/**
 * Where each layer begins along the main axis, and where its row does along the other one; with the turns between rows.
 * @param {Spot[][][]} rows @param {number[]} runs @param {boolean} down
 */
function layoutMain(rows, runs, down) {
  const [starts, tops, turns] = [/** @type {number[]} */ ([]), /** @type {number[]} */ ([]), /** @type {Map<Piece, import("./graph_rows.js").Turn>} */ (new Map())];
  let [length, below, end] = [0, 0, 0];
  rows.forEach((row, i) => {
    const coming = rowsTurns(row[0].flatMap((spot) => spot.into));
    const low = Math.min(...row.flat().map((spot) => spot.at - spot.cross / 2));
    const top = i === 0 ? 0 : below + 2 * coming.room;
    const left = i === 0 ? 0 : coming.room + runs[starts.length];
    if (i > 0) {
      for (const [piece, turn] of coming.turns({ right: end, below, left: left - runs[starts.length] })) turns.set(piece, turn);
      length = Math.max(length, end + coming.room);
    }
    tops.push(top - low);
    end = left;
    row.forEach((layer, k) => {
      const busy = k === 0 ? 0 : row[k - 1].reduce((sum, spot) => sum + spot.out.length, 0);
      if (k > 0) end += (down ? 22 : layoutCurve(busy)) + runs[starts.length];
      starts.push(end);
      end += Math.max(...layer.map((spot) => spot.main), 0);
    });
    length = Math.max(length, end);
    below = tops[i] + Math.max(...row.flat().map((spot) => spot.at + spot.cross / 2));
  });
  return { starts, tops, turns, length, breadth: below };
}

/** @param {any} made */
function layoutResult({ rows, chains, starts, tops, turns, runs, length, breadth, down }) {
  const layers = rows.flat();
  const across = (/** @type {Spot} */ spot) => spot.at + tops[spot.row];
  const places = new Map();
  for (const spot of layers.flat()) {
    if (spot.unit === null) continue;
    const [main, cross] = [starts[spot.layer], across(spot) - spot.cross / 2];
    places.set(spot.unit, down ? { x: cross, y: main } : { x: main, y: cross });
  }
  const widest = layers.map((/** @type {Spot[]} */ layer) => Math.max(...layer.map((spot) => spot.main), 0));
  const paths = new Map();
  for (const [link, pieces] of chains) {
    const parts = /** @type {Piece[]} */ (pieces).map((piece) => {
      const [leave, arrive, to] = [across(piece.from) + piece.leave, across(piece.to) + piece.arrive, starts[piece.to.layer]];
      const from = starts[piece.from.layer];
      return { begin: [from + piece.from.main, leave], bend: [from + widest[piece.from.layer], leave], run: [to - runs[piece.to.layer], arrive], end: [to, arrive], turn: turns.get(piece) ?? null };
    });
    paths.set(link, layoutPath(parts, down));
  }
  return { places, paths, width: down ? breadth : length, height: down ? length : breadth, rows: rows.length };
}

/** Straight, curve, straight, … or a turn to the next row. @param {{begin: number[], bend: number[], run: number[], end: number[], turn: import("./graph_rows.js").Turn | null}[]} parts main, cross @param {boolean} down */
function layoutPath(parts, down) {
  const at = (/** @type {number[]} */ point) => (down ? { x: point[1], y: point[0] } : { x: point[0], y: point[1] });
  const xy = (/** @type {number[]} */ point) => `${at(point).x.toFixed(1)} ${at(point).y.toFixed(1)}`;
  const first = parts[0].begin;
  let path = `M${xy(first)}`;
  for (const { bend, run, end, turn } of parts) {
    path += `L${xy(bend)}`;
    const middle = (bend[0] + run[0]) / 2;
    if (turn !== null) path += rowsPath([bend, [turn.right, bend[1]], [turn.right, turn.lane], [turn.left, turn.lane], [turn.left, run[1]], run]);
    else if (bend[1] === run[1]) path += `L${xy(run)}`;
    else path += `C${xy([middle, bend[1]])} ${xy([middle, run[1]])} ${xy(run)}`;
    path += `L${xy(end)}`;
  }
  return { path, end: at(parts[parts.length - 1].end), begin: at(first) };
}
