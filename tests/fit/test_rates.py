"""A run among its neighbours, for the slider of its report."""

from dataclasses import replace

import numpy as np
import pytest

import fallline as fl
from cases import OVERLAPPING, SEVERAL, TILTED
from fallline._fit import rates_of
from fallline._records import Sample, SweepResult, Zone

SWEPT = (
    {},
    {"learning_rate": 0.02, "optimizer": "momentum"},
    {"optimizer": "Adam", "learning_rate": 0.3, "epochs": 30},
    {"formula": "rosenbrock", "learning_rate": 1e-3},
    {"data": OVERLAPPING.data, "loss": "bce", "epochs": 40},
    {"data": SEVERAL.data, "batch_size": 6, "epochs": 20, "learning_rate": 0.1, "seed": 3},
)


@pytest.mark.parametrize("settings", SWEPT, ids=str)
def test_the_run_s_own_rate_is_one_of_them_and_goes_the_run_s_own_way(settings: dict[str, object]) -> None:
    run = fl.fit(**settings, dtype="float64")
    result = rates_of(run)
    assert isinstance(result, SweepResult)
    place = int(np.flatnonzero(result.rates == run.header.learning_rate)[0])
    assert (result.steps, result.optimizer, len(result.rates) >= 49) == (len(run), run.header.optimizer, True)
    assert result.start.tolist() == list(run.header.start)
    assert result.trajectories[:, place] == pytest.approx(run.trajectory, rel=1e-6, abs=1e-7)
    assert result.final_losses[place] == pytest.approx(run.summary.last_loss, rel=1e-6, abs=1e-12)


def test_the_textbook_line_has_every_zone() -> None:
    result = rates_of(fl.fit())
    assert {Zone.TOO_SMALL, Zone.JUST_RIGHT, Zone.DIVERGING} <= set(result.zone_of_each)


@pytest.mark.slow
def test_why_there_are_none() -> None:
    run = fl.fit(TILTED.data, loss="huber", learning_rate=0.1, epochs=20)
    part = Sample(run.sample.features[:5], run.sample.target[:5], complete=False)
    assert "only a part of the rows" in rates_of(replace(run, sample=part))
    assert "follows a schedule" in rates_of(fl.fit(schedule="cosine", epochs=5))
    assert "fallline sweep" in rates_of(fl.fit(epochs=3000))
    assert "one by one" in rates_of(fl.fit(optimizer="Rprop", learning_rate=0.1, epochs=5))


def test_rows_that_were_only_gathered_do_for_the_full_batch() -> None:
    run = fl.fit(SEVERAL.data, engine="moments", epochs=30)
    part = Sample(run.sample.features[:5], run.sample.target[:5], complete=False)
    result = rates_of(replace(run, sample=part))
    assert isinstance(result, SweepResult)
    assert result.rows == 24
