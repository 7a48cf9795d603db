"""Rules of what gathers, looks up or counts: carried out as they are written they give autograd's gradients."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import fallline as fl
from aten_operations import operations
from fallline._backprop._rules import local_derivatives
from fallline._records import Backprop, LocalDerivative

D = torch.float64
X, SOURCE = torch.tensor([2.0, -1.0, 4.0], dtype=D), torch.tensor([3.0, 0.5, -2.0, 1.5], dtype=D)
PLACES = torch.tensor([0, 2, 0, 2])
"""The middle entry gets nothing."""
ARRIVED = torch.tensor([0.7, -1.3, 2.0], dtype=D)
SCORES = torch.tensor([[0.4, 1.1, -0.3], [0.9, 0.2, 0.6]], dtype=D)


def locals_of(fn: Callable[..., Any], *operands: Tensor, labels: tuple[str, ...] = ()) -> list[LocalDerivative]:
    one = next(each for each in operations(fn, *operands, labels=labels) if len(each.edges) == len(operands))
    found = [local for local in local_derivatives(one.ran, one.edges) if local is not None]
    assert len(found) == len(operands)
    return found


def one_of(entry: Tensor, source: Tensor, way: str, place: int) -> tuple[Tensor, Tensor]:
    """What an entry and those that were gathered in it get of 1, by the words of the rule."""
    mine = place == PLACES
    every = torch.cat([entry[None], source[mine]])
    if way == "mean":
        share = torch.full_like(every, 1 / len(every))
    elif way == "prod":
        share = every.prod() / every
    elif way == "sum":
        share = torch.ones_like(every)
    else:
        extreme = every.max() if way == "amax" else every.min()
        share = (every == extreme).to(D) / (every == extreme).sum()
    return share[0], share[1:]


GATHERED = {
    "sum": ("grad", "grad, at the places gathered in"),
    "mean": (
        "grad/how many went into the entry; where nothing was gathered grad",
        "grad/how many went into the entry, at the places gathered in",
    ),
    "prod": (
        "grad·the product of all else that went into the entry; where nothing was gathered grad",
        "grad·the product of all else that went into the entry, at the places gathered in",
    ),
    "amax": (
        "grad where it is the largest of its entry, shared equally, else 0; where nothing was gathered grad",
        "grad where it is the largest of its entry, shared equally, else 0, at the places gathered in",
    ),
    "amin": (
        "grad where it is the smallest of its entry, shared equally, else 0; where nothing was gathered grad",
        "grad where it is the smallest of its entry, shared equally, else 0, at the places gathered in",
    ),
}


@pytest.mark.parametrize("way", GATHERED)
def test_gathering_shares_as_written(way: str) -> None:
    def gather(x: Tensor, source: Tensor) -> Tensor:
        return x.scatter_reduce(0, PLACES, source, way)

    assert tuple(local.rule for local in locals_of(gather, X, SOURCE)) == GATHERED[way]
    given = [X.clone().requires_grad_(), SOURCE.clone().requires_grad_()]
    to_x, to_source = torch.autograd.grad(gather(*given), given, ARRIVED)
    for place in range(3):
        kept, gathered = one_of(X[place], SOURCE, way, place)
        torch.testing.assert_close(ARRIVED[place] * kept, to_x[place])
        torch.testing.assert_close(ARRIVED[place] * gathered, to_source[place == PLACES])


def test_gathering_over_what_was_there_leaves_it_nothing() -> None:
    first, _ = locals_of(lambda x, s: x.scatter_reduce(0, PLACES, s, "sum", include_self=False), X, SOURCE)
    assert first.rule == "grad, 0 at the places written over"


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("reduction", ["mean", "none"])
@pytest.mark.parametrize("weight", [None, torch.tensor([0.5, 2.0, 1.5], dtype=D)])
def test_margins_have_numbers(order: int, reduction: str, weight: Tensor | None) -> None:
    classes = torch.tensor([2, 0])

    def loss(x: Tensor) -> Tensor:
        return nn.functional.multi_margin_loss(x, classes, p=order, margin=0.8, weight=weight, reduction=reduction)

    scores = SCORES.clone().requires_grad_()
    (expected,) = torch.autograd.grad(loss(scores).sum(), scores)
    (local,) = locals_of(loss, SCORES, labels=("x",))
    torch.testing.assert_close(torch.from_numpy(local.value.numbers.copy()), expected)
    over = 3 if reduction == "none" else 6
    slope = ("weight·" if weight is not None else "") + ("2·z" if order == 2 else "1")
    assert local.rule == (
        f"{slope}/{over} where z > 0, else 0, and at the target's class minus their sum; "
        "z = 0.8 − x at the target's class + x"
    )


def test_alignments_as_written() -> None:
    """With one label and two steps there are three alignments: a–, –a, aa."""
    scores = torch.tensor([[[0.3, -0.2, 0.8]], [[0.1, 0.6, -0.4]]], dtype=D)
    given = scores.log_softmax(2).requires_grad_()

    def loss(x: Tensor) -> Tensor:
        return nn.functional.ctc_loss(x, torch.tensor([[1]]), [2], [1], reduction="sum")

    (expected,) = torch.autograd.grad(loss(given), given)
    p = given.detach().exp()[:, 0]
    paths = {(1, 0): p[0, 1] * p[1, 0], (0, 1): p[0, 0] * p[1, 1], (1, 1): p[0, 1] * p[1, 1]}
    share = torch.zeros(2, 3, dtype=D)
    for path, weight in paths.items():
        for step, label in enumerate(path):
            share[step, label] += weight / sum(paths.values())
    (local,) = locals_of(loss, given.detach(), labels=("x",))
    assert local.rule == "grad·(exp(x) − the share of all alignments that pass there)"
    torch.testing.assert_close((p - share)[:, None], expected)


def test_a_deviation_beside_its_mean() -> None:
    given = SCORES.clone().requires_grad_()
    g_std, g_mean = 0.7, -1.3
    (expected,) = torch.autograd.grad(torch.std_mean(given), given, (torch.tensor(g_std), torch.tensor(g_mean)))
    (local,) = locals_of(torch.std_mean, SCORES, labels=("x",))
    assert local.rule == "grad of the mean / n + grad of std·(x − mean(x))/((n − correction)·std(x))"
    torch.testing.assert_close(g_mean / 6 + g_std * (SCORES - SCORES.mean()) / (5 * SCORES.std()), expected)


def test_both_extremes() -> None:
    x = torch.tensor([2.0, 1.0, 2.0, 0.5], dtype=D).requires_grad_()
    (expected,) = torch.autograd.grad(torch.aminmax(x), x, (torch.tensor(3.0, dtype=D), torch.tensor(4.0, dtype=D)))
    (local,) = locals_of(torch.aminmax, x.detach())
    assert local.rule == "each grad at the entry it came from, shared equally among equal ones, 0 elsewhere"
    torch.testing.assert_close(expected, torch.tensor([2.0, 0.0, 2.0, 3.0], dtype=D))


def test_looking_up_between_pixels() -> None:
    """Between two pixels a quarter of the way: three quarters and a quarter, and the slope half an image per pixel."""
    image = torch.tensor([[[[1.0, 5.0]], [[2.0, -1.0]]]], dtype=D).requires_grad_()
    grid = torch.tensor([[[[-0.5, 0.0]]]], dtype=D).requires_grad_()

    def sample(image: Tensor, grid: Tensor) -> Tensor:
        return nn.functional.grid_sample(image, grid, align_corners=True)

    arrived = torch.tensor([2.0, 3.0], dtype=D).reshape(1, 2, 1, 1)
    to_image, to_grid = torch.autograd.grad(sample(image, grid), (image, grid), arrived)
    first, second = locals_of(sample, image.detach(), grid.detach(), labels=("image", "grid"))
    assert first.rule == "each entry's grad back to the entries it was made from, with the same weights"
    assert second.rule == "Σ over channels: grad·the slope of image where it was looked up, along the grid's axes"
    torch.testing.assert_close(to_image, (arrived * torch.tensor([0.75, 0.25], dtype=D)))
    torch.testing.assert_close(to_grid[0, 0, 0, 0], torch.tensor((2 * 4.0 + 3 * -3.0) / 2, dtype=D))


def test_a_drawn_slope_is_read_off_the_output() -> None:
    x = torch.tensor([-2.0, 3.0, -0.5], dtype=D)
    ran = operations(lambda x: nn.functional.rrelu(x, training=True), x)
    one = next(each for each in ran if each.ran.op == "rrelu_with_noise")
    (local,) = local_derivatives(one.ran, one.edges)
    assert local is not None
    assert local.rule == "1 where input > 0, else the slope that was drawn"
    slopes = torch.from_numpy(local.value.numbers.copy())
    torch.testing.assert_close(slopes * x, one.ran.outputs[0].tensor)
    assert 1 / 8 <= slopes[0] <= 1 / 3
    assert math.isclose(slopes[1], 1)


class Cube(torch.autograd.Function):
    """Somebody's own."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, y: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x**3 + y

    @staticmethod
    def backward(ctx: Any, *arrived: Tensor) -> tuple[Tensor, Tensor]:
        (x,) = ctx.saved_tensors
        return arrived[0] * 3 * x**2, arrived[0]


