"""docs/semantics.md#on-the-same-batch: what rounding may and may not decide, against the same step in float64."""

import copy
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from fallline._recorder._evaluation import Precision, rounding_unit
from fallline._recorder._same_batch_row import LOSS_ROUNDING, SLOPE_ROUNDING, Evaluated, same_batch_row
from fallline._recorder._step_sums import HOST_BLOCK, StepSummer, StepSums
from fallline._records import SameBatchSeries
from same_batch_loops import flat, one_step

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def measured_and_true(
    model: nn.Module, optimizer: torch.optim.Optimizer, loss_fn: Loss, x: torch.Tensor, y: torch.Tensor
) -> tuple[SameBatchSeries, dict[str, float]]:
    """A float32 step as measured, and what float64 says of the same two points."""
    before = copy.deepcopy(model).double()
    row = one_step(model, optimizer, lambda: loss_fn(model(x), y))
    after = copy.deepcopy(model).double()
    x, y = x.double(), y.double() if y.is_floating_point() else y
    losses, gradients = [], []
    for each in (before, after):
        loss = loss_fn(each(x), y)
        losses.append(loss.item())
        gradients.append(flat(torch.autograd.grad(loss, list(each.parameters()))))
    update = flat(list(after.parameters())) - flat(list(before.parameters()))
    first, real = float(gradients[0] @ update), losses[1] - losses[0]
    return row, {
        "first": first,
        "real": real,
        "curvature": float((gradients[1] - gradients[0]) @ update) / float(update @ update),
        "reach": 2 * (1 - real / first),
        "cosine": float(functional.cosine_similarity(gradients[0], gradients[1], dim=0)),
    }


def digits(width: int = 48) -> tuple[nn.Sequential, torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(12, width), nn.Tanh(), nn.Linear(width, 5))
    x = torch.randn(64, 12)
    return model, x, x[:, :5].argmax(1)


@pytest.mark.parametrize("rate", [0.3, 1e-2, 1e-4, 1e-6])
def test_float32_agrees_with_float64(rate: float) -> None:
    model, x, y = digits()
    row, true = measured_and_true(model, torch.optim.SGD(model.parameters(), lr=rate), functional.cross_entropy, x, y)
    assert row.first_order_change[0] == pytest.approx(true["first"], rel=1e-5)
    assert row.gradient_cosine[0] == pytest.approx(true["cosine"], abs=1e-5)
    assert row.curvature[0] == pytest.approx(true["curvature"], rel=1e-5 / rate)
    assert bool(row.reach_measured[0])
    assert row.reach[0] == pytest.approx(true["reach"], rel=1e-2, abs=1e-5)


def test_a_step_shorter_than_the_rounding_of_its_losses_is_decided_by_the_slopes() -> None:
    model, x, y = digits()
    row, true = measured_and_true(model, torch.optim.SGD(model.parameters(), lr=1e-5), functional.cross_entropy, x, y)
    naive = 2 * (1 - row.real_change[0] / row.first_order_change[0])
    assert abs(naive - true["reach"]) > 1e-3  # the losses alone know nothing of it
    assert row.reach[0] == pytest.approx(true["reach"], rel=0.05)


def test_a_small_cross_entropy_is_known_no_better_than_to_one_unit_of_rounding() -> None:
    """−log p of p near 1 is off by ε, not by ε times itself."""
    model, x, y = digits()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.03)
    for _ in range(201):
        optimizer.zero_grad()
        functional.cross_entropy(model(x), y).backward()
        optimizer.step()
    row, true = measured_and_true(model, torch.optim.SGD(model.parameters(), lr=1.0), functional.cross_entropy, x, y)
    assert abs(2 * (1 - row.real_change[0] / row.first_order_change[0]) - true["reach"]) > 0.05
    assert row.reach[0] == pytest.approx(true["reach"], abs=1e-3)


