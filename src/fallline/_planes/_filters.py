"""Random directions, normalised filter by filter (Li, Xu, Taylor, Studer and Goldstein 2018).

A filter is ``weight[k]``, one slice along the first axis of a tensor with two axes or more: an output channel of a
convolution, a row of a linear layer. Each filter of a direction gets the length of the same filter of the parameters.
Biases, and everything that belongs to a normalisation layer, stay where they are (the paper's code: ``biasbn``).
"""

from collections.abc import Iterator

import numpy as np

from fallline._errors import OptionError
from fallline._loss_function import LossFunction
from fallline._points import layout_of
from fallline._records import Floats

TAKEN_UP = 1e-9
"""A part of a filter that is shorter than this share of it is rounding, not a direction."""


def filters_of(objective: LossFunction) -> list[tuple[int, int, int]]:
    """``(begin, filters, entries of each)`` of every tensor that has filters.

    An exact objective has no tensors: all of its parameters are one filter.
    """
    parts = layout_of(objective)
    if parts is None:
        return [(0, 1, objective.parameter_count)]
    return [
        (part.begin, part.shape[0], (part.end - part.begin) // part.shape[0])
        for part in parts
        if part.role == "weight" and len(part.shape) > 1 and part.end > part.begin
    ]


def random_directions(objective: LossFunction, at: Floats, seed: int, beside: Floats | None = None) -> Floats:
    """[2, P] two directions with the parameters' own filter lengths, at right angles to each other in every filter.

    Each filter of the second is drawn at right angles to the same filter of the first, so that both are normalised
    and the two are orthogonal. Where filters have a single entry there is no right angle inside them: the caller
    takes the rest away. With ``beside`` [P] that is the first.

    Raises:
        OptionError: no filter of the parameters has a length.
    """
    draw = np.random.default_rng(seed)
    directions = np.zeros((2, len(at)))
    for begin, count, entries in filters_of(objective):
        here = slice(begin, begin + count * entries)
        lengths = np.linalg.norm(at[here].reshape(count, entries), axis=1, keepdims=True)
        given = None if beside is None else beside[here].reshape(count, entries)
        drawn = _frames(draw, count, entries, given)
        directions[:, here] = (drawn * lengths).reshape(2, -1)
    if beside is not None:
        directions[0] = beside
    if not directions.any(axis=1).all():
        raise OptionError(
            "Filter by filter, a random direction is as long as the parameters are, and these have no filter that "
            "is not zero: choose another plane, or another point with at=[…]."
        )
    return directions


def _frames(draw: np.random.Generator, count: int, entries: int, beside: Floats | None) -> Floats:
    """[2, filters, entries] of length 1, the second orthogonal to the first where a filter has room for it."""
    first, second = draw.normal(size=(2, count, entries))
    first = _unit(first) if beside is None else _unit(beside)
    second = _unit(second)
    if entries > 1:
        for _ in range(2):  # twice is enough (Kahan; Parlett 1998)
            second = _unit(second - (second * first).sum(axis=1, keepdims=True) * first)
    return np.stack([first, second])


def _unit(rows: Floats) -> Floats:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0.0))


def orthonormal(first: Floats, second: Floats) -> Iterator[Floats]:
    """Two unit vectors [P] of the same plane, the first along ``first``.

    Raises:
        OptionError: one of them is zero or not finite, or they are parallel.
    """
    lengths = [float(np.linalg.norm(each)) for each in (first, second)]
    if not np.isfinite(lengths).all():
        raise OptionError("A direction of the plane is not finite.")
    if not all(length > 0.0 for length in lengths):
        raise OptionError("A direction of the plane is zero: a plane needs two directions that differ.")
    a, b = first / lengths[0], second / lengths[1]
    rest = b - (b @ a) * a
    rest -= (rest @ a) * a
    left = float(np.linalg.norm(rest))
    if left <= TAKEN_UP:
        raise OptionError("The two directions of the plane are parallel: they span a line, not a plane.")
    yield a
    yield rest / left
