// @ts-check
// One run on the page: how it stands, its picture (the entry that the server names), what its snapshots tell; asked again while it grows.

import { make, setText } from "../../_view/static/element.js";
import { copyText, saveFile } from "./share.js";
import { createRunPath } from "./run_path.js";
import { outcomeBadge, whenWords } from "./run_words.js";

/**
 * @typedef {{alone: boolean, grown: () => void, moved: (sight: any) => void, close: () => void, style: (path: string) => Promise<void>}} PaneHost
 * grown: the steps are others now; moved: other steps are in sight
 */

const paneWords = 5000; // ms between two looks at the clock
const paneIdle = 5000; // ms between two looks at the file of a run that has ended, or that is not there
let panesMade = 0;

/**
 * @param {HTMLElement} el @param {any} studio @param {string} name @param {PaneHost} host
 */
export function createRunPane(el, studio, name, host) {
  const picture = make("div.st-run-picture");
  const fault = make("p.st-fault.st-run-fault", { role: "alert" });
  const head = paneHead(name, host, studio);
  panesMade += 1;
  const lane = `run ${panesMade}`; // a name may be longer than a lane
  const path = createRunPath(studio, name, lane);
  el.append(head.element, fault, picture, path.element);
  const model = paneModel(host.moved);
  let about = /** @type {any} */ (null);
  let version = /** @type {string | null} */ (null);
  let [stopped, timer, missed] = [false, 0, false];
  const drawn = panePicture(picture, model, studio, host);
  const save = async () => {
    const { payload } = await studio.request("run_report", {}, { fields: { name }, lane: `report of ${lane}` });
    saveFile(new Blob([payload.html], { type: "text/html" }), payload.file);
  };
  head.save(save);
  /** @param {number} wait */
  const later = (wait) => {
    timer = window.setTimeout(() => (document.hidden ? undefined : ask()), wait);
  };
  const ask = async () => {
    clearTimeout(timer);
    try {
      const reply = await studio.request("run", {}, { fields: { name, have: version }, lane, quiet: version !== null || missed });
      if (stopped) return;
      setText(fault, "");
      missed = false;
      version = reply.version;
      if (!reply.unchanged) {
        const now = reply.payload.about;
        const other = about !== null && (about.outcome !== null || about.started !== now.started || now.steps < about.steps); // what has ended is not written again
        about = now;
        await drawn.draw(reply.payload, other);
        if (stopped) return;
        if (other) head.replaced(about);
        path.show(about);
        host.grown();
      }
      head.say(about);
      later(reply.ask_after === null ? paneIdle : reply.ask_after * 1000);
    } catch (problem) {
      const { reason, message } = /** @type {any} */ (problem);
      if (reason === undefined) throw problem;
      if (!stopped && reason === "error") {
        missed = true; // deleted, or replaced this moment: it may come back
        setText(fault, about === null ? message : `${message} What stands here was read before.`);
        if (about !== null) head.gone();
        later(paneIdle);
      }
      if (!stopped && reason === "cancelled") setText(fault, "It was not read: you cancelled that. Open it again from the list.");
    }
  };
  const clock = window.setInterval(() => about !== null && !missed && head.say(about), paneWords);
  ask();
  return {
    ask,
    save,
    lead: head.lead,
    ...paneSteps(model),
    stop: () => {
      stopped = true;
      clearTimeout(timer);
      clearInterval(clock);
      path.stop();
      drawn.stop();
    },
  };
}

/** What draws the run, in the studio's theme. @param {HTMLElement} place @param {ReturnType<typeof paneModel>} model @param {any} studio @param {PaneHost} host */
function panePicture(place, model, studio, host) {
  let entry = "";
  let stopped = false;
  let remove = () => {};
  const themed = () => {
    place.dataset.hostTheme = studio.theme.mode();
  };
  if (host.alone) place.dataset.keys = "page";
  themed();
  studio.theme.on("change", themed);
  return {
    /** @param {any} payload @param {boolean} other it is of another run than before: its place and choices do not stay */
    draw: async (payload, other) => {
      if (other) {
        for (const name of ["range", "sight"]) model.put(name, undefined);
        entry = "";
      }
      model.put("payload", payload.picture);
      if (payload.entry === entry && entry === "recording.js") return model.tell("change:payload");
      entry = payload.entry;
      model.put("drawn", false);
      const [{ render }] = await Promise.all([import(`/view/${entry}`), entry === "recording.js" ? host.style("/view/recording.css") : null]); // a fit's is the shell's
      if (stopped) return;
      const top = window.scrollY;
      remove();
      remove = render({ model, el: place });
      model.put("drawn", true);
      window.scrollTo({ top });
    },
    stop: () => {
      stopped = true;
      studio.theme.off("change", themed);
      remove();
    },
  };
}

