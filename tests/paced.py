"""Instruments without a watch: a pace that is due at chosen steps, and parameters that hold the number of the step."""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from fallline._recorder._guard import Guard
from fallline._recorder._instruments import IntervalInstruments
from fallline._recorder._snapshot_keeper import Snapshots
from fallline._recorder._snapshots import Allowance, Copies
from fallline._records import Snapshot


class Booked:
    """A pace that is due at chosen steps."""

    def __init__(self, *steps: int) -> None:
        self.steps, self.booked = set(steps), []

    def due(self, instrument: str, step: int) -> bool:
        assert instrument == "parts"
        return step in self.steps

    def spent(self, instrument: str, seconds: float) -> None:
        assert seconds >= 0
        self.booked.append(instrument)


class Numbered:
    """One parameter that holds the number of the step; its snapshots."""

    def __init__(
        self,
        budget: int,
        *,
        spacing: int | None = None,
        first_step: int = 0,
        size: int = 1,
        stored: Collection[int] = (),
    ) -> None:
        self.tensor = nn.Parameter(torch.full((size,), first_step - 1.0))
        copies = Copies([self.tensor])
        self.pace = Booked()
        self.snapshots = Snapshots(
            copies,
            Allowance(budget, copies.size),
            spacing=spacing,
            pace=self.pace,
            guard=Guard(),
            first_step=first_step,
            stored=stored,
        )
        self.instruments = IntervalInstruments(snapshots=self.snapshots)
        self.step = first_step
        self.found: dict[int, float] = {}

    def go(self, steps: int) -> None:
        for _ in range(steps):
            self.instruments.prepare(self.step)
            self.instruments.before_update()
            self.tensor.data.fill_(float(self.step))
            self.keep(self.instruments.take(self.step))
            self.step += 1

    def keep(self, taken: Sequence[Any]) -> None:
        for snapshot in taken:
            assert isinstance(snapshot, Snapshot)
            assert snapshot.step not in self.found
            self.found[snapshot.step] = float(snapshot.values.view(np.float32)[0])

    def end(self) -> None:
        self.keep(self.instruments.last(self.step - 1))
