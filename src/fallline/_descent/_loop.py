"""The loop that everything else explains."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from fallline._descent._batches import Batches
from fallline._descent._optimizers import take_step
from fallline._descent._rate_changes import steps_each_update
from fallline._records import Step
from fallline._vectors import numbers

LossFn = Callable[[Tensor, Tensor], Tensor]


def descend(
    model: torch.nn.Module,
    loss_fn: LossFn,
    batches: Batches,
    optimizer: torch.optim.Optimizer,
    *,
    epochs: int,
    scheduler: torch.optim.lr_scheduler.LRScheduler | None = None,
) -> Iterator[Step]:
    """Train ``model`` in place, one :class:`Step` for each parameter update.

    Nothing of the loop is special: the gradient is PyTorch's, the update is the optimizer's. A loss that is no
    longer finite does not end it; that is for whoever consumes the steps to judge.

    Args:
        model: its output is compared with the batch's target.
        loss_fn: a mean over rows.
        batches: what an epoch consists of.
        optimizer: any of ``torch.optim``, over all parameters of the model.
        epochs: passes over the data.
        scheduler: stepped once an epoch; one that changes the rate at given steps after every update.

    >>> model = torch.nn.Linear(1, 1)
    >>> batches = Batches(torch.tensor([[1.0]]), torch.tensor([[3.0]]))
    >>> steps = descend(model, torch.nn.MSELoss(), batches, torch.optim.SGD(model.parameters(), lr=0.1), epochs=2)
    >>> [step.index for step in steps]
    [0, 1]
    """
    parameters: list[Tensor] = [parameter for parameter in model.parameters() if parameter.requires_grad]
    update = _update_of(optimizer)
    by_update = steps_each_update(scheduler)
    index = 0

    def forward(features: Tensor, target: Tensor) -> Tensor:
        return loss_fn(model(features), target)

    for epoch in range(epochs):
        for batch in batches.epoch(epoch):
            learning_rate = float(optimizer.param_groups[0]["lr"])
            loss, gradient = update(forward, batch, optimizer, parameters)
            yield Step(index, epoch, learning_rate, loss, gradient, numbers(parameters))
            index += 1
            if scheduler is not None and by_update:
                scheduler.step()
        if scheduler is not None and not by_update:
            scheduler.step()


def descend_on(
    loss: Callable[[], Tensor],
    parameters: list[Tensor],
    optimizer: torch.optim.Optimizer,
    *,
    epochs: int,
    scheduler: torch.optim.lr_scheduler.LRScheduler | None = None,
) -> Iterator[Step]:
    """The same loop on a loss that needs no rows: one step an epoch.

    Args:
        loss: the value at the parameters as they are now, with its graph.
        parameters: what ``loss`` depends on and ``optimizer`` steps.
        optimizer: any of ``torch.optim`` over these parameters.
        epochs: how many steps.
        scheduler: stepped once an epoch.

    >>> w = torch.tensor([5.0], requires_grad=True)
    >>> steps = descend_on(lambda: (w - 3).square().sum(), [w], torch.optim.SGD([w], lr=0.25), epochs=2)
    >>> [(step.loss, step.gradient, step.parameters) for step in steps]
    [(4.0, (4.0,), (4.0,)), (1.0, (2.0,), (3.5,))]
    """
    update = _update_of(optimizer)
    for epoch in range(epochs):
        learning_rate = float(optimizer.param_groups[0]["lr"])
        value, gradient = update(loss, (), optimizer, parameters)
        yield Step(epoch, epoch, learning_rate, value, gradient, numbers(parameters))
        if scheduler is not None:
            scheduler.step()


Forward = Callable[..., Tensor]
"""The loss of a batch, with its graph."""
Batch = tuple[Tensor, ...]
"""What ``Forward`` takes: nothing where there are no rows."""
Update = Callable[[Forward, Batch, torch.optim.Optimizer, list[Tensor]], tuple[float, tuple[float, ...]]]


def _update_of(optimizer: torch.optim.Optimizer) -> Update:
    return _update_with_closure if isinstance(optimizer, torch.optim.LBFGS) else _update


def _update(
    forward: Forward, batch: Batch, optimizer: torch.optim.Optimizer, parameters: list[Tensor]
) -> tuple[float, tuple[float, ...]]:
    """θ ← θ − η ∂L/∂θ as the optimizer makes it; the loss before it and the gradient that it consumed."""
    optimizer.zero_grad()
    loss = forward(*batch)
    loss.backward()  # type: ignore[no-untyped-call]  # torch ships no annotation for it
    gradient = _gradient(parameters)  # before the step: some optimizers work in its memory
    take_step(optimizer)
    return loss.item(), gradient


def _update_with_closure(
    forward: Forward, batch: Batch, optimizer: torch.optim.Optimizer, parameters: list[Tensor]
) -> tuple[float, tuple[float, ...]]:
    """The same for LBFGS, which evaluates the loss several times a step: its first evaluation is recorded."""
    evaluations: list[tuple[float, tuple[float, ...]]] = []

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = forward(*batch)
        loss.backward()  # type: ignore[no-untyped-call]  # torch ships no annotation for it
        evaluations.append((loss.item(), _gradient(parameters)))
        return loss

    take_step(optimizer, closure)
    return evaluations[0]


def _gradient(parameters: list[Tensor]) -> tuple[float, ...]:
    return numbers(parameter.grad for parameter in parameters if parameter.grad is not None)
