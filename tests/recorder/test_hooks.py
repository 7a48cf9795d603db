"""What the hooks take of real optimizers is what plain loops in float64 find around their steps."""

import copy
import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from fallline._recorder import _hooks
from fallline._recorder._device_gauge import DeviceGauge
from fallline._recorder._gauge import SUMS, Gauge
from fallline._recorder._gauges import gauge_of
from fallline._recorder._guard import Guard
from fallline._recorder._hooks import OptimizerHooks, Taken
from fallline._recorder._host_gauge import HostGauge
from fallline._recorder._rows import Row, owners, steps_of
from fallline._records import StepSeries
from gauge_oracle import numbers_of, sums

Make = Callable[[Sequence[Any]], torch.optim.Optimizer]
OPTIMIZERS: dict[str, Make] = {
    "SGD": lambda held: torch.optim.SGD(held, lr=0.1, weight_decay=0.01),
    "nesterov, foreach": lambda held: torch.optim.SGD(held, lr=0.1, momentum=0.9, nesterov=True, foreach=True),
    "nesterov": lambda held: torch.optim.SGD(held, lr=0.1, momentum=0.9, nesterov=True, foreach=False),
    "maximize": lambda held: torch.optim.SGD(held, lr=0.1, maximize=True, foreach=True),
    "Adam": lambda held: torch.optim.Adam(held, lr=0.01),
    "AdamW, fused": lambda held: torch.optim.AdamW(held, lr=0.01, fused=True),
    "RMSprop": lambda held: torch.optim.RMSprop(held, lr=0.01, momentum=0.5),
    "Rprop": lambda held: torch.optim.Rprop(held, lr=0.01),
}


class Watched:
    """A small model, its optimizer, and hooks on it."""

    def __init__(self, make: Make = OPTIMIZERS["SGD"], kind: Callable[..., Gauge] | None = None) -> None:
        torch.manual_seed(0)
        self.model = nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 1)).double()
        self.tensors = list(self.model.parameters())
        self.layers = [0, 0, 1, 1]
        self.optimizer = make(self.tensors)
        self.gauge = (
            gauge_of(self.tensors, self.layers, self.optimizer) if kind is None else kind(self.tensors, self.layers)
        )
        self.hooks = OptimizerHooks(self.optimizer, self.gauge, Guard())
        self.x, self.y = torch.randn(16, 5).double(), torch.randn(16, 1).double()

    def loss(self, rows: slice = slice(None)) -> torch.Tensor:
        return (self.model(self.x[rows]) - self.y[rows]).square().mean()

    def step(self) -> tuple[Taken, np.ndarray]:
        """What the hooks take of a step, and what there is to be found of all layers together."""
        before = numbers_of(self.tensors, self.tensors)
        gradient = numbers_of([tensor.grad for tensor in self.tensors], self.tensors)
        self.optimizer.step()
        expected = sums(before, gradient, numbers_of(self.tensors, self.tensors), self.layers)
        return self.hooks.take(), expected.sum(axis=1)


def series(taken: Sequence[Taken], gauge: Gauge) -> StepSeries:
    rows = [Row(k, 0.0, 1.0, each.rates, (each.updates,), (each.reading,), each.finite) for k, each in enumerate(taken)]
    return steps_of(rows, owners([gauge], range(2)))


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("kind", [HostGauge, DeviceGauge])
def test_norms_ratio_cosine_and_first_order_change(name: str, kind: Callable[..., Gauge]) -> None:
    watched = Watched(OPTIMIZERS[name], kind)
    taken, expected = [], []
    for number in range(6):
        watched.optimizer.zero_grad()
        for micro in range(2):  # accumulated
            (watched.loss(slice(8 * micro, 8 * micro + 8)) / 2).backward()
        nn.utils.clip_grad_norm_(watched.tensors, 0.5)
        found, there = watched.step()
        assert found.updates == 1, number
        taken.append(found)
        expected.append(there)
    steps = series(taken, watched.gauge)
    gradient, update, parameters = np.sqrt(np.array(expected)[:, :3]).T
    product = np.array(expected)[:, 3]
    close = {"rtol": 1e-10}
    np.testing.assert_allclose(steps.gradient_norm[:, 0], gradient, **close)
    np.testing.assert_allclose(steps.update_norm[:, 0], update, **close)
    np.testing.assert_allclose(steps.parameter_norm[:, 0], parameters, **close)
    np.testing.assert_allclose(steps.first_order_change[:, 0], product, rtol=1e-9)
    np.testing.assert_allclose(steps.update_ratio[:, 0], update / parameters, **close)
    np.testing.assert_allclose(steps.downhill_cosine[:, 0], -product / (gradient * update), rtol=1e-9)
    assert (gradient <= 0.5 + 1e-9).all()
    assert steps.measured.all()


