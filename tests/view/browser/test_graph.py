"""The page of a backward pass in a real Chromium: its numbers, its play, its layout, its modules."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

import fallline as fl
from backprop_graphs import SharedDecoder
from fallline._explain._backprop import edge_sentence, node_sentence
from view.browser.conftest import CARD_BOXES, Opened, overlapping
from view.graphs import hostile, layered, textbook

pytestmark = pytest.mark.browser

_LABELS = """(labels) => labels.map((label) => {
  const { x, y, width, height } = label.querySelector("rect").getBBox();
  return [x, y, x + width, y + height];
})"""


def _shown(report: Opened, node: int, kind: str) -> str | None:
    """What a card says of its value or its gradient; None while it does not show it."""
    text = report.page.locator(f'.fl-graph-unit[data-node="{node}"] .fl-graph-{kind}').first
    visible = text.evaluate("(text) => getComputedStyle(text).opacity")
    return text.text_content() if visible == "1" else None


def _press(report: Opened, key: str, times: int = 1) -> None:
    for _ in range(times):
        report.page.keyboard.press(key)
    report.settle()


def _said(report: Opened) -> str:
    return str(report.page.locator(".fl-graph-said").inner_text().replace("\u00a0", " "))


def test_values_appear_in_order_then_gradients_come_back(open_graph: Any) -> None:
    graph = textbook()
    report = open_graph(graph)
    assert report.page.locator(".fl-button-step.fl-pulse").inner_text() == "Take a step"
    assert _shown(report, 0, "value") == "1.6695, −1.7944, −0.0315"
    assert [_shown(report, node, "value") for node in range(1, 5)] == [None] * 4
    for node in range(1, 5):
        report.page.get_by_role("button", name="Take a step").click()
        report.settle()
        assert _shown(report, node, "value") is not None
        assert [_shown(report, later, "value") for later in range(node + 1, 5)] == [None] * (4 - node)
        assert _said(report) == node_sentence(graph, node)
    assert _shown(report, 4, "value") == "11.588"
    assert [_shown(report, node, "gradient") for node in range(5)] == [None] * 5
    _press(report, "ArrowRight")
    assert (_shown(report, 4, "gradient"), _shown(report, 3, "gradient")) == ("1", None)
    for edge in (4, 3, 1):
        _press(report, "ArrowRight")
        assert _said(report) == edge_sentence(graph, edge)
    assert _shown(report, 1, "gradient") is None  # one of two has come
    _press(report, "ArrowRight", 2)
    assert _shown(report, 0, "gradient") == "4.8927, 0.2741, 2.6247"
    assert report.page.get_by_role("button", name="Back to the start").is_visible()


def test_the_gradients_on_the_cards_are_the_record_s(open_graph: Any) -> None:
    report = open_graph(textbook())
    _press(report, "End")
    for node in textbook().nodes:
        told = _shown(report, node.id, "gradient")
        assert told is not None
        assert node.gradient is not None
        assert node.gradient.numbers is not None
        shown = [float(number.replace("−", "-")) for number in told.split(", ")]
        np.testing.assert_allclose(shown, node.gradient.numbers.ravel(), rtol=2e-4)


def test_the_arithmetic_of_a_step_is_an_equation(open_graph: Any) -> None:
    report = open_graph(textbook())
    _press(report, "ArrowRight", 8)
    assert report.page.locator(".fl-graph-term-number").all_inner_texts() == ["3.6695", "0.66667", "2.4463"]
    assert report.page.locator(".fl-graph-edge.is-now").get_attribute("data-edges") == "1"
    assert report.page.locator(".fl-graph-label.is-travelled text").all_text_contents() == ["× y", "× 2", "× 1/3"]
    assert report.page.locator('.fl-graph-unit.is-partly[data-node="1"] .fl-graph-plus').is_visible()


def test_keys(open_graph: Any) -> None:
    report = open_graph(textbook())
    counter = report.page.locator(".fl-counter")
    _press(report, "End")
    total = int(counter.inner_text().split()[-1])
    assert counter.inner_text() == f"step {total} of {total}"
    _press(report, "ArrowLeft")
    assert counter.inner_text() == f"step {total - 1} of {total}"
    _press(report, "Home")
    assert counter.inner_text() == f"step 0 of {total}"
    report.hold_clock()  # from here no animation frame comes by itself
    report.page.keyboard.press(" ")
    report.page.clock.run_for(30_000)
    assert counter.inner_text() == f"step {total} of {total}"
    report.page.keyboard.press("p")
    assert report.page.locator(".fl-projector").count() == 1
    report.page.keyboard.press("Escape")
    assert report.page.locator(".fl-projector").count() == 0


def test_a_card_and_an_edge_tell_everything_by_keyboard_alone(open_graph: Any) -> None:
    report = open_graph(textbook())
    card = report.page.locator('.fl-graph-unit[data-node="2"]')
    card.focus()
    report.page.keyboard.press("Enter")
    told = report.page.locator(".fl-graph-told")
    assert "y · y" in told.inner_text()
    assert "13.465" in told.inner_text()
    assert "Kept for the way back: y (3,)" in told.inner_text()
    report.page.keyboard.press("Escape")
    assert told.is_hidden()
    _press(report, "End")
    label = report.page.locator('.fl-graph-label[data-edges="1"]')
    label.focus()
    report.page.keyboard.press("Enter")
    assert "local derivative" in told.inner_text()


def test_the_check_is_said_in_words(open_graph: Any) -> None:
    report = open_graph(textbook(agrees=False))
    assert report.page.locator(".fl-outcome-diverged").inner_text().endswith("gradient wrong")
    words = report.page.locator(".fl-graph-panel-bad").inner_text()
    for sentence in report.payload["check"]["sentences"]:
        assert sentence in words


def test_what_was_not_compared_is_not_called_checked(open_graph: Any) -> None:
    graph = textbook()
    assert graph.check is not None
    seen = replace(graph.check.inputs[0], entries=0, largest_difference=np.nan, autograd=np.nan, differences=np.nan)
    report = open_graph(replace(graph, check=replace(graph.check, inputs=(seen,))))
    assert not report.payload["check"]["agrees"]
    assert report.page.locator(".fl-outcome").inner_text() == "nothing compared"
    assert report.page.locator(".fl-outcome-converged, .fl-outcome-diverged").count() == 0
    assert report.page.locator(".fl-graph-panel-bad").count() == 0
    assert report.page.locator(".fl-graph-panel .fl-table tbody td").first.inner_text() == "not compared"


def test_the_same_as_tables(open_graph: Any) -> None:
    report = open_graph(textbook())
    report.open_table()
    assert report.page.locator(".fl-details .fl-table").nth(0).locator("tbody tr").count() == 5
    rows = report.page.locator(".fl-details .fl-table").nth(1).locator("tbody tr")
    assert rows.count() == 5
    assert "1/3" in rows.nth(4).inner_text()


@pytest.mark.parametrize("width", [390, 1280, 1920])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_overlaps_at_sixty_nodes(open_graph: Any, width: int, scheme: str) -> None:
    report = open_graph(layered(60), viewport={"width": width, "height": 800}, color_scheme=scheme)
    report.page.get_by_role("button", name="Open all").click()
    _press(report, "End")
    cards = report.page.locator(".fl-graph-unit")
    boxes = cards.evaluate_all(CARD_BOXES)
    assert len(boxes) == 60
    assert overlapping(boxes) == []
    labels = report.page.locator(".fl-graph-label").evaluate_all(_LABELS)
    assert len(labels) == len(layered(60).edges)
    assert [pair for pair in overlapping(boxes + labels) if pair[1] >= 60] == []
    _press(report, "0")
    inside = report.page.locator(".fl-graph-svg").bounding_box()
    drawn = report.page.locator(".fl-graph-world").bounding_box()
    assert inside is not None
    assert drawn is not None
    assert drawn["x"] >= inside["x"] - 1
    assert drawn["x"] + drawn["width"] <= inside["x"] + inside["width"] + 1
    assert drawn["y"] + drawn["height"] <= inside["y"] + inside["height"] + 1
    assert report.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_text_stays_readable_at_first(open_graph: Any) -> None:
    for graph in (textbook(), layered(60)):
        report = open_graph(graph)
        matrix = report.page.locator(".fl-graph-svg > g").evaluate(
            "(world) => world.transform.baseVal.consolidate().matrix.a"
        )
        smallest = report.page.locator(".fl-graph-near").evaluate_all(
            "(texts) => Math.min(...texts.map((text) => Number(text.getAttribute('font-size'))))"
        )
        assert matrix * smallest >= 11.99


def test_modules_open_and_close(open_graph: Any) -> None:
    report = open_graph(layered(60))
    cards = report.page.locator(".fl-graph-unit")
    report.page.get_by_role("button", name="Close all").click()
    report.settle()
    assert cards.count() == 4
    module = report.page.locator(".fl-graph-group").first
    assert "closed" in (module.get_attribute("aria-label") or "")
    module.focus()
    report.page.keyboard.press("Enter")
    report.settle()
    assert cards.count() == 5
    assert report.page.evaluate("document.activeElement.classList.contains('fl-graph-unit')")
    report.page.keyboard.press("Enter")
    report.settle()
    opened = cards.count()
    assert opened > 10
    report.page.keyboard.press("Enter")
    report.page.get_by_role("button", name="Close stage0.block0").click()
    report.settle()
    assert cards.count() == 5


def test_a_decoder_that_two_modules_share_is_a_group_where_it_ran(open_graph: Any) -> None:
    graph = fl.backprop(SharedDecoder(), torch.ones(2, 3), check=False)
    report = open_graph(graph)
    report.page.get_by_role("button", name="Close all").click()
    _press(report, "End")
    groups = report.page.locator(".fl-graph-group")
    said = groups.evaluate_all("(all) => all.map((one) => one.getAttribute('aria-label'))")
    names = [each.split(",")[0] for each in said]
    once = ["Module a (Inner)", "Module b (Inner)", "Module decoder (Sequential)"]
    assert sorted(names) == sorted([*once, *once])
    report.page.get_by_role("button", name="Open all").click()
    report.settle()
    assert report.page.locator(".fl-graph-unit").count() == len(graph.nodes)
    boxes = report.page.locator(".fl-graph-unit").evaluate_all(CARD_BOXES)
    assert overlapping(boxes) == []


def test_the_place_is_kept_when_a_module_opens(open_graph: Any) -> None:
    report = open_graph(layered(60))
    report.page.get_by_role("button", name="Close all").click()
    _press(report, "End")
    report.page.locator(".fl-graph-group").last.click()
    report.settle()
    step, total = report.page.locator(".fl-counter").inner_text().removeprefix("step ").split(" of ")
    assert step == total


def test_dragging_pans_and_only_ctrl_wheels(open_graph: Any) -> None:
    report = open_graph(layered(60))
    report.page.get_by_role("button", name="Open all").click()
    report.settle()
    world = report.page.locator(".fl-graph-svg > g")
    box = report.page.locator(".fl-graph-svg").bounding_box()
    assert box is not None
    before = world.get_attribute("transform")
    report.page.mouse.move(box["x"] + 500, box["y"] + 20)
    report.page.mouse.wheel(0, 40)
    report.settle()
    assert world.get_attribute("transform") == before
    box = report.page.locator(".fl-graph-svg").bounding_box()
    assert box is not None
    report.page.mouse.move(box["x"] + 500, box["y"] + 300)
    report.page.mouse.down()
    report.page.mouse.move(box["x"] + 300, box["y"] + 100, steps=4)
    report.page.mouse.up()
    assert world.get_attribute("transform") != before
    assert report.page.locator(".fl-graph-told").is_hidden()


@pytest.mark.parametrize("width", [390, 1280])
def test_hostile_names_are_only_text(open_graph: Any, width: int) -> None:
    report = open_graph(hostile(), viewport={"width": width, "height": 800})
    _press(report, "End")
    assert report.page.locator("h1").inner_text() == "</title><script>alert(1)</script>"
    assert report.page.locator("img, i").count() == 0
    assert report.page.locator('.fl-graph-unit[data-node="3"] .fl-graph-badge-text').all_text_contents()
    assert "not finite from here" in report.page.locator(".fl-graph-badge-text").all_text_contents()
    assert report.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for node in range(4):
        report.page.locator(f'.fl-graph-unit[data-node="{node}"]').focus()
        report.page.keyboard.press("Enter")
        assert report.page.locator(".fl-graph-told").is_visible()
