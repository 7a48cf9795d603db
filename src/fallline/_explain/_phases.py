"""How a run on a quadratic bowl went by: first the walls, then the crawl along the valley floor."""

from typing import NamedTuple

import numpy as np

from fallline._quadratic import Quadratic
from fallline._records import Run

FIXED = 0.1
"""A parameter is called fixed when at most this part of its way is left."""
WALL_PART = 0.9
"""The part of the excess loss that must be gone before the walls are called done."""
MOSTLY = 0.9
"""The part of a direction (squared) that one parameter must make up for the direction to be called by its name."""


class Phases(NamedTuple):
    """A descent into a long valley, split where the floor begins to be all that is left."""

    wall_steps: int
    """Steps until less of the excess loss lay across the valley than along it."""
    wall_part: float
    """The part of the first excess loss that was gone by then."""
    crawl_steps: int
    crawl_share: float
    """The part of the remaining way along the floor that one step covers, η·λmin."""
    across: str
    """The parameter that the steepest direction is mostly made of."""
    across_fixed: bool
    """Whether that parameter had by then come nearly as close to its optimum as it ever has to."""
    along: str
    """The same for the flattest."""
    short_by: float
    """How far ``along`` still is from its optimum, training scale."""


def phases_of(run: Run) -> Phases | None:
    """The two phases of a plain full-batch descent, None where the run has no such shape."""
    header = run.header
    if run.moments is None or len(run) < 2 or header.schedule or not header.full_batch:
        return None
    path = run.trajectory
    quadratic = Quadratic(run.moments)
    long_valley = quadratic.eigenvalues[0] >= 10 * quadratic.eigenvalues[-1] > 0
    if not (long_valley and np.isfinite(path).all()):
        return None
    parts = quadratic.excess_by_direction(path)
    total = parts.sum(axis=1)
    floor_leads = parts[:, -1] > total - parts[:, -1]
    wall_steps = int(np.argmax(floor_leads))  # 0 as well where the floor never leads
    shares = quadratic.eigenvectors**2  # [parameter, direction], every column sums to 1
    along, across = int(np.argmax(shares[:, -1])), int(np.argmax(shares[:, 0]))
    named = min(shares[along, -1], shares[across, 0]) >= MOSTLY
    missing = np.abs(path[:, across] - quadratic.optimum[across])
    wall_part = float(1 - total[wall_steps] / total[0])
    if wall_steps == 0 or not named or wall_part < WALL_PART or len(run) - wall_steps < 2:
        return None
    return Phases(
        wall_steps=wall_steps,
        wall_part=wall_part,
        crawl_steps=len(run) - wall_steps,
        crawl_share=header.learning_rate * float(quadratic.eigenvalues[-1]),
        across=header.parameter_names[across],
        across_fixed=bool(missing[wall_steps] <= FIXED * missing[0]),
        along=header.parameter_names[along],
        short_by=abs(float(path[-1, along] - quadratic.optimum[along])),
    )