@pytest.mark.parametrize("by_name", [False, True])
@pytest.mark.parametrize(
    "make",
    [OPTIMIZERS["Adam"], lambda held: torch.optim.LBFGS(held, lr=0.5, max_iter=4)],
    ids=["Adam", "LBFGS"],
)
def test_of_a_closure_the_first_gradient_counts(make: Make, by_name: bool) -> None:
    watched = Watched(make)
    bare = Watched(make)
    bare.hooks.remove()

    def closure_of(each: Watched) -> Callable[[], torch.Tensor]:
        def closure() -> torch.Tensor:
            each.optimizer.zero_grad()
            loss = each.loss()
            loss.backward()
            return loss

        return closure

    before = numbers_of(watched.tensors, watched.tensors)
    closure_of(watched)()
    gradient = numbers_of([tensor.grad for tensor in watched.tensors], watched.tensors)
    returned = [
        each.optimizer.step(closure=closure_of(each)) if by_name else each.optimizer.step(closure_of(each))
        for each in (watched, bare)
    ]
    assert returned[0].item() == returned[1].item()
    assert all(map(torch.equal, watched.tensors, bare.tensors))
    found = watched.hooks.take()
    expected = sums(before, gradient, numbers_of(watched.tensors, watched.tensors), watched.layers).sum(axis=1)
    np.testing.assert_allclose(np.reshape(found.reading, (4, -1)).sum(axis=1), expected, rtol=1e-9)


def test_a_closure_that_is_never_called_leaves_the_norms_out() -> None:
    class Careless(torch.optim.Optimizer):
        def step(self, closure: Any = None) -> None:
            del closure

    watched = Watched(lambda held: Careless(held, {"lr": 0.1}))
    watched.optimizer.step(lambda: None)
    assert watched.hooks.take()[:3] == (1, (0.1,), None)


def test_an_exception_of_the_closure_passes_on_unchanged() -> None:
    watched = Watched(OPTIMIZERS["Adam"])
    with pytest.raises(ZeroDivisionError):
        watched.optimizer.step(lambda: 1 / 0)
    assert watched.hooks.take().updates == 0
    watched.loss().backward()
    found, expected = watched.step()
    np.testing.assert_allclose(np.reshape(found.reading, (4, -1)).sum(axis=1), expected, rtol=1e-9)


@pytest.mark.parametrize("make", [OPTIMIZERS["SGD"], lambda held: torch.optim.Adam(held, lr=0.01, fused=True)])
def test_a_gradient_scaler(make: Make) -> None:
    watched = Watched(make)
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    taken = []
    for number in range(3):
        watched.optimizer.zero_grad()
        scaler.scale(watched.loss()).backward()
        plain = [tensor.grad / scaler.get_scale() for tensor in watched.tensors]
        if number == 1:
            watched.tensors[0].grad[0, 0] = math.inf
        before = copy.deepcopy(watched.tensors)
        scaler.step(watched.optimizer)
        scaler.update()
        taken.append(watched.hooks.take())
        if number == 1:
            assert all(map(torch.equal, before, watched.tensors))
        else:
            norm = math.sqrt(sum(float(each.square().sum()) for each in plain))
            assert math.sqrt(np.reshape(taken[-1].reading, (4, -1))[0].sum()) == pytest.approx(norm, rel=1e-6)
    assert [each.updates for each in taken] == [1, 0, 1]
    assert taken[1].reading is None
    assert not hasattr(watched.optimizer, "grad_scale")


def test_an_update_that_is_skipped_on_a_device_is_left_for_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_hooks, "is_late", lambda _: True)
    watched = Watched(lambda held: torch.optim.Adam(held, lr=0.01, fused=True))
    scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
    scaler.scale(watched.loss()).backward()
    scaler.step(watched.optimizer)
    found = watched.hooks.take()
    assert (found.updates, found.reading) == (0, None)
    ((reading, skipped),) = found.doubtful
    assert reading is not None
    assert float(skipped) == 0.0
    assert watched.hooks.take().doubtful == ()


def test_several_updates_between_two_rows() -> None:
    watched = Watched()
    for _ in range(3):
        watched.optimizer.zero_grad()
        watched.loss().backward()
        expected_rate = watched.optimizer.param_groups[0]["lr"]
        watched.optimizer.step()
        watched.optimizer.param_groups[0]["lr"] = 0.05
    found = watched.hooks.take()
    assert (found.updates, found.rates) == (3, (expected_rate,))
    again = watched.hooks.take()
    assert again[:3] == (0, (0.05,), None)


def test_rates_that_are_tensors_or_missing_and_groups_that_come_later() -> None:
    tensors = [nn.Parameter(torch.ones(2)) for _ in range(3)]
    groups = [{"params": tensors[:1]}, {"params": tensors[1:2], "lr": torch.tensor(0.5)}]
    optimizer = torch.optim.SGD(groups, lr=0.25)
    hooks = OptimizerHooks(optimizer, gauge_of(tensors[:2], [0, 1], optimizer), Guard())
    for tensor in tensors:
        tensor.grad = torch.ones(2)
    optimizer.step()
    optimizer.param_groups[1]["lr"].fill_(7.0)
    assert hooks.take().rates == (0.25, 0.5)
    optimizer.add_param_group({"params": tensors[2:]})
    optimizer.step()
    found = hooks.take()
    assert found.rates == (0.25, 7.0)
    assert len(found.reading) == 8
    del optimizer.param_groups[1:]
    assert hooks.take().rates == (0.25, pytest.approx(math.nan, nan_ok=True))
    del optimizer.param_groups[0]["lr"]
    assert math.isnan(hooks.take().rates[0])


