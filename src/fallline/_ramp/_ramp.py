"""The range test: passes, rules, curvature, answer, trials."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from fallline._errors import OptionError
from fallline._objective._batches import Batch
from fallline._ramp._answer import ask_rules, candidate, cap_of, settle, why_nothing
from fallline._ramp._curvature_says import curvature_says
from fallline._ramp._loader import first_pass
from fallline._ramp._passes import ramp_once
from fallline._ramp._teller import Progress, Teller
from fallline._ramp._training import LossFn, Training
from fallline._ramp._trials import run_trial
from fallline._records import Floats, Ramp, RampPass
from fallline._wording import count

LOWEST, HIGHEST, STEPS = 1e-7, 10.0, 100
"""Rates and updates of a pass unless told: those of fastai's finder."""
FEWEST_RATES = 20
HELD = 8
"""Batches of a seed that curvature and trials are measured on."""
SEEDS = 3
MOST_TRIALS = 6
EVEN = 0.01
"""By how much the ratios of neighbouring rates may differ."""


def default_ramp() -> Floats:
    """[S] the rates of a ramp unless told."""
    return np.geomspace(LOWEST, HIGHEST, STEPS)


def ramp(
    model: torch.nn.Module,
    loss_fn: LossFn,
    loader: Any,
    optimizer: torch.optim.Optimizer,
    *,
    rates: Floats | None = None,
    seeds: Sequence[int] = tuple(range(SEEDS)),
    name: str | None = None,
    progress: Progress | None = None,
) -> Ramp:
    """Raise the learning rate batch by batch and say which one to use; docs/semantics.md#ramp.

    Model, optimizer, schedulers, random numbers and loader are bit for bit as before, however this ends.

    Args:
        model: in the mode it is to be trained in.
        loss_fn: ``loss_fn(output, target)``; of a batch that is a mapping ``loss_fn(output, batch)``.
        loader: a pair of tensors, a list of batches, or a loader that can be gone through again.
        optimizer: over the model's parameters; its groups keep the ratios of their rates.
        rates: [S] rising in even ratios, one for each batch; 100 from 10⁻⁷ to 10 unless told.
        seeds: [K] of the order of the batches and all random numbers, one pass each.
        name: of the model; its class unless told.
        progress: called with (updates done, updates planned at most, lowest loss so far).

    Raises:
        OptionError: something cannot be trained, or could not be put back.
        DataError: the data can be read only once, or there are none.
        KeyboardInterrupt: Ctrl-C; all is as before.

    >>> from fallline._models import neuron
    >>> model, x = neuron(), torch.linspace(0, 1, 8)[:, None]
    >>> found = ramp(model, torch.nn.MSELoss(), (x, 2 * x + 1), torch.optim.SGD(model.parameters(), lr=0.1))
    >>> found.answer is not None and found.trials[1].descends
    True
    """
    chosen = default_ramp() if rates is None else _even(rates)
    if len(set(seeds)) != len(seeds) or not seeds:
        raise OptionError(f"Each seed is given once, and at least one of them; here are {list(seeds)}.")
    teller = Teller(progress, len(seeds) * (len(chosen) + MOST_TRIALS * min(STEPS, len(chosen))))
    with Training(model, loss_fn, loader, optimizer) as training:
        held, whole = _begin(training, seeds)
        full_batch = whole and len(held[seeds[0]]) == 1
        passes = tuple(ramp_once(training, chosen, seed, teller.saw) for seed in seeds)
        rules = ask_rules(chosen, passes)
        curvature = curvature_says(training, held, float(chosen[0]), whole=full_batch)
        steps = min(STEPS, len(chosen))
        finite = any(np.isfinite(each.losses).any() for each in passes)
        wanted = candidate(rules, curvature, full_batch=full_batch) if finite else None
        settled = settle(
            wanted,
            why_nothing(rules, passes),
            lambda label, rate: run_trial(training, label, rate, steps, held, teller.saw),
            cap_of(curvature, full_batch=full_batch),
        )
    return Ramp(
        name=type(model).__name__ if name is None else name,
        optimizer=type(optimizer).__name__,
        rates=chosen,
        seeds=tuple(seeds),
        passes=passes,
        rules=rules,
        curvature=curvature,
        answer=settled.answer,
        advice=settled.advice,
        trials=settled.trials,
        given_up=settled.given_up,
        trial_steps=steps,
        batches=len(held[seeds[0]]),
        full_batch=full_batch,
        notes=_notes(training, passes),
    )


def _even(rates: Floats) -> Floats:
    """Refuse rates that the rules cannot read: too few, or not in even ratios."""
    chosen = np.array(rates, dtype=np.float64)
    if chosen.ndim != 1 or len(chosen) < FEWEST_RATES:
        raise OptionError(
            f"A ramp needs at least {FEWEST_RATES} learning rates, one for each batch, as in 1e-7:10:100; "
            f"here are {chosen.size}."
        )
    if not (np.isfinite(chosen) & (chosen > 0)).all() or not (np.diff(chosen) > 0).all():
        raise OptionError("The learning rates of a ramp are positive and rise from batch to batch.")
    steps = np.diff(np.log(chosen))
    if np.ptp(steps) > EVEN * steps.mean():
        raise OptionError("The learning rates of a ramp rise in even ratios: give them as LOW:HIGH:COUNT.")
    return chosen


def _begin(training: Training, seeds: Sequence[int]) -> tuple[dict[int, list[Batch]], bool]:
    """The batches that each seed begins with, and whether these are all there are."""
    held, whole = {}, True
    for seed in seeds:
        held[seed], all_of_it = first_pass(training.start(seed).batches, HELD)
        whole = whole and all_of_it
    return held, whole


def _notes(training: Training, passes: Sequence[RampPass]) -> tuple[str, ...]:
    notes = []
    if not training.model.training:
        notes.append("The model is in eval mode, and was ramped so: model.train() turns dropout and batch norm on.")
    if len(passes) > 1 and all(np.array_equal(each.losses, passes[0].losses, equal_nan=True) for each in passes):
        notes.append(
            "All seeds gave the same curve bit for bit: nothing is random in this training, the intervals are points."
        )
    missing = sum(int((~np.isfinite(each.losses)).sum()) for each in passes)
    if missing:
        notes.append(f"{count(missing, 'loss')} of the ramp not finite: recorded, and left out of every rule.")
    return tuple(notes)
