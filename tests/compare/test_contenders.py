"""Which optimizers can be compared, and what is said of those that cannot."""

from typing import Any

import pytest
import torch

import fallline as fl
from fallline._compare._contenders import MOST, entries
from fallline._errors import DataError, OptionError

WEIGHTS = [torch.nn.Parameter(torch.zeros(1, 2)), torch.nn.Parameter(torch.zeros(1))]


def test_names_are_classes_or_what_people_call_them() -> None:
    found = entries(["SGD", "nesterov", "AdamW"], {}, WEIGHTS)
    assert [(one.label, one.optimizer, dict(one.options)) for one in found] == [
        ("SGD", "SGD", {}),
        ("nesterov", "SGD", {"momentum": 0.9, "nesterov": True}),
        ("AdamW", "AdamW", {}),
    ]


def test_options_belong_to_one_optimizer_and_show_in_its_label() -> None:
    found = entries(["sgd", "momentum", "adam"], {"momentum": {"momentum": "0.5"}, "Adam": {"eps": 1e-3}}, WEIGHTS)
    assert [one.label for one in found] == ["SGD", "momentum momentum=0.5", "Adam eps=0.001"]
    assert [dict(one.options) for one in found] == [{}, {"momentum": 0.5}, {"eps": 1e-3}]


def test_lbfgs_takes_one_gradient_a_step_unless_told() -> None:
    assert entries(["lbfgs", "sgd"], {}, WEIGHTS)[0].options == {"max_iter": 1}
    assert entries(["lbfgs", "sgd"], {"lbfgs": {"max_iter": 4}}, WEIGHTS)[0].options == {"max_iter": 4}


def test_lbfgs_with_one_iteration_evaluates_one_gradient_a_step() -> None:
    parameter = torch.nn.Parameter(torch.tensor([1.0, 2.0]))
    optimizer = torch.optim.LBFGS([parameter], lr=0.1, max_iter=1)
    seen = []

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = (parameter**2).sum()
        loss.backward()
        seen.append(loss.item())
        return loss

    for _ in range(7):
        optimizer.step(closure)
    assert len(seen) == 7


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "unknown": ({"optimizers": ("sgd", "adm")}, 'Did you mean "Adam"'),
    "twice": ({"optimizers": ("sgd", "adam", "SGD")}, '"sgd" is named 2 times'),
    "the same under two names": (
        {"optimizers": ("sgd", "momentum"), "options": {"sgd": {"momentum": 0.9}}},
        "the same optimizer with the same options",
    ),
    "one": ({"optimizers": ("sgd",)}, "Between 2 and 12"),
    "none": ({"optimizers": ()}, "Between 2 and 12"),
    "too many": ({"optimizers": tuple(f"a{k}" for k in range(MOST + 1))}, "not 13"),
    "text": ({"optimizers": "sgd,adam"}, "as a list of names"),
    "Muon": ({"optimizers": ("sgd", "muon")}, "Muon"),
    "option for another": ({"options": {"adm": {"eps": 1}}}, 'Did you mean "adam"?'),
    "unknown option": ({"options": {"adam": {"beta": 1}}}, 'Did you mean "betas"?'),
    "lr": ({"options": {"adam": {"lr": 1}}}, "learning rate"),
    "option out of range": ({"options": {"adam": {"eps": -1.0}}}, "Adam"),
    "goal 0": ({"goal": 0}, "between 0 and 1"),
    "goal 1": ({"goal": 1.0}, "between 0 and 1"),
    "goal NaN": ({"goal": float("nan")}, "between 0 and 1"),
    "two trials": ({"trials": 2}, "from 3 to 1,000"),
    "half a trial": ({"trials": 10.5}, "whole number"),
    "no epochs": ({"epochs": 0}, "1 or more"),
    "rate 0": ({"rate": 0.0}, "above 0"),
    "rate beyond": ({"rate": 1e31}, "below 1e+30"),
    "NaN rate": ({"rate": float("nan")}, "above 0"),
    "no seeds": ({"seeds": 0}, "number of seeds"),
    "batches of a formula": ({"formula": "ravine", "batch_size": 2}, "no rows"),
    "LBFGS with batches": ({"optimizers": ("sgd", "lbfgs"), "batch_size": 5}, "full batch only"),
    "a start without a slope": ({"formula": "(w - 3)^2", "start": {"w": 3.0}}, "no slope"),
    "a start that is no number": ({"formula": "log(w)", "start": {"w": -1.0}}, "not a finite number"),
    "unknown formula": ({"formula": "rosenbrok"}, 'Did you mean "rosenbrock"?'),
    "unknown start": ({"formula": "ravine", "start": {"q": 1.0}}, '"q"'),
    "unknown loss": ({"loss": "mze"}, "no loss"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_compared_is_refused_in_one_sentence(case: str) -> None:
    settings, expected = REFUSED[case]
    with pytest.raises((OptionError, DataError)) as refused:
        fl.compare(**settings)
    assert expected in str(refused.value)
    assert "\n" not in str(refused.value)
