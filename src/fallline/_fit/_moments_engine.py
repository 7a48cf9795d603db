"""Descent without the rows: each step asks the exact quadratic for its slope, at a cost that does not depend on N."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from fallline._descent import take_step
from fallline._errors import OptionError
from fallline._quadratic import Quadratic
from fallline._records import Step


def check_moments_engine(*, loss: str, batch_size: int | None, rows: int | None = None) -> None:
    """Raise OptionError for what the moments of a table cannot answer.

    ``rows`` is N, None before it is known: then only the loss is looked at. A batch of N rows or more is full batch.
    """
    if loss != "mse":
        raise OptionError(
            f"The engine moments needs the loss mse, which is a parabola in the parameters, and {loss} is none: "
            f'use --engine loop (in Python engine="loop").'
        )
    if batch_size is not None and rows is not None and batch_size < rows:
        raise OptionError(
            f"The engine moments knows the {rows:,} rows only together, not in batches of {batch_size:,}: leave "
            f'--batch-size (in Python batch_size=) out, or use --engine loop (engine="loop").'
        )


def descend_moments(
    model: torch.nn.Linear,
    quadratic: Quadratic,
    optimizer: torch.optim.Optimizer,
    *,
    epochs: int,
    scheduler: torch.optim.lr_scheduler.LRScheduler | None = None,
) -> Iterator[Step]:
    """Train a neuron in place, in full batch, one :class:`Step` for each parameter update.

    As :func:`fallline._descent.descend`, with a real optimizer of ``torch.optim``; but slope and loss come from the
    quadratic, computed in float64 and rounded once to the dtype of the parameters. A loop over the rows rounds at
    every row, so the two differ by the rounding of its sums.

    Args:
        model: a neuron with D weights and a bias, on the CPU.
        quadratic: the loss of its P = D + 1 parameters.
        optimizer: over all parameters of the model.
        epochs: steps, as each sees all rows.
        scheduler: stepped once an epoch.

    >>> quadratic = Quadratic.from_data([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0])
    >>> model = torch.nn.Linear(1, 1)
    >>> steps = descend_moments(model, quadratic, torch.optim.SGD(model.parameters(), lr=0.1), epochs=2)
    >>> [step.index for step in steps]
    [0, 1]
    """
    place = _Place(model, quadratic)
    update = place.update_with_closure if isinstance(optimizer, torch.optim.LBFGS) else place.update
    for epoch in range(epochs):
        learning_rate = float(optimizer.param_groups[0]["lr"])
        loss, gradient = update(optimizer)
        yield Step(epoch, epoch, learning_rate, loss, gradient, place.numbers())
        if scheduler is not None:
            scheduler.step()


class _Place:
    """Where a model is on a quadratic. NumPy sees the memory of its parameters and of their slopes."""

    def __init__(self, model: torch.nn.Linear, quadratic: Quadratic) -> None:
        self._hessian, self._optimum, self._floor = quadratic.hessian(), quadratic.optimum, quadratic.optimum_loss
        self._parameters = (model.weight, model.bias)
        self._slope: NDArray[np.floating] = np.empty(len(self._optimum), dtype=model.weight.detach().numpy().dtype)
        self._slope_tensors = (
            torch.from_numpy(self._slope[:-1]).view(model.weight.shape),
            torch.from_numpy(self._slope[-1:]),
        )

    def numbers(self) -> tuple[float, ...]:
        """[P] the parameters now."""
        weight, bias = self._parameters
        return (*weight.detach().view(-1).tolist(), bias.item())

    def measure(self) -> tuple[float, tuple[float, ...]]:
        """The loss here, and its gradient [P], which is put where the optimizer looks for it."""
        with np.errstate(all="ignore"):  # a diverging run's NaN and infinity are data
            offset = np.array(self.numbers()) - self._optimum
            slope = self._hessian @ offset
            self._slope[:] = slope
            loss = self._floor + offset @ slope / 2
            rounded = self._slope.dtype.type(loss).item()
        for parameter, slot in zip(self._parameters, self._slope_tensors, strict=True):
            parameter.grad = slot
        return rounded, tuple(self._slope.tolist())  # before the step: some optimizers work in the slopes' memory

    def update(self, optimizer: torch.optim.Optimizer) -> tuple[float, tuple[float, ...]]:
        """One step; the loss before it and the gradient that the optimizer consumed."""
        measured = self.measure()
        take_step(optimizer)
        return measured

    def update_with_closure(self, optimizer: torch.optim.Optimizer) -> tuple[float, tuple[float, ...]]:
        """The same for LBFGS, which evaluates the loss several times a step: its first evaluation is recorded."""
        evaluations: list[tuple[float, tuple[float, ...]]] = []

        def closure() -> float:
            evaluations.append(self.measure())
            return evaluations[-1][0]

        take_step(optimizer, closure)
        return evaluations[0]
