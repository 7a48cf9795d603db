"""Tensors in words: every number of a small one, five significant figures; shape and range of a large one."""

import math
from collections.abc import Sequence

import numpy as np

from fallline._columns import columns_of
from fallline._explain._numbers import count
from fallline._records import TensorValue
from fallline._wording import MINUS, written

DIGITS = 5
"""Significant figures on this surface."""
FEWEST_DIGITS = 3
"""Numbers side by side share their decimals where each keeps so many significant figures."""
MOST_NUMBERS = 12
"""A larger tensor is told by its shape and its range."""
SMALLEST_SHARED, LARGEST_SHARED = 1e-4, 1e6
"""Outside of these, powers of ten are written."""
NOT_THERE = "none"
"""What stands where a gradient would."""


def figure(value: float) -> str:
    """One number.

    >>> figure(2.0), figure(1 / 3), figure(-7.33904)
    ('2', '0.33333', '−7.339')
    """
    return written(value, DIGITS)


def figures(values: Sequence[float]) -> list[str]:
    """Numbers side by side, with the same decimals where that takes no figure away that matters.

    >>> figures([4.892667, 0.274133, 2.624667])
    ['4.8927', '0.2741', '2.6247']
    >>> figures([1.0, 2.0]), figures([1.0, 0.00012345])
    (['1', '2'], ['1', '0.00012345'])
    >>> figures([0.5, 0.0, 1.25])
    ['0.50', '0', '1.25']
    """
    sizes = [abs(value) for value in values if math.isfinite(value) and value != 0]
    if not sizes or not SMALLEST_SHARED <= max(sizes) < LARGEST_SHARED:
        return [figure(value) for value in values]
    decimals = max(0, DIGITS - 1 - math.floor(math.log10(max(sizes))))
    if min(sizes) < 10.0 ** (FEWEST_DIGITS - 1 - decimals):
        return [figure(value) for value in values]
    spare = min(_spare(f"{value:.{decimals}f}") for value in values if math.isfinite(value))
    return [
        f"{value:,.{decimals - spare}f}".replace("-", MINUS) if math.isfinite(value) and value != 0 else figure(value)
        for value in values
    ]


def _spare(text: str) -> int:
    """How many decimals at the end are zeros."""
    decimals = text.partition(".")[2]
    return len(decimals) - len(decimals.rstrip("0"))


def tensor_words(value: TensorValue | None, room: int | None = None) -> str:
    """All numbers where there are few and they fit into ``room`` columns; else shape and range.

    >>> from fallline._records import TensorValue
    >>> y = TensorValue((3,), "float32", np.array([3.6695, 0.2056, 1.9685]), 0.2056, 3.6695, 1.9479, 4.1692)
    >>> tensor_words(y), tensor_words(y, 20), tensor_words(None)
    ('[3.6695, 0.2056, 1.9685]', '(3,) 0.2056 … 3.6695', 'none')
    """
    if value is None:
        return NOT_THERE
    if value.numbers is not None and value.count <= MOST_NUMBERS and value.count > 0:
        told = _nested(np.shape(value.numbers), _entries(value))
        if room is None or len(told) <= room or not value.shape:
            return told
    return range_words(value)


def words_within(value: TensorValue, room: int) -> str:
    """In so many columns, no number cut: all of them, else the range in fewer and fewer words, the shape at last.

    >>> from fallline._records import TensorValue
    >>> y = TensorValue((3,), "float32", np.array([3.6695, 0.2056, 1.9685]), 0.2056, 3.6695, 1.9479, 4.1692)
    >>> words_within(y, 22), words_within(y, 16), words_within(y, 10)
    ('(3,) 0.2056 … 3.6695', '0.206 … 3.67', '(3,)')
    """
    tries = [tensor_words(value, room), range_words(value, 3), range_words(value, 3, shape=False)]
    fitting = [told for told in tries if columns_of(told) <= room]
    return fitting[0] if fitting else shape_words(value.shape) if value.shape else tensor_words(value)


def outputs_words(outputs: Sequence[tuple[int, TensorValue | None]], room: int | None = None) -> str:
    """Several outputs of one operation, each by its place.

    >>> from fallline._records import TensorValue
    >>> one = TensorValue((1,), "float32", np.array([3.5]), 3.5, 3.5, 3.5, 3.5)
    >>> outputs_words([(0, one), (2, None)])
    '0: [3.5]; 2: none'
    """
    return "; ".join(f"{place}: {tensor_words(value, room)}" for place, value in outputs)


