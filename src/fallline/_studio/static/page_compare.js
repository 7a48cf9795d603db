// @ts-check
// The page "Compare": up to six optimizers on one surface, running together; the start is dragged, the rates are set or tuned.

import { make, setText } from "../../_view/static/element.js";
import { dataControls } from "./controls_data.js";
import { trainingControls } from "./controls_training.js";
import { contenderControls } from "./compare_contenders.js";
import { compareDefaults, compareRequest, compareState, readCompareState } from "./compare_settings.js";
import { surfaceControls } from "./compare_surface.js";
import { createModel } from "./model.js";
import { createSheet } from "./sheet.js";
import { askTable, createUpload } from "./upload.js";
import { linkStyle } from "./run_words.js";
import { createUndo } from "./undo.js";
import { rangeField } from "./widgets.js";

/** @typedef {import("./compare_settings.js").CompareSettings} CompareSettings */

let comparePages = 0;

/** @param {HTMLElement} el @param {any} studio @returns {import("./pages.js").MountedPage} */
export function mount(el, studio) {
  comparePages += 1;
  linkStyle("/view/interactive_compare.css");
  linkStyle("/static/compare.css");
  let settings = compareDefaults();
  /** @type {CompareSettings | null} */
  let drawn = null; // of the picture that is on the screen
  /** @type {number | "end"} */
  let step = 0;
  let [loose, written] = [false, ""]; // while a hand drags, the address stands still
  /** @type {any} */
  let payload = null;
  /** @type {any[]} */
  let tuned = [];
  /** @type {import("./upload.js").Uploaded | null} */
  let table = null;
  let away = () => {};
  const wait = make("p.st-wait", { role: "status" }, "Tuning the optimizers: thirty rates each …");
  const picture = make("div.st-picture", { "data-host-theme": studio.theme.mode() }, wait);
  const aside = make("section.st-controls", { "aria-label": "Settings" });
  const sheet = createSheet(aside);
  const root = make("div.st-lab.st-compare", {}, sheet.opener, aside, picture);
  if (Array.isArray(studio.controls) && studio.controls.length === 0) root.classList.add("st-lab-bare");
  el.append(root);
  /** The address: of the picture that is drawn, and where the player stands. */
  const write = () => {
    const now = JSON.stringify(drawn ?? settings);
    const push = written !== "" && written !== now && now === JSON.stringify(settings);
    written = now;
    studio.setState({ ...compareState(drawn ?? settings), ...(step === 0 ? {} : { step }) }, { push: push && !undo.follows() });
  };
  const undo = createUndo(aside, (before) => patch(/** @type {CompareSettings} */ (before), true, "undo"));
  /** @param {CompareSettings} now @param {boolean} settled @param {string} cause */
  const patch = (now, settled, cause) => {
    settings = now;
    loose = !settled;
    if (settled) undo.keep(now, cause);
    tell("", "");
    update();
    model.change(/** @type {any} */ (compareRequest(settings)), { settled, cause });
  };
  const model = createModel({
    request: async (/** @type {string} */ _kind, /** @type {any} */ asked, /** @type {any} */ options) => {
      const shown = asked.contenders.some((/** @type {any} */ each) => each.learning_rate !== null) ? "given" : "best";
      const reply = await studio.request("compare", asked, { ...options, fields: { ...options.fields, shown } });
      if (reply.tuned !== undefined) tuned = reply.tuned;
      return reply;
    },
  }, {
    lane: `compare ${comparePages}`,
    onWish: (wish, settled) => patch({ ...settings, start: wish.start ?? settings.start }, settled, "start"),
    onStep: (at) => {
      step = at ?? 0;
      if (!loose) write();
    },
    onAnswer: (answer) => {
      payload = answer.payload.schema === undefined ? { ...payload, start: answer.payload.start } : answer.payload;
      tell("", "");
      update();
      if (JSON.stringify(answer.settings) === JSON.stringify(compareRequest(settings))) drawn = settings;
      if (!answer.full) return;
      if (!loose) write();
      studio.answered({ settings: answer.settings, payload, page: "compare" });
    },
    onFault: (sentence, cause) => {
      if (upload.again(sentence, settings.data)) return;
      const never = payload === null && sentence.startsWith("Cancelled");
      if (payload === null) setText(wait, never ? "Cancelled: nothing ran yet. Change any setting and it runs." : "Nothing runs yet: change what is told beside.");
      tell(never ? "" : sentence, cause);
    },
  });
  const upload = createUpload({
    url: studio.url,
    onTable: (given) => {
      table = given;
      patch({ ...settings, formula: null, edits: [], start: null, data: { kind: "upload", table: given.id, target: given.target, features: given.features } }, true, "table");
    },
    onAgain: (given) => {
      table = given;
      patch({ ...settings, data: { ...settings.data, table: given.id } }, true, "table");
    },
    onFault: (sentence) => tell(sentence, "table"),
  });
  const host = {
    page: "neuron",
    settings: () => settings,
    defaults: compareDefaults(),
    patch: (/** @type {any} */ now, /** @type {boolean} */ settled, /** @type {string} */ cause) => patch(now, settled, cause),
    chooseFile: () => upload.choose(),
    columns: () => (settings.data.table === table?.id ? (table?.columns ?? []).filter(({ kind }) => kind !== "text").map(({ name }) => name) : []),
    tableName: () => (settings.data.table === table?.id ? (table?.name ?? "") : "a table of this session"),
    shows: () => true,
  };
  const surface = surfaceControls((formula) => patch({ ...settings, formula, start: null, batch_size: formula === null ? settings.batch_size : null }, true, "formula"));
  const contenders = contenderControls({ contenders: () => settings.contenders, patch: (now, settled, cause) => patch({ ...settings, contenders: now }, settled, cause === "rate" ? "contenders" : cause) });
  const data = dataControls(host);
  const training = trainingControls(host);
  const seeds = rangeField({ label: "Starts", words: "seeds that are run; the rates are tuned on others", low: 1, high: 5, whole: true, empty: "5, in batches 1" }, (value, settled) => patch({ ...settings, seeds: value }, settled, "seeds"));
  training.el.querySelector(".st-group-reset")?.before(seeds.el);
  const fault = make("p.st-fault.st-compare-fault", { role: "alert" });
  aside.append(fault, contenders.el, surface.el, data.el, training.el);
  /** @type {Record<string, {tell: (sentence: string) => void}>} */
  const places = { ...data.fields, ...training.fields, seeds, formula: surface, contenders, options: contenders };
  /** @param {string} sentence @param {string} cause */
  const tell = (sentence, cause) => {
    for (const each of Object.values(places)) each.tell("");
    setText(fault, "");
    if (sentence === "") return;
    const at = places[cause];
    if (at === undefined) setText(fault, sentence);
    else at.tell(sentence);
  };
  const update = () => {
    const start = payload?.start?.parameters ?? null;
    const like = payload === null ? null : { accepts: [], parameters: payload.parameter_names, frames: { start: [start] } };
    contenders.update(tuned, (payload?.contenders ?? []).length === settings.contenders.length ? payload.contenders.map((/** @type {any} */ each) => each.label) : []);
    surface.update(settings.formula);
    data.el.hidden = settings.formula !== null;
    data.update(settings, like);
    training.update(settings, like);
    for (const name of ["batch_size", "loss", "standardise"]) training.fields[name].show(settings.formula === null);
    seeds.set(settings.seeds);
    const words = settings.contenders.map(({ optimizer }) => optimizer).join(", ");
    sheet.say(`${settings.formula ?? "data"} · ${words}`);
  };
  const follow = () => {
    picture.dataset.hostTheme = studio.theme.mode();
  };
  const again = () => model.renew(/** @type {any} */ (compareRequest(settings)));
  studio.theme.on("change", follow);
  studio.socket.on("restored", again);
  follow();
  compareStart(model, picture, (stop) => { away = stop; });
  studio.exports([]);
  update();
  return {
    update: (state) => {
      const { step: at = 0, ...rest } = state;
      const read = readCompareState(rest);
      settings = read.settings;
      step = at === "end" || (Number.isInteger(at) && at >= 0) ? at : 0;
      model.put("step", step === 0 ? null : step);
      [written, loose] = [JSON.stringify(settings), false];
      undo.keep(settings, "address");
      askTable(studio, settings.data, table, (given) => {
        table = given;
        update();
      });
      if (read.problems.length > 0) studio.notice(read.problems.join(" "));
      update();
      model.change(/** @type {any} */ (compareRequest(settings)), { settled: true, cause: "address" });
    },
    stop: () => {
      model.stop();
      away();
      upload.stop();
      sheet.stop();
      undo.stop();
      studio.theme.off("change", follow);
      studio.socket.off("restored", again);
      root.remove();
    },
  };
}

/** The picture, once its module and the first answer are there. @param {any} model @param {HTMLElement} picture @param {(stop: () => void) => void} made */
async function compareStart(model, picture, made) {
  try {
    const { render } = await import("/view/interactive_compare.js");
    const first = () => {
      if (model.model.get("payload") === null) return;
      model.model.off("change:payload", first);
      picture.replaceChildren();
      made(render({ model: model.model, el: picture }));
    };
    model.model.on("change:payload", first);
    first();
  } catch (error) {
    console.warn(error);
    setText(picture, "The picture could not be loaded. Load the page again.");
  }
}
