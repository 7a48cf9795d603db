// @ts-check
// The pages of the studio. The first two come with the shell; each of the others is a module of its own, loaded when it is first opened.
//
// A page's module exports `mount(el, studio)` and gets an empty element with the class "st-page". It returns
// `{update(state), stop()}`: `update` is called once right after `mount` and again whenever the address changed from outside
// (back, forward, a link, an edited address); `stop` takes away timers and listeners (the element is emptied by the shell).
//
// In an address "#/chapters/minus" is "#/chapters?name=minus".
//
// `studio`, what a page may use:
//   request(kind, settings, {lane, fields, onProgress, quiet}) → Promise of the reply ({payload}, {part}, … and its further keys).
//       fields: further keys of the message ({detail: "draft"}); lane: latest wins within it, its default is the kind;
//       onProgress(share, note): asked-for progress; without it the shell shows a line with a Cancel button after a moment
//       (quiet: true: shows nothing). The promise rejects with a RequestFault: `.reason` is "error" (`.message` is one sentence to
//       show under the control that caused it; `.place` where in a typed text it is, or null), "dropped" (a newer request of the lane came: do nothing; a reply that was
//       finished before that still arrives, in its order) or "cancelled".
//       NaN and infinities are numbers in a reply, but within `payload` and `part` (the pictures read those; decodeNumbers does it by hand).
//       A request under way when the server went away is sent again once it is back.
//   cancel(lane)                  gives up what is under way in a lane
//   socket.on("restored", f), socket.off(…)    after a reconnection: ask again for what is on the screen
//   address                       {page: "compare", state: {…}}: state is a plain nested object, what differs from the page's defaults
//   setState(state, {push})       writes the page's state into the address (calls no update); push: a new entry of the history
//   navigate(address)             goes elsewhere: {page, state} or a hash such as "#/run?name=0001"
//   link(address)                 the hash of an address, for an <a href>
//   notice(sentence)              one calm line on top of the page, read out ("" takes it away); faults of a control belong under it instead
//   theme                         {mode(): "light" | "dark", on("change", f), off("change", f)}; the page's root carries class "fl" and data-mode
//   exports([{name, act}])        the entries of the page's Share menu ("Copy link" is always there)
//   answered({settings, payload}) a page says so when what is on the screen has been answered in full (chapters listen)
//   embed(el, {page, state, onState, onAnswer, onAsk, onProgress, controls}) → Promise of a MountedPage: another page inside el (chapters); its setState goes to
//       onState(state) and its answers to onAnswer({settings, payload}), nothing of it to the address; onAsk(settings) hears what it asks for, onProgress how far that is. `controls`: names of the groups or
//       controls of neuron/formulas that are offered (["learning_rate", "optimizer"], [] none, left out: all); handed on as studio.controls.
//
// Small parts to build with are those of the picture: import { make, setText } from "../../_view/static/element.js" (formatNumber from scale.js,
// decodeNumbers from decode.js). Whole pictures: import { render } from "/view/compare.js".

import { mountFormulas } from "./page_formulas.js";
import { mountNeuron } from "./page_neuron.js";

/** @typedef {{update: (state: any) => void, stop: () => void}} MountedPage */
/** @typedef {{mount: (el: HTMLElement, studio: any) => MountedPage}} PageModule */
/** @typedef {{name: string, title: string, load: () => Promise<PageModule>, hidden?: boolean}} PageEntry */

/** @param {string} name @returns {() => Promise<PageModule>} */
const pageModule = (name) => () => import(`./page_${name}.js`);

/** @type {PageEntry[]} */
export const pages = [
  { name: "neuron", title: "Neuron", load: async () => ({ mount: mountNeuron }) },
  { name: "formulas", title: "Formulas", load: async () => ({ mount: mountFormulas }) },
  { name: "compare", title: "Compare", load: pageModule("compare") },
  { name: "backprop", title: "Backprop", load: pageModule("backprop") },
  { name: "runs", title: "Runs", load: pageModule("runs") },
  { name: "run", title: "Run", load: pageModule("run"), hidden: true }, // reached from the list of runs
  { name: "chapters", title: "Chapters", load: pageModule("chapters") },
];
