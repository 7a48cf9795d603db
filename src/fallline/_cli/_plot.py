"""Curves in the terminal, in braille dots and markers; in plain ASCII where the terminal knows no more."""

import locale
import os
from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import wrap

import numpy as np

from fallline._cli._axis import Axis, tick_labels
from fallline._records import Floats

NARROWEST = 12
"""Fewer columns than this between the axes show nothing."""
DOTS_ACROSS, DOTS_UP = 2, 4
BRAILLE = ((0x40, 0x04, 0x02, 0x01), (0x80, 0x20, 0x10, 0x08))
"""The bit of each dot of a braille character: [column][row from the bottom]."""
MARKERS_ACROSS = 6
"""How often a long curve shows its marker."""


@dataclass(frozen=True, eq=False)
class Series:
    """One curve: values ``y`` [N] at ``x`` [N], in any order; NaN and ±inf in ``y`` are marked at the edge."""

    name: str
    marker: str
    """One character, or none; in plain ASCII its ``letter`` stands instead."""
    x: Floats
    y: Floats
    letter: str = "*"
    joined: bool = True
    """False for points without a line between them."""


@dataclass(frozen=True)
class Band:
    """A named part of the x axis, marked beneath it."""

    name: str
    low: float
    high: float
    fill: str
    """One character; in plain ASCII its ``letter`` stands instead."""
    letter: str


@dataclass(frozen=True)
class Mark:
    """A named place on the x axis: a faint upright line, and its sign on the axis."""

    name: str
    x: float
    sign: str
    letter: str


@dataclass(frozen=True)
class Alphabet:
    """The characters of a plot."""

    left: str
    floor: str
    corner: str
    tick: str
    upright: str
    cross: str
    above: str
    below: str
    ascii_only: bool


UNICODE = Alphabet("│", "─", "└", "┬", "┊", "✕", "↑", "↓", ascii_only=False)
ASCII = Alphabet("|", "-", "+", "+", ":", "X", "^", "v", ascii_only=True)


def only_ascii() -> bool:
    """True where the terminal is dumb, or this process was told that its output is no UTF-8."""
    told = os.environ.get("PYTHONIOENCODING", "").partition(":")[0]
    encoding = told or ("utf-8" if os.name == "nt" else locale.getencoding())
    return os.environ.get("TERM") == "dumb" or encoding.lower().replace("-", "") not in ("utf8", "cp65001")


def line_plot(
    series: Sequence[Series],
    *,
    width: int,
    height: int = 12,
    log_x: bool = False,
    log_y: bool = False,
    x_title: str = "",
    y_title: str = "",
    y_low: float | None = None,
    y_high: float | None = None,
    bands: Sequence[Band] = (),
    marks: Sequence[Mark] = (),
    ascii_only: bool | None = None,
) -> list[str]:
    """Curves over a shared x axis as lines of at most ``width`` columns; none where that is too narrow.

    Args:
        series: the curves; nothing in them can make it fail.
        width: columns, the labels of the axes included.
        height: rows of the picture itself.
        log_x: a logarithmic x axis; points at or below zero have no place on it and are left out.
        log_y: a logarithmic y axis; values at or below zero are marked at the bottom edge.
        x_title: stands beneath the x axis.
        y_title: stands above the picture.
        y_low: cuts the picture; what lies below is marked at the bottom edge.
        y_high: the same at the top edge.
        bands: named parts of the x axis, drawn as a strip beneath it.
        marks: named places on the x axis.
        ascii_only: no other characters; as :func:`only_ascii` says unless told.

    >>> x = np.linspace(0, 4, 9)
    >>> for line in line_plot([Series("square", "●", x, x**2)], width=30, height=4, ascii_only=True): print(line)
       |                      *..*
    10 |                  .*...
       |            .*..*..
     0 |*..*..*..*...
       ++------------+-----------+
        0            2           4
    """
    alphabet = ASCII if (only_ascii() if ascii_only is None else ascii_only) else UNICODE
    upright = Axis.around(_joined([one.y for one in series]), log=log_y, low=y_low, high=y_high)
    every_x = _joined([*(one.x for one in series), *(np.array([band.low, band.high]) for band in bands)])
    across = Axis.around(every_x, log=log_x)
    labels = _upright_labels(upright, height, alphabet)
    gutter = max(map(len, labels.values()), default=0)
    columns = width - gutter - 2
    if columns < NARROWEST or height < 1:
        return []
    canvas = _Canvas(columns, height, across, upright, alphabet)
    canvas.draw_marks(marks)
    for index, one in enumerate(series):
        canvas.draw(one, index, len(series))
    ticks, beneath = _beneath(across, columns, marks, alphabet)
    strip, unnamed = _strip(bands, across, columns, alphabet)
    legend = _legend(series, marks, unnamed, canvas.edges, alphabet)
    indent = " " * (gutter + 2)
    lines = [
        *wrap(y_title, width),
        *(f"{labels.get(k, ''):>{gutter}} {alphabet.left}{row}" for k, row in enumerate(canvas.rows())),
        f"{'':>{gutter}} {alphabet.corner}{ticks}",
        *(indent + line for line in beneath),
        *(indent + line for line in strip),
        *(indent + line.strip().center(columns) for line in wrap(x_title, columns)),
        *_wrapped_parts(legend, indent, width),
    ]
    return [line.rstrip() for line in lines]


