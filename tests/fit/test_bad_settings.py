"""A setting that cannot be used gets one clear sentence, and nothing is left behind."""

from pathlib import Path

import numpy as np
import pytest
import torch

import fallline as fl
from cases import OVERLAPPING, TILTED

BAD = (
    ({"learning_rate": 0}, "must be a finite number above 0, not 0. With 0 nothing would move."),
    ({"learning_rate": -1}, "must be a finite number above 0, not -1"),
    ({"learning_rate": float("nan")}, "must be a finite number above 0, not nan"),
    ({"learning_rate": float("inf")}, "must be a finite number above 0, not inf"),
    ({"learning_rate": "fast"}, 'must be a number above 0, or auto, not "fast"'),
    ({"learning_rate": [0.1]}, "must be a number above 0, or auto"),
    ({"learning_rate": 10**400}, "must be a number above 0, or auto"),
    ({"learning_rate": 1e300}, "must be below 1e+30, not 1e+300"),
    ({"epochs": 0}, "epochs must be a whole number, 1 or more, not 0"),
    ({"epochs": -3}, "epochs must be a whole number, 1 or more, not -3"),
    ({"epochs": 2.5}, "epochs must be a whole number, 1 or more, not 2.5"),
    ({"epochs": "3"}, "epochs must be a whole number, 1 or more"),
    ({"batch_size": 0}, "batch size must be a whole number, 1 or more, not 0"),
    ({"batch_size": 2.5}, "batch size must be a whole number, 1 or more, not 2.5"),
    ({"seed": 2**64}, "seed must be a whole number of at most 63 bits"),
    ({"seed": 1.5}, "seed must be a whole number"),
    ({"seed": "a"}, "seed must be a whole number"),
    ({"dtype": "float16"}, 'There is no dtype "float16" here: use float32 or float64'),
    ({"dtype": torch.float64}, "The dtype is given by its name, in quotation marks, not as torch.float64"),
    ({"loss": "mes"}, 'There is no loss "mes": use one of mse, mae, huber, bce. Did you mean "mse"'),
    ({"optimizer": "adm"}, 'torch.optim has no optimizer "adm"'),
    ({"optimizer": "Muon"}, "Muon cannot train this neuron"),
    ({"optimizer": "SparseAdam"}, "SparseAdam cannot train this neuron"),
    ({"optimizer_options": {"lr": 0.1}}, "The option lr is the learning rate: give it as learning_rate"),
    ({"optimizer_options": {"momentum": -1}}, "Invalid momentum value: -1"),
    ({"optimizer_options": {"nesterov": True}}, "Nesterov momentum requires a momentum"),
    ({"schedule": "cosin"}, 'There is no schedule "cosin"'),
    ({"schedule": "step:step_size=0"}, "The schedule step:step_size=0 cannot be used for 3 epochs"),
    ({"start": {"ww": 1.0}}, 'There is no parameter "ww" to start from: this neuron has w, b. Did you mean "w"?'),
    ({"start": {"w": float("nan")}}, "The start w=nan is not a finite number"),
    ({"start": {"b": float("-inf")}}, "The start b=-inf is not a finite number"),
    ({"start": {"w": 1e300}}, "The start w=1e+300 is not a finite number in float32"),
    ({"start": {"w": "a"}}, "The start w=a is not a finite number"),
    ({"start": [1, 2]}, "The start is given by name"),
    ({"optimizer": torch.optim.SGD}, "The optimizer is given by its name, in quotation marks, not as <class"),
    ({"schedule": None}, "The schedule is given by its name, in quotation marks, not as None"),
    ({"loss": None}, "The loss is given by its name, in quotation marks, not as None"),
    ({"optimizer_options": [1]}, "The options of SGD are given by name"),
    ({"schedule": "onecycle:cycle_momentum=true"}, "a schedule here changes the learning rate alone"),
)


@pytest.mark.parametrize(("setting", "said"), BAD, ids=lambda value: str(value)[:40])
def test_one_clear_sentence_and_nothing_left(setting: dict[str, object], said: str, tmp_path: Path) -> None:
    place = tmp_path / "run.db"
    with pytest.raises(fl.OptionError) as caught:
        fl.fit(TILTED.data, **{"epochs": 3, "run": place, **setting})
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_columns_without_a_table() -> None:
    with pytest.raises(fl.OptionError, match="without a table"):
        fl.fit(target="y")


def test_bce_demands_classes() -> None:
    with pytest.raises(fl.DataError, match=r"bce needs a target of 0 and 1, but \"y\" holds"):
        fl.fit(TILTED.data, loss="bce")
    with pytest.raises(fl.DataError, match="needs a target of 0 and 1"):
        fl.fit((OVERLAPPING.features, 2 * OVERLAPPING.target), loss="bce")


def test_whole_numbers_of_numpy_are_whole_numbers() -> None:
    assert len(fl.fit(TILTED.data, epochs=np.int64(3), batch_size=np.int32(12), seed=np.int64(1))) == 6


LARGE = 1.0 + np.arange(6.0)


@pytest.mark.parametrize(
    ("target", "feature", "options"),
    [
        (1e39, 1.0, {}),
        (1e25, 1.0, {}),
        (1.0, 1e39, {"standardise": False}),
        (1.0, 1e25, {"standardise": False}),
        (1e39, 1.0, {"loss": "mae"}),
        (1.0, 1e39, {"loss": "huber", "standardise": False}),
    ],
)
def test_numbers_beyond_the_dtype_are_refused_by_column(
    target: float, feature: float, options: dict[str, object]
) -> None:
    data = (feature * LARGE[:, None], target * LARGE**2)
    name = "y" if target > 1 else "x"
    with pytest.raises(fl.DataError, match=rf'Column "{name}" holds .* in float32: .* --dtype float64'):
        fl.fit(data, epochs=3, **options)
    assert fl.fit(data, epochs=3, dtype="float64", **options).summary.outcome is not fl.Outcome.DIVERGED


@pytest.mark.slow
def test_large_numbers_that_the_dtype_can_hold_are_trained_on() -> None:
    assert fl.fit((LARGE[:, None], 1e15 * LARGE**2)).summary.outcome is fl.Outcome.CONVERGED
    assert fl.fit((1e30 * LARGE[:, None], LARGE**2)).summary.outcome is fl.Outcome.CONVERGED
    assert np.isfinite(fl.fit((LARGE[:, None], 1e25 * LARGE**2), loss="mae", learning_rate=1.0).columns.loss).all()


def test_a_run_place_is_a_file_only_if_its_name_ends_in_db(tmp_path: Path) -> None:
    assert Path(fl.fit(epochs=1, run=tmp_path / "results.2024").path).parent == tmp_path / "results.2024"
    assert fl.fit(epochs=1, run=tmp_path / "first.db").path == str(tmp_path / "first.db")
