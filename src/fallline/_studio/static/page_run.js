// @ts-check
// One run, or two beside each other: what its file holds, as the offline page has it, and growing while it trains.

import { make } from "../../_view/static/element.js";
import { createRunPane } from "./run_pane.js";
import { linkStyle } from "./run_words.js";

/** @param {HTMLElement} el @param {any} studio */
export function mount(el, studio) {
  let unstyle = () => {};
  const back = make("a.st-run-back", { href: studio.link({ page: "runs", state: {} }) }, "← All runs");
  const link = make("input.st-check", { type: "checkbox", change: () => share() });
  link.checked = true;
  const linked = make("label.st-run-linked", { hidden: true }, link, "Same steps in both");
  const tools = make("div.st-run-bar", {}, linked);
  const place = make("div.st-run-panes");
  linkStyle("/static/runs.css").ready.then(() => el.append(tools, place));
  /** @type {ReturnType<typeof createRunPane>[]} */
  let panes = [];
  let shown = "";
  let joined = false; // both are over the same steps

  /** Both charts over the steps of both, moved together; each over its own where they are not linked. */
  const share = () => {
    linked.hidden = panes.length < 2 || panes.some((pane) => pane.range() === null);
    joined = runJoin(panes, !linked.hidden && link.checked, joined);
  };
  /** @param {number} from @param {any} sight */
  const moved = (from, sight) => {
    if (link.checked && panes.length === 2) panes[1 - from].follow(sight);
  };
  const style = (/** @type {string} */ path) => {
    const { ready, remove } = linkStyle(path);
    unstyle = remove;
    return ready;
  };
  /** @param {string[]} names */
  const open = (names) => {
    panes.forEach((pane) => pane.stop());
    joined = false;
    place.replaceChildren();
    tools.prepend(back);
    place.classList.toggle("st-run-two", names.length === 2);
    panes = names.map((name, i) => {
      const box = make("section.st-run-pane", { "aria-label": `Run ${name}` });
      place.append(box);
      const close = () => studio.navigate({ page: "run", state: { name: names[1 - i] } });
      return createRunPane(box, studio, name, { alone: names.length === 1, grown: share, moved: (sight) => moved(i, sight), style, close });
    });
    if (names.length === 1) panes[0].lead(back);
    studio.exports(panes.map((pane, i) => ({ name: names.length === 1 ? "Offline report" : `Offline report of ${names[i]}`, act: pane.save })));
    document.title = `${names.join(" and ")} · fallline studio`;
  };
  const restored = () => panes.forEach((pane) => pane.ask());
  const seen = () => {
    if (!document.hidden) restored();
  };
  studio.socket.on("restored", restored);
  document.addEventListener("visibilitychange", seen);
  return {
    /** @param {any} state */
    update: (state) => {
      const names = runNames(state);
      const now = JSON.stringify(names);
      if (names.length === 0) {
        panes.forEach((pane) => pane.stop());
        panes = [];
        place.replaceChildren();
        tools.prepend(back);
        studio.notice("The address names no run: choose one of the list.");
      } else if (now !== shown) open(names);
      shown = now;
    },
    stop: () => {
      panes.forEach((pane) => pane.stop());
      unstyle();
      studio.socket.off("restored", restored);
      document.removeEventListener("visibilitychange", seen);
    },
  };
}

/** The runs that the address names, each once. @param {any} state @returns {string[]} */
function runNames(state) {
  const told = [state.name, state.beside].filter((name) => name !== undefined && name !== null && name !== "").map(String);
  return [...new Set(told)];
}

/**
 * Both runs over the steps of both, or each over its own.
 * @param {ReturnType<typeof createRunPane>[]} panes @param {boolean} on @param {boolean} joined they were so before: what is in sight stays
 * @returns {boolean} are they joined now
 */
function runJoin(panes, on, joined) {
  const ranges = panes.map((pane) => pane.range() ?? [0, 0]);
  const range = on ? [Math.min(...ranges.map((each) => each[0])), Math.max(...ranges.map((each) => each[1]))] : null;
  panes.forEach((pane) => pane.over(range));
  if (range !== null && !joined) {
    const alarms = panes.map((pane) => pane.alarm() ?? Infinity);
    const at = Math.min(...alarms, ...ranges.map((each) => each[1])); // a step that both are read at
    panes.forEach((pane) => pane.follow({ from: range[0] - 0.5, to: range[1] + 0.5, at }));
  }
  return range !== null;
}