class _Canvas:
    """The picture between the axes: dots of curves beneath, markers above them."""

    def __init__(self, columns: int, height: int, across: Axis, upright: Axis, alphabet: Alphabet) -> None:
        self._dots = np.zeros((height * DOTS_UP, columns * DOTS_ACROSS), dtype=bool)  # row 0 is the bottom
        self._cells = [[" "] * columns for _ in range(height)]
        self._across, self._upright, self._alphabet = across, upright, alphabet
        self.edges: dict[str, str] = {}
        """Signs set at an edge, with what they mean."""

    def draw_marks(self, marks: Sequence[Mark]) -> None:
        for column in _columns_of([mark.x for mark in marks], self._across, len(self._cells[0])):
            if column is not None:
                for row in self._cells:
                    row[column] = self._alphabet.upright

    def draw(self, one: Series, index: int, of: int) -> None:
        """The line in dots, then its markers and what lies beyond an edge."""
        order = np.argsort(np.asarray(one.x, dtype=np.float64), kind="stable")
        x, y = np.asarray(one.x, dtype=np.float64)[order], np.asarray(one.y, dtype=np.float64)[order]
        here = np.isfinite(self._across.position(x))
        x, y = x[here], y[here]
        u, v = self._across.position(x), self._upright.position(y)
        if one.joined:
            for k in range(len(u) - 1):
                self._line(u[k : k + 2], v[k : k + 2])
        marker = one.letter if self._alphabet.ascii_only else one.marker
        inside = np.flatnonzero((v >= -1e-9) & (v <= 1 + 1e-9) & (u >= -1e-9) & (u <= 1 + 1e-9))
        for k in self._marked(inside, u, index, of, all_of_them=not one.joined) if marker else ():
            self._put(float(u[k]), float(v[k]), marker)
        for k in range(len(u)):
            self._edge(float(u[k]), float(y[k]), float(v[k]))

    def _marked(self, inside: np.ndarray, u: Floats, index: int, of: int, *, all_of_them: bool) -> Sequence[int]:
        """Every point where they are few; of a long curve some, so that crossing curves can be told apart."""
        columns = len(self._cells[0])
        if all_of_them or len(inside) * 2 <= columns:
            return [int(k) for k in inside]
        if not len(inside):
            return []
        wanted = (np.arange(MARKERS_ACROSS) + (index + 0.5) / max(1, of)) / MARKERS_ACROSS
        return sorted({int(inside[np.argmin(np.abs(u[inside] - at))]) for at in wanted})

    def _line(self, u: Floats, v: Floats) -> None:
        """Dots from one point to the next; a part beyond an edge is left out."""
        if not (np.isfinite(u).all() and np.isfinite(v).all()):
            return
        rows, columns = self._dots.shape
        near = np.clip(np.column_stack((u, v)), -1e6, 1e6)
        ends = np.asarray(np.round(near, 9), dtype=np.float64)  # far below a dot, far above underflow
        shown = _clipped(ends)
        if shown is None:
            return
        places = shown * (columns - 1, rows - 1)
        count = int(np.ceil(np.abs(places[1] - places[0]).max())) + 1
        along = np.linspace(places[0], places[1], count)
        self._dots[np.rint(along[:, 1]).astype(int), np.rint(along[:, 0]).astype(int)] = True

    def _put(self, u: float, v: float, sign: str) -> None:
        rows, columns = len(self._cells), len(self._cells[0])
        self._cells[rows - 1 - _cell(v, rows)][_cell(u, columns)] = sign

    def _edge(self, u: float, y: float, v: float) -> None:
        """What the picture cannot show where it lies: not finite, above it, below it."""
        if not -1e-9 <= u <= 1 + 1e-9:
            return
        if np.isnan(y) or y == np.inf:
            sign, meaning, place = self._alphabet.cross, "not finite", 1.0
        elif v > 1 + 1e-9:
            sign, meaning, place = self._alphabet.above, "above the picture", 1.0
        elif y == -np.inf or np.isnan(v) or v < -1e-9:
            sign, meaning, place = self._alphabet.below, "below the picture", 0.0
        else:
            return
        self.edges[sign] = meaning
        self._put(u, place, sign)

    def rows(self) -> list[str]:
        """Top first; a marker hides the dots of its cell, dots hide an upright line."""
        height, columns = len(self._cells), len(self._cells[0])
        plain = {" ", self._alphabet.upright}
        lines = []
        for k, cells in enumerate(self._cells):
            bottom = (height - 1 - k) * DOTS_UP
            block = self._dots[bottom : bottom + DOTS_UP]
            drawn = [self._dotted(block[:, c * DOTS_ACROSS : (c + 1) * DOTS_ACROSS]) for c in range(columns)]
            lines.append(
                "".join(dot if cell in plain and dot else cell for cell, dot in zip(cells, drawn, strict=True))
            )
        return lines

    def _dotted(self, block: np.ndarray) -> str:
        """One cell's dots [row from the bottom, column] as a character; empty where there are none."""
        if not block.any():
            return ""
        if self._alphabet.ascii_only:
            return "."
        bits = sum(BRAILLE[c][r] for c in range(DOTS_ACROSS) for r in range(DOTS_UP) if block[r, c])
        return chr(0x2800 + bits)


