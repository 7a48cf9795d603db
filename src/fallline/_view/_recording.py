"""What the page of a watched loop is given (docs/payload-recording.md): every number and sentence, computed here."""

from typing import Any

import numpy as np

from fallline._explain import optimizer_names, outcome_line, recording_paragraphs
from fallline._records import PARTS, Event, EventKind, Floats, Integers, Recording
from fallline._view._recording_alarm import alarms_payload
from fallline._view._recording_bins import axis_of, binned, bins_of, encoded, gaps_of
from fallline._view._recording_charts import Chart, Line, charts_of, remarks
from fallline._view._recording_layers import layers_payload
from fallline._view._recording_made import duration, made_payload
from fallline._view._typeset import typeset
from fallline._wording import count, percent, written

SCHEMA = "fallline.recording-view/1"
MOST_BINS = 16_000
"""Of one line. A line of single rows may have three times as many: it takes the same room."""
_NUMBERS = 560_000  # of all lines together: more lines, fewer bins
_FEWEST_BINS = 1_000
_NUMBERS_OF_A_BIN = 4  # lowest, highest, mean, and the steps, which most lines share
_MOST_MARKS = 400
_MOST_PARTS = 800  # measurements of the parts of the step that are drawn


def build_recording_payload(recording: Recording) -> dict[str, Any]:
    """The payload of a recording; NaN and ±inf are floats here, ``to_json`` writes them as strings."""
    charts = charts_of(recording)
    gaps = gaps_of(recording.steps.step)
    axes = _Axes(_most_bins(charts), _focus(recording), gaps)
    drawn = [_chart(chart, axes) for chart in charts]
    steps = recording.steps.step
    paragraphs = recording_paragraphs(recording)
    return {
        "schema": SCHEMA,
        "title": recording.header.name,
        "subtitle": _subtitle(recording),
        "outcome": None if recording.summary is None else recording.summary.outcome.value,
        "sentence": typeset(outcome_line(recording)),
        "paragraphs": [[typeset(sentence) for sentence in paragraph] for paragraph in paragraphs],
        "facts": [{"label": label, "words": typeset(words)} for label, words in _facts(recording)],
        "range": [int(steps[0]), int(steps[-1])] if len(steps) else None,
        "rows": len(steps),
        "gaps": [list(gap) for gap in gaps],
        "marks": _marks(recording),
        "axes": axes.told,
        "charts": drawn,
        "parts": _parts(recording),
        "words": [*_density(axes), *remarks(recording)],
        "layers": layers_payload(recording),
        "alarms": alarms_payload(recording),
        "made": made_payload(recording, {sentence for paragraph in paragraphs for sentence in paragraph}),
    }


class _Axes:
    """The steps of the lines: those measured at the same steps share one axis and its bins."""

    def __init__(self, most: int, around: list[int], gaps: list[tuple[int, int]]) -> None:
        self.told: list[dict[str, Any]] = []
        self._most, self._around, self._gaps = most, around, gaps
        self._known: list[tuple[Integers, Any]] = []

    def line(self, line: Line) -> dict[str, Any]:
        """A line with the index of its axis."""
        for index, (step, bins) in enumerate(self._known):
            if np.array_equal(step, line.step):
                return {"name": line.name, "axis": index, **binned(line.value, bins)}
        bins = bins_of(line.step, self._most, self._around, self._gaps)
        self._known.append((line.step, bins))
        self.told.append(axis_of(line.step, bins))
        return {"name": line.name, "axis": len(self.told) - 1, **binned(line.value, bins)}

    @property
    def coarsest(self) -> int:
        return max((axis["size"] for axis in self.told), default=1)


