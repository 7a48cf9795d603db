"""Why a rate is recommended: each number in the sentence is one that was measured in this sweep."""

import re
from collections.abc import Sequence

import numpy as np
import pytest

import fallline as fl
from fallline._records import SweepResult, Zone


def steps_said(reason: str) -> tuple[int, int]:
    """The steps of the recommended rate, and the most of those around it, that a reason names."""
    own, most = re.search(r"\S+ needs ([\d,]+) steps?", reason), re.search(r"need at most ([\d,]+)", reason)
    assert own is not None, reason
    assert most is not None, reason
    return int(own[1].replace(",", "")), int(most[1].replace(",", ""))


def steps_measured(result: SweepResult) -> list[int]:
    """To the goal, of the rates inside the recommended interval."""
    assert result.recommended is not None
    inside = (result.rates >= result.recommended.low) & (result.rates <= result.recommended.high)
    return [needed for needed, here in zip(result.steps_to_goal, inside, strict=True) if here and needed is not None]


@pytest.mark.slow
@pytest.mark.parametrize("settings", [{}, {"formula": "abs(w)"}, {"optimizer": "RMSprop"}, {"formula": "himmelblau"}])
def test_the_steps_said_are_those_measured(settings: dict[str, str]) -> None:
    result = fl.sweep(**settings)
    assert result.recommended is not None
    assert steps_said(result.advice) == (result.trials[1].steps_to_goal, max(steps_measured(result)))
    assert max(steps_said(result.advice)) <= result.steps


@pytest.mark.parametrize(
    ("rates", "said"),
    [
        (
            [0.01],
            "0.01 needs 84 steps to the goal (99 % of the excess loss removed); no other rate was swept. "
            "It is 34 % of the stability limit 0.02919.",
        ),
        ([1e-6, 0.01], "; no other of the rates swept is just right"),
    ],
)
def test_only_is_said_of_the_rates_swept(rates: Sequence[float], said: str) -> None:
    result = fl.sweep(learning_rates=rates)
    assert said.replace("84", str(result.steps_to_goal[-1])) in result.advice
    assert "only" not in result.advice


@pytest.mark.slow
def test_a_limit_is_named_by_its_kind() -> None:
    steep = fl.sweep(formula="w^4")
    assert "largest curvature" not in steep.advice
    if steep.recommended is not None and steep.predicted_limit is not None:
        assert "curvature at one place" in steep.advice or " % of the stability limit" in steep.advice
    provable = fl.sweep()
    assert " % of the stability limit 0.02919." in provable.advice


@pytest.mark.slow
def test_a_limit_of_full_batch_is_not_one_of_mini_batches() -> None:
    result = fl.sweep(batch_size=10, epochs=20)
    assert result.recommended is not None
    assert "is that of all rows at once, and no bound for mini-batches." in result.advice
    assert "% of the stability limit" not in result.advice


def test_one_just_right_rate_is_recommended_as_it_was_run() -> None:
    result = fl.sweep(epochs=1)
    assert result.recommended is not None
    assert result.recommended.value == result.recommended.low == result.recommended.high
    assert len(set(result.rates.tolist())) == len({f"{rate:.6g}" for rate in result.rates})


def test_goals_near_one_are_told_from_one() -> None:
    result = fl.sweep(goal=0.999999)
    assert "99.9999 % of the excess loss" in result.advice
    assert "100 %" not in result.advice


@pytest.mark.parametrize(
    ("seeds", "which"), [(3, "the middle run"), (2, "the worse run"), (4, "the worse of the two middle runs")]
)
def test_seeds_are_called_seeds_and_their_middle_is_named(seeds: int, which: str) -> None:
    result = fl.sweep(seeds=seeds, learning_rates="0.001:0.05:5", epochs=30)
    (note,) = [note for note in result.notes if "seeds" in note]
    assert note.startswith(f"{seeds} seeds differ in their start: ")
    assert which in note


@pytest.mark.slow
def test_where_nothing_is_just_right_nothing_is_as_fast_as_that() -> None:
    result = fl.sweep(formula="rosenbrock")
    assert result.recommended is None
    assert not any("just right ones" in note for note in result.notes)


def test_seeds_of_a_formula_start_alike() -> None:
    result = fl.sweep(formula="rosenbrock", seeds=3, learning_rates="0.0001:0.001:4", epochs=20)
    assert any(note.startswith("All 3 seeds start at the same place") for note in result.notes)


class Bowl:
    """A loss function of somebody's own: Σ w²."""

    parameter_count = 3
    optimum = None
    floor = 0.0

    def loss(self, parameters: np.ndarray) -> np.ndarray:
        return (parameters**2).sum(axis=-1)

    def gradient(self, parameters: np.ndarray) -> np.ndarray:
        return 2 * parameters

    def hessian(self, parameters: np.ndarray) -> np.ndarray:
        return 2 * np.eye(len(parameters))

    def change(self, before: np.ndarray, after: np.ndarray) -> np.ndarray:
        return self.loss(after) - self.loss(before)


def test_somebodys_parameters_are_numbered() -> None:
    result = fl.sweep(Bowl(), start=[1.0, 2.0, 3.0], learning_rates=[0.01, 0.1], epochs=30)
    assert result.parameter_names == ("w_0", "w_1", "w_2")
    assert result.zone_of_each[1] is Zone.JUST_RIGHT
    assert fl.sweep(type("Two", (Bowl,), {"parameter_count": 2})(), start=[1, 1], epochs=3).parameter_names == (
        "w_0",
        "w_1",
    )
    assert fl.sweep(type("One", (Bowl,), {"parameter_count": 1})(), start={"w": 2.0}, epochs=3).start.tolist() == [2.0]


@pytest.mark.parametrize("left_out", ["parameter_count", "optimum", "floor", "hessian", "change"])
def test_what_a_loss_function_lacks_is_named(left_out: str) -> None:
    members = {name: value for name, value in vars(Bowl).items() if not name.startswith("__") and name != left_out}
    partly = type("Partly", (), members)()
    with pytest.raises(fl.OptionError, match=rf"Partly lacks {left_out}(\(\))?\.$"):
        fl.sweep(partly, start=[1.0, 2.0, 3.0])


def test_a_table_with_such_columns_is_a_table() -> None:
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame({"loss": [1.0, 2.0, 3.0], "gradient": [1.0, 4.0, 2.0]})
    result = fl.sweep(table, target="loss", learning_rates=[0.1], epochs=3)
    assert result.rows == 3