def _clipped(ends: Floats) -> Floats | None:
    """The part of a line [2, 2] inside the unit square (Liang–Barsky), None where there is none."""
    start, way = ends[0], ends[1] - ends[0]
    enter, leave = 0.0, 1.0
    for axis in (0, 1):
        for side, sign in ((0.0, -1.0), (1.0, 1.0)):
            room, speed = sign * (side - start[axis]), sign * way[axis]
            if speed == 0:
                if room < 0:
                    return None
                continue
            if speed > 0:
                leave = min(leave, room / speed)
            else:
                enter = max(enter, room / speed)
    return np.clip(start + np.outer([enter, leave], way), 0.0, 1.0) if enter <= leave else None


def _cell(place: float, count: int) -> int:
    """Which of ``count`` cells a place from 0 to 1 lies in; rounding does not push it into the one before."""
    return min(count - 1, max(0, int(round(place * count, 9))))


def _joined(parts: Sequence[Floats]) -> Floats:
    return np.concatenate([np.ravel(np.asarray(part, dtype=np.float64)) for part in parts] or [np.zeros(0)])


def _columns_of(values: Sequence[float], axis: Axis, columns: int) -> list[int | None]:
    """The column of each value, None for one that is not on the axis."""
    places = axis.position(np.asarray(values, dtype=np.float64))
    return [min(columns - 1, max(0, int(place * columns))) if -1e-9 <= place <= 1 + 1e-9 else None for place in places]


