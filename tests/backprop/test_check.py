"""Gradients against differences: what agrees, what does not, and what is said where there is nothing to compare."""

from collections.abc import Callable
from functools import partial
from math import isnan, nan
from typing import Any

import pytest
import torch
from torch.utils.checkpoint import checkpoint

from fallline._backprop._check import (
    LEAST_EVALUATIONS,
    MOST_EVALUATIONS,
    Plan,
    _about_input,
    _why_not,
    check_gradients,
    evaluations_for,
    plan_of,
)
from fallline._backprop._comparison import Compared
from fallline._backprop._verdicts import Verdict
from fallline._records import CheckedInput, GradientCheck, LowPrecision


def checked(function: Callable[[torch.Tensor], torch.Tensor], x: Any, **options: Any) -> GradientCheck:
    leaf = torch.as_tensor(x, dtype=torch.float32) if not isinstance(x, torch.Tensor) else x
    return check_gradients(lambda leaves: function(leaves["x"]), {"x": leaf}, {}, **options)


def test_textbook() -> None:
    check = checked(lambda x: (2 * (x + 2) ** 2).mean(), torch.tensor([1.6695, -1.7944, -0.0315], dtype=torch.float64))
    (found,) = check.inputs
    assert (check.agrees, found.name, found.entries, found.directions) == (True, "x", 3, 0)
    assert found.relative_difference < 1e-9
    assert found.largest_difference == abs(found.autograd - found.differences)
    assert found.autograd == pytest.approx([4.8926667, 0.2741333, 2.6246667][found.at[0]])


@pytest.mark.parametrize("size", [1e-30, 1e-8, 1.0, 1e8, 1e30])
def test_size_of_the_result_does_not_matter(size: float) -> None:
    check = checked(lambda x: size * (x**3).sum(), [1.2, -1.3, 0.4, 0.0])
    assert check.agrees
    assert check.inputs[0].relative_difference < 1e-8


@pytest.mark.parametrize("x", [1e-12, 1e-3, 1.0, 1e5, 1e15])
def test_size_of_the_input_does_not_matter(x: float) -> None:
    check = checked(lambda x: x.log().sin().sum(), torch.tensor([x], dtype=torch.float64))
    assert check.agrees
    assert check.inputs[0].relative_difference < 1e-4
    assert check.remarks == ()


def test_several_inputs_each_with_its_own_line() -> None:
    leaves = {"x": torch.ones(2), "w": torch.ones(3, 2), "empty": torch.ones(0)}
    check = check_gradients(lambda given: (given["w"] @ given["x"]).exp().sum(), leaves, {})
    assert [each.name for each in check.inputs] == ["x", "w"]
    assert [each.entries for each in check.inputs] == [2, 6]


def test_vector_weighs_the_results_entries() -> None:
    x, vector = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([0.1, 1.0, 0.001])
    check = checked(lambda x: x**2, x, vector=vector)
    assert check.agrees
    assert check.inputs[0].autograd == pytest.approx((2 * x * vector)[check.inputs[0].at].item())


AT_A_KINK = "3 entries of x lie at a kink"
BESIDE_ONE = "3 entries of x lie beside a kink or a jump"


@pytest.mark.parametrize(
    ("function", "told"),
    [
        (lambda x: x.relu().sum(), AT_A_KINK),
        (lambda x: x.abs().sum(), AT_A_KINK),
        (lambda x: (x.relu() - (-x).relu()).sum(), BESIDE_ONE),
        (lambda x: torch.nn.functional.leaky_relu(x, 0.3).sum(), AT_A_KINK),
        (lambda x: x.clamp(0, 1).sum(), AT_A_KINK),
        (lambda x: x.floor().sum() + x.sum(), BESIDE_ONE),
        (lambda x: (x.relu() @ torch.ones(5, 3)).relu().sum(), AT_A_KINK),
    ],
)
def test_beside_a_kink_is_a_remark(function: Callable[[torch.Tensor], torch.Tensor], told: str) -> None:
    check = checked(function, [0.0, 0.0, 1.5, -1.5, 0.0])
    assert check.agrees
    assert check.inputs[0].entries == 2
    assert any(told in each for each in check.remarks)


