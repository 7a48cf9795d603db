"""docs/semantics.md#on-the-same-batch: nothing is left changed, whatever the closure does."""

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from fallline._errors import FalllineWarning
from same_batch_loops import Measured, bits, content, everything


def network(*extra: nn.Module) -> nn.Sequential:
    torch.manual_seed(2)
    return nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Dropout(0.5), *extra, nn.Linear(8, 1))


def batch(seed: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    made = torch.Generator().manual_seed(seed)
    return torch.randn(32, 3, generator=made), torch.randn(32, 1, generator=made)


class Prepared:
    """One step made and about to be measured."""

    def __init__(
        self, model: nn.Module | None = None, make: Callable[..., torch.optim.Optimizer] | None = None
    ) -> None:
        self.model = model or network()
        self.optimizer = (make or (lambda p: torch.optim.Adam(p, lr=0.01)))(self.model.parameters())
        self.x, self.y = batch()
        self.measured = Measured(self.model, self.optimizer)
        self.loss = self.evaluate()
        self.loss.backward()
        self.optimizer.step()
        self.before = self.state()

    def evaluate(self) -> torch.Tensor:
        return functional.mse_loss(self.model(self.x), self.y)

    def state(self) -> list[Any]:
        return everything(self.model, self.optimizer)

    def measure(self, closure: Callable[[], Any]) -> Any:
        return self.measured.instrument.measure(0, self.loss.item(), closure)


def test_everything_is_left_as_it_was() -> None:
    step = Prepared()
    assert step.measure(step.evaluate) is not None
    assert step.state() == step.before


@pytest.mark.slow
def test_a_run_measured_at_every_step_is_bytewise_the_bare_one() -> None:
    def run(*, watched: bool) -> tuple[list[Any], list[float]]:
        torch.manual_seed(0)
        random.seed(0)
        np.random.seed(0)
        model = network()
        optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
        measured = Measured(model, optimizer) if watched else None
        losses = []
        for k in range(200):
            x, y = batch(k)
            x = x + random.gauss(0, 0.1) + np.random.randn()
            optimizer.zero_grad()
            loss = functional.mse_loss(model(x), y)
            loss.backward()
            optimizer.step()
            if measured is not None:
                measured.step(loss.item(), lambda x=x, y=y: functional.mse_loss(model(x), y))
            losses.append(loss.item())
        if measured is not None:
            measured.instrument.remove()
            assert len(measured.rows) == 200
            assert all(row.as_given[0] for row in measured.rows)
            assert [float(row.loss_before[0]) for row in measured.rows] == losses
        return content(model, optimizer), losses

    assert run(watched=True) == run(watched=False)


def test_nan_payloads_and_negative_zeros_come_back() -> None:
    step = Prepared()
    with torch.no_grad():
        raw = step.model[0].weight.view(torch.int32)
        raw[0, 0], raw[0, 1], raw[0, 2] = 0x7FC12345, -0x80000000, 0x7FA00001
        step.model[1].running_mean.view(torch.int32)[0] = 0x7FC54321
    before = step.state()
    assert step.measure(step.evaluate) is not None
    assert step.state() == before


def test_what_the_closure_does_to_gradients_does_not_reach_them() -> None:
    step = Prepared()

    def as_for_lbfgs() -> torch.Tensor:
        step.optimizer.zero_grad()
        loss = step.evaluate()
        loss.backward()
        return loss

    row = step.measure(as_for_lbfgs)
    assert step.state() == step.before
    plain = Prepared()
    expected = plain.measure(plain.evaluate)
    assert row.first_order_change.tobytes() == expected.first_order_change.tobytes()
    assert row.reach.tobytes() == expected.reach.tobytes()


def test_zero_grad_in_place_does_not_reach_them_either() -> None:
    step = Prepared()

    def emptying() -> torch.Tensor:
        step.optimizer.zero_grad(set_to_none=False)
        return step.evaluate()

    assert step.measure(emptying) is not None
    assert step.state() == step.before


def test_modes_flags_and_buffers_changed_by_the_closure_come_back() -> None:
    step = Prepared()

    def careless() -> torch.Tensor:
        step.model.eval()
        step.model[0].bias.requires_grad_(False)
        step.model[1].running_mean = torch.zeros(8)
        random.random()
        np.random.rand()
        torch.rand(3)
        return step.evaluate()

    assert step.measure(careless) is not None
    assert step.state() == step.before


class OddError(Exception):
    pass


def raising(step: Prepared) -> Any:
    step.evaluate()
    raise OddError


def stepping(step: Prepared) -> Any:
    loss = step.evaluate()
    loss.backward()
    step.optimizer.step()
    return loss


def stepping_and_catching(step: Prepared) -> Any:
    try:
        return stepping(step)
    except Exception:  # noqa: BLE001  (what a careless closure does)
        return step.evaluate()


@pytest.mark.parametrize(
    ("closure", "said"),
    [
        (raising, "OddError"),
        (lambda step: step.evaluate().item(), "has no graph"),
        (lambda step: step.evaluate().detach(), "has no graph"),
        (lambda _: None, "must return the batch's loss: expected one number, got None"),
        (lambda step: step.model(step.x), r"expected one number, got a tensor of shape \(32, 1\)"),
        (lambda step: (step.evaluate(), 1), "got a tuple"),
        (stepping, "the closure calls optimizer.step"),
        (stepping_and_catching, "the closure calls optimizer.step"),
    ],
)
def test_a_closure_that_cannot_be_used_is_one_mark(closure: Callable[[Prepared], Any], said: str) -> None:
    step = Prepared()
    with pytest.warns(FalllineWarning, match=said):
        assert step.measure(lambda: closure(step)) is None
    assert step.state() == step.before
    for k in range(1, 4):
        step.measured.instrument.prepare(k)
        assert len(step.model._forward_pre_hooks) == 0
        step.optimizer.step()
        assert step.measured.instrument.measure(k, 1.0, step.evaluate) is None
    assert len(step.measured.guard.said) == 1


@pytest.mark.parametrize("evaluation", [1, 2])
def test_ctrl_c_in_the_closure_is_passed_on_with_everything_restored(evaluation: int) -> None:
    step = Prepared()
    calls = []

    def interrupted() -> torch.Tensor:
        calls.append(1)
        loss = step.evaluate()
        if len(calls) == evaluation:
            raise KeyboardInterrupt
        return loss

    with pytest.raises(KeyboardInterrupt):
        step.measure(interrupted)
    assert len(calls) == evaluation
    assert step.state() == step.before
    assert len(step.model._forward_pre_hooks) == 0


def test_hooks_on_parameters_neither_count_nor_clip() -> None:
    calls: list[int] = []
    step = Prepared()
    step.model[0].weight.register_hook(lambda g: (calls.append(1), g * 0)[1])
    before = step.state()
    row = step.measure(step.evaluate)
    assert calls == []
    assert step.state() == before
    reference = Prepared()
    assert row.first_order_change.tobytes() == reference.measure(reference.evaluate).first_order_change.tobytes()
    step.evaluate().backward()
    assert calls == [1]


def test_an_embedding_that_rescales_itself_is_put_back() -> None:
    class Words(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table = nn.Embedding(5, 3, max_norm=0.5).requires_grad_(False)
            self.out = nn.Linear(3, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.out(self.table(torch.arange(len(x)) % 5))

    torch.manual_seed(0)
    model = Words()
    step = Prepared(model, lambda p: torch.optim.SGD(list(p)[1:], lr=0.1))
    model.table.weight.data.mul_(3)
    before = step.state()
    assert step.measure(step.evaluate) is not None
    assert step.state() == before


def test_a_graph_that_the_loop_keeps_still_works() -> None:
    """The update breaks a graph through the weights it changed; the measurement breaks no other."""
    model = network()
    model[4].requires_grad_(False)
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.1)
    measured = Measured(model, optimizer)
    x, y = batch()
    functional.mse_loss(model(x), y).backward()
    optimizer.step()
    model.eval()
    kept = functional.mse_loss(model(x), y)  # a graph through all weights and buffers, as they are after the update
    assert measured.step(None, lambda: functional.mse_loss(model(x), y)) is not None
    optimizer.zero_grad()
    kept.backward()
    assert model[0].weight.grad is not None


def test_nan_under_anomaly_detection_is_a_measurement() -> None:
    step = Prepared()

    def root_of_zero() -> torch.Tensor:
        return step.evaluate() + (step.model[0].weight * 0).sqrt().sum()

    with torch.autograd.set_detect_anomaly(True):
        row = step.measure(root_of_zero)
        assert torch.is_anomaly_enabled()
    assert row is not None
    assert np.isnan(row.first_order_change[0])


def test_under_no_grad_the_closure_still_has_its_graph() -> None:
    step = Prepared()
    with torch.no_grad():
        assert step.measure(step.evaluate) is not None
        assert not torch.is_grad_enabled()


def test_autocast_is_as_in_the_forward_pass_of_the_loop() -> None:
    """The loop's forward pass ran in bfloat16, so the closure does, with fresh low precision copies each time."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    measured = Measured(model, optimizer)
    x, y = batch()
    made_once = torch.autocast("cpu", dtype=torch.bfloat16)
    changes = []
    for closure in (
        lambda: functional.mse_loss(model(x).float(), y),
        lambda: half(torch.autocast("cpu", dtype=torch.bfloat16)),
        lambda: half(made_once),
    ):

        def half(context: Any) -> torch.Tensor:
            with context:
                return functional.mse_loss(model(x).float(), y)

        optimizer.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            predicted = model(x)
        assert predicted.dtype is torch.bfloat16
        loss = functional.mse_loss(predicted.float(), y)
        loss.backward()
        optimizer.step()
        row = measured.step(loss.item(), closure)
        assert row.loss_before[0] == loss.item()
        changes.append(row.real_change[0])
    assert measured.guard.said == []
    assert all(change != 0 for change in changes)
    assert not torch.is_autocast_enabled("cpu")


def test_what_other_processes_would_have_to_join_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    step = Prepared()
    with pytest.warns(FalllineWarning, match="other processes"):
        assert step.measure(step.evaluate) is None


def test_lbfgs_with_its_own_closure() -> None:
    model = network()
    optimizer = torch.optim.LBFGS(model.parameters(), lr=0.1, max_iter=4)
    measured = Measured(model, optimizer)
    x, y = batch()

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = functional.mse_loss(model(x), y)
        loss.backward()
        return loss

    for _ in range(3):
        loss = optimizer.step(closure)
        before = bits(model[0].weight)
        row = measured.step(loss.item(), closure)
        assert bits(model[0].weight) == before
        assert row.loss_before[0] == loss.item()
