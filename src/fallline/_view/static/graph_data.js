// @ts-check
// The payload of a backward pass (docs/payload-backprop.md), decoded, and how its tensors are written.

import { formatNumber } from "./scale.js";

const graphFigures = 5;
const graphOutputs = 4; // of one operation that a card tells apart
const graphWords = /** @type {Record<string, number>} */ ({ NaN: NaN, Infinity: Infinity, "-Infinity": -Infinity });

/** @typedef {{words: string, shape: number[], dtype: string, numbers: number[] | null, least: number, greatest: number, mean: number, norm: number, not_finite: number, count: number}} GraphTensor */

/**
 * @param {any} payload
 * @returns {any} nodes and edges that hold their tensors, each edge with its place, each node with its edges
 */
export function decodeGraph(payload) {
  if (payload?.schema !== "fallline.payload-backprop/1") throw new Error(`This page reads fallline.payload-backprop/1, and was given ${payload?.schema ?? "nothing"}.`);
  const tensors = payload.tensors.map(graphTensor);
  const tensor = (/** @type {number | null} */ place) => (place === null ? null : tensors[place]);
  const edges = payload.edges.map((/** @type {any} */ edge, /** @type {number} */ id) => ({ ...edge, id, local: tensor(edge.local), gradient: tensor(edge.gradient), equation: graphNumbersOf(edge.equation) }));
  const nodes = payload.nodes.map((/** @type {any} */ node, /** @type {number} */ id) => ({ ...node, id, value: tensor(node.value), gradient: tensor(node.gradient), outputs: node.outputs.map((/** @type {any} */ each) => ({ ...each, value: tensor(each.value), gradient: tensor(each.gradient) })), meeting: graphNumbersOf(node.meeting), into: [], out: [] }));
  const wrong = new Set(payload.check?.wrong_edges ?? []);
  for (const edge of edges) {
    edge.wrong = wrong.has(edge.id);
    nodes[edge.source].out.push(edge);
    nodes[edge.target].into.push(edge);
  }
  graphNumbered(nodes);
  return { ...payload, nodes, edges, vector: tensor(payload.vector) };
}

/** Operations that read the same are told apart by their number. @param {any[]} nodes */
function graphNumbered(nodes) {
  const same = new Map();
  for (const node of nodes) {
    const alike = node.into.length === 0 ? [] : same.get(nodeTitle(node)) ?? [];
    alike.push(node);
    same.set(nodeTitle(node), alike);
    node.which = null;
  }
  for (const alike of same.values()) if (alike.length > 1) alike.forEach((/** @type {any} */ node, /** @type {number} */ i) => { node.which = i + 1; });
}

/** @param {any} held @returns {GraphTensor} */
function graphTensor(held) {
  const tensor = graphNumbersOf({ least: held.least, greatest: held.greatest, mean: held.mean, norm: held.norm });
  return { ...held, ...tensor, numbers: held.numbers === null ? null : held.numbers.map(graphNumberOf), count: held.shape.reduce((/** @type {number} */ a, /** @type {number} */ b) => a * b, 1) };
}

/** @param {any} value @returns {any} */
function graphNumberOf(value) {
  return typeof value === "string" ? graphWords[value] : value;
}

/** @param {Record<string, any> | null} held numbers only, or lists of them @returns {any} */
function graphNumbersOf(held) {
  if (held === null) return null;
  return Object.fromEntries(Object.entries(held).map(([name, value]) => [name, Array.isArray(value) ? value.map(graphNumberOf) : graphNumberOf(value)]));
}

/** A number of a tensor: five significant figures. @param {number} value */
export function graphNumber(value) {
  return formatNumber(value, graphFigures);
}

/** As PyTorch writes it, so that it is not read as an entry. @param {GraphTensor} tensor */
export function shapeWords({ shape }) {
  return shape.length === 0 ? "a single number" : `(${shape.join(", ")}${shape.length === 1 ? "," : ""})`;
}

/**
 * A tensor in a few short lines: the numbers of a small one, else its shape and range.
 * @param {GraphTensor | null} tensor
 * @returns {string[]}
 */
export function tensorLines(tensor) {
  if (tensor === null) return ["not seen"];
  const { shape } = tensor;
  if (shape.length === 0) return [tensor.words];
  if (graphListed(tensor)) return [graphBare(tensor.words)];
  if (tensor.words.startsWith("[") && shape.length === 2 && shape[1] <= 3 && shape[0] <= 3) return tensor.words.split("], [").map(graphBare);
  return [`${shapeWords(tensor)}\u2002${rangeWords(tensor)}`];
}

