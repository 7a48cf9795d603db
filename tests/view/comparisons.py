"""Small comparisons and answers for the tests of their pages."""

from functools import cache
from typing import Any

import numpy as np

from fallline._compare import compare, objective_of
from fallline._records import Answer, Comparison, Curves, Facts, Mark, Role, Section, Series
from fallline._view._comparison import build_comparison_payload

_SMALL: dict[str, dict[str, Any]] = {
    "ravine": {"formula": "ravine", "optimizers": ["sgd", "momentum", "adam"], "epochs": 20, "seeds": 2},
    "himmelblau": {"formula": "himmelblau", "optimizers": ["sgd", "adam"], "epochs": 20, "seeds": 1},
    "parabola": {"formula": "parabola", "optimizers": ["sgd", "adam"], "epochs": 10, "seeds": 1},
    "batches": {"optimizers": ["sgd", "momentum"], "epochs": 3, "seeds": 2, "batch_size": 25},
    "diverged": {"formula": "ravine", "optimizers": ["sgd", "adam"], "epochs": 250, "seeds": 1, "rate": 0.3},
    "long": {"formula": "ravine", "optimizers": ["sgd", "adam"], "epochs": 450, "seeds": 1},
    "wells": {"formula": "w^2 - b^2 + b^4", "optimizers": ["sgd", "adam"], "epochs": 60, "seeds": 1},
    "three": {"formula": "p^2 + 4*q^2 + 9*r^2", "optimizers": ["sgd", "adam"], "epochs": 12, "seeds": 1,
              "start": {"p": 1.0, "q": 1.0, "r": 1.0}},
}  # fmt: skip


@cache
def comparison(name: str) -> Comparison:
    """A real one, run once."""
    return compare(**_SMALL[name], trials=3)


@cache
def payload(name: str) -> dict[str, Any]:
    """Its payload; not to be changed."""
    found = comparison(name)
    return build_comparison_payload(found, objective_of(found))


def answer() -> Answer:
    """An answer with every kind of exhibit."""
    steps = np.arange(0.0, 201.0)
    climbing = np.where(steps < 90, 10.0 * 1.4**steps, np.inf)
    rates = np.geomspace(1e-5, 0.1, 13)
    return Answer(
        "minus",
        "Why minus?",
        "line",
        "Minus goes down: 4.3 % of the loss is left.",
        (
            Section(
                "Once with minus, once with plus",
                (("The slope is −160.4.", "So w grows."), ("Plus climbs.",)),
                (
                    Curves(
                        "Loss over steps",
                        (
                            Series("minus", steps, 10.0 * 0.9**steps + 0.24),
                            Series("plus", steps, climbing, Role.WRONG),
                        ),
                        "steps taken",
                        "loss",
                        log_y=True,
                        marks=(Mark("best possible", 0.24, "y"),),
                        caption="Both begin at the same point.",
                    ),
                    Facts("Slopes", ("parameter", "slope"), (("w", "−160.4"), ("b", "−24.44")), (False, True)),
                ),
            ),
            Section(
                "How far the promise is off",
                (("The error grows as the square.",),),
                (
                    Curves(
                        "Error of the promise",
                        (
                            Series("measured", rates, 40 * rates**2, points=True),
                            Series("rate squared", rates[[0, -1]], 40 * rates[[0, -1]] ** 2, Role.THEORY),
                            Series("something else", rates, rates, Role.OTHER),
                        ),
                        "rate",
                        "error",
                        log_x=True,
                        log_y=True,
                        marks=(Mark("limit", 0.0292),),
                    ),
                ),
            ),
        ),
    )
