// @ts-check
// How many steps are taken: what the host's `step` says, and what it is told.

import { placeAfter } from "./player.js";

/** Steps that are taken where the player stands. @param {any} scene @param {import("./player.js").Player} player */
export function stepsTaken(scene, player) {
  const taken = player.taken();
  return taken === 0 ? 0 : scene.frames.step[taken - 1] + 1;
}

/**
 * The host's `step`: where the player stands, told when it rests.
 * @param {import("./interactive.js").InteractiveModel} model @param {any} scene @param {import("./player.js").Player} player
 */
export function createStep(model, scene, player) {
  /** @param {any} step */
  const go = (step) => {
    if (step === undefined || step === stepsTaken(scene, player)) return;
    player.seek(placeAfter(scene, player, step));
  };
  let told = 0;
  go(model.get("step"));
  return {
    go,
    tell: () => {
      const now = stepsTaken(scene, player);
      if (player.place.mode !== "idle" || now === told || model.get("step") === undefined) return;
      told = now;
      model.set?.("step", now);
      model.save_changes?.();
    },
  };
}