/** The steps of a picture over steps, for whoever links two of them. @param {ReturnType<typeof paneModel>} model */
function paneSteps(model) {
  return {
    /** First and last step; null of a fit, and of what is not drawn yet: its picture would not follow. @returns {[number, number] | null} */
    range: () => (model.get("drawn") ? (model.get("payload")?.range ?? null) : null),
    /** The step of the first alarm. @returns {number | null} */
    alarm: () => model.get("payload")?.alarms?.[0]?.step ?? null,
    /** @param {number[] | null} range */
    over: (range) => {
      if (JSON.stringify(range) === JSON.stringify(model.get("range") ?? null)) return;
      model.put("range", range ?? undefined);
      model.put("sight", undefined);
      model.tell("change:range");
    },
    /** @param {any} sight */
    follow: (sight) => {
      model.put("sight", sight);
      model.tell("change:sight");
    },
  };
}

/** The picture's model: what the host puts in, and what is in sight comes out. @param {(sight: any) => void} moved */
function paneModel(moved) {
  /** @type {Map<string, any>} */
  const held = new Map();
  /** @type {Map<string, Set<() => void>>} */
  const listeners = new Map();
  return {
    get: (/** @type {string} */ key) => held.get(key),
    set: (/** @type {string} */ key, /** @type {any} */ value) => {
      held.set(key, value);
      if (key === "sight") moved(value);
    },
    save_changes: () => {},
    on: (/** @type {string} */ event, /** @type {() => void} */ act) => {
      if (!listeners.has(event)) listeners.set(event, new Set());
      listeners.get(event)?.add(act);
    },
    off: (/** @type {string} */ event, /** @type {() => void} */ act) => listeners.get(event)?.delete(act),
    put: (/** @type {string} */ key, /** @type {any} */ value) => held.set(key, value),
    tell: (/** @type {string} */ event) => [...(listeners.get(event) ?? [])].forEach((act) => act()),
  };
}

/** The line above the picture. @param {string} name @param {PaneHost} host @param {any} studio */
function paneHead(name, host, studio) {
  const state = make("span.st-run-now", { role: "status" });
  const written = make("span.st-run-fact");
  const file = make("span.st-run-fact.st-run-file");
  const terminal = make("code.st-run-command");
  const copy = make("button.fl-button.fl-button-small", { type: "button", "aria-label": "Copy the command", click: async () => {
    setText(copy, (await copyText(terminal.textContent ?? "")) ? "Copied" : "Not copied");
    setTimeout(() => setText(copy, "Copy"), 1500);
  } }, "Copy");
  const report = make("button.fl-button.fl-button-small", { type: "button" }, "Offline report");
  const beside = host.alone ? paneBeside(name, studio) : make("button.fl-button.fl-button-small", { type: "button", click: host.close, "aria-label": `Close ${name}` }, "✕ Close");
  let said = "";
  const says = make("span.st-run-terminal", { title: "What the terminal says of this run", hidden: true }, terminal, copy);
  report.hidden = true;
  const line = make("div.st-run-line", {}, make("strong.st-run-name", {}, name), state, written, file);
  return {
    element: make("header.st-run-head", {}, line, make("div.st-run-line.st-run-acts", {}, says, report, beside)),
    /** @param {HTMLElement} first what stands before the name */
    lead: (first) => line.prepend(first),
    /** @param {() => Promise<void>} save */
    save: (save) => {
      report.addEventListener("click", async () => {
        report.disabled = true;
        try {
          await save();
        } catch (problem) {
          studio.notice(/** @type {any} */ (problem).message);
        }
        report.disabled = false;
      });
    },
    /** Its file is not there, or cannot be read any longer. */
    gone: () => {
      state.replaceChildren(outcomeBadge("broken", "Its file is gone"));
      said = "gone";
      setText(written, "");
    },
    /** @param {any} about of the run that took the place of another */
    replaced: (about) => studio.notice(`${about.name} is another run now: its file was replaced while it stood here.`),
    /** @param {any} about */
    say: (about) => {
      says.hidden = report.hidden = false;
      const now = JSON.stringify([about.outcome, about.words, about.going]);
      if (now !== said) state.replaceChildren(...(about.outcome === null ? [outcomeBadge(about.going ? "running" : null, about.words)] : [])); // the picture says how it ended
      said = now;
      setText(written, `written ${whenWords(about.modified)}`);
      setText(file, `${about.file}, ${about.size}`);
      setText(terminal, about.terminal);
    },
  };
}

/** Another run to stand beside this one; the names come when they are wanted. @param {string} name @param {any} studio */
function paneBeside(name, studio) {
  const select = make("select.st-select.st-run-beside", { "aria-label": "Another run beside this one" }, make("option", { value: "" }, "Beside …"));
  const fill = async () => {
    if (select.options.length > 1) return;
    const { payload } = await studio.request("runs", {}, { quiet: true });
    const others = payload.rows.filter((/** @type {any} */ row) => row.kind !== null && row.name !== name);
    select.append(...others.map((/** @type {any} */ row) => make("option", { value: row.name }, `${row.name} · ${row.words}`)));
  };
  select.addEventListener("pointerdown", fill);
  select.addEventListener("focus", fill);
  select.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => event.stopPropagation());
  select.addEventListener("change", () => select.value !== "" && studio.navigate({ page: "run", state: { name, beside: select.value } }));
  return select;
}
