"""Where contenders run on somebody's own objective: losses are noted on the way, and of a path what memory allows."""

from dataclasses import dataclass

import numpy as np

from fallline._compare._arena import MOST_KEPT, Arena, Flown
from fallline._compare._contenders import Entry
from fallline._objective import Objective
from fallline._records import Counts, Floats
from fallline._sweep import Evaluated, run_rates, steps_in_ratio

MOST_OF_PARTS = 200_000
"""Numbers of one term of all steps; of larger models steps are drawn whole."""


@dataclass(frozen=True)
class OwnArena(Arena):
    """The same for an objective of any size; every step sees all of its rows."""

    paths: int = 1
    """So many paths are to be in memory together."""

    @property
    def path_at(self) -> Counts:
        """[R] every step where all paths fit the memory, else steps in even ratios, the first and the last among them.

        >>> from fallline._formulas import formula
        >>> from fallline._sweep import given_objective
        >>> OwnArena(given_objective(formula("ravine"), None), 100, None, paths=1_000_000).path_at
        array([  0,   1,   2,   3,   6,  10,  18,  32,  56, 100])
        """
        fit = MOST_KEPT // max(1, self.paths * self.problem.objective.parameter_count)
        return steps_in_ratio(self.steps, fit)

    @property
    def keeps_parts(self) -> bool:
        """Where every step of a small model is kept."""
        whole = len(self.path_at) == self.steps + 1
        return whole and self.steps * self.problem.objective.parameter_count <= MOST_OF_PARTS

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """Of the model's tensors."""
        objective = self.problem.objective
        return list(objective.shapes) if isinstance(objective, Objective) else [(objective.parameter_count,)]

    @property
    def kept_of_a_run(self) -> int:
        """Of a path what is kept; losses are noted on the way."""
        return len(self.path_at)

    def fly(self, entry: Entry, rates: Floats, starts: Floats, seed: int) -> Flown:
        """N runs [N] from N starts [N, P] at once: losses [N, M], ends [N, P], and the path of the first."""
        del seed
        evaluated = Evaluated(self.problem.objective)
        made = run_rates(
            evaluated.slopes,
            starts,
            rates,
            optimizer=entry.optimizer,
            options=entry.options,
            steps=self.steps,
            losses=self.problem.objective.loss,
            shapes=self.shapes,
            kept=self.path_at.tolist(),
            measure=evaluated.losses,
            tick=self.meter.tick,
        )
        if made.losses is None:
            raise ValueError("losses were asked for")
        return Flown(made.losses.T, made.parameters[-1], made.parameters[:, 0].copy(), made.batched, made.probe)

    def gradients(self, path: Floats, seed: int) -> Floats:
        """[T, P] what the optimizer consumed along a path [T + 1, P]."""
        del seed
        with np.errstate(all="ignore"):
            return self.problem.objective.gradient(path[:-1])
