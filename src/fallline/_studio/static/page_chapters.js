// @ts-check
// The chapters: a table of contents, or one chapter beside the page it speaks of. Read, predict, try, see what was measured.

import { make } from "../../_view/static/element.js";
import { createColumn } from "./chapter_column.js";

/** @typedef {import("./chapter_column.js").ChapterText} ChapterText */
/** @typedef {{name?: string, choice?: number | string, shown?: boolean, now?: any}} ChapterState the choice made, whether what was measured is shown, and what the learner set since (left out: the chapter's own state) */

const chaptersDone = "fallline.chapters"; // names of chapters that were gone through, where the browser keeps anything

/**
 * @param {HTMLElement} el
 * @param {any} studio
 * @returns {import("./pages.js").MountedPage}
 */
export function mount(el, studio) {
  chaptersLook();
  el.classList.add("st-chapters-page");
  /** @type {{name: string | undefined, update: (state: ChapterState) => void, stop: () => void} | null} */
  let shown = null;
  return {
    update: (state) => {
      if (shown !== null && shown.name === state.name) {
        shown.update(state);
        return;
      }
      shown?.stop();
      el.replaceChildren();
      shown = state.name === undefined ? contents(el, studio) : chapterPage(el, studio, String(state.name));
      shown.update(state);
    },
    stop: () => shown?.stop(),
  };
}

/** The rules of these pages, loaded with the first of them. */
function chaptersLook() {
  const href = new URL("./chapters.css", import.meta.url).href;
  if (document.querySelector(`link[href="${href}"]`) === null) document.head.append(make("link", { rel: "stylesheet", href }));
}

/** @param {HTMLElement} el @param {any} studio */
function contents(el, studio) {
  const list = make("ol.st-contents", { "aria-busy": "true" });
  el.append(
    make("section.st-contents-page", {},
      make("h1.st-contents-title", {}, "Chapters"),
      make("p.st-contents-words", {}, "One question each. You read a little, say what you expect, try it, and see what was measured in your own run. The first three are the beginning; after that take them in any order."),
      list),
  );
  document.title = "Chapters · fallline studio";
  const done = chaptersFinished();
  const ask = async () => {
    try {
      const { payload } = await studio.request("chapters", {});
      list.replaceChildren(...payload.chapters.map((/** @type {any} */ each) => contentsEntry(studio, each, done.includes(each.name))));
    } catch (/** @type {any} */ fault) {
      if (fault.reason === "error") list.replaceChildren(make("li.st-chapter-fault", { role: "alert" }, fault.message));
    }
    list.removeAttribute("aria-busy");
  };
  ask();
  return { name: undefined, update: () => {}, stop: () => studio.cancel("chapters") };
}

/** @param {any} studio @param {{name: string, title: string, question: string}} chapter @param {boolean} done */
function contentsEntry(studio, { name, title, question }, done) {
  return make("li.st-contents-entry", {},
    make("a.st-contents-link", { href: studio.link({ page: "chapters", state: { name } }) },
      make("span.st-contents-name", {}, title),
      make("span.st-contents-question", {}, question),
      ...(done ? [make("span.st-contents-done", {}, "✓ done")] : [])));
}