def test_silent_steps_still_count() -> None:
    watched = Watched()
    watched.hooks.reading = False
    watched.loss().backward()
    found, _ = watched.step()
    assert found[:4] == (1, (0.1,), None, True)
    watched.hooks.reading = True
    found, expected = watched.step()
    np.testing.assert_allclose(np.reshape(found.reading, (4, -1)).sum(axis=1), expected, rtol=1e-9)


def test_between_measurements_nothing_runs_before_an_update() -> None:
    watched = Watched()
    before = watched.optimizer._optimizer_step_pre_hooks
    watched.loss().backward()
    places = list(before)
    for asked, runs in (({"reading": False, "busy": False}, False), ({"reading": True, "busy": False}, True)):
        watched.hooks.listen(**asked)
        assert list(before) == places
        assert (before[places[0]] == watched.hooks._before_step) is runs
        taken, _ = watched.step()
        assert taken.updates == 1
        assert (taken.reading is not None) is runs


class CallsItsBase(torch.optim.SGD):
    """An optimizer whose step is wrapped twice by PyTorch."""

    def step(self, closure: Any = None) -> Any:
        return super().step(closure)


def test_an_update_of_an_optimizer_that_calls_its_base_class_counts_once() -> None:
    watched = Watched(lambda held: CallsItsBase(held, lr=0.1))
    watched.loss().backward()
    for listens in (True, False, False):
        watched.hooks.listen(reading=listens, busy=False)
        assert watched.step()[0].updates == 1


def test_a_gauge_that_raises_is_switched_off_and_steps_go_on_counting(monkeypatch: pytest.MonkeyPatch) -> None:
    watched = Watched()
    watched.loss().backward()

    def fail(*_: object) -> None:
        raise ValueError("no more")

    with monkeypatch.context() as patch:
        patch.setattr(watched.gauge, "read", fail)
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            watched.optimizer.step()
    assert [str(each.message).count("no more") for each in said] == [1]
    assert watched.hooks.take()[:3] == (1, (0.1,), None)
    watched.optimizer.step()
    assert watched.hooks.take()[:3] == (1, (0.1,), None)


def test_who_listens_is_called_around_the_update_where_something_is_due() -> None:
    watched = Watched()
    seen: list[object] = []
    watched.hooks.before.append(lambda: seen.append(watched.tensors[0].sum().item()))
    watched.hooks.after.append(lambda: seen.append(float(np.asarray(watched.gauge.update[0]).sum())))
    watched.loss().backward()
    start = watched.tensors[0].sum().item()
    watched.optimizer.step()
    assert seen[0] == start
    assert seen[1] == pytest.approx(watched.tensors[0].sum().item() - start)
    watched.hooks.busy = False
    watched.optimizer.step()
    assert len(seen) == 2
    watched.hooks.remove()
    watched.optimizer.step()
    assert watched.hooks.take().updates == 2


class Polyak(torch.optim.SGD):
    """Takes its loss, not a closure."""

    def step(self, loss: torch.Tensor) -> None:
        assert isinstance(loss, torch.Tensor)
        super().step()


def test_what_is_no_closure_is_passed_on_as_it_is() -> None:
    watched = Watched(lambda tensors: Polyak(tensors, lr=0.1))
    loss = watched.loss()
    loss.backward()
    watched.optimizer.step(loss)
    assert watched.hooks.take().updates == 1


def test_a_closure_is_called_as_the_optimizer_calls_it() -> None:
    class Asks(torch.optim.SGD):
        def step(self, closure: Callable[..., torch.Tensor]) -> torch.Tensor:
            loss = closure(backward=True)
            super().step()
            return loss

    watched = Watched(lambda tensors: Asks(tensors, lr=0.1))
    asked = []

    def closure(backward: bool = False) -> torch.Tensor:
        asked.append(backward)
        loss = watched.loss()
        loss.backward()
        return loss

    watched.optimizer.step(closure)
    assert asked == [True]
    assert watched.hooks.take().reading is not None


def test_a_hook_that_clips_is_seen_although_it_came_later() -> None:
    watched = Watched()
    watched.optimizer.register_step_pre_hook(lambda *_: nn.utils.clip_grad_norm_(watched.tensors, 1e-3) and None)
    watched.hooks.come_last()
    watched.loss().backward()
    watched.optimizer.step()
    squares = np.array(watched.hooks.take().reading).reshape(SUMS, -1)[0].sum()
    assert squares**0.5 == pytest.approx(1e-3, rel=1e-3)
