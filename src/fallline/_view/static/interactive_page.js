// @ts-check
// The page of a live picture that asks: as live_page.js, but what it shows is replaced in place, and can be taken by hand.

import { homeCamera, topCamera, turnCamera } from "./camera.js";
import { dataFrame } from "./chart_data.js";
import { fillHeader } from "./header.js";
import { listenToKeys } from "./keyboard.js";
import { createLayout } from "./layout.js";
import { livePlayKeys } from "./live_page.js";
import { createPictures } from "./pictures.js";
import { createPlayer } from "./player.js";
import { plotLayout } from "./plot.js";
import { createRefresher } from "./refresher.js";
import { makeTurnable } from "./switches.js";
import { fillTable } from "./table.js";
import { createThemeControl, readTheme } from "./theme.js";
import { fillTransport, transportToggle } from "./transport.js";
import { createStandingPanels, fillStandingWords, surfaceUnder } from "./interactive_panels.js";
import { createMovablePoints } from "./interactive_points.js";
import { createAskedRate, fillRateField } from "./interactive_rate.js";
import { createStandingScene } from "./interactive_scene.js";
import { fillAskingSlider } from "./interactive_slider.js";
import { createMovableStart } from "./interactive_start.js";
import { createStep, stepsTaken } from "./interactive_step.js";
import { fillStandingSwitches } from "./interactive_switches.js";
import { createWishes } from "./interactive_wishes.js";

/**
 * @param {import("./interactive.js").InteractiveModel} model
 * @param {HTMLElement} el
 * @returns {{replace: (payload: any) => void, swap: (part: any) => void, go: (step: any) => void, stop: () => void}}
 */
export function renderAsking(model, el) {
  const standing = createStandingScene(model.get("payload"));
  const { scene } = standing;
  const refresh = askingRefresher((all) => draw(all));
  const still = window.matchMedia("(prefers-reduced-motion: reduce)");
  const layout = createLayout(el, { without: [], empty: false, onResize: refresh.ask });
  const player = createPlayer(scene, { onChange: refresh.ask, reducedMotion: () => still.matches });
  const wishes = createWishes(model);
  const theme = createThemeControl(layout.root, refresh.ask, () => draw(true));
  const view = askingView(scene, { root: layout.root, refresh });
  const hands = askingHands(standing, { wishes, refresh, after: () => parts.renew() });
  const parts = askingParts(scene, { layout, player, view, hands, refresh, theme });
  const silence = listenToKeys(el, layout.root, layout.surfaces.bowl.canvas, { ...livePlayKeys(player), ...view.keys });
  const steps = createStep(model, scene, player);
  /** @param {boolean} all */
  const draw = (all) => {
    parts.draw(all);
    if (!hands.down()) steps.tell();
  };
  /** @param {() => void} act */
  const change = (act) => {
    player.swap(act);
    parts.look();
    if (!hands.down()) parts.renew();
    refresh.ask();
  };
  parts.renew();
  return {
    replace: (payload) => change(() => {
      standing.replace(payload);
      view.renewed();
    }),
    swap: (part) => change(() => standing.swap(part)),
    go: steps.go,
    stop: () => {
      for (const each of [player, refresh, theme, wishes, parts, layout]) each.stop();
      silence();
    },
  };
}

/**
 * Draws once in the next animation frame: all of it, or, where only words were asked for, those.
 * @param {(all: boolean) => void} draw
 */
function askingRefresher(draw) {
  let all = false;
  const refresher = createRefresher(() => {
    const now = all;
    all = false;
    draw(now);
  });
  return {
    ask: () => {
      all = true;
      refresher.ask();
    },
    /** A hand moves the rate: until the answer is there the pictures are what they were. */
    askWords: refresher.ask,
    stop: refresher.stop,
  };
}

/**
 * Everything on the page: what stands, what is drawn, what can be taken.
 * @param {any} scene
 * @param {{layout: ReturnType<typeof createLayout>, player: import("./player.js").Player, view: ReturnType<typeof askingView>, hands: ReturnType<typeof askingHands>,
 *   refresh: {ask: () => void}, theme: ReturnType<typeof createThemeControl>}} page
 */
