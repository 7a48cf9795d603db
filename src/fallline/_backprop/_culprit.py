"""Which operation's own step back is wrong: the adjoint identity, operation by operation.

Move the leaves a little along one direction and watch every operation's operands and output move. For a right step
back, ⟨gradient at the output, change of the output⟩ = Σ over operands ⟨gradient sent to it, change of it⟩, whatever
the gradient at the output is (Griewank and Walther, Evaluating Derivatives, 3.3). What is missing from that is the
operation's own mistake; over all operations these add up to the mistake of the whole gradient along the direction.
So a wrong operation is found behind others, right or wrong, by two evaluations.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, TypeVar

import torch

from fallline._backprop._inner import inner
from fallline._backprop._probe import FAILURES, CannotCompareError, Probe
from fallline._backprop._watched_run import Arrivals, Place, Run

SHARE: Final = 1e-3
"""Of the largest mistake: what is smaller is the differences' own."""
STEADY: Final = 0.3
"""How much a mistake may change, relatively, from one step to another."""
STEPS: Final = (1.0, 1e-3)
"""In units of the usual one; the second where the function is bent too much for the first."""
SHORTER: Final = (1.0, 0.1, 0.01)
"""What each is followed by, to see whether a mistake stays."""
SHORTER_COARSE: Final = (1.0, 0.5, 0.25)
"""The same where the function rounds to less than float64."""
ROUNDINGS: Final = 100.0


Node = TypeVar("Node")


class WrongEdge(NamedTuple):
    """The step back of ``node``, its place among the ``comparable_steps``, to one operand; both from 0."""

    node: int
    operand: int


def find_wrong_edges(probe: Probe, direction: Mapping[str, torch.Tensor]) -> tuple[WrongEdge, ...]:
    """The edges along which an operation sends something else than its local derivative times what arrived.

    An operation whose mistake is multiplied by a gradient of 0 is not found, nor one whose operands do not move along
    the direction. Where two edges come from one tensor (y · y), both are named.

    Args:
        probe: at a point where the gradient is wrong.
        direction: by leaf; along it the gradient is wrong.
    """
    try:
        base = Run(probe, {})
    except (CannotCompareError, *FAILURES):
        return ()
    arrivals = base.gradients()
    usual = probe.usual * max(1.0, _size(probe, direction))
    shorter = SHORTER_COARSE if probe.coarse else SHORTER
    for share in STEPS:
        motions = [_motion(probe, base, direction, usual * share * each) for each in shorter]
        known = [each for each in motions if each is not None]
        if len(known) < len(motions):
            continue
        found = {
            node: steady([mistake_of(base, arrivals, node, motion) for motion in known])
            for node in range(len(base.nodes))
        }
        wrong = _standing_out(found)
        if wrong:
            return tuple(edge for node in wrong for edge in _edges_of(probe, base, arrivals, node, known))
    return ()


class Mistake(NamedTuple):
    """How far an operation misses the adjoint identity along one direction."""

    size: float
    rounding: float
    """What the differences alone may be off by."""


class Motion(NamedTuple):
    """How the output of each node changes along a direction, by central differences."""

    changes: Mapping[Place, torch.Tensor]
    step: float


def steady(mistakes: Sequence[Mistake | None]) -> Mistake | None:
    """The one of the shortest step, if the others say the same: what comes from differences changes with the step.

    >>> steady([Mistake(2.0, 0.0), Mistake(2.001, 0.0)]), steady([Mistake(2.0, 0.0), Mistake(0.02, 0.0)])
    (Mistake(size=2.001, rounding=0.0), None)
    """
    known = [each for each in mistakes if each is not None]
    last = known[-1] if len(known) == len(mistakes) else None
    if last is None or any(abs(each.size - last.size) > STEADY * abs(last.size) for each in known):
        return None
    return last._replace(rounding=known[0].rounding)  # of the longest step: a mistake that stays is none of rounding


def _standing_out(mistakes: Mapping[Node, Mistake | None]) -> list[Node]:
    known = {node: each for node, each in mistakes.items() if each is not None}
    largest = max((abs(each.size) for each in known.values()), default=0.0)
    return [node for node, each in known.items() if abs(each.size) > max(SHARE * largest, each.rounding)]


