"""fl.fit on a formula: the smallest example there is, by the same loop and into the same record."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

import fallline as fl
from fallline._descent import optimizer_class
from fallline._fit import objective_of
from fallline._fit._record_problem import problem_of
from fallline._formulas import NAMED, formula
from fallline._records import LimitKind

OPTIMIZERS = ("SGD", "momentum", "nesterov", "Adam", "AdamW", "RMSprop", "Adagrad", "LBFGS", "Rprop")


def test_from_the_right_it_goes_left_and_from_the_left_right() -> None:
    right = fl.fit(formula="(w - 3)^2", start={"w": 5}, learning_rate=0.1, epochs=3)
    left = fl.fit(formula="(w - 3)^2", start={"w": 1}, learning_rate=0.1, epochs=3)
    assert (right.columns.gradient[0, 0], left.columns.gradient[0, 0]) == (4.0, -4.0)
    assert right.columns.parameters[0, 0] == pytest.approx(4.6)
    assert left.columns.parameters[0, 0] == pytest.approx(1.4)
    assert right.columns.loss == pytest.approx([4.0, 2.56, 1.6384])
    assert right.columns.reach == pytest.approx([0.2] * 3, rel=1e-5)
    assert right.columns.full_loss_measured.all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_it_is_the_plain_loop(name: str, dtype: torch.dtype) -> None:
    """Written out with torch alone, bit for bit."""
    point = torch.nn.Parameter(torch.tensor([-1.2, 1.0], dtype=dtype))
    cls, options = optimizer_class(name)
    optimizer = cls([point], lr=1e-4, **options)

    def loss() -> torch.Tensor:
        w, b = point
        return (1 - w) ** 2 + 100 * (b - w**2) ** 2

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        value = loss()
        value.backward()
        return value

    plain = []
    epochs = 4 if name == "LBFGS" else 20  # LBFGS makes up to twenty updates in a step
    for _ in range(epochs):
        optimizer.step(closure)
        plain.append(point.detach().double().tolist())
    run = fl.fit(
        formula="rosenbrock", optimizer=name, learning_rate=1e-4, epochs=epochs, dtype=str(dtype).removeprefix("torch.")
    )
    assert run.columns.parameters == pytest.approx(np.array(plain), rel=1e-5 if dtype is torch.float32 else 1e-12)


@pytest.mark.parametrize("name", tuple(NAMED))
def test_every_named_surface_can_be_descended_on_and_told(name: str, tmp_path: Path) -> None:
    run = fl.fit(formula=name, run=tmp_path, epochs=60)
    assert run.summary.last_loss < run.summary.first_loss
    assert run.summary.outcome is not fl.Outcome.DIVERGED
    assert run.header.start == pytest.approx(NAMED[name].start, rel=1e-6)
    assert (run.header.name, run.header.formula, run.header.rows, run.header.target) == (
        name,
        NAMED[name].text,
        None,
        None,
    )
    assert (run.sample, run.header.batch_size, run.header.full_batch, run.header.steps_per_epoch) == (
        None,
        None,
        True,
        1,
    )
    assert (run.moments is not None) == (name in ("parabola", "ravine"))
    assert str(fl.explain(run))
    assert str(fl.explain(run, step=0))
    assert run.steps.columns[-2 * len(run.header.parameter_names) :][0] == run.header.parameter_names[0]


def test_the_record_is_read_back_as_it_was(tmp_path: Path) -> None:
    run = fl.fit(formula="w^2 + exp(b)", start={"b": -1}, epochs=30, learning_rate=0.1, run=tmp_path / "a.db")
    again = fl.load(tmp_path / "a.db")
    assert again.header == run.header
    assert again.summary == run.summary
    assert (again.sample, again.moments) == (None, None)
    assert again.columns.parameters.tobytes() == run.columns.parameters.tobytes()
    assert objective_of(again).loss([1.0, 0.0])[0] == 2.0
    assert problem_of(again).starting_point(None, seed=0).tolist() == [1.0, 1.0]


def test_an_unfinished_record_is_summarised(tmp_path: Path) -> None:
    from fallline._store import RunWriter

    run = fl.fit(formula="parabola", epochs=5, learning_rate=0.1)
    with RunWriter.create(tmp_path / "a.db", run.header, None, run.moments) as writer:
        writer.append(run.columns)
    killed = fl.load(tmp_path / "a.db")
    assert killed.summary.outcome is fl.Outcome.INTERRUPTED
    assert killed.summary.stability_limit == pytest.approx(1.0)
    assert killed.summary.learned == run.summary.learned


def test_limits_are_provable_on_a_parabola_and_local_elsewhere() -> None:
    exact = fl.fit(formula="ravine", learning_rate=0.01, epochs=5).summary
    assert (exact.limit_kind, exact.stability_limit) == (LimitKind.PROVABLE, pytest.approx(0.02))
    local = fl.fit(formula="himmelblau", learning_rate=0.01, epochs=100).summary
    sharpest = np.linalg.eigvalsh(formula("himmelblau").hessian([3.0, 2.0]))[-1]
    assert (local.limit_kind, local.stability_limit) == (LimitKind.LOCAL, pytest.approx(2 / sharpest, rel=1e-5))


@pytest.mark.slow
def test_the_provable_limit_is_where_runs_begin_to_diverge() -> None:
    for share, diverges in ((0.999, False), (1.001, True)):
        run = fl.fit(formula="ravine", learning_rate=share * 0.02, epochs=2000, dtype="float64")
        grows = abs(run.columns.parameters[-1, 0]) > abs(run.columns.parameters[0, 0])
        assert grows == diverges


OUTCOMES = (
    ({"formula": "(w - 3)^2", "learning_rate": 0.1}, "converged"),
    ({"formula": "himmelblau", "learning_rate": 0.01}, "converged"),
    ({"formula": "rastrigin", "learning_rate": 0.002}, "converged"),
    ({"formula": "w^4", "learning_rate": 0.1}, "descending"),
    ({"formula": "saddle", "learning_rate": 0.05}, "descending"),
    ({"formula": "saddle", "learning_rate": 0.1, "start": {"w": 1, "b": 0}}, "descending"),
    ({"formula": "w^3", "learning_rate": 0.1, "start": {"w": 0}}, "stalled"),
    ({"formula": "rosenbrock", "learning_rate": 0.01}, "diverged"),
    ({"formula": "w - 10", "learning_rate": 0.1}, "descending"),
    ({"formula": "w - 10", "learning_rate": 1e-4, "epochs": 40}, "descending"),
    ({"formula": "w^2 - 5", "learning_rate": 1.001, "epochs": 300}, "diverged"),
    ({"formula": "log(w)", "learning_rate": 0.5}, "diverged"),
    ({"formula": "abs(w)", "learning_rate": 0.3, "epochs": 400}, "stalled"),
    ({"formula": "sqrt(w - 100)", "learning_rate": 0.1, "epochs": 5}, "diverged"),
)


@pytest.mark.parametrize(("settings", "outcome"), OUTCOMES, ids=str)
def test_outcomes(settings: dict[str, object], outcome: str) -> None:
    run = fl.fit(**settings)
    assert run.summary.outcome.value == outcome
    assert str(fl.explain(run))
    for step in (0, len(run) // 2, -1):
        assert str(fl.explain(run, step=step))


def test_a_start_that_is_not_given_is_the_usual_one_and_the_seed_changes_nothing() -> None:
    runs = [fl.fit(formula="ravine", start={"b": 4}, seed=seed, epochs=2, learning_rate=0.01) for seed in (0, 1)]
    assert runs[0].header.start == runs[1].header.start == (1.0, 4.0)


def test_measurements_are_those_of_the_formula() -> None:
    run = fl.fit(formula="rosenbrock", learning_rate=1e-3, epochs=50)
    path = run.trajectory
    surface = formula("rosenbrock")
    assert run.columns.full_loss == pytest.approx(surface.loss(path[1:]), rel=1e-12)
    assert run.columns.real_change == pytest.approx(np.diff(surface.loss(path)), rel=1e-9)
    assert run.columns.gradient == pytest.approx(surface.gradient(path[:-1]), rel=1e-3, abs=1e-4)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"formula": "w^2", "data": fl.line()}, "together with a table"),
        ({"formula": "w^2", "target": "y"}, "leave out --target"),
        ({"formula": "w^2", "features": ["x"]}, "leave out --features"),
        ({"formula": "w^2", "drop_missing": True}, "leave out --drop-missing"),
        ({"formula": "w^2", "standardise": False}, "leave out --standardise"),
        ({"formula": "w^2", "batch_size": 3}, "leave out --batch-size"),
        ({"formula": "w^2", "loss": "mae"}, "leave out --loss mae"),
        ({"formula": "w^2", "engine": "moments"}, "leave out --engine"),
        ({"formula": "w^2", "start": {"v": 1}}, 'no parameter "v" to start from: this formula has w'),
        ({"formula": "w^2", "start": {"w": math.nan}}, "start w=nan is not a finite number"),
        ({"formula": "rosenbrok"}, 'Did you mean "rosenbrock"'),
        ({"formula": 3}, "given as text"),
        ({"formula": "w^2", "optimizer": "Muon"}, "Muon cannot descend on this formula: it is made for matrices"),
    ],
)
def test_what_does_not_go_together_gets_one_sentence(settings: dict[str, object], said: str) -> None:
    with pytest.raises(fl.OptionError, match=said) as caught:
        fl.fit(**settings)
    assert "\n" not in str(caught.value)
