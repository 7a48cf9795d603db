// @ts-check
// The picture on the page: which groups are open, which way it runs, where the camera stands.

import { make } from "./element.js";
import { makeSvg, createRuler } from "./graph_svg.js";
import { moduleGroups, openAtFirst, openMost, visibleGraph } from "./graph_groups.js";
import { drawGraph, showMoment } from "./graph_draw.js";
import { graphMoments, graphState, sameMoment } from "./graph_steps.js";
import { createCamera } from "./graph_camera.js";
import { createGraphMap } from "./graph_map.js";

const stageDownBelow = 900; // px of the page's width
const stageOpenUpTo = 40; // nodes
const stageFew = 26; // cards that a larger graph begins with
const stageMany = 300; // cards that "Open all" opens
const stageProjected = 1.3;
const stageLargest = 1.3; // how far a small graph is enlarged
const stageReadable = 0.9; // type of 13.5 px stays over 12 px
const stageMap = { narrow: 50, wide: 76 }; // px beside a graph that is larger than its room
const stageBeside = /** @type {Record<string, number>} */ ({ page: 334, projector: 470 }); // px of a wide screen that its head, the sentence of a step and the play take
const stageLeast = /** @type {Record<string, number>} */ ({ page: 340, projector: 300 });
const stageEdge = 28; // px around the drawing

/**
 * @param {any} graph @param {any} player @param {(what: any) => void} choose
 * @param {Set<string>} [opened] the modules that are open at first
 * @returns {any}
 */
export function createStage(graph, player, choose, opened) {
  const modules = moduleGroups(graph);
  graph.parts = modules.groups.some((group) => group.part);
  const projected = () => element.closest(".fl-projector") !== null;
  const readable = () => (projected() ? stageProjected : stageReadable);
  const still = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
  let open = opened ?? openAtFirst(graph, modules, graph.nodes.length <= stageOpenUpTo ? Infinity : stageFew);
  let spread = /** @type {number | null} */ (null); // the width of rows that fill the picture when all of them are in sight
  let [drawn, visible, moments, chosen, width, ruler, update] = /** @type {any[]} */ ([null, null, [], null, 0, null, () => {}]);
  const svg = makeSvg("svg.fl-graph-svg", { role: "group", "aria-label": "The graph: cards are values, lines are operations' operands" });
  const world = makeSvg("g");
  svg.append(world);
  const map = createGraphMap((/** @type {number} */ x, /** @type {number} */ y) => camera.centre(x, y));
  const camera = createCamera(svg, world, { still, moved: map.frame, largest: stageLargest });
  const element = make("div.fl-graph-stage", {}, svg, map.element);
  const mapRoom = () => (width < stageDownBelow ? stageMap.narrow : stageMap.wide);
  const pick = (/** @type {any} */ what) => (what.group && !what.edges ? openGroup(what.group) : choose(what));
  const build = (/** @type {boolean} */ fresh) => {
    const order = moments[player.at]?.order ?? -Infinity;
    const held = svg.contains(document.activeElement) ? document.activeElement?.getAttribute("data-key") ?? null : null;
    const before = new Map(fresh || drawn === null ? [] : [...drawn.units.values()].map((/** @type {any} */ each) => [each.unit.key, { x: each.x, y: each.y }]));
    visible = visibleGraph(graph, modules, open);
    for (const unit of visible.units) unit.home = unit.node === null ? null : modules.home.get(unit.node) ?? null;
    moments = graphMoments(graph, visible);
    player.set(moments.length, sameMoment(moments, order));
    const down = width < stageDownBelow;
    drawn = drawGraph(graph, visible, { ruler, down, room: spread === null ? { row: (width - stageEdge) / readable(), rows: (width - stageEdge - mapRoom()) / readable() } : { row: spread, rows: spread }, choose: pick, before, still: still() });
    world.replaceChildren(drawn.world);
    if (held !== null) [...drawn.units.values()].find((/** @type {any} */ each) => each.unit.key === held)?.element.focus({ preventScroll: true });
    chosen = null;
    size();
  };
  const size = () => {
    const [screen, place] = [innerHeight, projected() ? "projector" : "page"];
    const room = Math.max(200, element.clientWidth);
    const scale = Math.min(stageLargest, (room - stageEdge) / drawn.width);
    const tall = drawn.height * Math.max(scale, readable()) + stageEdge + 8;
    const most = width < stageDownBelow ? Math.max(260, screen * 0.43) : Math.max(stageLeast[place], screen - stageBeside[place] - stageAccused(element));
    const height = Math.round(Math.min(Math.max(180, tall), most));
    const large = Math.min(scale, (height - stageEdge) / drawn.height) < readable();
    const size = { width: large ? room - mapRoom() : room, height };
    svg.setAttribute("width", String(size.width));
    svg.setAttribute("height", String(height));
    map.draw(drawn, size, large ? { width: mapRoom() - 26, height: height - 32 } : null);
    camera.measure(size, { width: drawn.width, height: drawn.height }, stageBox([stageFirst(graph, drawn)]));
  };
  const rebuild = (/** @type {any} */ focus) => {
    build(false);
    camera.keep();
    update();
    const found = focus === null ? undefined : [...drawn.units.values()].find((each) => focus(each.unit));
    found?.element.focus({ preventScroll: true });
    if (found !== undefined) camera.show({ x: found.x, y: found.y, w: found.unit.w, h: found.unit.h });
  };
  const openGroup = (/** @type {any} */ group) => {
    for (let each = group; each !== null; each = each.parent) open = new Set([...open, each.key]);
    rebuild((/** @type {any} */ unit) => group.nodes.includes(unit.node) || unit.group?.parent === group);
  };
  const closeGroup = (/** @type {any} */ group) => {
    open = new Set([...open].filter((key) => key !== group.key));
    rebuild((/** @type {any} */ unit) => unit.group === group);
  };
  const tools = stageTools(graph, modules, camera, (/** @type {boolean} */ all) => {
    open = all ? openMost(graph, modules, stageMany) : new Set();
    spread = null;
    build(true);
    camera.open(readable());
    update();
  }, () => fit());
  const resize = (/** @type {boolean} */ force) => {
    if (drawn === null || (!force && element.clientWidth === width)) return;
    width = element.clientWidth;
    spread = null;
    build(true);
    camera.open(readable());
    update();
  };
  const fit = () => {
    if (spread !== null) return resize(true);
    const [across, high] = [Number(svg.getAttribute("width")), Number(svg.getAttribute("height"))];
    if (width >= stageDownBelow && drawn.height * readable() > high) {
      spread = Math.sqrt((drawn.width * drawn.height * across) / high);
      build(false);
      update(false);
    }
    camera.fit();
  };
  /** Opens what is around an edge, and says where it is in the play. @param {any} edge */
  const reveal = (edge) => {
    const held = [edge.source, edge.target].map((id) => graph.nodes[id]);
    for (const node of held) for (let group = modules.home.get(node) ?? null; group !== null; group = group.parent) open = new Set([...open, group.key]);
    build(false);
    camera.keep();
    chosen = visible.links.find((/** @type {any} */ link) => link.edges.includes(edge)) ?? null;
    const at = moments.findIndex((/** @type {any} */ moment) => moment.link === chosen);
    const boxes = held.map((node) => [...drawn.units.values()].find((each) => each.unit.node === node)).filter(Boolean);
    return { at, show: () => camera.show(stageBox(boxes), stageBox(boxes.slice(-1))) };
  };
  const watcher = new ResizeObserver(() => resize(false));
  return {
    element,
    tools,
    home: new Map([...modules.home].filter(([, group]) => group !== null && modules.groups.includes(group))),
    openGroup,
    closeGroup,
    reveal,
    resize,
    fit,
    zoom: camera.zoom,
    chosen: () => chosen,
    choose: (/** @type {any} */ what) => { chosen = what; },
    linkOf: (/** @type {any} */ edge) => visible.links.find((/** @type {any} */ link) => link.edges.includes(edge)) ?? null,
    start: (/** @type {() => void} */ change) => {
      update = change;
      ruler = createRuler(getComputedStyle(element).fontFamily);
      width = element.clientWidth;
      build(true);
      camera.open(readable());
      update();
      watcher.observe(element);
    },
    held: () => ({ open, camera, visible }),
    /** @param {number} at @param {boolean} follow */
    show: (at, follow) => {
      const moment = moments[at];
      const state = graphState(moments, at);
      showMoment(drawn, state, moment, chosen);
      map.show(state, moment);
      if (follow) stageFollow(drawn, moment, camera);
      return { moment };
    },
    stop: () => {
      watcher.disconnect();
      camera.stop();
    },
  };
}

