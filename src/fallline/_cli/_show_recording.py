"""A watched loop on the screen: its story, its instruments as curves, its alarms; one step; live."""

import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from fallline._cli._plot import Mark, Series, line_plot
from fallline._cli._screen import MOST_READABLE, Screen
from fallline._explain import (
    Instrument,
    alarm_line,
    alarm_sentences,
    alarm_title,
    evidence_sentences,
    explain,
    flight_table,
    instruments,
    news_line,
    outcome_line,
    recording_paragraphs,
    told_alarms,
    who_line,
)
from fallline._records import Alarm, Floats, Integers, Recording, StepSeries
from fallline._store import new_recording_rows, stored_header

POLL_SECONDS = 0.5
GIVE_UP_SECONDS = 10.0
"""After so long without a word the following ends, at the earliest …"""
PATIENCE, RECENT = 5, 16
"""… and not before so many times the longest of so many last steps."""
FIRST_SECONDS = 60.0
"""A first step, of which nothing is known yet, may take so long."""
PLOT_WIDTH = 80
PLOT_HEIGHT = 7
MOST_MARKS = 5
FEWEST_POINTS = 2
"""One point is no curve; its number stands in the sentences."""
HIGHEST_REACH = 4.0
"""Reach is drawn up to here; a farther step is marked at the edge."""
MARKERS = (("●", "o"), ("▲", "^"), ("■", "#"), ("◆", "+"), ("○", "*"))
"""Of several optimizers, in Unicode and in plain ASCII."""
POINT = ("•", "o")


def show_recording(screen: Screen, recording: Recording) -> None:
    """The whole story, top to bottom; what broke stands last, where a terminal shows it."""
    screen.say(recording.header.name)
    screen.paragraph(who_line(recording.header))
    screen.say("")
    screen.paragraph(outcome_line(recording))
    for paragraph in recording_paragraphs(recording):
        screen.say("")
        for sentence in paragraph:
            screen.paragraph(sentence)
    for plot in plots(recording, screen.width):
        screen.say("", *plot)
    told, others = told_alarms(recording)
    for alarm in told:
        _show_alarm(screen, recording, alarm)
    if others:
        screen.say("")
        for sentence in others:
            screen.paragraph(sentence)


def _show_alarm(screen: Screen, recording: Recording, alarm: Alarm) -> None:
    screen.say("")
    screen.paragraph(f"{alarm_title(alarm)}.")
    for sentence in alarm_sentences(recording, alarm):
        screen.paragraph(sentence)
    table = flight_table(recording, alarm, min(screen.width, MOST_READABLE))
    screen.say(*([""] if table else []), *table)
    evidence = evidence_sentences(alarm)
    screen.say(*([""] if evidence else []))
    for sentence in evidence:
        first, *rest = screen.wrapped(sentence, min(screen.width, MOST_READABLE) - 2)
        screen.say(first, *(f"  {line}" for line in rest))


def show_recorded_step(screen: Screen, recording: Recording, step: int) -> None:
    """One step: what it did, then its layers where they were measured there."""
    explanation = explain(recording, step)
    screen.paragraph(explanation.title)
    screen.say("")
    for sentence in explanation.sentences:
        screen.paragraph(sentence)
    if explanation.figures:
        screen.say("", *explanation.figures)


def plots(recording: Recording, width: int) -> list[list[str]]:
    """The main instruments over the steps, a picture each; none where the terminal is too narrow."""
    by_title: dict[str, list[Instrument]] = {}
    for one in instruments(recording):
        by_title.setdefault(one.title, []).append(one)
    gaps = _gaps(recording.steps.step)
    marks = [Mark("alarm", float(alarm.step), "▲", "A") for alarm in recording.alarms[:MOST_MARKS]]
    drawn = [_plot(title, group, gaps, marks, min(width, PLOT_WIDTH)) for title, group in by_title.items()]
    return [lines for lines in drawn if lines]


