"""``fallline backprop``: what is printed, JSON field by field, narrow screens, the check's status, bad input."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import fallline as fl
from cli.shell import Cli, Done, left_in, process
from explain.graphs import textbook, wrong_cube
from fallline._cli._backprop import status_of
from fallline._cli._screen import Screen
from fallline._cli._show_backprop import as_json, show_backprop

TEXTBOOK = ("backprop", "y = x + 2; z = y*y*2; z.mean()", "--at", "x=1.6695,-1.7944,-0.0315")


def words(done: Done) -> str:
    """What was said, however it was wrapped."""
    assert (done.status, done.err) == (0, "")
    return " ".join(done.out.split())


def test_the_textbook_case(cli: Cli, folder: Path) -> None:
    told = words(cli(*TEXTBOOK))
    assert told.startswith(
        "The result is 11.588. x.grad = [4.8927, 0.2741, 2.6247]. "
        "∂result/∂x = 1/3 · 4y · 1 = 4.8927 at entry 0 (y = 3.6695)."
    )
    assert "y = x + 2 [3.6695, 0.2056, 1.9685] 1 [4.8927, 0.2741, 2.6247]" in told
    assert "agrees with central differences in float64: 3 entries of x" in told
    assert left_in(folder) == []


def test_the_tree(cli: Cli) -> None:
    told = cli(*TEXTBOOK, "--tree").out.splitlines()
    assert any(line.startswith("mean(z)") for line in told)
    assert any(line.lstrip(" │").startswith("└─ x") and "× 1 → [4.8927, 0.2741, 2.6247]" in line for line in told)
    assert sum("(see above)" in line for line in told) == 1
    assert any(line.endswith("both uses added up → [4.8927, 0.2741, 2.6247]") for line in told)
    assert "used several times adds up." in " ".join(told)
    assert "several times" not in cli("backprop", "exp(x)", "--at", "x=1", "--tree").out


def test_json_field_by_field(cli: Cli) -> None:
    told = cli(*TEXTBOOK, "--json").json
    assert set(told) == {
        "schema", "expression", "title", "inputs", "result", "vector", "gradients", "nodes", "edges", "check",
        "jacobians", "remarks", "seconds", "report",
    }  # fmt: skip
    assert (told["schema"], told["expression"]) == ("fallline.backprop/1", TEXTBOOK[1])
    assert (told["vector"], told["jacobians"], told["report"]) == (None, None, None)
    assert told["gradients"]["x"] == pytest.approx([4.8926665, 0.2741333, 2.6246667])
    nodes, edges = told["nodes"], told["edges"]
    assert [node["id"] for node in nodes] == list(range(len(nodes)))
    assert [node["kind"] for node in nodes] == ["input", *["operation"] * 4]
    assert [node["op"] for node in nodes] == ["", "add", "mul", "mul", "mean"]
    assert [node["name"] for node in nodes] == ["x", "y", None, "z", None]
    assert nodes[1]["text"] == "x + 2"
    assert nodes[1]["backward"] == "AddBackward0"
    assert set(nodes[0]) == {
        "id", "kind", "op", "name", "text", "module", "value", "gradient", "no_gradient", "marks", "saved",
        "backward", "members", "outputs", "hook", "notes",
    }  # fmt: skip
    value = nodes[1]["value"]
    assert set(value) == {"shape", "dtype", "numbers", "least", "greatest", "mean", "norm", "not_finite", "parts"}
    assert value["parts"] is None
    assert (value["shape"], value["dtype"], value["not_finite"]) == ([3], "float32", 0)
    assert value["numbers"] == pytest.approx([3.6695, 0.2056, 1.9685])
    assert all(edge["source"] < edge["target"] for edge in edges)
    assert set(edges[0]) == {"source", "target", "operand", "local", "gradient", "stretched", "output"}
    assert set(edges[0]["local"]) == {"rule", "value", "product"}
    assert [(edge["source"], edge["target"], edge["operand"]) for edge in edges if edge["source"] == 1] == [
        (1, 2, 0),
        (1, 2, 1),
    ]
    assert (told["inputs"], told["result"]) == ([0], 4)
    check = told["check"]
    assert set(check) == {
        "agrees", "compared", "inputs", "tolerance", "wrong_edges", "remarks", "evaluations",
        "lost", "hooked", "not_finite", "low_precision", "rounding", "left_out",
    }  # fmt: skip
    assert (check["compared"], check["inputs"][0]["compared"], check["inputs"][0]["planned"]) == (True, True, 3)
    assert (check["agrees"], check["wrong_edges"], check["inputs"][0]["entries"]) == (True, [], 3)


def test_the_products_along_the_edges_give_the_gradient(cli: Cli) -> None:
    """A program that reads the JSON can do the way back itself."""
    told = cli(*TEXTBOOK, "--json").json
    arrived: dict[int, Any] = {told["result"]: np.array(1.0)}
    for node in reversed(told["nodes"]):
        for edge in (edge for edge in told["edges"] if edge["target"] == node["id"]):
            goes_on = np.array(edge["local"]["value"]["numbers"]) * arrived[node["id"]]
            assert goes_on == pytest.approx(np.array(edge["gradient"]["numbers"]), rel=1e-6)
            arrived[edge["source"]] = arrived.get(edge["source"], 0.0) + goes_on
    assert arrived[0].tolist() == pytest.approx(told["gradients"]["x"], rel=1e-6)


def test_json_keeps_what_is_not_finite_and_what_is_absent(cli: Cli) -> None:
    told = cli("backprop", "log(x)", "--at", "x=-1", "--json").json
    result = told["nodes"][told["result"]]
    assert result["value"]["numbers"] == "NaN"
    assert (result["value"]["least"], result["value"]["norm"], result["value"]["not_finite"]) == (None, None, 1)
    assert result["marks"] == ["not finite here"]


def test_nan_is_shown_where_it_is_born(cli: Cli) -> None:
    told = words(cli("backprop", "y = log(x); sum(y*2)", "--at", "x=1,-2"))
    assert "NaN is born in y = log(x), at entry 1: x is −2 there." in told
    assert "−∞ is born in log(x): x is 0." in words(cli("backprop", "log(x)", "--at", "x=0"))
    assert "∞ is born in 1 / x: x is 0." in words(cli("backprop", "1/x", "--at", "x=0"))


@pytest.mark.parametrize(("expression", "at"), [("log(x)", "x=-1"), ("sqrt(x)", "x=0")])
def test_nothing_compared_is_no_agreement(cli: Cli, expression: str, at: str) -> None:
    done = cli("backprop", expression, "--at", at, "--check")
    told = " ".join(done.out.split())
    assert done.status == 1
    assert "Nothing of x could be compared: the result beside this point is NaN or infinite." in told
    assert "agrees" not in told
    assert "MISMATCH" not in told
    assert cli("backprop", expression, "--at", at).status == 0
    check = cli("backprop", expression, "--at", at, "--json").json["check"]
    assert (check["agrees"], check["compared"], check["inputs"][0]["compared"]) == (False, False, False)


def test_an_input_that_could_not_be_compared_is_no_agreement(cli: Cli) -> None:
    done = cli("backprop", "x*x + 1e-30*y", "--at", "x=3", "--at", "y=2", "--check")
    assert done.status == 1
    assert "Only 1 of 2 gradients could be compared, and this agrees" in " ".join(done.out.split())


def test_where_nan_is_born_stands_at_the_end_as_well(cli: Cli) -> None:
    told = cli("backprop", "log(x).sum()", "--at", "x=-1").out
    assert "NaN is born in log(x): x is −1." in " ".join(told.splitlines()[-6:])


def test_a_value_that_leads_nowhere_is_said(cli: Cli) -> None:
    said = "assigned and never used"
    asked = ("--at", "x=3,4")
    told = words(cli("backprop", "y = x*2; z = x*3; sum(z)", *asked))
    assert "y is assigned and never used: it is no part of the result." in told
    assert "y is" in cli("backprop", "y = x*2; z = x*3; sum(z)", *asked, "--json").json["remarks"][-1]
    for used in ("y = x*2; sum(2·y²)", "y = x; sum(y)", "y = x*2; z = sum(y)", "y = 2; sum(x*y)"):
        assert said not in words(cli("backprop", used, *asked)), used


def test_how_often_the_function_ran_is_for_programs(cli: Cli) -> None:
    assert "evaluated" not in words(cli(*TEXTBOOK))
    assert cli(*TEXTBOOK, "--json").json["check"]["evaluations"] > 6


def test_a_jacobian_needs_no_vector(cli: Cli) -> None:
    asked = ("backprop", "x**2", "--at", "x=1,2,3", "--jacobian")
    assert cli(*asked, "--json").json["jacobians"] == {"x": [[2.0, 0.0, 0.0], [0.0, 4.0, 0.0], [0.0, 0.0, 6.0]]}
    assert "a vector of ones; the Jacobian needs none" in words(cli(*asked))


def test_a_vector_and_a_jacobian(cli: Cli) -> None:
    told = words(cli("backprop", "x**2", "--at", "x=1,2,3", "--vector", "0.1,1.0,0.001", "--jacobian"))
    assert "The way back began with the vector [0.1, 1, 0.001]" in told
    assert "x.grad = [0.2, 4, 0.006]." in told
    assert "∂result/∂x: 3 × 3 2 0 0 0 4 0 0 0 6" in told
    made = cli("backprop", "x**2", "--at", "x=1,2,3", "--vector", "1,1,1", "--jacobian", "--json").json
    assert made["jacobians"] == {"x": [[2.0, 0.0, 0.0], [0.0, 4.0, 0.0], [0.0, 0.0, 6.0]]}
    assert made["vector"]["numbers"] == [1.0, 1.0, 1.0]


def test_quiet_and_without_the_check(cli: Cli) -> None:
    assert words(cli(*TEXTBOOK, "--quiet")) == ""
    assert "central differences" not in words(cli(*TEXTBOOK, "--no-check"))
    assert cli(*TEXTBOOK, "--no-check", "--json").json["check"] is None
    assert cli(*TEXTBOOK, "--check").status == 0


def test_a_mismatch_is_status_1_where_the_check_was_asked_for() -> None:
    """No expression can have a wrong step back, so the record is made by hand."""
    assert status_of(wrong_cube(), asked=True) == 1
    assert status_of(wrong_cube(), asked=False) == 0
    assert status_of(textbook(), asked=True) == 0
    assert status_of(textbook(check=None), asked=True) == 0


def test_a_mismatch_is_said_before_everything_else(capsys: pytest.CaptureFixture[str]) -> None:
    show_backprop(Screen.standard(), wrong_cube(), None)
    first, second = capsys.readouterr().out.splitlines()[:2]
    assert first.startswith("MISMATCH: The gradient of x is wrong at entry 1: autograd says 4,")
    assert second.startswith("differences in float64 say 12. Cube's own step back is wrong")


@pytest.mark.parametrize(
    ("expression", "at", "head", "status"),
    [
        (
            "1/x^20",
            "x=100",
            "MISMATCH: The gradient of x is NaN or infinite as it was computed, which is shown, and finite in",
            1,
        ),
        (
            "exp(x)/exp(x)",
            "x=100",
            "MISMATCH: The gradient of x is NaN or infinite as it was computed, which is shown, and finite in",
            1,
        ),
        (
            "(x + 1e8 - 1e8)*x",
            "x=0.3",
            "CAUTION: The float32 gradient, which is shown, is off the float64 one by 50 %.",
            0,
        ),
        ("x*x", "x=0.3", "The result is 0.09.", 0),
    ],
)
def test_what_float32_lost_is_said_before_everything_else(
    cli: Cli, expression: str, at: str, head: str, status: int
) -> None:
    done = cli("backprop", expression, "--at", at, "--check")
    told = " ".join(done.out.split())
    assert told.startswith(head)
    assert told.count("agrees with central differences") == 1
    assert done.status == status


@pytest.mark.slow
@pytest.mark.parametrize("columns", [40, 80, 120])
def test_nothing_is_wider_than_the_terminal(cli: Cli, monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    network = ("backprop", "h = relu(x @ W); p = softmax(h, 1); (p*p).sum()", "--at", "x=[[1,2]]; W=[[1,-1],[2,3]]")
    scores = ("backprop", "cross_entropy(W @ x, t)", "--at", "x=1,2;W=[[1,0],[0,1],[1,1]];t=2", "--jacobian")
    for asked in (TEXTBOOK, (*TEXTBOOK, "--tree"), network, (*network, "--tree"), scores):
        done = cli(*asked)
        assert done.status == 0
        assert max(len(line) for line in done.out.splitlines()) <= columns, asked


def test_what_plays_no_part_is_said_once(cli: Cli) -> None:
    told = words(cli("backprop", "a = z*w; b = a*2; y = x+1; y.sum()", "--at", "x=1,2; z=3; w=4", "--no-check"))
    assert told.count("b is assigned and never used: it is no part of the result.") == 1
    assert told.count("a is used only by what is no part of the result.") == 1
    assert (
        told.count("z has no gradient: z was used, but nothing that was made of it reaches the result. Nor has w.") == 1
    )


@pytest.mark.parametrize(
    ("asked", "result", "gradient"),
    [
        (("-x*x", "--at", "x=2"), -4, -4),
        (("--at", "x=2", "-x*x"), -4, -4),
        (("-(x-1)^2", "--at", "x=-1", "--vector", "-1"), -4, -4),
        (("-x", "--at=x=-2"), 2, -1),
        (("---x", "--at", "x=-2"), 2, -1),
        (("--at", "x=2", "--", "-x"), -2, -1),
        (("-q*1", "--at", "q=2"), -2, -1),
        (("-1 + x", "--at", "x=-1", "--vector=-2"), -2, -2),
    ],
)
def test_what_begins_with_a_minus_is_no_option(
    cli: Cli, asked: tuple[str, ...], result: float, gradient: float
) -> None:
    told = cli("backprop", *asked, "--json", "--no-check") if "--" not in asked else None
    told = told or cli("backprop", "--json", "--no-check", *asked)
    assert (told.status, told.err) == (0, "")
    assert told.json["nodes"][told.json["result"]]["value"]["numbers"] == result
    assert list(told.json["gradients"].values()) == [gradient]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (("-" * 5000 + "x", "--at", "x=2"), "nested too deep"),
        (("-" * 200 + "x", "--at", "x=2"), "nested more than 60 deep"),
        (("-5",), "no input"),
        (("x", "--jacobain"), "No such option: --jacobain"),
        (("x", "--at", "-1,2"), '"-1,2" gives no name a value'),
        (("-x", "-y", "--at", "x=1"), "extra argument"),
    ],
)
def test_what_begins_with_a_minus_and_cannot_be_read(cli: Cli, asked: tuple[str, ...], said: str) -> None:
    assert said in cli("backprop", *asked).sentence


def test_several_inputs_by_one_option_or_many(cli: Cli) -> None:
    one = cli("backprop", "(a*b).sum()", "--at", "a=1,2; b=3,4", "--json").json
    two = cli("backprop", "(a*b).sum()", "--at", "a=1,2", "--at", "b=3,4", "--json").json
    assert one["gradients"] == two["gradients"] == {"a": [3.0, 4.0], "b": [1.0, 2.0]}


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (("x*2",), "x"),
        (("x*2", "--at", "y=1"), "y"),
        (("x*2", "--at", "x=one"), "one"),
        (("x*2", "--at", "x=1,2"), "--vector"),
        (("x*2", "--at", "x=1,2", "--vector", "1,2,3"), "vector has shape (3,)"),
        (("x @ y", "--at", "x=1,2; y=1,2,3"), "2"),
        (("x.__class__", "--at", "x=1"), "__class__"),
        (("exec(x)", "--at", "x=1"), "exec"),
        (("x +", "--at", "x=1"), "x +"),
        (("", "--at", "x=1"), "empty"),
        (("3 + 4",), "no input"),
        (("x" * 100_000, "--at", "x=1"), "characters"),
        (("x*2", "--at", "x=1", "--report", "nowhere/a.html"), "no folder"),
    ],
)
def test_bad_input_is_one_sentence(cli: Cli, folder: Path, asked: tuple[str, ...], said: str) -> None:
    assert said in cli("backprop", *asked).sentence
    assert left_in(folder) == []


def test_ctrl_c(cli: Cli, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    def interrupted(*arguments: object, **settings: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("fallline._backprop.backprop", interrupted)
    assert cli(*TEXTBOOK, "--report", "a.html").status == 130
    assert left_in(folder) == []


@pytest.mark.slow
def test_no_terminal_and_a_closed_pipe(folder: Path) -> None:
    done = process(folder, *TEXTBOOK, TERM="dumb", NO_COLOR="1")
    assert (done.status, done.err) == (0, "")
    assert "\x1b" not in done.out


def test_an_input_that_was_not_compared_has_no_numbers_of_a_comparison(cli: Cli) -> None:
    (checked,) = cli("backprop", "log(x)", "--at", "x=-1", "--json").json["check"]["inputs"]
    assert checked["compared"] is False
    numbers = ("largest_difference", "relative_difference", "at", "autograd", "differences")
    assert [checked[name] for name in numbers] == [None] * 5


def test_the_parts_of_complex_numbers() -> None:
    graph = fl.backprop(lambda x: (x * torch.tensor([1 - 2j])).sum().abs(), torch.tensor([3.0]))
    told = json.loads(as_json(graph, None))["nodes"]
    product = next(node for node in told if node["op"] == "mul")
    assert product["value"]["parts"] == [[3.0], [-6.0]]


def test_four_numbers_are_all_told(cli: Cli) -> None:
    told = words(cli("backprop", "x*y*z*w", "--at", "x=1;y=2;z=3;w=4"))
    assert told.startswith("The result is 24. x.grad = 24; y.grad = 12; z.grad = 8; w.grad = 6. ")


def test_what_float32_cannot_write_is_said(cli: Cli) -> None:
    told = words(cli("backprop", "sigmoid(x)", "--at", "x=-200"))
    assert told.startswith(
        "CAUTION: The float32 gradient, which is shown, is off the float64 one by 100 %. The slope σ(x)·(1 − σ(x)) at "
        "sigmoid(x) is 1.3839×10⁻⁸⁷: float32 has no number between 0 and 1.4×10⁻⁴⁵, so it is 0 there. The float64 "
        "gradient agrees with central differences: 1 entry of x,"
    )


@pytest.mark.parametrize(
    ("expression", "at", "said"),
    [
        ("exp(x)/exp(x)", "x=3", "1/exp(x), −exp(x)/exp(x)²"),
        ("0**x", "x=0", "0^x 1 0 1"),
        ("y**x", "x=0,1;y=0,2", "y^x·log(y), but 0 where y is 0"),
        ("x.T", "x=3", "xᵀ [view] value 3"),
        ("cos(pi*x) + e^x", "x=1", "cos(x · π) + e^x"),
        ("binary_cross_entropy(p, [1])", "p=[0]", "max(p·(1 − p), 10⁻¹²)"),
        ("binary_cross_entropy(p, [1])", "p=[0.5]", "(p − [1])/(p·(1 − p))"),
    ],
)
def test_formulas_are_what_was_computed(cli: Cli, expression: str, at: str, said: str) -> None:
    done = cli("backprop", expression, "--at", at, *(["--vector", "1,1"] if "y" in at else []))
    assert said in " ".join(done.out.split())


def test_the_report(cli: Cli, folder: Path) -> None:
    done = cli(*TEXTBOOK, "--report", "textbook.html")
    assert "report textbook.html" in words(done)
    assert left_in(folder) == ["textbook.html"]


def test_json_of_numbers_that_overflow() -> None:
    """Every number of a record comes through as strict JSON."""
    graph = textbook(gradients={"x": np.array([math.inf, -math.inf, math.nan])})
    told = as_json(replace(graph, remarks=("A remark.",)), None)
    assert '"Infinity"' in told
    assert '"-Infinity"' in told
    assert '"A remark."' in told
