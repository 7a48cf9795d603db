// @ts-check
// What was run, how it ended, and the rate against its limit: in words, in numbers and as a small gauge.

import { makeGauge } from "./gauge.js";
import { make, setText } from "./element.js";
import { formatNumber } from "./scale.js";
import { zoneClass } from "./slider.js";
import { hasRates } from "./stops.js";

/**
 * @param {HTMLElement} slot
 * @param {any} scene
 * @param {{theme: {next: () => string, choice: () => string}, onProjector: () => void, onBack: () => void, rate?: () => number}} host rate: the one that is shown, where it is not the run's first
 * @returns {{update: () => void}}
 */
export function fillHeader(slot, scene, host) {
  const themeButton = make("button.fl-button.fl-button-small", {
    type: "button",
    title: "Light or dark",
    click: () => showTheme(host.theme.next()),
  });
  /** @param {string} choice */
  const showTheme = (choice) => setText(themeButton, { auto: "Theme: auto", light: "Theme: light", dark: "Theme: dark" }[choice] ?? choice);
  showTheme(host.theme.choice());
  const projector = make(
    "button.fl-button.fl-button-small.fl-button-projector",
    { type: "button", title: "Large type, two pictures (key P)", click: host.onProjector },
    "Projector",
  );
  const rate = headerRate(scene, host.onBack, host.rate);
  const title = make("h1.fl-title", {}, scene.title);
  const outcome = make("span");
  const subtitle = make("p.fl-subtitle");
  const recorded = formatNumber(scene.rate.value);
  slot.append(
    make(
      "div.fl-heading",
      {},
      make(
        "div.fl-heading-line",
        {},
        title,
        outcome,
      ),
      subtitle,
    ),
    ...(scene.rate.value === null ? [] : [rate.box]),
    make("div.fl-header-tools", {}, projector, themeButton),
  );
  return {
    update: () => {
      rate.update();
      setText(title, scene.title);
      const at = scene.stop;
      outcome.hidden = at === null && scene.outcome === "";
      outcome.className = `fl-outcome fl-outcome-${scene.outcome}`;
      setText(outcome, at === null ? scene.outcome : scene.rates.zone[at]);
      const rates = at === null ? "" : `learning rate ${formatNumber(scene.rate.value)} (${scene.rates.home.replace(" run", "")}: ${recorded})`;
      const text = at === null ? scene.subtitle : scene.subtitle.replace(/learning rate [^\s,;]+/, rates);
      setText(subtitle, text);
      subtitle.title = at === null ? "" : text; // longer then: one line all the same, so that the page stays where it is
    },
  };
}

/** @param {any} scene @param {() => void} onBack @param {() => number} [shown] */
function headerRate(scene, onBack, shown) {
  const { rate } = scene;
  const measured = hasRates(scene) && !scene.accepts; // a host that runs any rate has no run to go back to
  const value = make("strong", { "data-number": "rate" });
  const share = make("span");
  const limit = make("span.fl-rate-limit");
  const swatch = make("span", { "aria-hidden": "true" });
  const words = make("span");
  const box = make("div.fl-rate", {}, make("p.fl-rate-line", {}, "rate ", value, share, limit), make("p.fl-zone", {}, swatch, words));
  const back = make("button.fl-button.fl-button-small.fl-rates-back", { type: "button", click: onBack }, measured ? `Back to the ${scene.rates.home}` : "");
  if (measured) box.append(back);
  if (!measured && !scene.accepts && rate.limit !== null && rate.share !== null) box.append(makeGauge(rate));
  return {
    box,
    update: () => {
      const { rate: now, batch } = scene;
      const full = now.kind === "full batch" || batch.size < batch.rows ? "full batch's " : "";
      const known = now.limit !== null && now.share !== null;
      setText(value, formatNumber(now.value));
      const largest = known ? headerLargest(scene) : null;
      const part = largest === null && shown === undefined ? now.share : (shown?.() ?? now.value) / now.limit;
      setText(share, known ? ` · ${headerPercent(part)} of the ${full}limit` : "");
      setText(limit, known ? ` ${formatNumber(now.limit, 3)}` : "");
      back.disabled = scene.stop === null;
      const at = measured ? (scene.stop ?? scene.rates.own) : null;
      const zone = at === null ? now.zone : scene.rates.zone[at];
      const said = at === null ? now.words : scene.rates.words[at];
      swatch.className = zone ? `fl-rates-swatch ${zoneClass(zone)}` : "";
      const changes = now.limit === null && (scene.frames.limit_share ?? []).some((/** @type {number | null} */ each) => each !== null);
      if (largest !== null && at === null) setText(words, `the rate changes: at most ${formatNumber(largest)}, ${headerPercent(largest / now.limit)} of the limit`);
      else setText(words, changes ? "its limit changes along the path" : said?.includes(", ") ? said.slice(said.indexOf(", ") + 2) : zoneWords(now, scene.batch, scene.outcome));
    },
  };
}

/** @param {number} share */
function headerPercent(share) {
  return `${formatNumber(100 * share, share < 1 ? 2 : 3)} %`;
}

/** The largest rate of a run whose rate changes on the way, else null. @param {any} scene @returns {number | null} */
function headerLargest({ frames, rate }) {
  const rates = frames.learning_rate ?? [];
  return rates.some((/** @type {number} */ each) => Math.abs(each / rates[0] - 1) > 1e-6) ? Math.max(...rates, rate.kind === "frozen preconditioner" ? 0 : rate.share * rate.limit) : null;
}

/**
 * What the rate's place against the limits means. For adaptive optimizers the limit is a threshold past which they stall, they do not diverge;
 * with mini-batches it holds for the full batch only.
 * @param {any} rate
 * @param {any} batch
 * @param {string} outcome
 * @returns {string}
 */
export function zoneWords(rate, batch, outcome) {
  if (rate.limit === null) return "no limit to compare it with";
  const suffix = batch.size < batch.rows ? " (the full batch's limit)" : "";
  if (rate.value > rate.limit) {
    if (rate.kind === "frozen preconditioner") return `past the threshold: it stalls in a cycle${suffix}`;
    return (outcome === "diverged" ? "past the limit: it climbs out of the valley" : "past the limit") + suffix;
  }
  if (rate.crossing === null) return `below the limit${suffix}`;
  if (Math.abs(rate.value / rate.crossing - 1) < 0.01) return `lands on the floor of the steepest direction${suffix}`;
  if (rate.value > rate.crossing) return `crosses the valley at every step${suffix}`;
  return (outcome === "converged" ? "never overshoots" : "hugs the wall, then crawls") + suffix;
}

/**
 * The whole run in words: the verdict, the data, the conversion of units.
 * @param {HTMLElement} slot
 * @param {any} scene
 */
export function fillRun(slot, scene) {
  slot.append(make("h2.fl-run-title", {}, scene.run_title));
  for (const sentence of scene.verdict) slot.append(make("p.fl-verdict", {}, sentence));
  for (const [kind, text] of [
    ["data", scene.data_line],
    ["conversion", scene.conversion],
    ["note", scene.plane.kind === "parameters" ? "" : scene.plane.note],
  ]) {
    if (text) slot.append(make(`p.fl-run-small.fl-run-${kind}`, {}, text));
  }
}
