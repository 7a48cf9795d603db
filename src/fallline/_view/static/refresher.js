// @ts-check
// One drawing for many wishes to draw.

/**
 * Draws once in the next animation frame, however often it was asked to.
 * @param {() => void} draw
 * @returns {{ask: () => void, stop: () => void}}
 */
export function createRefresher(draw) {
  let request = 0;
  return {
    ask: () => {
      if (request !== 0) return;
      request = requestAnimationFrame(() => {
        request = 0;
        draw();
      });
    },
    stop: () => cancelAnimationFrame(request),
  };
}
