// @ts-check
// The drawing: edges as curves, the gradient running against them, cards on top; and what of it shows at one moment.

import { makeSvg } from "./graph_svg.js";
import { drawCard, makeCard } from "./graph_card.js";
import { graphLeaf, groupWords } from "./graph_groups.js";
import { layoutGraph } from "./graph_layout.js";
import { nodeShort, nodeTitle, outputRows, tensorLines } from "./graph_data.js";

const drawLabel = 13.5;
const drawLabelRoom = { narrow: 84, wide: 104, least: 30, beside: 40 }; // beside: a card that all edges reach from above leaves a lane
const drawMoved = 320; // ms that cards take to their new places

/** @typedef {{unit: any, card: any, element: SVGElement, x: number, y: number}} DrawnUnit */
/** @typedef {{link: any, element: SVGElement, box: {x: number, y: number, w: number, h: number}, label?: Element | null}} DrawnLink */

/**
 * @param {any} graph
 * @param {{units: any[], links: any[]}} visible
 * @param {{ruler: any, down: boolean, room: {row: number, rows: number}, choose: (what: any) => void, before: Map<string, {x: number, y: number}>, still: boolean}} how
 */
export function drawGraph(graph, visible, how) {
  const { down } = how;
  for (const unit of visible.units) [unit.into, unit.out] = [[], []];
  for (const link of visible.links) {
    link.wrong = link.edges.some((/** @type {any} */ edge) => edge.wrong);
    link.from.out.push(link);
    link.to.into.push(link);
  }
  let made = drawPlaced(graph, visible, how, down && drawBranches(visible.links));
  if (made.rows > 1) made = drawPlaced(graph, visible, how, true); // more of them stand side by side
  const { cards, places, paths, width, height } = made;
  const world = makeSvg("g.fl-graph-world");
  const [lines, tops, labels] = [makeSvg("g"), makeSvg("g"), makeSvg("g")];
  /** @type {Map<any, DrawnLink>} */
  const links = new Map();
  for (const link of visible.links) links.set(link, drawLink(link, paths.get(link), { lines, labels, down, visible, choose: how.choose }));
  /** @type {Map<any, DrawnUnit>} */
  const units = new Map();
  visible.units.forEach((unit, i) => {
    const at = places.get(unit) ?? { x: 0, y: 0 };
    const element = drawUnit(unit, cards.get(unit), at, i, graph, how);
    tops.append(element);
    units.set(unit, { unit, card: cards.get(unit), element, ...at });
    drawPlus(element, at, drawMeeting(unit).map((link) => paths.get(link).begin));
  });
  world.append(lines, tops, labels);
  if (how.before.size > 0 && !how.still) drawMove(units, [lines, labels], how.before);
  const shown = new Map([...labels.children].map((label) => [label.getAttribute("data-edges"), label]));
  for (const each of links.values()) each.label = shown.get(each.element.getAttribute("data-edges")) ?? null;
  return { world, units, links, width, height };
}

/** Cards and labels, wide or narrow, and where they stand. @param {any} graph @param {{units: any[], links: any[]}} visible @param {any} how @param {boolean} narrow */
function drawPlaced(graph, visible, { ruler, down, room }, narrow) {
  const cards = new Map(visible.units.map((unit) => [unit, makeCard(unit, graph, ruler, narrow)]));
  const most = (/** @type {any} */ link) => (down && narrow ? Math.min(drawLabelRoom.narrow, (room.rows - drawLabelRoom.beside) / link.to.into.length - 22) : narrow ? drawLabelRoom.narrow : drawLabelRoom.wide);
  for (const link of visible.links) link.label = drawLabelOf(link, graph, ruler, most(link));
  for (const unit of visible.units) drawSize(unit, cards.get(unit), down ? room.rows - drawLabelRoom.beside : null);
  return { cards, ...layoutGraph(visible.units, visible.links, { down, ...room }) };
}

/** Whether cards stand side by side. @param {any[]} links */
function drawBranches(links) {
  const [from, to] = [new Map(), new Map()];
  for (const link of links) {
    from.set(link.from, (from.get(link.from) ?? new Set()).add(link.to));
    to.set(link.to, (to.get(link.to) ?? new Set()).add(link.from));
  }
  return [...from.values(), ...to.values()].some((held) => held.size > 1);
}

/** A card is as tall, or as wide, as its edges and their labels ask for. @param {any} unit @param {any} card @param {number | null} most how wide it may be where edges come from above */
function drawSize(unit, card, most) {
  unit.w = card.w;
  unit.h = card.h;
  const { into, out: { length: out } } = unit;
  if (most === null) unit.h = Math.max(unit.h, (into.length + 1) * 23, (out + 1) * 25);
  else unit.w = Math.max(unit.w, Math.min(most, Math.max(into.length * (Math.max(0, ...into.map((/** @type {any} */ link) => link.label?.w ?? 0)) + 10), (out + 1) * 25)));
  card.h = unit.h;
}