/** One chapter: the column of its text, and the stage on which its page stands. @param {HTMLElement} el @param {any} studio @param {string} name */
function chapterPage(el, studio, name) {
  const stage = make("div.st-chapter-stage");
  /** @type {ChapterState} */
  let state = { name };
  /** @type {ChapterText | null} */
  let text = null;
  /** @type {Promise<import("./pages.js").MountedPage> | null} */
  let inner = null;
  /** @type {any} */
  let last = null; // the settings of the run on the screen
  let over = false;
  let measured = 0; // answers asked for; only the last one is shown
  let [asked, answered] = ["", ""]; // settings, as text: what the page asked for last, and what the sentences speak of
  const told = () => column.old(asked !== "" && answered !== "" && asked !== answered);
  /** @type {Set<string>} */
  const ownStates = new Set(); // the chapter's own settings, as its file has them and as the page writes them

  const column = createColumn({
    chose: (choice) => {
      state = { ...state, choice };
      studio.setState(state, { push: false });
      open();
    },
    reveal: () => {
      state = { ...state, shown: true };
      studio.setState(state);
      open();
      if (last !== null) measure(last);
      column.toAnswer();
      chaptersFinish(name);
    },
    toPicture: () => {
      stage.setAttribute("tabindex", "-1");
      stage.focus({ preventScroll: true });
      stage.scrollIntoView({ block: "start" });
    },
    again: () => {
      if (text === null) return;
      const given = text.state;
      const { now: _, ...rest } = state;
      state = rest;
      studio.setState(state);
      inner?.then((page) => page.update(chapterSettings(state, given)));
    },
    link: (to) => studio.link({ page: "chapters", state: to === null ? {} : { name: to } }),
  });
  el.append(make("div.st-chapter", {}, column.el, stage));
  waiting(stage);

  /** After a choice: the page on the stage, and the answer as soon as its run is there. */
  const open = () => {
    if (text === null || over) return;
    column.choose(state.choice ?? null, state.shown === true);
    if (state.choice === undefined || inner !== null) return;
    stage.replaceChildren();
    stage.classList.remove("st-chapter-waiting");
    const own = text.state;
    if (state.now !== undefined && !chapterSaysNow(state)) {
      studio.notice("The address says “now”, and names no settings by it: the chapter’s own stand in their place.");
      delete state.now;
    }
    ownStates.add(chapterKey(own.settings));
    let untouched = state.now === undefined; // what the page first writes is the chapter's own state in the page's spelling
    const offered = text.controls;
    inner = chapterEmbed(studio, stage, {
      page: own.page,
      state: chapterSettings(state, own),
      ...(text.controls === null ? {} : { controls: text.controls }),
      onState: (/** @type {any} */ now) => {
        if (untouched) ownStates.add(chapterKey(now));
        untouched = false;
        const { now: _, ...rest } = state;
        const same = ownStates.has(chapterKey(now)) && now.step === undefined;
        state = same ? rest : { ...rest, now: Object.keys(now).length === 0 ? "defaults" : now };
        studio.setState(state);
        column.own(ownStates.has(chapterKey(now)));
      },
      onAsk: (/** @type {any} */ settings) => {
        asked = chapterKey(settings ?? {});
        told();
      },
      onProgress: (/** @type {number} */ share, /** @type {string} */ note) => column.progress({ share, note }),
      onAnswer: (/** @type {{settings: any}} */ { settings }) => {
        last = settings;
        if (state.shown === true) measure(settings);
      },
    });
    if (offered !== null) inner.then(() => stage.querySelectorAll("details.st-group").forEach((/** @type {Element} */ group) => group.setAttribute("open", "")));
  };
  /** @param {any} settings as they stand on the screen */
  const measure = async (settings) => {
    measured += 1;
    const mine = measured;
    column.busy();
    try {
      const { payload } = await studio.request("chapter", settings, { lane: "chapter answer", fields: { name, stage: "answer" }, onProgress: (/** @type {number} */ share, /** @type {string} */ note) => column.progress({ share, note }) });
      if (mine !== measured || over) return;
      answered = chapterKey(settings);
      column.answer(payload);
      told();
    } catch (/** @type {any} */ fault) {
      if (mine === measured && !over && fault.reason === "error") column.fault(fault.message);
    }
  };
  const read = async () => {
    try {
      const { payload } = await studio.request("chapter", {}, { lane: "chapter text", fields: { name, stage: "read" }, quiet: true });
      if (over) return;
      text = payload;
      document.title = `${payload.title} · fallline studio`;
      column.show(payload);
      open();
    } catch (/** @type {any} */ fault) {
      if (over || fault.reason !== "error") return;
      stage.replaceChildren();
      stage.classList.remove("st-chapter-waiting");
      column.fault(fault.message);
    }
  };
  read();
  return {
    name,
    update: (/** @type {ChapterState} */ address) => {
      const before = state;
      state = { ...address, name };
      if (text === null) return;
      const given = text.state;
      open();
      if (state.shown === true && before.shown !== true && last !== null) measure(last);
      if (inner !== null && JSON.stringify(before.now) !== JSON.stringify(state.now)) inner.then((page) => page.update(chapterSettings(state, given)));
    },
    stop: () => {
      over = true;
      studio.cancel("chapter answer");
      inner?.then((page) => page.stop());
    },
  };
}

/** A page inside the stage; the last chapter's is no page of the bar. @param {any} studio @param {HTMLElement} stage @param {any} options */
async function chapterEmbed(studio, stage, options) {
  if (options.page !== "watched") return studio.embed(stage, options);
  const { mount: watched } = await import("./page_watched.js");
  const request = (/** @type {string} */ kind, /** @type {any} */ settings, /** @type {any} */ given) => {
    options.onAsk(settings);
    return studio.request(kind, settings, { ...given, alsoProgress: options.onProgress });
  };
  const mounted = watched(stage, { ...studio, request, setState: options.onState, answered: options.onAnswer });
  mounted.update(options.state);
  return mounted;
}

/** Settings as one text, equal where they are equal; where the player stands is none of them. @param {any} settings @returns {string} */
function chapterKey(settings) {
  const { step: _, ...rest } = settings;
  return JSON.stringify(chapterSorted(rest));
}

/** The same with its keys in one order. @param {any} value @returns {any} */
function chapterSorted(value) {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return value;
  return Object.fromEntries(Object.keys(value).sort().map((key) => [key, chapterSorted(value[key])]));
}

/** Are settings of the learner's named? @param {ChapterState} state */
function chapterSaysNow({ now }) {
  return now === "defaults" || (now instanceof Object && !Array.isArray(now));
}

/** What the learner set, else what the chapter sets, as the page's address has it. @param {ChapterState} state @param {{page: string, settings: any}} own */
function chapterSettings(state, own) {
  if (chapterSaysNow(state)) return state.now === "defaults" ? {} : structuredClone(state.now);
  const { at, ...rest } = structuredClone(own.settings);
  if (own.page !== "backprop" || at === undefined) return own.page === "backprop" ? rest : structuredClone(own.settings);
  return { ...rest, at: Object.entries(at).map(([name, value]) => `${name}=${value}`).join(";") };
}

/** Before a choice nothing of the run is shown. @param {HTMLElement} stage */
function waiting(stage) {
  stage.classList.add("st-chapter-waiting");
  stage.append(make("p.st-chapter-wait", {}, "The real run appears here as soon as you have chosen."), make("p.st-chapter-wait-more", {}, "“I don’t know” is a choice, too."));
}

/** @returns {string[]} */
function chaptersFinished() {
  try {
    const kept = JSON.parse(window.localStorage.getItem(chaptersDone) ?? "[]");
    return Array.isArray(kept) ? kept.filter((each) => typeof each === "string") : [];
  } catch {
    return []; // nothing is kept in this browser
  }
}

/** @param {string} name */
function chaptersFinish(name) {
  try {
    window.localStorage.setItem(chaptersDone, JSON.stringify([...new Set([...chaptersFinished(), name])]));
  } catch {
    // nothing is kept in this browser: the marks of the list are missing, no more
  }
}

