"""A library of somebody else's that is not installed: one sentence."""

from collections.abc import Sequence
from importlib import import_module
from types import ModuleType

from fallline._errors import OptionError


def needed(names: Sequence[str], extra: str) -> ModuleType:
    """The first of these modules that can be imported.

    Raises:
        OptionError: none is installed; the sentence says how to install one.

    >>> needed(["no_such_library", "math"], "maths").__name__
    'math'
    """
    for name in names:
        try:
            return import_module(name)
        except ModuleNotFoundError:
            continue
    raise OptionError(f'{names[0].partition(".")[0]} is not installed: `pip install "fallline[{extra}]"`.')
