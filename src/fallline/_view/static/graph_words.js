// @ts-check
// Beside the picture: the sentence of this moment with its arithmetic, and everything about what was chosen.

import { make } from "./element.js";
import { graphNumber, nodeShort, nodeTitle, shapeWords, tensorWhole } from "./graph_data.js";
import { formatNumber } from "./scale.js";
import { cardNode } from "./graph_card.js";
import { groupWords } from "./graph_groups.js";

const wordsMost = 3; // gradients of one line that a sentence tells
const wordsListed = 6; // edges of one line, or outputs, that the details tell

/** @param {number} value in brackets where it would follow another sign */
function wordsFactor(value) {
  return value < 0 ? `(${graphNumber(value)})` : graphNumber(value);
}

/** @param {number[]} entry */
function wordsEntry(entry) {
  return entry.length === 0 ? "" : entry.length === 1 ? `entry ${entry[0]}` : `entry [${entry.join(", ")}]`;
}

/** Slope × arrived = goes on. @param {any} equation @returns {HTMLElement} */
function wordsEquation(equation) {
  const term = (/** @type {string} */ kind, /** @type {string} */ number, /** @type {string} */ name) => make(`span.fl-graph-term.fl-graph-term-${kind}`, {}, make("span.fl-graph-term-number", {}, number), make("span.fl-graph-term-name", {}, name));
  const sign = (/** @type {string} */ text) => make("span.fl-graph-sign", {}, text);
  const parts = [term("slope", graphNumber(equation.slope), "slope here"), sign("×"), term("arrived", wordsFactor(equation.arrived), "arrived"), sign("="), term("goes", graphNumber(equation.goes_on), "goes on")];
  const where = wordsEntry(equation.entry);
  return make("div.fl-graph-equation", { role: "math", "aria-label": `${graphNumber(equation.slope)} times ${graphNumber(equation.arrived)} is ${graphNumber(equation.goes_on)}` }, ...parts, ...(where === "" ? [] : [make("span.fl-graph-entry", {}, `at ${where}, where most goes on`)]));
}

/**
 * The heading, the sentence and the arithmetic of one moment.
 * @param {any} graph @param {any} moment @param {number} count of moments
 * @returns {HTMLElement[]}
 */
export function momentWords(graph, moment, count) {
  if (moment.kind === "start") return [make("p.fl-graph-kicker", {}, "Before the first step"), make("p.fl-graph-said", {}, ...wordsStart(graph, count))];
  if (moment.kind === "forward") {
    const said = moment.unit.group === null ? moment.unit.node.sentence : wordsClosed(graph, moment.unit);
    return [make("p.fl-graph-kicker", {}, "Forward"), make("p.fl-graph-said", {}, said)];
  }
  if (moment.kind === "begin") {
    const node = graph.nodes[graph.result];
    const seed = graph.vector === null ? `The backward pass begins at the result: ∂result/∂result = 1.` : `The backward pass begins with the given vector, one weight for each entry of ${nodeShort(node)}: ${tensorWhole(graph.vector)}.`;
    return [make("p.fl-graph-kicker.fl-graph-kicker-back", {}, "Backward"), make("p.fl-graph-said", {}, seed)];
  }
  const { link } = moment;
  const edges = link.edges.filter((/** @type {any} */ edge) => edge.gradient !== null);
  const kicker = make(`p.fl-graph-kicker.fl-graph-kicker-${link.wrong ? "wrong" : "back"}`, {}, `${link.wrong ? "✕ " : ""}Backward: ${wordsUnit(link.to)} → ${wordsUnit(link.from)}`);
  if (link.to.group !== null) return [kicker, make("p.fl-graph-said", {}, wordsThrough(graph, link, edges)), ...wordsWrong(link)];
  const parts = [kicker, make("p.fl-graph-said", {}, edges[0].sentence, ...(edges.length > 1 ? [` ${edges.length - 1} more of these edges carr${edges.length === 2 ? "ies" : "y"} a gradient back.`] : []))];
  if (edges[0].equation !== null) parts.push(wordsEquation(edges[0].equation));
  return parts;
}

/** @param {any} group */
function wordsSteps(group) {
  return `${group.operations} ${group.operations === 1 ? "step" : "steps"}`;
}

/** What a closed module gave, and what broke inside it. @param {any} graph @param {any} unit @returns {string} */
function wordsClosed(graph, unit) {
  const { value } = cardNode(unit, graph);
  const broken = unit.group.nodes.find((/** @type {any} */ node) => node.marks.includes("not finite here"));
  const where = broken === undefined ? "" : ` Inside it, at ${nodeTitle(broken)}, a number stops being finite: open it to see where.`;
  return `${groupWords(unit.group)}, closed: ${wordsSteps(unit.group)} inside. Its output is ${value === null ? "not seen" : value.words}.${where}`;
}

