// @ts-check
// A picture with its controls: the neuron's page, the formulas' page, and either of them inside a chapter.

import { make, setText } from "../../_view/static/element.js";
import { formatNumber } from "../../_view/static/scale.js";
import { createControls } from "./controls.js";
import { createModel } from "./model.js";
import { askTable, createUpload } from "./upload.js";
import { createSheet } from "./sheet.js";
import { defaults, readSettings, withWish } from "./settings.js";
import { differences } from "./address.js";
import { createUndo } from "./undo.js";

/** @typedef {import("./settings.js").Settings} Settings */
/** @typedef {import("./pages.js").MountedPage} MountedPage */

let experimentCount = 0;

/**
 * @param {HTMLElement} el
 * @param {any} studio pages.js
 * @param {"neuron" | "formulas"} page
 * @param {((host: {choose: (changes: Settings) => void}) => {el: HTMLElement, update: (settings: Settings) => void, tell: (sentence: string) => void}) | null} [above] what stands above the controls
 * @returns {MountedPage}
 */
export function createExperiment(el, studio, page, above = null) {
  experimentCount += 1;
  const usual = defaults[page];
  /** @type {Settings} */
  let settings = structuredClone(usual);
  /** @type {number | "end"} */
  let step = 0;
  /** @type {any} */
  let payload = null;
  /** @type {{sentence: string, cause: string} | null} */
  let fault = null;
  /** @type {import("./upload.js").Uploaded | null} */
  let table = null;
  let removePicture = () => {};
  const picture = make("div.st-picture", { ...(studio.embedded ? {} : { "data-keys": "page" }), "data-host-theme": studio.theme.mode() }, make("div.st-wait", {}, make("h1", {}, page === "neuron" ? "Neuron" : "Formulas"), make("p", { role: "status" }, "Running the first descent …")));
  const aside = make("section.st-controls", { "aria-label": "Settings" });
  const sheet = createSheet(aside, () => picture.querySelector(".fl-panel-contour"));
  const root = make("div.st-lab", {}, sheet.opener, aside, picture);
  el.append(root);

  /** @type {Settings | null} */
  let drawn = null; // of the picture that is on the screen
  /** @type {{study: string, rate: number | null} | null} */
  let whole = null; // of the picture that was answered last with its zones; the rate where it was the recommended one
  let loose = false; // while a hand drags, the address stands still
  let written = "";
  /** The address: of the picture that is drawn, what differs from the defaults, and where the player stands. */
  const write = () => {
    const of = drawn ?? settings;
    const now = JSON.stringify(of);
    const push = written !== "" && written !== now && now === JSON.stringify(settings);
    written = now;
    studio.setState({ ...differences(of, usual), ...(step === 0 ? {} : { step }) }, { push: push && !undo.follows() });
  };
  const undo = createUndo(aside, (before) => patch(before, true, "undo"));
  const update = () => {
    controls.update(settings, payload);
    own?.update(settings);
    sheet.say(experimentWords(page, settings, table));
  };
  const model = createModel(studio, {
    lane: `picture ${experimentCount}`,
    onWish: (wish, settled) => patch(withWish(settings, wish), settled, experimentCause(wish)),
    onStep: (at) => {
      step = at ?? 0;
      if (!loose) write();
    },
    onAnswer: (answer) => {
      payload = answer.payload.frames === undefined ? payload : { ...payload, ...answer.payload };
      fault = null;
      drawn = answer.settings;
      const study = experimentStudy(drawn);
      if (answer.full) {
        const rate = drawn.learning_rate === null ? payload.rate.value : null;
        const jumped = rate !== null && whole !== null && whole.rate !== null && Math.abs(rate / whole.rate - 1) > 1e-3;
        undo.say(jumped ? `The rate follows the recommendation: ${formatNumber(/** @type {any} */ (whole).rate, 3)} → ${formatNumber(rate, 3)}.` : "");
        whole = { study, rate };
      }
      picture.toggleAttribute("data-old-zones", whole?.study !== study);
      controls.tell("", "");
      own?.tell("");
      update();
      if (!loose && (answer.full || JSON.stringify(drawn) === JSON.stringify(settings))) write();
      if (!answer.full) return;
      studio.answered({ settings: answer.settings, payload, page });
    },
    onFault: (sentence, cause) => {
      undo.say("");
      if (upload?.again(sentence, settings.data)) return;
      if (payload === null && cause === "address") {
        studio.notice(`${sentence} The defaults stand in its place.`);
        settings = structuredClone(usual);
        update();
        model.renew(request(), "start");
        return;
      }
      if (payload === null) {
        const again = make("button.fl-button", { type: "button", click: () => model.renew(request(), cause) }, "Run it again");
        picture.replaceChildren(make("div.st-wait", {}, make("p", {}, sentence), again));
        return;
      }
      if (fault?.sentence !== sentence) fault = { sentence, cause }; // what was wrong before is still wrong, and still there
      if (fault.cause === "formula") own?.tell(sentence);
      else controls.tell(sentence, fault.cause);
    },
  });
  const request = () => settings;
  /** @param {Settings} now @param {boolean} settled @param {string} cause */
  const patch = (now, settled, cause) => {
    settings = now;
    loose = !settled;
    if (settled) undo.keep(now, cause);
    const leap = settled && drawn !== null && experimentLeaps(now, drawn);
    if (leap) undo.say("Computing … The picture is still of the settings before.");
    update();
    if (settled && JSON.stringify(drawn) === JSON.stringify(now)) write(); // the hand let go of what is drawn already
    model.change(request(), { settled, cause, leap });
  };
  const upload = page === "neuron" && (studio.controls === null || studio.controls.includes("table") || studio.controls.includes("data"))
    ? createUpload({
        url: studio.url,
        onTable: (given) => {
          table = given;
          if (settings.learning_rate !== null) studio.notice(`The rate is what a sweep recommends for this table: ${formatNumber(settings.learning_rate, 3)} was chosen for other data.`);
          const { optimizer, optimizer_options, epochs, seed } = settings;
          patch({ ...structuredClone(usual), optimizer, optimizer_options, epochs, seed, data: { kind: "upload", table: given.id, target: given.target, features: given.features } }, true, "table");
        },
        onAgain: (given) => {
          table = given;
          patch({ ...settings, data: { ...settings.data, table: given.id } }, true, "table");
        },
        onFault: (sentence) => controls.tell(sentence, "table"),
      })
    : null;
  const own = above === null ? null : above({ choose: (changes) => patch({ ...structuredClone(usual), optimizer: settings.optimizer, optimizer_options: settings.optimizer_options, ...changes }, true, "formula") });
  if (own !== null) aside.append(own.el);
  const controls = createControls(aside, {
    page,
    defaults: usual,
    settings: () => settings,
    patch,
    chooseFile: () => upload?.choose(),
    columns: () => (settings.data?.table === table?.id ? (table?.columns ?? []).filter(({ kind }) => kind !== "text").map(({ name }) => name) : []),
    tableName: () => (settings.data?.table === table?.id ? (table?.name ?? "") : "a table of this session"),
  }, studio.controls);
  if (studio.controls !== null && studio.controls.length === 0) root.classList.add("st-lab-bare");

  const follow = () => {
    picture.dataset.hostTheme = studio.theme.mode();
    model.put("theme", studio.theme.mode());
  };
  const again = () => model.renew(request(), "restored");
  studio.theme.on("change", follow);
  studio.socket.on("restored", again);
  model.put("theme", studio.theme.mode());
  const start = async () => {
    const { render } = await import("/view/interactive.js");
    const first = () => {
      if (model.model.get("payload") === null) return;
      model.model.off("change:payload", first);
      picture.replaceChildren();
      model.model.set("step", step === 0 ? null : step);
      removePicture = render({ model: model.model, el: picture });
    };
    model.model.on("change:payload", first);
    first();
  };
  start().catch((error) => {
    console.warn(error);
    setText(picture, "The picture could not be loaded. Load the page again.");
  });
  const taken = { settings: () => drawn ?? settings, root: picture, payload: () => payload, step: () => step, request: studio.request };
  studio.exports([
    { name: "Save as an offline page", act: async () => (await import("./exports.js")).saveOfflinePage(taken) },
    { name: "Save the picture as PNG", act: async () => (await import("./exports.js")).savePng(taken) },
    { name: "The Python that does the same", act: async () => (await import("./exports.js")).showProgram(taken) },
  ]);
  return {
    update: (state) => {
      const { step: at = 0, ...rest } = state;
      const read = readSettings(page, rest);
      settings = read.settings;
      step = at === "end" || (Number.isInteger(at) && at >= 0) ? at : 0;
      if (read.problems.length > 0) studio.notice(read.problems.join(" "));
      model.put("step", step === 0 ? null : step);
      written = JSON.stringify(settings);
      loose = false;
      undo.keep(settings, "address");
      update();
      askTable(studio, settings.data, table, (given) => {
        table = given;
        update();
      });
      model.change(request(), { settled: true, cause: "address", leap: drawn !== null && experimentLeaps(settings, drawn) });
    },
    stop: () => {
      model.stop();
      removePicture();
      upload?.stop();
      undo.stop();
      sheet.stop();
      studio.theme.off("change", follow);
      studio.socket.off("restored", again);
      root.remove();
    },
  };
}

