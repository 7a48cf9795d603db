"""The runs that a chapter speaks of: its own state, its further ones, and what stands on the screen; each made once."""

import json
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from typing import Any

from fallline._desk._client import Client
from fallline._desk._settings import read_settings
from fallline._desk._study import Studies
from fallline._errors import DataError, FalllineError
from fallline._lessons._chapter_files import NOW, SCREEN, STATE, Chapter, Experiment
from fallline._lessons._chapter_words import Condition, Measured, places
from fallline._lessons._measure_names import SWEPT
from fallline._lessons._measures import descent_measures
from fallline._records import SweepResult

KEPT = 200
"""Experiments whose measurements a client's memory holds."""


def names_in(sentences: Iterable[str], conditions: Iterable[Condition]) -> set[str]:
    """Every measurement that these ask for, with its prefix."""
    found = {place.name for sentence in sentences for place in places(sentence)}
    return found | {name for condition in conditions for name in condition.names}


def measure_all(
    chapter: Chapter,
    names: Iterable[str],
    client: Client,
    *,
    screen: Experiment | None = None,
    now: Experiment | None = None,
) -> dict[str, Measured]:
    """The measurements asked for that exist, by their names with prefix.

    Args:
        names: a name without a prefix speaks of ``screen``, where that is given, else of the chapter's own state.
        screen: what stands on the page now.
        now: the same, for names with the prefix ``screen`` alone.

    Raises:
        DataError: the chapter's own settings cannot be run; one sentence that names file and key.
        OptionError: those of the screen cannot.
    """
    shown = next((each for each in (screen, now) if each is not None), chapter.state)
    runs: Mapping[str, Experiment] = {
        SCREEN: chapter.state if screen is None else screen,
        STATE: chapter.state,
        NOW: shown,
        **chapter.also,
    }
    asked: dict[str, set[str]] = {}
    for name in names:
        prefix, _, inner = name.rpartition(".")
        asked.setdefault(prefix, set()).add(inner)
    found: dict[str, Measured] = {}
    for prefix in (each for each in runs if each in asked):
        wanted = asked[prefix]
        try:
            measured = measure(runs[prefix], wanted, client)
        except FalllineError as error:
            if runs[prefix] is not chapter.state and prefix not in chapter.also:
                raise
            key = f"also.{prefix}" if prefix in chapter.also else "state"
            raise DataError(f"{chapter.file}: {key}.settings: {error}") from error
        found |= {f"{prefix}.{name}" if prefix else name: measured[name] for name in wanted if name in measured}
    return found


def measure(experiment: Experiment, names: set[str], client: Client) -> Mapping[str, Measured]:
    """What one experiment measures; it is run the first time, its numbers are kept."""
    kept = client.memory.setdefault("chapter:measured", {})
    if not isinstance(kept, MutableMapping):
        raise TypeError("the memory of kind chapter holds something else")
    swept = experiment.why is None and experiment.page in ("neuron", "formulas") and bool(names & SWEPT)
    key = json.dumps([experiment.page, experiment.settings, experiment.why, swept], sort_keys=True)
    if key not in kept:
        while len(kept) >= KEPT:
            kept.pop(next(iter(kept)))
        kept[key] = _made(experiment, swept, client)
    found: Mapping[str, Measured] = kept[key]
    return found


def _made(experiment: Experiment, swept: bool, client: Client) -> Mapping[str, Measured]:
    client.check()
    if experiment.why is not None:
        from fallline._lessons._why_measures import why_measures  # noqa: PLC0415  (only where a chapter asks why)

        return why_measures(experiment.why, experiment.settings)
    if experiment.page in ("neuron", "formulas"):
        return _descended(experiment, swept, client)
    return _OTHERS[experiment.page](experiment.settings, client)


def _descended(experiment: Experiment, swept: bool, client: Client) -> Mapping[str, Measured]:
    given = dict(experiment.settings)
    if experiment.page == "formulas":
        given.setdefault("formula", "parabola")
    settings = read_settings(given)
    study = _studies(client).study(settings, client)
    rate = study.rate(client) if settings.learning_rate is None else settings.learning_rate
    sweep = study.sweep(client) if swept else None
    run = study.run(rate, client, changes=settings.rate_changes, exact=True)
    return descent_measures(run, sweep if isinstance(sweep, SweepResult) else None, study.zone(run) if swept else None)


def _studies(client: Client) -> Studies:
    """Those of the chapters: the page's own are not pushed out by them."""
    found = client.memory.setdefault("chapter:studies", Studies())
    if not isinstance(found, Studies):
        raise TypeError("the memory of kind chapter holds something else")
    return found


def _compared(settings: Mapping[str, Any], client: Client) -> Mapping[str, Measured]:
    from fallline._lessons._compare_measures import compare_measures  # noqa: PLC0415  (only the page compare needs it)

    return compare_measures(settings, client)


def _traced(settings: Mapping[str, Any], client: Client) -> Mapping[str, Measured]:
    from fallline._lessons._graph_measures import graph_measures  # noqa: PLC0415  (only the page backprop needs it)

    return graph_measures(settings, client)


def _watched(settings: Mapping[str, Any], client: Client) -> Mapping[str, Measured]:
    from fallline._lessons._watched import watched_measures  # noqa: PLC0415  (only the last chapter needs it)

    return watched_measures(settings, client)


_OTHERS: Mapping[str, Callable[[Mapping[str, Any], Client], Mapping[str, Measured]]] = {
    "compare": _compared,
    "backprop": _traced,
    "watched": _watched,
}
