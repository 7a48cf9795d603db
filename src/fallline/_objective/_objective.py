"""Model + loss function + data, as a function of one flat parameter vector."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor
from torch.func import functional_call, grad, vjp, vmap

from fallline._records import Floats
from fallline._vectors import flatten, unflatten

CHUNK_ENTRIES = 4_000_000
"""Rows × parameter vectors that are evaluated at once: 32 MB of float64 outputs."""


class Objective:
    """The mean loss of a model over fixed data, at any parameters; nothing of the model is changed.

    Args:
        model: any module whose output has the target's shape; its own parameters are never touched.
        loss_fn: ``loss_fn(output, target)``, the mean over rows.
        features: [N, …] input.
        target: [N, …] what the output is compared with.

    Parameters and results are float64 NumPy arrays; the evaluation runs in the dtype of ``features``.

    >>> objective = Objective(torch.nn.Linear(1, 1, dtype=torch.float64), torch.nn.MSELoss(),
    ...                       torch.tensor([[0.0], [1.0]], dtype=torch.float64),
    ...                       torch.tensor([[1.0], [3.0]], dtype=torch.float64))
    >>> objective.loss([[2.0, 1.0], [2.0, 2.0]])
    array([0., 1.])
    >>> objective.gradient([[2.0, 2.0]])
    array([[1., 2.]])
    """

    def __init__(
        self,
        model: torch.nn.Module,
        loss_fn: Callable[[Tensor, Tensor], Tensor],
        features: Tensor,
        target: Tensor,
    ) -> None:
        self._model, self._loss_fn = model, loss_fn
        self._features, self._target = features, target
        named = dict(model.named_parameters())
        self._names, self._like = list(named), list(named.values())
        self.parameter_count = int(flatten(self._like).numel())
        self._chunk = max(1, CHUNK_ENTRIES // max(1, len(features)))

    @property
    def optimum(self) -> None:
        """Not known beforehand."""

    @property
    def floor(self) -> None:
        """Not known beforehand."""

    def _value(self, vector: Tensor, features: Tensor, target: Tensor) -> Tensor:
        parameters = dict(zip(self._names, unflatten(vector, self._like), strict=True))
        output = functional_call(self._model, parameters, (features,))
        return self._loss_fn(output, target)

    def _stack(self, parameters: ArrayLike) -> Tensor:
        stack = np.atleast_2d(np.asarray(parameters, dtype=np.float64))
        return torch.from_numpy(np.require(stack, requirements=("C", "W"))).to(self._features.dtype)

    def _rows(self, rows: ArrayLike | Tensor | None) -> tuple[Tensor, Tensor]:
        """(features, target) of these rows, of all of them where none are named."""
        if rows is None:
            return self._features, self._target
        chosen = rows if isinstance(rows, Tensor) else torch.from_numpy(np.array(rows, dtype=np.int64))
        return self._features[chosen], self._target[chosen]

    def _each(self, function: Callable[[Tensor], Tensor], stack: Tensor) -> Floats:
        """``function`` of every row of a stack, in chunks that fit memory."""
        mapped = vmap(function, chunk_size=self._chunk)
        return np.asarray(mapped(stack).detach().double().numpy())

    def loss(self, parameters: ArrayLike, rows: ArrayLike | Tensor | None = None) -> Floats:
        """Mean loss at each of a stack of parameter vectors [B, P], over these rows only if named; shape [B]."""
        features, target = self._rows(rows)
        return self._each(lambda v: self._value(v, features, target), self._stack(parameters))

    def gradient(self, parameters: ArrayLike, rows: ArrayLike | Tensor | None = None) -> Floats:
        """Gradient at each of a stack of parameter vectors [B, P], over these rows only if named; shape [B, P]."""
        features, target = self._rows(rows)
        gradient = grad(lambda v: self._value(v, features, target))
        return self._each(gradient, self._stack(parameters))

    def hvp(self, parameters: ArrayLike, directions: ArrayLike) -> Floats:
        """Hessian at one parameter vector [P] times each of a stack of directions [B, P]; shape [B, P]."""
        at = self._stack(parameters)[0]
        gradient = grad(lambda v: self._value(v, self._features, self._target))
        times_hessian = vjp(gradient, at)[1]  # H is symmetric, and reverse mode exists for every loss
        return self._each(lambda d: times_hessian(d)[0], self._stack(directions))

    def hessian(self, parameters: ArrayLike) -> Floats:
        """The whole Hessian [P, P] at one parameter vector [P]; for the few parameters of a neuron."""
        return self.hvp(parameters, np.eye(self.parameter_count))

    def change(self, before: ArrayLike, after: ArrayLike, rows: ArrayLike | Tensor | None = None) -> Floats:
        """Loss after minus loss before for pairs of parameter vectors [B, P]; shape [B].

        ``rows`` takes the mean over these rows only. Differences are taken row by row before they are averaged,
        which keeps small changes of a large loss.
        """
        features, target = self._rows(rows)

        def row_change(pair: Tensor) -> Tensor:
            values = vmap(self._value, in_dims=(None, 0, 0))
            return (values(pair[1], features, target) - values(pair[0], features, target)).mean()

        pairs = torch.stack((self._stack(before), self._stack(after)), dim=1)
        return self._each(row_change, pairs)