/** What is told of the step itself, where it is seen. @param {any} link @returns {HTMLElement[]} */
function wordsWrong(link) {
  return link.wrong ? [make("p.fl-graph-kicker-wrong", {}, "A step back in here is wrong: open it.")] : [];
}

/** Around the layers of a closed module, and how the two add up. @param {any} graph @param {any} link @param {any} edge with a gradient @returns {string} */
function wordsSkip(graph, link, edge) {
  const [to, source] = [wordsUnit(link.from), graph.nodes[edge.source]];
  const [through, ...more] = source.out.filter((/** @type {any} */ each) => each.gradient !== null && each !== edge);
  const all = source.outputs.length === 0 && source.gradient !== null && through !== undefined && more.length === 0;
  const sizes = all ? ` Their lengths (norms): ${formatNumber(edge.gradient.norm)} around, ${formatNumber(through.gradient.norm)} through, ${formatNumber(source.gradient.norm)} added up.` : "";
  return `The skip connection goes around the layers of ${wordsUnit(link.to)}: what arrived at the sum at its end goes on to ${to} ${edge.rule === "1" ? "unchanged" : `times ${edge.rule}`}, ${edge.gradient.words}. There it is added to what came back through the layers.${sizes}`;
}

/** What came back through a closed module: no rule of one of its steps is that of the whole. @param {any} graph @param {any} link @param {any[]} edges with a gradient @returns {string} */
function wordsThrough(graph, link, edges) {
  if (link.skip && edges.length === 1) return wordsSkip(graph, link, edges[0]);
  const to = wordsUnit(link.from);
  const through = `The gradient came back through ${wordsUnit(link.to)}, closed${link.to.group.part ? "" : `, ${wordsSteps(link.to.group)}`}: `;
  const around = link.beside === undefined || link.skip ? "" : ` The skip connection brings another one around these layers: the two add up.`;
  if (edges.length === 1) return `${through}${edges[0].gradient.words} goes on to ${to}.${around}`;
  const shown = edges.slice(0, wordsMost).map((edge) => edge.gradient.words).join("; ");
  const same = edges.every((edge) => edge.source === edges[0].source && edge.output === edges[0].output);
  return `${through}${edges.length} gradients go on to ${to}${same ? ", where they add up" : ""}: ${shown}${edges.length > wordsMost ? "; …" : "."}${around}`;
}

/** @param {any} graph @param {number} count */
function wordsStart(graph, count) {
  const inputs = graph.inputs.map((/** @type {number} */ id) => nodeShort(graph.nodes[id])).join(", ");
  const parts = graph.parts ? `There are ${formatNumber(graph.nodes.length)} values: steps that ran one after the other are drawn as one card, and a click or Enter opens it. ` : "";
  return [`${parts}Values run forward from ${inputs === "" ? "the leaves" : inputs} to the result, then the gradient comes back the same way, edge by edge. `, make("strong", {}, "Take a step"), ` to begin; there are ${count - 1} in all.`];
}

/** @param {any} unit */
function wordsUnit(unit) {
  return unit.group !== null ? unit.group.title : nodeShort(unit.node);
}

/**
 * Everything about a node, an edge or a closed group.
 * @param {any} graph @param {any} chosen a unit or a link
 * @param {{open: (group: any) => void, close: (group: any) => void, choose: (edge: any) => void, home: Map<any, any>}} act
 * @returns {HTMLElement[]}
 */
export function chosenWords(graph, chosen, act) {
  if (chosen.edges !== undefined) return wordsOfLink(graph, chosen);
  if (chosen.group !== null) {
    const node = cardNode(chosen, graph);
    return [
      make("h3.fl-graph-h3", {}, groupWords(chosen.group)),
      make("p", {}, `Closed: ${wordsSteps(chosen.group)} inside.`),
      make("button.fl-button.fl-button-small", { type: "button", click: () => act.open(chosen.group) }, "Open it"),
      wordsRows([["its output", node.value, "value"], ["gradient at its output", node.gradient, "gradient"]]),
    ];
  }
  return wordsOfNode(graph, chosen.node, act);
}

