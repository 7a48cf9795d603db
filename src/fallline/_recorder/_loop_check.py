"""What is odd about the loop that is watched: said once, in the record and as a warning, never as an exception."""

from collections.abc import Mapping, Sequence

import torch
from torch import nn

from fallline._recorder._guard import Guard, guarded
from fallline._recorder._layout import Layout, listed, parameter_names
from fallline._recorder._rows import Row


class LoopCheck:
    """Compares the loop with what it was when the watch began."""

    def __init__(
        self, model: nn.Module, optimizers: Sequence[torch.optim.Optimizer], layout: Layout, guard: Guard
    ) -> None:
        self.guard = guard
        self._model, self._optimizers = model, tuple(optimizers)
        self._watched = {id(tensor): info for tensor, info in zip(layout.tensors, layout.parameters, strict=True)}
        self._tensors = layout.tensors
        self._at_start = {id(tensor): tensor for tensor in model.parameters()}
        self._rows = self._updates = self._losses = 0
        self._told: set[str] = set()
        self._looked_at: int | None = None
        """The step at which everything was last looked at."""

    @guarded("whether the loop was recorded")
    def see(self, rows: Sequence[Row]) -> None:
        """Take note of rows."""
        if rows and not self._rows:
            self._look_at_first(rows[0])
        self._rows += len(rows)
        self._updates += sum([sum(row.updates) for row in rows])
        self._losses += sum([row.loss is not None for row in rows])

    @guarded("whether parameters were replaced")
    def look(self, step: int) -> None:
        """Say which parameters are, at this step, no longer those that the watch began with; once each."""
        names = parameter_names(self._model)
        held = {id(tensor): tensor for each in self._optimizers for g in each.param_groups for tensor in g["params"]}
        for sentence in self._moved(held, names):
            if sentence not in self._told:
                self._told.add(sentence)
                self.guard.say(f"{sentence} {_between(self._looked_at, step)}")
        self._looked_at = step

    @guarded("whether the loop was recorded")
    def at_end(self, unrecorded_updates: int) -> None:
        """Say what never came, at the end of the loop."""
        if not self._rows and unrecorded_updates:
            self.guard.say("watch.step was never called, so nothing was recorded: call it after optimizer.step().")
        if self._rows and not self._updates:
            self.guard.say(
                "No optimizer stepped between two calls of watch.step: was another optimizer given to fl.watch?"
            )
        if self._rows and not self._losses:
            self.guard.say("No loss was recorded: watch.step(loss) takes it.")

    @guarded("whether there is a gradient")
    def _look_at_first(self, row: Row) -> None:
        if not any(row.updates) and all(tensor.grad is None for tensor in self._tensors):
            self.guard.say("watch.step was called before any backward(): call it after optimizer.step().")

    def _moved(self, held: Mapping[int, torch.Tensor], names: Mapping[int, str]) -> list[str]:
        """Parameters that came, and that went."""
        found = []
        added = [names.get(one, "a parameter that is not the model's") for one in held if one not in self._watched]
        if added:
            found.append(f"The optimizer was given more parameters in mid-run: {listed(added)}: trained, not watched.")
        gone = [info.name for one, info in self._watched.items() if one not in held]
        if gone:
            found.append(f"The optimizer no longer holds {listed(gone)}: measured as they are, but not trained.")
        new = [name for one, name in names.items() if one not in self._at_start and one not in held]
        if new:
            found.append(
                f"Parameters of the model were replaced in mid-run: {listed(new)}: no optimizer holds the new ones, "
                "so they are neither trained nor watched."
            )
        return found


def _between(before: int | None, now: int) -> str:
    """When something happened that is only looked for now and then."""
    if before is None or before >= now:
        return f"It was so by step {now:,}."
    return f"It happened between step {before:,} and step {now:,}."