def _plot(title: str, group: Sequence[Instrument], gaps: Floats, marks: Sequence[Mark], width: int) -> list[str]:
    shown = [part for k, one in enumerate(group) for part in _pieces(one, MARKERS[k % len(MARKERS)], gaps, width)]
    values = np.concatenate([one.y for one in shown])
    if np.isfinite(values).sum() < FEWEST_POINTS:
        return []  # an axis would have to be invented
    reach = title == "reach"
    ends = [float(one.x[k]) for one in shown for k in (0, -1)]
    return line_plot(
        shown,
        width=width,
        height=PLOT_HEIGHT,
        log_y=group[0].logarithmic and bool((values[np.isfinite(values)] > 0).any()),
        x_title="step",
        y_title=title,
        y_low=0.0 if reach else None,
        y_high=HIGHEST_REACH if reach and float(values.max()) > HIGHEST_REACH else None,
        marks=[mark for mark in marks if min(ends) <= mark.x <= max(ends)],
    )


def _pieces(one: Instrument, marker: tuple[str, str], gaps: Floats, width: int) -> list[Series]:
    """A curve in as many pieces as the gaps of the record make of it."""
    step, value = thinned(one.step, one.value, 2 * width)
    sign, letter = marker if one.name else ("", "") if one.joined else POINT
    cuts = np.searchsorted(step, gaps)
    edges = [0, *dict.fromkeys(cuts[(cuts > 0) & (cuts < len(step))].tolist()), len(step)]
    return [
        Series(one.name, sign, step[a:b].astype(np.float64), value[a:b], letter, one.joined) for a, b in pairwise(edges)
    ]


def _gaps(step: Integers) -> Floats:
    """The first step after each gap of the record."""
    return step[1:][np.diff(step) > 1].astype(np.float64)


def thinned(step: Integers, value: Floats, bins: int) -> tuple[Integers, Floats]:
    """At most four points for each of ``bins`` stretches: lowest and highest, and what is not finite.

    >>> step, value = thinned(np.arange(1000), np.where(np.arange(1000) == 500, 9.0, 1.0), 10)
    >>> len(step) <= 40, value.max(), step[value.argmax()]
    (True, np.float64(9.0), np.int64(500))
    """
    if len(step) <= 4 * bins:
        return step, value
    kept: set[int] = {0, len(step) - 1}
    for rows in np.array_split(np.arange(len(step)), bins):
        sound = rows[np.isfinite(value[rows])]
        broken = rows[~np.isfinite(value[rows])]
        if sound.size:
            kept |= {int(sound[value[sound].argmin()]), int(sound[value[sound].argmax()])}
        kept |= {int(k) for k in broken[[0, -1] if broken.size else []]}
    order = np.array(sorted(kept))
    return step[order], value[order]


class Following:
    """How long a run may be silent before it counts as over: a few times what its slowest recent step took."""

    def __init__(self) -> None:
        self.last = -1
        """The last step heard of."""
        self._heard, self._at, self._slowest = time.monotonic(), 0.0, 0.0

    @property
    def patience(self) -> float:
        """Seconds."""
        return max(GIVE_UP_SECONDS, FIRST_SECONDS if self.last < 0 else PATIENCE * self._slowest)

    @property
    def silent(self) -> bool:
        """True where nothing was heard for longer than that."""
        return time.monotonic() - self._heard > self.patience

    def hear(self, steps: StepSeries) -> None:
        """Take note of new rows: how long each took by the loop's own clock, and how long these were on their way."""
        now = time.monotonic()
        before = self._at if len(steps) <= RECENT else float(steps.seconds[-RECENT - 1])
        took = np.diff(steps.seconds[-RECENT:], prepend=before)
        waited = now - self._heard if self.last >= 0 else 0.0
        self._slowest = max(waited, float(took.max()))
        self.last, self._heard, self._at = int(steps.step[-1]), now, float(steps.seconds[-1])


def follow_recording(screen: Screen, path: Path) -> None:
    """A line for what is written, about twice a second, until the end is written or nothing is for a long while."""
    header, following = stored_header(path), Following()
    alarmed: set[int] = set()
    while True:
        news = new_recording_rows(path, following.last)
        if len(news.steps):
            following.hear(news.steps)
            screen.say(*screen.wrapped(news_line(header, news.steps)))
        for alarm in (alarm for alarm in news.alarms if alarm.step not in alarmed):
            alarmed.add(alarm.step)
            screen.say(*screen.wrapped(alarm_line(alarm)))
        screen.out.flush()
        if news.summary is not None:
            break
        if following.silent:
            screen.note(
                f"Nothing was written for {following.patience:,.0f} seconds: "
                "the process is gone, or busy between two steps. This is the record so far."
            )
            break
        time.sleep(POLL_SECONDS)
    screen.say("")
