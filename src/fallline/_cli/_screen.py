"""What a person sees: results on stdout, notes and progress on stderr."""

import math
import os
import shutil
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from io import StringIO, TextIOWrapper
from typing import Final, Self, TextIO

from fallline._columns import columns_of

BAR_AFTER_SECONDS = 1.0
"""Work that is over sooner shows no progress bar."""
LINE_AFTER_SECONDS, LINES_APART_SECONDS = 5.0, 60.0
"""Where stderr is no terminal: when the first line of progress is due, and how far apart they are at most."""
MOST_READABLE = 100
"""Prose is not set wider than this many columns."""
UNBROKEN = "\N{NO-BREAK SPACE}"
"""A number and its percent sign stay on one line."""
SECOND_COLUMN = "\ue000"
"""Stands behind a letter that takes two columns while lines are broken."""
SHOWN: Final = {code: 0x2400 + code for code in range(32)} | {0x7F: 0x2421} | dict.fromkeys(range(0x80, 0xA0), 0xFFFD)
"""Control characters as pictures of themselves: names and texts of others must not steer the terminal."""
ESCAPED: Final = {code: f"\\u{code:04x}" for code in range(0x7F, 0xA0)}
"""What JSON leaves as it is of them, as JSON's escapes."""


@dataclass(frozen=True)
class Screen:
    """The two streams and how wide they are; nothing is coloured, so NO_COLOR has nothing to say."""

    out: TextIO
    err: TextIO
    width: int
    """Columns of the terminal, 80 where there is none."""

    @classmethod
    def standard(cls) -> "Screen":
        """The process's own streams."""
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, TextIOWrapper):  # LANG=C, a Windows pipe, a file name that is not UTF-8: never stop
                stream.reconfigure(encoding="utf-8", errors="backslashreplace")
        return cls(sys.stdout, sys.stderr or StringIO(), shutil.get_terminal_size((80, 24)).columns)

    def say(self, *lines: str) -> None:
        """Results, each a line of its own."""
        for line in lines:
            self.out.write(line.translate(SHOWN) + "\n")

    def json(self, text: str) -> None:
        """Results for programs."""
        self.out.write(text.translate(ESCAPED) + "\n")

    def paragraph(self, text: str) -> None:
        """Results that are prose, wrapped to the terminal."""
        self.say(*self.wrapped(text, min(self.width, MOST_READABLE)))

    def wrapped(self, text: str, width: int | None = None) -> list[str]:
        """Lines no longer than ``width``, that of the terminal unless told; never split within a word or before a %."""
        import textwrap

        bound = text.replace(" %", f"{UNBROKEN}%")
        if not bound.isascii():
            bound = "".join(letter + SECOND_COLUMN * (columns_of(letter) == 2) for letter in bound)
        lines = textwrap.wrap(bound, width or self.width, break_on_hyphens=False, break_long_words=False)
        return [line.replace(UNBROKEN, " ").replace(SECOND_COLUMN, "") for line in lines] or [""]

    def note(self, text: str) -> None:
        """Something beside the result; on a terminal it is broken between words."""
        if self.err.isatty():
            text = "\n".join(line for part in text.split("\n") for line in self.wrapped(part))
        self.err.write(_lines_shown(text) + "\n")

    def complain(self, text: str) -> None:
        """Why nothing came of it; the status says so too, where nobody can read it."""
        with suppress(OSError):
            self.err.write(f"fallline: {_lines_shown(text)}\n")
            self.err.flush()


def _lines_shown(text: str) -> str:
    """A note keeps its own line breaks."""
    return "\n".join(line.translate(SHOWN) for line in text.split("\n"))


class ProgressLine:
    """A bar with the time left, only for work that takes a while; where stderr is no terminal, lines now and then."""

    def __init__(self, screen: Screen, *, visible: bool, things: str = "steps") -> None:
        self._err = screen.err
        self._things = things
        self._shown = False
        bar = screen.err.isatty() and os.environ.get("TERM") != "dumb"
        self._visible = visible and bar
        self._next_line = LINE_AFTER_SECONDS if visible and not bar else math.inf
        self._width = screen.width
        self._began = time.monotonic()
        self._first: tuple[float, int] | None = None
        """When the first block was over, and what was done then: what came before was no measure of the work."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *ended: object) -> None:
        self.clear()

    def update(self, done: int, total: int, loss: float) -> None:
        """Called after every block of steps."""
        now = time.monotonic()
        _, already = self._first = self._first or (now, done)
        if now - self._began >= self._next_line:
            self._line(now - self._began, self._told(done, total, loss, now))
        if not self._visible or now - self._began < BAR_AFTER_SECONDS or done <= already:
            return
        filled = round(24 * done / max(1, total))
        bar = "█" * filled + "░" * (24 - filled)
        self._shown = True  # first: Ctrl-C may arrive between the two
        told = f"{bar} {self._told(done, total, loss, now)}"
        self._err.write(f"\r{told if len(told) < self._width else told[len(bar) + 1 :][: self._width - 1]} \x1b[K")
        self._err.flush()

    def _told(self, done: int, total: int, loss: float, now: float) -> str:
        """How much is done, and how long the rest will take as far as can be told."""
        began, already = self._first or (now, done)
        seen = f", loss {loss:.4g}" if math.isfinite(loss) else ""
        left = f", {(now - began) * (total - done) / (done - already):,.0f} s left" if done > already else ""
        return f"{done:,} of {total:,} {self._things}{seen}{left}"

    def _line(self, elapsed: float, told: str) -> None:
        """In a file or a pipe: after twice the time, and at least once a minute."""
        self._next_line = elapsed + min(elapsed, LINES_APART_SECONDS)
        self._err.write(f"{elapsed:,.0f} s: {told}\n")
        self._err.flush()

    def clear(self) -> None:
        """Take the bar away."""
        if self._shown:
            self._err.write("\r\x1b[K")
            self._err.flush()
