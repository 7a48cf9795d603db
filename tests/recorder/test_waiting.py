"""The shortest way of a step takes what the longer way would have recorded, and leaves the rest to it."""

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.overrides import TorchFunctionMode

import fallline as fl
from fallline._recorder._gauges import gauge_of
from fallline._recorder._guard import Guard
from fallline._recorder._hooks import OptimizerHooks
from fallline._recorder._quiet_update import QuietUpdate
from fallline._recorder._rows import Row
from fallline._recorder._waiting import WaitingSteps

LOSS = torch.tensor(0.5)


def made(rates: tuple[float, ...] | None = (0.1,)) -> tuple[WaitingSteps, QuietUpdate, Guard]:
    guard = Guard()
    update = QuietUpdate(1, otherwise=pytest.fail, rates_now=lambda: (0.1,))
    update.rates = rates
    waiting = WaitingSteps(5, 0.0, guard, update)
    waiting.let_wait(to=7, until=math.inf, below=1.0)
    return waiting, update, guard


def test_a_quiet_step_becomes_a_row_and_waits() -> None:
    waiting, update, _ = made()
    assert waiting.take(LOSS)
    rows, in_calls, in_hooks = waiting.end()
    assert isinstance(rows[0], Row)
    assert rows[0]._replace(seconds=0.0) == Row(5, 0.0, 0.5, (0.1,), (1,), (None,), finite=True)
    assert (waiting.step, update.rates, waiting.rows, in_hooks) == (6, None, [], 0.0)
    assert in_calls > 0.0


def test_only_so_many_wait() -> None:
    waiting, update, _ = made()
    taken = []
    for _ in range(4):
        update.rates = (0.1,)
        taken.append(waiting.take(LOSS))
    assert taken == [True, True, False, False]


class Raising(TorchFunctionMode):
    """A mode of the user's in which nothing can be asked of a tensor."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        del func, types, args, kwargs
        raise LookupError("not here")


@pytest.mark.parametrize(
    "loss",
    [
        None,
        0.5,
        torch.nn.Parameter(torch.tensor(0.5)),
        torch.ones(2),
        torch.tensor(1),
        torch.tensor(1j),
        torch.tensor(0.5, device="meta"),
        torch.tensor(math.nan),
        torch.tensor(math.inf),
        torch.tensor(2.0),
    ],
    ids=str,
)
def test_what_is_not_a_calm_number_is_left(loss: Any) -> None:
    waiting, update, _ = made()
    assert not waiting.take(loss)
    assert (waiting.step, update.rates, waiting.rows) == (5, (0.1,), [])


def test_what_raises_is_left() -> None:
    waiting, _, _ = made()
    with Raising():
        assert not waiting.take(LOSS)
    assert waiting.take(LOSS)


def no_update(waiting: WaitingSteps, update: QuietUpdate, guard: Guard) -> None:
    update.rates = None


def too_late(waiting: WaitingSteps, update: QuietUpdate, guard: Guard) -> None:
    waiting.let_wait(to=7, until=-math.inf, below=1.0)


def something_to_say(waiting: WaitingSteps, update: QuietUpdate, guard: Guard) -> None:
    guard.said.append("a mark")


def closed(waiting: WaitingSteps, update: QuietUpdate, guard: Guard) -> None:
    waiting.close()


@pytest.mark.parametrize("change", [no_update, too_late, something_to_say, closed])
def test_a_step_that_may_not_wait_is_left(change: Callable[[WaitingSteps, QuietUpdate, Guard], None]) -> None:
    waiting, update, guard = made()
    change(waiting, update, guard)
    assert not waiting.take(LOSS)
    assert waiting.rows == []


@pytest.fixture
def listener() -> Iterator[tuple[OptimizerHooks, torch.optim.Optimizer]]:
    held = [torch.nn.Parameter(torch.ones(2))]
    optimizer = torch.optim.SGD(held, lr=0.1)
    hooks = OptimizerHooks(optimizer, gauge_of(held, [0], optimizer), Guard())
    hooks.listen(reading=False, busy=False)
    yield hooks, optimizer
    hooks.remove()


def test_a_quiet_update_has_its_own_rate(listener: tuple[OptimizerHooks, torch.optim.Optimizer]) -> None:
    """A scheduler's step comes between the update and its row."""
    hooks, optimizer = listener
    optimizer.step()
    optimizer.param_groups[0]["lr"] = 0.01
    assert hooks.quiet.rates == (0.1,)
    taken = hooks.take()
    assert (taken.updates, taken.rates, taken.reading, hooks.quiet.rates) == (1, (0.1,), None, None)
    optimizer.step()
    assert hooks.take().rates == (0.01,)


