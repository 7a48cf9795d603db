// @ts-check
// A drawing that is longer than its room goes on in further rows, like the lines of a text; a layer that is wider than it lets some of its cards stand before it.

/**
 * @typedef {import("./graph_layout.js").Spot} Spot
 * @typedef {import("./graph_layout.js").Piece} Piece
 * @typedef {{right: number, lane: number, left: number}} Turn where an edge goes down, back and down again, from one row to the next
 */

const rowsLane = 10; // between edges that turn side by side
const rowsTurn = 14; // from a card to the first of them
const rowsCorner = 9;
const rowsCrossing = 0.12; // what an edge over the end of a row costs, beside the square of the room left empty
const rowsNever = 1e6;

/** A layer of its own, before another one. @param {Map<any, number>} ranks @param {number} at @param {any[]} moved */
function rowsInsert(ranks, at, moved) {
  for (const [unit, rank] of ranks) if (rank >= at) ranks.set(unit, rank + 1);
  for (const unit of moved) ranks.set(unit, at);
}

/** Cards by layer, and which of them nothing is made into. @param {any[]} units @param {any[]} links @param {Map<any, number>} ranks */
function rowsLayers(units, links, ranks) {
  const made = new Set(links.map((link) => link.to));
  /** @type {any[][]} */
  const layers = Array.from({ length: Math.max(...ranks.values()) + 1 }, () => []);
  for (const unit of units) layers[ranks.get(unit) ?? 0].push(unit);
  return { layers, leaves: layers.map((layer) => layer.filter((unit) => !made.has(unit))) };
}

/**
 * Cards that have no room beside the others stand a layer earlier: first what is used only, then what was computed before. Changes `ranks`.
 * @param {any[]} units @param {any[]} links @param {Map<any, number>} ranks
 * @param {number} room of a layer
 * @param {{gap: number, lane: number}} sizes between cards, and from one edge that passes to the next
 * @returns {boolean} whether every layer has its room
 */
export function rowsNarrow(units, links, ranks, room, { gap, lane }) {
  const made = new Set(links.map((link) => link.to));
  const early = (/** @type {any} */ unit) => (unit.node?.kind === "input" ? 2 : made.has(unit) ? 0 : 1);
  let fits = true;
  for (let at = 0; at <= Math.max(...ranks.values()); ) {
    const layer = units.filter((unit) => ranks.get(unit) === at);
    const passing = links.filter((link) => (ranks.get(link.from) ?? 0) < at && (ranks.get(link.to) ?? 0) > at).length;
    const last = [...layer].sort((a, b) => early(a) - early(b) || b.order - a.order); // what moves first stands at the end
    let wide = layer.reduce((sum, unit) => sum + unit.w + gap, Math.min(passing, layer.length + 1) * gap + passing * lane) - gap;
    const moved = [];
    while (wide > room && last.length > 1) {
      const unit = last.pop();
      moved.push(unit);
      wide -= unit.w + gap - links.filter((link) => link.from === unit).length * lane;
    }
    if (moved.length > 0) rowsInsert(ranks, at, moved); // and its own layer is looked at next
    else [at, fits] = [at + 1, fits && wide <= room];
  }
  return fits;
}

/**
 * Where rows begin: little room left empty, few edges over the ends. Leaves whose users stand in the next row move there, which changes `ranks`.
 * @param {any[]} units @param {any[]} links @param {Map<any, number>} ranks
 * @param {{row: number, rows: number}} rooms of a single row, and of several
 * @param {{bend: (leaving: number) => number, head: number, runs: (ranks: Map<any, number>, count: number) => number[]}} sizes
 * @returns {number[]} the first layer of each row
 */
