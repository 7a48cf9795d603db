"""Where the picture's sentences come from. The view writes none of its own."""

from collections.abc import Callable
from dataclasses import dataclass

from fallline import _explain as explain
from fallline._records import Run


@dataclass(frozen=True)
class ViewText:
    """The functions that put a run and its steps into words; :mod:`fallline._explain`'s unless told."""

    verdict: Callable[[Run], list[str]] = explain.verdict
    data_line: Callable[[Run], str] = explain.data_line
    conversion_line: Callable[[Run], str] = explain.conversion_line
    subtitle: Callable[[Run], str] = explain.subtitle
    step_sentences: Callable[[Run, int], list[str]] = explain.step_sentences
    step_beats: Callable[[Run, int], list[str]] = explain.step_beats
    """Four captions: gradient, minus, times the rate, move."""
    reach_note: Callable[[Run, int], str] = explain.reach_note
    """Why this step has no reach; empty where it has one."""
