"""The settings of a comparison, checked before any work."""

from collections.abc import Sequence
from numbers import Integral, Real

from fallline._compare._trials import FEWEST_TRIALS
from fallline._descent import LARGEST_RATE
from fallline._errors import OptionError

MOST_TRIALS = 1_000
MOST_SEEDS = 1_000


def check_numbers(*, epochs: int, batch_size: int | None, trials: int, goal: float, rate: float | None) -> None:
    """Refuse what is out of range."""
    _whole("number of epochs", epochs, 1)
    if batch_size is not None:
        _whole("batch size", batch_size, 1)
    _whole("number of trials", trials, FEWEST_TRIALS, MOST_TRIALS)
    if not isinstance(goal, Real) or isinstance(goal, bool) or not 0 < goal < 1:
        raise OptionError(f"The goal is the part of the excess loss to remove, between 0 and 1, not {goal}.")
    if rate is not None and (not isinstance(rate, Real) or not 0 < rate < LARGEST_RATE):
        raise OptionError(f"The common rate must be a number above 0 and below {LARGEST_RATE:g}, not {rate}.")


def check_own(
    batch_size: int | None, target: object, features: object, standardise: object, formula: object, loss: str,
    *, drop_missing: bool,
) -> None:  # fmt: skip
    """Refuse what speaks of a table beside somebody's own objective, which has its rows and its loss."""
    given = {
        "batch_size": batch_size is not None,
        "target": target is not None,
        "features": features is not None,
        "standardise": standardise is not None,
        "formula": formula is not None,
        "loss": loss != "mse",
        "drop_missing": drop_missing,
    }
    for name, told in given.items():
        if told:
            raise OptionError(f"An objective has its own rows and loss, all of them at every step: leave out {name}.")


def seeds_of(seeds: int | Sequence[int], seed: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The seeds that are shown, and as many others that choose the rates.

    >>> seeds_of(3, 0), seeds_of([5, 9], 0)
    (((0, 1, 2), (3, 4, 5)), ((5, 9), (10, 11)))
    """
    _whole("seed", seed, -(2**62), 2**62)
    if isinstance(seeds, int | Integral):
        _whole("number of seeds", seeds, 1, MOST_SEEDS)
        shown = tuple(int(seed) + k for k in range(int(seeds)))
    else:
        shown = _given_seeds(seeds)
    return shown, tuple(max(shown) + 1 + k for k in range(len(shown)))


def _given_seeds(seeds: Sequence[int]) -> tuple[int, ...]:
    if isinstance(seeds, str) or not isinstance(seeds, Sequence) or not 1 <= len(seeds) <= MOST_SEEDS:
        raise OptionError(f"The seeds are a count or a list of whole numbers, not {seeds!r}.")
    for one in seeds:
        _whole("seed", one, -(2**62), 2**62)
    shown = tuple(int(one) for one in seeds)
    if len(set(shown)) < len(shown):
        raise OptionError("A seed is named twice: the same run twice says nothing about the noise.")
    return shown


def _whole(what: str, value: object, least: int, most: int | None = None) -> None:
    whole = int(value) if isinstance(value, Integral) and not isinstance(value, bool) else None
    if whole is None or whole < least or (most is not None and whole > most):
        bounds = f"{least} or more" if most is None else f"from {least:,} to {most:,}"
        raise OptionError(f"The {what} must be a whole number, {bounds}, not {value}.")
