"""``fl.explain``: a run, or one of its steps, as text."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from numbers import Integral

from fallline._columns import aligned
from fallline._errors import OptionError
from fallline._explain._backprop import (
    check_sentences,
    graph_table,
    needs_saying_first,
    open_already_words,
    operand_words,
    readable,
    story,
    way_back,
)
from fallline._explain._curvature import curvature_sentences, curvature_title, spectrum_rows
from fallline._explain._lines import conversion_line, data_line, learned_lines, loss_lines, optimizer_line
from fallline._explain._numbers import count, number
from fallline._explain._recording import (
    alarm_title,
    flight_table,
    layer_table,
    recording_sentences,
    recording_step_sentences,
    row_of,
    step_title,
    who_line,
)
from fallline._explain._step import arithmetic, step_sentences
from fallline._explain._surface_honesty import honesty
from fallline._explain._surface_words import surface_lines, surface_title
from fallline._explain._verdict import verdict
from fallline._records import Backprop, Recording, Run, Sharpness, Spectrum, StabilityLimit, Surface, Trace
from fallline._wording import visible


@dataclass(frozen=True)
class Explanation:
    """Sentences and figures about a run or a step; ``str()`` of it is the text."""

    title: str
    sentences: tuple[str, ...]
    figures: tuple[str, ...]
    """Lines to be set as they are: arithmetic, losses, a small table."""
    leading: int = 0
    """So many of the sentences stand above the figures: without them these would mislead."""

    def __str__(self) -> str:
        first, others = self.sentences[: self.leading], self.sentences[self.leading :]
        parts = [part for part in (first, self.figures, others) if part]
        return "\n".join([self.title, *("\n" + "\n".join(part) for part in parts)])

    __repr__ = __str__


def explain(
    run: Run | Recording | Backprop | Sharpness | Spectrum | Trace | StabilityLimit | Surface,
    step: int | None = None,
    *,
    inside: str | Sequence[str] = (),
) -> Explanation:
    """What a run did, what one of its steps did, or what was measured, computed from its own record.

    Args:
        run: any recorded run, of a neuron or of a watched loop; or what ``fl.backprop``, ``fl.sharpness``,
            ``fl.spectrum``, ``fl.trace``, ``fl.stability_limit`` or ``fl.surface`` returns.
        step: of a run, counted from 0; a negative one counts from the end.
        inside: of a large graph of ``fl.backprop``, the modules to look into: ``"layer1.0"``.

    Raises:
        OptionError: the run has no such step, or the graph no such module.

    >>> import fallline as fl
    >>> print(fl.explain(fl.fit(epochs=1), step=0).figures[0])
    w: −0.2489 − 0.01 × (−160.42) = 1.3553
    """
    if isinstance(run, Backprop):
        return _explain_backprop(run, step, _modules(inside))
    if isinstance(run, Sharpness | Spectrum | Trace | StabilityLimit | Surface):
        if step is not None:
            raise OptionError(f"A {type(run).__name__} has no steps to choose from: leave step out.")
        return _explain_surface(run) if isinstance(run, Surface) else _explain_curvature(run)
    if not isinstance(run, Run | Recording):
        raise OptionError(f"fl.explain takes a run, not {type(run).__name__}: fl.load reads one from its file.")
    if step is not None and (not isinstance(step, Integral) or isinstance(step, bool)):
        raise OptionError(f"A step is a whole number, counted from 0 (negative: from the end), not {step!r}.")
    if isinstance(run, Recording):
        return _explain_recording(run) if step is None else _explain_recorded_step(run, int(step))
    return _explain_run(run) if step is None else _explain_step(run, int(step))


def _modules(inside: object) -> tuple[str, ...]:
    """Paths of modules: one, or several."""
    given = [inside] if isinstance(inside, str) else list(inside) if isinstance(inside, Iterable) else None
    if given is None or not all(isinstance(each, str) for each in given):
        shown = visible(repr(inside))[:40]
        raise OptionError(f'inside names a module, as in inside="layer1.0", or several in a list; this is {shown}.')
    return tuple(map(str, given))


def _explain_backprop(graph: Backprop, step: int | None, inside: Sequence[str]) -> Explanation:
    if step is not None:
        raise OptionError("A backward pass has no steps to choose from: leave step out.")
    figures = tuple(graph_table(readable(graph, inside)))
    checked = check_sentences(graph)
    first = needs_saying_first(graph)
    way = way_back(graph)
    told = [*open_already_words(graph, inside), *story(graph), *way, *operand_words(graph, [*figures, *way])]
    return Explanation(
        title=visible(graph.title),
        sentences=(*(checked if first else []), *told, *([] if first else checked), *map(visible, graph.remarks)),
        figures=figures,
        leading=len(checked) if first else 0,
    )


def _explain_curvature(found: Sharpness | Spectrum | Trace | StabilityLimit) -> Explanation:
    table = aligned(spectrum_rows(found), (False, True, False, True)) if isinstance(found, Spectrum) else []
    return Explanation(curvature_title(found), tuple(curvature_sentences(found)), tuple(table))


def _explain_surface(found: Surface) -> Explanation:
    return Explanation(surface_title(found), tuple(honesty(found)), tuple(surface_lines(found)))


def _explain_recording(recording: Recording) -> Explanation:
    figures = [who_line(recording.header)]
    for alarm in recording.alarms:
        table = flight_table(recording, alarm)
        figures += ["", f"{alarm_title(alarm)}; {table[0]}", *table[1:]] if table else []
    sentences = tuple(recording_sentences(recording))
    return Explanation(title=recording.header.name, sentences=sentences, figures=tuple(figures))


def _explain_recorded_step(recording: Recording, step: int) -> Explanation:
    row = row_of(recording, step)
    return Explanation(
        title=step_title(recording, row),
        sentences=tuple(recording_step_sentences(recording, row)),
        figures=tuple(layer_table(recording, row)),
    )


def _explain_run(run: Run) -> Explanation:
    every = max(1, run.header.epochs // 5)
    figures = [data_line(run), optimizer_line(run), "", *loss_lines(run, every), "", *learned_lines(run)]
    return Explanation(title=run.header.name, sentences=tuple(verdict(run)), figures=tuple(figures))


def _explain_step(run: Run, step: int) -> Explanation:
    index = step if step >= 0 else len(run) + step
    if not 0 <= index < len(run):
        raise OptionError(
            f"There is no step {step}: this run has {count(len(run), 'step')}"
            + (f", 0 to {len(run) - 1:,}." if len(run) else ".")
        )
    columns = run.columns
    title = f"Step {index:,} of {run.header.name}, loss {number(float(columns.loss[index]))}"
    conversion = conversion_line(run)
    return Explanation(
        title=title,
        sentences=(*step_sentences(run, index), *([conversion] if conversion else [])),
        figures=tuple(arithmetic(run, index)),
    )
