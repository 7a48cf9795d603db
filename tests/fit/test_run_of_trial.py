"""One rate of a sweep as a record: what a fit at that rate would have recorded, and a header that is true."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import fallline as fl
from fallline._fit import float64_rounding, run_of_trial
from fallline._records import Outcome, Run, SweepResult, Zone
from fallline._sweep import objective_of


def _run(result: SweepResult, index: int) -> Run:
    objective = objective_of(result)
    assert objective is not None
    return run_of_trial(result, objective, index)


@pytest.mark.parametrize("settings", [{}, {"formula": "himmelblau"}], ids=["line", "himmelblau"])
def test_it_is_what_a_fit_at_this_rate_records(settings: dict[str, Any]) -> None:
    result = fl.sweep(**settings, epochs=12)
    index = result.example_of_zone[Zone.JUST_RIGHT]
    run = _run(result, index)
    start = dict(zip(result.parameter_names, result.start.tolist(), strict=True))
    fitted = fl.fit(**settings, epochs=12, learning_rate=float(result.rates[index]), start=start, dtype="float64")
    for name in ("epoch", "learning_rate", "loss", "real_change", "first_order_change", "full_loss", "gradient"):
        assert np.allclose(getattr(run.columns, name), getattr(fitted.columns, name), rtol=1e-6, atol=1e-9), name
    assert run.columns.reach_measured.tolist() == fitted.columns.reach_measured.tolist()
    measured = fitted.columns.reach_measured
    assert np.allclose(run.columns.reach[measured], fitted.columns.reach[measured], rtol=1e-4)


def test_its_header_is_that_of_a_fit() -> None:
    result = fl.sweep(batch_size=25, epochs=6)
    header = _run(result, 0).header
    fitted = fl.fit(batch_size=25, epochs=6, learning_rate=float(result.rates[0]), dtype="float64").header
    own = {"started", "versions", "start", "start_loss", "notes"}
    for name in set(header.__dataclass_fields__) - own:
        assert getattr(header, name) == getattr(fitted, name), name
    assert header.started is None
    assert header.start == tuple(result.start.tolist())


@pytest.mark.slow
def test_it_ends_at_the_first_number_that_is_not_finite_and_before_a_gap() -> None:
    result = fl.sweep(epochs=12, learning_rates=[0.01, 1e60])
    broken = _run(result, 1)
    assert broken.summary is not None
    assert broken.summary.outcome is Outcome.DIVERGED
    assert len(broken) < 12
    assert broken.columns.first_not_finite == len(broken) - 1
    kept = np.array([0, 1, 2, 5, 6])
    part = replace(result, kept_steps=kept, losses=result.losses[kept], trajectories=result.trajectories[kept])
    assert len(_run(part, 0)) == 2


def test_rounding_is_the_problem_s_own_at_float64() -> None:
    run = fl.fit(epochs=3)
    before = run.trajectory[:-1]
    update = np.diff(run.trajectory, axis=0)
    inputs = np.column_stack([run.sample.features, np.ones(len(run.sample.target))])
    slope = 2 * (np.sqrt(run.columns.loss) + np.sqrt(np.mean(run.sample.target**2)))
    expected = 4 * 2.0**-52 * (np.abs(update) @ np.sqrt(np.mean(inputs**2, axis=0))) * slope
    assert float64_rounding(run, before, update, run.columns.loss) == pytest.approx(expected)


def test_of_somebody_s_own_loss_there_is_no_record() -> None:
    result = replace(fl.sweep(epochs=3), source=None)
    with pytest.raises(ValueError, match="own loss function"):
        _run(result, 0)
