"""Which of very many parametrised cases run each time, and which only in ``make test``."""

from collections.abc import Iterable
from typing import Any

import pytest


def sampled(cases: Iterable[Any], every: int = 2, first: int = 0) -> list[Any]:
    """Each ``every``-th case, neighbours being of one kind; the others are marked slow.

    Two tests of the same cases take different ones by ``first``, so that each case is seen by one of them.
    """
    found = []
    for place, case in enumerate(cases):
        marks = [] if place % every == first else [pytest.mark.slow]
        found.append(pytest.param(*(case if isinstance(case, tuple) else (case,)), marks=marks))
    return found
