// @ts-check
// What a person asks of the host: at most one wish an animation frame while a hand is down, and the last one when it lets go.

/** @typedef {{ask: (wish: Record<string, any>, settled: boolean) => void, stop: () => void}} Wishes */

/**
 * @param {import("./interactive.js").InteractiveModel} model
 * @returns {Wishes}
 */
export function createWishes(model) {
  /** @type {Record<string, any> | null} */
  let waiting = null;
  let request = 0;
  /** @param {Record<string, any>} wish @param {boolean} settled */
  const send = (wish, settled) => {
    model.set?.("wish", { ...wish, settled });
    model.save_changes?.();
  };
  const flush = () => {
    request = 0;
    if (waiting !== null) send(waiting, false);
    waiting = null;
  };
  const forget = () => {
    cancelAnimationFrame(request);
    [request, waiting] = [0, null];
  };
  return {
    ask: (wish, settled) => {
      if (settled) {
        forget();
        send(wish, true);
        return;
      }
      waiting = wish;
      if (request === 0) request = requestAnimationFrame(flush);
    },
    stop: forget,
  };
}

/**
 * Something shown before the host has answered. It goes once `answered` finds it in the scene, or when no answer comes.
 * @template T
 * @param {{answered: (hoped: T) => boolean, gone: () => void}} host
 */
export function createHope({ answered, gone }) {
  const longest = 8000; // ms: what a host has not done by then it will not do
  /** @type {T | null} */
  let hoped = null;
  let down = false;
  let timer = 0;
  const give = () => {
    clearTimeout(timer);
    hoped = null;
    gone();
  };
  return {
    get: () => hoped,
    down: () => down,
    /** @param {T} next @param {boolean} settled */
    put: (next, settled) => {
      clearTimeout(timer);
      [hoped, down] = [next, !settled];
      if (settled) timer = window.setTimeout(give, longest);
    },
    /** The scene has changed. */
    look: () => {
      if (hoped !== null && !down && answered(hoped)) give();
    },
    give: () => {
      down = false;
      give();
    },
    stop: () => clearTimeout(timer),
  };
}
