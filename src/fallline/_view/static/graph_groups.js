// @ts-check
// Modules as groups: which nodes belong together, and what is seen while some of them are closed.

import { graphParts, nameParts, skipsAround } from "./graph_parts.js";

/** @typedef {{key: string, path: string, title?: string, parent: Group | null, first: number, nodes: any[], operations: number, depth: number, part?: boolean}} Group part: of operations that no module holds together */
/** @typedef {{key: string, node: any | null, group: Group | null, order: number, w: number, h: number}} Unit */
/** @typedef {{key: string, from: Unit, to: Unit, edges: any[], beside?: Link, skip?: boolean}} Link skip: around the layers of a closed module, beside what goes through them */

/**
 * A group is one call of a module: operations of it that ran one after the other, so that closing one never makes a circle.
 * Where too many stand side by side they are parts. A leaf belongs to the innermost group that holds all that use it; inputs stay outside.
 * @param {any} graph
 * @returns {{groups: Group[], home: Map<any, Group | null>}}
 */
export function moduleGroups(graph) {
  /** @type {Group[]} */
  const groups = [];
  const home = new Map();
  /** @type {Group[]} */
  let open = [];
  for (const node of graph.nodes) {
    if (graphLeaf(node)) continue;
    const parts = node.module === null || node.module === "" ? [] : node.module.split(".");
    const paths = parts.map((/** @type {string} */ _, /** @type {number} */ i) => parts.slice(0, i + 1).join("."));
    let same = 0;
    while (same < open.length && open[same].path === paths[same]) same += 1;
    open = open.slice(0, same);
    for (const path of paths.slice(same)) {
      const parent = open.at(-1) ?? null;
      const group = { key: `${path}@${node.id}`, path, parent, first: node.id, nodes: [], operations: 0, depth: open.length };
      groups.push(group);
      open.push(group);
    }
    home.set(node, open.at(-1) ?? null);
  }
  const operations = graph.nodes.filter((/** @type {any} */ node) => !graphLeaf(node));
  const parts = graphParts(operations, home);
  groups.push(...parts);
  for (const group of groups) {
    group.depth = 0;
    for (let above = group.parent; above !== null; above = above.parent) group.depth += 1;
  }
  for (const node of graph.nodes) if (graphLeaf(node)) home.set(node, node.kind === "input" ? null : groupShared(node.out.map((/** @type {any} */ edge) => home.get(graph.nodes[edge.target]) ?? null)));
  for (const [node, inner] of home) for (let group = inner; group !== null; group = group.parent) {
    group.nodes.push(node);
    if (!graphLeaf(node)) group.operations += 1;
  }
  nameParts(parts, operations);
  for (const group of groups) group.title = group.part || graph.modules[group.path] === undefined ? group.path : `${group.path} (${graph.modules[group.path]})`;
  return { groups: groups.filter((group) => group.nodes.length > 1), home };
}

/** @param {Group} group */
export function groupWords(group) {
  return group.part ? `S${group.path.slice(1)}` : `Module ${group.title}`;
}

/** @param {any} node */
export function graphLeaf(node) {
  return node.kind === "input" || node.kind === "parameter" || node.kind === "constant";
}

/** The innermost group that holds all of these. @param {(Group | null)[]} inside @returns {Group | null} */
function groupShared(inside) {
  if (inside.length === 0) return null;
  let shared = inside[0];
  for (const other of inside.slice(1)) {
    const chain = new Set();
    for (let group = other; group !== null; group = group.parent) chain.add(group);
    while (shared !== null && !chain.has(shared)) shared = shared.parent;
  }
  return shared;
}

/**
 * What is seen: nodes, closed groups, and what runs between them.
 * @param {any} graph
 * @param {{groups: Group[], home: Map<any, Group | null>}} modules
 * @param {Set<string>} open keys of open groups
 * @returns {{units: Unit[], links: Link[]}}
 */
