"""docs/semantics.md#on-the-same-batch: what is measured."""

import copy
import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from fallline._records import SameBatchSeries
from same_batch_loops import Measured, bits, flat, one_step


def linear_problem(rows: int = 40) -> tuple[nn.Linear, torch.Tensor, torch.Tensor, torch.Tensor]:
    """(model, x, y, Hessian) of mean squared error in float64."""
    torch.manual_seed(1)
    model = nn.Linear(3, 1).double()
    x, y = torch.randn(rows, 3, dtype=torch.float64), torch.randn(rows, 1, dtype=torch.float64)
    wide = torch.cat([x, torch.ones(rows, 1, dtype=torch.float64)], dim=1)
    return model, x, y, 2 * wide.T @ wide / rows


def mlp(dtype: torch.dtype = torch.float64, *extra: nn.Module) -> nn.Sequential:
    torch.manual_seed(2)
    return nn.Sequential(nn.Linear(3, 8), nn.Tanh(), *extra, nn.Linear(8, 1)).to(dtype)


def batch(dtype: torch.dtype = torch.float64) -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(3)
    return torch.randn(32, 3, dtype=dtype), torch.randn(32, 1, dtype=dtype)


def only(row: SameBatchSeries, name: str) -> float:
    (value,) = getattr(row, name)
    return float(value)


@pytest.mark.parametrize(
    "make",
    [
        lambda p: torch.optim.SGD(p, lr=0.3),
        lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, weight_decay=0.1),
        lambda p: torch.optim.Adam(p, lr=0.1),
    ],
)
def test_on_a_parabola_everything_is_exact(make: Callable[..., torch.optim.Optimizer]) -> None:
    model, x, y, hessian = linear_problem()
    optimizer = make(model.parameters())
    measured = Measured(model, optimizer)
    for step in range(5):
        before = flat(list(model.parameters()))
        optimizer.zero_grad()
        loss = functional.mse_loss(model(x), y)
        loss.backward()
        gradient = flat([p.grad for p in model.parameters()])
        optimizer.step()
        row = measured.step(loss.item(), lambda: functional.mse_loss(model(x), y))
        update = flat(list(model.parameters())) - before
        after = gradient + hessian @ update
        bend, slope = float(update @ hessian @ update), float(gradient @ update)
        assert only(row, "step") == step
        assert only(row, "loss_before") == loss.item()
        assert only(row, "as_given") == only(row, "moved") == 1
        assert only(row, "first_order_change") == pytest.approx(slope, rel=1e-12)
        assert float(row.real_change[0]) == pytest.approx(slope + bend / 2, rel=1e-9)
        assert only(row, "curvature") == pytest.approx(bend / float(update @ update), rel=1e-9)
        assert only(row, "gradient_cosine") == pytest.approx(
            float(gradient @ after) / float(gradient.norm() * after.norm()), rel=1e-12
        )
        assert bool(row.reach_measured[0]) is (slope < 0)
        if slope < 0:
            assert only(row, "reach") == pytest.approx(bend / -slope, rel=1e-9)
    assert len(measured.rows) == 5


def test_the_first_order_error_shrinks_as_the_square_of_the_rate() -> None:
    def error(rate: float) -> float:
        model, (x, y) = mlp(), batch()
        row = one_step(model, torch.optim.SGD(model.parameters(), lr=rate), lambda: functional.mse_loss(model(x), y))
        return float(row.real_change[0]) - only(row, "first_order_change")

    errors = [error(rate) for rate in (0.02, 0.01, 0.005)]
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.05)
    assert errors[1] / errors[2] == pytest.approx(4, rel=0.03)


def test_two_updates_of_one_row_are_one_way() -> None:
    model, x, y, _ = linear_problem()
    optimizers = [torch.optim.SGD([p], lr=0.1) for p in model.parameters()]
    measured = Measured(model, *optimizers)
    before = flat(list(model.parameters()))
    loss = functional.mse_loss(model(x), y)
    loss.backward()
    gradient = flat([p.grad for p in model.parameters()])
    for optimizer in optimizers:
        optimizer.step()
    row = measured.step(loss.item(), lambda: functional.mse_loss(model(x), y))
    update = flat(list(model.parameters())) - before
    assert bool((update != 0).all())
    assert only(row, "first_order_change") == pytest.approx(float(gradient @ update), rel=1e-12)