def test_two_updates_of_one_row(listener: tuple[OptimizerHooks, torch.optim.Optimizer]) -> None:
    hooks, optimizer = listener
    optimizer.step()
    optimizer.param_groups[0]["lr"] = 0.01
    optimizer.step()
    taken = hooks.take()
    assert (taken.updates, taken.rates) == (2, (0.01,))


def test_one_plain_update_after_one_that_a_scaler_has_looked_at(
    listener: tuple[OptimizerHooks, torch.optim.Optimizer],
) -> None:
    hooks, optimizer = listener
    optimizer.found_inf = torch.tensor(0.0)
    hooks.quiet.after_step(optimizer, (), {})
    del optimizer.found_inf
    optimizer.step()
    assert hooks.quiet.rates is None
    assert hooks.take().updates == 2
    optimizer.step()
    assert hooks.quiet.rates == (0.1,)


def test_an_update_that_a_fused_optimizer_skips_is_none(
    listener: tuple[OptimizerHooks, torch.optim.Optimizer],
) -> None:
    hooks, optimizer = listener
    optimizer.found_inf = torch.tensor(1.0)
    hooks.quiet.after_step(optimizer, (), {})
    del optimizer.found_inf
    assert hooks.quiet.rates is None
    assert hooks.take().updates == 0


def test_a_rate_in_a_tensor_that_changes_in_place(listener: tuple[OptimizerHooks, torch.optim.Optimizer]) -> None:
    hooks, optimizer = listener
    optimizer.param_groups[0]["lr"] = torch.tensor(0.5)
    rates = []
    for _ in range(2):
        optimizer.step()
        rates.append(hooks.take().rates)
        optimizer.param_groups[0]["lr"].mul_(0.5)
    assert rates == [(0.5,), (0.25,)]


def test_odd_groups_are_left_to_the_longer_way(listener: tuple[OptimizerHooks, torch.optim.Optimizer]) -> None:
    hooks, optimizer = listener
    kept, optimizer.param_groups = optimizer.param_groups, []
    hooks.quiet.after_step(optimizer, (), {})
    optimizer.param_groups = kept
    assert hooks.quiet.rates is None


@pytest.mark.slow
def test_the_record_of_a_loop_with_a_budget(tmp_path: Path) -> None:
    """Losses, rates and updates are those of the loop, whichever way a step took."""
    parameter = torch.nn.Parameter(torch.ones(3))
    optimizer = torch.optim.SGD([parameter], lr=0.5)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.99)
    model = torch.nn.ParameterList([parameter])
    losses, rates, updates = [], [], []
    with fl.watch(model, optimizer, run=tmp_path / "a.db", budget=0.02, quiet=True) as watch:
        waiting = watch._steps.waiting
        quickly = 0
        for step in range(600):
            optimizer.zero_grad()
            loss = (parameter * (1 + 0.1 * (step % 3))).square().mean()
            loss.backward()
            repeats = 0 if step % 50 == 7 else 2 if step % 50 == 9 else 1
            for _ in range(repeats):
                optimizer.step()
            rates.append(optimizer.param_groups[0]["lr"])
            schedule.step()
            before = len(waiting.rows)
            watch.step(loss)
            quickly += len(waiting.rows) > before
            losses.append(loss.item())
            updates.append(repeats)
    found = fl.load(tmp_path / "a.db").steps
    assert quickly > 200
    assert found.loss.tolist() == losses
    assert found.updates[:, 0].tolist() == updates
    counted = [made for made in range(600) if updates[made] > 0]
    assert found.learning_rate[counted, 0].tolist() == [rates[step] for step in counted]
    assert found.step.tolist() == list(range(600))
