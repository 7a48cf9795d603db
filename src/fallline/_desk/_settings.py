"""The settings of a neuron or a formula on the page: read from a message, checked, bounded.

Everything that comes from a browser is refused here or is sound: a wrong type, an unknown word, a number out of
range is one sentence, before anything is computed.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import ClassVar, TypeAlias

from fallline._desk._reading import items, known_keys, mapping, real, shown, truth, whole, word
from fallline._errors import OptionError, near

MOST_STEPS = 100_000
MOST_ROW_EPOCHS = 200_000_000
"""Rows × epochs: about as long as so many steps."""
MOST_NUMBERS = 4_000_000
"""Steps × parameters: a run keeps several numbers of each."""
MOST_POINTS = 10_000
MOST_EDITS = 1_000
MOST_CHANGES = 200
MOST_PARAMETERS = 1_000
LARGEST_EPOCHS = 10**15
LARGEST_NUMBER = 1e30
LARGEST_SETTING = 1e6
"""Of a rule's slope, intercept and noise."""
LONGEST_FORMULA = 500
MOST_ITERATIONS = 100
"""Of one step of LBFGS: each is an evaluation of the loss."""
LARGEST_SEED = 2**53
LOSSES = ("mse", "mae", "huber", "bce")

Edit: TypeAlias = tuple[int | None, float | None, float | None]
"""(row, x, y): moved; (None, x, y): added; (row, None, None): removed. Rows keep their number: those of the table
first, then those that were added, in their order."""
OptionValue: TypeAlias = "bool | int | float | str | tuple[float, ...] | None"


@dataclass(frozen=True)
class LineData:
    """Points near a line, by rule."""

    kind: ClassVar[str] = "line"
    slope: float = 2.0
    intercept: float = 1.0
    noise: float = 0.5
    points: int = 100
    outliers: int = 0


@dataclass(frozen=True)
class PointsData:
    """Points one by one."""

    kind: ClassVar[str] = "points"
    x: tuple[float, ...]
    y: tuple[float, ...]


@dataclass(frozen=True)
class UploadData:
    """A table that was dropped onto the page."""

    kind: ClassVar[str] = "upload"
    table: str
    target: str | None = None
    features: tuple[str, ...] | None = None
    drop_missing: bool = True
    """Leave out rows with missing values, and say how many: somebody who drops a table wants to see it."""


Data: TypeAlias = LineData | PointsData | UploadData
Readers: TypeAlias = dict[str, Callable[[Mapping[object, object]], Data]]


@dataclass(frozen=True)
class Settings:
    """What is on the page, sound in itself; whether it fits its data or formula shows when the problem is made."""

    data: Data = field(default_factory=LineData)
    edits: tuple[Edit, ...] = ()
    formula: str | None = None
    start: tuple[float, ...] | None = None
    learning_rate: float | None = None
    """None is what a sweep recommends."""
    rate_changes: tuple[tuple[int, float], ...] = ()
    """(step, rate), steps rising; one before the first step is the learning rate."""
    optimizer: str = "SGD"
    optimizer_options: tuple[tuple[str, OptionValue], ...] = ()
    epochs: int = 200
    batch_size: int | None = None
    loss: str = "mse"
    standardise: bool | None = None
    seed: int = 0

    @property
    def options(self) -> dict[str, object]:
        """Of the optimizer, by name."""
        return dict(self.optimizer_options)

    @property
    def standardised(self) -> bool:
        """Whether the features are shifted and scaled: those of a file unless told, others only where told."""
        return isinstance(self.data, UploadData) if self.standardise is None else self.standardise

    def key(self, *names: str) -> str:
        """These settings as one text, equal where they are equal."""
        return json.dumps([repr(getattr(self, name)) for name in names])


NAMES = tuple(each.name for each in fields(Settings))


def read_settings(given: object) -> Settings:
    """The settings of a message; what is left out is the default.

    Raises:
        OptionError: a key, type or number that cannot be, in one sentence.

    >>> read_settings({"learning_rate": 0.02, "data": {"noise": 0}}).data
    LineData(slope=2.0, intercept=1.0, noise=0.0, points=100, outliers=0)
    """
    found = mapping({} if given is None else given, "The settings")
    known_keys(found, NAMES, "setting")
    formula = _formula(found.get("formula"))
    rate, changes = _rates(found)
    settings = Settings(
        data=_data(found.get("data")),
        edits=_edits(found.get("edits")),
        formula=formula,
        start=_start(found.get("start")),
        learning_rate=rate,
        rate_changes=changes,
        optimizer=_optimizer(found.get("optimizer")),
        optimizer_options=_options(found.get("optimizer_options")),
        epochs=200
        if found.get("epochs") is None
        else whole(found["epochs"], "The number of epochs", 1, LARGEST_EPOCHS),
        batch_size=_batch_size(found.get("batch_size")),
        loss=_loss(found.get("loss")),
        standardise=None if found.get("standardise") is None else truth(found["standardise"], "Standardise"),
        seed=whole(_or(found.get("seed"), 0), "The seed", 0, LARGEST_SEED),
    )
    _check_formula_alone(settings, has_data=found.get("data") is not None)
    if formula is not None or isinstance(settings.data, LineData | PointsData):
        check_work(settings, None if formula is not None else _rows_of(settings))
    return settings


