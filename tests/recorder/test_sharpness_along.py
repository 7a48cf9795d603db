"""Sharpness along a loop; docs/semantics.md#sharpness-along-a-loop."""

import json
import math
import sqlite3
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import fallline as fl
from fallline._curvature import frozen_limit, preconditioner, provable_limit
from fallline._recorder._guard import Guard
from fallline._recorder._sharpness_along import SharpnessAlong
from fallline._records import EventKind, LimitKind, Recording
from fallline._store import read_recording
from watched_loops import LOOPS, batches, left_behind, nothing, seed

MeanSquare = nn.MSELoss()
OFF = "From here on the sharpness could not be measured"


class Line:
    """Full-batch training of a small network on a line; what an oracle says after each step."""

    def __init__(self, kind: type[torch.optim.Optimizer] = torch.optim.SGD, **options: Any) -> None:
        torch.manual_seed(0)
        self.x = torch.linspace(-1, 1, 8, dtype=torch.float64)[:, None]
        self.model = nn.Sequential(nn.Linear(1, 6), nn.Tanh(), nn.Linear(6, 1)).double()
        self.optimizer = kind(self.model.parameters(), **({"lr": 0.1} | options))
        self.optimizers = [self.optimizer]
        self.broken = False
        self.objective = fl.Objective(self.model, self.loss, (self.x, 2 * self.x))

    def loss(self, output: Tensor, y: Tensor) -> Tensor:
        if self.broken:
            raise KeyError("from somebody's own loss")
        return MeanSquare(output, y)

    def step(self, report: Callable[..., None], *, updates: bool = True) -> None:
        self.model.zero_grad()
        loss = MeanSquare(self.model(self.x), 2 * self.x)
        loss.backward()
        for optimizer in self.optimizers if updates else ():
            optimizer.step()
        report(loss)

    def watched(self, run: Path, steps: int, each: Callable[[int], None] = nothing, **settings: Any) -> Recording:
        settings = {"objective": self.objective, "sharpness_every": 1, "quiet": True} | settings
        with fl.watch(self.model, self.optimizers, run=run, **settings) as watch:
            for number in range(steps):
                self.step(watch.step)
                each(number)
        return read_recording(run)

    def hessian(self) -> np.ndarray:
        return self.objective.hessian(torch.cat([each.detach().ravel() for each in self.model.parameters()]).numpy())


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return tmp_path / "run.db"


def texts(recording: Recording) -> list[str]:
    return [event.text for event in recording.events if event.kind is EventKind.NOTE]


@pytest.mark.slow
def test_it_is_the_largest_eigenvalue_where_the_model_stands_after_the_step(run: Path) -> None:
    line, truth = Line(momentum=0.5), []
    recording = line.watched(run, 5, lambda _: truth.append(np.linalg.eigvalsh(line.hessian())[-1]))
    series = recording.sharpness
    assert series.step.tolist() == [0, 1, 2, 3, 4]
    assert series.sharpness == pytest.approx(truth, rel=0.01)
    limits = [provable_limit("SGD", {"momentum": 0.5}, value).value for value in truth]
    assert series.limit == pytest.approx(limits, rel=0.01)
    assert series.share == pytest.approx(0.1 / np.array(limits), rel=0.01)
    assert series.edge == pytest.approx(2 * 1.5 / 0.1)
    assert series.kind(0) is LimitKind.PROVABLE
    assert series.converged.all()
    assert (series.error <= 0.01 * series.sharpness).all()
    assert not series.preconditioned.any()
    assert recording.summary is not None
    assert recording.summary.cost.by_instrument["sharpness"] > 0


@pytest.mark.slow
def test_of_adam_it_is_that_of_its_preconditioner_of_this_moment(run: Path) -> None:
    line, truth = Line(torch.optim.Adam, lr=0.01), []

    def oracle(_: int) -> None:
        truth.append(frozen_limit("Adam", {}, line.hessian(), preconditioner(line.optimizer)).value)

    series = line.watched(run, 4, oracle).sharpness
    assert series.limit == pytest.approx(truth, rel=0.01)
    assert series.edge == pytest.approx(38 / 0.01)
    assert series.kind(3) is LimitKind.FROZEN
    assert series.preconditioned.all()


def test_later_measurements_are_warm(run: Path) -> None:
    """They begin with what the first one found, which took more products."""
    first, *later = Line().watched(run, 6).sharpness.products.tolist()
    assert max(later) < first


@pytest.mark.slow
def test_by_the_schedule_unless_told(run: Path) -> None:
    steps = Line().watched(run, 20, sharpness_every=None).sharpness.step.tolist()
    assert steps == [*range(8), 8, 10, 12, 14, 16]


