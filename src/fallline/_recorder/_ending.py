"""What came of a watched run: its outcome and the one line that says so."""

import sys
from array import array
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from fallline._recorder._closing_line import how_to_explain, line_of
from fallline._recorder._guard import in_one_line
from fallline._recorder._losses import Losses
from fallline._recorder._outcome import outcome_of
from fallline._recorder._rows import Row
from fallline._records import Alarm, Cost, Floats, RecordingSummary, SameBatchSeries
from fallline._store import new_recording_rows, read_series

MOST_REACHES: Final = 1 << 16
"""Beyond so many, every second one is kept from then on, and so forth."""


class Earlier(NamedTuple):
    """What a run has recorded before it is gone on with."""

    steps: int
    losses: Floats
    """[T] those that were given."""
    reaches: Floats
    """[R] those that were measured."""
    alarms: tuple[Alarm, ...]
    """That have gone off."""


def earlier_of(path: Path) -> Earlier:
    """What the run file of a run that is gone on with holds.

    Raises:
        RunFileError: it cannot be read.
    """
    column = read_series(path, "loss")
    reach = read_series(path, "batches.reach")
    alarms = new_recording_rows(path, int(column.step[-1]) if len(column.step) else -1).alarms
    return Earlier(len(column.step), column.values[column.measured], reach.values[reach.measured], alarms)


class Ending:
    """Follows the loss and the reach in constant time a step, and sums up.

    Args:
        quiet: say nothing at the end.
        path: of the run file.
        optimizers: how many there are.
        earlier: what a run that is gone on with has recorded so far.
    """

    def __init__(self, *, quiet: bool, path: str, optimizers: int, earlier: Earlier | None = None) -> None:
        self._quiet, self._path, self._optimizers = quiet, path, optimizers
        self._steps = 0 if earlier is None else earlier.steps
        self._losses = Losses() if earlier is None else Losses.of(earlier.losses)
        self._reaches = array("d")
        self._last_step = 0
        self._stride = 1
        self._skip = 0
        self._alarms = () if earlier is None else earlier.alarms
        for reach in () if earlier is None else earlier.reaches:
            self._keep(float(reach))

    def see(self, rows: Sequence[Row], batches: Mapping[int, SameBatchSeries]) -> None:
        """Take note of rows, and of what was measured on the batches of some of their steps."""
        self._steps += len(rows)
        for row in rows:
            self._last_step = row.step
            if row.loss is not None:
                self._losses.add(row.loss)
        for batch in batches.values():
            for reach in batch.reach[batch.reach_measured]:
                self._keep(float(reach))

    def summary(
        self, alarms: Sequence[Alarm], open_alarm: Alarm | None, cost: Cost, error: BaseException | None
    ) -> RecordingSummary:
        """What came of the run.

        Args:
            alarms: all that went off since it was gone on with.
            open_alarm: the one that is not over.
            cost: of watching.
            error: what ended the loop, None where it ended by itself.
        """
        alarms = (*self._alarms, *alarms)
        outcome = outcome_of(
            self._losses,
            open_alarm,
            alarms,
            ended=error is None,
            one_optimizer=self._optimizers == 1,
            last_step=self._last_step,
        )
        return RecordingSummary(
            outcome=outcome,
            line=line_of(
                outcome,
                self._losses,
                steps=self._steps,
                open_alarm=open_alarm,
                alarms=alarms,
                reaches=np.array(self._reaches),
                cost=cost,
                stopped=None if error is None else stopped_by(error),
            ),
            steps=self._steps,
            first_loss=self._losses.first,
            last_loss=self._losses.last,
            best_loss=self._losses.best,
            cost=cost,
            exception=None if error is None else in_one_line(error),
        )

    def say(self, summary: RecordingSummary, missing: str | None = None) -> None:
        """The line on stderr, what is ``missing`` in the file, and the command that tells more.

        Unless it is to be quiet or nobody can hear it.
        """
        if self._quiet or sys.stderr is None:
            return
        line = summary.line if missing is None else f"{summary.line}; {missing}"
        try:
            sys.stderr.write(f"{line}; `{how_to_explain(self._path)}`\n")
            sys.stderr.flush()
        except (OSError, ValueError, UnicodeError):  # closed, a broken pipe, or too few letters
            return

    def _keep(self, reach: float) -> None:
        self._skip += 1
        if self._skip < self._stride:
            return
        self._skip = 0
        self._reaches.append(reach)
        if len(self._reaches) == MOST_REACHES:
            del self._reaches[::2]
            self._stride *= 2


def stopped_by(error: BaseException) -> str:
    """What ended a loop, in a few words.

    >>> stopped_by(KeyboardInterrupt()), stopped_by(ValueError("no"))
    ('Interrupted by Ctrl-C', 'Ended by ValueError')
    """
    return "Interrupted by Ctrl-C" if isinstance(error, KeyboardInterrupt) else f"Ended by {type(error).__name__}"