/**
 * The same where there is little room: no number is cut off, it goes to the next line; a matrix that has no room is its shape and range.
 * @param {GraphTensor | null} tensor
 * @param {(text: string) => boolean} fits
 * @returns {string[]}
 */
export function tensorRows(tensor, fits) {
  const lines = tensorLines(tensor);
  if (tensor === null || lines.every(fits)) return lines;
  const listed = lines.length === 1 && graphListed(tensor);
  const parts = lines.length > 1 ? [shapeWords(tensor), rangeWords(tensor)] : lines[0].split(listed ? /(?<=,) / : "\u2002");
  const between = listed ? " " : "\u2002";
  /** @type {string[]} */
  const rows = [];
  for (const part of parts.flatMap((text) => (fits(text) ? [text] : text.split(/(?<= …|,) /)))) {
    const longer = `${rows.at(-1)}${between}${part}`;
    if (rows.length > 0 && fits(longer)) rows[rows.length - 1] = longer;
    else rows.push(part);
  }
  return rows;
}

/**
 * Several outputs, each with its place before it.
 * @param {{place: number, value: GraphTensor | null, gradient: GraphTensor | null}[]} outputs
 * @param {"value" | "gradient"} side
 * @param {(text: string) => boolean} fits
 * @returns {string[]}
 */
export function outputRows(outputs, side, fits) {
  const shown = outputs.length > graphOutputs ? outputs.slice(0, graphOutputs - 1) : outputs;
  const rows = shown.flatMap((each) => {
    const before = `${each.place}:\u2002`;
    if (each[side] === null) return [`${before}${side === "gradient" ? "none" : "not seen"}`];
    return tensorRows(each[side], (text) => fits(before + text)).map((text, i) => (i === 0 ? before + text : text));
  });
  return shown.length < outputs.length ? [...rows, `and ${outputs.length - shown.length} more outputs`] : rows;
}

/** A short vector, all its numbers written by Python. @param {GraphTensor} tensor */
function graphListed({ words, shape, count }) {
  return words.startsWith("[") && shape.length === 1 && count <= 4;
}

/** A row of numbers without brackets. @param {string} words */
function graphBare(words) {
  return words.replaceAll(/[[\]]/g, "");
}

/** @param {GraphTensor} tensor */
export function rangeWords(tensor) {
  if (tensor.count === 0) return "empty";
  if (tensor.not_finite === tensor.count) return tensor.numbers !== null ? graphNumber(tensor.numbers[0]) : "not finite";
  const range = tensor.least === tensor.greatest ? `${tensor.not_finite === 0 && tensor.shape.length > 0 ? "all " : ""}${formatNumber(tensor.least)}` : `${formatNumber(tensor.least)} … ${formatNumber(tensor.greatest)}`;
  return tensor.not_finite > 0 ? `${range}, ${formatNumber(tensor.not_finite)} not finite` : range;
}

/** All numbers that the page has, or why not. @param {GraphTensor} tensor @returns {string} */
export function tensorWhole(tensor) {
  const { shape, numbers } = tensor;
  if (numbers === null || tensor.count === 0) return rangeWords(tensor);
  if (shape.length === 0) return graphNumber(numbers[0]);
  const spell = (/** @type {number} */ depth, /** @type {number} */ from) => {
    const inner = shape.slice(depth + 1).reduce((a, b) => a * b, 1);
    /** @type {string[]} */
    const parts = [];
    for (let i = 0; i < shape[depth]; i += 1) parts.push(depth === shape.length - 1 ? graphNumber(numbers[from + i]) : spell(depth + 1, from + i * inner));
    return `[${parts.join(depth === shape.length - 1 ? ", " : ",\n" + " ".repeat(depth + 1))}]`;
  };
  return spell(0, 0);
}

/** What a node is called in words. @param {any} node */
export function nodeTitle(node) {
  if (node.text === "") return node.name ?? (node.op || node.kind);
  return node.name === null ? node.text : `${node.name} = ${node.text}`;
}

/** What a node is called in a sentence. @param {any} node */
export function nodeShort(node) {
  return `${node.name ?? (node.text || node.op || node.kind)}${node.which === null ? "" : ` (no. ${node.which})`}`;
}
