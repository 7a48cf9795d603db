// @ts-check
// The column of a chapter: its text, the prediction, what to try, what was measured, what is not quite true, what comes next.

import { make, setText } from "../../_view/static/element.js";

/**
 * @typedef {object} ChapterText
 * @property {string} name
 * @property {string} title
 * @property {string} question
 * @property {string[]} text
 * @property {string} code
 * @property {{page: string, settings: any}} state
 * @property {string[] | null} controls
 * @property {{question: string, choices: string[]}} predict
 * @property {{do: string[], look: string}} try
 * @property {{name: string, title: string} | null} next
 * @property {number} place from 1
 * @property {number} count
 */
/** @typedef {{right: number, answer: string[], not_quite_true: string[], of: string}} ChapterAnswer */

const unknown = "unknown";
let columnRadios = 0;

/**
 * @param {{chose: (choice: number | string) => void, reveal: () => void, toPicture: () => void, again: () => void, link: (name: string | null) => string}} host
 */
export function createColumn({ chose, reveal, toPicture, again, link }) {
  const place = make("p.st-chapter-place");
  const title = make("h1.st-chapter-title");
  const question = make("p.st-chapter-question");
  const read = make("div.st-chapter-text");
  const choices = make("div.st-choices");
  const ask = make("legend.st-choices-question");
  const verdict = make("p.st-verdict", { role: "status" });
  const predict = make("fieldset.st-predict", { hidden: true }, ask, choices);
  const tries = make("ol.st-tries");
  const look = make("p.st-look");
  const said = make("div.st-measured", { "aria-live": "polite" });
  const of = make("p.st-measured-of");
  const old = make("p.st-measured-old", { role: "status", hidden: true });
  const wait = make("div.st-measured-wait", { hidden: true });
  const waitWords = make("p.st-measured-wait-words", { role: "status" });
  const waitBar = make("progress.st-work-bar", { "aria-label": "Progress", max: "1" });
  wait.append(waitWords, waitBar);
  setText(waitWords, columnNews({ share: 0, note: "" }));
  const down = make("button.fl-button.st-to-picture", { type: "button", click: () => toPicture() }, "To the picture ↓");
  const show = make("button.fl-button.st-reveal", { type: "button", click: () => reveal() }, "Show what was measured");
  const back = make("button.fl-button.fl-button-small", { type: "button", hidden: true, click: () => again() }, "Back to the chapter’s own run");
  const loose = make("ul.st-loose");
  const all = make("a.st-next-all", { href: link(null) }, "All chapters");
  const next = make("nav.st-next", { "aria-label": "Chapters" }, all);
  const fault = make("p.st-chapter-fault", { role: "alert", hidden: true });
  const parts = {
    predict: columnPart("Predict", predict, verdict),
    try: columnPart("Try", tries, look, make("div.st-try-buttons", {}, down, show)),
    answer: columnPart("Measured", wait, old, of, said, back),
    loose: columnPart("Not quite true", loose),
  };
  const body = make("div.st-chapter-body", {}, read, ...Object.values(parts), fault, next);
  const fold = make("details.st-chapter-fold", { open: true }, make("summary.st-chapter-summary", {}, place, title), question, body);
  const el = make("section.st-chapter-column", { "aria-label": "Chapter" }, fold);
  for (const part of Object.values(parts)) part.hidden = true;
  /** @type {ChapterText | null} */
  let text = null;
  /** @type {number | string | null} */
  let chosen = null;
  /** @type {ChapterAnswer | null} */
  let answer = null;
  let revealed = false;

  const judge = () => {
    if (text === null || answer === null || chosen === null || !revealed) return;
    const right = answer.right;
    [...choices.children].forEach((label, index) => {
      label.classList.toggle("st-choice-right", index === right);
      const mark = /** @type {HTMLElement} */ (label.querySelector(".st-choice-mark"));
      setText(mark, index === right ? "✓ measured" : index === chosen ? "your choice" : "");
    });
    const words = chosen === right ? "Yes: that is what was measured." : chosen === unknown ? "Measured was the choice marked ✓." : "Measured was another one, marked ✓. Look at why.";
    setText(verdict, words);
  };
  return {
    el,
    /** Where reading goes on after the button has gone. */
    toAnswer: () => {
      parts.answer.setAttribute("tabindex", "-1");
      parts.answer.focus({ preventScroll: true });
      const behavior = columnCalm() ? "auto" : "smooth";
      const own = el.scrollHeight > el.clientHeight + 1; // beside the picture the column scrolls by itself
      if (own) el.scrollTo({ top: parts.predict.offsetTop - 16, behavior });
      else parts.predict.scrollIntoView({ block: "start", behavior });
    },
    /** @param {ChapterText} given */
    show: (given) => {
      text = given;
      setText(place, `Chapter ${given.place} of ${given.count}`);
      setText(title, given.title);
      setText(question, given.question);
      read.replaceChildren(...given.text.map((each) => columnWords("p", each)), ...(given.code === "" ? [] : [make("pre.st-program", { tabindex: "0", role: "region", "aria-label": "Program" }, make("code", {}, given.code))]));
      ask.replaceChildren(...columnSpans(given.predict.question));
      columnRadios += 1;
      const name = `choice-${columnRadios}`;
      choices.replaceChildren(...[...given.predict.choices, "I don’t know"].map((words, index) => columnChoice(name, words, () => chose(index < given.predict.choices.length ? index : unknown))));
      predict.hidden = false;
      parts.predict.hidden = false;
      tries.replaceChildren(...given.try.do.map((each) => columnWords("li", each)));
      look.replaceChildren(make("strong", {}, "Look at: "), ...columnSpans(given.try.look));
      next.replaceChildren(
        ...(given.next === null ? [] : [make("a.st-next-link.fl-button", { hidden: true, href: link(given.next.name) }, `Next: ${given.next.title}`)]),
        all,
      );
    },
    /** @param {number | string | null} choice @param {boolean} shown whether what was measured is shown */
    choose: (choice, shown) => {
      chosen = choice;
      const open = choice !== null;
      revealed = open && shown;
      parts.try.hidden = !open;
      show.hidden = revealed;
      parts.answer.hidden = !revealed;
      next.querySelector(".st-next-link")?.toggleAttribute("hidden", !revealed);
      parts.loose.hidden = !revealed || answer === null || answer.not_quite_true.length === 0;
      if (!open || text === null) return;
      const place = typeof choice === "number" ? choice : text.predict.choices.length;
      const radio = choices.querySelectorAll("input")[place];
      if (radio !== undefined) radio.checked = true;
      wait.hidden = answer !== null;
      judge();
    },
    busy: () => {
      said.setAttribute("aria-busy", "true");
    },
    /** What is being run, and how much of it is done; null: nothing. @param {{share: number, note: string} | null} news */
    progress: (news) => {
      wait.hidden = news === null || answer !== null;
      if (news === null) return;
      setText(waitWords, columnNews(news));
      if (news.share > 0) waitBar.value = Math.min(1, news.share);
      else waitBar.removeAttribute("value");
    },
    /** The settings are others than those of the sentences below. @param {boolean} others */
    old: (others) => {
      const stands = others && answer !== null;
      old.hidden = !stands;
      setText(old, stands ? "The settings have changed. What stands below is of the run before." : "");
      parts.answer.classList.toggle("st-part-old", stands);
      parts.loose.classList.toggle("st-part-old", stands);
    },
    /** @param {ChapterAnswer} given */
    answer: (given) => {
      answer = given;
      fault.hidden = true;
      wait.hidden = true;
      setText(of, given.of);
      columnReplace(said, given.answer.map((each) => columnWords("p", each)));
      said.removeAttribute("aria-busy");
      columnReplace(loose, given.not_quite_true.map((each) => columnWords("li", each)));
      parts.loose.hidden = !revealed || given.not_quite_true.length === 0;
      judge();
    },
    /** @param {boolean} own whether the chapter's own run is on the screen */
    own: (own) => {
      back.hidden = own;
    },
    /** @param {string} sentence */
    fault: (sentence) => {
      said.removeAttribute("aria-busy");
      wait.hidden = true;
      if (text === null) setText(title, "This chapter cannot be shown");
      setText(fault, sentence);
      fault.hidden = false;
    },
  };
}

