// @ts-check
// The order of cards within each layer: barycentre sweeps, then exchanges of neighbours, the order with the fewest crossings wins.

/** @typedef {import("./graph_layout.js").Spot} Spot */

const orderSweeps = 24;
const orderEffort = 60_000; // pieces of edges times sweeps: a graph of a thousand cards still appears within seconds

/**
 * Reorders every layer in place; each spot's `start` is its place in the layer.
 * @param {Spot[][]} layers
 */
export function orderLayers(layers) {
  orderFirst(layers);
  orderNumber(layers);
  let best = layers.map((layer) => [...layer]);
  let fewest = orderCrossings(layers);
  const pieces = layers.flat().reduce((sum, spot) => sum + spot.out.length, 0);
  const sweeps = Math.max(2, Math.min(orderSweeps, Math.round(orderEffort / pieces)));
  for (let sweep = 0; sweep < sweeps && fewest > 0; sweep += 1) {
    const forward = sweep % 2 === 0;
    const indices = layers.map((_, i) => i);
    for (const i of forward ? indices : indices.reverse()) orderByNeighbours(layers[i], forward, sweep % 4 >= 2);
    orderExchange(layers);
    const crossings = orderCrossings(layers);
    if (crossings < fewest) {
      fewest = crossings;
      best = layers.map((layer) => [...layer]);
    }
  }
  best.forEach((layer, i) => layers[i].splice(0, layer.length, ...layer));
  orderNumber(layers);
}

/** Depth first from the end, so that branches begin side by side. @param {Spot[][]} layers */
function orderFirst(layers) {
  const seen = new Map();
  const visit = (/** @type {Spot} */ spot) => {
    const waiting = [spot];
    while (waiting.length > 0) {
      const next = /** @type {Spot} */ (waiting.pop());
      if (seen.has(next)) continue;
      seen.set(next, seen.size);
      for (const piece of [...next.into].reverse()) waiting.push(piece.from);
    }
  };
  for (const layer of [...layers].reverse()) for (const spot of layer) if (spot.out.length === 0) visit(spot);
  for (const layer of layers) layer.sort((a, b) => (seen.get(a) ?? 0) - (seen.get(b) ?? 0));
}

/** @param {Spot[][]} layers */
function orderNumber(layers) {
  for (const layer of layers) layer.forEach((spot, i) => { spot.start = i; });
}

/** @param {Spot[]} layer @param {boolean} forward @param {boolean} turned equal ones in the other order */
function orderByNeighbours(layer, forward, turned) {
  const wish = new Map(layer.map((spot) => {
    const near = forward ? spot.into.map((piece) => piece.from.start) : spot.out.map((piece) => piece.to.start);
    return [spot, near.length === 0 ? spot.start : near.reduce((a, b) => a + b, 0) / near.length];
  }));
  layer.sort((a, b) => (wish.get(a) ?? 0) - (wish.get(b) ?? 0) || (turned ? b.start - a.start : a.start - b.start));
  layer.forEach((spot, i) => { spot.start = i; });
}

/** Neighbours change places where that removes a crossing. @param {Spot[][]} layers */
function orderExchange(layers) {
  for (let pass = 0; pass < 4; pass += 1) {
    let better = false;
    for (const layer of layers) {
      for (let i = 0; i + 1 < layer.length; i += 1) {
        const [a, b] = [layer[i], layer[i + 1]];
        if (orderPair(a, b) <= orderPair(b, a)) continue;
        [layer[i], layer[i + 1], a.start, b.start] = [b, a, i + 1, i];
        better = true;
      }
    }
    if (!better) return;
  }
}

/** Crossings between the edges of two cards if the first stands before the second. @param {Spot} first @param {Spot} second */
function orderPair(first, second) {
  let crossings = 0;
  for (const a of first.into) for (const b of second.into) if (a.from.start > b.from.start) crossings += 1;
  for (const a of first.out) for (const b of second.out) if (a.to.start > b.to.start) crossings += 1;
  return crossings;
}

/** @param {Spot[][]} layers @returns {number} */
function orderCrossings(layers) {
  let crossings = 0;
  for (const layer of layers) {
    const ends = layer.flatMap((spot) => spot.out.map((piece) => [spot.start, piece.to.start]));
    for (let i = 0; i < ends.length; i += 1) for (let k = i + 1; k < ends.length; k += 1) if ((ends[i][0] - ends[k][0]) * (ends[i][1] - ends[k][1]) < 0) crossings += 1;
  }
  return crossings;
}
