"""When instruments are due: by step counts, or within a budget of measured time; docs/semantics.md#when-it-measures."""

import pytest

from fallline._recorder import _pace
from fallline._recorder._pace import NORMS, SAME_BATCH, SHARPNESS, Pace
from fallline._recorder._schedule import is_due

BATCH = 0.050
PARTS = 0.010


class Loop:
    """A loop under a clock of its own: every step takes ``step``, its row ``row``, each instrument its price."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, pace: Pace, *, step: float, row: float, norms: float) -> None:
        self.now, self.pace, self.step, self.row, self.norms = 100.0, pace, step, row, norms
        self.measured: dict[str, list[int]] = {NORMS: [], SAME_BATCH: [], "parts": []}
        self.looked = 0
        monkeypatch.setattr(_pace.time, "perf_counter", lambda: self.now)

    def run(self, steps: int, prices: dict[str, float]) -> None:
        pace, look_at, due = self.pace, 0, []
        reads = True
        for number in range(steps):
            self.now += self.step
            in_hooks = self.norms if reads else 0.0
            self.now += in_hooks
            entered = self.now
            pace.enter(entered)
            self.now += self.row
            for instrument in due:
                self.now += prices[instrument]
                pace.spent(instrument, prices[instrument])
                self.measured[instrument].append(number)
            if reads:
                self.measured[NORMS].append(number)
            read = reads
            due = []
            if number + 1 >= look_at and entered >= pace.earliest:
                self.looked += 1
                look_at = pace.look(number + 1)
                due = [instrument for instrument in prices if pace.due(instrument, number + 1)]
                reads = pace.due(NORMS, number + 1) or bool(due)
                pace.settle()
                look_at = number + 2 if due else look_at
            pace.leave(in_hooks, read)

    @property
    def share(self) -> float:
        found = self.pace.cost().share
        assert found is not None
        return found


def test_every_spaces_its_own_instrument_alone() -> None:
    pace, due = Pace(6, None, 10), {SAME_BATCH: [], SHARPNESS: [], "parts": []}
    step = 0
    while step < 31:
        for instrument, steps in due.items():
            steps.extend([step] if pace.due(instrument, step) else [])
        step = pace.look(step)
    assert due[SAME_BATCH] == [0, 6, 12, 18, 24, 30]
    assert due[SHARPNESS] == [0, 10, 20, 30]
    assert due["parts"] == [step for step in range(31) if is_due(step, density=4)]


def test_within_a_budget_each_turn_is_taken_once() -> None:
    pace = Pace(None, 1.0, 10)
    assert [step for step in range(30) if pace.due(SHARPNESS, step)] == [0, 10, 20]


def test_without_a_budget_the_schedule_decides() -> None:
    pace = Pace(None, None)
    for step in range(5_000):
        assert pace.due(NORMS, step)
        assert pace.due(SAME_BATCH, step) == is_due(step, density=8)
        assert pace.due("parts", step) == is_due(step, density=4)
    every = Pace(3, None)
    assert [step for step in range(10) if every.due(SAME_BATCH, step)] == [0, 3, 6, 9]
    assert [step for step in range(16, 24) if every.due("parts", step)] == [16, 20]


@pytest.mark.parametrize("every", [None, 1, 5, 7, 4096])
def test_nothing_is_due_between_two_looks(every: int | None) -> None:
    pace = Pace(every, None)
    step = looks = 0
    while step < 20_000:
        following = pace.look(step)
        assert following > step
        between = range(step + 1, following)
        assert not any(pace.due(name, k) for k in between for name in (SAME_BATCH, "parts", "other"))
        step, looks = following, looks + 1
    assert looks < (1_000 if every in (None, 4096) else 20_001)


@pytest.mark.parametrize("budget", [0.02, 0.1])
def test_what_is_measured_stays_within_the_budget(budget: float, monkeypatch: pytest.MonkeyPatch) -> None:
    loop = Loop(monkeypatch, Pace(None, budget), step=0.010, row=1e-5, norms=1e-4)
    loop.run(20_000, {SAME_BATCH: BATCH, "parts": PARTS})
    assert 0.95 * budget < loop.share <= budget
    assert len(loop.measured[NORMS]) > 10_000  # cheap, so they may all be taken
    gaps = [b - a for a, b in zip(loop.measured[SAME_BATCH], loop.measured[SAME_BATCH][1:], strict=False)]
    assert max(gaps[3:]) < 4 * BATCH / budget / 0.010


@pytest.mark.slow
def test_nobody_starves_where_all_are_dear(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = Loop(monkeypatch, Pace(None, 0.02), step=1e-3, row=1e-6, norms=1e-4)
    loop.run(100_000, {SAME_BATCH: 5e-3, "parts": 2e-3})
    assert loop.share <= 0.02
    spent = {
        name: len(steps) * price for (name, steps), price in zip(loop.measured.items(), (1e-4, 5e-3, 2e-3), strict=True)
    }
    third = sum(spent.values()) / 3
    assert all(0.5 * third < each < 2 * third for each in spent.values()), spent


@pytest.mark.slow
def test_where_the_rows_alone_use_it_up_an_eighth_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = Loop(monkeypatch, Pace(None, 0.02), step=1e-4, row=1e-5, norms=1e-5)
    loop.run(100_000, {SAME_BATCH: 1e-3})
    spaced = len(loop.measured[NORMS]) * 1e-5 + len(loop.measured[SAME_BATCH]) * 1e-3
    assert spaced == pytest.approx(0.0025 * 100_000 * 1e-4, rel=0.2)
    assert loop.measured[SAME_BATCH][-1] > 90_000


def test_spacing_follows_the_price(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = Loop(monkeypatch, Pace(None, 0.02), step=0.010, row=1e-6, norms=1e-6)
    loop.run(10_000, {SAME_BATCH: 0.1})
    dear = len(loop.measured[SAME_BATCH])
    loop.measured[SAME_BATCH].clear()
    loop.run(10_000, {SAME_BATCH: 0.01})
    assert len(loop.measured[SAME_BATCH]) > 5 * dear


def test_every_and_a_budget_both_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = Loop(monkeypatch, Pace(50, 0.02), step=0.010, row=1e-6, norms=1e-6)
    loop.run(10_000, {SAME_BATCH: 0.02})
    assert len(loop.measured[SAME_BATCH]) > 50
    turns = [step // 50 for step in loop.measured[SAME_BATCH]]
    assert len(set(turns)) == len(turns)  # at most once for every 50 steps, and a turn that was missed is made up for


def test_every_is_not_starved_by_others(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = Loop(monkeypatch, Pace(50, 0.05), step=0.010, row=1e-6, norms=1e-6)
    loop.run(3_000, {SAME_BATCH: 0.005, "parts": 0.002})
    assert len(loop.measured[SAME_BATCH]) > 50


def test_every_and_a_budget_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no room for the norms, nothing else asks when the next turn comes."""
    now, pace, measured = [100.0], Pace(50, 0.5), []
    monkeypatch.setattr(_pace.time, "perf_counter", lambda: now[0])
    for step in range(500):
        now[0] += 0.010
        pace.enter(now[0])
        if now[0] >= pace.earliest:
            pace.look(step)
            if pace.due(SAME_BATCH, step):
                measured.append(step)
                pace.spent(SAME_BATCH, 0.001)
            pace.settle()
        pace.leave(0.0, False)
    assert [step // 50 for step in measured] == list(range(10))


def test_asking_is_paid_for_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a measurement is cheap and asking what is due is dear, that is not asked at every step."""
    looked = []
    for row in (1e-6, 1e-4):
        loop = Loop(monkeypatch, Pace(None, 0.02), step=1e-3, row=row, norms=1e-4)
        loop.run(20_000, {})
        looked.append(loop.looked)
    assert looked[1] < looked[0] / 2


def test_a_look_is_not_taken_at_every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = Loop(monkeypatch, Pace(None, 0.02), step=1e-3, row=1e-6, norms=4e-4)
    loop.run(10_000, {SAME_BATCH: 5e-3})
    assert loop.looked < 5_000


def test_a_pause_of_the_loop_buys_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = []
    for pause in (0.0, 1000.0):
        loop = Loop(monkeypatch, Pace(None, 0.02), step=0.010, row=1e-6, norms=1e-6)
        loop.run(1_000, {SAME_BATCH: 0.02})
        loop.now += pause
        loop.run(1_000, {SAME_BATCH: 0.02})
        counts.append(len(loop.measured[SAME_BATCH]))
    assert counts[1] <= counts[0] + 1


def test_the_books(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [10.0]
    monkeypatch.setattr(_pace.time, "perf_counter", lambda: now[0])
    pace = Pace(None, None)
    assert pace.cost().share is None
    for _ in range(2):
        now[0] += 1.0
        pace.spent("parts", 0.25)  # in a hook, before watch.step
        pace.enter(now[0])
        now[0] += 0.5
        pace.spent(SAME_BATCH, 0.375)
        pace.leave(0.0625, True)
    cost = pace.cost()
    assert cost.by_instrument == {"parts": 0.5, SAME_BATCH: 0.75, NORMS: 0.125, "every step": 0.25}
    assert cost.seconds == 1.625
    assert cost.loop_seconds == 2.0
