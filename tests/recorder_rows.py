"""Rows of a watched loop made by hand, and recorders that see them."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from fallline._recorder._flight import FlightRecorder
from fallline._recorder._rows import Owners, Row
from fallline._records import Event, RecordingHeader, SameBatchSeries
from recording_parts import header

LAYERS = ("first", "second", "third")


def head(layers: Sequence[str] = LAYERS, dtype: str = "float32", **options: object) -> RecordingHeader:
    """A header of one SGD; ``options`` of its group beside ``lr``."""
    made = header("net", tuple((name, "Linear", 100) for name in layers), groups=((0, {"lr": 0.1, **options}),))
    return replace(made, parameters=tuple(replace(one, dtype=dtype) for one in made.parameters))


def row(
    step: int,
    loss: float | None,
    gradient: Sequence[float] | None = (1.0, 1.0, 1.0),
    update: Sequence[float] | None = None,
    parameters: Sequence[float] | None = None,
    rate: float = 0.1,
    updates: int = 1,
) -> Row:
    """A step with these norms of every layer; without a gradient nothing was measured."""
    if gradient is None:
        return Row(step, 0.001 * step, loss, (rate,), (updates,), (None,))
    squares = np.zeros((4, len(gradient)))
    squares[0] = np.square(gradient)
    squares[1] = np.square(0.1 * np.asarray(gradient) if update is None else update)
    squares[2] = 100.0 if parameters is None else np.square(parameters)
    reading = squares.ravel().tolist()
    return Row(step, 0.001 * step, loss, (rate,), (updates,), (reading,), bool(np.isfinite(reading).all()))


def owners(layers: int = len(LAYERS)) -> Owners:
    """One column for each layer."""
    return Owners((np.arange(layers),), (np.arange(layers),), (layers,), layers)


class Flown:
    """A flight recorder with the marks that it made."""

    def __init__(self, made: RecordingHeader | None = None, depth: int = 50) -> None:
        self.marks: list[Event] = []
        self.asked: list[int] = []
        self.header = head() if made is None else made
        self.recorder = FlightRecorder(
            self.header, owners(len(self.header.layers)), depth=depth, kept_before=self._kept, mark=self.marks.append
        )

    def _kept(self, step: int) -> int | None:
        self.asked.append(step)
        return step - 1

    def fly(self, rows: Sequence[Row], batches: Sequence[SameBatchSeries] = ()) -> list[int]:
        """The steps at which an alarm went off."""
        at = {int(batch.step[0]): batch for batch in batches}
        return [one.step for one in rows if self.recorder.see(one, at.get(one.step)) is not None]

    def fly_together(self, rows: Sequence[Row], most: int = 64) -> list[int]:
        """The same as in a loop, where calm rows are seen together."""
        recorder, waiting, room, below, found = self.recorder, list[Row](), 0, -np.inf, list[int]()
        for one in rows:
            calm = one.loss is not None and np.isfinite(one.loss) and one.loss <= below and one.finite
            if calm and len(waiting) < room:
                waiting.append(one)
                continue
            recorder.see_calm(waiting)
            waiting = []
            found += self.fly([one])
            room, below = min(most, recorder.calm_for), recorder.calm_below
        recorder.see_calm(waiting)
        return found


def measured(
    step: int, reach: float | None, after: float = 1.0, curvature: float = 1.0, before: float = 1.0
) -> SameBatchSeries:
    """One step measured on its own batch."""

    def one(value: float) -> np.ndarray:
        return np.array([value])

    yes = np.ones(1, bool)
    return SameBatchSeries(
        step=np.array([step]),
        loss_before=one(before),
        loss_after=one(after),
        first_order_change=one(-1.0),
        curvature=one(curvature),
        gradient_cosine=one(0.5),
        reach=one(0.0 if reach is None else reach),
        reach_measured=np.array([reach is not None]),
        moved=yes,
        as_given=yes,
    )
