// @ts-check
// The shell: the bar with the pages, the connection, what is told on top of a page, and the page that the address names.

import { make, setText } from "../../_view/static/element.js";
import { createSocket } from "./socket.js";
import { createThemeChoice } from "./theme_choice.js";
import { createRequests } from "./requests.js";
import { createShare } from "./share.js";
import { pages } from "./pages.js";
import { readAddress, writeAddress } from "./address.js";

/** @typedef {import("./address.js").Address} Address */
/** @typedef {import("./pages.js").MountedPage} MountedPage */

const studioHome = pages[0].name;

/** @param {{el: HTMLElement}} host the document's body */
export function render({ el: body }) {
  const theme = createThemeChoice(body);
  const parts = studioParts(body, theme);
  const socket = createSocket(studioUrl("/socket").replace(/^http/, "ws"));
  const requests = createRequests(socket, parts.work);
  const share = createShare(parts.share, { link: () => window.location.href, notice: parts.notice });
  /** @type {{name: string, mounted: MountedPage, el: HTMLElement} | null} */
  let shown = null;
  let told = ""; // what the address itself has wrong; a page may have more to say
  let visit = 0; // a page that is still loading when another one is asked for is not mounted
  const studio = {
    socket,
    theme,
    request: requests.request,
    cancel: requests.cancel,
    /** @type {Address} */
    address: { page: studioHome, state: {} },
    /** @param {Record<string, any>} state @param {{push?: boolean}} [options] */
    setState: (state, { push = false } = {}) => {
      studio.address = { page: studio.address.page, state };
      const hash = writeAddress(studio.address);
      if (hash === (window.location.hash || writeAddress({ page: studioHome, state: {} }))) return;
      window.history[push ? "pushState" : "replaceState"](null, "", hash);
    },
    /** @param {Address | string} to */
    navigate: (to) => {
      window.location.hash = typeof to === "string" ? to : writeAddress(to);
    },
    link: writeAddress,
    notice: (/** @type {string} */ sentence) => parts.notice([told, sentence].filter((each) => each !== "").join(" ")),
    exports: share.offer,
    answered: () => {},
    /** @type {string[] | null} */
    controls: null,
    url: studioUrl,
    embed: (/** @type {HTMLElement} */ el, /** @type {any} */ options) => studioEmbed(studio, el, options),
  };
  const go = async () => {
    const { address, problems } = readAddress(window.location.hash, studioHome);
    const entry = pages.find(({ name }) => name === address.page);
    if (entry === undefined) problems.push(`The studio has no page “${address.page.slice(0, 40)}”: this is the first one.`);
    const { name, title } = entry ?? pages[0];
    studio.address = entry === undefined ? { page: name, state: {} } : address;
    told = problems.join(" ");
    parts.notice(told);
    parts.current(name);
    visit += 1;
    const mine = visit;
    if (shown?.name !== name) {
      shown?.mounted.stop();
      shown?.el.remove();
      shown = null;
      share.offer([]);
      requests.cancelAll();
      document.title = `${title} · fallline studio`;
      const el = make("div.st-page", { "data-page": name });
      parts.main.replaceChildren(el);
      const mounted = await studioMount(name, el, studio, () => mine === visit);
      if (mine !== visit) return;
      shown = { name, mounted, el };
    }
    try {
      shown?.mounted.update(studio.address.state);
    } catch (error) {
      studioBroken(parts.main, title, error);
      shown = null;
    }
  };
  const moved = () => {
    if (window.location.hash === "" || window.location.hash.startsWith("#/")) go();
  };
  window.addEventListener("popstate", moved);
  socket.on("state", (/** @type {string} */ state) => parts.line(state, socket.reason, socket.retry));
  go();
}

/** A page inside an element; one that cannot be loaded says so in its place. @param {string} name @param {HTMLElement} el @param {any} studio @param {() => boolean} [wanted] is it still, once it is loaded? @returns {Promise<MountedPage>} */
async function studioMount(name, el, studio, wanted = () => true) {
  const entry = pages.find((page) => page.name === name);
  try {
    if (entry === undefined) throw new TypeError(`There is no page ${name}.`);
    const module = await entry.load();
    if (wanted()) return module.mount(el, studio);
  } catch (error) {
    studioBroken(el, entry?.title ?? name, error);
  }
  return { update: () => {}, stop: () => {} };
}

