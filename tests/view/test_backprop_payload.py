"""The payload of a backward pass (docs/payload-backprop.md) against the record, and the page as a file."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fallline._errors import RunFileError
from fallline._explain._backprop import check_sentences, edge_sentence, node_sentence, story, tensor_words
from fallline._notebook import WITH_PAGES, page_html
from fallline._records import GraphEdge, LocalDerivative, TensorValue
from fallline._report import backprop_report, page_of, report
from fallline._view._backprop import build_backprop_payload
from fallline._view._backprop_equations import equation, meeting
from fallline._view._module import module_source, stylesheet
from fallline._view._payload import to_json
from view.graphs import X, hostile, layered, parted, textbook, value


def _tensor(payload: dict[str, Any], place: int | None) -> dict[str, Any]:
    assert place is not None
    held: dict[str, Any] = payload["tensors"][place]
    return held


def test_every_number_of_the_record_is_there() -> None:
    graph = textbook()
    payload = build_backprop_payload(graph)
    assert payload["schema"] == "fallline.payload-backprop/1"
    assert (payload["inputs"], payload["result"], payload["vector"]) == ([0], 4, None)
    for node, told in zip(graph.nodes, payload["nodes"], strict=True):
        assert (told["kind"], told["op"], told["name"], told["text"]) == (node.kind, node.op, node.name, node.text)
        for held, place in ((node.value, told["value"]), (node.gradient, told["gradient"])):
            assert held is not None
            assert held.numbers is not None
            tensor = _tensor(payload, place)
            assert tensor["shape"] == list(held.shape)
            np.testing.assert_allclose(tensor["numbers"], held.numbers.ravel(), rtol=1e-8)
            assert tensor["words"] == tensor_words(held)
    for edge, told in zip(graph.edges, payload["edges"], strict=True):
        assert (told["source"], told["target"], told["operand"]) == (edge.source, edge.target, edge.operand)
        assert edge.local is not None
        assert told["rule"] == edge.local.rule


def test_the_words_are_those_of_explain() -> None:
    graph = textbook()
    payload = build_backprop_payload(graph)
    assert payload["lead"] == story(graph)
    assert [node["sentence"] for node in payload["nodes"]] == [node_sentence(graph, k) for k in range(5)]
    assert [edge["sentence"] for edge in payload["edges"]] == [edge_sentence(graph, k) for k in range(5)]
    assert payload["check"]["sentences"] == check_sentences(graph)


def test_several_outputs_are_told_each_by_itself() -> None:
    graph = parted()
    payload = build_backprop_payload(graph)
    held = payload["nodes"][1]["outputs"]
    assert [each["place"] for each in held] == [0, 1]
    assert [_tensor(payload, each["value"])["numbers"] for each in held] == [[1.0, 2.0], [3.0]]
    assert [_tensor(payload, each["gradient"])["numbers"] for each in held] == [[2.0, 4.0], [1.0]]
    assert [edge["output"] for edge in payload["edges"]] == [None, 0, 0, None, None, 1]
    assert payload["nodes"][0]["outputs"] == []


def test_equal_tensors_travel_once() -> None:
    payload = build_backprop_payload(textbook())
    assert payload["edges"][1]["gradient"] == payload["edges"][2]["gradient"]
    assert payload["nodes"][0]["gradient"] == payload["nodes"][1]["gradient"] == payload["edges"][0]["gradient"]
    assert len(payload["tensors"]) == 12


def test_the_equation_is_of_the_entry_that_carries_most() -> None:
    graph = textbook()
    told = equation(graph, graph.edges[1])
    assert told is not None
    assert told["entry"] == [0]
    assert told["slope"] == pytest.approx(3.6695)
    assert told["arrived"] == pytest.approx(2 / 3)
    assert told["goes_on"] == pytest.approx(3.6695 * 2 / 3)


def test_what_is_no_such_product_has_no_equation() -> None:
    graph = textbook()
    wrong = replace(graph.edges[1], gradient=value(X))
    assert equation(graph, wrong) is None
    assert equation(graph, GraphEdge(1, 2, 0, LocalDerivative("grad @ Wᵀ", None, "…"), value(X))) is None
    assert equation(graph, replace(graph.edges[1], gradient=value([1.0]), stretched=(3,))) is None
    assert equation(graph, replace(graph.edges[1], local=LocalDerivative("y", value(np.ones(4))))) is None
    large = TensorValue((2000,), "float32", None, -1.0, 1.0, 0.0, 3.0)
    assert equation(graph, replace(graph.edges[1], gradient=large)) is None


def test_the_first_entry_that_is_not_finite_is_spelled_out() -> None:
    graph = textbook()
    slope = np.array([1.0, np.nan, 5.0])
    gradient = graph.nodes[2].gradient
    assert gradient is not None
    assert gradient.numbers is not None
    edge = replace(graph.edges[1], local=LocalDerivative("y", value(slope)), gradient=value(slope * gradient.numbers))
    told = equation(graph, edge)
    assert told is not None
    assert told["entry"] == [1]
    assert np.isnan(told["goes_on"])


def test_gradients_that_meet_are_added_up() -> None:
    graph = textbook()
    told = meeting(graph.nodes[1], graph.edges[1:3])
    assert told is not None
    assert told["terms"] == pytest.approx([3.6695 * 2 / 3] * 2)
    assert told["sum"] == pytest.approx(sum(told["terms"]))
    assert meeting(graph.nodes[0], graph.edges[:1]) is None


@pytest.mark.slow
def test_a_large_graph_stays_light() -> None:
    graph = layered(300)
    wide = value(np.linspace(0, 1, 900))
    heavy = replace(graph, nodes=tuple(replace(node, value=replace(wide, mean=float(node.id))) for node in graph.nodes))
    payload = build_backprop_payload(heavy)
    kept = [tensor for tensor in payload["tensors"] if tensor["numbers"] is not None]
    assert sum(len(tensor["numbers"]) for tensor in kept) <= 20_000
    assert {tensor["shape"][0] for tensor in kept} == {3}
    assert len(to_json(payload)) < 700_000


def test_json_reads_what_is_not_finite() -> None:
    payload = json.loads(to_json(build_backprop_payload(hostile())))
    assert payload["tensors"][payload["nodes"][1]["value"]]["numbers"] == ["NaN", "Infinity", "-Infinity"]
    assert payload["nodes"][3]["name"] == "NaN"
    assert payload["nodes"][2]["gradient"] is None
    assert payload["nodes"][3]["marks"] == sorted(payload["nodes"][3]["marks"])


def test_the_page_holds_no_markup_of_the_user_s(tmp_path: Path) -> None:
    report(hostile(), tmp_path / "hostile.html")
    text = (tmp_path / "hostile.html").read_text(encoding="utf-8")
    assert text.count("</script") == 2
    assert "<img" not in text
    assert "<title>&lt;/title&gt;" in text


def test_fl_report_and_backprop_report_write_the_same(tmp_path: Path) -> None:
    report(textbook(), tmp_path / "one.html")
    backprop_report(textbook(), tmp_path / "two.html")
    assert (tmp_path / "one.html").read_bytes() == (tmp_path / "two.html").read_bytes()
    assert page_of(textbook()).entry == "graph.js"
    with pytest.raises(RunFileError, match="cannot be written"):
        report(textbook(), tmp_path / "no such folder" / "page.html")


def test_a_notebook_shows_the_page_in_a_frame() -> None:
    told = page_html(textbook())
    assert told is not None
    assert told.startswith("<iframe srcdoc=")
    assert "z.mean()" in told
    assert ("fallline._records._backprop", "Backprop") in WITH_PAGES


def test_the_modules_keep_the_convention_and_ask_nobody() -> None:
    source = module_source("graph.js")
    assert re.findall(r"^(?:import|export)\b.*", source, re.MULTILINE) == ["export { render };"]
    for word in ("fetch(", "XMLHttpRequest", "WebSocket", "eval(", "innerHTML", "new Function", "import("):
        assert word not in source, word
    for selectors in re.findall(r"(?:^|\})\s*([^{}@]+)\{", stylesheet("graph.js")):
        for selector in re.split(r",(?![^(]*\))", selectors):
            assert re.match(r"\s*(?::where\(\.fl|\.fl|canvas\.fl|\d+%)", selector), selector
    assert len(source.encode()) + len(stylesheet("graph.js").encode()) < 112_000
