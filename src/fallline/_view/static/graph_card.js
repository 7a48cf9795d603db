// @ts-check
// A card: what was computed, its value, the gradient that arrived, and badges. Leaves and groups have shapes of their own.

import { formatNumber } from "./scale.js";
import { makeSvg } from "./graph_svg.js";
import { nodeTitle, outputRows, tensorRows } from "./graph_data.js";
import { graphLeaf } from "./graph_groups.js";

const cardType = 14;
const cardSmall = 13.5;
const cardPad = 12;
const cardRoom = { wide: 210, narrow: 158 };
const cardLine = 18;
const cardMarks = /** @type {Record<string, string>} */ ({ "not finite here": "not finite from here", "gradient not finite here": "gradient breaks here" });
const cardBad = new Set(["not finite here", "gradient not finite here"]);

/**
 * @typedef {{text: string, size: number, bold: boolean, kind: string, y: number}} CardLine
 * @typedef {{lines: CardLine[], tag: string, badges: {text: string, bad: boolean, wrong?: boolean, x: number, y: number, w: number}[], w: number, h: number, split: number, wrong: boolean, far: string}} Card
 */

/** The node whose value and gradient a card shows: of a group the last one that others use. @param {import("./graph_groups.js").Unit} unit @param {any} graph */
export function cardNode(unit, graph) {
  if (unit.group === null) return unit.node;
  const inside = new Set(unit.group.nodes);
  const ends = unit.group.nodes.filter((node) => !graphLeaf(node) && (node.id === graph.result || node.out.some((/** @type {any} */ edge) => !inside.has(graph.nodes[edge.target]))));
  return ends.at(-1) ?? unit.group.nodes.at(-1);
}

/**
 * @param {import("./graph_groups.js").Unit} unit
 * @param {any} graph
 * @param {any} ruler
 * @param {boolean} narrow
 * @returns {Card}
 */
export function makeCard(unit, graph, ruler, narrow) {
  const node = cardNode(unit, graph);
  const most = narrow ? cardRoom.narrow : cardRoom.wide;
  const title = unit.group === null ? nodeTitle(node) : unit.group.title ?? unit.group.path;
  const whole = unit.group !== null ? `${unit.group.operations} ${unit.group.operations === 1 ? "step" : "steps"}` : graphLeaf(node) ? node.kind : [title.includes(node.op) ? "" : node.op, node.which === null ? "" : `no. ${node.which}`].filter(Boolean).join(" ");
  const wrong = (unit.group?.nodes ?? [unit.node]).some((/** @type {any} */ each) => each.into.some((/** @type {any} */ edge) => edge.wrong));
  const named = unit.group !== null || graphLeaf(node);
  const fits = (/** @type {string} */ text) => ruler.width(text, cardType) <= most;
  const value = (node.outputs.length > 0 ? outputRows(node.outputs, "value", fits) : tensorRows(node.value, fits)).map((text) => ruler.fit(text, cardType, most));
  const gradient = cardGradient(unit, node, (text) => ruler.width(text, cardType) <= most - 16).map((text) => ruler.fit(text, cardType, most - 16));
  const roomy = unit.group === null || (!unit.group.part && ruler.width(title, cardType + 1, true) + ruler.width(whole, cardSmall) + 10 <= most);
  const tag = roomy ? whole : ""; // a module's name is worth more than how many steps it has
  const tagWidth = tag === "" ? 0 : ruler.width(tag, cardSmall) + 10;
  const head = ruler.fit(title, cardType + 1, Math.max(most - tagWidth, 60), true, named);
  const widths = [ruler.width(head, cardType + 1, true) + tagWidth, ...value.map((text) => ruler.width(text, cardType)), ...gradient.map((text) => ruler.width(text, cardType) + 16)];
  const marks = unit.group === null ? node.marks.map((/** @type {string} */ mark) => ({ text: cardMarks[mark] ?? mark, bad: cardBad.has(mark) })) : groupMarks(unit.group);
  if (wrong) marks.unshift({ text: "✕ step back wrong", bad: true, wrong });
  const badges = marks.map((/** @type {any} */ mark) => ({ ...mark, w: ruler.width(mark.text, cardSmall, true) + 14 }));
  const w = Math.ceil(Math.min(most, Math.max(92, ...widths, ...badges.map((/** @type {any} */ badge) => badge.w)))) + 2 * cardPad;
  return cardLines({ head, tag, value, gradient, badges, w, known: node.gradient !== null, wrong, far: ruler.fit(wrong ? `✕ ${title}` : title, 27, w - 12, true, named) });
}

/** @param {any} unit @param {any} node @param {(text: string) => boolean} fits @returns {string[]} */
function cardGradient(unit, node, fits) {
  if (node.gradient === null) return node.kind === "constant" ? [] : ["none"];
  if (node.outputs.length > 0) return outputRows(node.outputs, "gradient", fits);
  const lines = tensorRows(node.gradient, fits);
  if (unit.group === null && node.meeting !== null) lines.push([5, 3, 2].map((figures) => cardSum(node.meeting.terms, figures)).find(fits) ?? `= the sum of ${node.meeting.terms.length}`);
  return lines;
}