function askingParts(scene, { layout, player, view, hands, refresh, theme }) {
  const { root, slots, panels, surfaces } = layout;
  const header = fillHeader(slots.header, scene, { theme, onProjector: view.projector, onBack: () => {}, rate: () => asked.now() });
  const asked = createAskedRate(scene, { ...hands.of("rate"), taken: () => player.taken(), stepsTaken: () => stepsTaken(scene, player) });
  const field = fillRateField(slots.header, asked);
  const slider = fillAskingSlider(slots.rates, scene, asked, () => transportToggle(player));
  const transport = fillTransport(slots.transport, scene, player);
  const switches = fillStandingSwitches(panels.contour, scene, view.choices, refresh.ask);
  const start = createMovableStart(surfaces.contour.canvas, scene, { ...hands.of("start"), state: () => player.place, toStart: () => player.seek(0) });
  switches.row.append(start.button);
  const points = createMovablePoints(panels.data, surfaces.data.canvas, scene, hands.of("points"));
  const words = fillStandingWords(slots, scene);
  const table = fillTable(slots.table, scene);
  makeTurnable(panels.bowl, surfaces.bowl.canvas, { turn: view.turn, moving: view.moving });
  let colours = readTheme(root);
  const over = askingSurfaces(surfaces, hands.down, {
    contour: (context, size) => start.draw(context, colours, askingContour(context, size, scene, colours, view.choices.windowId)),
    data: (context, size) => points.draw(context, colours, dataFrame(context, size, scene, colours)),
  }, { data: points.words });
  const standing = createStandingPanels(layout, scene, over);
  const pictures = createPictures(scene, standing.shown);
  return {
    /** @param {boolean} all the pictures, too */
    draw: (all) => {
      colours = readTheme(root);
      for (const each of [slider, header, field, transport, switches]) each.update(); // the slider first: it measures
      words.update(player.place, colours, hands.down());
      if (!all) return;
      const { ghost, windowId, camera, turning } = view.choices;
      pictures.draw({ ...player.place, ghost, windowId, camera, moving: turning || hands.held() === "points" }, colours);
    },
    look: () => {
      words.retell();
      for (const each of [asked, start, points]) each.look();
    },
    /** What may change only while no hand is down. */
    renew: () => {
      standing.arrange();
      points.arrange();
      words.retell();
      words.renew();
      table.update();
    },
    stop: () => {
      for (const each of [asked, start, points]) each.stop();
    },
  };
}

/**
 * What the hands do: their wishes, and what stays as it is while one of them is down.
 * @param {ReturnType<typeof createStandingScene>} standing
 * @param {{wishes: import("./interactive_wishes.js").Wishes, refresh: {ask: () => void, askWords: () => void}, after: () => void}} page
 */
function askingHands(standing, { wishes, refresh, after }) {
  /** @type {"rate" | "start" | "points" | null} */
  let held = null;
  return {
    down: () => held !== null,
    held: () => held,
    /** @param {"rate" | "start" | "points"} what */
    of: (what) => ({
      /** @param {Record<string, any>} wish @param {boolean} settled */
      ask: (wish, settled) => {
        standing.moved(wish.start ?? null);
        wishes.ask(wish, settled);
      },
      redraw: what === "rate" ? refresh.askWords : refresh.ask,
      /** @param {boolean} on */
      dragging: (on) => {
        held = on ? what : null;
        standing.held.hold(!on ? "free" : what === "points" ? "points" : "grow");
        standing.ground(on && what === "start");
        if (!on) after();
        refresh.ask();
      },
    }),
  };
}

/**
 * How the page is looked at: window, ghost, camera, projector. All of it stays when the run changes; another problem has its own home for the camera.
 * @param {any} scene
 * @param {{root: HTMLElement, refresh: {ask: () => void}}} page
 */
function askingView(scene, { root, refresh }) {
  /** @type {import("./switches.js").Choices & {camera: any, turning: boolean}} */
  const choices = { ghost: false, windowId: "main", camera: homeCamera(scene), turning: false };
  const problem = () => JSON.stringify([scene.parameters, scene.plane.kind, scene.data?.kind, scene.title]);
  let [about, turned] = [problem(), false];
  /** @param {any} camera */
  const look = (camera) => {
    choices.camera = camera;
    refresh.ask();
  };
  /** @param {number} dx @param {number} dy */
  const turn = (dx, dy) => {
    turned = true;
    look(turnCamera(choices.camera, dx, dy));
  };
  const projector = () => {
    root.classList.toggle("fl-projector");
    root.focus(); // the button that was pressed is hidden now
    refresh.ask();
  };
  return {
    choices,
    projector,
    turn,
    /** @param {boolean} on */
    moving: (on) => {
      choices.turning = on;
      refresh.ask();
    },
    renewed: () => {
      if (problem() === about) return;
      about = problem();
      if (!turned) choices.camera = homeCamera(scene);
    },
    keys: {
      projector,
      leaveProjector: () => {
        if (root.classList.contains("fl-projector")) projector();
      },
      cameraHome: () => {
        turned = false;
        look(homeCamera(scene));
      },
      cameraTop: () => {
        turned = true;
        look(topCamera());
      },
      turn,
    },
  };
}

/** @param {Record<string, import("./surface.js").Surface>} surfaces @param {() => boolean} quiet @param {Record<string, import("./interactive_panels.js").Overlay>} over @param {Record<string, () => string>} words */
function askingSurfaces(surfaces, quiet, over, words) {
  return Object.fromEntries(Object.entries(surfaces).map(([name, surface]) => [name, surfaceUnder(surface, { quiet, over: over[name], words: words[name] })]));
}

/** Where the contour's window stands on its canvas. @param {CanvasRenderingContext2D} context @param {{width: number, height: number}} size @param {any} scene @param {any} theme @param {string} id */
function askingContour(context, size, scene, theme, id) {
  const view = scene.windows.find((/** @type {any} */ each) => each.id === id) ?? scene.windows.find((/** @type {any} */ each) => each.id === "main");
  return { view, layout: plotLayout(context, view, size, theme, !view.curve) };
}