def test_clipping_and_accumulation_do_not_enter_the_gradient_but_the_step() -> None:
    """The batch's own gradient; the update that really happened."""
    model, x, y, hessian = linear_problem()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.3)
    measured = Measured(model, optimizer)
    before = flat(list(model.parameters()))
    loss = functional.mse_loss(model(x), y)
    own = flat(torch.autograd.grad(loss, list(model.parameters())))
    functional.mse_loss(model(x[:7]), y[:7]).backward()
    functional.mse_loss(model(x), y).backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 0.01)
    consumed = flat([p.grad for p in model.parameters()])
    optimizer.step()
    row = measured.step(loss.item(), lambda: functional.mse_loss(model(x), y))
    update = flat(list(model.parameters())) - before
    assert float((own - consumed).norm()) > 0.1
    assert only(row, "first_order_change") == pytest.approx(float(own @ update), rel=1e-12)
    assert only(row, "reach") == pytest.approx(float(update @ hessian @ update) / -float(own @ update), rel=1e-9)


def test_while_gradients_accumulate_the_row_waits_for_the_update() -> None:
    model, (x, y) = mlp(), batch()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    measured = Measured(model, optimizer, every=4)
    for step in range(12):
        loss = functional.mse_loss(model(x), y)
        loss.backward()
        if step % 4 == 3:
            optimizer.step()
            optimizer.zero_grad()
        measured.step(loss.item(), lambda: functional.mse_loss(model(x), y))
    assert [int(row.step[0]) for row in measured.rows] == [3, 7, 11]
    assert all(row.as_given[0] for row in measured.rows)


def test_another_loss_than_the_given_one_is_marked() -> None:
    model, (x, y) = mlp(), batch()
    make = lambda: torch.optim.SGD(model.parameters(), lr=0.1)  # noqa: E731  (the same for each case)
    plain = lambda: functional.mse_loss(model(x), y)  # noqa: E731  (the loop's loss)
    assert bool(one_step(model, make(), plain).as_given[0])
    assert not one_step(model, make(), plain, lambda: functional.mse_loss(model(-x), y)).as_given[0]
    assert not one_step(model, make(), plain, lambda: plain() / 4).as_given[0]
    measured = Measured(model, optimizer := make())
    plain().backward()
    optimizer.step()
    assert not measured.step(None, plain).as_given[0]


def test_in_eval_mode_nothing_is_random() -> None:
    model = mlp(torch.float64, nn.BatchNorm1d(8), nn.Dropout(0.5)).eval()
    x, y = batch()
    row = one_step(model, torch.optim.SGD(model.parameters(), lr=0.1), lambda: functional.mse_loss(model(x), y))
    assert bool(row.as_given[0])
    assert not model.training


def test_frozen_tied_and_sparse_parameters() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table = nn.Embedding(6, 4, sparse=True)
            self.frozen = nn.Linear(4, 4).requires_grad_(False)
            self.first = nn.Linear(4, 4)
            self.second = nn.Linear(4, 4)
            self.second.weight = self.first.weight

        def forward(self, words: torch.Tensor) -> torch.Tensor:
            return self.second(torch.tanh(self.first(self.frozen(self.table(words)))))

    torch.manual_seed(0)
    model = Tied().double()
    words = torch.tensor([0, 1, 1, 3])
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    kept = copy.deepcopy(model)
    row = one_step(model, optimizer, lambda: model(words).square().mean())
    trained = [name for name, p in model.named_parameters() if p.requires_grad]
    loss = kept(words).square().mean()
    gradients = torch.autograd.grad(loss, [kept.get_parameter(name) for name in trained])
    slope = sum(
        float((g.to_dense() if g.is_sparse else g).mul((model.get_parameter(n) - kept.get_parameter(n)).detach()).sum())
        for n, g in zip(trained, gradients, strict=True)
    )
    assert only(row, "first_order_change") == pytest.approx(slope, rel=1e-12)
    assert only(row, "reach") == pytest.approx(2 * (1 - float(row.real_change[0]) / slope), rel=1e-6)
    assert bits(model.frozen.weight) == bits(kept.frozen.weight)


def test_a_step_of_nothing_has_no_reach() -> None:
    model, (x, y) = mlp(), batch()
    row = one_step(model, torch.optim.SGD(model.parameters(), lr=0.0), lambda: functional.mse_loss(model(x), y))
    assert not row.moved[0]
    assert not row.reach_measured[0]
    assert only(row, "loss_before") == only(row, "loss_after")


def test_uphill_and_negative_curvature_have_no_reach() -> None:
    model, (x, y) = mlp(), batch()
    uphill = one_step(
        model, torch.optim.SGD(model.parameters(), lr=0.01, maximize=True), lambda: functional.mse_loss(model(x), y)
    )
    assert only(uphill, "first_order_change") > 0
    assert not uphill.reach_measured[0]
    hill = nn.Linear(1, 1, bias=False).double()
    nn.init.constant_(hill.weight, 0.5)
    ones = torch.ones(1, 1, dtype=torch.float64)
    bent = one_step(hill, torch.optim.SGD(hill.parameters(), lr=0.1), lambda: -hill(ones).square().mean())
    assert only(bent, "curvature") == pytest.approx(-2)
    assert not bent.reach_measured[0]


