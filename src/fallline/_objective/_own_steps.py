"""Steps back that PyTorch did not write: whether their second derivatives are those of the gradient.

A backward that was marked as differentiable once, or that detaches what it uses, gives products of a Hessian that is
none, and nothing is raised. So one product is compared with differences of the gradient, where there is such a step.
"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor
from torch.autograd.function import BackwardCFunction

from fallline._errors import FalllineWarning, OptionError
from fallline._objective._batches import Batch
from fallline._objective._functional import Evaluation
from fallline._objective._second_derivatives import second_derivatives
from fallline._vectors import flatten, unflatten
from fallline._wording import number

WIDTHS: Final = (1e-5, 1e-4)
"""Shares of the parameters' length. Differences over both have to agree before they are believed: kinks in between, and
steps that are computed with few digits, make them disagree."""
AGREES: Final = 1e-3
"""Of the longer of the two. Of a right product in float64, without kinks, differences are within 1e-6."""
ROUNDING: Final = 64
"""Rounding of a gradient, in units of its length times ε."""
ROWS: Final = (64, 16, 4)
"""So many are looked at, each time along another direction, where rows can be taken by themselves: fewer have fewer
kinks."""

FORWARD_MODE: Final = "forward-mode AD"
"""Stands among the names where the model uses it: of some operations' tangents PyTorch has wrong derivatives."""

Weighed = tuple[Batch, float]
Session = Callable[[torch.dtype], AbstractContextManager[tuple[Evaluation, Iterator[Weighed]]]]


def own_steps(loss: Tensor) -> set[str]:
    """Names of the functions behind ``loss`` whose steps back are not PyTorch's own: Python's, or of an extension.

    >>> own_steps(torch.ones(2, requires_grad=True).exp().sum())
    set()
    """
    found: set[str] = set()
    seen, waiting = set(), [loss.grad_fn]
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        name = node.name()
        if isinstance(node, BackwardCFunction):
            found.add(name.removesuffix("Backward"))
        elif "CppNode<" in name:
            found.add(name.partition("CppNode<")[2].removesuffix(">"))
        waiting += [before for before, _ in node.next_functions]
    return found


@dataclass(frozen=True)
class _Told:
    """What products and differences of the gradient say of each other."""

    curves: bool
    """Whether there is anything to compare."""
    agree: bool
    apart: tuple[float, float] | None = None
    """The length of both, where the differences can be believed and the product is another."""


class OwnSteps:
    """Looks once whether such steps are there, and once whether they can be trusted.

    Args:
        session: the loss and the batches, in a dtype, for one pass.
        like: the tensors that a parameter vector is made of.
        splits: whether rows of a batch can be taken by themselves.
    """

    def __init__(self, session: Session, like: Sequence[Tensor], *, splits: bool) -> None:
        self._session, self._like, self._splits = session, like, splits
        self.unknown = True
        """Until it is known that nothing is to be feared."""

    def check(self, names: set[str], at: Tensor) -> None:
        """Compare one product at ``at`` [P] with differences of the gradient, where there are such steps.

        Raises:
            OptionError: they do not agree.
        """
        if names:
            try:
                told = self._told(at.double())
            except (RuntimeError, TypeError):  # in float64 the model, or the machine, cannot: fewer digits tell nothing
                told = _Told(curves=True, agree=False)
            if not told.curves:  # another place may tell
                return
            if told.apart is not None:
                raise OptionError(_refusal(sorted(names), *told.apart))
            if not told.agree:
                warnings.warn(_unchecked(sorted(names)), FalllineWarning, stacklevel=2)
        self.unknown = False

    def _told(self, at: Tensor) -> _Told:
        """What a few directions say."""
        curves = False
        with self._session(torch.float64) as (evaluation, batches), torch.inference_mode(mode=False):
            batch = next((each for each, _ in batches), None)
            if batch is None:
                return _Told(curves=False, agree=False)
            for place, rows in enumerate(ROWS):
                few = batch.part(0, rows) if self._splits and batch.rows > rows else batch
                product, changes, noise = self._both(evaluation, few, at, place)
                size = float(torch.stack([product, *changes]).norm(dim=1).max())
                if not size > noise / AGREES:  # NaN too
                    continue
                curves, allowed = True, AGREES * size + noise
                off = [float((product - change).norm()) for change in changes]
                if min(off) <= allowed:
                    return _Told(curves=True, agree=True)
                if float((changes[0] - changes[1]).norm()) <= allowed:
                    return _Told(curves=True, agree=False, apart=(float(product.norm()), float(changes[0].norm())))
        return _Told(curves=curves, agree=False)

    def _both(
        self, evaluation: Evaluation, batch: Batch, at: Tensor, seed: int
    ) -> tuple[Tensor, tuple[Tensor, Tensor], float]:
        """H·v, the same by differences of the gradient over both widths, and what rounding does to these."""
        draw = torch.Generator().manual_seed(seed)
        way = torch.randn(len(at), generator=draw, dtype=at.dtype).to(at.device)
        way /= way.norm()
        slopes, leaves = self._slopes(evaluation, batch, at)
        parts = zip(slopes, unflatten(way, self._like), strict=True)
        curved = [(slope, part) for slope, part in parts if slope.requires_grad]
        product = torch.zeros_like(at)
        if curved:
            ends, ways = zip(*curved, strict=True)
            with second_derivatives():
                product = flatten(torch.autograd.grad(ends, leaves, ways, materialize_grads=True))
        length = max(float(at.norm()), 1.0)
        near, far = (self._change(evaluation, batch, at, share * length * way) for share in WIDTHS)
        noise = ROUNDING * torch.finfo(at.dtype).eps * float(flatten(slopes).norm()) / (WIDTHS[0] * length)
        return product, (near, far), noise

    def _change(self, evaluation: Evaluation, batch: Batch, at: Tensor, step: Tensor) -> Tensor:
        """Of the gradient, for each unit of the step: by central differences."""
        ahead, behind = (flatten(self._slopes(evaluation, batch, place)[0]) for place in (at + step, at - step))
        change: Tensor = (ahead - behind) / (2 * step.norm())
        return change

    def _slopes(self, evaluation: Evaluation, batch: Batch, at: Tensor) -> tuple[tuple[Tensor, ...], list[Tensor]]:
        with torch.enable_grad(), second_derivatives():
            leaves = [part.detach().clone().requires_grad_() for part in unflatten(at, self._like)]
            loss = evaluation.loss(leaves, batch)
            return torch.autograd.grad(loss, leaves, create_graph=True, materialize_grads=True), leaves


def _refusal(names: Sequence[str], product: float, change: float) -> str:
    found = (
        f"The curvature of this model cannot be computed: along a random direction the gradient changes by "
        f"{number(change)}, and PyTorch's second derivatives make {number(product)} of it."
    )
    if FORWARD_MODE in names:
        return (
            f"{found} The model uses forward-mode AD (torch.func.jvp, jacfwd), and of some operations, such as layer "
            "norm, PyTorch differentiates what that gives wrongly, the gradient too. torch.func.vjp and jacrev do "
            "without it."
        )
    return (
        f"{found} The model has steps back "
        f"of its own ({', '.join(names)}), which cannot be differentiated as they are written: no "
        "@once_differentiable, detach() or no_grad() in a backward."
    )


def _unchecked(names: Sequence[str]) -> str:
    return (
        f"fallline: the model has steps back of its own ({', '.join(names)}); whether their second derivatives are "
        "right could not be checked, as differences of the gradient have too few digits here."
    )
