"""axe-core has nothing serious to say of any page, in either theme."""

from importlib import resources

import pytest

import fallline as fl
import recordings
from fallline._store import RecordingWriter
from studio.browser.conftest import OpenStudio, Studio

pytestmark = pytest.mark.browser
PAGES = {
    "#/neuron": ".fl-canvas-contour",
    "#/formulas?formula=himmelblau": ".fl-canvas-contour",
    "#/compare": ".fl-canvas-contour",
    "#/backprop": ".fl-graph-body",
    "#/runs": "main h1",
    "#/run?name=0901-loop": ".fl-rec-made",
    "#/run?name=0902-fit": ".fl-canvas-contour",
    "#/chapters": "main h1",
    "#/chapters?name=minus": "main h1",
}
"""Addresses, and what is there once a page stands."""
RUN = "axe.run(document, {resultTypes: ['violations']}).then((found) => found.violations)"


@pytest.fixture(scope="module")
def _runs(served: Studio) -> None:
    """A loop that diverged, and a fit."""
    whole = recordings.diverging()
    assert whole.summary is not None
    with RecordingWriter.create(served.folder / "0901-loop.db", whole.header) as writer:
        writer.append(whole.steps, *whole.alarms)
        writer.finish(whole.summary)
    fl.fit(epochs=20, run=served.folder / "0902-fit.db")


@pytest.mark.usefixtures("_runs")
@pytest.mark.parametrize("address", PAGES)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious(open_studio: OpenStudio, address: str, theme: str) -> None:
    page = open_studio(address, color_scheme=theme).page
    page.locator(PAGES[address]).first.wait_for(timeout=60_000)
    page.evaluate((resources.files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8"))
    found = page.evaluate(RUN)
    told = [
        f"{each['id']}: {each['nodes'][0]['target']}" for each in found if each["impact"] in ("serious", "critical")
    ]
    assert told == []