def test_nothing_before_the_first_update(run: Path) -> None:
    """Adam has no preconditioner then."""
    line = Line(torch.optim.Adam)
    with fl.watch(
        line.model, line.optimizer, run=run, objective=line.objective, sharpness_every=2, quiet=True
    ) as watch:
        for number in range(6):
            line.step(watch.step, updates=number >= 3)
    recording = read_recording(run)
    assert recording.sharpness.step.tolist() == [3, 4]
    assert not texts(recording)


def test_a_loss_that_is_not_finite_has_a_sharpness_of_nan_and_the_next_is_measured(run: Path) -> None:
    line = Line()
    sound = {name: tensor.clone() for name, tensor in line.model.state_dict().items()}

    def harm(number: int) -> None:
        line.model.load_state_dict(sound)
        if number == 1:
            line.model[0].weight.data.fill_(float("nan"))

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        recording = line.watched(run, 5, harm)
    series = recording.sharpness
    assert np.isnan(series.sharpness).tolist() == [False, False, True, False, False]
    assert series.limit_measured.tolist() == [True, True, False, True, True]
    assert np.isnan(series.share[2])
    assert OFF not in "".join(texts(recording))


def test_one_that_breaks_is_switched_off_with_one_warning_and_a_mark(run: Path) -> None:
    line = Line()

    def harm(number: int) -> None:
        line.broken = number >= 1

    with pytest.warns(fl.FalllineWarning, match=OFF) as told:
        recording = line.watched(run, 6, harm)
    assert len(told) == 1
    assert recording.sharpness.step.tolist() == [0, 1]
    assert len(recording) == 6
    assert [OFF in text for text in texts(recording)] == [True]


class Asked:
    """A pace that is always due, and remembers when it was asked."""

    def __init__(self) -> None:
        self.steps: list[int] = []
        self.booked: list[str] = []

    def due(self, instrument: str, step: int) -> bool:
        self.steps.append(step)
        return instrument == "sharpness"

    def spent(self, instrument: str, seconds: float) -> None:
        assert seconds > 0
        self.booked.append(instrument)


def test_a_due_step_is_handed_on_and_one_that_is_switched_off_asks_for_nothing() -> None:
    """With a budget, asking is what makes a step due."""
    line, pace = Line(), Asked()
    along = SharpnessAlong(
        fl.track_sharpness(line.objective), line.objective, line.optimizers, pace=pace, guard=Guard()
    )
    for step in (0, 1, 2):
        along.prepare(step)
    assert (pace.steps, along.next) == ([0], 0)
    assert len(along.take(2)) == 1
    assert (along.next, pace.booked) == (math.inf, ["sharpness"])
    line.broken = True
    along.prepare(3)
    with pytest.warns(fl.FalllineWarning, match=OFF):
        assert along.take(3) == ()
    along.prepare(4)
    assert (pace.steps, along.next) == ([0, 3], math.inf)


@pytest.mark.parametrize(
    ("kind", "why"), [(torch.optim.Adagrad, "No limit is known for Adagrad."), (None, "Several optimizers")]
)
def test_without_a_known_limit_the_sharpness_of_the_loss_is_tracked_and_why_is_told_once(
    kind: type[torch.optim.Optimizer] | None, why: str, run: Path
) -> None:
    line = Line(kind or torch.optim.SGD)
    if kind is None:
        line.optimizers = [torch.optim.SGD(line.model[k].parameters(), lr=0.1) for k in (0, 2)]
    recording = line.watched(run, 3)
    series = recording.sharpness
    assert series.sharpness[-1] == pytest.approx(np.linalg.eigvalsh(line.hessian())[-1], rel=0.01)
    assert not series.limit_measured.any()
    assert series.kind(0) is None
    assert len(texts(recording)) == 1
    assert texts(recording)[0].startswith(why)


@pytest.mark.slow
def test_resumed_it_goes_on(run: Path) -> None:
    line = Line()
    line.watched(run, 3)
    line.watched(run, 2, resume=True)
    series = read_recording(run).sharpness
    assert series.step.tolist() == [0, 1, 2, 3, 4]
    assert series.sharpness[-1] == pytest.approx(np.linalg.eigvalsh(line.hessian())[-1], rel=0.01)
    line.watched(run, 1, resume=True, resume_at=2)
    assert read_recording(run).sharpness.step.tolist() == [0, 1, 2]


def test_within_a_budget_it_is_spaced(run: Path) -> None:
    series = Line().watched(run, 60, budget=1e-6, sharpness_every=None).sharpness
    assert series.step.tolist() == [0]


def test_without_room_it_is_left_out_and_said(run: Path) -> None:
    recording = Line().watched(run, 2, memory=2_000)
    assert not len(recording.sharpness)
    assert any(
        said.startswith("The sharpness is not tracked: it needs") for said in recording.header.instruments.left_out
    )