/** @param {number[]} terms @param {number} figures */
function cardSum(terms, figures) {
  return `= ${terms.map((term, i) => (i > 0 && term < 0 ? `− ${formatNumber(-term, figures)}` : `${i > 0 ? "+ " : ""}${formatNumber(term, figures)}`)).join(" ")}`;
}

/** @param {import("./graph_groups.js").Group} group */
function groupMarks(group) {
  return [...new Set(group.nodes.flatMap((node) => node.marks))].filter((mark) => cardBad.has(mark)).map((mark) => ({ text: cardMarks[mark], bad: true }));
}

/** @param {any} made @returns {Card} */
function cardLines({ head, tag, value, gradient, badges, w, known, wrong, far }) {
  /** @type {CardLine[]} */
  const lines = [{ text: head, size: cardType + 1, bold: true, kind: "title", y: 22 }];
  let y = 22;
  for (const text of value) lines.push({ text, size: cardType, bold: false, kind: "value", y: (y += cardLine + 1) });
  const placed = [];
  let x = cardPad;
  y += badges.length > 0 ? 26 : 0;
  for (const badge of badges) {
    if (x > cardPad && x + badge.w > w - cardPad) [x, y] = [cardPad, y + 24];
    placed.push({ ...badge, x, y });
    x += badge.w + 6;
  }
  const split = y + 10;
  y += gradient.length > 0 ? 10 : 0;
  gradient.forEach((/** @type {string} */ text, /** @type {number} */ i) => lines.push({ text, size: cardType, bold: false, kind: !known ? "none" : i > 0 && text.startsWith("=") ? "sum" : "gradient", y: (y += cardLine) }));
  return { lines, tag, badges: placed, w, h: y + 10, split: gradient.length > 0 ? split : y + 10, wrong, far };
}

/**
 * The outline: inputs are pills, parameters have cut corners, constants are dashed, closed groups stand on a stack.
 * @param {string} kind @param {number} w @param {number} h
 */
export function cardOutline(kind, w, h) {
  if (kind === "parameter") return `M10 0H${w - 10}L${w} 10V${h - 10}L${w - 10} ${h}H10L0 ${h - 10}V10Z`;
  const r = kind === "input" ? 20 : 8;
  return `M${r} 0H${w - r}Q${w} 0 ${w} ${r}V${h - r}Q${w} ${h} ${w - r} ${h}H${r}Q0 ${h} 0 ${h - r}V${r}Q0 0 ${r} 0Z`;
}

/**
 * @param {Card} card
 * @param {import("./graph_groups.js").Unit} unit
 * @param {number} id for the clip of the gradient's strip
 * @returns {SVGElement[]}
 */
export function drawCard(card, unit, id) {
  const kind = unit.group !== null ? "group" : unit.node.kind;
  const { h, split } = card;
  const w = unit.w;
  const outline = cardOutline(kind, w, h);
  const parts = unit.group === null ? [] : [makeSvg("path.fl-graph-stack", { d: outline, transform: "translate(6 6)" }), makeSvg("path.fl-graph-stack", { d: outline, transform: "translate(3 3)" })];
  parts.push(makeSvg("path.fl-graph-body", { d: outline }));
  if (split < h) {
    parts.push(makeSvg("clipPath", { id: `fl-graph-clip-${id}` }, makeSvg("path", { d: outline })));
    parts.push(makeSvg("rect.fl-graph-strip", { x: 0, y: split, width: w, height: h - split, "clip-path": `url(#fl-graph-clip-${id})` }));
    parts.push(makeSvg("path.fl-graph-split", { d: `M0 ${split}H${w}` }));
    const known = card.lines.some((line) => line.kind === "gradient");
    parts.push(makeSvg(`text.fl-graph-nabla${known ? "" : ".fl-graph-nabla-none"}`, { x: cardPad, y: split + cardLine }, "∂"));
  }
  for (const line of card.lines) {
    const x = line.kind === "title" || line.kind === "value" ? cardPad : cardPad + 16;
    parts.push(makeSvg(`text.fl-graph-near.fl-graph-${line.kind}`, { x, y: line.y, "font-size": line.size }, line.text));
  }
  if (card.tag !== "") parts.push(makeSvg("text.fl-graph-near.fl-graph-tag", { x: w - cardPad, y: 21, "text-anchor": "end", "font-size": cardSmall }, card.tag));
  for (const badge of card.badges) {
    const bad = `${badge.bad ? ".fl-graph-badge-bad" : ""}${badge.wrong ? ".fl-graph-badge-wrong" : ""}`;
    parts.push(makeSvg(`rect.fl-graph-badge${bad}`, { x: badge.x, y: badge.y - 14, width: badge.w, height: 19, rx: 9.5 }));
    parts.push(makeSvg(`text.fl-graph-near.fl-graph-badge-text${bad}`, { x: badge.x + badge.w / 2, y: badge.y, "text-anchor": "middle", "font-size": cardSmall }, badge.text));
  }
  parts.push(makeSvg("text.fl-graph-far", { x: w / 2, y: Math.min(h, split) / 2 + 9, "text-anchor": "middle", "font-size": 27 }, card.far));
  parts.push(makeSvg("path.fl-graph-ring", { d: outline }));
  return parts;
}
