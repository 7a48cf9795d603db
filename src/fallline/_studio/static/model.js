// @ts-check
// The picture's model over the socket (the shape of anywidget's): wishes become settings, settings become requests, replies become payload and part.
//
// While something is dragged drafts are asked for, one at a time, and only the newest wish waits. Once it has settled the whole picture is.

const modelRest = 150; // ms after the last step of a key until the whole picture is asked for
const modelHeld = 700; // ms that a pointer holds still

/** @typedef {import("./settings.js").Settings} Settings */
/** @typedef {{settled: boolean, cause: string, leap?: boolean}} Change cause: the control that made it; its fault is told there; leap: a draft would show a run that nobody asked for, or be as slow as all of it */

/**
 * @param {{request: (kind: string, settings: any, options: any) => Promise<any>}} studio
 * @param {{
 *   lane: string,
 *   onWish: (wish: Record<string, any>, settled: boolean) => void,
 *   onStep: (step: number) => void,
 *   onAnswer: (answer: {settings: Settings, payload: any, full: boolean}) => void,
 *   onFault: (sentence: string, cause: string, settings: Settings) => void,
 * }} host
 */
export function createModel(studio, host) {
  /** @type {Record<string, any>} */
  const held = { payload: null, part: null, wish: null, step: null, theme: "light" };
  /** @type {Map<string, Set<() => void>>} */
  const listeners = new Map();
  /** @type {Set<string>} */
  const unsaved = new Set();
  /** @type {{settings: Settings, cause: string} | null} */
  let wanted = null;
  /** @type {Settings | null} */
  let drawn = null; // the settings of what is on the screen
  let whole = false; // whether all of it was answered, or a draft
  /** @type {string | null} */
  let frame = null;
  let drafting = false;
  let again = false; // a newer wish waits for the draft under way
  let due = false; // and so does the whole picture: a draft that is dropped for it would leave the screen behind
  let timer = 0;
  let asked = 0;
  let shown = 0; // the number of the request that was answered last
  let waiting = 0; // requests under way
  let stopped = false;

  /** @param {string} name @param {any} value */
  const put = (name, value) => {
    held[name] = value;
    [...(listeners.get(`change:${name}`) ?? [])].forEach((listener) => listener());
  };
  /** @param {any} reply @param {Settings} settings @param {boolean} full */
  const show = (reply, settings, full) => {
    drawn = settings;
    whole = full;
    frame = reply.frame ?? null;
    if (reply.payload !== undefined) put("payload", reply.payload);
    else put("part", reply.part);
    host.onAnswer({ settings, payload: reply.payload ?? reply.part, full });
  };
  /** @param {"draft" | "full"} detail */
  const ask = async (detail) => {
    if (wanted === null || stopped) return;
    const { settings, cause } = wanted;
    asked += 1;
    waiting += 1;
    const mine = asked;
    const windows = frame;
    if (detail === "draft") drafting = true;
    else due = false;
    try {
      const reply = await studio.request("neuron", settings, { lane: host.lane, fields: { detail, frame: windows, ...(Number.isInteger(held.step) ? { step: held.step } : {}) }, quiet: detail === "draft" });
      if (!stopped && mine > shown) {
        shown = mine;
        if (reply.payload !== undefined || windows === frame) show(reply, settings, detail === "full");
        else if (detail === "full") due = true; // what moved in windows that are no longer on the screen: ask for all of it
      }
    } catch (fault) {
      if (/** @type {any} */ (fault).reason === undefined) throw fault;
      const { reason, message } = /** @type {import("./socket.js").RequestFault} */ (fault);
      const mind = mine === asked && !stopped;
      if (mind && reason === "error") host.onFault(message, cause, settings);
      if (mind && reason === "cancelled") host.onFault("Cancelled: the picture is of the settings before.", cause, settings);
    } finally {
      waiting -= 1;
      if (detail === "draft") drafting = false;
    }
    if (drafting || stopped) return;
    if (again) draft();
    else if (due) ask("full");
  };
  const draft = () => {
    again = drafting;
    if (!drafting) ask("draft");
  };
  /** @param {number} wait @param {boolean} [leap] even while a draft is under way: nobody waits for that any longer */
  const rest = (wait, leap = false) => {
    clearTimeout(timer);
    due = false;
    timer = window.setTimeout(() => {
      due = true;
      if (!drafting || leap) ask("full");
    }, wait);
  };
  const model = {
    /** @param {string} name */
    get: (name) => held[name],
    /** @param {string} name @param {any} value */
    set: (name, value) => {
      held[name] = value;
      unsaved.add(name);
    },
    save_changes: () => {
      const names = [...unsaved];
      unsaved.clear();
      for (const name of names) {
        if (name === "wish" && held.wish !== null) {
          const { settled = true, ...wish } = held.wish;
          host.onWish(wish, settled);
        } else if (name === "step") host.onStep(held.step);
      }
    },
    /** @param {string} event @param {() => void} listener */
    on: (event, listener) => {
      listeners.set(event, (listeners.get(event) ?? new Set()).add(listener));
    },
    /** @param {string} event @param {() => void} listener */
    off: (event, listener) => {
      listeners.get(event)?.delete(listener);
    },
  };
  return {
    model,
    put,
    /** @param {Settings} settings @param {Change} change */
    change: (settings, { settled, cause, leap = false }) => {
      wanted = { settings, cause };
      if (drawn === null) rest(0); // nothing is there yet that a draft could move
      else {
        const same = JSON.stringify(drawn) === JSON.stringify(settings);
        if (same && whole && waiting === 0) return; // an answer under way would take its place
        if (leap) again = false;
        else if (!same) draft();
        rest(settled ? (same ? 0 : modelRest) : modelHeld, leap);
      }
    },
    /** Ask for the whole picture again: another page was here, or another server. @param {Settings} settings @param {string} [cause] */
    renew: (settings, cause = "") => {
      wanted = { settings, cause };
      frame = null;
      rest(0);
    },
    stop: () => {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