def test_the_header_says_what_is_tracked(run: Path) -> None:
    instruments = Line().watched(run, 1).header.instruments
    assert instruments.objective == "19 parameters, 8 rows in 1 batch, mean over rows"
    assert instruments.sharpness_every == 1


def test_without_an_objective_there_is_nothing_of_it(run: Path) -> None:
    recording = Line().watched(run, 3, objective=None, sharpness_every=None)
    assert not len(recording.sharpness)
    assert recording.header.instruments.objective is None
    assert recording.summary is not None
    assert "sharpness" not in recording.summary.cost.by_instrument
    with sqlite3.connect(run) as file:
        assert file.execute("SELECT count(*) FROM block WHERE series = 'sharpness'").fetchone() == (0,)


def test_a_file_from_before_it_still_opens(run: Path) -> None:
    Line().watched(run, 3)
    with sqlite3.connect(run) as file:
        (blocks,) = file.execute("SELECT group_concat(id) FROM block WHERE series = 'sharpness'").fetchone()
        file.execute(f"DELETE FROM chunk WHERE block IN ({blocks})")  # noqa: S608  (numbers of our own)
        file.execute(f"DELETE FROM block WHERE id IN ({blocks})")  # noqa: S608  (the same)
        header = json.loads(file.execute("SELECT value FROM meta WHERE key = 'header'").fetchone()[0])
        for name in ("objective", "sharpness_every"):
            del header["instruments"][name]
        file.execute("UPDATE meta SET value = ? WHERE key = 'header'", (json.dumps(header),))
    recording = fl.load(run)
    assert (len(recording), len(recording.sharpness)) == (3, 0)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"objective": MeanSquare}, r"objective= is an fl.Objective\(model, loss_fn, data\)"),
        ({"objective": None}, "sharpness_every= goes with objective="),
        ({"sharpness_every": 0}, "sharpness_every= is a number of steps"),
        ({"sharpness_every": 2.5}, "sharpness_every= is a number of steps"),
    ],
)
def test_what_cannot_be_used_is_refused_before_the_first_step(
    settings: dict[str, Any], sentence: str, run: Path
) -> None:
    with pytest.raises(fl.OptionError, match=sentence):
        Line().watched(run, 1, **settings)
    assert not run.exists()


def test_an_objective_of_another_model_is_refused(run: Path) -> None:
    with pytest.raises(fl.OptionError, match="another model than the one that is watched"):
        Line().watched(run, 1, objective=Line().objective)
    assert not run.exists()


# -- do no harm --------------------------------------------------------------------------------------------------------

FAST = ("SGD with momentum", "dropout and batch norm", "autocast to bfloat16", "a rate that ends in NaN")
APART = (
    "random numbers of python and numpy",  # no function of the parameters
    "sparse gradients, SGD",
    "sparse gradients, SparseAdam",
    "two optimizers against each other",
    "convolutions with channels last",
)
"""Whose models an objective refuses, or which take other rows."""


def train(name: str, steps: int, run: Path | None, times: int = 1) -> dict[str, Any]:
    """Everything that the loop leaves behind; ``times`` the rows make the objective's data."""
    seed()
    loop = LOOPS[name]()
    x, y = (each.repeat(times, *[1] * (each.dim() - 1)) for each in next(batches()))
    dtype = next(loop.model.parameters()).dtype
    objective = fl.Objective(
        loop.model, nn.functional.cross_entropy, [(x[:5].to(dtype), y[:5]), (x[5:].to(dtype), y[5:])]
    )
    if run is None:
        for step in range(steps):
            loop.turn(step, nothing)
    else:
        with fl.watch(
            loop.model, loop.optimizers, run=run, quiet=True, objective=objective, sharpness_every=2
        ) as watch:
            for step in range(steps):
                loop.turn(step, watch.step)
    return left_behind(loop)


def assert_the_same(name: str, steps: int, run: Path, times: int = 1) -> None:
    bare, watched = train(name, steps, None, times), train(name, steps, run, times)
    assert [what for what in bare if bare[what] != watched[what]] == []
    recording = fl.load(run)
    assert len(recording.sharpness)
    assert OFF not in "".join(texts(recording))


@pytest.mark.slow
@pytest.mark.parametrize("name", FAST)
def test_training_is_the_same(name: str, run: Path) -> None:
    assert_the_same(name, 12, run)


@pytest.mark.slow
def test_training_is_the_same_where_the_rows_are_many_enough_to_sample(run: Path) -> None:
    assert_the_same("dropout and batch norm", 6, run, times=100)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in LOOPS if name not in (*FAST, *APART)])
def test_training_is_the_same_whatever_the_loop(name: str, run: Path) -> None:
    assert_the_same(name, 30 if name.startswith("float16") else 12, run)  # a scaler skips some twenty steps at first