/** @param {HTMLElement} element */
function stageAccused(element) {
  const accused = element.closest(".fl-graph")?.querySelector(".fl-graph-accused");
  return accused instanceof HTMLElement ? accused.offsetHeight + 12 : 0;
}

/** The current card comes into sight, and with an edge as much of where it came from as there is room for. @param {any} drawn @param {any} moment @param {any} camera */
function stageFollow(drawn, moment, camera) {
  if (moment.unit === null) return camera.begin();
  const [unit, from] = [moment.unit, moment.link?.to].map((each) => drawn.units.get(each));
  camera.show(stageBox(from === undefined ? [unit] : [unit, from]), stageBox([unit]));
}

/** @param {any[]} drawn cards */
function stageBox(drawn) {
  const [left, top] = [Math.min(...drawn.map((box) => box.x)), Math.min(...drawn.map((box) => box.y))];
  const [right, bottom] = [Math.max(...drawn.map((box) => box.x + box.unit.w)), Math.max(...drawn.map((box) => box.y + box.unit.h))];
  return { x: left, y: top, w: right - left, h: bottom - top };
}

/** The input that is used first; without one, what is computed first. @param {any} graph @param {any} drawn */
function stageFirst(graph, drawn) {
  const all = [...drawn.units.values()];
  const inputs = all.filter(({ unit }) => unit.node !== null && graph.inputs.includes(unit.node.id));
  return (inputs.length > 0 ? inputs : all).reduce((first, each) => (each.unit.order < first.unit.order ? each : first));
}

/** @param {any} graph @param {any} modules @param {any} camera @param {(all: boolean) => void} setAll @param {() => void} fit @returns {HTMLElement} */
function stageTools(graph, modules, camera, setAll, fit) {
  const button = (/** @type {string} */ words, /** @type {string} */ title, /** @type {() => void} */ click) => make("button.fl-button.fl-button-small", { type: "button", title, "aria-label": title, click }, words);
  const groups = modules.groups.length === 0 ? [] : [button("Open all", graph.nodes.length > stageMany ? `Open as much as can be drawn, at most ${stageMany} cards` : "Open all modules", () => setAll(true)), button("Close all", "Close all modules", () => setAll(false))];
  return make("div.fl-graph-zoom", {}, ...groups, button("−", "Zoom out", () => camera.zoom(1 / 1.3)), button("+", "Zoom in", () => camera.zoom(1.3)), button("Fit", "Fit the whole graph, and back (key 0)", fit));
}
