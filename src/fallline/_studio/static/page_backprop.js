// @ts-check
// The page "Backprop": an expression is typed, and its graph runs forward and backward with these numbers.

import { make, setText } from "../../_view/static/element.js";
import { backpropAddress, backpropExamples, readBackpropState } from "./backprop_state.js";
import { leafControls } from "./backprop_leaves.js";
import { showPython } from "./python_dialog.js";
import { linkStyle } from "./run_words.js";
import { createUndo } from "./undo.js";

const backpropTyped = 350; // ms after the last letter until the text is read
const backpropLine = 60; // signs of the text that are shown around a fault

let backpropPages = 0;

/** @param {HTMLElement} el @param {any} studio @returns {import("./pages.js").MountedPage} */
export function mount(el, studio) {
  backpropPages += 1;
  linkStyle("/view/interactive_graph.css");
  linkStyle("/static/backprop.css");
  const lane = `backprop ${backpropPages}`;
  let state = readBackpropState({}).state;
  /** @type {any} */
  let reply = null;
  let drawn = state; // what the reply answers
  let [timer, busy, again, stopped] = [0, false, false, false];
  let away = () => {};
  /** @type {Map<string, () => void>} */
  const listeners = new Map();
  const changed = (/** @type {string} */ what) => listeners.get(`change:${what}`)?.();
  /** @type {number | "end"} */
  let step = 0;
  let [cause, written] = ["address", ""];
  const head = backpropHead({
    type: (text) => {
      cause = "expression";
      state = { ...state, expression: text };
      later(backpropTyped);
    },
    enter: () => later(0),
    example: (example) => {
      const { title, ...rest } = example;
      put(structuredClone(rest), "example");
    },
    vector: (text) => {
      cause = "vector";
      state = { ...state, vector: text };
      later(backpropTyped);
    },
    program: () => program(),
  });
  const program = () => reply !== null && showPython({ fallline: backpropProgram(drawn, reply), pytorch: reply.program, name: "backprop.py" });
  /** @param {import("./backprop_state.js").BackpropState} next @param {string} why */
  const put = (next, why) => {
    [state, cause] = [next, why];
    head.show(state);
    ask();
  };
  const undo = createUndo(head.tools, (before) => put(/** @type {any} */ (before), "undo"));
  const leaves = leafControls((name, text, settled) => {
    cause = `leaf ${name}`;
    state = { ...state, at: { ...state.at, [name]: text } };
    if (settled) later(0);
    else ask();
  });
  head.leaves.append(leaves.el);
  const picture = make("div.st-graph", { "data-host-theme": studio.theme.mode() }, make("p.st-wait", { role: "status" }, "Running it forward and back …"));
  const root = make("div.st-backprop", {}, head.el, picture);
  el.append(root);
  const later = (/** @type {number} */ wait) => {
    clearTimeout(timer);
    timer = window.setTimeout(ask, wait);
  };
  /** One request at a time; what was changed meanwhile is asked for next. */
  const ask = async () => {
    clearTimeout(timer);
    if (busy) {
      again = true;
      return;
    }
    busy = true;
    const asked = state;
    try {
      const found = await studio.request("backprop", backpropAsked(asked), { lane });
      if (!stopped) show(found, asked);
    } catch (fault) {
      if (/** @type {any} */ (fault).reason === undefined) throw fault;
      if (/** @type {any} */ (fault).reason === "error" && !stopped) refuse(/** @type {any} */ (fault), asked);
    } finally {
      busy = false;
    }
    if (again && !stopped) {
      again = false;
      ask();
    }
  };
  /** @param {any} found @param {import("./backprop_state.js").BackpropState} asked */
  const show = (found, asked) => {
    reply = found;
    drawn = asked;
    head.fault("", null);
    head.vector(asked.vector !== "");
    head.ready(true);
    leaves.tell("", "");
    leaves.update(found.leaves, state.at);
    picture.classList.remove("st-graph-old");
    changed("payload");
    if (again) return;
    undo.keep(asked, cause);
    write();
    studio.answered({ settings: backpropAsked(asked), payload: found.payload, page: "backprop" });
  };
  /** The address: of the graph that is drawn, and where its player stands. */
  const write = () => {
    const now = JSON.stringify(drawn);
    const push = cause !== "address" && written !== now && !undo.follows();
    written = now;
    studio.setState({ ...backpropAddress(drawn, reply.leaves.map((/** @type {any} */ leaf) => leaf.name)), ...(step === 0 ? {} : { step }) }, { push });
  };
  /** @param {{message: string, place: any}} fault @param {import("./backprop_state.js").BackpropState} asked */
  const refuse = ({ message, place }, asked) => {
    const field = place?.field ?? "expression";
    leaves.tell("", "");
    head.fault("", null);
    picture.classList.toggle("st-graph-old", reply !== null);
    head.ready(false);
    if (message.includes("Weights of the result") || asked.vector !== "") head.vector(true);
    if (field === "expression" || field === "vector" || !leaves.tell(message, field)) head.fault(message, field === "expression" ? (place?.span ?? null) : null, asked.expression);
    if (reply === null) picture.replaceChildren(make("p.st-wait", {}, "Nothing to draw yet."));
  };
  const follow = () => { picture.dataset.hostTheme = studio.theme.mode(); };
  studio.theme.on("change", follow);
  studio.socket.on("restored", ask);
  studio.exports([{ name: "The Python that does the same", act: () => { program(); } }]);
  const start = async () => {
    const { render } = await import("/view/interactive_graph.js");
    const model = {
      get: (/** @type {string} */ name) => (name === "step" ? step : reply.payload),
      set: (/** @type {string} */ _, /** @type {number} */ at) => { step = at; },
      save_changes: write,
      on: (/** @type {string} */ event, /** @type {() => void} */ listener) => { listeners.set(event, listener); },
      off: (/** @type {string} */ event) => { listeners.delete(event); },
    };
    const first = () => {
      listeners.clear();
      picture.replaceChildren();
      away = render({ model, el: picture });
    };
    listeners.set("change:payload", first);
    if (reply !== null) first();
  };
  start().catch((error) => {
    console.warn(error);
    setText(picture, "The picture could not be loaded. Load the page again.");
  });
  return {
    update: ({ step: at = 0, ...given }) => {
      const read = readBackpropState(given);
      step = at === "end" || (Number.isInteger(at) && at >= 0) ? at : 0;
      if (read.problems.length > 0) studio.notice(read.problems.join(" "));
      if (read.state.expression === drawn.expression) changed("step");
      put(read.state, "address");
    },
    stop: () => {
      stopped = true;
      clearTimeout(timer);
      undo.stop();
      away();
      studio.theme.off("change", follow);
      studio.socket.off("restored", ask);
      root.remove();
    },
  };
}

