"""The studio's slider moved to its picture redrawn: the textbook line, 200 epochs, 1280 × 800, in headless Chromium.

From the input event to the animation frame after the one in which the contour of the answer was drawn: the wish goes
over the socket, the run is made, the reply is read and drawn. The pointer is held down all the time.
"""

from statistics import median, quantiles

from benchmarks._chromium import chromium
from benchmarks._harness import Bar, main
from benchmarks._studio import served
from playwright.sync_api import Page

WARM_UP, MOVES = 15, 100
LOW, HIGH = 0.35, 0.85
"""Where on the track the thumb goes to and fro, too small to bouncing."""

WATCH = """
(() => {
  const seen = { event: null, id: null, answered: false, took: [], drawn: () => {} };
  window.falllineSlider = seen;
  document.addEventListener("input", (event) => {
    if (!event.target.matches?.(".fl-rates-input")) return;
    Object.assign(seen, { event: event.timeStamp, id: null, answered: false });
  }, true);
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (text) {
    if (seen.event !== null && seen.id === null) seen.id = JSON.parse(text).id;
    if (!this.watched) {
      this.watched = true;
      this.addEventListener("message", ({ data }) => {
        seen.answered ||= seen.id !== null && data.slice(0, 40).includes(`"id":${seen.id},`);
      });
    }
    return send.call(this, text);
  };
  const clear = CanvasRenderingContext2D.prototype.clearRect;
  CanvasRenderingContext2D.prototype.clearRect = function (...box) {
    if (seen.answered && this.canvas.matches(".fl-canvas-contour")) {
      const began = seen.event;
      Object.assign(seen, { event: null, id: null, answered: false });
      requestAnimationFrame(() => { seen.took.push(performance.now() - began); seen.drawn(); });
    }
    return clear.apply(this, box);
  };
})();
"""

DRAWN = """(count) => new Promise((done) => {
  const seen = window.falllineSlider;
  seen.drawn = () => { if (seen.took.length >= count) done(); };
  seen.drawn();
})"""


def measure() -> list[Bar]:
    """Milliseconds."""
    with served() as address, chromium() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.add_init_script(WATCH)
        page.goto(f"{address}/#/neuron?learning_rate=0.01")
        page.locator(".fl-canvas-contour").wait_for(timeout=60_000)
        page.wait_for_timeout(1000)
        took = drag(page)[WARM_UP:]
    return [
        Bar("studio: slider moved to picture redrawn, median", median(took), 60, "ms", low=min(took), high=max(took)),
        Bar("studio: slider moved to picture redrawn, 95th percentile", quantiles(took, n=20)[-1], 100, "ms"),
    ]


def drag(page: Page) -> list[float]:
    """Every move waits until the one before is drawn."""
    box = page.locator(".fl-rates-input").bounding_box()
    assert box is not None
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + LOW * box["width"], y)
    page.mouse.down()
    page.wait_for_timeout(300)
    page.evaluate("window.falllineSlider.took.length = 0")
    for move in range(1, WARM_UP + MOVES + 1):
        turn = move % 80 / 40
        place = LOW + (HIGH - LOW) * (turn if turn <= 1 else 2 - turn)
        page.mouse.move(box["x"] + place * box["width"], y)
        page.evaluate(DRAWN, move)
    page.mouse.up()
    return list(page.evaluate("window.falllineSlider.took"))


if __name__ == "__main__":
    main(measure)
