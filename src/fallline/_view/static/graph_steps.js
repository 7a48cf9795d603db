// @ts-check
// The order of things: forward values appear one by one, then the gradient goes back edge by edge.

import { graphLeaf } from "./graph_groups.js";

/**
 * @typedef {import("./graph_groups.js").Unit} Unit
 * @typedef {import("./graph_groups.js").Link} Link
 * @typedef {{kind: "start" | "forward" | "begin" | "back", unit: Unit | null, link: Link | null, order: number}} Moment `order` finds the same moment again after a group was opened
 */

/**
 * @param {any} graph
 * @param {{units: Unit[], links: Link[]}} visible
 * @returns {Moment[]}
 */
export function graphMoments(graph, { units, links }) {
  /** @type {Moment[]} */
  const moments = [{ kind: "start", unit: null, link: null, order: -Infinity }];
  for (const unit of units) if (!graphQuiet(unit)) moments.push({ kind: "forward", unit, link: null, order: unit.order });
  const result = units.find((unit) => graphHolds(unit, graph.nodes[graph.result])) ?? null;
  const total = graph.nodes.length;
  if (result === null || graph.nodes[graph.result].gradient === null) return moments;
  moments.push({ kind: "begin", unit: result, link: null, order: total });
  const back = links.filter((link) => link.edges.some((edge) => edge.gradient !== null));
  back.sort((a, b) => b.to.order - a.to.order || a.edges[0].operand - b.edges[0].operand || b.from.order - a.from.order);
  for (const link of back) moments.push({ kind: "back", unit: link.from, link, order: 2 * total - link.to.order + link.edges[0].operand / 1000 });
  return moments;
}

/** Parameters and constants stand there from the start. @param {Unit} unit */
function graphQuiet(unit) {
  return unit.node !== null && graphLeaf(unit.node);
}

/** @param {Unit} unit @param {any} node */
export function graphHolds(unit, node) {
  return unit.node === node || (unit.group !== null && unit.group.nodes.includes(node));
}

/**
 * What is to be seen after so many moments.
 * @param {Moment[]} moments
 * @param {number} at
 * @returns {{values: Set<Unit>, travelled: Set<Link>, arrived: Map<Unit, number>, leaving: Map<Unit, number>}} how many edges brought a gradient to each card, and how many will
 */
export function graphState(moments, at) {
  const state = { values: new Set(), travelled: new Set(), arrived: new Map(), leaving: new Map() };
  const add = (/** @type {Map<Unit, number>} */ counts, /** @type {Unit | null} */ unit) => {
    if (unit !== null) counts.set(unit, (counts.get(unit) ?? 0) + 1);
  };
  moments.forEach(({ kind, unit, link }, i) => {
    const done = i <= at;
    if (kind === "forward" && done) state.values.add(unit);
    if (kind !== "begin" && kind !== "back") return;
    add(state.leaving, unit);
    if (!done) return;
    add(state.arrived, unit);
    if (link !== null) state.travelled.add(link);
  });
  return state;
}

/** The last moment that is not later than another one, of a graph with other groups open. @param {Moment[]} moments @param {number} order */
export function sameMoment(moments, order) {
  let found = 0;
  moments.forEach((moment, i) => {
    if (moment.order <= order) found = i;
  });
  return found;
}
