"""The compare page: up to six optimizers on one surface, the numbers those of ``fl.compare``.

What was tuned is kept, so that a rate or a start that is dragged is answered at once: the runs at the rates that are
set, or at those that were tuned last.
"""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fallline._compare import (
    TRIALS,
    Arena,
    Entry,
    Prepared,
    at_given_rates,
    compare_prepared,
    make_entry,
    objective_of,
    parameters_of,
    prepare,
    seeds_of,
)
from fallline._desk._client import Client, Reply
from fallline._desk._compare_settings import (
    CompareSettings,
    Wanted,
    check_epochs,
    read_compare_settings,
    read_shown,
)
from fallline._desk._reading import wants_draft
from fallline._desk._settings import check_work
from fallline._desk._study import digest, make_ground, start_by_name
from fallline._errors import OptionError
from fallline._loss_function import LossFunction
from fallline._planes import Plane
from fallline._records import Comparison
from fallline._surroundings import plain_surroundings
from fallline._sweep import scales_with_rate
from fallline._view._comparison import build_comparison_payload, runs_payload, setting_payload
from fallline._wording import count

GOAL = 0.99
MOST_UPDATES = 40_000
"""Stacked updates of a whole tuning: about a minute on a slow machine."""
MOST_ROW_UPDATES = 50_000_000
"""Rows × stacked updates: some thirty rates each, and again about a minute."""
ROUNDS = 9
"""Of updates in a stack: the grid, five rounds of refining, the runs that are shown, and the sweep's share."""
_KEY = "compare:held"
_TITLES = {"verdict": "The verdict", "results": "Results"}


@dataclass(frozen=True, eq=False)
class Field:
    """Who runs where: a contender of the page is one of the optimizers that are tuned."""

    ready: Prepared
    contenders: tuple[tuple[Entry, str, int], ...]
    """Of each its optimizer, its label, and which of the tuned ones it is."""
    wanted: tuple[Wanted, ...]

    @property
    def twins(self) -> bool:
        """Whether an optimizer is there more than once, at different rates."""
        return len(self.contenders) > len(self.ready.entries)

    @property
    def rates_given(self) -> bool:
        """Whether any contender has a rate that was set."""
        return any(one.learning_rate is not None for one in self.wanted)

    @property
    def drawn(self) -> tuple[tuple[str, int], ...]:
        """Whose lines stand in the picture: labels, and the tuned ones that they are of."""
        return tuple((label, which) for _, label, which in self.contenders)


@dataclass(frozen=True, eq=False)
class Held:
    """What the page of a client shows."""

    key: str
    """Of all that was tuned."""
    tuned: Comparison
    objective: LossFunction
    frame: str
    planes: Mapping[str, Plane]
    """Of each setting that is on the page."""
    drawn: tuple[tuple[str, int], ...]
    """Of :attr:`Field.drawn`: where others run, the whole picture is another."""


def compare(request: Mapping[str, object], client: Client) -> Reply:
    """Answer a request of kind "compare".

    ``detail`` "full" tunes and gives the whole payload; "draft" gives the runs of the setting ``shown`` alone, on the
    picture that the client holds (``frame``).

    Raises:
        OptionError: settings that cannot be, or that would take too long.
        DataError: a table that cannot be used.
    """
    settings = read_compare_settings(request.get("settings"))
    draft, which = wants_draft(request.get("detail")), read_shown(request.get("shown"))
    with plain_surroundings():
        held = client.memory.get(_KEY)
        if draft and isinstance(held, Held) and held.frame == request.get("frame"):
            field = _field(settings, client, seeds=1)
            if _runs_key(settings, field) == held.key.partition(" ")[0] and field.drawn == held.drawn:
                return _draft(field, held, which)
        return _full(settings, client)


def _full(settings: CompareSettings, client: Client) -> Reply:
    field = _field(settings, client, seeds=settings.shown_seeds)
    _check_work(field)
    held = client.memory.get(_KEY)
    key = f"{_runs_key(settings, field)} {digest(repr((settings.problem.start, settings.shown_seeds)))}"
    if isinstance(held, Held) and held.key == key:
        tuned, objective = held.tuned, held.objective
    else:
        tuned = _tuned(field, client)
        objective = objective_of(tuned)
    client.progress(0.99, "drawing")
    payload, planes = _payload(field, tuned, objective, client)
    frame = digest(repr((key, field.wanted)))
    client.memory[_KEY] = Held(key, tuned, objective, frame, planes, field.drawn)
    return {"payload": payload, "frame": frame, "tuned": [_tuned_row(tuned, which) for _, _, which in field.contenders]}


