"""Kind "backprop": the payload of the parser's own graph, faults with their place, the PyTorch that does the same."""

import json
from contextlib import suppress
from typing import Any

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

import fallline as fl
from fallline._desk._backprop_page import MOST_NUMBERS, backprop
from fallline._desk._backprop_place import TextError
from fallline._desk._client import Client
from fallline._errors import FalllineError
from fallline._view import to_json
from fallline._view._backprop import build_backprop_payload


def answer(expression: object, vector: object = None, **at: object) -> dict[str, Any]:
    return backprop({"settings": {"expression": expression, "at": at, "vector": vector}}, Client())


def test_the_graph_is_that_of_the_command_line() -> None:
    text = "y = x + 2; z = y*y*2; z.mean()"
    graph = fl.backprop(text, at={"x": [1.6695, -1.7944, -0.0315]})
    reply = answer(text, x="1.6695, −1.7944, −0.0315")
    assert json.loads(to_json(reply["payload"])) == json.loads(to_json(build_backprop_payload(graph)))
    leaf = {"name": "x", "shape": [3], "numbers": [1.6695, -1.7944, -0.0315], "whole": False}
    assert reply["leaves"] == [{**leaf, "numbers": pytest.approx(leaf["numbers"], rel=1e-6)}]


def test_a_name_without_a_value_begins_at_one_and_old_names_are_left_out() -> None:
    reply = answer("cross_entropy(W @ x, k)", W=[[1, 2], [3, 4]], x="1, 2", gone="7")
    assert [(leaf["name"], leaf["numbers"], leaf["whole"]) for leaf in reply["leaves"]] == [
        ("W", [1, 2, 3, 4], False),
        ("x", [1, 2], False),
        ("k", [0], True),
    ]


@pytest.mark.parametrize(
    ("expression", "piece"),
    [
        ("y = x +", "+"),
        ("y = x; y +* 2", "*"),
        ("y = x² +* 2", "*"),
        ("z = y*y*2 z.mean()", "z"),
        ("a = x\nfoo(a)", "foo"),
        ("x @ W", "x @ W"),
        ("x.__class__", "__class__"),
        ("import os", "import os"),
        ("x = 3; x + 1", "x = 3; x + 1"),
        ("", None),
        ("+".join(["x"] * 200), None),
    ],
)
def test_a_fault_has_its_place(expression: str, piece: str | None) -> None:
    with pytest.raises(TextError) as caught:
        answer(expression, x="1, 2", W="[[1, 2, 3]]")
    place = caught.value.place
    assert place["field"] == "expression"
    assert (None if place["span"] is None else expression[slice(*place["span"])]) == piece


@pytest.mark.parametrize(
    ("value", "sentence"),
    [("1, a", '"a"'), ("[[1, 2], [3]]", "rows"), ("", "no value"), ("1;b=2", "no number"), ([[1], []], "empty"),
     (True, "true"), (list(range(MOST_NUMBERS + 1)), "at most"), ("1," * MOST_NUMBERS + "1", "checks at most")],
)  # fmt: skip
def test_a_value_that_cannot_be_read(value: object, sentence: str) -> None:
    with pytest.raises(FalllineError) as caught:
        answer("sum(x)", x=value)
    assert sentence in str(caught.value)
    if value == "1, a":
        assert caught.value.place == {"field": "x", "span": (3, 4)}  # type: ignore[attr-defined]  # a TextError


def test_a_result_of_several_entries_wants_weights() -> None:
    with pytest.raises(TextError, match=r": 1, 1 in the field \"Weights of the result's entries\" adds"):
        answer("x*x", x="1, 2")
    program = answer("x*x", "1, 0.5", x="1, 2")["program"]
    assert "result.backward(torch.tensor([1.0, 0.5]).reshape(result.shape))" in program


PROGRAMS: list[tuple[str, dict[str, Any]]] = [
    ("y = x + 2; z = y*y*2; z.mean()", {"x": "1, 2, 3"}),
    ("p = w*x + b; d = p - y; mean(d²)", {"w": 0.5, "b": 0.1, "x": "1, 2, 3", "y": "2, 3, 4"}),
    ("cross_entropy(W @ x, c) + pi*exp(1)", {"W": "[[1, 2], [3, 4]]", "x": "1, 2", "c": 1}),
    ("logsumexp(x) + norm(x) + max(x, dim=0) + std(x, correction=0)", {"x": "1, 2, 3"}),
    ("c = x > 1; sum(where(c, x, 0)) + sum((x > 0)*(x > 1)*x)", {"x": "1, 2, 3"}),
    ("mse_loss(relu(W @ x), [1, 2], reduction='sum') + softmax(x) @ [1, 3]", {"W": "[[1, 2], [3, 4]]", "x": "1, 2"}),
    ("cat([a, b])[0:3].sum() + stack([a, b]).T.max() + clamp(a, max=1.5).sum()", {"a": "1, 2", "b": "3, 4"}),
    ("a = 2; sum(x^a) + add(x, 2).mean() + F.softplus(x.reshape(2, 1)).sum()", {"x": "1, 2"}),
    ("linear(x, W, b).sum() + leaky_relu(x, 0.2).sum() + cumsum(x).prod()", {"x": "1, -2", "W": "[[1, 2]]", "b": "3"}),
]


@pytest.mark.parametrize(("expression", "at"), PROGRAMS, ids=[text for text, _ in PROGRAMS])
def test_the_program_has_the_same_gradients(expression: str, at: dict[str, Any]) -> None:
    reply = answer(expression, **({**at, "b": "[3]"} if expression.startswith("linear") else at))
    names: dict[str, Any] = {}
    exec(reply["program"].replace("print", "str"), names)  # noqa: S102  (what the page shows, run as a person would)
    shown = {node["name"]: node["gradient"] for node in reply["payload"]["nodes"] if node["kind"] == "input"}
    for leaf in reply["leaves"]:
        if not leaf["whole"]:
            expected = torch.tensor(reply["payload"]["tensors"][shown[leaf["name"]]]["numbers"])
            torch.testing.assert_close(names[leaf["name"]].grad.flatten(), expected, rtol=1e-5, atol=1e-7)


TOKENS = st.lists(
    st.sampled_from([*'xyW=+-*/^@()[];:,.123 \n>e²…"', "**", "sum", "exp", "where", "__", "lambda"]), max_size=14
).map("".join)
JUNK = st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=6) | st.lists(st.floats(), max_size=3)
VALUES = st.dictionaries(st.sampled_from(["x", "y", "W", ""]), JUNK, max_size=3)


@settings(max_examples=25, deadline=None)
@given(TOKENS | st.text(max_size=12) | JUNK, VALUES, JUNK)
@example("x", {"x": "1" * 4001}, None)
@example("sum(x)", {"x": 10**400}, None)
def test_no_text_is_more_than_refused(expression: object, at: dict[str, object], vector: object) -> None:
    with suppress(FalllineError):
        backprop({"settings": {"expression": expression, "at": at, "vector": vector}}, Client())
