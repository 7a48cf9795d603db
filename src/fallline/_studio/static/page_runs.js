// @ts-check
// The run files of a folder, the newest first: how each ended, or that it is still going; filtered as one types.

import { make, setText } from "../../_view/static/element.js";
import { countWords, linkStyle, numberWords, outcomeBadge, whenWords } from "./run_words.js";

const runsEvery = 2000; // ms between two looks at the folder
const runsTwo = 2; // that stand side by side

/** @param {HTMLElement} el @param {any} studio */
export function mount(el, studio) {
  let list = /** @type {any} */ (null);
  let version = /** @type {string | null} */ (null);
  let stopped = false;
  let timer = 0;
  /** @type {string[]} */
  let beside = [];
  const parts = runsParts();
  linkStyle("/static/runs.css").ready.then(() => el.append(parts.root));
  const choose = (/** @type {string} */ name, /** @type {boolean} */ on) => {
    beside = beside.filter((each) => each !== name);
    if (on) beside = [...beside, name].slice(-runsTwo);
    show();
  };
  const rows = runsRows(parts.list, studio, choose);
  const show = () => {
    if (list === null) return;
    const find = parts.find.value.trim().toLowerCase();
    const found = list.rows.filter((/** @type {any} */ row) => runsMatch(row, find));
    rows(found, beside);
    parts.say(list, found.length, find);
    parts.offer(beside, studio);
  };
  const ask = async () => {
    clearTimeout(timer);
    try {
      const reply = await studio.request("runs", {}, { fields: { have: version }, quiet: version !== null });
      if (stopped) return;
      parts.fault("");
      version = reply.version;
      if (!reply.unchanged) list = reply.payload;
      show();
    } catch (fault) {
      const { reason, message } = /** @type {any} */ (fault);
      if (stopped) return;
      if (reason === "error") parts.fault(message);
    }
    timer = window.setTimeout(() => (document.hidden ? undefined : ask()), list?.unread > 0 ? 0 : runsEvery);
  };
  parts.find.addEventListener("input", () => {
    studio.setState(parts.find.value === "" ? {} : { find: parts.find.value });
    show();
  });
  const silence = runsListen(runsKeys(parts), ask, studio);
  return {
    /** @param {any} state */
    update: (state) => {
      parts.find.value = String(state.find ?? "");
      if (list === null) ask();
      else show();
    },
    stop: () => {
      stopped = true;
      clearTimeout(timer);
      silence();
    },
  };
}

/** Keys; and another look when the page is seen again, or the server is back. @param {(event: KeyboardEvent) => void} keys @param {() => void} ask @param {any} studio */
function runsListen(keys, ask, studio) {
  const seen = () => {
    if (!document.hidden) ask();
  };
  document.addEventListener("keydown", keys);
  document.addEventListener("visibilitychange", seen);
  studio.socket.on("restored", ask);
  return () => {
    document.removeEventListener("keydown", keys);
    document.removeEventListener("visibilitychange", seen);
    studio.socket.off("restored", ask);
  };
}

/** The lines of the files, each made once. @param {HTMLElement} place @param {any} studio @param {(name: string, on: boolean) => void} choose */
function runsRows(place, studio, choose) {
  /** @type {Map<string, ReturnType<typeof runsRow>>} */
  const known = new Map();
  return (/** @type {any[]} */ found, /** @type {string[]} */ beside) => {
    const now = found.map((told) => {
      const row = known.get(told.name) ?? runsRow(told.name, studio, choose);
      known.set(told.name, row);
      row.update(told, beside.includes(told.name));
      return row.el;
    });
    if (now.length !== place.childElementCount || now.some((each, i) => place.children[i] !== each)) runsOrder(place, now);
  };
}

/** The elements in this order; those that stay are not moved, so that the focus stays. @param {HTMLElement} place @param {HTMLElement[]} now */
function runsOrder(place, now) {
  const kept = new Set(now);
  for (const each of [...place.children]) if (!kept.has(/** @type {any} */ (each))) each.remove();
  now.forEach((each, i) => {
    if (place.children[i] !== each) place.insertBefore(each, place.children[i] ?? null);
  });
}

/** Every word that was typed stands somewhere in the row. @param {any} row @param {string} find */
function runsMatch(row, find) {
  if (find === "") return true;
  const kind = { fit: "fit neuron", recording: "recording loop watched" }[/** @type {string} */ (row.kind)] ?? "broken";
  const text = [row.name, row.title, row.words, row.model, row.optimizer, row.outcome, row.problem, kind].join(" ").toLowerCase();
  return find.split(/\s+/).every((word) => text.includes(word));
}

