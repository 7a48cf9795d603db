// @ts-check
// The keys: Space, arrows, Home, End; P for the projector; 0 and T for the camera; arrows on the bowl turn it.

/**
 * @typedef {{toggle: () => void, back: () => void, forward: () => void, home: () => void, end: () => void, projector: () => void,
 *   leaveProjector: () => void, cameraHome: () => void, cameraTop: () => void, turn: (dx: number, dy: number) => void}} KeyActions
 */

const keyboardTurn = 14; // px of drag that one arrow key stands for

/**
 * Listens on the whole page where the host says that the picture is the page (`data-keys="page"`), else only inside the picture.
 * @param {HTMLElement} host
 * @param {HTMLElement} root
 * @param {HTMLElement | null} bowl
 * @param {KeyActions} actions
 * @returns {() => void} stop listening
 */
export function listenToKeys(host, root, bowl, actions) {
  const target = host.dataset.keys === "page" ? host.ownerDocument : root;
  /** @param {Event} event */
  const listener = (event) => {
    const key = /** @type {KeyboardEvent} */ (event);
    if (key.defaultPrevented || key.ctrlKey || key.metaKey || key.altKey) return;
    const act = keyboardAction(key, bowl, actions);
    if (act === null) return;
    act();
    key.preventDefault();
  };
  target.addEventListener("keydown", listener);
  return () => target.removeEventListener("keydown", listener);
}

/** @param {KeyboardEvent} event @param {HTMLElement | null} bowl @param {KeyActions} actions @returns {(() => void) | null} */
function keyboardAction(event, bowl, actions) {
  const on = /** @type {Element} */ (event.target);
  if (on === bowl && keyboardTurns(event.key) !== null) {
    const [dx, dy] = keyboardTurns(event.key) ?? [0, 0];
    return () => actions.turn(dx, dy);
  }
  // A focused control keeps its own keys: Space presses a button, arrows scroll a region.
  if (event.key === " " && on.matches("button, summary, input")) return null;
  if (on.matches("[data-scrolls]") && /^(Arrow|Home|End)/.test(event.key)) return null;
  /** @type {Record<string, () => void>} */
  const keys = {
    " ": actions.toggle,
    ArrowRight: actions.forward,
    ArrowLeft: actions.back,
    Home: actions.home,
    End: actions.end,
    p: actions.projector,
    P: actions.projector,
    Escape: actions.leaveProjector,
    0: actions.cameraHome,
    t: actions.cameraTop,
    T: actions.cameraTop,
  };
  return keys[event.key] ?? null;
}

/** @param {string} key @returns {[number, number] | null} */
function keyboardTurns(key) {
  const turns = /** @type {Record<string, [number, number]>} */ ({
    ArrowLeft: [-keyboardTurn, 0],
    ArrowRight: [keyboardTurn, 0],
    ArrowUp: [0, -keyboardTurn],
    ArrowDown: [0, keyboardTurn],
  });
  return turns[key] ?? null;
}
