"""Whether an optimizer's update is proportional to its learning rate, row by row: found out by trying.

If it is, B copies of the parameters, stepped together at learning rate 1 and scaled row by row, are B runs. A single
step would not show it: ASGD, Rprop and Adafactor pass that and go their own ways later.
"""

from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

import numpy as np
import torch

from fallline._descent import make_optimizer, optimizer_class
from fallline._records import Floats
from fallline._sweep._descents import descend_each, descend_stacked

STEPS = 60
RATES = (1e-3, 1e-2, 5e-2)
BOWL = np.array([[5.0, 4.0], [4.0, 5.0]])
START = np.array([1.0, -0.5])
TOLERANCE = 1e-9
NEEDS_CLOSURE = frozenset({"LBFGS"})
"""These evaluate the loss several times a step, each rate at places of its own."""


class Probe(NamedTuple):
    """What the probe found, and the sentence that says so."""

    scales: bool
    sentence: str


def scales_with_rate(optimizer: str, options: Mapping[str, object]) -> Probe:
    """Whether all rates of this optimizer may run in one batch.

    Real runs at three rates, 60 steps on a small bowl: the batch has to agree with them to 1e-9, and a row of NaN in
    it has to leave the others equal to the last bit.

    Raises:
        OptionError: the optimizer or an option is unknown, or it cannot train a vector of parameters.

    >>> scales_with_rate("Adam", {}).scales, scales_with_rate("Rprop", {}).scales
    (True, False)
    """
    name = optimizer_class(optimizer)[0].__name__
    return _probed(name, tuple(sorted((key, _hashable(value)) for key, value in options.items())))


def _hashable(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


@cache
def _probed(name: str, options: tuple[tuple[str, object], ...]) -> Probe:
    chosen = dict(options)
    make_optimizer(name, [torch.nn.Parameter(torch.zeros(2, dtype=torch.float64))], 1.0, chosen)
    if name in NEEDS_CLOSURE:
        return Probe(False, f"{name} evaluates the loss several times a step, so the rates ran one after the other.")
    cls = optimizer_class(name)[0]
    rates, starts = np.array(RATES), np.tile(START, (len(RATES), 1))
    beside = np.append(rates, RATES[1])  # the batch has a fourth row: once a run like the others, once NaN
    sane, poisoned = np.vstack((starts, START)), np.vstack((starts, np.full(2, np.nan)))
    with np.errstate(all="ignore"):
        alone = descend_each(_slope, starts, rates, STEPS, cls, chosen).parameters
        together = descend_stacked(_slope, sane, beside, STEPS, cls, chosen).parameters[:, :-1]
        beside_nan = descend_stacked(_slope, poisoned, beside, STEPS, cls, chosen).parameters[:, :-1]
    return _verdict(name, alone, together, beside_nan)


def _slope(stack: Floats, step: int) -> Floats:
    del step  # all rows of the bowl, at every step
    return np.asarray(stack @ BOWL)


def _verdict(name: str, alone: Floats, together: Floats, beside_nan: Floats) -> Probe:
    apart = float((np.abs(together - alone) / np.maximum(1.0, np.abs(alone))).max())
    if not apart <= TOLERANCE:
        return Probe(
            False,
            f"The updates of {name} are not proportional to the learning rate (a batch and single runs came apart by "
            f"{apart:.1g} in {STEPS} steps): the rates ran one after the other.",
        )
    if together.tobytes() != beside_nan.tobytes():
        return Probe(False, f"With {name} a row of NaN changed its neighbours: the rates ran one after the other.")
    agreed = "to the last bit" if apart == 0 else f"to {apart:.0e}"
    return Probe(
        True,
        f"{STEPS} steps at three rates agreed with single runs {agreed}, and a row of NaN left the others untouched: "
        "all rates ran in one batch.",
    )
