"""Rules that make tables: small problems whose answer is known.

Numbers are drawn by torch in float32, as the plain training script draws them, and stored as float64, so that
a run on such a table prints the script's numbers.
"""

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from fallline._data._checks import checked_table
from fallline._data._columns import copied, frozen
from fallline._data._source import Choice
from fallline._data._table import Table
from fallline._errors import OptionError
from fallline._records import Floats

if TYPE_CHECKING:
    from torch import Tensor


def line(
    slope: float = 2.0,
    intercept: float = 1.0,
    noise: float = 0.5,
    *,
    points: int = 100,
    low: float = 0.0,
    high: float = 10.0,
    seed: int = 0,
) -> Table:
    """Points near a line: ``y = slope·x + intercept + noise·n``, n standard normal, x from low to high.

    The same numbers as ``torch.manual_seed(seed)`` and then
    ``slope * x + intercept + noise * torch.randn(points, 1)``.
    Raises OptionError for a setting that is not finite, negative noise, under two points, an empty range.

    >>> line(noise=0.0, points=3).target
    array([ 1., 11., 21.])
    """
    import torch

    _check_range(low, high, points)
    _check_finite(slope=slope, intercept=intercept, noise=noise)
    if noise < 0.0:
        raise OptionError(f"noise is {noise:g}: expected 0 or more.")
    x = torch.linspace(low, high, points, dtype=torch.float32, device="cpu").unsqueeze(1)
    y = slope * x + intercept + noise * _normal(points, 1, seed=seed)
    rule = f"y = {_term(slope)}x {_signed(intercept)}" + (f" + {noise:g}·noise" if noise > 0.0 else "")
    table = _table("line", rule, x.double().numpy()[:, 0], y.double().numpy()[:, 0])
    return replace(table, drawn=points, seed=seed)


def classes(
    gap: float = -2.0,
    *,
    spread: float = 1.0,
    points: int = 100,
    seed: int = 0,
) -> Table:
    """Two classes along one feature for a logistic neuron: target 0 on the left, 1 on the right.

    Each class is ``points`` / 2 draws of ``spread``·(standard normal), pushed apart until their nearest
    points are ``gap`` away from one another, the middle at 0. A positive gap makes them separable (the
    loss then has no minimum), a negative one makes them overlap by that much. Raises OptionError for an odd
    number of points.

    >>> table = classes(gap=0.5)
    >>> float(table.features[table.target == 1].min() - table.features[table.target == 0].max())
    0.5
    """
    if points < 4 or points % 2 == 1:
        raise OptionError(f"points is {points}: expected an even number, 4 or more (half of them in each class).")
    _check_finite(gap=gap, spread=spread)
    if spread <= 0.0:
        raise OptionError(f"spread is {spread:g}: expected more than 0.")
    draws = spread * _normal(2, points // 2, seed=seed).double().numpy()
    left = draws[0] - draws[0].max() - gap / 2
    right = draws[1] - draws[1].min() + gap / 2
    target = np.repeat([0.0, 1.0], points // 2)
    state = f"{gap:g} apart" if gap > 0.0 else f"overlapping by {-gap:g}"
    table = _table("classes", f"two classes along x, {state}", np.concatenate([left, right]), target)
    return replace(table, drawn=points, seed=seed)


def with_outliers(table: Table, count: int = 3, distance: float = 10.0, seed: int = 0) -> Table:
    """The table with ``count`` rows, drawn by ``seed``, lifted by ``distance`` deviations of the target.

    What a mean squared error chases, and ``mae`` and ``huber`` do not. The deviation is the population's
    standard deviation. Raises OptionError where ``count`` is not from 1 to N - 1.

    >>> lifted = with_outliers(line(), count=2)
    >>> int((lifted.target != line().target).sum())
    2
    """
    import torch

    if not 0 < count < table.rows:
        raise OptionError(f"count is {count}: expected from 1 to {table.rows - 1}, fewer than the table's rows.")
    _check_finite(distance=distance)
    rows = torch.randperm(table.rows, generator=torch.Generator("cpu").manual_seed(seed), device="cpu")[:count].numpy()
    target = table.target.copy()
    target[rows] += distance * float(table.target.std())
    return replace(table, target_column=(frozen(target),), source=f"{table.source}, {count} outliers")


def _normal(rows: int, columns: int, *, seed: int) -> "Tensor":
    """[rows, columns] standard normal, float32, whatever the program's defaults are."""
    import torch

    generator = torch.Generator(device="cpu").manual_seed(seed)
    return torch.randn(rows, columns, generator=generator, dtype=torch.float32, device="cpu")


def _table(name: str, rule: str, x: Floats, y: Floats) -> Table:
    return checked_table(copied([x, y]), Choice(("x",), "y"), name=name, source=rule)


def _check_range(low: float, high: float, points: int) -> None:
    _check_finite(low=low, high=high)
    if points < 2:
        raise OptionError(f"points is {points}: expected at least 2.")
    if low >= high:
        raise OptionError(f"x goes from {low:g} to {high:g}: expected the first to be the smaller.")


def _check_finite(**values: float) -> None:
    for name, value in values.items():
        if not math.isfinite(value):
            raise OptionError(f"{name} is {value}: expected a finite number.")


def _term(factor: float) -> str:
    """A factor before x, with a true minus sign; 1 is not written."""
    text = "" if abs(factor) == 1.0 else f"{abs(factor):g}"
    return f"−{text}" if factor < 0.0 else text


def _signed(value: float) -> str:
    return f"− {-value:g}" if value < 0.0 else f"+ {value:g}"
