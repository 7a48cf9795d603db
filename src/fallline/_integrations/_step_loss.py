"""The loss of one optimizer step, where a trainer tells none: gathered from the model's outputs while it trains."""

from collections.abc import Mapping
from typing import Any

import torch

from fallline._recorder._guard import Guard, guarded


class StepLoss:
    """Listens to a model until :meth:`remove`; keeps one number, however many batches a step has."""

    def __init__(self, model: torch.nn.Module, guard: Guard) -> None:
        self.guard = guard
        self._sum: torch.Tensor | None = None
        self._batches = 0
        self._parts_of_one_mean = False
        self._handle = model.register_forward_hook(self._see, with_kwargs=True)

    @guarded("the loss of a step", tries_again=True)
    def take(self) -> torch.Tensor | None:
        """The loss since the last call; None where the model computes none itself."""
        total, batches = self._sum, self._batches
        self._sum, self._batches = None, 0
        # Given the number of items of the whole step, each micro-batch's loss is already its part of the mean.
        return total if total is None or self._parts_of_one_mean else total / batches

    def remove(self) -> None:
        """Stop listening."""
        self._handle.remove()

    @guarded("the loss of a step", tries_again=True)
    def _see(self, module: torch.nn.Module, arguments: Any, options: dict[str, Any], output: Any) -> None:
        loss = output.get("loss") if isinstance(output, Mapping) else getattr(output, "loss", None)
        if module.training and isinstance(loss, torch.Tensor):
            self._parts_of_one_mean = options.get("num_items_in_batch") is not None
            self._sum = loss.detach().clone() if self._sum is None else self._sum + loss.detach()
            self._batches += 1