/**
 * The field, the examples, and what is wrong with what was typed.
 * @param {{type: (text: string) => void, enter: () => void, example: (example: any) => void, vector: (text: string) => void, program: () => void}} host
 */
function backpropHead(host) {
  const field = make("textarea.st-text.st-expression", { id: "st-expression", rows: "1", spellcheck: "false", autocapitalize: "off", autocomplete: "off", "aria-describedby": "st-expression-fault st-expression-words" });
  const quote = make("pre.st-caret", { "aria-hidden": "true", hidden: true });
  const fault = make("p.st-fault", { id: "st-expression-fault", role: "alert" });
  const weights = make("input.st-text.st-leaf-text", { type: "text", "aria-label": "Weights of the result's entries", placeholder: "1, 1, 1", spellcheck: "false" });
  const vector = make("label.st-vector", { hidden: true }, "Weights of the result’s entries: ", weights);
  const chips = backpropExamples.map((example) => make("button.fl-button.fl-button-small.st-chip", { type: "button", "aria-pressed": "false", click: () => host.example(example) }, example.title));
  const program = make("button.fl-button.fl-button-small", { type: "button", disabled: true, click: host.program }, "The PyTorch that does the same");
  const leaves = make("div.st-leaves-place");
  const grow = () => {
    field.style.height = "auto"; // as high as its text, which goes on in further lines on a narrow screen
    field.style.height = `${Math.min(170, field.scrollHeight + 2)}px`;
    for (const [i, chip] of chips.entries()) chip.setAttribute("aria-pressed", String(backpropExamples[i].expression === field.value));
  };
  field.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    event.stopPropagation();
    if (event.key !== "Enter" || event.shiftKey) return;
    event.preventDefault();
    host.enter();
  });
  field.addEventListener("input", () => {
    grow();
    host.type(field.value);
  });
  let wide = 0;
  new ResizeObserver(() => {
    if (field.clientWidth === wide) return;
    wide = field.clientWidth;
    requestAnimationFrame(grow);
  }).observe(leaves);
  weights.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => event.stopPropagation());
  weights.addEventListener("input", () => host.vector(weights.value.trim()));
  const tools = make("div.st-backprop-tools", {}, make("label.st-label", { for: "st-expression" }, "Type an expression: assignments, then the result"), program);
  return {
    tools,
    el: make("section.st-backprop-head", { "aria-label": "The expression" }, tools, field, quote, fault, make("p.st-words", { id: "st-expression-words" }, "+ − * / ^ @, functions such as exp, relu, softmax, mean; statements end with “;”. Names without a value are leaves: set them below."), make("div.st-chips", { role: "group", "aria-label": "Examples" }, ...chips), leaves, vector),
    leaves,
    /** @param {import("./backprop_state.js").BackpropState} state */
    show: (state) => {
      field.value = state.expression;
      weights.value = state.vector;
      grow();
    },
    /** @param {string} sentence @param {[number, number] | null} place @param {string} [text] */
    fault: (sentence, place, text = "") => {
      setText(fault, sentence);
      field.setAttribute("aria-invalid", String(sentence !== ""));
      field.classList.toggle("st-faulty", sentence !== "");
      quote.hidden = place === null;
      if (place !== null) setText(quote, backpropCaret(text, place));
    },
    /** @param {boolean} shown */
    vector: (shown) => { vector.hidden = !shown; },
    /** @param {boolean} on */
    ready: (on) => { program.disabled = !on; },
  };
}