def mistake_of(base: Run, arrivals: Arrivals, node: int, motion: Motion) -> Mistake | None:
    """⟨arrived, change of the outputs⟩ − Σ ⟨sent, change of the operand⟩; None where something was not seen.

    Args:
        base: the run at the point.
        arrivals: its gradients.
        node: its place in the walk.
        motion: of every value.
    """
    if node in base.unseen or node not in arrivals.at or not any(each is not None for each in base.operands[node]):
        return None
    size, rounding = 0.0, 0.0
    operands = [place for place in base.operands[node] if place in base.values]
    for output, arrived in enumerate(arrivals.at[node]):
        change = motion.changes.get((node, output))
        if arrived is None:
            continue
        if change is None:
            return None
        size += inner(arrived, change)
        epsilon = max(base.epsilon_of(place) for place in ((node, output), *operands))
        rounding += epsilon / motion.step * inner(arrived.abs(), base.values[node, output].abs())
    for place, sent in zip(base.operands[node], arrivals.sent[node], strict=False):
        if place is None or sent is None:
            continue
        if place not in motion.changes:
            return None
        size -= inner(sent, motion.changes[place])
    return Mistake(size, ROUNDINGS * rounding)


def _edges_of(probe: Probe, base: Run, arrivals: Arrivals, node: int, motions: Sequence[Motion]) -> list[WrongEdge]:
    """Which of a wrong operation's edges: each operand moved by itself, with the others held where they are."""
    changes = motions[-1].changes
    edges: dict[Place, list[WrongEdge]] = {}
    for operand, place in enumerate(base.operands[node]):
        if place is not None and place in changes and bool(changes[place].any()):
            edges.setdefault(place, []).append(WrongEdge(node, operand))
    if len(edges) <= 1:
        return [edge for each in edges.values() for edge in each]
    found: dict[Place, Mistake | None] = {}
    for place in edges:
        alone = [_alone(probe, base, node, place, motion) for motion in motions]
        known = [each for each in alone if each is not None]
        if len(known) < len(alone):
            return [edge for each in edges.values() for edge in each]
        found[place] = steady([mistake_of(base, arrivals, node, each) for each in known])
    return [edge for place in _standing_out(found) or edges for edge in edges[place]]


def _alone(probe: Probe, base: Run, node: int, moving: Place, motion: Motion) -> Motion | None:
    """The motion of one operation's outputs where only one of its operands moves, the others put back."""
    sources = {place for place in base.operands[node] if place is not None}
    if not sources <= set(base.values):
        return None
    change = motion.changes[moving]
    runs = []
    for sign in (1, -1):
        instead = {place: base.values[place] for place in sources}
        instead[moving] = instead[moving] + sign * motion.step * change
        try:
            runs.append(Run(probe, {}, base, instead))
        except (CannotCompareError, *FAILURES):
            return None
    found = {place: torch.zeros_like(base.values[place]) for place in sources} | {moving: change}
    for own in [place for place in base.values if place[0] == node]:
        if not all(own in run.values for run in runs):
            return None
        found[own] = (runs[0].values[own] - runs[1].values[own]) / (2 * motion.step)
    return Motion(found, motion.step)


def _motion(probe: Probe, base: Run, direction: Mapping[str, torch.Tensor], step: float) -> Motion | None:
    runs = []
    for sign in (1, -1):
        moved = {name: probe.leaves[name] + sign * step * each for name, each in direction.items()}
        try:
            runs.append(Run(probe, moved))
        except (CannotCompareError, *FAILURES):
            return None
    above, below = runs
    if not above.names == below.names == base.names:
        return None
    changes = {
        place: (above.values[place] - below.values[place]) / (2 * step)
        for place, value in base.values.items()
        if place in above.values and place in below.values and above.values[place].shape == value.shape
    }
    return Motion(changes, step)


def _size(probe: Probe, direction: Mapping[str, torch.Tensor]) -> float:
    """Of the entries that move, where it is one entry of one leaf; 1 for a direction through all of them."""
    moving = [probe.leaves[name][each != 0] for name, each in direction.items()]
    entries = torch.cat([each.reshape(-1) for each in moving]) if moving else torch.zeros(0)
    return float(entries.abs().max()) if entries.numel() == 1 else 1.0
