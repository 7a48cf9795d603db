"""The square of starts on a surface: where it is usually drawn."""

from typing import NamedTuple

from fallline._formulas import Formula

AROUND = 3.0
"""A formula without a square of its own: its start, and this much on either side."""


class Square(NamedTuple):
    """The lowest and the highest value of every parameter."""

    low: float
    high: float

    @property
    def side(self) -> float:
        """Its length."""
        return self.high - self.low

    @property
    def middle(self) -> float:
        """Half-way between its ends."""
        return (self.low + self.high) / 2


def square_of(formula: Formula) -> Square:
    """The square on which this surface is usually drawn; else 3 around its start.

    >>> from fallline._formulas import formula
    >>> square_of(formula("rastrigin")), square_of(formula("(w - 3)^2"))
    (Square(low=-5.12, high=5.12), Square(low=2.0, high=8.0))
    """
    if formula.square is not None:
        return Square(*formula.square)
    start = formula.default_start
    return Square(float(start.min()) - AROUND, float(start.max()) + AROUND)
