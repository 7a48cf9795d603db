// @ts-check
// Light and dark: which one holds, and its colours as the pictures need them. The colours themselves stand in view.css.

/** @typedef {"auto" | "light" | "dark"} ThemeChoice */

const themeChoices = /** @type {ThemeChoice[]} */ (["auto", "light", "dark"]);
const themeColours = [
  "text",
  "muted",
  "grid",
  "surface",
  "halo",
  "step",
  "gradient",
  "tangent",
  "good",
  "w",
  "b",
  "line",
  "p3",
  "p4",
  "p5",
  "p6",
  "zsmall",
  "zright",
  "zbouncing",
  "zdiverging",
];

/**
 * The colours and the font that hold for an element now.
 * @param {HTMLElement} root
 * @returns {any}
 */
export function readTheme(root) {
  const style = getComputedStyle(root);
  const colours = Object.fromEntries(themeColours.map((name) => [name, style.getPropertyValue(`--fl-${name}`).trim()]));
  return {
    ...colours,
    dark: root.dataset.mode === "dark",
    font: style.fontFamily,
    fontSize: Math.max(12, Number.parseFloat(style.fontSize) * 0.8125),
  };
}

/**
 * The colour of parameter number i, the same everywhere: w and b have their own, further weights take turns.
 * @param {any} theme
 * @param {number} index
 * @param {number} count parameters in all; the last one is b
 * @returns {string}
 */
export function parameterColour(theme, index, count) {
  if (index === count - 1 && count > 1) return theme.b;
  return [theme.w, theme.p3, theme.p4, theme.p5, theme.p6][index % 5];
}

/**
 * Keeps `data-mode` on the element at "light" or "dark": what was chosen, else what the system prefers.
 * @param {HTMLElement} root
 * @param {() => void} onChange
 * @param {() => void} drawNow paper is light, and waits for no animation frame
 * @returns {{choice: () => ThemeChoice, next: () => ThemeChoice, stop: () => void}}
 */
export function createThemeControl(root, onChange, drawNow) {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const host = root.parentElement; // `data-host-theme` there: the host has a theme, and no button is shown here
  /** @type {ThemeChoice} */
  let choice = "auto";
  const apply = () => {
    const told = host?.dataset.hostTheme;
    root.toggleAttribute("data-hosted", Boolean(told));
    root.dataset.mode = told || (choice === "auto" ? (system.matches ? "dark" : "light") : choice);
    onChange();
  };
  const paper = () => {
    root.dataset.mode = "light";
    drawNow();
  };
  system.addEventListener("change", apply);
  addEventListener("beforeprint", paper);
  addEventListener("afterprint", apply);
  const watch = new MutationObserver(apply);
  if (host !== null) watch.observe(host, { attributeFilter: ["data-host-theme"] });
  apply();
  return {
    choice: () => choice,
    next: () => {
      choice = themeChoices[(themeChoices.indexOf(choice) + 1) % themeChoices.length];
      apply();
      return choice;
    },
    stop: () => {
      watch.disconnect();
      system.removeEventListener("change", apply);
      removeEventListener("beforeprint", paper);
      removeEventListener("afterprint", apply);
    },
  };
}
