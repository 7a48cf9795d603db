"""The settings of a fit that stand on their own, checked before any work."""

from numbers import Integral
from pathlib import Path

from fallline._descent import LARGEST_RATE
from fallline._errors import OptionError
from fallline._problem import Problem


def check_counts(epochs: int, batch_size: int | None, seed: int) -> None:
    """Refuse what is no whole number, or one that is out of range."""
    if not isinstance(epochs, Integral) or epochs < 1:
        raise OptionError(f"The number of epochs must be a whole number, 1 or more, not {epochs}.")
    if batch_size is not None and (not isinstance(batch_size, Integral) or batch_size < 1):
        raise OptionError(f"The batch size must be a whole number, 1 or more, not {batch_size}.")
    if not isinstance(seed, Integral) or not -(2**63) <= seed < 2**63:
        raise OptionError(f"The seed must be a whole number of at most 63 bits, not {seed}.")


def check_names(**names: str) -> None:
    """Refuse what is given by name and is no word: a class, a function, None."""
    for setting, name in names.items():
        if not isinstance(name, str):
            raise OptionError(f"The {setting} is given by its name, in quotation marks, not as {name!r}.")


def check_batches(batch_size: int | None, formula: str | None) -> None:
    """A formula has no rows to be cut into batches."""
    if formula is not None and batch_size is not None:
        raise OptionError("A formula has no rows: leave out --batch-size (batch_size).")


def task_of(problem: Problem) -> str:
    """What an optimizer is asked to do, for the sentence that says it cannot."""
    return "train this neuron" if problem.formula is None else "descend on this formula"


def given_rate(rate: float | str) -> float:
    """A learning rate as a number above 0 that PyTorch can multiply by."""
    try:
        value = float(rate)
    except (ValueError, TypeError, OverflowError):
        raise OptionError(f'The learning rate must be a number above 0, or auto, not "{rate}".') from None
    if value >= LARGEST_RATE and value < float("inf"):
        raise OptionError(f"The learning rate must be below {LARGEST_RATE:g}, not {value:g}.")
    if not (0 < value < float("inf")):
        raise OptionError(
            f"The learning rate must be a finite number above 0, not {value:g}."
            + (" With 0 nothing would move." if value == 0 else "")
        )
    return value


def is_run_file(place: str | Path) -> bool:
    """Whether a place for a run names the file itself; any other name is a folder that holds runs.

    >>> is_run_file("runs/first.db"), is_run_file("results.2024")
    (True, False)
    """
    return Path(place).suffix == ".db"
