"""At which steps a run crosses the valley; docs/semantics.md#zones.

On a quadratic the component along each eigenvector is known, and a step reverses those whose sign it changes. Elsewhere
a step has crossed where the ground fell along it at its start and rises along it at its end.
"""

import numpy as np

from fallline._quadratic import Quadratic
from fallline._records import Floats, Mask

ROUNDING = 64 * float(np.finfo(np.float64).eps)
"""Of the size of the parameters: a component below it has no sign."""


def components(quadratic: Quadratic, parameters: Floats) -> Floats:
    """[…, P] how far ``parameters`` […, P] lie from the optimum along each eigenvector, 0 where rounding hides it."""
    with np.errstate(all="ignore"):
        along = (parameters - quadratic.optimum) @ quadratic.eigenvectors
        size = np.abs(quadratic.optimum).max() + np.abs(parameters).max(axis=-1, keepdims=True)
        return np.asarray(np.where((np.abs(along) <= ROUNDING * size) & np.isfinite(size), 0.0, along))


def crossed_on_quadratic(quadratic: Quadratic, parameters: Floats) -> tuple[Mask, Mask]:
    """Which steps of runs [T + 1, B, P] crossed, and at which there was something to cross; [T, B] each.

    A step crosses where the components that it reverses held over half of the excess loss before it.
    """
    along = components(quadratic, parameters)
    with np.errstate(all="ignore"):
        held = quadratic.eigenvalues * np.square(along[:-1])
        reversed_ = np.signbit(along[:-1]) != np.signbit(along[1:])
        reversed_ &= (along[:-1] != 0) & (along[1:] != 0)
        excess = held.sum(axis=-1)
        share = np.where(reversed_, held, 0.0).sum(axis=-1)
        return share > excess / 2, (excess > 0) & np.isfinite(excess)


def crossed_along_steps(parameters: Floats, gradients: Floats) -> tuple[Mask, Mask]:
    """The same for any other surface, from the gradients [T + 1, B, P] along the way."""
    with np.errstate(all="ignore"):
        update = np.diff(parameters, axis=0)
        before = np.einsum("tbp,tbp->tb", gradients[:-1], update)
        after = np.einsum("tbp,tbp->tb", gradients[1:], update)
        length = np.linalg.norm(update, axis=-1)
        size = np.linalg.norm(parameters[:-1], axis=-1)
        return (before < 0) & (after > 0), (length > ROUNDING * size) & np.isfinite(after)


def crosses_valley(crossed: Mask, tells: Mask, steps_to_goal: tuple[int | None, ...]) -> tuple[bool | None, ...]:
    """[B] whether a rate crossed at over half of its steps on the way to the goal (to the end where it missed it).

    Steps at which there is nothing to cross are left out; None where none is left.
    """
    flags: list[bool | None] = []
    for rate, steps in enumerate(steps_to_goal):
        told = tells[: max(steps, 1) if steps is not None else None, rate]
        count = int(told.sum())
        hits = int((crossed[: len(told), rate] & told).sum())
        flags.append(2 * hits > count if count else None)
    return tuple(flags)


def reverses_sharpest(quadratic: Quadratic, parameters: Floats) -> Mask:
    """[B] whether the component along the sharpest eigenvector changes sign at over half of the steps of each run.

    A run that leaves for infinity at once does, too.
    """
    along = components(quadratic, parameters)[..., 0]
    told = (along[:-1] != 0) & np.isfinite(along[1:])
    flips = told & (np.signbit(along[:-1]) != np.signbit(along[1:])) & (along[1:] != 0)
    left = ~told.any(axis=0) & ~np.isfinite(along[-1])
    return np.asarray((2 * flips.sum(axis=0) > told.sum(axis=0)) | left)


class ValleyWatch:
    """Tells crossings of any surface while runs go on, from the gradients they ask for; none of them is kept."""

    def __init__(self) -> None:
        self._told: list[list[tuple[Mask, Mask]]] = []
        """For each stack of runs that went together, for each step [B]."""
        self._before: list[tuple[Floats, Floats]] = []
        """Where each stack was last, and the gradient there; [B, P] each."""

    def saw(self, stack: Floats, gradient: Floats, step: int) -> None:
        """A stack [B, P] is about to make this step; step 0 begins another stack."""
        here = stack.copy(), gradient.copy()  # optimizers work in both
        if step == 0:
            self._told.append([])
            self._before.append(here)
            return
        self._told[-1].append(_crossed_between(self._before[-1], here))
        self._before[-1] = here

    def crossings(self, end: Floats, gradient: Floats) -> tuple[Mask, Mask]:
        """[T, B] each, once the runs have ended at ``end`` [B, P] with this gradient."""
        blocks, first = [], 0
        for told, before in zip(self._told, self._before, strict=True):
            here = slice(first, first + len(before[0]))
            blocks.append([*told, _crossed_between(before, (end[here], gradient[here]))])
            first = here.stop
        crossed, tells = (
            np.concatenate([np.array([pair[which] for pair in block]) for block in blocks], axis=1) for which in (0, 1)
        )
        return crossed, tells


def _crossed_between(before: tuple[Floats, Floats], after: tuple[Floats, Floats]) -> tuple[Mask, Mask]:
    """[B] each, of one step."""
    crossed, tells = crossed_along_steps(*(np.array(pair) for pair in zip(before, after, strict=True)))
    return crossed[0], tells[0]
