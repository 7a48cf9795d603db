"""What a graph's page shows on a phone and in its opening view, of closed modules and of several outputs."""

from typing import Any

import pytest
import torch

import fallline as fl
from view.browser.conftest import CARD_BOXES, overlapping
from view.browser.test_graph_looking import IN_SIGHT, THROUGH, open_all, perceptron, said
from view.graphs import layered, parted

pytestmark = pytest.mark.browser


class _Residual(torch.nn.Module):
    """Two steps that go around a pair of layers each."""

    def __init__(self) -> None:
        super().__init__()
        self.pairs = torch.nn.ModuleList(
            torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.Tanh(), torch.nn.Linear(3, 3)) for _ in range(2)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for pair in self.pairs:
            x = torch.relu(x + pair(x))
        return x.square().mean()


@pytest.mark.parametrize("graph", ["residual", "sixty"])
def test_a_phone_s_page_is_never_panned_sideways(open_graph: Any, graph: str) -> None:
    torch.manual_seed(0)
    drawn = layered(60) if graph == "sixty" else fl.backprop(_Residual(), torch.randn(2, 3), check=False)
    report = open_graph(drawn, viewport={"width": 390, "height": 800})
    open_all(report)
    sides = "(all) => all.map((one) => { const { left, right } = one.getBoundingClientRect(); return [left, right]; })"
    room = report.page.locator(".fl-graph-svg").evaluate_all(sides)[0]
    parts = report.page.locator(":is(.fl-graph-body, .fl-graph-wire, .fl-graph-label rect)").evaluate_all(sides)
    assert len(parts) >= 2 * len(drawn.nodes)
    assert min(left for left, _ in parts) >= room[0]
    assert max(right for _, right in parts) <= room[1]
    assert overlapping(report.page.locator(".fl-graph-unit").evaluate_all(CARD_BOXES)) == []
    assert report.page.evaluate(THROUGH) == 0


def test_a_graph_of_a_dozen_cards_opens_with_most_of_it_in_sight(open_graph: Any) -> None:
    at = {"W": [[1.0, 2.0], [0.3, -0.4], [0.1, 0.2]], "x": [0.5, -1.0], "V": [[1.0, 0.2, -0.3]], "t": [1.0]}
    text = "a = W@x; h = tanh(a); c = V@h; d = c - t; s = d*d; l = s.mean(); r = 0.01*(W*W).sum(); l + r"
    report = open_graph(fl.backprop(text, at=at, check=False))
    seen = report.page.locator(".fl-graph-unit").evaluate_all(f"(cards) => cards.filter({IN_SIGHT}).length")
    assert seen > 0.6 * report.page.locator(".fl-graph-unit").count()


def test_a_closed_module_has_no_rule_of_one_of_its_steps(open_graph: Any) -> None:
    graph = parted()
    report = open_graph(graph)
    report.page.get_by_role("button", name="Close all").click()
    report.settle()
    heard = []
    for _ in range(int(report.page.locator(".fl-scrub").get_attribute("max") or "0")):
        report.page.keyboard.press("ArrowRight")
        report.settle()
        heard.append(said(report))
    assert heard[0] == "Module inner, closed: 3 steps inside. Its output is 5."
    assert heard[-1] == "The gradient came back through inner, closed, 3 steps: [2, 4, 1] goes on to x."
    report.page.locator(".fl-graph-edge").first.locator(".fl-graph-touch").dispatch_event("click")
    told = report.page.locator(".fl-graph-told").inner_text()
    assert "From inner back to x" in told
    assert "put back" not in told + " ".join(heard)


def test_several_outputs_stand_on_the_card_each_by_itself(open_graph: Any) -> None:
    report = open_graph(parted())
    card = report.page.locator('.fl-graph-unit[data-node="1"]')
    assert card.locator(".fl-graph-value").all_text_contents() == ["0:\u20021, 2", "1:\u20023"]
    assert card.locator(".fl-graph-gradient").all_text_contents() == ["0:\u20022, 4", "1:\u20021"]
    assert "1:\u20023" in (card.get_attribute("aria-label") or "")
    assert (
        report.page.locator(".fl-graph-plus").count() == 1
    )  # the two uses of output 0 meet; that of output 1 is alone
    card.focus()
    report.page.keyboard.press("Enter")
    told = report.page.locator(".fl-graph-told").inner_text()
    assert "output 0, gradient" in told
    assert "output 1, value" in told


def test_the_check_s_table_fits_a_phone(open_graph: Any) -> None:
    report = open_graph(perceptron(), viewport={"width": 390, "height": 800})
    table = report.page.locator(".fl-graph-check")
    assert table.evaluate("(box) => box.scrollWidth <= box.clientWidth")
    first = table.locator("tbody td").first
    assert first.evaluate("(cell) => getComputedStyle(cell, '::before').content") == '"check"'