def test_not_finite_is_data() -> None:
    model, (x, y) = mlp(), batch()
    broken = x * torch.nan
    row = one_step(model, torch.optim.SGD(model.parameters(), lr=0.1), lambda: functional.mse_loss(model(broken), y))
    assert math.isnan(only(row, "loss_before"))
    assert math.isnan(only(row, "loss_after"))
    assert bool(row.as_given[0])
    assert not row.reach_measured[0]


def test_a_step_too_far_for_its_gradient_still_has_its_reach() -> None:
    """The gradient after it overflows; slope and loss before and the loss after it are all that reach needs."""
    weight = nn.Linear(1, 1, bias=False).double()
    nn.init.constant_(weight.weight, 1.0)
    ones = torch.ones(1, 1, dtype=torch.float64)

    class Overflowing(torch.autograd.Function):
        @staticmethod
        def forward(ctx, value):
            ctx.save_for_backward(value)
            return value.square()

        @staticmethod
        def backward(ctx, gradient):
            (value,) = ctx.saved_tensors
            return gradient * torch.where(value > 0.9, 2 * value, torch.inf)

    optimizer = torch.optim.SGD(weight.parameters(), lr=0.75)
    row = one_step(weight, optimizer, lambda: Overflowing.apply(weight(ones)).sum())
    assert not np.isfinite(row.curvature[0])
    assert only(row, "reach") == pytest.approx(1.5)


def test_without_a_closure_it_soon_keeps_nothing() -> None:
    model, (x, y) = mlp(), batch()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    measured = Measured(model, optimizer)
    hooked = []
    for step in range(12):
        hooked.append(len(model._forward_pre_hooks))
        optimizer.zero_grad()
        loss = functional.mse_loss(model(x), y)
        loss.backward()
        optimizer.step()
        measured.step(loss.item(), None if step < 8 else lambda: functional.mse_loss(model(x), y))
    assert hooked == [1, 1, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1]
    assert [int(row.step[0]) for row in measured.rows] == [9, 10, 11]


def test_between_due_steps_nothing_hangs_on_the_model() -> None:
    model, (x, y) = mlp(), batch()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    measured = Measured(model, optimizer, every=3)
    hooked = []
    for _ in range(7):
        hooked.append(len(model._forward_pre_hooks))
        optimizer.zero_grad()
        loss = functional.mse_loss(model(x), y)
        loss.backward()
        optimizer.step()
        measured.step(loss.item(), lambda: functional.mse_loss(model(x), y))
    assert hooked == [1, 0, 0, 1, 0, 0, 1]
    measured.instrument.measure_next()
    measured.instrument.prepare(7)
    assert len(model._forward_pre_hooks) == 1
    measured.instrument.remove()
    assert len(model._forward_pre_hooks) == 0


def test_it_says_what_it_needs_and_books_what_it_took() -> None:
    model, (x, y) = mlp(torch.float32, nn.BatchNorm1d(8)), batch(torch.float32)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    measured = Measured(model, optimizer)
    parameters = 3 * 8 + 8 + 8 + 8 + 8 + 1
    assert measured.instrument.bytes_needed == 4 * 4 * parameters + 2 * 4 * 8 + 8 + 6 * 8 * parameters
    loss = functional.mse_loss(model(x), y)
    loss.backward()
    optimizer.step()
    measured.step(loss.item(), lambda: functional.mse_loss(model(x), y))
    assert measured.pace.cost().by_instrument["same batch"] > 0


def test_all_of_its_time_is_booked_where_it_is_spent(monkeypatch: pytest.MonkeyPatch) -> None:
    """The random states in the forward pass, the copy in the optimizer's step, the closure; nothing twice."""
    model, (x, y) = mlp(torch.float32), batch(torch.float32)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    measured = Measured(model, optimizer)
    booked: list[str] = []
    monkeypatch.setattr(measured.pace, "spent", lambda instrument, _: booked.append(instrument))
    counts = []
    loss = functional.mse_loss(model(x), y)
    counts.append(len(booked))
    loss.backward()
    optimizer.step()
    counts.append(len(booked))
    measured.instrument.measure(0, loss.item(), lambda: functional.mse_loss(model(x), y))
    counts.append(len(booked))
    assert counts == [1, 2, 3]
    assert set(booked) == {"same batch"}
    functional.mse_loss(model(x), y).backward()
    optimizer.step()
    assert len(booked) == 3  # nothing is due
