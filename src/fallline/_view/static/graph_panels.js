// @ts-check
// The header, the legend, the check, and the graph as two tables.

import { make, setText } from "./element.js";
import { formatNumber } from "./scale.js";
import { whyTable } from "./words_table.js";
import { nodeShort, nodeTitle, tensorLines } from "./graph_data.js";

const panelTones = /** @type {Record<string, string>} */ ({ good: "fl-outcome-converged", bad: "fl-outcome-diverged", open: "fl-graph-outcome-open" });

/** @param {any} graph @param {HTMLElement[]} tools @param {() => void} lead where the outcome of the check leads */
export function graphHeader(graph, tools, lead) {
  const { check } = graph;
  const where = graph.accusation.length > 0 && check.wrong_edges.length > 0 ? "Go to the step back that is wrong" : "Go to the check";
  const outcome = check === null ? [] : [make(`button.fl-outcome.fl-graph-outcome.${panelTones[check.tone]}`, { type: "button", title: where, "aria-label": `${check.outcome}. ${where}`, click: lead }, check.outcome)];
  return make("header.fl-graph-top", {}, make("div.fl-graph-heading", {}, make("div.fl-heading-line", {}, make("h1.fl-title", { title: graph.title }, graph.title), ...outcome)), make("div.fl-graph-tools", {}, ...tools));
}

/** Before all else: whose gradient is wrong. @param {any} graph @param {() => void} lead @returns {HTMLElement[]} */
export function graphAccused(graph, lead) {
  if (graph.accusation.length === 0) return [];
  const [first, ...more] = graph.accusation;
  const led = graph.check.wrong_edges.length > 0 ? "Show the wrong step" : "Show the check";
  return [make("section.fl-graph-accused", { "aria-label": "What is wrong" }, make("div", {}, make("p.fl-graph-accused-first", {}, `✕ ${first}`), ...(more.length > 0 ? [make("p", {}, more.join(" "))] : [])), make("button.fl-button.fl-button-small", { type: "button", click: lead }, led))];
}

/** @param {any} graph */
export function graphLead(graph) {
  return make("section.fl-graph-lead", { "aria-label": "In short" }, ...graph.lead.map((/** @type {string} */ text) => make("p", {}, text)), ...graph.remarks.map((/** @type {string} */ text) => make("p.fl-graph-quiet", {}, text)));
}

/** What the marks mean. @param {any} graph @returns {HTMLElement} */
export function graphLegend(graph) {
  const kinds = new Set(graph.nodes.map((/** @type {any} */ node) => node.kind));
  const entry = (/** @type {string} */ kind, /** @type {string} */ words) => make("li", {}, make(`span.fl-graph-key.fl-graph-key-${kind}`, { "aria-hidden": "true" }), words);
  const entries = [entry("value", "value, forward"), entry("gradient", "gradient ∂, back")];
  for (const [kind, words] of [["input", "input"], ["parameter", "parameter"], ["constant", "constant"]]) if (kinds.has(kind)) entries.push(entry(kind, words));
  if (graph.edges.some((/** @type {any} */ edge) => edge.wrong)) entries.push(make("li", {}, make("span.fl-graph-key.fl-graph-key-wrong", { "aria-hidden": "true" }), "✕ wrong step back"));
  if (graph.edges.some((/** @type {any} */ edge) => edge.stretched !== null)) entries.push(make("li", {}, make("span.fl-graph-key-sum", { "aria-hidden": "true" }, "Σ"), "summed"));
  return make("ul.fl-graph-legend", { "aria-label": "Legend" }, ...entries);
}

/** @param {any} graph @returns {HTMLElement | null} */
export function graphCheck(graph) {
  const { check } = graph;
  if (check === null) return null;
  const cells = check.inputs.map((/** @type {any} */ each) => each.compared === 0 ? [each.name, "not compared", "–", "–", "–", "–"] : [each.name, each.agrees ? "agrees" : "does not agree", `${each.compared} ${each.compared === 1 ? each.unit.replace("entries", "entry").replace("directions", "direction") : each.unit}`, ...[each.largest_difference, each.autograd, each.differences].map((value) => formatNumber(graphCell(value)))]);
  const columns = ["gradient of", "check", "compared", "largest difference", "autograd there", "differences there"];
  const table = make("div.fl-facts.fl-graph-check", { tabindex: "0", role: "region", "aria-label": "The check, input by input", "data-scrolls": true }, whyTable(columns, cells, [false, false, false, true, true, true], ""));
  for (const row of table.querySelectorAll("tbody tr")) [...row.children].forEach((cell, i) => cell.setAttribute("data-column", columns[i])); // where the table has no room for its columns
  return make(`section.fl-graph-panel.fl-graph-checked${check.inputs.some((/** @type {any} */ each) => each.compared > 0 && !each.agrees) ? ".fl-graph-panel-bad" : ""}`, {}, make("h2.fl-graph-h2", {}, "Checked against central differences"), ...check.sentences.map((/** @type {string} */ text) => make("p", {}, text)), ...(cells.length > 0 ? [table] : []));
}