/** The control under which a fault of a wish is told. @param {Record<string, any>} wish */
function experimentCause(wish) {
  if (wish.learning_rate !== undefined || wish.bend !== undefined) return "learning_rate";
  return wish.start !== undefined ? "start" : "edits";
}

/** What the zones of the rate belong to. @param {Settings} settings */
function experimentStudy({ learning_rate: _rate, rate_changes: _changes, ...study }) {
  return JSON.stringify(study);
}

/** Is a draft of it better left out? Another optimizer at the rate that was recommended to the one before is a run that nobody asked for; with batches a draft takes as long as all of it. @param {Settings} now @param {Settings} drawn */
function experimentLeaps(now, drawn) {
  const problem = (/** @type {Settings} */ { optimizer, optimizer_options, formula, loss, standardise, batch_size, data }) => JSON.stringify([optimizer, optimizer_options, formula, loss, standardise, batch_size, data?.kind, data?.table, data?.target, data?.features]);
  return (now.batch_size ?? null) !== null || (now.learning_rate === null && problem(now) !== problem(drawn));
}

/** The settings in one line, for where the controls are folded away. @param {string} page @param {Settings} settings @param {import("./upload.js").Uploaded | null} table */
function experimentWords(page, settings, table) {
  const what = page === "formulas" ? settings.formula : settings.data.kind === "line" ? `${settings.data.points} points, noise ${settings.data.noise}` : settings.data.kind === "upload" ? (table?.name ?? "a table") : "points";
  return `${what} · ${settings.optimizer} · ${settings.epochs} ${page === "formulas" ? "steps" : "epochs"}`;
}
