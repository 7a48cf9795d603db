// @ts-check
// A backward pass whose host runs it again: with other values the graph stays where it is, at the same moment and under the same camera.

import { renderGraph } from "./graph_page.js";

/**
 * Draws `model.get("payload")` (docs/payload-backprop.md) into `el`, and whatever takes its place.
 * @param {{model: import("./interactive.js").InteractiveModel, el: HTMLElement}} host
 * @returns {() => void} takes the page away
 */
export function render({ model, el }) {
  let shape = graphShape(model.get("payload"));
  let asked = 0; // the host's step as the player has it: another graph begins anew unless the host says another one
  /** @param {ReturnType<typeof renderGraph>["player"]} player */
  const moved = ({ at, playing }) => {
    if (playing || model.get("step") === undefined || at === model.get("step")) return;
    asked = at;
    model.set?.("step", at);
    model.save_changes?.();
  };
  const go = () => {
    asked = model.get("step") ?? 0;
    if (asked !== page.player.at) page.player.seek(/** @type {any} */ (asked) === "end" ? page.player.count - 1 : asked);
  };
  let page = renderGraph(model.get("payload"), el);
  go();
  page.moved(moved);
  const again = () => {
    const payload = model.get("payload");
    const next = graphShape(payload);
    const before = page;
    const height = el.style.minHeight;
    el.style.minHeight = `${el.offsetHeight}px`; // what lies below does not jump
    const same = next === shape;
    const place = graphPlace(before);
    before.stop();
    page = renderGraph(payload, el, same ? place.open : undefined);
    page.root.classList.toggle("fl-projector", place.projector);
    if (place.projector) page.stage.resize(true);
    if (same) graphTakeUp(page, place);
    else if ((model.get("step") ?? 0) !== asked) go();
    page.moved(moved);
    moved(page.player);
    el.style.minHeight = height;
    shape = next;
  };
  model.on?.("change:payload", again);
  model.on?.("change:step", go);
  return () => {
    model.off?.("change:payload", again);
    model.off?.("change:step", go);
    page.stop();
  };
}

/** Where a graph stands. @param {ReturnType<typeof renderGraph>} page */
function graphPlace({ root, stage, player }) {
  const { open, camera } = stage.held();
  return { open, view: { ...camera.view }, at: player.at, count: player.count, chosen: stage.chosen()?.key ?? null, projector: root.classList.contains("fl-projector") };
}

/** The same moment, camera and details. @param {ReturnType<typeof renderGraph>} page @param {ReturnType<typeof graphPlace>} place */
function graphTakeUp({ stage, player, update }, place) {
  const { camera, visible } = stage.held();
  if (player.count === place.count) player.set(place.count, place.at);
  stage.choose([...visible.units, ...visible.links].find((each) => each.key === place.chosen) ?? null);
  update(false);
  camera.put(place.view);
}

/** Graphs of one shape have the same cards and lines. @param {any} payload */
function graphShape({ nodes, edges }) {
  return JSON.stringify([nodes.map((/** @type {any} */ node) => [node.kind, node.op, node.name, node.text]), edges.map((/** @type {any} */ edge) => [edge.source, edge.target, edge.gradient === null])]);
}
