"""The page of a backward pass as a person sees it: where it opens, its rows, its colours, what moves, what it plays."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import fallline as fl
from fallline._explain._backprop import edge_sentence, node_sentence
from fallline._notebook import page_html
from fallline._records import Backprop, NodeKind
from view.browser.conftest import CARD_BOXES, Open, Opened, overlapping, shown, wait_until
from view.graphs import layered, textbook

pytestmark = pytest.mark.browser

IN_SIGHT = """(card) => {
  const room = document.querySelector(".fl-graph-svg").getBoundingClientRect();
  const box = card.querySelector(".fl-graph-body").getBoundingClientRect();
  return box.left >= room.left && box.right <= room.right && box.top >= room.top && box.bottom <= room.bottom;
}"""
THROUGH = """() => {
  const cards = [...document.querySelectorAll(".fl-graph-unit")].map((card) => {
    const { width, height } = card.querySelector(".fl-graph-body").getBBox();
    const at = card.transform.baseVal.consolidate().matrix;
    return [at.e + 2, at.f + 2, at.e + width - 2, at.f + height - 2];
  });
  let through = 0;
  for (const wire of document.querySelectorAll(".fl-graph-wire")) {
    for (let at = 0; at < wire.getTotalLength(); at += 6) {
      const { x, y } = wire.getPointAtLength(at);
      if (cards.some(([left, top, right, bottom]) => x > left && x < right && y > top && y < bottom)) through += 1;
    }
  }
  return through;
}"""
_FAINT = """() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const numbers = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = ([r, g, b, a], below) => [r, g, b].map((each, i) => each * a + below[i] * (1 - a));
  const opacity = (element) => {
    let all = 1;
    for (let each = element; each instanceof Element; each = each.parentElement) {
      all *= Number(getComputedStyle(each).opacity);
    }
    return all;
  };
  const light = (colour) => {
    const [r, g, b] = colour
      .map((each) => each / 255)
      .map((each) => (each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const faint = [];
  let seen = 0;
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const element = walk.currentNode.parentElement;
    if (walk.currentNode.data.trim() === "" || element.closest("button:disabled, script, style, title")) continue;
    const range = document.createRange();
    range.selectNodeContents(walk.currentNode);
    const box = range.getClientRects()[0];
    const style = getComputedStyle(element);
    if (box === undefined || style.visibility !== "visible" || opacity(element) === 0) continue;
    const stack = document.elementsFromPoint(box.left + box.width / 2, box.top + box.height / 2);
    if (!stack.includes(element)) continue; // out of sight, or behind something
    let ground = [255, 255, 255];
    for (const each of stack.slice(stack.indexOf(element)).reverse()) {
      const own = getComputedStyle(each);
      const svg = each instanceof SVGElement && !/^(svg|text|g)$/.test(each.tagName);
      if (svg && own.visibility !== "visible") continue;
      const paint = numbers(svg ? (own.fill === "none" ? "transparent" : own.fill) : own.backgroundColor);
      ground = over([paint[0], paint[1], paint[2], paint[3] * opacity(each)], ground);
    }
    const ink = numbers(element instanceof SVGElement ? style.fill : style.color);
    const [a, b] = [light(over([ink[0], ink[1], ink[2], ink[3] * opacity(element)], ground)), light(ground)];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    seen += 1;
    if (contrast < 4.5) faint.push(`${walk.currentNode.data.trim()}: ${contrast.toFixed(2)}`);
  }
  return [seen, faint];
}"""
"""How many texts are in sight, and those whose contrast (WCAG 2) with what is painted below them is under 4.5."""


def perceptron() -> Backprop:
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(3, 5), torch.nn.Tanh(), torch.nn.Linear(5, 2))
    target = torch.randn(4, 2)
    return fl.backprop(model, torch.randn(4, 3), loss=lambda made: torch.nn.functional.mse_loss(made, target))


def said(report: Opened) -> str:
    return str(report.page.locator(".fl-graph-said").inner_text().replace("\u00a0", " "))


def _step(report: Opened) -> int:
    return int(report.page.locator(".fl-counter").inner_text().split()[1])


def open_all(report: Opened) -> None:
    report.page.get_by_role("button", name="Open all").click()
    report.settle()


@pytest.mark.parametrize("width", [390, 1280, 1920])
def test_a_long_graph_opens_at_its_input_and_the_play_stays_in_sight(open_graph: Any, width: int) -> None:
    report = open_graph(layered(60), viewport={"width": width, "height": 800})
    open_all(report)
    assert report.page.locator('.fl-graph-unit[data-node="0"]').evaluate(IN_SIGHT)
    assert report.page.locator(".fl-graph-map-beside rect").count() == 61  # every card, and what is in sight
    picture, map_ = (report.page.locator(name).bounding_box() for name in (".fl-graph-svg", ".fl-graph-map"))
    assert picture is not None
    assert map_ is not None
    assert map_["x"] >= picture["x"] + picture["width"]  # it hides nothing
    last = int(report.page.locator(".fl-scrub").get_attribute("max") or "0")
    for step in range(1, last, 9):
        report.page.locator(".fl-scrub").fill(str(step))
        assert report.page.locator(".fl-graph-unit.is-now").evaluate(IN_SIGHT), step
    report.page.keyboard.press("Escape")
    report.page.get_by_role("button", name="One step on").click()
    report.page.keyboard.press("Home")
    assert report.page.locator('.fl-graph-unit[data-node="0"]').evaluate(IN_SIGHT)


@pytest.mark.parametrize("width", [1280, 1920])
def test_a_long_chain_goes_on_in_rows_that_fill_the_width(open_graph: Any, width: int) -> None:
    report = open_graph(
        fl.backprop("+".join(["x*x"] + ["1"] * 14), at={"x": 1.0}), viewport={"width": width, "height": 900}
    )
    boxes = report.page.locator(".fl-graph-unit .fl-graph-body").evaluate_all(
        "(all) => all.map((each) => each.getBoundingClientRect()).map(({ left, right, top }) => [left, right, top])"
    )
    picture = report.page.locator(".fl-graph-svg").bounding_box()
    assert picture is not None
    held = np.array(boxes)
    assert held[:, 0].min() >= picture["x"]
    assert held[:, 1].max() <= picture["x"] + picture["width"]
    assert np.ptp(held[:, 1]) > 0.6 * picture["width"]
    assert len(np.unique(np.round(held[:, 2] / 80))) >= 2


@pytest.mark.parametrize("width", [390, 1280])
def test_no_edge_runs_through_a_card(open_graph: Any, width: int) -> None:
    for graph in (layered(60), perceptron(), textbook()):
        report = open_graph(graph, viewport={"width": width, "height": 800})
        if report.page.get_by_role("button", name="Open all").count() > 0:
            open_all(report)
        assert report.page.evaluate(THROUGH) == 0


def test_a_long_graph_is_fitted_in_rows_that_fill_the_picture(open_graph: Any) -> None:
    report = open_graph(layered(60))
    open_all(report)
    scale = "(world) => world.transform.baseVal.consolidate().matrix.a"
    world = report.page.locator(".fl-graph-svg > g")
    assert world.evaluate(scale) >= 0.9
    report.page.locator('.fl-graph-unit[data-node="3"]').focus()
    report.page.keyboard.press("0")
    report.settle()
    picture, drawn = (report.page.locator(name).bounding_box() for name in (".fl-graph-svg", ".fl-graph-world"))
    assert picture is not None
    assert drawn is not None
    assert drawn["width"] <= picture["width"]
    assert drawn["height"] <= picture["height"]
    assert drawn["width"] * drawn["height"] > 0.5 * picture["width"] * picture["height"]
    assert overlapping(report.page.locator(".fl-graph-unit").evaluate_all(CARD_BOXES)) == []
    assert report.page.evaluate("document.activeElement.dataset.node") == "3"
    report.page.keyboard.press("0")
    report.settle()
    assert world.evaluate(scale) >= 0.9


@pytest.mark.parametrize("width", [390, 1280])
def test_no_number_on_a_card_is_cut_off(open_graph: Any, width: int) -> None:
    torch.manual_seed(0)
    images = torch.nn.Conv2d(1, 4, 3)
    graph = fl.backprop(images, torch.randn(2, 1, 8, 8), loss=lambda made: made.square().mean(), check=False)
    report = open_graph(graph, viewport={"width": width, "height": 800})
    lines = report.page.locator(":is(.fl-graph-value, .fl-graph-gradient)").all_text_contents()
    assert len(lines) >= 2 * len(graph.nodes)
    assert [line for line in lines if line.endswith("…") and not line.endswith(" …")] == []


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_every_text_stands_out(open_graph: Any, scheme: str, width: int) -> None:
    broken = fl.backprop("u = log(x); v = u*w; v.sum()", at={"x": [2.0, -1.0, 0.5], "w": [1.0, 2.0, 3.0]})
    jacobian = fl.backprop("tanh(W*x)", at={"W": [1.0, 2.0], "x": 0.5}, vector=[1.0, 2.0], jacobian=True)
    for graph in (textbook(), textbook(agrees=False), broken, jacobian, perceptron()):
        report = open_graph(graph, viewport={"width": width, "height": 2400}, color_scheme=scheme)
        report.open_table()
        for key in ("Home", "End"):
            report.page.keyboard.press(key)
            report.settle()
            seen, faint = report.page.evaluate(_FAINT)
            assert seen > 25
            assert faint == []


def test_every_moment_says_what_the_record_says(open_graph: Any) -> None:
    graph = perceptron()
    report = open_graph(graph)
    open_all(report)
    told = []
    for _ in range(int(report.page.locator(".fl-scrub").get_attribute("max") or "0")):
        report.page.keyboard.press("ArrowRight")
        report.settle()
        told.append(said(report))
    values = [each.id for each in graph.nodes if each.kind is NodeKind.OPERATION]  # leaves stand there from the start
    assert told[: len(values)] == [" ".join(node_sentence(graph, node).split()) for node in values]
    assert told[len(values)] == "The backward pass begins at the result: ∂result/∂result = 1."
    back = [
        " ".join(edge_sentence(graph, i).split()) for i, edge in enumerate(graph.edges) if edge.gradient is not None
    ]
    assert sorted(told[len(values) + 1 :]) == sorted(back)


def test_a_sum_that_is_multiplied_by_stands_in_brackets(open_graph: Any) -> None:
    report = open_graph(fl.backprop("y = log(x - 5); tanh(y)", at={"x": 7.0}))
    labels = report.page.locator(".fl-graph-label text").all_text_contents()
    assert "× 1/(x − 5)" in labels
    assert [each for each in labels if each.startswith("× (1 − ")] != []


def test_play_pause_scrub_and_restart(open_graph: Any) -> None:
    report = open_graph(textbook())
    report.hold_clock()
    report.page.keyboard.press(" ")
    report.page.clock.run_for(4_000)
    paused = _step(report)
    assert 1 <= paused < 10
    assert report.page.locator(".fl-button-play").inner_text() == "Pause"
    report.page.keyboard.press(" ")
    report.page.clock.run_for(20_000)
    assert _step(report) == paused
    report.page.locator(".fl-scrub").fill("8")
    assert said(report) == edge_sentence(textbook(), 1)
    report.page.locator(".fl-button-play").click()
    report.page.clock.run_for(20_000)
    last = int(report.page.locator(".fl-scrub").get_attribute("max") or "0")
    assert _step(report) == last
    assert report.page.locator(".fl-button-play").inner_text() == "Again"
    report.page.get_by_role("button", name="Back to the start").click()
    assert _step(report) == 0
    assert report.page.locator(".fl-graph-unit.is-whole").count() == 0


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_cards_glide_out_of_their_module_and_back(open_graph: Any, motion: str) -> None:
    report = open_graph(layered(60), reduced_motion=motion)
    page = report.page
    moving = "document.getAnimations().filter((each) => each.effect.target.matches('.fl-graph-unit')).length"
    page.get_by_role("button", name="Close all").click()
    report.settle()
    group = page.locator(".fl-graph-group").first
    at = group.evaluate("(card) => card.transform.baseVal.consolidate().matrix.e")
    group.evaluate("(card) => card.focus()")
    seen = page.evaluate(
        """() => {
          const enter = new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true });
          document.activeElement.dispatchEvent(enter);
          const started = document.getAnimations().filter((each) => each.effect.target.matches(".fl-graph-unit"));
          return started.map((each) => each.effect.getKeyframes()[0].transform ?? "");
        }"""
    )
    cards = page.locator(".fl-graph-unit")
    assert cards.count() == 5
    if motion == "reduce":
        assert seen == []
        return
    assert len(seen) == 5
    assert (
        sum(each.startswith(f"translate({at:g}px") for each in seen) >= 2
    )  # both blocks come from where their stage stood
    wait_until(report, lambda: page.evaluate(moving) == 0)
    page.keyboard.press("Enter")
    report.settle()
    wait_until(report, lambda: page.evaluate(moving) == 0)
    opened = cards.count()
    assert opened > 10
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Close stage0.block0").click()
    assert page.evaluate(moving) > 0
    wait_until(report, lambda: page.evaluate(moving) == 0)
    assert cards.count() == 5


def test_the_jacobian_is_a_table_of_the_record_s_numbers(open_graph: Any) -> None:
    at = {"W": [[1.0, 2.0], [0.3, -0.4], [0.1, 0.2]], "x": [0.5, -1.0]}
    graph = fl.backprop("tanh(W @ x)", at=at, vector=[0.1, 1.0, 0.001], jacobian=True)
    report = open_graph(graph)
    assert graph.jacobians is not None
    assert list(graph.jacobians) == ["W", "x"]
    for name, held in graph.jacobians.items():
        table = report.page.get_by_role("region", name=f"Jacobian of {name}")
        rows = [row.locator("td, th").all_inner_texts() for row in table.locator("tbody tr").all()]
        assert [row[0] for row in rows] == ["result 0", "result 1", "result 2"]
        told = [[float(cell.replace("−", "-")) for cell in row[1:]] for row in rows]
        np.testing.assert_allclose(told, np.asarray(held).reshape(3, -1), rtol=1e-4, atol=1e-12)
    assert shown(0.0) in report.page.get_by_role("region", name="Jacobian of W").inner_text()


def test_a_notebook_shows_the_same_page(open_page: Open, tmp_path: Path) -> None:
    graph = fl.backprop("y = x + 2; z = y*y*2; z.mean()", at={"x": [1.6695, -1.7944, -0.0315]})
    target = tmp_path / "cell.html"
    target.write_text(f"<!doctype html><meta charset=utf-8>{page_html(graph)}", encoding="utf-8")
    report = open_page(target, {}, waits_for="iframe")
    frame = report.page.frame_locator("iframe")
    frame.locator(".fl-graph-unit").first.wait_for()
    assert frame.locator(".fl-graph-unit").count() == 5
    frame.locator(".fl-button-step").click()
    assert frame.locator(".fl-counter").inner_text().startswith("step 1 of")
    assert frame.locator(".fl-graph-said").inner_text() == node_sentence(graph, 1)