def rules_into(graph: Backprop, op: str) -> list[str | None]:
    return [each.local and each.local.rule for each in graph.edges if graph.nodes[each.target].op == op]


def test_a_custom_step_back_is_its_authors() -> None:
    graph = fl.backprop(lambda x, y: Cube.apply(x, y).sum(), torch.ones(2), torch.ones(2))
    into = [each.local for each in graph.edges if graph.nodes[each.target].op == "Cube"]
    told = LocalDerivative("written by its author in Cube.backward", product="(2,) → (2,)")
    assert into == [told, told]


def test_a_factor_added_on_is_called_by_its_text() -> None:
    x = torch.tensor([0.3, 0.7])
    graph = fl.backprop(lambda a: torch.addcdiv(a, a * 2, a + 3, value=0.3).sum(), x)
    assert rules_into(graph, "addcdiv") == ["1", "0.3/(a + 3)", "−0.3·(a · 2)/(a + 3)²"]
    graph = fl.backprop(lambda a: torch.addcdiv(a, a.exp().log() * 2 - 1, a.sin().cos() + a.exp()).sum(), x)
    assert rules_into(graph, "addcdiv") == ["1", "1/right", "−left/right²"]


def test_by_one_is_left_out() -> None:
    x = torch.tensor([0.3, 0.7])
    for fn in (lambda a: ((a + 2) / 1).sum(), lambda a: ((a + 2) / torch.ones(2)).sum()):
        graph = fl.backprop(fn, x)
        assert rules_into(graph, "div")[0] == "1"
    by = fl.backprop(lambda a: ((a + 2) / (a / a)).sum(), x)
    assert rules_into(by, "div")[2:] == ["1/(a / a)", "−(a + 2)/(a / a)²"]


def test_a_reductions_numbers_have_the_operands_shape() -> None:
    graph = fl.backprop(lambda a: a.norm(dim=1).exp().sum(), torch.rand(2, 3))
    shapes = {graph.nodes[each.target].op: each.local.value.shape for each in graph.edges if each.local}
    assert shapes == {"norm": (2, 3), "exp": (2,), "sum": (2,)}
