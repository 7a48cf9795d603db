"""The pages of runs in a real Chromium: the list, a run that grows while one looks at it, two side by side."""

from pathlib import Path
from typing import Any

import pytest

import fallline as fl
import recordings
from fallline._records import StepSeries
from fallline._store import RecordingWriter
from studio.browser.conftest import Opened, OpenStudio, Studio

pytestmark = pytest.mark.browser


def _rows(whole: fl.Recording, first: int, stop: int) -> StepSeries:
    steps = whole.steps
    return StepSeries(**{name: getattr(steps, name)[first:stop] for name in steps.__dataclass_fields__})


def _write(path: Path, whole: fl.Recording, stop: int | None = None) -> None:
    assert whole.summary is not None
    with RecordingWriter.create(path, whole.header) as writer:
        writer.append(_rows(whole, 0, len(whole) if stop is None else stop), *whole.alarms)
        writer.finish(whole.summary)


def _number(opened: Opened, name: str, pane: int = 0) -> str:
    return opened.page.locator(f'[data-number="{name}"]').nth(pane).inner_text()


def _until_step(opened: Opened, step: str) -> None:
    opened.until(f"document.querySelector('[data-number=\"sight\"]')?.textContent.endsWith('to {step}')")


def test_a_run_grows_under_the_reader_s_hand_and_nothing_jumps(open_studio: OpenStudio, served: Studio) -> None:
    whole: Any = recordings.diverging()
    with RecordingWriter.create(served.folder / "0101-grows.db", whole.header) as writer:
        writer.append(_rows(whole, 0, 1000))
        writer.commit()
        opened = open_studio("#/run?name=0101-grows")
        page = opened.page
        page.locator(".fl-rec-made").wait_for()
        assert page.locator(".st-run-now").inner_text().endswith("Still running")
        assert page.locator(".fl-rec-lead").inner_text().startswith("Still running: step 999, loss ")
        assert (_number(opened, "sight"), _number(opened, "step")) == ("steps 0 to 999", "999")
        page.evaluate("window.held = [...document.querySelectorAll('.st-run-picture canvas')]")
        page.locator(".fl-rec-chart-loss .fl-switch").click()
        log = page.locator(".fl-rec-chart-loss .fl-switch").get_attribute("aria-checked")
        writer.append(_rows(whole, 1000, 1500))
        writer.commit()
        _until_step(opened, "1,499")  # the whole run stays in sight, and its last step is the one that is read
        assert _number(opened, "step") == "1,499"
        page.locator(".fl-rec-bar button", has_text="+").click()
        page.keyboard.press("ArrowLeft")
        page.evaluate("scrollTo(0, 600)")
        sight = _number(opened, "sight")
        writer.append(_rows(whole, 1500, 2000))
        writer.commit()
        opened.until("document.querySelector('.fl-rec-lead').textContent.includes('step 1,999')")
        assert _number(opened, "sight") == sight
        assert page.evaluate("scrollY") == 600
        assert page.locator(".fl-rec-chart-loss .fl-switch").get_attribute("aria-checked") == log
        assert page.evaluate("window.held.every((canvas) => canvas.isConnected)")
        writer.append(_rows(whole, 2000, len(whole)), *whole.alarms)
        writer.finish(whole.summary)
    page.locator(".fl-rec-story").wait_for()
    assert page.locator(".fl-outcome-diverged").inner_text() == "diverged"
    assert page.locator(".st-run-now").inner_text() == ""
    assert page.evaluate("window.held.every((canvas) => canvas.isConnected)")


def test_the_list_is_filtered_and_walked_by_keys_and_grows(open_studio: OpenStudio, served: Studio) -> None:
    _write(served.folder / "0201-first.db", recordings.diverging())
    (served.folder / "0202-broken.db").write_text("no run", encoding="utf-8")
    opened = open_studio("#/runs")
    page = opened.page
    row = page.locator(".st-runs-row", has_text="0201-first")
    row.wait_for()
    assert row.locator(".st-runs-outcome").inner_text().endswith("Diverged at step 4,312; 1 alarm")
    broken = page.locator(".st-runs-row", has_text="0202-broken")
    assert broken.locator(".st-runs-problem").inner_text().startswith("The run file 0202-broken.db cannot be read: ")
    page.keyboard.press("/")
    page.keyboard.type("020 diverged")
    assert page.locator(".st-runs-name").all_inner_texts() == ["0201-first"]
    _write(served.folder / "0203-second.db", recordings.diverging())
    opened.until("document.querySelectorAll('.st-runs-name').length === 2")  # it comes by itself, the newest first
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.locator(".fl-rec-story").wait_for()
    assert opened.hash() == "#/run?name=0201-first"
    page.go_back()
    page.locator(".st-runs-row").first.wait_for()
    assert page.locator(".st-runs-find").input_value() == "020 diverged"


@pytest.mark.slow
def test_a_file_that_goes_and_comes_back_under_the_page_is_said(open_studio: OpenStudio, served: Studio) -> None:
    path = served.folder / "what? #1 & more.db"
    _write(path, recordings.diverging())
    opened = open_studio("#/runs")
    page = opened.page
    page.locator(".st-runs-name", has_text="what?").click()
    page.locator(".fl-rec-story").wait_for()
    path.unlink()
    opened.until("document.querySelector('.st-run-now').textContent.includes('Its file is gone')")
    assert "There is no run" in opened.faults()[0]
    _write(path, recordings.well_behaved(), 500)
    opened.until("document.querySelector('.fl-rec-story') === null")
    opened.until("document.querySelector('.st-run-fault').textContent === ''")
    assert "is another run now" in page.locator(".st-notice").inner_text()


def test_two_runs_side_by_side_show_the_same_steps(open_studio: OpenStudio, served: Studio) -> None:
    _write(served.folder / "0301-short.db", recordings.diverging(), 500)
    _write(served.folder / "0302-long.db", recordings.well_behaved())
    opened = open_studio("#/run?name=0301-short&beside=0302-long", viewport={"width": 1400, "height": 900})
    page = opened.page
    page.locator(".st-run-linked").wait_for()
    assert [_number(opened, "sight", pane) for pane in (0, 1)] == ["steps 0 to 1,999"] * 2
    page.locator(".fl-rec-bar button", has_text="+").nth(1).click()
    opened.until("document.querySelector('[data-number=\"sight\"]').textContent !== 'steps 0 to 1,999'")
    assert _number(opened, "sight", 0) == _number(opened, "sight", 1)
    tops = [box["y"] for box in (each.bounding_box() for each in page.locator(".st-run-pane").all()) if box is not None]
    assert tops[0] == tops[1]
    page.locator(".st-run-head button", has_text="Close").first.click()
    page.locator(".st-run-beside").wait_for()
    assert opened.hash() == "#/run?name=0302-long"
    with page.expect_download() as saved:
        page.locator(".st-run-head button", has_text="Offline report").click()
    assert saved.value.suggested_filename == "0302-long.html"
    fl.report(fl.load(served.folder / "0302-long.db"), served.folder / "by-hand.html")
    assert saved.value.path().read_text("utf-8") == (served.folder / "by-hand.html").read_text("utf-8")
