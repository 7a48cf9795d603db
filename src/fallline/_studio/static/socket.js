// @ts-check
// One websocket for the whole page: requests out, replies back to whom they belong, and a connection that comes back by itself.

import { decodeNumbers } from "../../_view/static/decode.js";

const socketWaits = [250, 500, 1000, 2000, 4000]; // ms until the next attempt; the last one for good
const socketGrace = 400; // ms a reload of the page may take before the line is called lost, and a new line has to last
const socketMost = 2 ** 20; // characters of one message (MOST_CHARACTERS of _messages.py): the server reads no more

/** Why a request has no reply: "error" (its message is one sentence for the person), "dropped" or "cancelled". */
export class RequestFault extends Error {
  /** @param {"error" | "dropped" | "cancelled"} reason @param {string} message @param {any} [place] where in a typed text the fault stands, as its handler says it */
  constructor(reason, message, place = null) {
    super(message);
    this.name = "RequestFault";
    this.reason = reason;
    this.place = place;
  }
}

/**
 * @typedef {{kind: string, lane?: string, [field: string]: any}} Message
 * @typedef {{id: number, message: Message, resolve: (reply: any) => void, reject: (fault: RequestFault) => void, progress: (share: number, note: string) => void}} Waiting
 * @typedef {"connecting" | "open" | "lost"} SocketState
 * @typedef {ReturnType<typeof createSocket>} StudioSocket
 */

/**
 * @param {string} url
 * @param {{connect?: (url: string) => WebSocket}} [options]
 */
export function createSocket(url, { connect = (to) => new WebSocket(to) } = {}) {
  /** @type {Map<number, Waiting>} */
  const waiting = new Map();
  /** @type {Map<string, Set<(detail?: any) => void>>} */
  const listeners = new Map();
  /** @type {WebSocket | null} */
  let line = null;
  /** @type {SocketState} */
  let state = "connecting";
  let reason = ""; // why the server turned the page away
  let next = 1;
  let attempts = 0;
  let opened = 0; // times
  let [timer, trial] = [0, 0];
  let over = false;

  /** @param {string} event @param {any} [detail] */
  const tell = (event, detail) => [...(listeners.get(event) ?? [])].forEach((listener) => listener(detail));
  /** @param {SocketState} now @param {string} [why] */
  const become = (now, why = "") => {
    if (now === state && why === reason) return;
    [state, reason] = [now, why];
    tell("state", now);
  };
  /** The line holds: something was heard on it, or it was not closed at once. */
  const holds = () => {
    clearTimeout(trial);
    if (attempts === 0 && state === "open") return;
    attempts = 0;
    become("open");
    opened += 1;
    if (opened > 1) tell("restored");
  };
  const open = () => {
    clearTimeout(timer);
    const mine = connect(url);
    line = mine;
    mine.addEventListener("open", () => {
      trial = window.setTimeout(holds, socketGrace);
      for (const each of [...waiting.values()].sort((a, b) => a.id - b.id)) mine.send(socketText(each)); // nothing that was asked is lost
    });
    mine.addEventListener("message", (event) => {
      holds();
      hear(event.data);
    });
    mine.addEventListener("close", (event) => {
      if (over || line !== mine) return;
      line = null;
      clearTimeout(trial);
      const why = event.code === 1013 ? event.reason : "";
      const wait = socketWaits[Math.min(attempts, socketWaits.length - 1)];
      attempts += 1;
      if (attempts > 1 || why !== "") become("lost", why);
      else setTimeout(() => line?.readyState !== WebSocket.OPEN && !over && become("lost"), socketGrace);
      timer = window.setTimeout(open, wait);
    });
  };
  /** @param {string} text */
  const hear = (text) => {
    const reply = socketRead(text);
    if (reply === null || typeof reply !== "object") return;
    const asked = waiting.get(reply.id);
    if (asked === undefined) return; // given up meanwhile
    if (reply.progress !== undefined) {
      asked.progress(reply.progress, reply.note ?? "");
      return;
    }
    waiting.delete(reply.id);
    if (reply.error !== undefined) asked.reject(new RequestFault("error", String(reply.error), reply.place ?? null));
    else if (reply.dropped) asked.reject(new RequestFault("dropped", "A newer request took its place."));
    else if (reply.cancelled) asked.reject(new RequestFault("cancelled", "Cancelled."));
    else asked.resolve(reply);
  };
  /** @param {unknown} message */
  const send = (message) => {
    if (line !== null && line.readyState === WebSocket.OPEN) line.send(typeof message === "string" ? message : JSON.stringify(message));
  };
  const atOnce = () => {
    if (state === "lost" && line === null) open();
  };
  window.addEventListener("online", atOnce);
  document.addEventListener("visibilitychange", atOnce);
  open();
  return {
    get state() {
      return state;
    },
    get reason() {
      return reason;
    },
    /**
     * @param {Message} message kind, settings …; the id is given here
     * @param {(share: number, note: string) => void} [progress]
     * @returns {{id: number, reply: Promise<any>}}
     */
    ask: (message, progress = () => {}) => {
      const id = next;
      next += 1;
      const reply = new Promise((resolve, reject) => {
        const entry = { id, message, resolve, reject, progress };
        const text = socketText(entry);
        if (text.length > socketMost) {
          reject(new RequestFault("error", `This is too long: ${text.length.toLocaleString("en")} characters, and the studio reads at most ${socketMost.toLocaleString("en")}.`));
          return;
        }
        waiting.set(id, entry);
        send(text);
      });
      return { id, reply };
    },
    /** @param {number} id */
    cancel: (id) => {
      const asked = waiting.get(id);
      if (asked === undefined) return;
      waiting.delete(id);
      send({ cancel: id });
      asked.reject(new RequestFault("cancelled", "Cancelled."));
    },
    cancelAll: () => {
      for (const { id, reject } of [...waiting.values()]) {
        waiting.delete(id);
        send({ cancel: id });
        reject(new RequestFault("cancelled", "Cancelled."));
      }
    },
    /** The id of what is under way in a lane, null where nothing is. @param {string} lane */
    underWay: (lane) => [...waiting.values()].find(({ message }) => (message.lane ?? message.kind) === lane)?.id ?? null,
    /** @param {string} event "state" or "restored" @param {(detail?: any) => void} listener */
    on: (event, listener) => {
      listeners.set(event, (listeners.get(event) ?? new Set()).add(listener));
    },
    /** @param {string} event @param {(detail?: any) => void} listener */
    off: (event, listener) => {
      listeners.get(event)?.delete(listener);
    },
    retry: atOnce,
    stop: () => {
      over = true;
      clearTimeout(timer);
      window.removeEventListener("online", atOnce);
      document.removeEventListener("visibilitychange", atOnce);
      line?.close();
    },
  };
}

/** @param {{id: number, message: Message}} asked */
function socketText({ id, message }) {
  return JSON.stringify({ id, ...message }, socketNumber);
}

/** Numbers that JSON cannot write travel as words. @param {string} _key @param {unknown} value */
function socketNumber(_key, value) {
  return typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
}

/**
 * @param {string} text
 * @returns {any} null where it is no JSON; numbers that JSON cannot write are numbers, but in payloads and their parts: the pictures read those
 */
function socketRead(text) {
  try {
    const { payload, part, ...rest } = JSON.parse(text);
    const read = decodeNumbers(rest);
    if (payload !== undefined) read.payload = payload;
    if (part !== undefined) read.part = part;
    return read;
  } catch {
    return null;
  }
}
