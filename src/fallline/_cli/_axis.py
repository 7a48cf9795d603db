"""One axis of a plot in the terminal: where a value lies, which ticks it has and how they are written."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from fallline._explain import number
from fallline._records import Floats

LARGEST = 1e300
"""Axes end here, so that no span of one overflows; what lies beyond is marked at the edge."""
DECADE_STEPS = (1.0, 2.0, 5.0)


@dataclass(frozen=True)
class Axis:
    """``low`` lies at 0, ``high`` at 1; ``low`` < ``high``, and both above zero on a logarithmic axis."""

    low: float
    high: float
    log: bool = False

    @classmethod
    def around(cls, values: Floats, *, log: bool, low: float | None = None, high: float | None = None) -> "Axis":
        """The axis that shows all of ``values`` that it can show; ``low`` and ``high`` cut it, None leaves it open.

        >>> Axis.around(np.array([1.0, 100.0, np.inf, 0.0]), log=True)
        Axis(low=1.0, high=100.0, log=True)
        >>> Axis.around(np.array([3.0]), log=False)
        Axis(low=2.5, high=3.5, log=False)
        """
        usable = values[np.isfinite(values) & (~np.asarray(log) | (values > 0))]
        bottom = low if low is not None else float(np.min(usable, initial=math.inf))
        top = high if high is not None else float(np.max(usable, initial=-math.inf))
        if not (math.isfinite(bottom) and math.isfinite(top)):
            known = [value for value in (bottom, top) if math.isfinite(value)]
            bottom = top = known[0] if known else 1.0
        bottom, top = (min(max(value, -LARGEST), LARGEST) for value in (bottom, top))
        if log:
            bottom, top = max(bottom, 1 / LARGEST), max(top, 1 / LARGEST)
        if bottom < top:
            return cls(bottom, top, log)
        if log:
            return cls(bottom / 3, bottom * 3, log)
        half = abs(bottom) / 6 or 1.0
        return cls(bottom - half, bottom + half, log)

    def position(self, values: ArrayLike) -> Floats:
        """Where values lie: 0 at ``low``, 1 at ``high``; NaN for what the axis cannot show."""
        given = np.asarray(values, dtype=np.float64)
        with np.errstate(all="ignore"):  # what is not finite, or not above zero on a logarithmic axis, stays so
            if self.log:
                given = np.where(given > 0, given, np.nan)
                return np.asarray((np.log(given) - math.log(self.low)) / (math.log(self.high) - math.log(self.low)))
            half = self.low / 2  # halves: the span of two very large numbers is still finite
            return np.asarray((given / 2 - half) / (self.high / 2 - half))

    def ticks(self, most: int) -> list[float]:
        """At most ``most`` round numbers inside, rising; an end of the axis where none is.

        >>> Axis(0.001, 10.0, log=True).ticks(5)
        [0.001, 0.01, 0.1, 1.0, 10.0]
        >>> Axis(0.0, 7.0).ticks(4)
        [0.0, 2.0, 4.0, 6.0]
        """
        decades = math.log10(self.high / self.low) if self.log else 0.0
        found = self._powers(most) if decades >= 1.5 else self._one_two_five(most) if decades > 0.7 else []
        return found or self._multiples(most) or [self.low]

    def _powers(self, most: int) -> list[float]:
        first, last = (
            math.ceil(math.log10(self.low) - 1e-9),
            math.floor(math.log10(self.high) + 1e-9),
        )
        stride = max(1, math.ceil((last - first + 1) / max(1, most)))
        return [10.0**power for power in range(first, last + 1) if power % stride == 0]

    def _one_two_five(self, most: int) -> list[float]:
        first, last = math.floor(math.log10(self.low)), math.floor(math.log10(self.high))
        every = [float(f"{step}e{power}") for power in range(first, last + 1) for step in DECADE_STEPS]
        inside = [value for value in every if self.low * (1 - 1e-9) <= value <= self.high * (1 + 1e-9)]
        return inside if len(inside) <= most else []

    def _multiples(self, most: int) -> list[float]:
        """Multiples of 1, 2 or 5 times a power of ten."""
        size = math.floor(math.log10(max((self.high / 2 - self.low / 2) / max(1, most), 1e-300)))
        for power in range(size, min(size + 3, 308)):
            for step in DECADE_STEPS:
                unit = step * 10.0**power
                first, last = math.ceil(self.low / unit - 1e-9), math.floor(self.high / unit + 1e-9)
                if last - first + 1 <= most:
                    return [float(f"{k * unit:.12g}") for k in range(first, last + 1)]
        return []


def tick_labels(values: Sequence[float], *, ascii_only: bool = False) -> list[str]:
    """Ticks as they are written: short, with as many digits as it takes to tell them apart.

    >>> tick_labels([1e-7, 25_000.0, 12_345_678.0]), tick_labels([-1e-7, 0.5], ascii_only=True)
    (['10⁻⁷', '25,000', '1.235×10⁷'], ['-1e-7', '0.5'])
    >>> tick_labels([0.240001, 0.240002])
    ['0.240001', '0.240002']
    """
    write = _plain_label if ascii_only else _label
    labels: list[str] = []
    for digits in range(4, 18, 2):
        labels = [write(float(f"{value:.{digits}g}"), digits) for value in values]
        if len(set(labels)) == len(set(values)):
            break
    return labels


def _label(value: float, digits: int) -> str:
    text = number(value, digits)
    if "." in text and "×" not in text:
        text = text.rstrip("0").rstrip(".")
    return text[2:] if text.startswith("1×") else text


def _plain_label(value: float, digits: int) -> str:
    text = f"{value:.{digits}g}" if 1e-4 <= abs(value) < 1e6 or value == 0 else f"{value:.{digits - 1}e}"
    mantissa, letter, power = text.partition("e")
    mantissa = mantissa.rstrip("0").rstrip(".") if letter and "." in mantissa else mantissa
    return f"{mantissa}e{int(power)}" if letter else mantissa
