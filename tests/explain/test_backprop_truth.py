"""Every number in a sentence about a gradient is the one that PyTorch gets when it is asked again, on its own."""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch

import fallline as fl
from fallline._backprop._language import read_program
from fallline._explain._backprop import chain_sentence, edge_sentence, graph_table, node_sentence
from fallline._explain._numbers import as_number
from fallline._records import Backprop
from fallline._view._backprop_equations import equation

PROGRAMS: list[tuple[str, dict[str, Any]]] = [
    ("y = x + 2; z = y*y*2; z.mean()", {"x": [1.6695, -1.7944, -0.0315]}),
    ("r = w*x + b - t; mean(r**2)", {"x": [1.0, 2.0, 3.0], "w": 2.0, "b": 1.0, "t": [2.0, 4.0, 7.0]}),
    ("u = sin(x); v = u*x; exp(v).sum()", {"x": [0.3, -0.7]}),
    ("h = tanh(x @ W + b); (h*h).sum()", {"x": [[1.0, -2.0]], "W": [[0.3, -0.1], [0.7, 0.2]], "b": [0.1, -0.4]}),
    ("p = softmax(x, 0); (p*c).sum()", {"x": [0.2, 1.4, -0.3], "c": [3.0, -1.0, 0.5]}),
    ("s = sigmoid(a*b); log(s)", {"a": 0.7, "b": -1.3}),
    ("q = x/y; sqrt(q).sum()", {"x": [2.0, 5.0], "y": [4.0, 0.3]}),
    ("h = relu(x); m = h.mean(); (h*m).pow(2).sum()", {"x": [1.5, -2.0, 0.25]}),
    ("mse_loss(x @ w, t)", {"x": [[1.0, 2.0], [3.0, -4.0]], "w": [0.5, -0.25], "t": [1.0, 0.0]}),
    ("a = x*y; b = a + x; c = a*b; c", {"x": 1.25, "y": -0.8}),
]
PRODUCT = re.compile(r"slope here is (?:.* = )?(\S+?)(?: \(.*\))?, times (\S+) that arrived, gives (\S+?)\.(?: |$)")
CHAIN = re.compile(r" = ([−\d.,×⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+|\[.*\])(?: at entry (\[.*?\]|\d+))?(?: \((?:\w+ = |Σ over ).*\))?\.$")
FIGURES = 6e-5
"""What five significant figures and float32 leave of a number."""


@dataclass(frozen=True)
class Asked:
    """One program, and what PyTorch says of its inputs and its named values."""

    graph: Backprop
    values: dict[str, torch.Tensor]
    gradients: dict[str, torch.Tensor]


@pytest.fixture(scope="module", params=PROGRAMS, ids=[text for text, _ in PROGRAMS])
def asked(request: pytest.FixtureRequest) -> Asked:
    text, at = request.param
    leaves = {name: torch.tensor(value, dtype=torch.float64, requires_grad=True) for name, value in at.items()}
    seen = dict(leaves)

    def tell(name: str, tensor: torch.Tensor) -> None:
        if tensor.requires_grad:
            tensor.retain_grad()
            seen[name] = tensor

    read_program(text)(leaves, tell).backward()
    gradients = {name: tensor.grad for name, tensor in seen.items() if tensor.grad is not None}
    return Asked(fl.backprop(text, at=at, check=False), seen, gradients)


def numbers_of(text: str) -> list[float]:
    """The numbers of a written tensor: ``[[1, −2.5], [0, 3]]``, or a single one."""
    return [as_number(part) for part in re.findall(r"[^\[\], ]+", text)]


def near(written: float, true: float, largest: float = 0.0) -> bool:
    """Equal to five figures; of numbers side by side, those of the largest."""
    return abs(written - true) <= FIGURES * max(abs(true), largest, 1e-12)


def same(text: str, true: torch.Tensor) -> bool:
    told, expected = numbers_of(text), true.detach().flatten().tolist()
    largest = max(map(abs, expected))
    return len(told) == len(expected) and all(near(a, b, largest) for a, b in zip(told, expected, strict=True))


def test_values_are_those_of_the_forward_pass(asked: Asked) -> None:
    compared = 0
    for node in asked.graph.nodes:
        if node.name in asked.values:
            told = node_sentence(asked.graph, node.id).partition(". ")[0].removesuffix(".").removesuffix(", an input")
            assert same(told.rpartition(" = ")[2], asked.values[node.name]), told
            compared += 1
    assert compared >= len(asked.graph.inputs)


def test_gradients_in_the_table_are_those_of_autograd(asked: Asked) -> None:
    rows = {line.split("  ")[0]: line for line in graph_table(asked.graph, 400)}
    for name, gradient in asked.gradients.items():
        written = re.split(r" {2,}", rows[name])[-1]
        if written.startswith("all "):
            expected = gradient.flatten().tolist()
            assert all(near(as_number(written[4:]), each) for each in expected)
        else:
            assert same(written, gradient), rows[name]


def test_the_chain_ends_in_the_gradient(asked: Asked) -> None:
    for name in (str(asked.graph.nodes[k].name) for k in asked.graph.inputs):
        told, gradient = chain_sentence(asked.graph, name), asked.gradients[name].numpy()
        ending = CHAIN.search(told)
        assert ending is not None, told
        whole, entry = ending.groups()
        if entry is None:
            assert same(whole, asked.gradients[name]), told
            continue
        place = tuple(int(part) for part in re.findall(r"\d+", entry))
        assert near(as_number(whole), gradient[place]), told
        assert abs(gradient[place]) == pytest.approx(np.abs(gradient).max(), rel=1e-5)