/** The local derivative that an edge multiplies by; Σ where what comes back is summed. @param {any} link @param {any} graph @param {any} ruler @param {number} room */
function drawLabelOf(link, graph, ruler, room) {
  const edges = link.edges.filter((/** @type {any} */ edge) => edge.gradient !== null);
  if ((edges.length === 0 && !link.wrong) || room < drawLabelRoom.least) return null;
  const single = link.from.group === null && link.to.group === null;
  const [edge] = edges;
  const sum = single && (edge?.stretched ?? null) !== null;
  let text = edges.length > 1 ? `${edges.length} gradients` : "";
  if (single && (edge?.rule ?? null) !== null) {
    const small = edge.local !== null && edge.local.count === 1 ? tensorLines(edge.local)[0] : edge.rule;
    const rule = edge.rule.length > 12 && edge.local !== null ? small : edge.rule.split(", ")[0];
    text = edge.product !== null ? rule : drawIsSum(rule) ? `× (${rule})` : `× ${rule}`;
  }
  if (sum && !text.startsWith("Σ")) text = `Σ ${text}`.trim();
  if (link.skip) text = "skip";
  if (link.wrong) text = `✕ wrong ${text.startsWith("×") ? text : ""}`.trim();
  if (text === "") return null;
  const fitted = ruler.fit(text, drawLabel, room, true);
  return { text: fitted, w: Math.ceil(ruler.width(fitted, drawLabel, true)) + 12, h: 21 };
}

/** A plus or minus that no bracket holds. @param {string} rule */
function drawIsSum(rule) {
  let [held, before] = [rule, ""];
  while (held !== before) [held, before] = [held.replaceAll(/\([^()]*\)/g, ""), held];
  return / [+−] /.test(held);
}

/** @param {any} link @param {any} route @param {any} into @returns {DrawnLink} */
function drawLink(link, route, { lines, labels, down, visible, choose }) {
  const dead = link.edges.every((/** @type {any} */ edge) => edge.gradient === null);
  const group = makeSvg(`g.fl-graph-edge${dead ? ".fl-graph-dead" : ""}${link.wrong ? ".fl-graph-wrong" : ""}`, { "data-edges": link.edges.map((/** @type {any} */ edge) => edge.id).join(" ") });
  const { x, y } = route.end;
  const head = down ? `M${x - 4.5} ${y - 9}L${x} ${y}L${x + 4.5} ${y - 9}` : `M${x - 9} ${y - 4.5}L${x} ${y}L${x - 9} ${y + 4.5}`;
  const back = route.begin;
  const tail = down ? `M${back.x - 5} ${back.y + 10}L${back.x} ${back.y + 1}L${back.x + 5} ${back.y + 10}Z` : `M${back.x + 10} ${back.y - 5}L${back.x + 1} ${back.y}L${back.x + 10} ${back.y + 5}Z`;
  group.append(makeSvg("path.fl-graph-wire", { d: route.path }), makeSvg("path.fl-graph-head", { d: head }), makeSvg("path.fl-graph-flow", { d: route.path }), makeSvg("path.fl-graph-tail", { d: tail }));
  group.append(makeSvg("path.fl-graph-touch", { d: route.path, click: () => choose(link) }));
  lines.append(group);
  const { label } = link;
  const box = label === null ? { x: x - 30, y: y - 12, w: 30, h: 24 } : down ? { x: x - label.w / 2, y: y - 14 - label.h, w: label.w, h: label.h } : { x: x - 13 - label.w, y: y - label.h / 2, w: label.w, h: label.h };
  if (label === null) return { link, element: group, box };
  const edge = link.edges[0];
  const words = `Edge from ${drawName(link.from)} to ${drawName(link.to)}: ${link.wrong ? "the step back is wrong, " : ""}${link.to.group === null ? (edge.rule ?? label.text) : label.text}`;
  /** @type {Record<string, string>} */
  const focus = visible.links.length <= 40 ? { tabindex: "0" } : {};
  const shown = makeSvg(`g.fl-graph-label${link.wrong ? ".fl-graph-wrong" : ""}`, { role: "button", "aria-label": words, ...focus, "data-edges": group.getAttribute("data-edges"), click: () => choose(link), keydown: (/** @type {any} */ event) => drawPress(event, () => choose(link)) });
  shown.append(makeSvg("rect", { x: box.x, y: box.y, width: box.w, height: box.h, rx: 10 }), makeSvg("text", { x: box.x + box.w / 2, y: box.y + 15, "text-anchor": "middle", "font-size": drawLabel }, label.text));
  labels.append(shown);
  return { link, element: group, box };
}

/** @param {any} unit */
function drawName(unit) {
  return unit.group !== null ? unit.group.title : nodeShort(unit.node);
}

