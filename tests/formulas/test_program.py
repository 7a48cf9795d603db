"""A formula written as Python: the same value as the formula, and nothing that Python would choke on."""

import math

import pytest
import torch

from fallline._formulas import FUNCTIONS, formula, python_text


@pytest.mark.parametrize(
    "text",
    ["(w − 3)²", "rosenbrock", "rastrigin", "2^0.5*w + e^w/pi", "abs(w) - sqrt(4)*b", "w^(1/3) - -b", "cos(2*pi) + w"],
)
def test_the_text_says_the_same(text: str) -> None:
    surface = formula(text)
    point = torch.tensor([0.3, 0.7, 1.1][: surface.parameter_count], dtype=torch.float64)
    names = {**FUNCTIONS, "pi": math.pi, "e": math.e, **dict(zip(surface.parameter_names, point, strict=True))}
    value = eval(python_text(surface.text), {"__builtins__": {"float": float}}, names)  # noqa: S307  (our own text)
    assert float(value) == pytest.approx(float(surface.loss(point.numpy())[0]), rel=1e-14)


def test_a_tower_of_powers_is_a_number_already() -> None:
    assert python_text("w^2 + 9^9^9") == "w ** 2 + float('inf')"
    assert python_text("(0 - 1)^0.5 * w") == "float('nan') * w"