function runsParts() {
  const find = make("input.st-text.st-runs-find", { type: "search", placeholder: "Filter: name, model, optimizer, diverged …", "aria-label": "Filter the runs", autocomplete: "off", spellcheck: "false" });
  const count = make("p.st-runs-count", { role: "status" });
  const fault = make("p.st-fault", { role: "alert" });
  const head = make("div.st-runs-head", { "aria-hidden": "true" }, ...["run", "how it went", "model", "steps", "last loss", "written", "size"].map((word) => make("span", {}, word)), make("span.st-runs-beside", {}, "beside"));
  const list = make("ul.st-runs-list", { "aria-label": "Runs, the newest first" });
  const none = make("div.st-runs-none", { hidden: true });
  const pair = make("div.st-runs-pair", { hidden: true, role: "status" });
  const root = make("section.st-runs", {}, make("div.st-runs-top", {}, make("div", {}, make("h1.st-runs-title", {}, "Runs"), count), find), fault, head, list, none, pair);
  return {
    root,
    find,
    list,
    fault: (/** @type {string} */ sentence) => setText(fault, sentence),
    /** @param {any} told @param {number} found @param {string} filter */
    say: (told, found, filter) => {
      const all = told.rows.length + told.unread;
      const older = told.unread > 0 ? `; reading ${countWords(told.unread)} older ones` : told.older > 0 ? `; ${countWords(told.older)} older ones are not listed` : "";
      setText(count, all === 0 ? `folder ${told.folder}` : `${filter === "" ? countWords(all) : `${countWords(found)} of ${countWords(all)}`} ${all === 1 ? "file" : "files"} in the folder ${told.folder}${older}`);
      head.hidden = found === 0;
      none.hidden = found > 0;
      if (found > 0) return;
      if (all > 0) none.replaceChildren(make("p", {}, "No run has all of these words."), make("button.fl-button.fl-button-small", { type: "button", click: () => runsClear(find) }, "Show all runs"));
      else if (none.querySelector("pre") === null) none.replaceChildren(...runsNone(told));
    },
    /** @param {string[]} names @param {any} studio */
    offer: (names, studio) => {
      pair.hidden = names.length === 0;
      const [first, second] = names;
      const text = second === undefined ? [make("p", {}, make("strong", {}, first), " and …? Choose another run to see both side by side.")] : [make("p", {}, make("strong", {}, first), " and ", make("strong", {}, second)), make("a.fl-button.st-runs-both", { href: studio.link({ page: "run", state: { name: first, beside: second } }) }, "Side by side")];
      if (pair.dataset.names !== names.join("/")) pair.replaceChildren(...text);
      pair.dataset.names = names.join("/");
    },
  };
}

/** What a folder without runs says. @param {any} told */
function runsNone(told) {
  return [
    make("h2", {}, told.there ? `The folder ${told.folder} holds no run yet` : `There is no folder ${told.folder} yet`),
    make("p", {}, "In a terminal ", make("code", {}, "fallline fit"), " makes one: one neuron on the textbook line. Your own training loop makes one with two lines:"),
    make("pre.st-code", { tabindex: "0", "aria-label": "Two lines in a training loop" }, "with fl.watch(model, optimizer) as watch:\n    for x, y in loader:\n        …\n        optimizer.step()\n        watch.step(loss)"),
    make("p.st-words", {}, "A run stands here as soon as its first steps are written, while it is still training."),
  ];
}

/** One file's line. @param {string} name @param {any} studio @param {(name: string, on: boolean) => void} choose */
function runsRow(name, studio, choose) {
  const link = make("a.st-runs-name", { href: studio.link({ page: "run", state: { name } }) }, name);
  const box = make("input.st-check", { type: "checkbox", "aria-label": `${name} beside another run`, change: () => choose(name, box.checked) });
  const [badge, model, steps, loss, when, size, problem] = [make("span.st-runs-outcome"), make("span.st-runs-model"), make("span.st-runs-steps"), make("span.st-runs-loss"), make("span.st-runs-when"), make("span.st-runs-size"), make("span.st-runs-problem")];
  const el = make("li.st-runs-row", {}, make("span.st-runs-what", {}, link), badge, problem, model, steps, loss, when, size, make("label.st-runs-beside", {}, box));
  let shown = "";
  return {
    el,
    /** @param {any} row @param {boolean} chosen */
    update: (row, chosen) => {
      box.checked = chosen;
      setText(when, whenWords(row.modified));
      const now = JSON.stringify(row);
      if (now === shown) return;
      shown = now;
      const broken = row.kind === null;
      el.classList.toggle("st-runs-broken", broken);
      badge.replaceChildren(outcomeBadge(broken ? (row.words === "Empty" ? "open" : "broken") : row.outcome, row.words));
      setText(problem, row.problem);
      model.replaceChildren(...(broken ? [] : [make("span.st-runs-by", {}, row.model), make("span.st-runs-quiet", {}, ` ${row.optimizer}${row.learning_rate === null ? "" : `, rate\u00a0${numberWords(row.learning_rate)}`}`)]));
      setText(steps, row.steps === null ? "" : countWords(row.steps));
      setText(loss, row.loss === null ? "" : numberWords(row.loss));
      when.title = `${row.started === null ? "" : `started ${new Date(row.started).toLocaleString()}, `}written ${new Date(row.modified * 1000).toLocaleString()}`;
      setText(size, row.size);
      box.disabled = broken;
    },
  };
}

/** @param {HTMLInputElement} find */
function runsClear(find) {
  find.value = "";
  find.dispatchEvent(new Event("input"));
  find.focus();
}

/** "/" filters, ↑ and ↓ go from run to run, Esc clears. @param {ReturnType<typeof runsParts>} parts */
function runsKeys({ find, list }) {
  return (/** @type {KeyboardEvent} */ event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const on = /** @type {HTMLElement} */ (event.target);
    if (event.key === "/" && !on.matches("input, select, textarea")) find.focus();
    else if (event.key === "Escape" && on === find && find.value !== "") {
      runsClear(find);
    } else if (/^Arrow(Up|Down)$/.test(event.key) && (on === find || list.contains(on) || on === document.body)) {
      const links = [...list.querySelectorAll(".st-runs-name")];
      const at = links.findIndex((link) => link.closest("li")?.contains(on));
      const next = event.key === "ArrowDown" ? at + 1 : at - 1;
      if (next < 0) find.focus();
      else /** @type {HTMLElement | undefined} */ (links[Math.min(next, links.length - 1)])?.focus();
    } else return;
    event.preventDefault();
  };
}