/** @param {any} graph @param {any} node @param {any} act @returns {HTMLElement[]} */
function wordsOfNode(graph, node, act) {
  const home = act.home.get(node) ?? null;
  const edges = (/** @type {any[]} */ list, /** @type {string} */ side) => list.map((edge) => make("button.fl-graph-go", { type: "button", click: () => act.choose(edge) }, nodeShort(graph.nodes[edge[side]])));
  /** @type {[string, string | Node[] | null][]} */
  const facts = [
    ["computed as", node.text || null],
    ["operation", node.op || null],
    ["PyTorch calls its step back", node.backward],
    ["in module", node.module || null],
    ["saved for the way back", node.saved.length > 0 ? node.saved.join(", ") : null],
    ["marks", node.marks.length > 0 ? node.mark_sentences.filter((/** @type {string} */ text) => !node.sentence.includes(text)).join(" ") || node.marks.join(", ") : null],
    ["made from", node.into.length > 0 ? edges(node.into, "source") : null],
    ["used by", node.out.length > 0 ? edges(node.out, "target") : null],
  ];
  return [
    make("h3.fl-graph-h3", {}, nodeTitle(node)),
    make("p", {}, node.sentence),
    ...(node.no_gradient === null || node.sentence.includes(node.no_gradient) ? [] : [make("p.fl-graph-no", {}, node.no_gradient)]),
    ...wordsTensors(node),
    wordsFacts(facts),
    ...(home === null ? [] : [make("button.fl-button.fl-button-small", { type: "button", click: () => act.close(home) }, `Close ${home.path}`)]),
  ];
}

/** @param {any} graph @param {any} link @returns {HTMLElement[]} */
function wordsOfLink(graph, link) {
  if (link.to.group !== null) return wordsOfThrough(graph, link);
  const shown = link.edges.slice(0, wordsListed);
  const parts = shown.flatMap((/** @type {any} */ edge) => [
    make("h3.fl-graph-h3", {}, `From ${nodeShort(graph.nodes[edge.target])} back to ${nodeShort(graph.nodes[edge.source])}`),
    make("p", {}, edge.sentence),
    wordsFacts([["of output", edge.output === null ? null : String(edge.output)], ["local derivative", edge.rule], ["product", edge.product], ["broadcast to", edge.stretched === null ? null : `${edge.stretched.join(" × ")}, so what came back was summed`]]),
    wordsRows([["local derivative, entry by entry", edge.local, "value"], ["goes on", edge.gradient, "gradient"]]),
  ]);
  return [...parts, ...(link.edges.length > shown.length ? [make("p", {}, `And ${link.edges.length - shown.length} more edges.`)] : [])];
}

/** @param {any} graph @param {any} link back through a closed module @returns {HTMLElement[]} */
function wordsOfThrough(graph, link) {
  const edges = link.edges.filter((/** @type {any} */ edge) => edge.gradient !== null);
  const told = edges.length === 0 ? "Nothing goes back here." : wordsThrough(graph, link, edges);
  return [make("h3.fl-graph-h3", {}, `From ${wordsUnit(link.to)} back to ${wordsUnit(link.from)}`), make("p", {}, `${told} Open the module to see each of its steps.`), wordsRows(edges.slice(0, wordsListed).map((/** @type {any} */ edge) => ["goes on", edge.gradient, "gradient"]))];
}

/** The value and the gradient, or those of each output. @param {any} node @returns {HTMLElement[]} */
function wordsTensors(node) {
  if (node.outputs.length === 0) return [wordsRows([["value", node.value, "value"], ["gradient, ∂result/∂this", node.gradient, "gradient"]])];
  const shown = node.outputs.slice(0, wordsListed);
  const rows = wordsRows(shown.flatMap((/** @type {any} */ each) => [[`output ${each.place}, value`, each.value, "value"], [`output ${each.place}, gradient`, each.gradient, "gradient"]]));
  return [rows, ...(shown.length < node.outputs.length ? [make("p", {}, `And ${node.outputs.length - shown.length} more outputs.`)] : [])];
}

/** Tensors with all their numbers. @param {[string, any, string][]} rows @returns {HTMLElement} */
function wordsRows(rows) {
  return make("div.fl-graph-tensors", {}, ...rows.filter(([, tensor]) => tensor !== null).map(([name, tensor, kind]) =>
    make("div.fl-graph-tensor", {}, make("p.fl-graph-tensor-name", {}, `${name}: ${shapeWords(tensor)}, ${tensor.dtype}`), make(`pre.fl-graph-numbers.fl-graph-numbers-${kind}`, { tabindex: "0", "aria-label": name, "data-scrolls": true }, tensorWhole(tensor)), ...(tensor.count > 4 ? [make("p.fl-graph-quiet", {}, `mean ${graphNumber(tensor.mean)}, length (norm) ${graphNumber(tensor.norm)}${tensor.not_finite > 0 ? `, ${tensor.not_finite} not finite` : ""}`)] : [])),
  ));
}

/** @param {[string, string | Node[] | null][]} facts @returns {HTMLElement} */
function wordsFacts(facts) {
  return make("dl.fl-graph-facts", {}, ...facts.filter(([, held]) => held !== null).map(([name, held]) => make("div", {}, make("dt", {}, name), make("dd", {}, ...(typeof held === "string" ? [held] : held ?? [])))));
}
