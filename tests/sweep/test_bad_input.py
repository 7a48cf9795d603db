"""One clear sentence for each thing that cannot be swept."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch

import fallline as fl
from fallline import OptionError
from fallline._sweep import given_rates


@pytest.mark.parametrize(
    ("rates", "words"),
    [
        ("0.1:0.01:5", "is empty: LOW 0.1 lies above HIGH 0.01"),
        ("0.1:0.2", "is not LOW:HIGH:COUNT"),
        ("0.1:0.2:0", "must be from 1 to 100,000"),
        ("0.1:0.2:-3", "must be from 1 to 100,000"),
        ("0.1:0.2:1e9", "must be a whole number"),
        ("0.1:0.2:1", "one rate is LOW = HIGH"),
        ("0.1:0.1:4", "several need LOW below HIGH"),
        ("0:1:5", "must be a positive number, not 0"),
        ("-1:1:5", "must be a positive number, not -1"),
        ("nan:1:5", "must be a positive number, not nan"),
        ("1e-3:inf:5", "must be a positive number, not inf"),
        ("a:b:5", '"a" in "a:b:5" is not a number'),
        ([], "no learning rates"),
        ([0.1, 0.0], "must be a positive number"),
        ([0.1, float("nan")], "must be a positive number"),
        ([0.1, None], "is not a number"),
        (True, "or a list of numbers"),
        ({0.1: 1}, "or a list of numbers"),
    ],
)
def test_rates(rates: str | Sequence[float], words: str) -> None:
    with pytest.raises(fl.OptionError, match=words.replace("(", r"\(")):
        fl.sweep(learning_rates=rates)


def test_rates_are_put_in_order() -> None:
    assert given_rates([0.3, 0.1, 0.3]).tolist() == [0.1, 0.3]
    assert given_rates(np.array([0.3, 0.1])).tolist() == [0.1, 0.3]
    assert given_rates("0.1:0.1:1").tolist() == [0.1]
    assert given_rates("1e-3:1:4") == pytest.approx([1e-3, 1e-2, 0.1, 1])


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"goal": 0}, "goal"),
        ({"goal": 1}, "goal"),
        ({"goal": float("nan")}, "goal"),
        ({"goal": "most"}, "goal"),
        ({"epochs": 0}, "epochs"),
        ({"epochs": 2.5}, "epochs"),
        ({"seeds": 0}, "seeds"),
        ({"batch_size": 0}, "batch size"),
        ({"seed": 0.5}, "seed"),
        ({"optimizer": "adma"}, 'no optimizer "adma"'),
        ({"optimizer": "Muon"}, "Muon cannot train"),
        ({"optimizer_options": {"betas": 1}}, 'SGD has no option "betas"'),
        ({"optimizer_options": {"momentum": -1}}, "momentum"),
        ({"optimizer": "Adam", "optimizer_options": {"capturable": True}}, "cannot train"),
        ({"loss": "mea"}, "There is no loss"),
        ({"formula": "rosenbrok"}, "rosenbrock"),
        ({"formula": "ravine", "batch_size": 3}, "no rows"),
        ({"start": {"a": 1}}, 'no parameter "a"'),
        ({"start": [1.0, 2.0]}, "by name"),
        ({"target": "y"}, "without a table"),
    ],
)
def test_settings(settings: dict[str, object], words: str) -> None:
    with pytest.raises(fl.OptionError, match=words):
        fl.sweep(**settings)


@pytest.mark.slow
def test_a_start_for_somebodys_loss_function() -> None:
    from fallline._formulas import formula

    ravine = formula("ravine")
    assert fl.sweep(ravine, learning_rates=[0.01], epochs=3).start.tolist() == [1.0, 10.0]
    assert fl.sweep(ravine, start=[2.0, 3.0], learning_rates=[0.01], epochs=3).start.tolist() == [2.0, 3.0]
    assert fl.sweep(ravine, start={"b": 3.0}, learning_rates=[0.01], epochs=3).start.tolist() == [1.0, 3.0]
    for start in ([1.0], [1.0, float("nan")]):
        with pytest.raises(fl.OptionError, match="2 finite numbers"):
            fl.sweep(ravine, start=start)
    with pytest.raises(fl.OptionError, match="leave out the batch size"):
        fl.sweep(ravine, batch_size=4)


def test_rates_come_from_anything_with_a_list_of_numbers() -> None:
    assert given_rates(torch.tensor([0.3, 0.1], dtype=torch.float64)).tolist() == [0.1, 0.3]
    assert given_rates(0.1).tolist() == given_rates(np.float64(0.1)).tolist() == [0.1]
    for wrong in (True, {0.1: 1}, None):
        with pytest.raises(OptionError, match="a list of numbers"):
            given_rates(wrong)


@pytest.mark.parametrize("optimizer", [torch.optim.Adam, None])
def test_an_optimizer_is_given_by_its_name(optimizer: object) -> None:
    with pytest.raises(OptionError, match="The optimizer is given by its name, in quotation marks, not as"):
        fl.sweep(optimizer=optimizer)
    with pytest.raises(OptionError, match="name"):
        fl.compare(optimizers=(optimizer, "sgd"))
