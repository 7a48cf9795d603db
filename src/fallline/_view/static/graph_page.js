// @ts-check
// The page of a backward pass, whoever hosts it: the graph, played forward and back, with the sentence of each step.

import { make } from "./element.js";
import { createThemeControl } from "./theme.js";
import { decodeGraph } from "./graph_data.js";
import { createStage } from "./graph_stage.js";
import { createGraphPlayer, graphTransport } from "./graph_player.js";
import { chosenWords, momentWords } from "./graph_words.js";
import { graphAccused, graphCheck, graphHeader, graphJacobians, graphLead, graphLegend, graphTables, graphTools } from "./graph_panels.js";

/**
 * @param {any} payload docs/payload-backprop.md
 * @param {HTMLElement} el
 * @param {Set<string>} [open] the modules that are open at first; else as many as there is room for
 * @returns {{root: HTMLElement, stage: any, player: any, update: (follow?: boolean) => void, stop: () => void}}
 */
export function renderGraph(payload, el, open) {
  const graph = decodeGraph(payload);
  const root = make("div.fl.fl-graph", { tabindex: "-1" });
  el.append(root);
  const theme = createThemeControl(root, () => {}, () => {});
  const projector = () => {
    root.classList.toggle("fl-projector");
    root.focus();
    stage.resize(true);
  };
  const player = createGraphPlayer(() => {
    update();
    moved(player);
  });
  /** @type {(player: any) => void} */
  let moved = () => {};
  const transport = graphTransport(player);
  const said = make("div.fl-graph-words", { "aria-live": "polite" });
  const told = make("section.fl-graph-panel.fl-graph-told", { "aria-label": "Details" });
  const choose = (/** @type {any} */ what) => {
    stage.choose(what);
    update(false);
  };
  const stage = createStage(graph, player, choose, open);
  const check = graphCheck(graph);
  const lead = () => {
    const wrong = graph.edges.find((/** @type {any} */ edge) => edge.wrong && edge.gradient !== null) ?? graph.edges.find((/** @type {any} */ edge) => edge.wrong);
    if (wrong === undefined) return check?.scrollIntoView({ block: "center" });
    const { at, show } = stage.reveal(wrong);
    if (at >= 0) player.seek(at);
    else update(false);
    stage.element.scrollIntoView({ block: "nearest" });
    show();
  };
  const now = make("section.fl-graph-panel.fl-graph-now", { "aria-label": "This step" }, said);
  const keys = make("p.fl-keys", {}, "Keys: Space plays, ← and → step, Home and End jump, + and − zoom, 0 fits, P is the projector. Tab goes to the cards, Enter tells everything about one or opens a module.");
  const body = make("div.fl-graph-page", {}, graphLead(graph), make("section.fl-graph-panel.fl-graph-picture", { "aria-label": "The graph" }, make("div.fl-graph-bar", {}, graphLegend(graph), stage.tools), stage.element), make("div.fl-graph-below", {}, now, told), graphLegend(graph), make("div.fl-graph-rest", {}, ...(check === null ? [] : [check]), ...graphJacobians(graph), graphTables(graph), keys), transport.element);
  root.append(graphHeader(graph, graphTools(theme, projector), lead), ...graphAccused(graph, lead), body);
  const update = (follow = true) => {
    const { moment } = stage.show(player.at, follow);
    said.replaceChildren(...momentWords(graph, moment, player.count));
    transport.update(`step ${player.at} of ${player.count - 1}`);
    const chosen = stage.chosen();
    told.hidden = chosen === null;
    if (chosen !== null) told.replaceChildren(make("button.fl-graph-close", { type: "button", "aria-label": "Close the details", title: "Close", click: () => choose(null) }, "✕"), ...chosenWords(graph, chosen, { open: stage.openGroup, close: stage.closeGroup, choose: (edge) => choose(stage.linkOf(edge)), home: stage.home }));
  };
  stage.start(update);
  const silence = graphListen(el, root, { player, stage, projector, leave: () => choose(null) });
  return {
    root,
    stage,
    player,
    update,
    /** Who hears where the player stands. @param {(player: any) => void} listener */
    moved: (listener) => { moved = listener; },
    stop: () => {
      silence();
      player.stop();
      stage.stop();
      theme.stop();
      root.remove();
    },
  };
}

/** @param {HTMLElement} host @param {HTMLElement} root @param {any} act */
function graphListen(host, root, { player, stage, projector, leave }) {
  const target = host.dataset.keys === "page" ? host.ownerDocument : root;
  const key = (/** @type {any} */ event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const on = /** @type {Element} */ (event.target);
    if (event.key === " " && on.matches("button, summary, input")) return;
    if (on.matches("input, [data-scrolls]") && /^(Arrow|Home|End)/.test(event.key)) return;
    /** @type {Record<string, () => void>} */
    const keys = { " ": player.toggle, ArrowRight: () => player.seek(player.at + 1), ArrowLeft: () => player.seek(player.at - 1), Home: () => player.seek(0), End: () => player.seek(player.count - 1), p: projector, P: projector, "+": () => stage.zoom(1.3), "=": () => stage.zoom(1.3), "-": () => stage.zoom(1 / 1.3), 0: stage.fit };
    const run = event.key === "Escape" ? (root.classList.contains("fl-projector") ? projector : leave) : keys[event.key];
    if (run === undefined) return;
    run();
    event.preventDefault();
  };
  target.addEventListener("keydown", key);
  return () => target.removeEventListener("keydown", key);
}