def test_a_kink_hides_no_mistake() -> None:
    class Wrong(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
            ctx.save_for_backward(x)
            return x.relu()

        @staticmethod
        def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
            (x,) = ctx.saved_tensors
            return gradient * (x < 0)

    assert checked(lambda x: Wrong.apply(x).sum(), torch.zeros(30)).wrong
    mostly_kinks = torch.zeros(30).index_fill(0, torch.tensor([17]), 2.0)
    assert checked(lambda x: Wrong.apply(x).sum(), mostly_kinks).wrong


@pytest.mark.parametrize(
    "function",
    [
        lambda x: (x * x.detach()).sum() * x.max().item(),
        lambda x: (x + (x.round() - x).detach()).pow(2).sum(),
        lambda x: (x * _quietly(x)).sum(),
        lambda x: ((x > 0) * x.detach() * x).sum(),
    ],
)
def test_what_autograd_holds_constant_is_held_constant(function: Callable[[torch.Tensor], torch.Tensor]) -> None:
    check = checked(function, [1.0, -0.7, 0.4])
    assert check.agrees
    assert check.inputs[0].relative_difference < 1e-8
    assert any("was held constant for the differences" in each for each in check.remarks)


def test_a_branch_is_the_one_of_the_point() -> None:
    check = checked(lambda x: x.pow(2).sum() if x.sum() >= 1e-7 else x.sum(), torch.tensor([1.0, -1 + 1e-7]))
    assert check.agrees
    assert check.inputs[0].relative_difference < 1e-8


def _quietly(x: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return x.exp()


def test_nan_in_the_gradient_where_differences_are_finite() -> None:
    check = checked(lambda x: torch.where(x > 0, x.sqrt(), x).sum(), [4.0, -1.0])
    assert check.wrong
    assert isnan(check.inputs[0].autograd)
    assert check.inputs[0].at == (1,)
    assert "Autograd gives NaN in x where differences are finite." in check.remarks


@pytest.mark.parametrize(("x", "entries"), [([-1.0, 2.0, -3.0], 3), ([0.0, 2.0, 0.0], 2)])
def test_without_finite_values_nothing_is_compared(x: list[float], entries: int) -> None:
    check = checked(torch.sqrt, x, vector=torch.ones(3))
    (found,) = check.inputs
    assert (found.entries, found.planned, check.wrong) == (3 - entries, 3, False)
    if entries < 3:
        told = f"{entries} entries of x not compared: the result beside this point is NaN or infinite."
        assert (check.compared, check.agrees, found.agrees, found.why_not) == (True, False, True, None)
        assert check.not_finite == ("x",)
        assert told in check.remarks
    else:  # no gradient agrees with nothing
        assert (check.compared, check.agrees, found.compared, found.agrees) == (False, False, False, False)
        assert found.why_not == "the result beside this point is NaN or infinite"
        assert check.remarks == ()


@pytest.mark.parametrize(
    ("function", "x", "wrong"),
    [
        (lambda x: torch.where(x > 0, x.sqrt(), torch.zeros_like(x)), [4.0, -3.0], True),  # the where trap: 0 · NaN
        (lambda x: (x * x).sqrt(), [0.0], True),
        (lambda x: x.abs().sqrt(), [0.0, 4.0], False),  # infinite to either side
        (lambda x: x.abs() ** (1 / 3), [0.0], False),
        (lambda x: x.log(), [0.0], False),
    ],
)
def test_a_gradient_that_is_no_number(
    function: Callable[[torch.Tensor], torch.Tensor], x: list[float], wrong: bool
) -> None:
    check = checked(lambda leaf: function(leaf).sum(), x)
    assert (check.wrong, check.agrees, check.not_finite) == (wrong, False, ("x",))


@pytest.mark.slow
def test_a_mistake_among_kinks() -> None:
    class Wrong(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
            weights = torch.ones_like(gradient)
            weights[137] = 1.3
            return gradient * 2 * ctx.saved_tensors[0] * weights

    x = torch.zeros(300)
    x[130:140] = 0.5
    check = checked(lambda leaf: (leaf.relu() * 3 + Wrong.apply(leaf)).sum(), x)
    assert check.wrong
    assert check.inputs[0].at == (137,)
    alone = checked(lambda leaf: leaf.relu().sum(), x)
    assert (alone.agrees, alone.inputs[0].entries) == (True, 10)
    assert not any("too many evaluations" in each for each in alone.remarks)


def test_what_the_evaluations_did_not_last_for_is_one_sentence() -> None:
    seen = CheckedInput("w", 0, 0, nan, nan, None, nan, nan, agrees=False)
    left = Compared(seen, None, {Verdict.DOUBTFUL: 2}, "entry", 3)
    reason = "one difference is too inexact there, and closer looks would take too many evaluations"
    assert _why_not(left) == reason
    assert _about_input("w", left)[0] == f"5 entries of w not compared: {reason}."


def test_along_directions_nothing_may_be_compared_either() -> None:
    check = checked(lambda x: torch.sqrt(x).sum(), torch.zeros(1001))
    (found,) = check.inputs
    assert (found.entries, found.directions, found.agrees, check.agrees) == (0, 0, False, False)
    assert found.why_not == "the result beside this point is NaN or infinite"


def test_two_inputs_of_which_one_could_not_be_compared() -> None:
    leaves = {"x": torch.tensor([1.0]), "y": torch.tensor([-1.0])}
    check = check_gradients(lambda given: given["x"] * 2 + 0 * given["y"].nan_to_num().floor(), leaves, {})
    assert (check.agrees, check.compared) == (True, True)


def test_not_deterministic() -> None:
    check = checked(lambda x: (torch.rand_like(x) * x).sum(), [1.0])
    assert check.inputs == ()
    assert (check.agrees, check.compared, check.wrong, check.evaluations) == (False, False, False, None)
    assert check.remarks == (
        "The gradient was not compared: two evaluations of the function at the same point differ, "
        "so it is not deterministic.",
    )


def test_not_in_float64() -> None:
    def function(x: torch.Tensor) -> torch.Tensor:
        if x.dtype is not torch.float32:
            raise ValueError("float32 only,\nplease")
        return x.sum()

    check = checked(function, [1.0])
    assert check.remarks == (
        "The gradient was not compared: the function does not run in float64 (ValueError: float32 only,).",
    )


def test_constants_in_float32_are_brought_to_float64() -> None:
    weight, target = torch.randn(3, 2), torch.ones(2)
    check = checked(lambda x: ((x @ weight).tanh() - target).pow(2).sum(), torch.randn(4, 3))
    assert check.agrees
    assert check.inputs[0].relative_difference < 1e-7


def test_float32_on_the_way_is_said_and_allowed_for() -> None:
    check = checked(lambda x: (x.float().sin() * 2).sum(), [1.0, -1.0, 0.5])
    assert check.agrees
    assert any("computes in float32 on its way" in each for each in check.remarks)


def test_a_gradient_that_was_lost_does_not_agree() -> None:
    x = torch.tensor([1.0, 2.0], dtype=torch.float32)
    lost = torch.tensor([float("nan"), 4.0], dtype=torch.float32)
    check = check_gradients(lambda leaves: (leaves["x"] ** 2).sum(), {"x": x}, {"x": lost})
    assert (check.agrees, check.wrong, check.lost) == (False, False, ("x",))
    assert check.inputs[0].agrees
    assert check.low_precision is None


def test_a_gradient_that_a_hook_changed_does_not_agree() -> None:
    x = torch.tensor([1.0, 2.0], dtype=torch.float32)
    check = check_gradients(lambda leaves: (leaves["x"] ** 2).sum(), {"x": x}, {"x": x}, hooked=["x"])
    assert (check.agrees, check.wrong, check.hooked) == (False, False, ("x",))
    assert check.low_precision is None


def test_checkpointing_is_named_as_what_stands_in_the_way() -> None:
    layer = torch.nn.Linear(3, 2)

    def run(leaves: Any) -> torch.Tensor:
        hidden = checkpoint(lambda x: layer(x.to(layer.weight.dtype)).tanh(), leaves["x"], use_reentrant=False)
        if hidden.dtype is torch.float32 and leaves["x"].dtype is torch.float64:
            layer.double()  # the second time in another precision, as a module whose parameters were replaced
        return hidden.sum()

    check = check_gradients(run, {"x": torch.ones(4, 3)}, {})
    assert check.remarks[0].startswith("The gradient was not compared: a checkpointed part runs again")


def test_distance_of_the_given_gradient_is_kept() -> None:
    x = torch.tensor([1.0, 2.0])
    check = check_gradients(lambda leaves: (leaves["x"] ** 2).sum(), {"x": x}, {"x": 2.002 * x})
    assert check.agrees
    assert check.low_precision == LowPrecision("float32", pytest.approx(0.001, rel=1e-3), None)
    check = check_gradients(lambda leaves: (leaves["x"] ** 2).sum(), {"x": x}, {"x": x * float("nan")})
    assert check.lost == ("x",)


def test_a_gradient_of_nothing_but_rounding_is_no_news() -> None:
    """A bias before batch normalisation: its gradient is 0, in float64 1e-18 and in float32 1e-9."""
    leaves = {"w": torch.tensor([3.0]), "b": torch.tensor([1.0])}
    given = {"w": torch.tensor([6.0]), "b": torch.tensor([1e-9])}
    check = check_gradients(lambda here: (here["w"] ** 2 + 1e-18 * here["b"]).sum(), leaves, given)
    assert check.low_precision == LowPrecision("float32", pytest.approx(1.7e-10, rel=0.05), "b")


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_what_cancels_but_for_rounding_is_no_mistake(seed: int) -> None:
    torch.manual_seed(seed)
    layer = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3, padding=1), torch.nn.BatchNorm2d(4), torch.nn.Tanh())
    pixels, leaves = torch.rand(16, 1, 6, 6, dtype=torch.float64), dict(layer.double().named_parameters())
    run = partial(torch.func.functional_call, layer, args=(pixels,))
    check = check_gradients(lambda given: run(given).square().mean(), leaves, {})
    bias = next(each for each in check.inputs if each.name == "0.bias")
    assert not check.wrong
    assert bias.why_not == "the change is smaller than the result's own rounding"


def test_rounding_on_the_way_that_does_not_show_outside() -> None:
    def flat(leaves: Any) -> torch.Tensor:
        return 1e-30 * (leaves["x"] ** 2 + 0.1).log().sub(torch.tensor(0.1, dtype=torch.float64).log()).sum()

    check = check_gradients(flat, {"x": torch.tensor([1e-10, 2e-10], dtype=torch.float64)}, {})
    assert not check.wrong


@pytest.mark.parametrize("x", [[1e-30, 1e-20], [1e-170, 1e-160], [1e8, 1e-8], [5e-324, 1e-310], [0.0, 1e-20]])
@pytest.mark.parametrize("function", [torch.square, torch.reciprocal, torch.exp, torch.sin])
def test_no_accusation_at_the_ends_of_float64(x: list[float], function: Callable[[torch.Tensor], torch.Tensor]) -> None:
    assert not checked(lambda leaf: function(leaf).sum(), torch.tensor(x, dtype=torch.float64)).wrong


@pytest.mark.parametrize("size", [1e-20, 1.0, 1e20])
@pytest.mark.parametrize("factor", [0.0, 0.999, -1.0, 1e12])
def test_a_wrong_factor_is_seen_at_any_size(size: float, factor: float) -> None:
    class Wrong(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
            ctx.save_for_backward(x)
            return x.square()

        @staticmethod
        def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
            return factor * 2 * ctx.saved_tensors[0] * gradient

    x = size * torch.tensor([1.0, -0.3, 2.0], dtype=torch.float64)
    assert checked(lambda leaf: (Wrong.apply(leaf) / size).sum(), x).wrong


def test_an_input_that_is_not_reached() -> None:
    assert check_gradients(lambda leaves: leaves["x"].sum(), {"x": torch.ones(2), "y": torch.ones(2)}, {}).agrees


def test_large_inputs_along_directions() -> None:
    check = checked(lambda x: x.sin().sum(), torch.randn(2000))
    (found,) = check.inputs
    assert (check.agrees, found.entries, found.directions, found.at) == (True, 0, 8, None)
    assert "compared along 8 random directions" in check.remarks[0]


def test_leaves_are_left_alone() -> None:
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    state = torch.get_rng_state()
    checked(lambda x: x.pow(2).sum(), x)
    assert (x.grad, x.tolist()) == (None, [1.0, 2.0])
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.slow
def test_evaluations_are_counted_and_bounded() -> None:
    calls = []

    def function(leaves: Any) -> torch.Tensor:
        calls.append(1)
        return leaves["x"].relu().sum()

    check = check_gradients(function, {"x": torch.zeros(1000)}, {})
    assert check.evaluations == len(calls)
    assert not any("evaluated" in each for each in check.remarks)
    assert len(calls) < 2000 + 24 * 75 + 976 * 2  # closer looks at some, a look beside the kink at the rest
    (found,) = check.inputs
    assert found.why_not is not None
    assert found.why_not.startswith("a kink is there, where the slopes to either side differ")


@pytest.mark.parametrize(
    ("sizes", "evaluations", "plan"),
    [
        ({"x": 1000, "y": 1001}, 8000, Plan(("x",), ("y",), 8, together=False)),
        ({"x": 900, "y": 300}, 1000, Plan(("y",), ("x",), 8, together=False)),
        ({"x": 3, "y": 300}, 30, Plan(("x",), ("y",), 8, together=False)),
        ({"x": 3, "y": 300}, 16, Plan(("x",), ("y",), 4, together=False)),
        ({"x": 30, "y": 300}, 4, Plan((), ("x", "y"), 1, together=False)),
        ({"x": 30, "y": 300}, 3, Plan((), ("x", "y"), 4, together=True)),
    ],
)
def test_plan(sizes: dict[str, int], evaluations: int, plan: Plan) -> None:
    assert plan_of(sizes, evaluations) == plan


def test_work_bounds_evaluations() -> None:
    assert evaluations_for(1) == MOST_EVALUATIONS
    assert evaluations_for(10**12) == LEAST_EVALUATIONS
    assert LEAST_EVALUATIONS < evaluations_for(10**8) < MOST_EVALUATIONS
