"""What a chapter's sentences may hold beside words: ``{places}`` for measured numbers, and conditions in a tiny form.

A place is ``{loss_first}``, ``{loss_first:3}`` (significant figures) or ``{steps_to_goal:step}`` (with its noun, in the
right number). A condition is ``steps_to_goal < 10``, ``zone == "bouncing"``, ``loss_last > 2 * loss_first``,
``steps_to_goal is measured`` or ``… is not measured``. Names may have the run they speak of before a dot:
``chapter.zone`` (the chapter's own state), ``tiny.zone`` (a run of its table ``also``). Nothing is evaluated as Python.
"""

import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from fallline._wording import count, number, percent, reach_number, written

NAME = r"(?:[a-z][a-z0-9_]*\.)?[A-Za-z][A-Za-z0-9_]*"
_PLACE = re.compile(r"\{([^{}]*)\}")
_INSIDE = re.compile(rf"({NAME})(?::([0-9]{{1,2}}|[a-z]+))?")
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_COMPARED = re.compile(rf'({NAME})\s*(==|!=|<=|>=|<|>)\s*(?:({_NUMBER})|"([^"]*)"|(?:({_NUMBER})\s*\*\s*)?({NAME}))')
_PRESENCE = re.compile(rf"({NAME})\s+is(\s+not)?\s+measured")
_COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip

Value = float | int | str
"""A measurement: a number, a whole count, or a word such as a zone."""


@dataclass(frozen=True)
class Rate:
    """A learning rate, or another number that a person chooses: written without trailing zeros."""

    value: float


@dataclass(frozen=True)
class Share:
    """A part of a whole: written as a percentage."""

    value: float


@dataclass(frozen=True)
class Reach:
    """A reach: near 1 and 2 written with as many figures as show the side."""

    value: float


Measured = Value | Rate | Share | Reach
"""What a place is filled with; plain numbers are written with four significant figures."""


@dataclass(frozen=True)
class Place:
    """A measurement that a sentence asks for."""

    name: str
    form: str
    """How it is written: figures, a noun, or ``""``."""


@dataclass(frozen=True)
class Condition:
    """A comparison of one measurement with a number, a word or another measurement; or whether it exists."""

    name: str
    sign: str
    """``==`` … ``>=``, ``measured``, ``not measured``."""
    number: float | None = None
    """What it is compared with, or the factor of ``other``."""
    word: str | None = None
    other: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The measurements that it needs."""
        return (self.name,) if self.other is None else (self.name, self.other)


def places(sentence: str) -> list[Place]:
    """The places of a sentence, in their order.

    Raises:
        ValueError: one of them, or a brace, cannot be read; the message is part of a sentence.

    >>> places("The loss fell to {loss_last:3} after {steps:step}.")
    [Place(name='loss_last', form='3'), Place(name='steps', form='step')]
    """
    found = []
    for text in _PLACE.findall(sentence):
        inside = _INSIDE.fullmatch(text)
        if inside is None:
            raise ValueError(f'"{{{text}}}" is no place for a measurement, such as {{loss_last}} or {{rate:3}}')
        found.append(Place(inside[1], inside[2] or ""))
    if any(brace in _PLACE.sub("", sentence) for brace in "{}"):
        raise ValueError("a brace stands alone; measurements are written {loss_last}")
    return found


def filled(sentence: str, measured: Mapping[str, Measured]) -> str | None:
    """The sentence with its numbers; None where one of them was not measured in this run.

    >>> filled("It took {steps:step}, {share} of them short.", {"steps": 1, "share": Share(0.5)})
    'It took 1 step, 50 % of them short.'
    >>> filled("The goal came after {steps_to_goal:step}.", {}) is None
    True
    """
    if any(place.name not in measured for place in places(sentence)):
        return None
    found = iter(places(sentence))

    def write(_: re.Match[str]) -> str:
        place = next(found)
        return in_words(measured[place.name], place.form)

    return _PLACE.sub(write, sentence)


def in_words(value: Measured, form: str = "") -> str:
    """A measurement as people read it.

    >>> in_words(192.5307), in_words(Rate(0.01)), in_words(Reach(0.685)), in_words(427, "step"), in_words(2.0, "2")
    ('192.5', '0.01', '0.69', '427 steps', '2.0')
    """
    if isinstance(value, str):
        return value
    digits = int(form) if form.isdigit() else None
    plain = value.value if isinstance(value, Rate | Share | Reach) else value
    if form and digits is None:
        return count(plain, form)
    if isinstance(value, Rate):
        return written(plain, digits or 4)
    if isinstance(value, Share) and digits is None:
        return percent(plain)
    if isinstance(value, Reach) and digits is None:
        return reach_number(plain)
    return count(plain) if isinstance(plain, int) and digits is None else number(float(plain), digits or 4)


def condition(text: str) -> Condition:
    """A condition from its text.

    Raises:
        ValueError: it is none; the message is part of a sentence.

    >>> condition('zone == "bouncing"').word, condition("loss_last > 2 * loss_first").other
    ('bouncing', 'loss_first')
    """
    presence = _PRESENCE.fullmatch(text.strip())
    if presence is not None:
        return Condition(presence[1], "not measured" if presence[2] else "measured")
    compared = _COMPARED.fullmatch(text.strip())
    if compared is None:
        raise ValueError(
            f"'{text}' is no condition, such as 'zone == \"bouncing\"', 'reach_first > 2', "
            "'loss_last > 2 * loss_first' or 'steps_to_goal is measured'"
        )
    name, sign, plain, word, factor, other = compared.groups()
    if word is not None and sign not in ("==", "!="):
        raise ValueError(f"'{text}' compares a word by {sign}; words are equal (==) or not (!=)")
    told = plain if factor is None else factor
    return Condition(name, sign, None if told is None else float(told), word, other)


def holds(asked: Condition, measured: Mapping[str, Measured]) -> bool:
    """Whether a condition is true of what was measured; what compares something that was not measured is not.

    >>> holds(condition("reach > 2"), {"reach": Reach(2.1)}), holds(condition("reach > 2"), {})
    (True, False)
    """
    if asked.sign in ("measured", "not measured"):
        return (asked.name in measured) == (asked.sign == "measured")
    if any(name not in measured for name in asked.names):
        return False
    mine = _plain(measured[asked.name])
    theirs = asked.word if asked.word is not None else _compared_with(asked, measured)
    if isinstance(mine, str) or isinstance(theirs, str):
        same = mine == theirs
        return same if asked.sign == "==" else not same if asked.sign == "!=" else False
    if asked.sign in ("==", "!="):  # a count is exact, another number is the same within rounding
        return math.isclose(mine, theirs, rel_tol=1e-9) == (asked.sign == "==")
    return _COMPARISONS[asked.sign](mine, theirs)


def _compared_with(asked: Condition, measured: Mapping[str, Measured]) -> float | str:
    if asked.other is None:
        return math.nan if asked.number is None else asked.number
    value = _plain(measured[asked.other])
    return value if isinstance(value, str) or asked.number is None else asked.number * value


def _plain(value: Measured) -> float | str:
    return value.value if isinstance(value, Rate | Share | Reach) else value