def test_where_the_losses_are_exact_they_decide() -> None:
    """w⁴ is no parabola: the one through slope and loss is the definition, not the one through two slopes."""
    model = nn.Linear(1, 1, bias=False).double()
    nn.init.constant_(model.weight, 1.0)
    ones = torch.ones(1, 1, dtype=torch.float64)
    row = one_step(model, torch.optim.SGD(model.parameters(), lr=0.1), lambda: model(ones).pow(4).sum())
    first, real = 4 * -0.4, 0.6**4 - 1
    slopes = -0.4 * (4 * 0.6**3 - 4)
    assert row.reach[0] == pytest.approx(2 * (1 - real / first), rel=1e-12)
    assert abs(row.reach[0] - slopes / -first) > 0.05
    assert row.curvature[0] == pytest.approx(slopes / 0.16, rel=1e-12)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_reach_does_not_depend_on_the_size_of_the_loss(scale: float) -> None:
    model, x, y = digits()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01 / scale)
    row, true = measured_and_true(model, optimizer, lambda p, t: scale * functional.cross_entropy(p, t), x, y)
    assert row.reach[0] == pytest.approx(true["reach"], rel=5e-3)


def sums_of(slope: float, curvature: float = 0.0, spread: float = 1.0) -> StepSums:
    return StepSums(slope, curvature, 1.0, 1.0, 1.0, 1.0, spread, spread)


def test_a_slope_within_rounding_has_no_reach() -> None:
    eps = 1e-7
    level = same_batch_row(0, Evaluated(1.0, 1.0, 1.0), sums_of(-3 * eps), eps)
    steep = same_batch_row(0, Evaluated(1.0, 1.0, 1.0), sums_of(-5 * eps), eps)
    assert not level.reach_measured[0]
    assert steep.reach_measured[0]


def test_a_curvature_within_rounding_counts_as_none_and_a_negative_one_beyond_it_as_no_bottom() -> None:
    eps = 1e-7
    straight = same_batch_row(0, Evaluated(1.0, 0.9, 1.0), sums_of(-0.1, -7 * eps), eps)
    assert straight.reach_measured[0]
    assert straight.reach[0] == 0
    hill = same_batch_row(0, Evaluated(1.0, 0.9, 1.0), sums_of(-0.1, -9 * eps), eps)
    assert not hill.reach_measured[0]


def test_the_slopes_are_believed_only_as_far_as_the_losses_allow() -> None:
    eps = 1e-7
    row = same_batch_row(0, Evaluated(1.0, 0.95, 1.0), sums_of(-0.1, 0.3), eps)
    assert row.reach[0] == pytest.approx(1, abs=3e-5)
    assert row.reach[0] > 1


@pytest.mark.parametrize(("given", "as_given"), [(1.0, True), (1 + 7e-7, True), (1 + 9e-7, False), (None, False)])
def test_as_given_is_to_rounding(given: float | None, as_given: bool) -> None:
    row = same_batch_row(0, Evaluated(1.0, 0.9, given), sums_of(-0.1), 1e-7)
    assert bool(row.as_given[0]) is as_given


def test_infinite_losses_as_given() -> None:
    for value in (np.inf, -np.inf, np.nan):
        assert same_batch_row(0, Evaluated(value, 1.0, value), sums_of(-0.1), 1e-7).as_given[0]
        assert not same_batch_row(0, Evaluated(value, 1.0, 1.0), sums_of(-0.1), 1e-7).as_given[0]


def test_the_rounding_unit_is_that_of_the_coarsest_type() -> None:
    wide, narrow = torch.zeros(1, dtype=torch.float64), torch.zeros(1, dtype=torch.float16)
    off = (("cpu", False, torch.bfloat16),)
    on = (("cpu", True, torch.bfloat16),)
    assert rounding_unit([wide], Precision(off, True)) == 2.0**-52
    assert rounding_unit([wide, narrow], Precision(off, True)) == 2.0**-10
    assert rounding_unit([wide, narrow], Precision(on, True)) == 2.0**-7


