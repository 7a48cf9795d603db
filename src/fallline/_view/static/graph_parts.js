// @ts-check
// Hundreds of operations that no module holds together are drawn in parts: those that ran one after the other, and parts of parts.

const partsFrom = 60; // operations and modules side by side
const partsMost = 18; // in one part

/**
 * Puts parts between groups and what they hold. Each is a piece of the forward pass, so closing one never makes a circle. Changes `home`, and the parents of groups.
 * @param {any[]} operations in their order
 * @param {Map<any, any>} home the innermost group of each
 * @returns {any[]} the parts
 */
export function graphParts(operations, home) {
  /** @type {Map<any, any[]>} */
  const children = new Map();
  const seen = new Set();
  for (const node of operations) {
    for (let [child, parent] = [node, home.get(node) ?? null]; child !== null && !seen.has(child); [child, parent] = [parent, parent?.parent ?? null]) {
      seen.add(child);
      if (!children.has(parent)) children.set(parent, []);
      children.get(parent)?.push(child);
    }
  }
  return [...children].flatMap(([parent, held]) => (held.length > partsFrom ? partsOf(parent, held, home) : []));
}

/** @param {any} parent @param {any[]} held @param {Map<any, any>} home @returns {any[]} */
function partsOf(parent, held, home) {
  const levels = Math.ceil(Math.log(held.length) / Math.log(partsMost));
  const size = Math.ceil(held.length ** (1 / levels));
  const parts = [];
  let items = held;
  for (let level = 1; level < levels; level += 1) {
    const made = [];
    for (let i = 0; i < items.length; i += size) {
      const inside = items.slice(i, i + size);
      const first = inside[0].first ?? inside[0].id;
      const part = { key: `part ${level} @${first}`, path: "", part: true, parent, first, nodes: [], operations: 0, depth: 0 };
      for (const child of inside) {
        if (child.key === undefined) home.set(child, part);
        else child.parent = part;
      }
      made.push(part);
    }
    parts.push(...made);
    items = made;
  }
  return parts;
}

/** Parts are called by what of the forward pass they are. @param {any[]} parts with their nodes @param {any[]} operations */
export function nameParts(parts, operations) {
  const place = new Map(operations.map((node, i) => [node, i + 1]));
  for (const part of parts) {
    const inside = part.nodes.filter((/** @type {any} */ node) => place.has(node));
    part.path = `steps ${place.get(inside[0])}–${place.get(inside.at(-1))}`;
  }
}

/**
 * Edges that go around the layers of a closed module into a sum: their other operand is made of the same value.
 * @param {any[]} edges from one card into the module
 * @param {any} group
 * @param {any[]} nodes of the graph
 * @returns {any[]}
 */
export function skipsAround(edges, group, nodes) {
  const inside = new Set(group.nodes);
  const sums = edges.filter((edge) => nodes[edge.target].op === "add" && nodes[edge.target].module === group.path); // not one of a module inside
  return sums.filter((skip) => {
    const others = edges.filter((edge) => edge.source === skip.source && edge.output === skip.output && edge.target !== skip.target);
    const waiting = others.map((edge) => nodes[edge.target]);
    const seen = new Set(waiting);
    for (const node of waiting) for (const { target } of node.out) {
      const next = nodes[target];
      if (!inside.has(next) || seen.has(next)) continue;
      seen.add(next);
      waiting.push(next);
    }
    return seen.has(nodes[skip.target]);
  });
}
