"""Templates of formulas: operands put in by name, in parentheses where the reading would change without."""

import re
from collections.abc import Callable
from typing import Final

from fallline._wording import MINUS

PLACE: Final = re.compile(r"\{(\w+)\}")
NAME: Final = re.compile(r"[^\W⁰¹²³⁴⁵⁶⁷⁸⁹]?[\w.]*[^\W⁰¹²³⁴⁵⁶⁷⁸⁹]")
"""A name or a number without its sign; what ends in a raised figure is a power."""
BRACKETS: Final = {"(": ")", "[": "]"}


def filled(template: str, word: Callable[[str], str]) -> str:
    """A template with ``word(name)`` at every ``{name}``.

    >>> filled("2·{self} + max({self}, 0)", lambda _: "a + b")
    '2·(a + b) + max(a + b, 0)'
    """

    def put(place: re.Match[str]) -> str:
        before, after = template[: place.start()].rstrip(), template[place.end() :].lstrip()
        return word(place[1]) if _stands_alone(before, after) else grouped(word(place[1]))

    return PLACE.sub(put, template)


def grouped(text: str) -> str:
    """In parentheses, unless it is a name, a number or a call.

    >>> grouped("x"), grouped("a + b"), grouped("−2"), grouped("sin(x)"), grouped("layer1.weight")
    ('x', '(a + b)', '(−2)', 'sin(x)', 'layer1.weight')
    >>> grouped("x²"), grouped("f(g(x), 2)"), grouped("(a)·(b)"), grouped("x[0]")
    ('(x²)', 'f(g(x), 2)', '((a)·(b))', 'x[0]')
    """
    if _whole(text):
        return text
    return f"({text})"


def minus(text: str) -> str:
    """The text with the other sign.

    >>> minus("x"), minus("−2"), minus("a + b")
    ('−x', '2', '−(a + b)')
    """
    return text[1:] if text.startswith(MINUS) and _whole(text[1:]) else MINUS + grouped(text)


def transposed(text: str) -> str:
    """The transposed of a matrix by name.

    >>> transposed("W"), transposed("Wᵀ"), transposed("a + b")
    ('Wᵀ', 'W', '(a + b)ᵀ')
    """
    return text[:-1] if text.endswith("ᵀ") and _whole(text[:-1]) else grouped(text) + "ᵀ"


def _stands_alone(before: str, after: str) -> bool:
    """Whether parentheses, commas, "where" or the ends are on both sides."""
    return (not before or before[-1] in "(,‖|" or before.endswith(" where")) and (not after or after[0] in "),‖|")


def _whole(text: str) -> bool:
    """Whether it is a name, a number, something in parentheses, or a name with one pair of them: a call, an entry."""
    name = NAME.match(text)
    rest = text[name.end() :] if name else text
    if not rest:
        return bool(text)
    closing = BRACKETS.get(rest[0])
    return closing is not None and _closes_last(rest, rest[0], closing)


def _closes_last(text: str, opening: str, closing: str) -> bool:
    """Whether the first bracket closes at the end."""
    depth = 0
    for place, letter in enumerate(text):
        depth += (letter == opening) - (letter == closing)
        if depth == 0:
            return place == len(text) - 1
    return False