/** @param {any} unit @param {any} card @param {{x: number, y: number}} at @param {number} i @param {any} graph @param {any} how */
function drawUnit(unit, card, at, i, graph, how) {
  const kind = unit.group !== null ? "group" : unit.node.kind;
  const words = unit.group !== null ? `${groupWords(unit.group)}, closed, ${unit.group.operations} operation${unit.group.operations === 1 ? "" : "s"}${card.wrong ? ", a step back in it is wrong" : ""}. Enter opens it.` : `${nodeTitle(unit.node)}: value ${drawSaid(unit.node, "value")}, gradient ${drawSaid(unit.node, "gradient")}${card.wrong ? ", its step back is wrong" : ""}`;
  const done = () => how.choose(unit);
  const element = makeSvg(`g.fl-graph-unit.fl-graph-${kind}`, { transform: `translate(${at.x.toFixed(1)} ${at.y.toFixed(1)})`, tabindex: "0", role: "button", "aria-label": words, "data-key": unit.key, click: done, keydown: (/** @type {any} */ event) => drawPress(event, done) });
  if (unit.node !== null) element.setAttribute("data-node", String(unit.node.id));
  if (unit.node?.id === graph.result) element.classList.add("fl-graph-result");
  if (card.wrong) element.classList.add("fl-graph-wrong");
  element.append(...drawCard(card, unit, i));
  return element;
}

/** @param {any} node @param {"value" | "gradient"} side */
function drawSaid(node, side) {
  if (node.outputs.length > 0) return outputRows(node.outputs, side, () => true).join("; ");
  return side === "gradient" && node.gradient === null ? "none" : tensorLines(node[side]).join("; ");
}

/** The edges whose gradients add up at a card: those of one output, not of several. @param {any} unit @returns {any[]} */
function drawMeeting(unit) {
  const found = new Map();
  for (const link of unit.out) {
    const [edge] = link.edges.filter((/** @type {any} */ each) => each.gradient !== null);
    if (edge !== undefined) found.set(`${edge.source} ${edge.output}`, [...(found.get(`${edge.source} ${edge.output}`) ?? []), link]);
  }
  return [...found.values()].find((together) => together.length > 1) ?? [];
}

/** Where gradients meet they are added up: a plus between the first two arrows. @param {SVGElement} element @param {{x: number, y: number}} at @param {{x: number, y: number}[]} ends */
function drawPlus(element, at, ends) {
  if (ends.length < 2) return;
  const [first, second] = [...ends].sort((a, b) => a.x - b.x || a.y - b.y);
  const [x, y] = [(first.x + second.x) / 2 - at.x, (first.y + second.y) / 2 - at.y];
  element.append(makeSvg("g.fl-graph-plus", {}, makeSvg("circle", { cx: x, cy: y, r: 9 }), makeSvg("path", { d: `M${x - 5} ${y}H${x + 5}M${x} ${y - 5}V${y + 5}` })));
}

/** @param {KeyboardEvent} event @param {() => void} act */
function drawPress(event, act) {
  if (event.key !== "Enter") return;
  event.preventDefault();
  act();
}

/** Cards glide from where they stood; what came out of a group comes from its place. @param {Map<any, DrawnUnit>} units @param {SVGElement[]} fading @param {Map<string, {x: number, y: number}>} before */
function drawMove(units, fading, before) {
  for (const { unit, element, x, y } of units.values()) {
    let from = before.get(unit.key);
    for (let group = unit.group?.parent ?? unit.home ?? null; from === undefined && group !== null; group = group.parent) from = before.get(group.key);
    if (from !== undefined) element.animate([{ transform: `translate(${from.x}px,${from.y}px)` }, { transform: `translate(${x}px,${y}px)` }], { duration: drawMoved, easing: "ease-out" });
    else element.animate([{ opacity: 0 }, { opacity: 1 }], { duration: drawMoved });
  }
  for (const layer of fading) layer.animate([{ opacity: 0 }, { opacity: 0, offset: 0.6 }, { opacity: 1 }], { duration: drawMoved * 1.5 });
}

/**
 * What shows at this moment.
 * @param {{units: Map<any, DrawnUnit>, links: Map<any, DrawnLink>, world: SVGElement}} drawn
 * @param {any} state of graph_steps.js
 * @param {any} moment
 * @param {any} chosen a unit or a link, or null
 */
export function showMoment(drawn, state, moment, chosen) {
  for (const [unit, { element }] of drawn.units) {
    const quiet = unit.node !== null && graphLeaf(unit.node);
    const arrived = state.arrived.get(unit) ?? 0;
    element.classList.toggle("is-waiting", !quiet && !state.values.has(unit));
    element.classList.toggle("is-whole", arrived > 0 && arrived === state.leaving.get(unit));
    element.classList.toggle("is-partly", arrived > 0 && arrived < (state.leaving.get(unit) ?? 0));
    element.classList.toggle("is-now", moment.unit === unit);
    element.classList.toggle("is-sender", moment.link?.to === unit);
    element.classList.toggle("is-chosen", chosen === unit);
  }
  for (const [link, { element, label }] of drawn.links) {
    for (const part of label ? [element, label] : [element]) {
      part.classList.toggle("is-travelled", state.travelled.has(link));
      part.classList.toggle("is-now", moment.link === link);
      part.classList.toggle("is-chosen", chosen === link);
      part.classList.toggle("is-reached", (link.from.node !== null && graphLeaf(link.from.node)) || state.values.has(link.from));
    }
  }
}
