"""The example of a docstring, to be run where it would cost a doctest the time to load somebody's library."""

from collections.abc import Callable
from textwrap import dedent
from typing import Any


def example_of(function: Callable[..., Any]) -> str:
    """What stands under ``Example::``."""
    return dedent((function.__doc__ or "").split("Example::\n")[1])
