"""docs/semantics.md#engine: a long loop over many rows is told of the other engine before it begins."""

from typing import Any

import numpy as np
import pytest

import fallline as fl
from fallline._fit import _proposal

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 2))
DATA = (X, X @ [1.0, -2.0] + RNG.normal(size=60))


def told(monkeypatch: pytest.MonkeyPatch, numbers: int = 180, **settings: Any) -> list[tuple[str, int]]:
    """The notices of one run, each with the steps that had been made by then."""
    monkeypatch.setattr(_proposal, "MANY_NUMBERS", numbers)
    seen: list[tuple[str, int]] = []
    done = [0]

    def progress(steps: int, _total: int, _loss: float) -> None:
        done[0] = steps

    fl.fit(DATA, **{"epochs": 20, "learning_rate": 0.1, **settings},
           progress=progress, notice=lambda text: seen.append((text, done[0])))  # fmt: skip
    return seen


def test_it_is_said_once_before_the_first_step_with_what_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    ((text, steps),) = told(monkeypatch)
    assert steps == 0
    assert "20 steps will go over 60 rows of 3 columns: 20 passes" in text
    assert "--engine moments makes one pass" in text


@pytest.mark.parametrize(
    "settings",
    [{"engine": "moments"}, {"batch_size": 10}, {"loss": "mae"}, {"epochs": 9}, {"numbers": 181}],
    ids=lambda settings: next(iter(settings)),
)
def test_where_it_would_not_serve_or_not_matter_nothing_is_said(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any]
) -> None:
    assert told(monkeypatch, **settings) == []


def test_a_batch_of_all_rows_is_full_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(told(monkeypatch, batch_size=60)) == 1


def test_a_formula_has_no_rows() -> None:
    seen: list[str] = []
    fl.fit(formula="ravine", epochs=20, learning_rate=0.01, notice=seen.append)
    assert seen == []