def _most_bins(charts: list[Chart]) -> int:
    lines = sum(len(chart.lines) for chart in charts)
    return int(np.clip(_NUMBERS // (_NUMBERS_OF_A_BIN * max(lines, 1)), _FEWEST_BINS, MOST_BINS))


def _focus(recording: Recording) -> list[int]:
    """Steps whose surroundings are kept row by row, the most important first."""
    alarms = [step for alarm in recording.alarms for step in (alarm.first_step, alarm.step)]
    lost = recording.steps.loss_measured & ~np.isfinite(recording.steps.loss)
    first = recording.steps.step[np.flatnonzero(lost)[:1]].tolist()
    others = [event.step for event in recording.events if event.kind is not EventKind.ALARM]
    return list(dict.fromkeys([*alarms, *first, *others]))


def _chart(chart: Chart, axes: _Axes) -> dict[str, Any]:
    lines = [line for line in chart.lines if len(line.step)]
    known = [line.value[np.isfinite(line.value)] for line in lines]
    positive = any(len(values) for values in known) and all(bool((values >= 0).all()) for values in known)
    return {
        "id": chart.id,
        "title": chart.title,
        "note": chart.note,
        "log": chart.log and positive,
        "can_log": chart.span is None and positive and any(bool((values > 0).any()) for values in known),
        "span": None if chart.span is None else list(chart.span),
        "levels": [{"name": name, "at": at} for name, at in chart.levels],
        "clipped": chart.clipped,
        "joined": chart.joined,
        "lines": [{**axes.line(line), **_extremes(line)} for line in lines],
    }


def _extremes(line: Line) -> dict[str, Any]:
    """A line in a few numbers, for whoever does not see it: all of them as recorded."""
    finite = np.isfinite(line.value)
    lost = np.flatnonzero(~finite)
    known = line.value[finite]
    return {
        "lowest": float(known.min()) if len(known) else None,
        "highest": float(known.max()) if len(known) else None,
        "start": float(line.value[0]),
        "end": float(line.value[-1]),
        "first_not_finite": int(line.step[lost[0]]) if len(lost) else None,
        "not_finite": len(lost),
    }


def _parts(recording: Recording) -> list[dict[str, Any]]:
    """For each optimizer what its updates are made of, as shares of the update that add up to 1."""
    told = []
    for o, name in enumerate(optimizer_names(recording.header)):
        rows = np.flatnonzero(recording.parts.measured[:, o]) if len(recording.parts) else np.zeros(0, dtype=np.int64)
        kept = rows[:: -(-len(rows) // _MOST_PARTS)] if len(rows) else rows
        share: Floats = recording.parts.share[kept, o] if len(kept) else np.zeros((0, len(PARTS)))
        finite = np.isfinite(share).all(axis=1)
        if not finite.any():
            continue
        told.append(
            {
                "name": name,
                "labels": list(PARTS),
                "step": encoded(recording.parts.step[kept][finite].astype(np.float64)),
                "shares": encoded(share[finite]),
                "words": "" if len(kept) == len(rows) else f"{len(kept):,} of {len(rows):,} measurements are drawn.",
            }
        )
    return told


def _density(axes: _Axes) -> list[str]:
    if axes.coarsest == 1:
        return []
    return [
        f"The page holds bins of {axes.coarsest:,} recorded values: the band spans from their lowest to their highest, "
        "the line is their mean. Single steps stand at both ends and around alarms and events; every value is in the "
        "run file."
    ]


def _marks(recording: Recording) -> list[dict[str, Any]]:
    """Alarms and events, in the order of their steps."""
    alarms = [Event(alarm.step, EventKind.ALARM, f"Alarm: {alarm.trigger.value}.") for alarm in recording.alarms]
    told = {alarm.step for alarm in recording.alarms}
    others = [event for event in recording.events if not (event.kind is EventKind.ALARM and event.step in told)]
    marks = sorted([*alarms, *others][:_MOST_MARKS], key=lambda event: event.step)
    return [{"step": mark.step, "kind": mark.kind.value, "sentence": typeset(mark.text)} for mark in marks]


def _subtitle(recording: Recording) -> str:
    header = recording.header
    optimizers = " + ".join(header.optimizers)
    return f"{header.model} · {optimizers} · {header.parameter_count:,} parameters · {header.surroundings.device}"


def _facts(recording: Recording) -> list[tuple[str, str]]:
    """What stands under the headline, at a glance."""
    steps, summary = recording.steps, recording.summary
    facts = [("steps", f"{len(steps):,}")]
    loss = steps.loss[steps.loss_measured]
    if len(loss):
        facts += [("first loss", written(float(loss[0]))), ("last loss", written(float(loss[-1])))]
        finite = loss[np.isfinite(loss)]
        if len(finite):
            facts.append(("lowest loss", written(float(finite.min()))))
    if len(steps):
        facts.append(("time", duration(float(steps.seconds[-1]))))
    if len(recording.batches):
        facts.append(("same-batch measurements", f"{len(recording.batches):,}"))
    if summary is not None and summary.cost.share is not None:
        facts.append(("cost of watching", percent(summary.cost.share)))
    facts.append(("alarms", count(len(recording.alarms))))
    return facts