def _upright_labels(axis: Axis, height: int, alphabet: Alphabet) -> dict[int, str]:
    """The label of each row, counted from the top, that has one."""
    labels: dict[int, str] = {}
    ticks = axis.ticks(max(2, min(6, height // 2)))
    for value, label in zip(ticks, tick_labels(ticks, ascii_only=alphabet.ascii_only), strict=True):
        row = height - 1 - _cell(float(axis.position(value)), height)
        labels.setdefault(row, label)
    return labels


def _beneath(axis: Axis, columns: int, marks: Sequence[Mark], alphabet: Alphabet) -> tuple[str, list[str]]:
    """The axis itself with its ticks and marks, and the line of tick labels."""
    line = [alphabet.floor] * columns
    labels = [" "] * columns
    taken = -1
    ticks = axis.ticks(max(3, columns // 10))
    for value, text in zip(ticks, tick_labels(ticks, ascii_only=alphabet.ascii_only), strict=True):
        (column,) = _columns_of([value], axis, columns)
        if column is None:
            continue
        line[column] = alphabet.tick
        begin = min(max(0, column - len(text) // 2), columns - len(text))
        if begin > taken and begin >= 0:
            labels[begin : begin + len(text)] = text
            taken = begin + len(text)
    for mark, column in zip(marks, _columns_of([mark.x for mark in marks], axis, columns), strict=True):
        if column is not None:
            line[column] = mark.letter if alphabet.ascii_only else mark.sign
    return "".join(line), ["".join(labels)]


def _strip(
    bands: Sequence[Band], axis: Axis, columns: int, alphabet: Alphabet
) -> tuple[list[str], list[tuple[str, str]]]:
    """The bands in one line, their names inside where they fit; and (fill, name) of those that do not."""
    if not bands:
        return [], []
    line, unnamed = [" "] * columns, []
    named: set[str] = set()
    spans = []
    for band in bands:
        low, high = _columns_of([band.low, band.high], axis, columns)
        if low is None or high is None:
            continue
        fill = band.letter if alphabet.ascii_only else band.fill
        line[low : high + 1] = fill * (high + 1 - low)
        spans.append((low, high + 1, fill, band.name))
    starts = [span[0] for span in spans[1:]] + [columns]
    for (low, high, fill, name), next_low in zip(spans, starts, strict=True):
        end = min(high, next_low) if next_low > low else high
        if end - low >= len(name) + 3 and name not in named:
            begin = low + (end - low - len(name) - 2) // 2
            line[begin : begin + len(name) + 2] = f" {name} "
            named.add(name)
        elif (fill, name) not in unnamed:
            unnamed.append((fill, name))
    return ["".join(line)], [(fill, name) for fill, name in unnamed if name not in named]


def _legend(
    series: Sequence[Series],
    marks: Sequence[Mark],
    unnamed: Sequence[tuple[str, str]],
    edges: dict[str, str],
    alphabet: Alphabet,
) -> list[str]:
    """What the signs mean, each once; a single curve needs no name."""
    ascii_only = alphabet.ascii_only
    parts = [(one.letter if ascii_only else one.marker, one.name) for one in series if len(series) > 1]
    parts += [(mark.letter if ascii_only else mark.sign, mark.name) for mark in marks]
    return [f"{sign} {name}" for sign, name in dict.fromkeys([*parts, *unnamed, *edges.items()])]


def _wrapped_parts(parts: Sequence[str], indent: str, width: int) -> list[str]:
    """Parts side by side, none broken over two lines unless it is too long for one."""
    lines: list[str] = []
    for part in parts:
        for piece in wrap(part, width - len(indent)):
            joined = f"{lines[-1]}   {piece}" if lines else ""
            if joined and len(joined) <= width and piece == part:
                lines[-1] = joined
            else:
                lines.append(indent + piece)
    return lines
