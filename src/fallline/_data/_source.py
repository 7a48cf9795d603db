"""What every kind of source (file, data frame, array) looks like to the reader; which columns it takes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from numbers import Integral
from typing import Protocol

from fallline._data._blocks import Chunk
from fallline._data._columns import Column
from fallline._data._words import counted, listed, unknown_column
from fallline._errors import DataError


class Kind(StrEnum):
    """What a column holds, in the words of the notes."""

    NUMBER = "numbers"
    BOOLEAN = "true or false"
    TEXT = "text"
    DATE = "dates"
    COMMA = "numbers with a comma"
    NESTED = "nested values"
    COMPLEX = "complex numbers"
    OTHER = "values that are not numbers"
    EMPTY = "no values"


NUMERIC = (Kind.NUMBER, Kind.BOOLEAN)

COMMA_REMEDY = "Write them with a decimal point, 1.5 instead of 1,5, and without separators of thousands"
"""What helps a table from half of Europe."""


class Source(Protocol):
    """A place that numbers can be taken from."""

    @property
    def label(self) -> str:
        """The path or the kind of object."""

    @property
    def name(self) -> str:
        """A short name for the table."""

    @property
    def kinds(self) -> Mapping[str, Kind]:
        """What each column holds, in the order of the source."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What was guessed on opening it."""

    def numbers(self, names: Sequence[str]) -> tuple[Column, ...]:
        """The columns [C], each [N] float64, missing as NaN, in memory that nobody else can alter.

        Raises DataError for a column that is not numeric.
        """

    def chunks(self, names: Sequence[str]) -> Iterator[Chunk]:
        """The same numbers in pieces that come one after the other, in whatever real dtype they have.

        Raises DataError for a column that is not numeric, ReadInWholeError where the values have to be seen together.
        """


class ReadInWholeError(Exception):
    """A file turned out to need :meth:`Source.numbers`: what its text stands for depends on all of it."""


@dataclass(frozen=True)
class Choice:
    """Which columns are used."""

    features: tuple[str, ...]
    target: str
    notes: tuple[str, ...] = ()


def choose(
    kinds: Mapping[str, Kind], target: str | int | None, features: str | int | Sequence[str | int] | None, label: str
) -> Choice:
    """The target (None: the last column) and the features (None: every other numeric column).

    A pandas frame may name its columns by numbers: 1 is the column "1".

    Raises DataError for unknown or repeated names, a target among the features, or no numeric feature.

    >>> choose({"a": Kind.NUMBER, "b": Kind.TEXT, "y": Kind.NUMBER}, None, None, "t.csv").notes
    ('Left out: "b" (text).',)
    """
    known = [name for name in kinds if name]
    if not known:
        raise DataError(f"{label} has no columns with a name: expected at least a feature and a target.")
    target = known[-1] if target is None else _column_name(target)
    if target not in known:
        raise DataError(unknown_column(target, known, "the target"))
    if features is None:
        return _every_other(kinds, target, label)
    given = (features,) if isinstance(features, str | int) else features
    named = tuple(_column_name(name) for name in given)
    if not named:
        raise DataError("No feature was named: give at least one column, or leave --features (features=) out.")
    for name in named:
        if name not in known:
            raise DataError(unknown_column(name, known, "a feature"))
        if named.count(name) > 1:
            raise DataError(f'The feature "{name}" is named {named.count(name)} times: name each feature once.')
    if target in named:
        raise DataError(f'"{target}" is the target and also among the features: leave it out of one of them.')
    return Choice(named, target)


def _column_name(given: object) -> str:
    """A column's name as text."""
    if isinstance(given, str | Integral) and not isinstance(given, bool):
        return str(given)
    raise DataError(f"A column is given by its name, in quotation marks, not as {given!r}.")


def _every_other(kinds: Mapping[str, Kind], target: str, label: str) -> Choice:
    """Every numeric column but the target, and a note on those left out."""
    others = {name: kind for name, kind in kinds.items() if name != target}
    features = tuple(name for name, kind in others.items() if kind in NUMERIC and name)
    left_out: dict[Kind, list[str]] = {}
    for name, kind in others.items():
        if kind not in NUMERIC and name:
            left_out.setdefault(kind, []).append(name)
    groups = [f"{listed(names)} ({kind.value})" for kind, names in left_out.items()]
    if "" in others:
        groups.append("a column without a name")
    if not features:
        found = f": left out {', '.join(groups)}" if groups else ""
        remedy = f". {COMMA_REMEDY}" if Kind.COMMA in left_out else ""
        columns = counted(len(kinds), "column")
        raise DataError(
            f'No numeric column is left as a feature beside the target "{target}" '
            f"({label} has {columns}{found}): expected at least one other column of numbers{remedy}."
        )
    return Choice(features, target, (f"Left out: {', '.join(groups)}.",) if groups else ())


def not_numeric(name: str, kind: Kind) -> DataError:
    """The error for a column that was asked for and holds something else."""
    if kind is Kind.DATE:
        remedy = "turn them into numbers first, such as days since the first one"
    elif kind is Kind.COMMA:
        remedy = COMMA_REMEDY[0].lower() + COMMA_REMEDY[1:]
    elif kind in (Kind.TEXT, Kind.OTHER):
        remedy = "convert it, or choose another column"
    else:
        remedy = "choose another column"
    return DataError(f'Column "{name}" holds {kind.value} where numbers are expected: {remedy}.')


def demand_numeric(kinds: Mapping[str, Kind], names: Sequence[str]) -> None:
    """Raise DataError for the first of these columns that holds something else than numbers."""
    for name in names:
        if kinds[name] not in NUMERIC:
            raise not_numeric(name, kinds[name])