def test_slope_times_arrived_is_what_goes_on(asked: Asked) -> None:
    found = 0
    for place, edge in enumerate(asked.graph.edges):
        told = PRODUCT.search(edge_sentence(asked.graph, place))
        if told is None:
            continue
        slope, arrived, gives = map(as_number, told.groups())
        assert gives == pytest.approx(slope * arrived, rel=3e-4, abs=1e-12)
        found += 1
        target, source = (asked.graph.nodes[k].name for k in (edge.target, edge.source))
        if target in asked.gradients:
            expected = asked.gradients[target].flatten().tolist()
            assert any(near(arrived, each) for each in expected), told[0]
        uses = [each for each in asked.graph.edges if each.source == edge.source]
        if source in asked.gradients and len(uses) == 1:
            assert any(near(gives, each) for each in asked.gradients[source].flatten().tolist()), told[0]
    assert found >= 1


def test_what_adds_up_is_the_gradient(asked: Asked) -> None:
    for place, edge in enumerate(asked.graph.edges):
        told = re.search(r"what comes back adds up, (.*) = (\S+?)\.$", edge_sentence(asked.graph, place))
        if told is None:
            continue
        parts = [as_number(part.strip("()")) for part in told[1].split(" + ")]
        assert sum(parts) == pytest.approx(as_number(told[2]), rel=1e-3, abs=1e-4 * max(map(abs, parts)))
        name = asked.graph.nodes[edge.source].name
        if name in asked.gradients:
            assert any(near(as_number(told[2]), each) for each in asked.gradients[name].flatten().tolist())


def exp_of_a_part(x: torch.Tensor) -> torch.Tensor:
    """Written into a part."""
    y = x * 1.0
    y[1:].exp_()
    return y.sum()


def view_of_a_written_base(x: torch.Tensor) -> torch.Tensor:
    """Used after the write."""
    y = x * 2
    v = y.view(2, 2)
    y.mul_(3)
    return (v + 1).sin().sum()


def two_outputs(x: torch.Tensor) -> torch.Tensor:
    """Each used once."""
    a, b = x.view(2, 2).unbind(0)
    return (a * b).sum()


@pytest.mark.parametrize("program", [exp_of_a_part, view_of_a_written_base, two_outputs])
def test_programs_in_place_and_of_several_outputs_are_told_truly(program: Any) -> None:
    graph = fl.backprop(program, torch.tensor([1.0, 2.0, 3.0, 4.0]), check=False)
    found = 0
    for place, edge in enumerate(graph.edges):
        sentence = edge_sentence(graph, place)
        assert "adds up" not in sentence
        told = PRODUCT.search(sentence)
        if told is not None and edge.gradient is not None:
            slope, arrived, gives = map(as_number, told.groups())
            assert gives == pytest.approx(slope * arrived, rel=3e-4)
            assert edge.gradient.numbers is not None
            assert any(near(gives, each) for each in edge.gradient.numbers.ravel())
            found += 1
    assert found >= 2


def test_outputs_of_one_operation_are_told_apart() -> None:
    graph = fl.backprop(two_outputs, torch.tensor([1.0, 2.0, 3.0, 4.0]), check=False)
    unbind = next(node.id for node in graph.nodes if node.op == "unbind")
    leaving = [place for place, edge in enumerate(graph.edges) if edge.source == unbind]
    assert sorted(graph.edges[place].output or 0 for place in leaving) == [0, 1]
    for place in leaving:
        told = edge_sentence(graph, place)
        assert "has 2 outputs that are used; each one's gradient comes back by itself." in told


def test_an_output_used_twice_beside_another_is_told() -> None:
    def fn(x: torch.Tensor) -> torch.Tensor:
        a, b = x.view(2, 2).unbind(0)
        return (a * a * b).sum()

    graph = fl.backprop(fn, torch.tensor([1.0, 2.0, 3.0, 4.0]), check=False)
    told = [edge_sentence(graph, place) for place, edge in enumerate(graph.edges) if edge.output == 0]
    assert len(told) == 2
    assert all("This one is used twice: what comes back adds up." in each for each in told)


def test_a_write_into_a_part_is_no_equation_of_the_whole() -> None:
    graph = fl.backprop(exp_of_a_part, torch.tensor([0.0, 1.0, 2.0]), check=False)
    node = next(node for node in graph.nodes if node.op == "exp")
    assert "with [1:] set to exp(part) = [0, 2.7183, 7.3891]." in node_sentence(graph, node.id)


def test_the_page_follows_the_entry_of_the_sentence(asked: Asked) -> None:
    for place, edge in enumerate(asked.graph.edges):
        told, shown = PRODUCT.search(edge_sentence(asked.graph, place)), equation(asked.graph, edge)
        assert (told is None) == (shown is None)
        if told is not None and shown is not None:
            slope, arrived, gives = map(as_number, told.groups())
            assert near(slope, shown["slope"])
            assert near(arrived, shown["arrived"])
            assert near(gives, shown["goes_on"])
