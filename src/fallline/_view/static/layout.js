// @ts-check
// The page's skeleton: which panels there are, in reading order. Where they stand at each width is view.css's business.

import { make } from "./element.js";
import { createSurface } from "./surface.js";

/** @typedef {import("./surface.js").Surface} Surface */
/** @typedef {"contour" | "inset" | "bowl" | "slice" | "data" | "loss" | "parameters" | "rates" | "zoneloss" | "zoneparameters"} PanelName */

/** @type {{name: PanelName, title: string, tab: string}[]} */
const layoutPanels = [
  { name: "contour", title: "Seen from above", tab: "" },
  { name: "bowl", title: "The bowl", tab: "bowl" },
  { name: "slice", title: "Along this step", tab: "bowl" },
  { name: "inset", title: "Valley floor, magnified", tab: "bowl" },
  { name: "data", title: "The data", tab: "data" },
  { name: "loss", title: "Loss over steps", tab: "loss" },
  { name: "parameters", title: "Parameters over steps", tab: "loss" },
  { name: "rates", title: "Final loss against rate", tab: "" },
  { name: "zoneloss", title: "One rate of each zone: the loss", tab: "" },
  { name: "zoneparameters", title: "One rate of each zone: the parameter", tab: "" },
];

const layoutTabs = [
  ["bowl", "Bowl"],
  ["data", "Data"],
  ["loss", "Loss"],
];

/**
 * @param {HTMLElement} el the host's element
 * @param {{without: PanelName[], empty: boolean, onResize: () => void}} options empty: no step was taken, there is only the data to show
 */
export function createLayout(el, { without, empty, onResize }) {
  /** @type {Record<string, Surface>} */
  const surfaces = {};
  /** @type {Record<string, HTMLElement>} */
  const panels = {};
  const id = `fl-${Math.random().toString(36).slice(2)}`; // a page may hold several pictures
  for (const { name, title, tab } of layoutPanels) {
    if (without.includes(name)) continue;
    surfaces[name] = createSurface(`fl-canvas-${name}`, onResize);
    panels[name] = make(
      `section.fl-panel.fl-panel-${name}`,
      { id: `${id}-${name}`, "data-tab": tab, "aria-label": title },
      make("div.fl-panel-head", {}, make("h2.fl-panel-title", {}, title)),
      surfaces[name].canvas,
    );
  }
  const slots = {
    header: make("header.fl-header"),
    rates: make("section.fl-rates", { "aria-label": "The learning rate" }),
    transport: make("div.fl-transport", { role: "group", "aria-label": "Playing the run" }),
    step: make("section.fl-step", { "aria-label": "This step" }),
    tabs: make("div.fl-tabs", { role: "tablist", "aria-label": "More pictures" }),
    sweep: make("section.fl-sweep", { "aria-label": "The rates compared" }),
    run: make("section.fl-run", { "aria-label": "The whole run" }),
    table: make("section.fl-numbers", { "aria-label": "The numbers as a table" }),
  };
  const { contour, data, loss, parameters, rates, zoneloss, zoneparameters, ...shapes } = panels;
  if (rates) slots.sweep.append(rates, zoneloss, zoneparameters);
  const charts = make("div.fl-charts", {}, ...[data, loss, parameters].filter((panel) => panel !== undefined));
  const body = make(
    "div.fl-body",
    {},
    contour,
    slots.transport,
    slots.step,
    slots.tabs,
    ...Object.values(shapes),
    charts,
    slots.sweep,
    slots.run,
    slots.table,
  );
  for (const name of without) body.classList.add(`fl-body-no-${name}`);
  if (empty) body.classList.add("fl-body-empty");
  const root = make("div.fl", { tabindex: "-1", "data-tab": "bowl" }, make("div.fl-top", {}, slots.header, slots.rates), body);
  layoutFillTabs(root, slots.tabs, panels, { first: empty ? "data" : "bowl", onChange: onResize });
  el.append(root);
  return {
    root,
    /** @param {HTMLElement} panel what is said beside the pictures */
    addBeside: (panel) => {
      body.classList.add("fl-body-beside");
      slots.run.before(panel);
    },
    panels,
    surfaces,
    slots,
    stop: () => {
      Object.values(surfaces).forEach((surface) => surface.stop());
      root.remove();
    },
  };
}

/**
 * The tabs of the narrow page; wide pages show every panel and hide them.
 * @param {HTMLElement} root
 * @param {HTMLElement} list
 * @param {Record<string, HTMLElement>} panels
 * @param {{first: string, onChange: () => void}} options
 */
function layoutFillTabs(root, list, panels, { first, onChange }) {
  const used = layoutTabs.filter(([id]) => Object.values(panels).some((panel) => panel.dataset.tab === id));
  /** @type {HTMLElement[]} */
  const buttons = used.map(([id, name]) =>
    make(
      "button.fl-tab",
      {
        type: "button",
        role: "tab",
        "data-name": id,
        "aria-controls": Object.values(panels).filter((panel) => panel.dataset.tab === id).map((panel) => panel.id).join(" "),
        click: () => choose(id),
      },
      id === "bowl" && !panels.bowl ? "Step" : name,
    ),
  );
  /** @param {string} id */
  const choose = (id) => {
    root.dataset.tab = id;
    for (const button of buttons) {
      const chosen = button.dataset.name === id;
      button.setAttribute("aria-selected", String(chosen));
      button.tabIndex = chosen ? 0 : -1;
    }
    for (const panel of Object.values(panels)) panel.classList.toggle("fl-panel-chosen", panel.dataset.tab === id);
    onChange();
  };
  list.append(...buttons);
  list.addEventListener("keydown", (event) => {
    const turn = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (turn === undefined) return;
    const at = buttons.findIndex((button) => button.dataset.name === root.dataset.tab);
    const next = buttons[(at + turn + buttons.length) % buttons.length];
    choose(next.dataset.name ?? "bowl");
    next.focus();
    event.preventDefault();
    event.stopPropagation();
  });
  choose(first);
}
