"""Everything that is known of a loss's curvature at one place: both ends of the spectrum, the trace, limits, slices."""

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch

from fallline._arguments import is_whole
from fallline._curvature._counted import Counted
from fallline._curvature._operator import place_of
from fallline._curvature._sharpness import sharpness
from fallline._curvature._spectrum import spectrum
from fallline._curvature._stability import present_parameters, stability_limit
from fallline._curvature._trace import trace
from fallline._errors import OptionError
from fallline._loss_function import LossFunction
from fallline._objective import Objective
from fallline._points import refuse_other
from fallline._records import Curvature, CurvatureSlice, Floats, OptimizerLimit, Spectrum

MOST_SHOWN = 5
"""Eigenvalues at each end, unless told."""
POINTS = 41
"""Of a slice."""
WIDE = 1.3
"""A slice reaches this many times as far as a parabola from its bottom takes to climb to the loss that there is."""
AT_ONCE = 4_000_000
"""Numbers of a stack of points."""
Progress = Callable[[int, int, float], None]
"""Called with (products done, products that will be about all, NaN) after every product."""
LONGER = 1.25
"""A stage that outlasts its guess is guessed to take a quarter more than it has."""
GUESSED = {"sharpness": 12, "spectrum": 25, "trace": 60, "limit": 12}
"""Products that each takes, as far as can be told beforehand; the spectrum's for each pair of eigenvalues."""


def curvature(
    objective: LossFunction,
    *,
    k: int | None = None,
    optimizers: Sequence[torch.optim.Optimizer] = (),
    tolerance: float = 1e-3,
    trace_tolerance: float = 0.05,
    seed: int = 0,
    name: str = "objective",
    progress: Progress | None = None,
) -> Curvature:
    """How the loss curves where the parameters stand: sharpness, spectrum, trace, limits, each with its error.

    Args:
        objective: an ``fl.Objective``, or an exact one.
        k: eigenvalues at each end; 5 unless told.
        optimizers: of the objective's model: the stability limit of each as it stands.
        tolerance: the error that sharpness and spectrum are to reach, as a share.
        trace_tolerance: the standard error that the trace is to reach, as a share.
        seed: of the random starts.
        name: what the result calls the objective.
        progress: called after every product of an ``fl.Objective``.

    Raises:
        OptionError: the loss or its derivatives are not finite here, or an argument cannot be used.

    >>> model = torch.nn.Linear(1, 1, dtype=torch.float64)
    >>> x = torch.tensor([[0.0], [1.0], [2.0]], dtype=torch.float64)
    >>> found = curvature(Objective(model, torch.nn.MSELoss(), (x, 2 * x + 1)),
    ...                   optimizers=[torch.optim.SGD(model.parameters(), lr=0.1)])
    >>> round(found.sharpness.value, 4), round(found.limits[0].share, 4), len(found.spectrum.largest)
    (4.7749, 0.2387, 2)
    """
    refuse_other(objective)
    if optimizers and not isinstance(objective, Objective):
        raise OptionError("An optimizer holds a model's tensors: its limit is measured on an fl.Objective.")
    place = place_of(objective, _where(objective))
    pairs = min(MOST_SHOWN, objective.parameter_count) if k is None else k
    if not is_whole(pairs):
        raise OptionError(f"k is how many eigenvalues at each end, a whole number, not {k!r}.")
    stages = _Stages(progress, [GUESSED["sharpness"], GUESSED["spectrum"] * pairs, GUESSED["trace"]]
                     + [GUESSED["limit"]] * len(optimizers))  # fmt: skip
    watched = Counted(objective, stages.tell) if isinstance(objective, Objective) else objective
    sharp = sharpness(watched, place, tolerance=tolerance, seed=seed)
    stages.over()
    ends = spectrum(watched, pairs, place, tolerance=tolerance, seed=seed)
    stages.over()
    total = trace(watched, place, tolerance=trace_tolerance, seed=seed)
    stages.over()
    limits = []
    for optimizer in optimizers:
        if isinstance(watched, Objective):
            limit = stability_limit(optimizer, watched, tolerance=tolerance, seed=seed)
            rate = float(optimizer.param_groups[0]["lr"])
            limits.append(OptimizerLimit(type(optimizer).__name__, rate, limit))
        stages.over()
    return Curvature(
        name=name,
        parameters=objective.parameter_count,
        rows=getattr(objective, "rows", None),
        batches=getattr(objective, "batches", None),
        loss=float(objective.loss(place[None])[0]),
        sharpness=sharp,
        spectrum=ends,
        trace=total,
        limits=tuple(limits),
        shares=_shares(objective, ends),
        slices=_slices(objective, place, ends),
        notes=tuple(getattr(objective, "notes", ())),
    )


