"""What a graph's page says of the check, of skip connections, and of thousands of steps."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

import fallline as fl
from fallline._records import Backprop, GraphEdge, GraphNode, LocalDerivative, NodeKind
from view.browser.conftest import CARD_BOXES, overlapping
from view.browser.test_graph_looking import IN_SIGHT, perceptron, said
from view.graphs import X, layered, textbook, value

pytestmark = pytest.mark.browser


def _chain(count: int) -> Backprop:
    """So many steps in a row, in no module."""
    nodes = [GraphNode(0, NodeKind.INPUT, "", "x", "", None, value(X), value(X))]
    nodes += [
        GraphNode(k, NodeKind.OPERATION, "mul", None, f"step {k}", None, value(X), value(X)) for k in range(1, count)
    ]
    local = LocalDerivative("1", value(np.ones(3)))
    edges = [GraphEdge(k - 1, k, 0, local, value(X)) for k in range(1, count)]
    return Backprop(tuple(nodes), tuple(edges), (0,), count - 1, None, {"x": X}, title=f"{count} steps")


class _Skip(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.Tanh())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.layers(x)


@pytest.mark.parametrize("width", [390, 1280])
def test_a_wrong_step_back_is_the_headline_and_its_edge_is_marked(open_graph: Any, width: int) -> None:
    report = open_graph(textbook(agrees=False), viewport={"width": width, "height": 800})
    head = report.page.locator(".fl-graph-accused")
    assert head.inner_text().startswith("✕ The gradient of x is wrong.")
    assert "mul's own step back is wrong" in head.inner_text()
    assert report.page.locator(".fl-graph-edge.fl-graph-wrong").get_attribute("data-edges") == "3"
    label = report.page.locator(".fl-graph-label.fl-graph-wrong")
    assert label.text_content() == "✕ wrong × 2"
    assert label.evaluate("(label) => getComputedStyle(label).visibility") == "visible"  # before the first step
    card = report.page.locator(".fl-graph-unit.fl-graph-wrong")
    assert card.get_attribute("data-node") == "3"
    assert "✕ step back wrong" in card.locator(".fl-graph-badge-text").all_text_contents()
    wire, other = (
        report.page.locator(f'.fl-graph-edge[data-edges="{edge}"] .fl-graph-wire').evaluate(
            "(wire) => getComputedStyle(wire).stroke"
        )
        for edge in (3, 4)
    )
    assert wire != other


def test_the_badge_leads_to_the_wrong_step(open_graph: Any) -> None:
    graph = layered(60)
    check = textbook(agrees=False).check
    assert check is not None
    report = open_graph(replace(graph, check=replace(check, wrong_edges=(40,))))
    report.page.get_by_role("button", name="Close all").click()
    report.settle()
    assert report.page.locator(".fl-graph-group.fl-graph-wrong").count() == 1
    report.page.locator(".fl-graph-outcome").click()
    report.settle()
    assert report.page.locator(".fl-graph-edge.is-now").get_attribute("data-edges") == "40"
    assert report.page.locator(".fl-graph-label.is-chosen").get_attribute("data-edges") == "40"
    target = report.page.locator(f'.fl-graph-unit[data-node="{graph.edges[40].target}"]')
    assert target.evaluate(IN_SIGHT)
    assert report.page.locator(".fl-graph-told").is_visible()


def test_what_was_compared_in_part_has_no_green_check(open_graph: Any) -> None:
    graph = perceptron()
    assert graph.check is not None
    none = replace(graph.check.inputs[0], entries=0, directions=0, why_not="it vanishes")
    report = open_graph(replace(graph, check=replace(graph.check, inputs=(none, *graph.check.inputs[1:]))))
    badge = report.page.locator(".fl-graph-outcome")
    count = len(graph.check.inputs)
    assert badge.inner_text() == f"{count - 1} of {count} compared"
    assert report.page.locator(".fl-outcome-converged").count() == 0


def test_a_shape_is_not_read_as_an_entry(open_graph: Any) -> None:
    graph = fl.backprop("w.sum()", at={"w": [1.0] * 8}, check=False)
    report = open_graph(graph)
    assert report.page.locator('[data-node="0"] .fl-graph-value').text_content() == "(8,)\u2002all 1"


def test_a_closed_block_shows_its_skip_connection(open_graph: Any) -> None:
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(3, 3), _Skip())
    report = open_graph(fl.backprop(model, torch.randn(4, 3), loss=lambda made: made.square().mean(), check=False))
    report.page.get_by_role("button", name="Close all").click()
    report.page.keyboard.press("End")
    report.settle()
    assert report.page.locator('.fl-graph-unit[data-key^="1@"] .fl-graph-title').text_content() == "1 (_Skip)"
    assert report.page.locator(".fl-graph-label", has_text="skip").count() == 1
    assert report.page.locator(".fl-graph-plus").count() == 1
    heard = []
    for _ in range(3):
        heard.append(said(report))
        report.page.keyboard.press("ArrowLeft")
        report.settle()
    assert [each for each in heard if each.startswith("The skip connection goes around the layers of 1 (_Skip)")]
    assert [each for each in heard if "the two add up" in each]


def test_thousands_of_steps_are_drawn_in_parts(open_graph: Any) -> None:
    report = open_graph(_chain(2000))
    cards = report.page.locator(".fl-graph-unit")
    assert 5 <= cards.count() <= 30
    assert "drawn as one card" in said(report)
    titles = report.page.locator(".fl-graph-group .fl-graph-title").all_text_contents()
    assert titles[0].startswith("steps 1–")
    assert titles[-1].endswith("–1999")
    group = report.page.locator(".fl-graph-group").first
    group.focus()
    before = cards.count()
    report.page.keyboard.press("Enter")
    report.settle()
    assert cards.count() > before
    assert overlapping(cards.evaluate_all(CARD_BOXES)) == []
    report.page.get_by_role("button", name="Open as much").click()
    report.settle()
    assert 100 < cards.count() <= 300


def test_the_end_of_a_long_name_is_kept_and_same_texts_are_numbered(open_graph: Any) -> None:
    graph = textbook()
    long = replace(graph.nodes[0], name="encoder.layers.11.self_attention.out_proj.bias", kind=NodeKind.PARAMETER)
    twin = replace(graph.nodes[2], text="x + 2", name=None)
    first = replace(graph.nodes[1], name=None)
    report = open_graph(
        replace(graph, nodes=(long, first, twin, *graph.nodes[3:]), inputs=()), viewport={"width": 390, "height": 800}
    )
    title = report.page.locator('[data-node="0"] .fl-graph-title').text_content()
    assert title.startswith("…")
    assert title.endswith(".bias")
    tags = [report.page.locator(f'[data-node="{node}"] .fl-graph-tag').text_content() for node in (1, 2)]
    assert [tag.split()[-2:] for tag in tags] == [["no.", "1"], ["no.", "2"]]


def test_a_projector_keeps_the_arithmetic_above_the_buttons(open_graph: Any) -> None:
    report = open_graph(perceptron())
    report.page.get_by_role("button", name="Open all").click()
    report.page.keyboard.press("p")
    last = int(report.page.locator(".fl-scrub").get_attribute("max") or "0")
    seen = 0
    for step in range(1, last + 1):
        report.page.locator(".fl-scrub").fill(str(step))
        equation = report.page.locator(".fl-graph-equation")
        if equation.count() == 0:
            continue
        box, bar = equation.bounding_box(), report.page.locator(".fl-graph-transport").bounding_box()
        assert box is not None
        assert bar is not None
        assert box["y"] + box["height"] <= bar["y"], step
        seen += 1
    assert seen >= 2