/** @param {HTMLElement} el @param {string} title @param {unknown} error */
function studioBroken(el, title, error) {
  console.warn(error);
  const again = make("button.fl-button", { type: "button", click: () => window.location.reload() }, "Load the studio again");
  el.replaceChildren(make("section.st-missing", {}, make("h1", {}, title), make("p", {}, "This page could not be loaded. The others still work."), again));
}

/**
 * Another page inside a page: what it writes goes to its host, not to the address.
 * @param {any} studio @param {HTMLElement} el
 * @param {{page: string, state: any, onState?: (state: any) => void, onAnswer?: (answer: any) => void, onAsk?: (settings: any) => void, onProgress?: (share: number, note: string) => void, controls?: string[]}} options
 */
async function studioEmbed(studio, el, { page, state, onState = () => {}, onAnswer = () => {}, onAsk = () => {}, onProgress = () => {}, controls }) {
  const inner = { ...studio, embedded: true, address: { page, state }, controls: controls ?? null, exports: () => {}, answered: onAnswer };
  inner.setState = (/** @type {any} */ now) => {
    inner.address = { page, state: now };
    onState(now);
  };
  inner.request = (/** @type {string} */ kind, /** @type {any} */ settings, /** @type {any} */ given) => {
    onAsk(settings);
    return studio.request(kind, settings, { ...given, alsoProgress: onProgress });
  };
  const mounted = await studioMount(page, el, inner);
  mounted.update(state);
  return mounted;
}

/** The bar, the lines below it and the place of the page. @param {HTMLElement} body @param {import("./theme_choice.js").Theme} theme */
function studioParts(body, theme) {
  const links = pages.filter(({ hidden }) => !hidden).map(({ name, title }) => make("a.st-link", { href: `#/${name}`, "data-page": name }, title));
  const share = make("div.st-share");
  const themeButton = make("button.fl-button.fl-button-small", { type: "button", title: "Light, dark, or as the system has it", click: () => showTheme(theme.next()) });
  const showTheme = (/** @type {string} */ choice) => setText(themeButton, `Theme: ${choice}`);
  showTheme(theme.choice());
  const line = make("div.st-lost", { role: "status" });
  const notice = make("div.st-notice", { role: "status", hidden: true });
  const work = make("div.st-work", { hidden: true });
  const main = make("main.st-main", { id: "main", tabindex: "-1" });
  const skip = make("a.st-skip", { href: "#main", click: (/** @type {Event} */ event) => {
    event.preventDefault(); // the address is the page's state
    main.focus();
  } }, "To the page");
  const nav = make("nav.st-nav", { "aria-label": "Pages" }, ...links);
  body.append(make("header.st-top", {}, skip, make("a.st-brand", { href: `#/${studioHome}` }, "fallline"), nav, make("div.st-tools", {}, share, themeButton)), line, notice, main, work);
  return {
    main,
    share,
    work,
    /** @param {string} name */
    current: (name) => {
      const family = name === "run" ? "runs" : name;
      for (const link of links) {
        if (link.dataset.page === family) link.setAttribute("aria-current", "page");
        else link.removeAttribute("aria-current");
      }
    },
    /** @param {string} sentence */
    notice: (sentence) => {
      notice.hidden = sentence === "";
      if (sentence === "") notice.replaceChildren();
      else notice.replaceChildren(make("p", {}, sentence), make("button.st-close", { type: "button", "aria-label": "Close this line", click: () => { notice.hidden = true; } }, "✕"));
    },
    /** @param {string} state @param {string} reason why the server says no @param {() => void} retry */
    line: (state, reason, retry) => {
      const words = reason === "" ? "does not answer. This page keeps what it shows and goes on as soon as it is back." : `takes no more: ${reason}. This one goes on as soon as one of them is closed.`;
      if (state === "lost") line.replaceChildren(make("p", {}, `The studio’s server ${words}`), make("button.fl-button.fl-button-small", { type: "button", click: retry }, "Try now"));
      else line.replaceChildren();
    },
  };
}

/** A path of the server, with the token of the page's own address where there is one. @param {string} path */
function studioUrl(path) {
  const url = new URL(path, window.location.href);
  const token = new URLSearchParams(window.location.search).get("token");
  if (token !== null) url.searchParams.set("token", token);
  return url.href;
}
