// @ts-check
// Light or dark for the whole studio: what was chosen on this computer, else what the system prefers. Pictures inside follow it.

/** @typedef {"auto" | "light" | "dark"} ThemeChoice */
/** @typedef {ReturnType<typeof createThemeChoice>} Theme */

const themeChoiceKey = "fallline-theme";
const themeChoiceOrder = /** @type {ThemeChoice[]} */ (["auto", "light", "dark"]);

/** @param {HTMLElement} root gets data-mode "light" or "dark" */
export function createThemeChoice(root) {
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  /** @type {Set<() => void>} */
  const listeners = new Set();
  let choice = themeChoiceRead();
  /** @returns {"light" | "dark"} */
  const mode = () => (choice === "auto" ? (system.matches ? "dark" : "light") : choice);
  const apply = () => {
    root.dataset.mode = mode();
    root.style.colorScheme = mode();
    [...listeners].forEach((listener) => listener());
  };
  system.addEventListener("change", apply);
  apply();
  return {
    mode,
    choice: () => choice,
    /** @returns {ThemeChoice} the next of auto, light, dark */
    next: () => {
      choice = themeChoiceOrder[(themeChoiceOrder.indexOf(choice) + 1) % themeChoiceOrder.length];
      themeChoiceKeep(choice);
      apply();
      return choice;
    },
    /** @param {"change"} _event @param {() => void} listener */
    on: (_event, listener) => {
      listeners.add(listener);
    },
    /** @param {"change"} _event @param {() => void} listener */
    off: (_event, listener) => {
      listeners.delete(listener);
    },
  };
}

/** @returns {ThemeChoice} */
function themeChoiceRead() {
  try {
    const kept = window.localStorage.getItem(themeChoiceKey);
    return themeChoiceOrder.find((each) => each === kept) ?? "auto";
  } catch {
    return "auto"; // a browser may forbid keeping anything
  }
}

/** @param {ThemeChoice} choice */
function themeChoiceKeep(choice) {
  try {
    window.localStorage.setItem(themeChoiceKey, choice);
  } catch {
    // then it holds until the page is left
  }
}
