"""Which parameters are kept, their bytes, the copies from before an alarm.

docs/semantics.md#parts-of-an-update-effective-step-snapshots
"""

import gc
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from fallline._errors import OptionError
from fallline._recorder._snapshots import (
    IN_FLIGHT_BYTES,
    LONGEST,
    START,
    Allowance,
    Copies,
    RecentCopies,
    SnapshotSchedule,
    arrival,
    in_flight,
    left_out,
    on_their_way,
    step_before,
)


def scheduled(room: int, longest: float = LONGEST) -> list[int]:
    schedule = SnapshotSchedule(room)
    steps: list[int] = []
    step: float = START
    while (step := schedule.after(int(step))) <= longest:
        steps.append(int(step))
    return steps


@given(st.integers(min_value=-3, max_value=2_000))
def test_ten_million_steps_fit(room: int) -> None:
    steps = scheduled(room)
    assert len(steps) <= max(0, room)
    assert steps == sorted(set(steps))
    assert all(step >= 0 for step in steps)


@given(st.integers(min_value=-3, max_value=500), st.integers(min_value=-1, max_value=10**8))
def test_the_schedule_goes_on_after_a_resumption_as_it_would_have(room: int, step: int) -> None:
    """It depends on nothing but the step."""
    following = SnapshotSchedule(room).after(step)
    assert following > step
    assert following == next((each for each in scheduled(room, 10**9) if each > step), following)


def test_most_of_the_room_is_used() -> None:
    for room in (4, 8, 30, 60, 100, 300):
        assert len(scheduled(room)) >= min(room / 3, 100)
    assert scheduled(10_000)[:15] == [*range(15)]
    assert scheduled(10_000)[16:24] == [17, 19, 20, 22, 24, 26, 29, 32]


def test_round_steps_where_there_is_room_for_few() -> None:
    assert scheduled(14) == [0, *(4**k for k in range(12))]
    assert scheduled(5) == [0, 1, 256, 65_536]


def test_the_budget_is_for_start_end_alarm_and_schedule() -> None:
    assert Allowance(99, 100).left == 0
    assert Allowance(199, 100).left == 0  # one alone shows no way
    few = Allowance(250, 100)
    assert (few.left, few.for_schedule, few.for_alarm) == (2, False, True)
    assert few.schedule.after(START) == math.inf
    assert Allowance(600, 100).schedule.after(START) == 0
    assert Allowance(600, 0).left == 0


def test_what_does_not_fit_is_said() -> None:
    assert left_out(200, 100) is None
    said = left_out(64 << 20, 94_000_000)
    assert said == "Parameters are not kept: a start and an end need 188 MB, snapshots= allows 67 MB."


def tensors_of_every_kind() -> list[nn.Parameter]:
    torch.manual_seed(2)
    return [
        nn.Parameter(torch.randn(3, 4).t()),
        nn.Parameter(torch.randn(5).bfloat16()),
        nn.Parameter(torch.randn(2, dtype=torch.complex64)),
        nn.Parameter(torch.tensor([True, False, True]), requires_grad=False),
        nn.Parameter(torch.tensor(1.5, dtype=torch.float64)),
        nn.Parameter(torch.tensor([math.nan, -0.0, math.inf]).half()),
        nn.Parameter(torch.zeros(0)),
        nn.Parameter(torch.randn(2, 3, 4, 4).to(memory_format=torch.channels_last)),
    ]


def test_bytes_of_every_dtype_in_the_order_of_the_parameters() -> None:
    tensors = tensors_of_every_kind()
    copies = Copies(tensors)
    buffer = copies.buffer()
    assert copies.take(buffer) is None
    expected = b"".join(each.detach().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes() for each in tensors)
    snapshot = copies.handed_out(7, buffer)
    assert snapshot.step == 7
    assert snapshot.values.dtype == np.uint8
    assert snapshot.values.tobytes() == expected
    assert len(expected) == copies.size


def test_a_copy_stays_as_it_was_taken() -> None:
    tensor = nn.Parameter(torch.ones(3))
    copies = Copies([tensor])
    buffer = copies.buffer()
    copies.take(buffer)
    with torch.no_grad():
        tensor.fill_(9.0)
    assert copies.handed_out(0, buffer).values.view(np.float32).tolist() == [1.0, 1.0, 1.0]
    assert tensor.grad is None


def test_a_parameter_that_has_become_another_kind() -> None:
    model = nn.Linear(2, 1)
    copies = Copies(list(model.parameters()), ["weight", "bias"])
    model.to(torch.float64)
    with pytest.raises(OptionError, match=r"weight was float32 \(1, 2\) and is float64 \(1, 2\) now\."):
        copies.take(copies.buffer())


