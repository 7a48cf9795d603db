"""The neuron and the formulas: settings in, a picture out.

A *full* reply is everything docs/payload.md has, or, where the client holds the windows already, what moved in them.
A *draft* is a reply for the time of a drag: the same steps, fewer of them to stop at.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fallline._desk._client import Client, Reply
from fallline._desk._reading import wants_draft, whole
from fallline._desk._settings import MOST_POINTS, MOST_STEPS, Settings, read_settings
from fallline._desk._study import Studies, Study
from fallline._explain import rates_words
from fallline._records import Run
from fallline._view._live import Scene, all_frames, continuous_rates, few_frames, ground, run_part, scene_again

DRAFT_FRAMES = 20
_ON_PAGE = (
    ("with --learning-rate auto", "with the recommended rate"),
    ("A larger rate, or --dtype float64, would move it.", "A larger rate would move it."),
    ("--learning-rate auto finds one", "the recommended rate is one"),
    ("--learning-rate ", ""),
)
"""What a verdict says to somebody at a terminal, and to somebody at the page."""
_ON = "/"
"""Between the windows that a client holds and the problem that is drawn in them, while that is being dragged."""


def neuron(request: Mapping[str, object], client: Client) -> Reply:
    """Answer kind ``neuron``.

    Args:
        request: ``settings``; ``detail``, ``draft`` or ``full``; ``frame``, the id of the windows that the client
            holds, or null; ``step``, optional, where its player stands: a draft has the steps beside it.
        client: who asks; its memory holds the last few problems.

    Returns:
        ``payload`` or ``part``, and ``frame``, the id of the windows it is drawn in.
    """
    settings = read_settings(request.get("settings"))
    draft = wants_draft(request.get("detail"))
    studies = Studies.of(client)
    study = studies.study(settings, client)
    windows, _, ground_key = str(request.get("frame") or "").partition(_ON)
    held = studies.named(windows)
    client.check()
    if draft and held is not None and held.frame is not None and _is_alike(study, held):
        drawn = _Drawn(held, held.frame, ground_key or held.ground.key)
        return _draft(study, drawn, settings, client, _step(request))
    studies.keep(study)
    known = request.get("frame") == study.key and not (study.frame is None and study.frame_is_of_its_run)
    return _full(study, settings, client, known=known)


@dataclass(frozen=True, eq=False)
class _Drawn:
    """What the client shows while something is dragged."""

    study: Study
    """Whose windows they are."""
    scene: Scene
    ground_key: str
    """Of the problem that is drawn in them."""


def _full(study: Study, settings: Settings, client: Client, *, known: bool) -> Reply:
    rates = study.sweep(client)
    rate = study.rate(client) if settings.learning_rate is None else settings.learning_rate
    run = study.run(rate, client, changes=settings.rate_changes, exact=True)
    scene = study.scene(client, run)
    client.check()
    objective = study.problem.objective
    moved = run_part(scene, run, objective, all_frames(run))
    _say_on_page(moved, study, run)
    if known:
        return {"part": moved, "frame": study.key}
    payload = {
        **ground(scene, run, objective),
        **moved,
        "rates": continuous_rates(rates),
        "accepts": accepts(study),
    }
    return {"payload": _for_page(payload, study, scene), "frame": study.key}


def _draft(study: Study, drawn: _Drawn, settings: Settings, client: Client, step: int | None) -> Reply:
    held, scene = drawn.study, drawn.scene
    same_ground = study.ground.key == drawn.ground_key
    rate = settings.learning_rate
    if rate is None:  # while something else is dragged the rate stays; at rest the sweep is asked again
        rate = held.rate(client) if study.own_rate is None else study.own_rate
    run = study.run(rate, client, changes=settings.rate_changes, exact=False)
    run = replace(run, header=replace(run.header, engine="loop"))  # its numbers but for rounding: no word about it
    client.check()
    objective = study.problem.objective
    own = study.ground.key == held.ground.key
    if not own:
        scene = scene_again(scene, run, objective)
    part: dict[str, Any] = {} if same_ground and own else _for_page(ground(scene, run, objective), study, scene)
    part |= run_part(scene, run, objective, few_frames(run, DRAFT_FRAMES, step), passing=True)
    _say_on_page(part, study, run)
    return {"part": part, "frame": held.key if own else f"{held.key}{_ON}{study.ground.key}"}


def _is_alike(study: Study, held: Study) -> bool:
    """Whether one can be drawn in the windows of the other."""
    mine, other = study.problem, held.problem
    return mine.parameter_names == other.parameter_names and (mine.formula is None) == (other.formula is None)


def accepts(study: Study) -> list[str]:
    """What may be asked of this picture by dragging in it."""
    problem = study.problem
    wishes = ["learning_rate", "bend"]
    if len(problem.parameter_names) <= 2:
        wishes.append("start")
    if (
        problem.formula is None
        and len(problem.parameter_names) == 2
        and problem.loss_name != "bce"
        and _is_small(study)
    ):
        wishes.append("points")
    return wishes


def _say_on_page(part: dict[str, Any], study: Study, run: Run) -> None:
    """The rate with its zone, and the verdict without the flags of a command line."""
    part["rate"] = _rate(study, run, part["rate"])
    for flag, words in _ON_PAGE:
        part["verdict"] = [sentence.replace(flag, words) for sentence in part["verdict"]]


def _rate(study: Study, run: Run, said: dict[str, Any]) -> dict[str, Any]:
    """The payload's ``rate``, with the zone that the run itself shows."""
    found = study.zone(run)
    words = rates_words(run)
    rates = run.columns.learning_rate
    if found is not None:
        words = f"{words}, {found.zone.value}" + (", crosses the valley" if found.crosses_valley else "")
    changes = [[int(step), float(rates[step])] for step in (np.flatnonzero(np.diff(rates)) + 1).tolist()]
    return {
        **said,
        "zone": None if found is None else found.zone.value,
        "steps_to_goal": None if found is None else found.steps_to_goal,
        "words": words,
        "changes": changes,
    }


def _for_page(payload: dict[str, Any], study: Study, scene: Scene) -> dict[str, Any]:
    """What the page has beside docs/payload.md: the rows' numbers, by which edits know them, and the table's notes."""
    notes = study.problem.origin.notes
    payload["data_line"] = ". ".join([payload["data_line"], *(note.rstrip(".") for note in notes)])
    data, numbers = payload.get("data"), study.ground.numbers
    if data is None or numbers is None or scene.panel is None or scene.panel.curve_x is None or not _is_small(study):
        return payload
    shown_rows = np.unique(np.linspace(0, len(numbers) - 1, len(data["x"])).round().astype(np.int64))
    return {**payload, "data": {**data, "row": numbers[shown_rows].tolist()}}


def _is_small(study: Study) -> bool:
    """Few enough rows for them to be points that can be dragged."""
    return (study.problem.rows or 0) <= MOST_POINTS


def _step(request: Mapping[str, object]) -> int | None:
    given = request.get("step")
    return None if given is None else whole(given, "The step", 0, MOST_STEPS)