/** The line of a text with marks under a piece of it. @param {string} text @param {[number, number]} place */
function backpropCaret(text, [begin, end]) {
  const from = text.lastIndexOf("\n", begin - 1) + 1;
  const newline = text.indexOf("\n", begin);
  const to = newline === -1 ? text.length : newline;
  const left = Math.max(from, begin - backpropLine / 2);
  const right = Math.min(to, Math.max(end, left + backpropLine));
  const before = left > from ? "…" : "";
  const marks = "^".repeat(Math.max(1, Math.min(end, right) - begin));
  return `${before}${text.slice(left, right)}${right < to ? "…" : ""}\n${" ".repeat(before.length + begin - left)}${marks}`;
}

/** What the server is asked. @param {import("./backprop_state.js").BackpropState} state */
function backpropAsked({ expression, at, vector }) {
  return { expression, at, ...(vector === "" ? {} : { vector }) };
}

/** The same with fallline. @param {import("./backprop_state.js").BackpropState} state @param {any} reply */
function backpropProgram({ expression, vector }, { leaves }) {
  /** @param {number[]} numbers @param {number[]} shape @returns {any} */
  const nested = (numbers, shape) => (shape.length === 0 ? numbers[0] : Array.from({ length: shape[0] }, (_, i) => nested(numbers.slice((i * numbers.length) / shape[0], ((i + 1) * numbers.length) / shape[0]), shape.slice(1))));
  const text = (/** @type {any} */ value) => JSON.stringify(value, (_, each) => (typeof each === "number" && !Number.isFinite(each) ? `float:${each}` : each)).replaceAll(/"float:(-?)(Infinity|NaN)"/g, (_, sign, word) => `float("${sign}${word === "NaN" ? "nan" : "inf"}")`).replaceAll(",", ", ");
  const at = leaves.map((/** @type {any} */ leaf) => `    ${JSON.stringify(leaf.name)}: ${text(nested(leaf.numbers, leaf.shape))},`).join("\n");
  const given = vector === "" ? "" : `, vector=[${vector.replaceAll("−", "-")}]`;
  return `import fallline as fl\n\nvalues = {\n${at}\n}\nseen = fl.backprop(${JSON.stringify(expression)}, at=values${given})\nfor name, gradient in seen.gradients.items():\n    print(name, gradient)\n`;
}