@pytest.mark.slow
def test_only_so_many_wait_to_be_written() -> None:
    copies = Copies([nn.Parameter(torch.zeros(IN_FLIGHT_BYTES // 4))])
    waiting = [copies.handed_out(k, copies.buffer()) for k in range(in_flight(copies.size))]
    assert len(waiting) == 2
    assert not copies.room
    del waiting[0]
    gc.collect()
    assert copies.room


def test_small_ones_may_wait_in_numbers() -> None:
    copies = Copies([nn.Parameter(torch.zeros(2))])
    waiting = [copies.handed_out(k, copies.buffer()) for k in range(1000)]
    assert len(waiting) == 1000
    assert copies.room


def test_nothing_to_wait_for_on_the_host() -> None:
    assert arrival([torch.zeros(1)]) is None


@pytest.mark.parametrize("spacing", [1, 3, 10, 100])
def test_there_always_is_a_copy_from_before(spacing: int) -> None:
    """And at most twice the spacing old."""
    tensor = nn.Parameter(torch.zeros(1))
    recent = RecentCopies(Copies([tensor]), spacing)
    recent.keep(START)
    for step in range(4 * spacing + 5):
        if step > 0:
            kept = step_before(step, recent.steps)  # what broke, broke at this step
            assert kept is not None
            assert kept < step
            assert step - kept <= max(2, 2 * spacing)
        if step >= recent.next:
            tensor.data.fill_(step)
            recent.keep(step)


@given(st.integers(0, 50), st.lists(st.integers(-1, 60)))
def test_the_last_from_before(first_step: int, steps: list[int]) -> None:
    """The loss of the step was computed from the parameters of the one right before it: those are the last choice."""
    found = step_before(first_step, steps)
    assert found is None or found in steps
    assert (found is None) == all(step >= first_step for step in steps)
    if found is not None and found < first_step - 1:
        assert not any(found < step < first_step - 1 for step in steps)
    if found == first_step - 1:
        assert not any(step < found for step in steps)


def test_a_copy_given_away_is_not_overwritten() -> None:
    tensor = nn.Parameter(torch.zeros(1))
    recent = RecentCopies(Copies([tensor]), 2)
    for step in (0, 2):
        tensor.data.fill_(step)
        recent.keep(step)
    held = recent.give(0)
    assert held is not None
    for step in (4, 6, 8):
        tensor.data.fill_(step)
        recent.keep(step)
    assert held[0].view(torch.float32).item() == 0.0
    assert recent.give(0) is None


def test_before_the_first_copy_there_is_none() -> None:
    recent = RecentCopies(Copies([nn.Parameter(torch.zeros(1))]), 5)
    assert recent.steps == ()
    assert step_before(3, recent.steps) is None
    recent.keep(3)
    assert recent.steps == (3,)


@given(st.integers(1, 1 << 32), st.integers(0, 1 << 30))
def test_no_more_wait_than_the_schedule_has(size: int, budget: int) -> None:
    """A snapshot of a small model needs room for itself, not for as many as memory would hold."""
    allowance = Allowance(budget, size)
    everything = len(scheduled(allowance.left - 3)) + 3
    assert on_their_way(size, budget) >= size * min(in_flight(size), allowance.left, everything)
    assert on_their_way(size, budget) <= size * min(in_flight(size), allowance.left, 16 * 24 + 5)


def test_two_numbers_need_kilobytes() -> None:
    assert on_their_way(8, 64 << 20) < 4_000


@pytest.mark.parametrize("device", ["cpu", "mps", "xpu", "cuda"])
def test_only_where_somebody_waits_for_it_a_copy_is_still_on_its_way(
    monkeypatch: pytest.MonkeyPatch, device: str
) -> None:
    """``arrival`` waits for CUDA alone: from elsewhere the copy is there when ``take`` returns."""
    asked: list[bool] = []
    plain = torch.Tensor.copy_

    def copy(into: torch.Tensor, source: torch.Tensor, non_blocking: bool = False) -> torch.Tensor:
        asked.append(non_blocking)
        return plain(into, source)

    where = torch.device(device)
    elsewhere = type("Elsewhere", (nn.Parameter,), {"device": where})  # as if it lay there
    copies = Copies([nn.Parameter(torch.ones(2))])
    copies._tensors = (elsewhere(torch.ones(2)),)
    monkeypatch.setattr(torch.Tensor, "copy_", copy)
    monkeypatch.setattr("fallline._recorder._snapshots.arrival", lambda _: None)
    copies.take(copies.buffer())
    assert asked == ([] if device == "cpu" else [device == "cuda"])  # few bytes of the host are copied without PyTorch
    monkeypatch.setattr("fallline._recorder._snapshots.SMALL", 0)
    asked.clear()
    copies.take(copies.buffer())
    assert asked == [device == "cuda"]