def range_words(value: TensorValue, digits: int = DIGITS, *, shape: bool = True) -> str:
    """Shape and range: ``(64, 3) −2.1 … 3.4``, and how much of it is not finite; |z| of complex numbers."""
    of = f"{shape_words(value.shape)} " if shape else ""
    if value.count == 0:
        return f"{of}empty"
    if value.not_finite == value.count:
        return f"{of}nothing finite"
    if "complex" in value.dtype:
        of = f"{of}|z| "
    least, greatest = written(value.least, digits), written(value.greatest, digits)
    broken = f", {count(value.not_finite)} not finite" if value.not_finite else ""
    if value.least == value.greatest:
        return f"{of}{'' if broken else 'all '}{least}{broken}"
    return f"{of}{least} … {greatest}{broken}"


def shape_words(shape: Sequence[int]) -> str:
    """A shape as PyTorch writes it.

    >>> shape_words((4, 3)), shape_words((3,)), shape_words(())
    ('(4, 3)', '(3,)', '()')
    """
    return str(tuple(int(size) for size in shape))


def _entries(value: TensorValue) -> list[str]:
    """Every number of a small tensor, written beside the others."""
    if value.parts is None:
        return figures(np.asarray(value.numbers, dtype=np.float64).ravel().tolist())
    real, imaginary = (np.asarray(part, dtype=np.float64).ravel().tolist() for part in value.parts)
    return [complex_figure(*pair) for pair in zip(real, imaginary, strict=True)]


def complex_figure(real: float, imaginary: float) -> str:
    """One complex number.

    >>> complex_figure(1.0, -2.0), complex_figure(0.0, 3.0), complex_figure(1.5, 0.0), complex_figure(2.0, 1.0)
    ('1 − 2i', '3i', '1.5', '2 + i')
    """
    if imaginary == 0:
        return figure(real)
    size = figure(abs(imaginary))
    letter = "i" if size == "1" else f"{size}i"
    if real == 0:
        return f"{MINUS if imaginary < 0 else ''}{letter}"
    return f"{figure(real)} {MINUS if imaginary < 0 else '+'} {letter}"


def entry_figure(value: TensorValue, entry: Sequence[int]) -> str | None:
    """The number at one place; None where it is not known or there is no such place."""
    absolute = at(value, entry)
    if absolute is None or value.parts is None:
        return None if absolute is None else figure(absolute)
    return complex_figure(*(float(np.asarray(part)[tuple(entry)]) for part in value.parts))


def _nested(shape: Sequence[int], entries: Sequence[str]) -> str:
    texts = iter(entries)

    def level(shape: Sequence[int]) -> str:
        return next(texts) if not shape else "[" + ", ".join(level(shape[1:]) for _ in range(shape[0])) + "]"

    return level(shape)


def entry_words(entry: Sequence[int]) -> str:
    """A place in a tensor: ``entry 1``, ``entry [0, 2]``; nothing for a single number.

    >>> entry_words((1,)), entry_words((0, 2)), entry_words(())
    ('entry 1', 'entry [0, 2]', '')
    """
    if not entry:
        return ""
    return f"entry {entry[0]}" if len(entry) == 1 else f"entry {[int(k) for k in entry]}"


def largest_entry(value: TensorValue | None) -> tuple[int, ...] | None:
    """Where the number farthest from 0 stands, the first that is not finite before all; None where none is known."""
    if value is None or value.numbers is None or value.numbers.size == 0:
        return None
    sizes = np.abs(value.numbers)
    place = int(np.argmax(np.where(np.isfinite(sizes), sizes, np.inf)))
    return tuple(int(k) for k in np.unravel_index(place, np.shape(value.numbers)))


def at(value: TensorValue | None, entry: Sequence[int]) -> float | None:
    """The number at one place; None where it is not known or there is no such place."""
    if value is None or value.numbers is None or len(entry) != len(value.shape):
        return None
    if any(not 0 <= k < size for k, size in zip(entry, value.shape, strict=True)):
        return None
    return float(np.asarray(value.numbers)[tuple(entry)])
