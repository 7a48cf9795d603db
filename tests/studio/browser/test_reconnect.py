"""The server killed under an open page, and started again: nothing is lost."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.browser.conftest import OpenStudio, Studio

pytestmark = pytest.mark.browser


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[Studio]:
    studio = Studio(tmp_path)
    studio.start()
    yield studio
    studio.kill()


def test_the_page_goes_on_where_it_was(open_studio: OpenStudio, mortal: Studio) -> None:
    opened = open_studio("#/neuron?epochs=30&learning_rate=0.01", studio=mortal)
    opened.drawn()
    field = opened.page.locator('[data-number="rate"]')
    opened.page.locator(".fl-scrub").press("ArrowRight")
    mortal.kill()
    opened.page.get_by_text("goes on as soon as it is back").wait_for()
    assert opened.page.locator(".fl-canvas-contour").is_visible()
    field.fill("0.02")  # asked for while nobody is there to answer
    field.press("Enter")
    mortal.start()
    opened.until("location.hash.includes('learning_rate=0.02')")
    opened.until("document.querySelector('.fl-subtitle').textContent.includes('learning rate 0.02')")
    assert not opened.page.get_by_text("goes on as soon as it is back").is_visible()
    assert opened.page.locator(".fl-counter").inner_text() == "1 of 30 steps taken"
    assert all("WebSocket connection" in text for text in opened.complaints)  # the browser's own lines
    opened.complaints.clear()


def test_who_is_turned_away_waits_longer_and_longer_and_says_why(open_studio: OpenStudio) -> None:
    found = open_studio("#/runs").page.evaluate("""async () => {
      const { createSocket } = await import("/static/socket.js");
      const states = [];
      let [tries, restored] = [0, 0];
      const connect = () => {
        const line = Object.assign(new EventTarget(), { readyState: 0, send() {}, close() {} });
        tries += 1;
        setTimeout(() => {
          line.dispatchEvent(new Event("open"));
          line.dispatchEvent(new CloseEvent("close", { code: 1013, reason: "all are taken" }));
        }, 1);
        return line;
      };
      const socket = createSocket("ws://nowhere", { connect });
      socket.on("state", (state) => states.push(state));
      socket.on("restored", () => { restored += 1; });
      const fault = await socket.ask({ kind: "runs", text: "x".repeat(2 ** 20) }).reply.catch((problem) => problem);
      await new Promise((done) => setTimeout(done, 1200));
      socket.stop();
      return { states, tries, restored, why: socket.reason, fault: [fault.reason, fault.message.slice(0, 16)] };
    }""")
    fault = ["error", "This is too long"]
    assert found == {"states": ["lost"], "tries": 3, "restored": 0, "why": "all are taken", "fault": fault}