def _or(given: object, default: object) -> object:
    return default if given is None else given


def check_work(settings: Settings, rows: int | None, parameters: int = 1) -> int:
    """The steps of the run, where they are few enough to be made while somebody waits.

    Args:
        rows: of the table; None for a formula.
        parameters: of the model.

    Raises:
        OptionError: there are too many.
    """
    per_epoch = 1 if rows is None or settings.batch_size is None else -(-rows // settings.batch_size)
    steps = settings.epochs * per_epoch
    if steps > MOST_STEPS:
        raise OptionError(
            f"{steps:,} steps are more than the page makes while you wait ({MOST_STEPS:,}): "
            "take fewer epochs or larger batches, or run them with fallline fit."
        )
    if steps * parameters > MOST_NUMBERS:
        raise OptionError(
            f"{steps:,} steps of {parameters:,} parameters are more than the page keeps: "
            "take fewer epochs or fewer features, or run them with fallline fit."
        )
    if rows is not None and rows * settings.epochs > MOST_ROW_EPOCHS:
        raise OptionError(
            f"{settings.epochs:,} epochs over {rows:,} rows are more than the page makes while you wait: "
            "take fewer epochs, or run them with fallline fit."
        )
    return steps


def _rows_of(settings: Settings) -> int:
    base = settings.data.points if isinstance(settings.data, LineData) else len(getattr(settings.data, "x", ()))
    added = sum(1 for row, _, _ in settings.edits if row is None)
    removed = len({row for row, x, _ in settings.edits if row is not None and x is None})
    return max(base + added - removed, 1)


def _data(given: object) -> Data:
    if given is None:
        return LineData()
    found = mapping(given, "The setting data")
    kind = found.get("kind", "line")
    readers: dict[str, Callable[[Mapping[object, object]], Data]] = {
        "line": _line,
        "points": _points,
        "upload": _upload,
    }
    if not isinstance(kind, str) or kind not in readers:
        suggestion = near(kind[:60], list(readers)) if isinstance(kind, str) else ""
        raise OptionError(f"The data's kind is line, points or upload, not {shown(kind)}.{suggestion}")
    return readers[kind](found)


def _line(found: Mapping[object, object]) -> LineData:
    known_keys(found, ("kind", "slope", "intercept", "noise", "points", "outliers"), "setting of a line")
    made = LineData(
        slope=real(found.get("slope", 2.0), "The slope", -LARGEST_SETTING, LARGEST_SETTING),
        intercept=real(found.get("intercept", 1.0), "The intercept", -LARGEST_SETTING, LARGEST_SETTING),
        noise=real(found.get("noise", 0.5), "The noise", 0.0, LARGEST_SETTING),
        points=whole(found.get("points", 100), "The number of points", 2, MOST_POINTS),
        outliers=whole(found.get("outliers", 0), "The number of outliers", 0, MOST_POINTS),
    )
    if made.outliers >= made.points:
        raise OptionError(f"{made.outliers:,} outliers among {made.points:,} points: there must be fewer than points.")
    return made


def _points(found: Mapping[object, object]) -> PointsData:
    known_keys(found, ("kind", "x", "y"), "setting of points")
    columns = [items(found.get(name, []), f"The list {name}", MOST_POINTS) for name in ("x", "y")]
    if len(columns[0]) != len(columns[1]):
        raise OptionError(f"x has {len(columns[0]):,} numbers and y has {len(columns[1]):,}: give each point both.")
    if len(columns[0]) < 2:
        raise OptionError(f"A line needs at least two points, not {len(columns[0])}.")
    x, y = (
        tuple(_coordinate(value, f"{name} of point {place + 1:,}") for place, value in enumerate(column))
        for name, column in zip("xy", columns, strict=True)
    )
    return PointsData(x, y)


def _upload(found: Mapping[object, object]) -> UploadData:
    known_keys(found, ("kind", "table", "target", "features", "drop_missing"), "setting of an uploaded table")
    features = found.get("features")
    return UploadData(
        table=word(found.get("table"), "The id of the uploaded table", 200),
        target=None if found.get("target") is None else word(found["target"], "The target", 1_000),
        features=None
        if features is None
        else tuple(word(each, "A feature", 1_000) for each in items(features, "The features", MOST_PARAMETERS)),
        drop_missing=truth(_or(found.get("drop_missing"), True), "The setting drop_missing"),
    )


def _edits(given: object) -> tuple[Edit, ...]:
    if given is None:
        return ()
    return tuple(_edit(each) for each in items(given, "The list of edits", MOST_EDITS))


def _edit(given: object) -> Edit:
    parts = items(given, "An edit", 3)
    if len(parts) != 3:
        raise OptionError(f"An edit is [row, x, y], with null for what is not there, not {shown(given)}.")
    row = None if parts[0] is None else whole(parts[0], "The row of an edit", 0, MOST_POINTS * 100)
    if parts[1] is None and parts[2] is None:
        if row is None:
            raise OptionError("An edit of nothing: give a row, or an x and a y.")
        return row, None, None
    return row, _coordinate(parts[1], "x of an edit"), _coordinate(parts[2], "y of an edit")


def _coordinate(given: object, what: str) -> float:
    if given is None or given in ("NaN", "Infinity", "-Infinity") or given != given:  # noqa: PLR0124  (NaN is not itself)
        raise OptionError(f"There is no number for {what}: give one, or leave the point out.")
    return real(given, what, -LARGEST_NUMBER, LARGEST_NUMBER)


def _formula(given: object) -> str | None:
    return None if given is None else word(given, "The formula", LONGEST_FORMULA)


def _start(given: object) -> tuple[float, ...] | None:
    if given is None:
        return None
    numbers = items(given, "The start", MOST_PARAMETERS)
    return tuple(real(each, "Each number of the start", -LARGEST_NUMBER, LARGEST_NUMBER) for each in numbers)


def read_rate(given: object, what: str) -> float | None:
    """A learning rate; None where none is given.

    Raises:
        OptionError: it is no number, or none that a run can be made at.
    """
    if given is None:
        return None
    found = real(given, what)
    if not 0 < found < LARGEST_NUMBER:
        tail = " With 0 nothing would move." if found == 0 else ""
        raise OptionError(f"{what} must be above 0 and below {LARGEST_NUMBER:g}, not {found:g}.{tail}")
    return found


def _rates(found: Mapping[object, object]) -> tuple[float | None, tuple[tuple[int, float], ...]]:
    """The learning rate and its changes; one before the first step is the rate itself."""
    rate = read_rate(found.get("learning_rate"), "The learning rate")
    changes = _rate_changes(found.get("rate_changes"))
    if changes and changes[0][0] == 0:
        return changes[0][1], changes[1:]
    return rate, changes


def _rate_changes(given: object) -> tuple[tuple[int, float], ...]:
    changes: dict[int, float] = {}
    for each in [] if given is None else items(given, "The list of rate changes", MOST_CHANGES):
        pair = items(each, "A rate change", 2)
        if len(pair) != 2:
            raise OptionError(f"A rate change is [step, rate], not {shown(each)}.")
        step = whole(pair[0], "The step of a rate change", 0, MOST_STEPS)
        rate = read_rate(pair[1], f"The learning rate from step {step:,} on")
        if rate is None:
            raise OptionError(f"The rate change at step {step:,} has no rate: give a number.")
        changes[step] = rate  # the latest wish wins
    return tuple(sorted(changes.items()))


def _optimizer(given: object) -> str:
    if given is None:
        return "SGD"
    name = word(given, "The optimizer")
    from fallline._descent import optimizer_class  # noqa: PLC0415  (torch is loaded when something is asked for)

    optimizer_class(name)
    return name


def _options(given: object) -> tuple[tuple[str, OptionValue], ...]:
    if given is None:
        return ()
    found = mapping(given, "The optimizer's options")
    if len(found) > 30:
        raise OptionError(f"An optimizer has no {len(found):,} options.")
    return tuple(sorted((word(key, "The name of an option"), _option(str(key), value)) for key, value in found.items()))


def _option(key: str, given: object) -> OptionValue:
    what = f"The option {shown(key)}"
    if given is None or isinstance(given, bool):
        return given
    if isinstance(given, str):
        return word(given, what)
    if isinstance(given, list | tuple):
        return tuple(real(each, what, -LARGEST_NUMBER, LARGEST_NUMBER) for each in items(given, what, 10))
    number = real(given, what, -LARGEST_NUMBER, LARGEST_NUMBER)
    if key in ("max_iter", "max_eval", "history_size") and number > MOST_ITERATIONS:
        raise OptionError(f"{what} must be at most {MOST_ITERATIONS} on the page, not {number:g}.")
    return given if isinstance(given, int) else number


def _batch_size(given: object) -> int | None:
    return None if given is None else whole(given, "The batch size", 1, 10**9)


def _loss(given: object) -> str:
    if given is None:
        return "mse"
    name = word(given, "The loss").lower()
    if name not in LOSSES:
        raise OptionError(f"There is no loss {shown(given)}: use one of {', '.join(LOSSES)}.{near(name, list(LOSSES))}")
    return name


def _check_formula_alone(settings: Settings, *, has_data: bool) -> None:
    """A formula is the loss itself: nothing that speaks of rows goes with it."""
    if settings.formula is None:
        return
    given = {
        "data": has_data,
        "batch_size": settings.batch_size is not None,
        "standardise": settings.standardise is not None,
        "loss": settings.loss != "mse",
        "edits": bool(settings.edits),
    }
    for name, present in given.items():
        if present:
            raise OptionError(f"A formula has no rows: leave {name} out.")