def _tuned(field: Field, client: Client) -> Comparison:
    def tell(done: int, total: int, lowest: float) -> None:
        del lowest
        client.progress(0.98 * done / max(total, 1), f"tuning {count(len(field.ready.entries), 'optimizer')}")

    return compare_prepared(field.ready, rate=None, goal=GOAL, trials=TRIALS, progress=tell, began=time.perf_counter())


def _payload(
    field: Field, tuned: Comparison, objective: LossFunction, client: Client
) -> tuple[dict[str, Any], dict[str, Plane]]:
    """The page's payload: the two settings of ``fl.compare``, and where rates are set, the runs at those."""
    given = _at_given(field, tuned) if field.rates_given else None
    planes: dict[str, Plane] = {}
    if field.twins and given is not None:
        payload = build_comparison_payload(given, objective, ())
        payload["settings"] = []
    else:
        payload = build_comparison_payload(tuned, objective, ())
        for which in ("common", "best"):
            client.check()
            setting, planes[which] = setting_payload(tuned, objective, which)
            payload["settings"].append(setting)
    if given is not None:
        client.check()
        setting, planes["given"] = setting_payload(given, objective, "given")
        payload["settings"].append(setting)
        payload["leader"] = given.ranking[0]
    for contender, (_, label, _) in zip(payload["contenders"], field.contenders, strict=True):
        contender["label"] = label
    payload["first"] = len(payload["settings"]) - 1
    payload["accepts"] = ["start"]
    return payload, planes


def _at_given(field: Field, tuned: Comparison) -> Comparison:
    return at_given_rates(tuned, field.ready, field.contenders, _rates(field, tuned, "given"))


def _rates(field: Field, tuned: Comparison, which: str) -> list[float]:
    """The rate of each contender: the one that is set, else the one that was tuned; or the common one for all."""
    if which == "common":
        return [tuned.common_rate] * len(field.contenders)
    best = [tuned.contenders[tuned_one].best.rate for _, _, tuned_one in field.contenders]
    if which == "best":
        return best
    return [
        rate if one.learning_rate is None else one.learning_rate for one, rate in zip(field.wanted, best, strict=True)
    ]


def _draft(field: Field, held: Held, which: str) -> Reply:
    """The runs at once, on the ground that is there; the rates that nobody set are those tuned last."""
    which = "given" if field.rates_given and which != "common" else which
    now = at_given_rates(held.tuned, field.ready, field.contenders, _rates(field, held.tuned, which))
    plane = held.planes.get(which) or next(iter(held.planes.values()))
    setting = runs_payload(now, held.objective, plane, "given")
    if which != "given":
        setting["name"] = {"best": "each at its own best rate", "common": "at one common rate"}[which]
        setting["titles"] = {key: f"{word}, at the rates found for another start" for key, word in _TITLES.items()}
        setting["reason"] = "The rates that were tuned last."
    rest = "judged" if which == "given" else "tuned again"
    setting["verdict"] = [*setting["verdict"][:1], f"This is one seed; all are run and {rest} when you let go."]
    setting["id"] = which
    start = {"loss": float(now.start_losses[0]), "parameters": now.starts[0].tolist()}
    goal = {"share": now.goal, "loss": float(now.goal_levels[0])}
    return {"part": {"setting": setting, "start": start, "goal": goal}, "frame": held.frame}