export function visibleGraph(graph, modules, open) {
  const closable = new Set(modules.groups);
  /** @type {Map<any, Unit>} */
  const unitOf = new Map();
  /** @type {Map<Group, Unit>} */
  const closed = new Map();
  /** @type {Unit[]} */
  const units = [];
  for (const node of graph.nodes) {
    let outermost = null;
    for (let group = modules.home.get(node) ?? null; group !== null; group = group.parent) if (closable.has(group) && !open.has(group.key)) outermost = group;
    let unit = outermost === null ? undefined : closed.get(outermost);
    if (unit === undefined) {
      unit = { key: outermost === null ? `n${node.id}` : outermost.key, node: outermost === null ? node : null, group: outermost, order: outermost === null ? node.id : outermost.first, w: 0, h: 0 };
      units.push(unit);
      if (outermost !== null) closed.set(outermost, unit);
    }
    unitOf.set(node, unit);
  }
  const links = graphLinks(graph, unitOf);
  const used = new Map();
  for (const { from, to } of links) used.set(from, Math.min(used.get(from) ?? Infinity, to.order));
  for (const unit of units) if (unit.node !== null && graphLeaf(unit.node)) unit.order = (used.get(unit) ?? (unit.node.out.length > 0 ? Infinity : unit.order)) - 0.5;
  units.sort((a, b) => a.order - b.order);
  return { units, links };
}

/** @param {any} graph @param {Map<any, Unit>} unitOf @returns {Link[]} */
function graphLinks(graph, unitOf) {
  /** @type {Map<string, Link>} */
  const links = new Map();
  for (const edge of graph.edges) {
    const [from, to] = [unitOf.get(graph.nodes[edge.source]), unitOf.get(graph.nodes[edge.target])];
    if (from === undefined || to === undefined || from === to) continue;
    const single = from.node !== null && to.node !== null;
    const key = single ? `e${edge.id}` : `${from.key}→${to.key}`;
    const link = links.get(key);
    if (link === undefined) links.set(key, { key, from, to, edges: [edge] });
    else link.edges.push(edge);
  }
  return [...links.values()].flatMap((link) => graphAround(link, graph));
}

/** The skip connection of a closed module is an edge of its own. @param {Link} link @param {any} graph @returns {Link[]} */
function graphAround(link, graph) {
  if (link.to.group === null || link.to.group.part || link.edges.length < 2) return [link];
  const around = new Set(skipsAround(link.edges, link.to.group, graph.nodes));
  if (around.size === 0) return [link];
  const through = { ...link, edges: link.edges.filter((edge) => !around.has(edge)) };
  const skip = { ...link, key: `${link.key} around`, edges: [...around], skip: true, beside: through };
  return [Object.assign(through, { beside: skip }), skip];
}

/**
 * The groups that are open at first: level by level, as long as what is seen stays within `most`.
 * @param {any} graph
 * @param {{groups: Group[], home: Map<any, Group | null>}} modules
 * @param {number} most
 * @returns {Set<string>}
 */
export function openAtFirst(graph, modules, most) {
  let open = new Set();
  const deepest = Math.max(-1, ...modules.groups.map((group) => group.depth));
  for (let depth = 0; depth <= deepest; depth += 1) {
    const more = new Set([...open, ...modules.groups.filter((group) => group.depth === depth).map((group) => group.key)]);
    if (visibleGraph(graph, modules, more).units.length > most) return open;
    open = more;
  }
  return open;
}

/**
 * As many open groups as `most` cards allow: the outer ones first, those of one level in their order.
 * @param {any} graph
 * @param {{groups: Group[], home: Map<any, Group | null>}} modules
 * @param {number} most
 * @returns {Set<string>}
 */
export function openMost(graph, modules, most) {
  const inside = new Map();
  for (const node of graph.nodes) inside.set(modules.home.get(node) ?? null, (inside.get(modules.home.get(node) ?? null) ?? 0) + 1);
  for (const group of modules.groups) inside.set(group.parent, (inside.get(group.parent) ?? 0) + 1);
  let count = inside.get(null) ?? 0;
  const open = new Set();
  for (const group of [...modules.groups].sort((a, b) => a.depth - b.depth || a.first - b.first)) {
    count += (inside.get(group) ?? 0) - 1;
    if (count > most) break;
    open.add(group.key);
  }
  return open;
}