/** @param {number | string} value */
function graphCell(value) {
  return typeof value === "string" ? Number(value) : value;
}

/** The whole derivative, where it was asked for: a row for each entry of the result. @param {any} graph @returns {HTMLElement[]} */
export function graphJacobians(graph) {
  return (graph.jacobians ?? []).map((/** @type {any} */ each) => {
    const cells = each.rows.slice(0, 40).map((/** @type {any[]} */ row, /** @type {number} */ i) => [`result ${i}`, ...row.slice(0, 40).map((value) => formatNumber(graphCell(value), 5))]);
    const columns = ["", ...(each.rows[0] ?? []).slice(0, 40).map((/** @type {any} */ _, /** @type {number} */ i) => `${each.name} ${i}`)];
    const cut = each.rows.length > 40 || (each.rows[0] ?? []).length > 40 ? "The first 40 rows and columns." : "";
    return make("section.fl-graph-panel", {}, make("h2.fl-graph-h2", {}, `Jacobian: every entry of the result by every entry of ${each.name}`), make("div.fl-facts", { tabindex: "0", role: "region", "aria-label": `Jacobian of ${each.name}`, "data-scrolls": true }, whyTable(columns, cells, columns.map((_, i) => i > 0), cut)));
  });
}

/** The whole graph as tables, made when they are first opened. @param {any} graph @returns {HTMLElement} */
export function graphTables(graph) {
  const slot = make("div");
  const told = (/** @type {any} */ tensor) => (tensor === null ? "–" : tensorLines(tensor).join("; "));
  const all = (/** @type {any} */ node, /** @type {string} */ side) => (node.outputs.length === 0 ? told(node[side]) : node.outputs.map((/** @type {any} */ each) => `${each.place}: ${told(each[side])}`).join("; "));
  const scroll = (/** @type {string} */ name, /** @type {HTMLElement} */ table) => make("div.fl-table-scroll", { tabindex: "0", role: "region", "aria-label": name, "data-scrolls": true }, table);
  const details = make("details.fl-details", { toggle: () => {
    if (!details.open || slot.childElementCount > 0) return;
    const nodes = graph.nodes.map((/** @type {any} */ node) => [nodeTitle(node), node.op || node.kind, all(node, "value"), node.gradient === null ? (node.no_gradient ?? "–") : all(node, "gradient"), node.marks.join(", ")]);
    const edges = graph.edges.map((/** @type {any} */ edge) => [nodeShort(graph.nodes[edge.target]), nodeShort(graph.nodes[edge.source]), edge.rule ?? "–", edge.product ?? told(edge.local), told(edge.gradient)]);
    slot.append(scroll("Nodes", whyTable(["node", "operation", "value", "gradient", "marks"], nodes, [false, false, false, false, false], "Every node, in the order of the forward pass.")));
    slot.append(scroll("Edges", whyTable(["gradient from", "back to", "local derivative", "its value, or the product formed", "goes on"], edges, [false, false, false, false, false], "Every edge, with what went back along it.")));
  } }, make("summary", {}, `The graph as tables: ${graph.nodes.length} nodes, ${graph.edges.length} edges`), slot);
  return details;
}

/** Light, dark, large type. @param {any} theme @param {() => void} projector @returns {HTMLElement[]} */
export function graphTools(theme, projector) {
  const words = () => /** @type {Record<string, string>} */ ({ auto: "Theme: auto", light: "Theme: light", dark: "Theme: dark" })[theme.choice()] ?? "";
  const button = make("button.fl-button.fl-button-small", { type: "button", title: "Light or dark", click: () => { theme.next(); setText(button, words()); } }, words());
  return [make("button.fl-button.fl-button-small.fl-button-projector", { type: "button", title: "Large type (key P)", click: projector }, "Projector"), button];
}
