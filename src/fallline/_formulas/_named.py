"""Surfaces that textbooks use, by name: their formulas, where a descent usually starts, and their minima.

Rosenbrock 1960; Himmelblau 1972; Rastrigin 1974 (here with A = 10 in two parameters).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from fallline._records import Floats

HIMMELBLAU = (
    (3.0, 2.0),
    (-2.805118086952745, 3.131312518250573),
    (-3.779310253377747, -3.283185991286170),
    (3.584428340330492, -1.848126526964404),
)
"""The four zeros of both squares: (3, 2) by eye, the others the real roots of the quartic that is left."""
RASTRIGIN_REACH = 5
"""Its usual square has a minimum near every pair of whole numbers up to this one."""


@dataclass(frozen=True)
class Surface:
    """A formula that has a name."""

    name: str
    text: str
    start: tuple[float, ...]
    minima: tuple[tuple[float, ...], ...] = ()
    """Every minimum that is known, the lowest first."""
    square: tuple[float, float] | None = None
    """Lowest and highest value of both parameters where it is usually drawn, None where there is no usual square."""


def _rastrigin_minima() -> tuple[tuple[float, ...], ...]:
    """One near each pair of whole numbers: zeros of x + 10π·sin(2πx), by Newton's method from the whole number."""
    x: Floats = np.arange(-RASTRIGIN_REACH, RASTRIGIN_REACH + 1, dtype=np.float64)
    for _ in range(20):
        x = x - (x + 10 * np.pi * np.sin(2 * np.pi * x)) / (1 + 20 * np.pi**2 * np.cos(2 * np.pi * x))
    pairs = [(float(w), float(b)) for w in x for b in x]
    return tuple(sorted(pairs, key=lambda pair: (round(pair[0] ** 2 + pair[1] ** 2, 9), pair)))


NAMED: Mapping[str, Surface] = {
    surface.name: surface
    for surface in (
        Surface("parabola", "(w - 3)^2", (5.0,), ((3.0,),)),
        Surface("ravine", "(100*w^2 + b^2)/2", (1.0, 10.0), ((0.0, 0.0),)),
        Surface("rosenbrock", "(1 - w)^2 + 100*(b - w^2)^2", (-1.2, 1.0), ((1.0, 1.0),)),
        Surface("saddle", "w^2 - b^2", (1.0, 0.001)),
        Surface("himmelblau", "(w^2 + b - 11)^2 + (w + b^2 - 7)^2", (0.0, 0.0), HIMMELBLAU, (-5.0, 5.0)),
        Surface(
            "rastrigin",
            "20 + w^2 - 10*cos(2*pi*w) + b^2 - 10*cos(2*pi*b)",
            (2.2, -1.3),
            _rastrigin_minima(),
            (-5.12, 5.12),
        ),
    )
}
