"""What a question answered by experiment leaves behind: its sentences, its curves, its tables, its numbers.

Everything here is written already: a screen, a page and a program show the same words and figures.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from fallline._records._run import Floats


class Role(StrEnum):
    """What a series means, hence how it is drawn: never by colour alone."""

    MAIN = "main"
    """The thing asked about: solid and strong."""
    OTHER = "other"
    """One of the things it is compared with: each its own colour and marker."""
    WRONG = "wrong"
    """The wrong way, as in plus for minus: dashed."""
    THEORY = "theory"
    """What a formula says it should be: dotted, beside what was measured."""


@dataclass(frozen=True, eq=False)
class Series:
    """One line of a chart."""

    name: str
    x: Floats
    """[K] rising"""
    y: Floats
    """[K]; NaN and ±inf are measurements: a gap, a mark at the edge."""
    role: Role = Role.MAIN
    points: bool = False
    """True: separate measurements, drawn as points; False: a line."""


@dataclass(frozen=True)
class Mark:
    """A named value on an axis: the stability limit, the goal."""

    name: str
    value: float
    axis: str = "x"
    """``x``: an upright line at this x; ``y``: a level one at this y."""


@dataclass(frozen=True, eq=False)
class Curves:
    """Some series on the same axes."""

    title: str
    series: tuple[Series, ...]
    x_title: str
    y_title: str
    log_x: bool = False
    log_y: bool = False
    """Where an axis is logarithmic, values that are not above 0 cannot be drawn and are left out."""
    marks: tuple[Mark, ...] = ()
    caption: str = ""


@dataclass(frozen=True)
class Facts:
    """A small table, its cells written as they are to be read."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    """Each row has a cell for each column."""
    numeric: tuple[bool, ...]
    """[columns] True where cells are numbers: set flush right."""
    caption: str = ""


Exhibit = Curves | Facts


@dataclass(frozen=True, eq=False)
class Section:
    """One thought: a heading, paragraphs of sentences, and what was seen."""

    heading: str
    paragraphs: tuple[tuple[str, ...], ...]
    """Sentences, by paragraph."""
    exhibits: tuple[Exhibit, ...] = ()
    """Shown after the paragraphs, in this order."""


@dataclass(frozen=True, eq=False)
class Answer:
    """A question every learner asks, answered by an experiment that was just run."""

    question: str
    """``minus``, ``rate``, ``derivative`` or ``minimum``."""
    title: str
    """The question in full: ``Why minus?``"""
    problem: str
    """The name of what it was run on: ``line``, ``penguins``, ``himmelblau``."""
    summary: str
    """The answer in a sentence or two, with its numbers."""
    sections: tuple[Section, ...]
    numbers: Mapping[str, object] = field(default_factory=dict)
    """The measurements behind the sentences, for programs: numbers, None, strings, sequences and mappings of them."""

    def __repr__(self) -> str:
        return f"<Answer {self.title} {self.problem}: {len(self.sections)} sections>"
