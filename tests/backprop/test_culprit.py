"""Operations with a wrong step back: every one is caught and its edge named, and no right one is."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch

import fallline as fl
from fallline._backprop._check import check_gradients
from fallline._backprop._culprit import WrongEdge
from fallline._backprop._walk import comparable_steps
from fallline._records import GradientCheck
from sampled import sampled


def custom(
    forward: Callable[..., Any], backward: Callable[..., Any], name: str = "Custom"
) -> Callable[..., torch.Tensor]:
    """An ``autograd.Function`` of these two; backward(gradient, *operands)."""

    class Custom(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, *operands: torch.Tensor) -> torch.Tensor:
            ctx.save_for_backward(*operands)
            return forward(*operands)

        @staticmethod
        def backward(ctx: Any, gradient: torch.Tensor) -> Any:
            return backward(gradient, *ctx.saved_tensors)

    return type(name, (Custom,), {}).apply


def cube(x: torch.Tensor) -> torch.Tensor:
    return x * x * x


def product(x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
    return x * w


RIGHT_CUBE = custom(cube, lambda g, x: g * 3 * x * x)
RIGHT_PRODUCT = custom(product, lambda g, x, w: (g * w, g * x))
DOUBLED_WRONGLY = custom(lambda x: x * 2, lambda g, _: g * 5, "Doubled")
WRONG_OF_ONE = {
    "factor": custom(cube, lambda g, x: g * 2 * x * x),
    "a little": custom(cube, lambda g, x: g * 3.001 * x * x),
    "sign": custom(cube, lambda g, x: -g * 3 * x * x),
    "gradient forgotten": custom(cube, lambda _, x: 3 * x * x),
    "none": custom(cube, lambda *_: None),
    "zero": custom(cube, lambda g, _: torch.zeros_like(g)),
    "some entries": custom(cube, lambda g, x: torch.where(x > 0.5, g, g * 3 * x * x)),
    "one entry": custom(cube, lambda g, x: g * 3 * x * x * (torch.arange(len(x)) != 4)),
    "turned round": custom(cube, lambda g, x: (g * 3 * x * x).flip(0)),
}
WRONG_OF_TWO = {
    "first": (custom(product, lambda g, x, w: (g * w * 2, g * x)), {0}),
    "second": (custom(product, lambda g, x, w: (g * w, -g * x)), {1}),
    "second is none": (custom(product, lambda g, _, w: (g * w, None)), {1}),
    "both": (custom(product, lambda g, *_: (g, g)), {0, 1}),
    "swapped": (custom(product, lambda g, x, w: (g * x, g * w)), {0, 1}),
}


def checked(
    function: Callable[..., torch.Tensor], **leaves: torch.Tensor
) -> tuple[GradientCheck, set[tuple[str, int]]]:
    """The check, and the edges that it names: name of the step back and operand."""
    own = {name: leaf.clone().requires_grad_() for name, leaf in leaves.items()}
    result = function(**own)
    nodes = comparable_steps(result)
    found = torch.autograd.grad(result, list(own.values()), allow_unused=True)
    gradients = {name: each for name, each in zip(own, found, strict=True) if each is not None}
    named: set[tuple[str, int]] = set()

    def place(edges: Sequence[WrongEdge]) -> tuple[int, ...]:
        named.update((nodes[each.node].name(), each.operand) for each in edges)
        return tuple(range(len(edges)))

    check = check_gradients(lambda given: function(**given), own, gradients, None, place)
    assert len(check.wrong_edges) == len(named)
    return check, named


def some(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(("kind", "entries"), sampled([(kind, n) for n in (7, 1200) for kind in WRONG_OF_ONE], 3))
def test_a_wrong_step_back_is_caught_and_named(kind: str, entries: int) -> None:
    wrong = WRONG_OF_ONE[kind]
    check, named = checked(lambda x: (wrong(x.sin()).exp() * 0.3).sum(), x=some(entries))
    assert check.wrong
    assert named == {("CustomBackward", 0)}


@pytest.mark.parametrize("kind", WRONG_OF_TWO)
def test_which_operand_of_two(kind: str) -> None:
    wrong, operands = WRONG_OF_TWO[kind]
    check, named = checked(lambda x, w: wrong(x.tanh(), w.exp()).sum(), x=some(6), w=some(6, seed=1))
    assert check.wrong
    assert named == {("CustomBackward", each) for each in operands}


@pytest.mark.parametrize("kind", ["first", "second", "both"])
def test_which_operand_where_both_come_from_one_input(kind: str) -> None:
    wrong, operands = WRONG_OF_TWO[kind]
    check, named = checked(lambda x: (wrong(x, x + 1).sin() * x).sum(), x=some(6))
    assert check.wrong
    assert named == {("CustomBackward", each) for each in operands}


def test_one_tensor_twice_names_both_edges() -> None:
    wrong, _ = WRONG_OF_TWO["second"]
    _, named = checked(lambda x: wrong(x, x).sum(), x=some(6))
    assert named == {("CustomBackward", 0), ("CustomBackward", 1)}


def test_behind_right_ones_only_the_wrong_one_is_named() -> None:
    def function(x: torch.Tensor) -> torch.Tensor:
        y = RIGHT_CUBE(x)
        y = DOUBLED_WRONGLY(y)
        return RIGHT_PRODUCT(RIGHT_CUBE(y), y.cos()).relu().sum()

    check, named = checked(function, x=some(8) / 2)
    assert check.wrong
    assert named == {("DoubledBackward", 0)}


def test_two_in_one_chain_are_both_named() -> None:
    check, named = checked(lambda x: DOUBLED_WRONGLY(WRONG_OF_ONE["factor"](x).sin()).sum(), x=some(8))
    assert check.wrong
    assert named == {("CustomBackward", 0), ("DoubledBackward", 0)}


def test_beside_an_operation_at_its_kink_only_the_wrong_one_is_named() -> None:
    wrong = WRONG_OF_ONE["factor"]
    check, named = checked(lambda x: (x.relu() + wrong(x.exp())).sum(), x=torch.zeros(1))
    assert check.wrong
    assert named == {("CustomBackward", 0)}


@pytest.mark.parametrize("share", [0.01, 100.0])
def test_a_mistake_that_is_small_beside_another_is_named_too(share: float) -> None:
    check, named = checked(lambda x: (DOUBLED_WRONGLY(x.sin()) * share + WRONG_OF_ONE["factor"](x)).sum(), x=some(3))
    assert check.wrong
    assert named == {("CustomBackward", 0), ("DoubledBackward", 0)}


@pytest.mark.slow
def test_rounding_is_nobodys_mistake() -> None:
    """A gradient that is wrong though every step back is right: w gets none, and nothing on its way is to blame."""
    w = some(4, seed=1)

    def function(x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
        hidden = custom(lambda y: y * w.detach(), lambda g, _: g * w.detach())
        y = hidden(x)
        for _ in range(40):
            y = (y.float().sin() + x * 0.1).tanh()
        return y.sum()

    check, named = checked(function, x=some(4), w=w)
    assert not check.agrees
    assert named == set()


def test_a_mistake_times_zero_is_not_seen() -> None:
    check, named = checked(lambda x: (WRONG_OF_ONE["sign"](x) * 0 + x).sum(), x=some(4))
    assert check.agrees
    assert named == set()


def test_in_float32_on_its_way() -> None:
    wrong = WRONG_OF_ONE["factor"]
    check, named = checked(lambda x: wrong(x.float().sin()).sum(), x=some(5))
    assert check.wrong
    assert named == {("CustomBackward", 0)}


def test_behind_views_writes_and_several_outputs() -> None:
    wrong = WRONG_OF_ONE["factor"]

    def function(x: torch.Tensor) -> torch.Tensor:
        first, second = x.view(2, 4).split(1)
        y = torch.cat([wrong(first.reshape(-1)), second.reshape(-1).exp()])
        y = y * 1.5
        y[1] = x[0] * 2
        y.mul_(x)
        return y.unbind()[0] + y.sum() + y.max()

    check, named = checked(function, x=some(8))
    assert check.wrong
    assert named == {("CustomBackward", 0)}


def test_a_broadcast_that_pytorch_sums_itself_is_right() -> None:
    forgetful = custom(product, lambda g, x, w: (g * w, g * x))  # w is (1,): PyTorch adds up what came back
    check, _ = checked(lambda x, w: forgetful(x, w).sum(), x=some(5), w=some(1))
    assert check.agrees


@pytest.mark.parametrize(("kind", "operands"), [("second", {1}), ("second is none", {1}), ("both", {0, 1})])
def test_backprop_names_the_edge(kind: str, operands: set[int]) -> None:
    wrong, _ = WRONG_OF_TWO[kind]
    graph = fl.backprop(lambda x, w: (wrong(x.sin(), w * 2) ** 2).sum(), some(3), some(3, seed=1))
    assert graph.check is not None
    edges = [graph.edges[place] for place in graph.check.wrong_edges]
    assert {(graph.nodes[each.target].op, each.operand) for each in edges} == {("Custom", each) for each in operands}
    assert not graph.check.agrees


def test_backprop_checks_an_input_whose_gradient_was_not_handed_back() -> None:
    graph = fl.backprop(lambda x: WRONG_OF_ONE["none"](x).sum(), some(3))
    assert graph.check is not None
    assert [(each.name, each.agrees) for each in graph.check.inputs] == [("x", False)]
    assert len(graph.check.wrong_edges) == 1
