"""The settings of a watch, checked before anything is made."""

import math
import os
from collections.abc import Iterable
from dataclasses import dataclass
from numbers import Integral, Real
from pathlib import Path

import torch
from torch import nn

from fallline._atomic import os_reason
from fallline._errors import OptionError, RunFileError

MEMORY = 512 << 20
RING = 100
SNAPSHOTS = 64 << 20
LARGEST = 1 << 62
"""Whatever is counted here fits the file's 64-bit integers."""


@dataclass(frozen=True)
class Settings:
    """What :func:`watch` was asked for; the fields are documented there."""

    every: int | None = None
    budget: float | None = None
    memory: int = MEMORY
    ring: int = RING
    snapshots: int = SNAPSHOTS
    sharpness_every: int | None = None

    def __post_init__(self) -> None:
        """Check every one.

        Raises:
            OptionError: one cannot be used.
        """
        if self.every is not None:
            check_count("every", self.every, 1, "a number of steps")
        if self.sharpness_every is not None:
            check_count("sharpness_every", self.sharpness_every, 1, "a number of steps")
        check_count("memory", self.memory, 0, "a number of bytes")
        check_count("ring", self.ring, 1, "a number of steps")
        check_count("snapshots", self.snapshots, 0, "a number of bytes")
        if self.budget is not None:
            _check_budget(self.budget)


def check_count(name: str, value: object, least: int, what: str) -> None:
    """A whole number that is not too small.

    Raises:
        OptionError: it is another thing.
    """
    if isinstance(value, bool) or not isinstance(value, Integral) or not least <= int(value) <= LARGEST:
        raise OptionError(f"{name}= is {what}, a whole number of at least {least}, not {value!r}.")


def _check_budget(value: object) -> None:
    number = float(value) if isinstance(value, Real) and not isinstance(value, bool) else math.nan
    if not 0 < number <= 1:
        raise OptionError(
            f"budget= is the share of the loop's time that measuring may take, above 0 and at most 1 (0.02 is 2 %), "
            f"not {value!r}."
        )


def checked_model(model: object) -> nn.Module:
    """The model, where it is one.

    Raises:
        OptionError: it is another thing.
    """
    if isinstance(model, nn.Module):
        return model
    several = " Several models are watched as one: nn.ModuleList([first, second])."
    raise OptionError(
        f"fl.watch(model, optimizer): the model is a torch.nn.Module, not {_a(model)}."
        + (several if isinstance(model, list | tuple) else "")
    )


def checked_optimizers(given: object) -> tuple[torch.optim.Optimizer, ...]:
    """One optimizer or several as a tuple, each of them once.

    Raises:
        OptionError: there is none, or something else among them.
    """
    if isinstance(given, torch.optim.Optimizer):
        return (given,)
    several = tuple(given) if isinstance(given, Iterable) and not isinstance(given, str | bytes) else (given,)
    if not several:
        raise OptionError("fl.watch(model, optimizer): the list of optimizers is empty.")
    for each in several:
        if not isinstance(each, torch.optim.Optimizer) or not hasattr(each, "param_groups"):
            inner = isinstance(getattr(each, "optimizer", None), torch.optim.Optimizer)
            raise OptionError(
                f"fl.watch(model, optimizer): the optimizer is a torch.optim.Optimizer, not {_a(each)}."
                + (" Give the one inside it: its .optimizer." if inner else "")
            )
    if len({id(each) for each in several}) < len(several):
        raise OptionError("fl.watch(model, optimizer): the same optimizer is given twice.")
    return several


def check_resume(run: object, resume: bool, resume_at: object) -> None:
    """Refuse a resumption that does not say of what.

    Raises:
        OptionError: no run file is named, or the step is none.
    """
    if resume_at is not None:
        check_count("resume_at", resume_at, 0, "the step from which the record goes on")
        if not resume:
            raise OptionError("resume_at= goes with resume=True: without it a new run file is begun.")
    if resume and run is None:
        raise OptionError('resume=True goes on with a run file: name it, run="runs/0001-mlp.db".')


def path_of(run: object) -> Path:
    """Where the run file is to be; of its folder the last part is made.

    Raises:
        OptionError: it is no path.
        RunFileError: the folder cannot be made, or more than its last part is not there.
    """
    if not isinstance(run, str | os.PathLike) or not str(run):
        raise OptionError(f'run= is the path of a run file, such as run="runs/first.db", not {run!r}.')
    path = Path(run)
    if not path.parent.parent.exists():
        raise RunFileError(
            f"The run file {path} cannot be written: there is no folder {path.parent.parent}; make it first."
        )
    try:
        path.parent.mkdir(exist_ok=True)
    except OSError as problem:
        raise RunFileError(f"The folder of the run file {path} cannot be made: {os_reason(problem)}.") from None
    return path


def _a(value: object) -> str:
    return "None" if value is None else f"a {type(value).__name__}"