def _where(objective: LossFunction) -> Floats | None:
    """[P] where a model's parameters stand now; of any other loss its own place, where it has one."""
    if isinstance(objective, Objective):
        return present_parameters(objective)
    place: Floats | None = getattr(objective, "parameters", None)
    return place


class _Stages:
    """Products done beside those still to come, which are guessed until a stage is over."""

    def __init__(self, progress: Progress | None, guesses: list[int]) -> None:
        self._progress, self._guesses = progress, guesses
        self._before = self._done = 0

    def tell(self) -> None:
        """One product more."""
        self._done += 1
        if self._progress is None:
            return
        here, *later = self._guesses or [1]
        of_stage = max(here, math.ceil(LONGER * (self._done - self._before)) + 1)
        self._progress(self._done, self._before + of_stage + sum(later), math.nan)

    def over(self) -> None:
        """This stage."""
        self._before = self._done
        self._guesses = self._guesses[1:]


def _shares(objective: LossFunction, ends: Spectrum) -> tuple[tuple[str, float], ...]:
    """Which tensors the sharpest direction moves; none where nothing curves beyond the error, as there is none."""
    if _straight(ends):
        return ()
    vector = ends.vectors_largest[0]
    layout = getattr(objective, "layout", ())
    return tuple((part.name, float((vector[part.begin : part.end] ** 2).sum())) for part in layout)


def _straight(ends: Spectrum) -> bool:
    """Whether both ends are 0 within their errors: any direction is then as good as the one that was found."""
    return bool(abs(ends.largest[0]) <= ends.errors_largest[0] and abs(ends.smallest[0]) <= ends.errors_smallest[0])


def _slices(objective: LossFunction, place: Floats, ends: Spectrum) -> tuple[CurvatureSlice, ...]:
    """Along the sharpest direction and the one with the lowest eigenvalue, equally far."""
    here = float(objective.loss(place[None])[0])
    gradient = objective.gradient(place[None])[0]
    steepest = max(abs(float(ends.largest[0])), abs(float(ends.smallest[0])))
    if _straight(ends):
        return ()
    floor = objective.floor
    excess = here - (0.0 if floor is None else floor)
    far = WIDE * math.sqrt(2 * (excess if excess > 0 else max(abs(here), 1.0)) / steepest)
    at = np.linspace(-far, far, POINTS)
    chosen = [("sharpest", float(ends.largest[0]), ends.vectors_largest[0])]
    if objective.parameter_count > 1:
        chosen.append(("lowest", float(ends.smallest[0]), ends.vectors_smallest[0]))
    return tuple(
        CurvatureSlice(name, value, float(gradient @ vector), at, _along(objective, place, vector, at))
        for name, value, vector in chosen
    )


def _along(objective: LossFunction, place: Floats, vector: Floats, at: Floats) -> Floats:
    """[n] the loss at so many lengths along a direction."""
    most = max(1, AT_ONCE // len(place))
    with np.errstate(all="ignore"):
        parts = [objective.loss(place + at[first : first + most, None] * vector) for first in range(0, len(at), most)]
    return np.concatenate(parts)