/** @param {{share: number, note: string}} news */
function columnNews({ share, note }) {
  const what = note === "" ? "The run is under way" : `${note.slice(0, 1).toUpperCase()}${note.slice(1)}`;
  const done = share >= 0.01 ? `: ${Math.round(100 * Math.min(1, share))} %` : " …";
  return `${what}${done}${done.endsWith("…") ? "" : "."} Go on reading: the numbers come here.`;
}

/** @param {string} title @param {...HTMLElement} children */
function columnPart(title, ...children) {
  return make("section.st-chapter-part", {}, make("h2", {}, title), ...children);
}

/** Whether the system asks for little motion. */
function columnCalm() {
  return window.matchMedia("(prefers-reduced-motion: reduce)").matches;
}

/** @param {string} name @param {string} words @param {() => void} act */
function columnChoice(name, words, act) {
  return make("label.st-choice", {}, make("input", { type: "radio", name, change: act, keydown: columnKeys }), make("span.st-choice-words", {}, ...columnSpans(words)), make("span.st-choice-mark"));
}

/** Arrows choose among the answers; the picture's keys are none of theirs. @param {KeyboardEvent} event */
function columnKeys(event) {
  event.stopPropagation();
}

/** A paragraph or entry; what stands between ` marks is set as a formula. @param {string} tag @param {string} text */
function columnWords(tag, text) {
  return make(tag, {}, ...columnSpans(text));
}

/** @param {string} text @returns {(Node | string)[]} */
function columnSpans(text) {
  return text.split("`").map((piece, index) => (index % 2 === 1 ? make("code.st-formula", {}, piece) : piece));
}

/** New children only where their text differs: a live region reads what is new. @param {HTMLElement} parent @param {HTMLElement[]} children */
function columnReplace(parent, children) {
  const same = parent.children.length === children.length && children.every((child, index) => child.textContent === parent.children[index].textContent);
  if (!same) parent.replaceChildren(...children);
}
