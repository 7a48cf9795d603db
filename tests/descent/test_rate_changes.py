"""A rate that is changed by hand in mid-run: at the update that was named, and nothing before it is another."""

import numpy as np
import pytest
import torch

import fallline as fl
from fallline import OptionError
from fallline._descent import changes_text, make_schedule


@pytest.mark.parametrize("engine", ["loop", "moments"])
def test_the_part_before_a_change_is_the_same_to_the_last_bit(engine: str) -> None:
    plain = fl.fit(epochs=12, engine=engine)
    bent = fl.fit(epochs=12, engine=engine, schedule="changes:5=0.002,9=0.015")
    assert bent.columns.learning_rate.tolist() == [0.01] * 5 + [0.002] * 4 + [0.015] * 3
    assert np.array_equal(bent.columns.parameters[:5], plain.columns.parameters[:5])
    assert not np.array_equal(bent.columns.parameters[5], plain.columns.parameters[5])


def test_steps_are_counted_not_epochs() -> None:
    run = fl.fit(epochs=2, batch_size=25, schedule="changes:3=0.002,5=0.001")
    assert run.columns.learning_rate.tolist() == [0.01] * 3 + [0.002] * 2 + [0.001] * 3
    assert run.columns.epoch.tolist() == [0, 0, 0, 0, 1, 1, 1, 1]


def test_a_step_of_the_new_rate_is_rate_times_slope() -> None:
    run = fl.fit(epochs=4, dtype="float64", schedule="changes:2=0.003", start={"w": 1.0, "b": 0.0})
    moved = run.columns.parameters[2] - run.columns.parameters[1]
    assert moved == pytest.approx(-0.003 * run.columns.gradient[2], rel=1e-12)


def test_on_a_formula_and_from_the_first_step() -> None:
    run = fl.fit(formula="(w - 3)^2", learning_rate=0.1, epochs=3, schedule="changes:0=0.25,1=0.5")
    assert run.columns.parameters[:, 0].tolist() == [4.0, 3.0, 3.0]
    assert run.header.learning_rate == 0.1


def test_other_schedules_are_stepped_once_an_epoch_as_before() -> None:
    run = fl.fit(epochs=2, batch_size=50, schedule="step:step_size=1,gamma=0.5")
    assert run.columns.learning_rate.tolist() == [0.01, 0.01, 0.005, 0.005]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("changes:", "needs at least one change, as in changes:41=0.02"),
        ("changes", "needs at least one change"),
        ("changes:x=0.1", 'not "x=0.1"'),
        ("changes:3", 'not "3"'),
        ("changes:-3=0.1", 'not "-3=0.1"'),
        ("changes:3=0.1,3=0.2", "names step 3 twice"),
        ("changes:3=0", "from step 3 on must be a number above 0"),
        ("changes:3=nan", "must be a number above 0"),
        ("changes:3=1e31", "below 1e\\+30"),
        ("changed:3=0.1", 'There is no schedule "changed".*Did you mean "changes"'),
        ("changes:" + ",".join(f"{step}=1" for step in range(1001)), "at most 1,000 changes"),
    ],
)
def test_changes_that_cannot_be_made(text: str, said: str) -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    with pytest.raises(OptionError, match=said):
        make_schedule(text, optimizer, 20)


def test_the_text_is_read_as_it_is_written() -> None:
    changes = [(3, 1 / 3), (7, 1e-7)]
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    scheduler = make_schedule(changes_text(changes), optimizer, 20)
    assert scheduler is not None
    assert list(scheduler.changes.items()) == changes  # type: ignore[attr-defined]  # RateChanges has them
    assert changes_text([]) == ""
