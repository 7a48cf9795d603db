"""Remarks on a sweep are true of it, and made only where they hold."""

from dataclasses import replace
from pathlib import Path

import pytest

import fallline as fl
from cases import SEVERAL, TILTED
from explain.measured import parabola_sweep, stalling_sweep
from fallline._explain import ending_sentences, frozen_sentences, number, probe_sentences
from fallline._explain._rates_remarks import condition_numbers
from fallline._records import FloorKind, Landmark, LimitKind, SweepResult, Zone

PENGUINS = Path(__file__).parents[2] / "examples" / "penguins.csv"


@pytest.fixture(scope="module")
def raw() -> SweepResult:
    """Two columns of the penguins as they are: their goal is modest, their bowl a ditch."""
    features = ["flipper_length_mm", "bill_depth_mm"]
    return fl.sweep(PENGUINS, target="body_mass_g", features=features, drop_missing=True, standardise=False)


def test_a_modest_goal_is_named(raw: SweepResult) -> None:
    end = float(raw.trials[1].losses[-1])
    (told,) = ending_sentences(raw)
    assert told.startswith(f"It ends at {number(end)}, {number(end / raw.floor, 2)} times the lowest loss possible, ")
    assert "% of the excess loss at the start is left. --goal 0.9999 asks for 155,000." in told
    harder = fl.sweep(
        PENGUINS,
        target="body_mass_g",
        features=list(raw.features),
        drop_missing=True,
        standardise=False,
        goal=0.9999,
        learning_rates=[1e-5],
    )
    assert number(harder.excess_to_reach) == "155,000"


def test_what_standardising_is_worth_is_measured(raw: SweepResult) -> None:
    fit = fl.fit(PENGUINS, target="body_mass_g", features=list(raw.features), drop_missing=True, epochs=1).summary
    assert raw.moments is not None
    unscaled, standardised = condition_numbers(raw.moments)
    assert unscaled == pytest.approx(fit.raw_condition_number, rel=1e-6)
    assert standardised == pytest.approx(fit.condition_number, rel=1e-6)
    assert f"condition number from {number(unscaled, 2)} to {number(standardised, 2)}." in ending_sentences(raw)[0]
    scaled = fl.sweep(SEVERAL.data, epochs=20)
    assert "Standardising" not in "".join(ending_sentences(scaled))


def test_a_run_that_ends_near_the_lowest_loss_is_not_remarked_on(raw: SweepResult) -> None:
    assert ending_sentences(fl.sweep(TILTED.data)) == []
    assert ending_sentences(replace(raw, floor_kind=FloorKind.LOWEST_SEEN)) == []
    assert ending_sentences(replace(raw, trials=())) == []


def test_a_frozen_limit_that_limits_nothing_is_called_so() -> None:
    made = replace(parabola_sweep(), landmarks=(Landmark("stability limit", 0.2, None, LimitKind.FROZEN),))
    highest = max(r for r, zone in zip(made.rates, made.zone_of_each, strict=True) if zone is Zone.JUST_RIGHT)
    (told,) = frozen_sentences(made)
    assert told.startswith(f"The stability limit 0.2 limits nothing here: {highest:.4g} is just right at ")
    assert told.endswith("and moves with the rate.")
    assert frozen_sentences(stalling_sweep()) == [], "nothing above it is just right"
    assert frozen_sentences(parabola_sweep()) == []


def test_how_the_rates_ran_is_said_plainly() -> None:
    assert probe_sentences(parabola_sweep()) == [
        "All rates ran in one batch; a probe beforehand found the same numbers as single runs."
    ]
    assert probe_sentences(stalling_sweep()) == ["Each rate ran by itself."]
    assert probe_sentences(fl.sweep(learning_rates=0.01, epochs=2)) == []