def _field(settings: CompareSettings, client: Client, *, seeds: int) -> Field:
    """The problem and its contenders, ready to run."""
    problem = make_ground("compare", settings.problem, client).problem
    check_work(settings.problem, problem.rows, len(problem.parameter_names))
    arena = Arena(problem, settings.problem.epochs, None)
    parameters = parameters_of(arena)
    entries: list[Entry] = []
    contenders: list[tuple[Entry, int]] = []
    for wanted in settings.contenders:
        made = make_entry(wanted.optimizer.strip().lower(), dict(wanted.options), parameters)
        known = next((k for k, one in enumerate(entries) if one.same_as == made.same_as), None)
        if known is None:
            entries.append(made)
        contenders.append((made, len(entries) - 1 if known is None else known))
    _refuse_the_same(contenders, settings.contenders)
    shown, tuning = seeds_of(seeds, settings.problem.seed)
    ready = prepare(
        arena,
        entries,
        batch_size=settings.problem.batch_size,
        start=start_by_name(settings.problem.start, problem.parameter_names),
        seeds=shown,
        tuning=tuning,
    )
    labels = _labels([one for one, _ in contenders], settings.contenders)
    named = tuple((one, label, which) for (one, which), label in zip(contenders, labels, strict=True))
    return Field(ready, named, settings.contenders)


def _refuse_the_same(contenders: Sequence[tuple[Entry, int]], wanted: Sequence[Wanted]) -> None:
    """The same optimizer with the same options is there once, or at rates that differ."""
    for entry, _ in contenders:
        alike = [one for (each, _), one in zip(contenders, wanted, strict=True) if each.same_as == entry.same_as]
        rates = {one.learning_rate for one in alike}
        if len(alike) > 1 and (None in rates or len(rates) < len(alike)):
            times = {2: "twice", 3: "three times", 4: "four times", 5: "five times"}.get(len(alike), "six times")
            raise OptionError(
                f"{entry.label} is there {times} with the same options: give them different options or different "
                "rates, or leave one."
            )


def _labels(entries: Sequence[Entry], wanted: Sequence[Wanted]) -> list[str]:
    """Of each, different from every other's: those of one optimizer at several rates are numbered."""
    plain = [one.label or entry.label for entry, one in zip(entries, wanted, strict=True)]
    seen: Counter[str] = Counter()
    labels = []
    for label in plain:
        seen[label] += 1
        labels.append(f"{label} ({seen[label]})" if plain.count(label) > 1 else label)
    return labels


def _check_work(field: Field) -> None:
    """Refuse what would keep somebody waiting for minutes.

    Raises:
        OptionError: there are too many steps.
    """
    ready = field.ready
    check_epochs(ready.arena.steps)
    groups = 1 if ready.arena.batch_size is None else len(ready.seeds)
    rows = TRIALS * len(ready.tuning_seeds)
    each = [
        ROUNDS * groups if scales_with_rate(entry.optimizer, entry.options).scales else rows for entry in ready.entries
    ]
    updates = ready.arena.steps * sum(each)
    if updates > MOST_UPDATES:
        raise OptionError(
            f"To tune {count(len(ready.entries), 'optimizer')} over {count(ready.arena.steps, 'step')} and "
            f"{count(len(ready.seeds), 'seed')} would take minutes: take fewer epochs, larger batches, one seed or "
            "fewer optimizers. fallline compare waits for it."
        )
    rows = _rows_of_each(ready)
    if rows * updates > MOST_ROW_UPDATES:
        raise OptionError(
            f"To tune {count(len(ready.entries), 'optimizer')} over {count(ready.arena.steps, 'step')} of "
            f"{count(rows, 'row')} would take minutes: take fewer epochs, fewer rows, one seed or fewer optimizers. "
            "fallline compare waits for it."
        )


def _rows_of_each(ready: Prepared) -> int:
    """Rows that an update goes through: none of a formula, or where the loss is a parabola that is known."""
    problem, batch_size = ready.arena.problem, ready.arena.batch_size
    if problem.rows is None or (batch_size is None and problem.quadratic is not None):
        return 0
    return problem.rows if batch_size is None else batch_size


def _tuned_row(tuned: Comparison, which: int) -> dict[str, object]:
    """What is known of a contender's rates."""
    one = tuned.contenders[which]
    return {
        "best": one.best.rate,
        "good": None if one.good_low is None else [one.good_low, one.good_high],
        "low": float(one.rates[0]),
        "high": float(one.rates[-1]),
        "limit": one.limit,
    }


def _runs_key(settings: CompareSettings, field: Field) -> str:
    """All that the rates depend on but for the start and the seeds."""
    problem = settings.problem
    names = ("data", "edits", "formula", "loss", "standardise", "epochs", "batch_size", "seed")
    return digest(problem.key(*names) + repr([one.same_as for one in field.ready.entries]))
