"""Numbers that arrive as arguments: what they have to be, in one sentence where they are not."""

import math
from typing import Any, Final

import numpy as np

from fallline._errors import OptionError

LARGEST_SEED: Final = 2**63 - 1
"""That both NumPy's and PyTorch's generators take."""


def checked_seed(seed: object) -> int:
    """A whole number from 0 on.

    Raises:
        OptionError: it is none.

    >>> checked_seed(np.int64(3))
    3
    """
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= int(seed) <= LARGEST_SEED:
        raise OptionError(f"A seed is a whole number from 0 to 2⁶³ − 1; here it is {seed!r}.")
    return int(seed)


def checked_tolerance(tolerance: object, example: str) -> float:
    """A share above 0 that is finite.

    Raises:
        OptionError: it is none.
    """
    found = real_number(tolerance)
    if found is None or not 0 < found < math.inf:
        raise OptionError(f"The tolerance is a share above 0, such as {example}; here it is {tolerance!r}.")
    return found


def checked_products(most: Any, fewest: int = 1) -> int:
    """How many Hessian-vector products may be taken.

    Raises:
        OptionError: it is no whole number, or too few.
    """
    if not is_whole(most) or int(most) < fewest:
        least = "one product is" if fewest == 1 else f"{fewest} products are"
        raise OptionError(f"At least {least} needed; here most_products is {most!r}.")
    return int(most)


def is_whole(given: Any) -> bool:
    """Whether it is a whole number, and no truth value."""
    return isinstance(given, int | np.integer) and not isinstance(given, bool)


def real_number(given: Any) -> float | None:
    """A number of Python, NumPy or a tensor of one as a float; None where it is none."""
    if isinstance(given, bool | str | bytes) or given is None:
        return None
    try:
        return float(given)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        return None
