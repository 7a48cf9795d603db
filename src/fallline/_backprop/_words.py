"""Names of PyTorch in words."""

import re
from collections.abc import Sequence
from typing import Any, Final

from fallline._backprop._torch_private import custom_class

SHOWN: Final = 3
"""Names, of a longer list."""
BACKWARD: Final = re.compile(r"Backward\d*$")


def backward_in_words(step: Any) -> str:
    """An operation's name, told from its step back alone: ``MulBackward0`` is "mul"."""
    custom = custom_class(step)
    name = custom.__name__ if custom is not None else BACKWARD.sub("", step.name().split("::")[-1])
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def shape_in_words(shape: tuple[int, ...]) -> str:
    """As Python writes a tuple of numbers.

    >>> shape_in_words((3,))
    '(3,)'
    """
    return str(tuple(int(size) for size in shape))


def listed(names: Sequence[str]) -> str:
    """The first few of many names.

    >>> listed(["a", "b", "c", "d", "e"])
    'a, b, c and 2 more'
    """
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def with_article(name: str) -> str:
    """The name of a kind, after "a" or "an".

    >>> with_article("int"), with_article("Tensor")
    ('an int', 'a Tensor')
    """
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"


def first_line(error: BaseException) -> str:
    """What it says first: PyTorch may go on with lists of what could have been.

    >>> first_line(ValueError("no\\nand no"))
    'no'
    """
    return str(error).strip().partition("\n")[0]
