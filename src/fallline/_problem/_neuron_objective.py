"""A neuron's mean loss as a function of its parameters, by what makes it a neuron: outputs are θX̃ᵀ.

    L(θ) = mean ℓ(x̃ₙ·θ, yₙ),   ∇L = mean ℓ′ₙ x̃ₙ,   H = mean ℓ″ₙ x̃ₙx̃ₙᵀ,   X̃ = [X, 1]

ℓ, ℓ′ and ℓ″ are PyTorch's own for whatever loss; the rest is two matrix products, for many θ at once. The general
:class:`fallline._objective.Objective` says the same of any model, some twenty times slower (it is the test's oracle).
"""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from fallline._objective import LossKind
from fallline._records import Floats

CHUNK_ENTRIES = 4_000_000
"""Rows × parameter vectors that are evaluated at once: 32 MB of float64 outputs."""


class NeuronObjective:
    """The mean loss of one neuron over fixed rows, at any parameters, in float64.

    Args:
        kind: which loss.
        features: [N, D].
        target: [N].

    >>> from fallline._objective import loss_kind
    >>> objective = NeuronObjective(loss_kind("mse"), np.array([[0.0], [1.0]]), np.array([1.0, 3.0]))
    >>> objective.loss([[2.0, 1.0], [2.0, 2.0]]), objective.gradient([[2.0, 2.0]])
    (array([0., 1.]), array([[1., 2.]]))
    """

    optimum: None = None
    """Not known beforehand."""
    floor: None = None
    """Not known beforehand."""

    def __init__(self, kind: LossKind, features: Floats, target: Floats) -> None:
        self._rows = np.column_stack((features, np.ones(len(features))))
        self._target = torch.tensor(np.asarray(target, dtype=np.float64))
        self._each_row: Callable[[Tensor, Tensor], Tensor] = getattr(torch.nn, kind.torch_class)(reduction="none")
        self.parameter_count = self._rows.shape[1]

    def loss(self, parameters: ArrayLike) -> Floats:
        """Mean loss at each of a stack of parameter vectors [B, P]; shape [B]."""
        with torch.no_grad():
            parts = [self._losses(stack).mean(dim=1).numpy() for stack in self._chunks(parameters)]
        return np.concatenate(parts)

    def gradient(self, parameters: ArrayLike, rows: NDArray[np.int64] | None = None) -> Floats:
        """Gradient at each of a stack of parameter vectors [B, P]; shape [B, P]. ``rows``: the mean over these only."""
        X, target = self._of(rows)
        with np.errstate(all="ignore"):  # a diverging run's numbers are data
            parts = [np.asarray(self._slopes(stack, X, target) @ X) for stack in self._chunks(parameters)]
        return np.concatenate(parts) / len(X)

    def hessian(self, parameters: ArrayLike) -> Floats:
        """The whole Hessian [P, P] at one parameter vector [P]."""
        at = np.atleast_2d(np.asarray(parameters, dtype=np.float64))[:1]
        with torch.enable_grad():
            outputs = self._outputs(at, self._rows).requires_grad_()
            total = self._each_row(outputs, self._target.expand(1, -1)).sum()
            slopes = torch.autograd.grad(total, outputs, create_graph=True)[0]
            bends = torch.zeros_like(outputs)
            if slopes.requires_grad:  # straight pieces leave nothing to differentiate
                bends = bends + torch.autograd.grad(slopes.sum(), outputs)[0]
        with np.errstate(all="ignore"):
            weighted = bends.detach().numpy()[0][:, None] * self._rows
            return np.asarray(self._rows.T @ weighted / len(self._rows))

    def change(self, before: ArrayLike, after: ArrayLike, rows: NDArray[np.int64] | None = None) -> Floats:
        """Loss after minus loss before for pairs of parameter vectors [B, P]; shape [B].

        ``rows`` takes the mean over these rows only. Differences are taken row by row before they are averaged,
        which keeps small changes of a large loss.
        """
        X, target = self._of(rows)
        pairs = zip(self._chunks(before), self._chunks(after), strict=True)
        with torch.no_grad():
            parts = [
                (self._each_row(self._outputs(there, X), target.expand(len(there), -1))
                 - self._each_row(self._outputs(here, X), target.expand(len(here), -1))).mean(dim=1).numpy()
                for here, there in pairs
            ]  # fmt: skip
        return np.concatenate(parts)

    def _of(self, rows: NDArray[np.int64] | None) -> tuple[Floats, Tensor]:
        return (self._rows, self._target) if rows is None else (self._rows[rows], self._target[torch.as_tensor(rows)])

    def _chunks(self, parameters: ArrayLike) -> Iterator[Floats]:
        stack = np.atleast_2d(np.asarray(parameters, dtype=np.float64))
        size = max(1, CHUNK_ENTRIES // max(1, len(self._rows)))
        return (stack[first : first + size] for first in range(0, max(1, len(stack)), size))

    def _outputs(self, stack: Floats, X: Floats) -> Tensor:
        with np.errstate(all="ignore"):  # a diverging run's numbers are data
            return torch.from_numpy(np.asarray(stack @ X.T))

    def _losses(self, stack: Floats) -> Tensor:
        return self._each_row(self._outputs(stack, self._rows), self._target.expand(len(stack), -1))

    def _slopes(self, stack: Floats, X: Floats, target: Tensor) -> Floats:
        """ℓ′ [B, N]: each output is a row's own, so one backward pass of the sum gives them all."""
        with torch.enable_grad():
            outputs = self._outputs(stack, X).requires_grad_()
            total = self._each_row(outputs, target.expand(len(stack), -1)).sum()
            return np.asarray(torch.autograd.grad(total, outputs)[0].numpy())


def neuron_objective(kind: LossKind, features: Floats, target: Floats) -> NeuronObjective:
    """A neuron's mean loss over these rows [N, D], [N] as a function of its parameters, in float64."""
    return NeuronObjective(kind, features, target)