export function rowsBreaks(units, links, ranks, { row, rows: room }, { bend, head, runs }) {
  const { layers, leaves } = rowsLayers(units, links, ranks);
  const widest = (/** @type {any[]} */ held) => Math.max(0, ...held.map((unit) => unit.w));
  const before = runs(ranks, layers.length);
  const [leaving, crossing] = [layers.map(() => 0), layers.map(() => 0)]; // all edges, and those that a row's end would cut
  const leaf = new Set(leaves.flat());
  for (const link of links) for (let at = ranks.get(link.from) ?? 0; at < (ranks.get(link.to) ?? 0); at += 1) {
    leaving[at] += 1;
    if (!leaf.has(link.from) || at !== ranks.get(link.from)) crossing[at] += 1;
  }
  const gap = (/** @type {number} */ layer) => bend(leaving[layer - 1]) + before[layer];
  const ends = [0];
  layers.forEach((layer, i) => ends.push(ends[i] + (i > 0 ? gap(i) : 0) + widest(layer)));
  const length = (/** @type {number} */ first, /** @type {number} */ last) => {
    const inner = ends[last + 1] - ends[first] - (first > 0 ? gap(first) : 0);
    const column = first > 0 && leaves[first - 1].length > 0 ? widest(leaves[first - 1]) + bend(Infinity) + head : 0;
    const turns = (first > 0 ? rowsTurn + crossing[first - 1] * rowsLane + before[first] : 0) + (last < layers.length - 1 ? rowsTurn + crossing[last] * rowsLane : 0);
    return inner + column + turns;
  };
  if (length(0, layers.length - 1) <= row) return [0];
  /** @type {{cost: number, first: number}[]} */
  const best = [];
  for (let last = 0; last < layers.length; last += 1) {
    let found = { cost: Infinity, first: last };
    for (let first = last; first >= 0; first -= 1) {
      const long = length(first, last);
      if (long > room && first < last) break;
      const [end, alone] = [last === layers.length - 1, layers[last].length === leaves[last].length];
      const empty = (Math.max(0, room - long) / room) ** 2 * (end ? 0.4 : 1);
      const cost = (first > 0 ? best[first - 1].cost : 0) + empty + (end ? 0 : crossing[last] * rowsCrossing + (alone ? rowsNever : 0));
      if (cost < found.cost) found = { cost, first };
    }
    best.push(found);
  }
  const firsts = [];
  for (let last = layers.length - 1; last >= 0; last = best[last].first - 1) firsts.unshift(best[last].first);
  let shift = 0;
  return firsts.map((first) => {
    const at = first + shift;
    if (first > 0 && leaves[first - 1].length > 0) {
      rowsInsert(ranks, at, leaves[first - 1]);
      shift += 1;
    }
    return at;
  });
}

/**
 * The room that turns take, and their lanes: none crosses another whose ends stand in the same order.
 * @param {Piece[]} pieces that lead from one row to the next
 * @returns {{room: number, turns: (ends: {right: number, below: number, left: number}) => Map<Piece, Turn>}}
 */
export function rowsTurns(pieces) {
  const last = pieces.length - 1;
  const leaving = [...pieces].sort((a, b) => a.from.at + a.leave - b.from.at - b.leave);
  const arriving = [...pieces].sort((a, b) => a.to.at + a.arrive - b.to.at - b.arrive);
  return {
    room: rowsTurn + Math.max(0, last) * rowsLane,
    turns: ({ right, below, left }) => {
      const places = new Map(arriving.map((piece, i) => [piece, i]));
      return new Map(leaving.map((piece, i) => [piece, { right: right + rowsTurn + (last - i) * rowsLane, lane: below + rowsTurn + (last - i) * rowsLane, left: left - (places.get(piece) ?? 0) * rowsLane }]));
    },
  };
}

/** Straight pieces with round corners, from where the drawing stands. @param {number[][]} points x, y; the first is where it stands */
export function rowsPath(points) {
  let path = "";
  for (let i = 1; i < points.length; i += 1) {
    const [[fromX, fromY], [x, y], next] = [points[i - 1], points[i], points[i + 1]];
    if (next === undefined) {
      path += `L${x.toFixed(1)} ${y.toFixed(1)}`;
      continue;
    }
    const near = (/** @type {number} */ toX, /** @type {number} */ toY) => {
      const long = Math.hypot(toX - x, toY - y);
      const part = long === 0 ? 0 : Math.min(rowsCorner, long / 2) / long;
      return `${(x + (toX - x) * part).toFixed(1)} ${(y + (toY - y) * part).toFixed(1)}`;
    };
    path += `L${near(fromX, fromY)}Q${x.toFixed(1)} ${y.toFixed(1)} ${near(next[0], next[1])}`;
  }
  return path;
}