@pytest.mark.parametrize("sizes", [[3], [5, 1, 0, 7], [HOST_BLOCK - 1, 3], [2 * HOST_BLOCK + 5, 9, HOST_BLOCK]])
def test_sums_in_blocks_are_the_sums(sizes: list[int]) -> None:
    torch.manual_seed(0)
    before, after, g, h = ([torch.randn(size) for size in sizes] for _ in range(4))
    h[0] = None
    found = StepSummer(before).sums(before, after, g, h)
    zero = [torch.zeros(sizes[0]), *h[1:]]
    theta, moved, first, second = (flat(each) for each in (before, after, g, zero))
    update, bend = moved - theta, second - first
    expected = StepSums(
        *(
            float(value)
            for value in (
                first @ update,
                bend @ update,
                update @ update,
                first @ first,
                second @ second,
                first @ second,
                (first * theta).abs().sum(),
                (first * update).abs().sum() + (bend * theta).abs().sum(),
            )
        )
    )
    assert found == pytest.approx(expected, rel=1e-12, abs=1e-9)


def test_sums_leave_what_they_are_given() -> None:
    given = [torch.randn(7) for _ in range(4)]
    kept = [each.clone() for each in given]
    summer = StepSummer(given[:1])
    first = summer.sums(*([each] for each in given))
    assert summer.sums(*([each] for each in given)) == first
    assert all(torch.equal(one, other) for one, other in zip(given, kept, strict=True))


def perceptron() -> nn.Module:
    return nn.Sequential(nn.Linear(12, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 5))


def convolutional() -> nn.Module:
    return nn.Sequential(
        nn.Unflatten(1, (1, 12)),
        nn.Conv1d(1, 8, 3, padding=1),
        nn.BatchNorm1d(8),
        nn.ReLU(),
        nn.Conv1d(8, 8, 3, padding=1),
        nn.BatchNorm1d(8),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(96, 5),
    )


def attentive() -> nn.Module:
    layer = nn.TransformerEncoderLayer(12, 4, 24, dropout=0, batch_first=True)
    return nn.Sequential(nn.Unflatten(1, (1, 12)), layer, nn.Flatten(), nn.Linear(12, 5))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "regression"), [(perceptron, False), (perceptron, True), (convolutional, False), (attentive, False)]
)
def test_the_bounds_hold_from_the_first_step_to_the_memorised_batch(
    make: Callable[[], nn.Module], *, regression: bool
) -> None:
    torch.manual_seed(0)
    model, x = make(), torch.randn(64, 12)
    y = 5 + x[:, :5] / 100 if regression else torch.randint(0, 5, (64,))
    loss_fn = functional.mse_loss if regression else functional.cross_entropy
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    seen = []
    for step in range(501):
        before = copy.deepcopy(model)
        optimizer.zero_grad()
        loss_fn(model(x), y).backward()
        optimizer.step()
        if step in (0, 3, 10, 30, 100, 200, 300, 400, 500):
            seen.append(_parts_of_the_bounds(before, model, loss_fn, x, y))
    assert np.max(seen) < 0.65


def _parts_of_the_bounds(
    before: nn.Module, after: nn.Module, loss_fn: Loss, x: torch.Tensor, y: torch.Tensor
) -> tuple[float, float, float]:
    """Errors of the change of the loss, of the slope and of the curvature against float64, over their bounds."""

    def evaluated(model: nn.Module, x: torch.Tensor, y: torch.Tensor) -> tuple[float, torch.Tensor]:
        loss = loss_fn(model(x), y)
        return loss.item(), flat(torch.autograd.grad(loss, list(model.parameters())))

    theta, update = flat(list(before.parameters())), flat(list(after.parameters())) - flat(list(before.parameters()))
    (first, g), (second, h) = (evaluated(copy.deepcopy(model), x, y) for model in (before, after))
    wide = y.double() if y.is_floating_point() else y
    (exact, u), (exact_after, v) = (
        evaluated(copy.deepcopy(model).double(), x.double(), wide) for model in (before, after)
    )
    eps = 2.0**-23
    value = LOSS_ROUNDING * eps * (abs(first) + abs(second) + 2 * float((g * theta).abs().sum()) + 2)
    slope = SLOPE_ROUNDING * eps * float((g * update).abs().sum() + ((h - g) * theta).abs().sum())
    return (
        abs((second - first) - (exact_after - exact)) / value,
        abs(float((g - u) @ update)) / slope,
        abs(float(((h - g) - (v - u)) @ update)) / (2 * slope),
    )
