"""Whether an optimizer's update is proportional to its learning rate, row by row: found out by trying.

If it is, B copies of the parameters, stepped together at one learning rate and scaled row by row, are B runs. A single
step would not show it: ASGD, Rprop and Adafactor pass that and go their own ways later.

The probe takes rates of the size that is to be swept, each on a bowl of its own size: start and step are in proportion
to the rate, and the slope is about 1, so that plain and normalised steps alike go a sensible way.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
import torch

from fallline._descent import make_optimizer, optimizer_class
from fallline._records import Floats
from fallline._sweep._descents import STRIDE, Slopes, descend_each, descend_stacked, stepped_rate, together

STEPS = 60
RATES = (1e-3, 1e-2, 5e-2)
"""In units of the size of the bowl."""
USUAL = (1e-3, 1.0)
"""Rates that are swept, unless told."""
SMALLEST, LARGEST = 1e-300, 1e298
FAR = 1e100
"""Times the size of the bowl: beyond it a run has left, and may overflow a step sooner or later."""
BOWL = np.array([[5.0, 4.0], [4.0, 5.0]])
START = np.array([1.0, -0.5])
TOLERANCE = 1e-9
NEEDS_CLOSURE = frozenset({"LBFGS"})
"""These evaluate the loss several times a step, each rate at places of its own."""


class Probe(NamedTuple):
    """What the probe found, and the sentence that says so."""

    scales: bool
    sentence: str


def scales_with_rate(optimizer: str, options: Mapping[str, object], rates: Sequence[float] | Floats = USUAL) -> Probe:
    """Whether these rates of this optimizer may run in one batch.

    Real runs at three rates from the lowest to the highest (rounded, so that not every range is probed anew), 60 steps
    on a small bowl: the batch has to agree with them to 1e-9, and a row of NaN in it has to leave the others equal to
    the last bit. Usual rates have to pass as well: at huge ones Rprop does not move, and agrees with anything.

    Raises:
        OptionError: the optimizer or an option is unknown, or it cannot train a vector of parameters.

    >>> scales_with_rate("Adam", {}).scales, scales_with_rate("Rprop", {}).scales
    (True, False)
    """
    name = optimizer_class(optimizer)[0].__name__
    chosen = tuple(sorted((key, _hashable(value)) for key, value in options.items()))
    usual = _probed(name, chosen, 1.0, 1.0)
    low, high = (stepped_rate(np.array([bound])) for bound in (min(rates), max(rates)))
    return _probed(name, chosen, low, high) if usual.scales else usual


def _hashable(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


@cache
def _probed(name: str, options: tuple[tuple[str, object], ...], low: float, high: float) -> Probe:
    chosen = dict(options)
    make_optimizer(name, [torch.nn.Parameter(torch.zeros(2, dtype=torch.float64))], 1.0, chosen)
    if name in NEEDS_CLOSURE:
        return Probe(False, f"{name} evaluates the loss several times a step, so the rates ran one after the other.")
    cls = optimizer_class(name)[0]
    bottom, top = max(SMALLEST, low * 2.0 ** (2 - STRIDE)), min(LARGEST, high / 20)
    rates = np.exp(np.linspace(np.log(bottom), np.log(top), len(RATES)))
    size = (rates / RATES)[:, None]
    starts, beside = START * size, np.append(rates, rates[1])  # a fourth row: once a run like the others, once NaN
    sane, poisoned = np.vstack((starts, starts[1])), np.vstack((starts, np.full(2, np.nan)))

    def batch(rows: Floats) -> Floats:
        slopes, batches = _Bowls(np.vstack((size, size[1]))), []
        for group in together(beside[:-1]):
            here = [*range(group.start, group.stop), len(beside) - 1]
            batches.append(
                descend_stacked(slopes.of(here), rows[here], beside[here], STEPS, cls, chosen).parameters[:, :-1]
            )
        return np.concatenate(batches, axis=1)

    with np.errstate(all="ignore"):
        alone = [
            descend_each(_Bowls(size).of([row]), starts[[row]], rates[[row]], STEPS, cls, chosen).parameters
            for row in range(len(rates))
        ]
        return _verdict(name, np.concatenate(alone, axis=1) / size, batch(sane) / size, batch(poisoned) / size)


class _Bowls:
    """A bowl of its own size [B, 1] for each row."""

    def __init__(self, size: Floats) -> None:
        self._size = size

    def of(self, rows: list[int]) -> Slopes:
        """The slope for these rows, about 1 at the start, at every step."""
        size = self._size[rows]
        return lambda stack, step: np.asarray((stack / size) @ BOWL)  # noqa: ARG005  (all rows, at every step)


def _verdict(name: str, alone: Floats, joined: Floats, beside_nan: Floats) -> Probe:
    """From paths [T + 1, 3, 2] in units of the size of each bowl."""
    reach = np.maximum.accumulate(np.abs(alone), axis=0).max(axis=-1, keepdims=True)
    with np.errstate(all="ignore"):
        apart = float(np.max(np.where(reach < FAR, np.abs(joined - alone) / np.maximum(1.0, reach), 0.0)))
    if not apart <= TOLERANCE:
        return Probe(
            False,
            f"The updates of {name} are not proportional to the learning rate (a batch and single runs came apart by "
            f"{apart:.1g} in {STEPS} steps): the rates ran one after the other.",
        )
    if joined.tobytes() != beside_nan.tobytes():
        return Probe(False, f"With {name} a row of NaN changed its neighbours: the rates ran one after the other.")
    agreed = "to the last bit" if apart == 0 else f"to {apart:.0e}"
    return Probe(
        True,
        f"{STEPS} steps at three rates agreed with single runs {agreed}, and a row of NaN left the others untouched: "
        "all rates ran in one batch.",
    )
