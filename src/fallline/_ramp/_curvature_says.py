"""What the curvature at the start says: half of the optimizer's stability limit, seed by seed."""

from collections.abc import Mapping, Sequence

import torch
from torch import nn

from fallline._curvature import stability_limit
from fallline._errors import FalllineError, OptionError
from fallline._objective import Objective
from fallline._objective._batches import Batch
from fallline._ramp._intervals import interval_of
from fallline._ramp._training import Attempt, Training
from fallline._records import CurvatureAnswer, StabilityLimit

TOLERANCE = 0.01
"""Of the sharpness: a rate needs no more."""
NO_FUNCTION = (
    "Batch norm takes its statistics from each batch, and the loss is random beside (dropout, for one): what is "
    "trained is no function of the parameters alone."
)
WARM_UP = 10
"""Updates at the lowest rate that give an adaptive optimizer its preconditioner."""


def curvature_says(
    training: Training, held: Mapping[int, Sequence[Batch]], lowest: float, *, whole: bool
) -> CurvatureAnswer:
    """Half the stability limit at the start, over the batches that each seed begins with.

    ``whole``: these are all rows, for every seed the same: one measurement says it all.
    """
    found: list[StabilityLimit] = []
    notes: tuple[str, ...] = ()
    rows = 0
    for seed, batches in held.items():
        attempt = training.start(seed)
        try:
            objective = _objective_of(training, batches)
            limit = stability_limit(attempt.optimizer, objective, tolerance=TOLERANCE)
            if limit.value is None and limit.sharpness is None and _warmed_up(attempt, lowest):
                limit = stability_limit(attempt.optimizer, _objective_of(training, batches), tolerance=TOLERANCE)
                notes = (f"The preconditioner is that after {WARM_UP} updates at the lowest rate.",)
        except (FalllineError, RuntimeError, NotImplementedError) as problem:  # of somebody's model: told, not raised
            return CurvatureAnswer((None,) * len(held), (None,) * len(held), None, None, _sentence(problem), None)
        rows, notes = objective.rows, tuple(dict.fromkeys((*notes, *objective.notes)))
        found.append(limit)
        if whole:
            break
    found *= len(held) // len(found)
    limits = tuple(each.value for each in found)
    return CurvatureAnswer(
        limits=limits,
        sharpness=tuple(None if each.sharpness is None else each.sharpness.value for each in found),
        kind=next((each.kind for each in found if each.kind is not None), None),
        half=interval_of([None if limit is None else limit / 2 for limit in limits]),
        why=next((each.why for each in found if each.value is not None), found[0].why),
        rows=rows,
        notes=notes,
    )


def _warmed_up(attempt: Attempt, lowest: float) -> bool:
    """Make the updates that a preconditioner needs; False for SGD, which has none."""
    if isinstance(attempt.optimizer, torch.optim.SGD):
        return False
    for _ in range(WARM_UP):
        attempt.step(lowest)
    return True


def _objective_of(training: Training, batches: Sequence[Batch]) -> Objective:
    """Over these batches, in eval mode; with batch norm in train mode over the first of them, as it is trained.

    Raises:
        OptionError: what is trained is no function of the parameters. With the running statistics of eval mode it would
            be another one, and nothing of its curvature holds for this one.
    """
    given = [batch.given for batch in batches]
    if any(isinstance(each, nn.modules.batchnorm._BatchNorm) and each.training for each in training.model.modules()):
        try:
            return Objective(training.model, training.loss_fn, given[:1], mode="train")
        except FalllineError as problem:
            raise OptionError(NO_FUNCTION) from problem
    return Objective(training.model, training.loss_fn, given)


def _sentence(problem: Exception) -> str:
    said = str(problem).strip().split("\n", 1)[0]
    return said if isinstance(problem, FalllineError) else f"No curvature could be measured: {said}"
