"""The user's training, run from the same start again and again, and put back bit for bit at the end."""

import math
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from fallline._errors import OptionError
from fallline._objective._batches import Batch
from fallline._ramp._loader import LARGEST_SEED, KeptLoader
from fallline._ramp._twin import Rates, check_optimizer, twin_of
from fallline._random_state import HOST, put_random_state, random_devices, take_random_state
from fallline._undisturbed import Kept, accumulation_hooks_of

LossFn = Callable[..., Any]


class Attempt:
    """One training from the start, with an optimizer and batches of its own."""

    def __init__(self, training: "Training", seed: int) -> None:
        self._training = training
        self.optimizer = twin_of(training.optimizer)
        self.batches: Iterator[tuple[Batch, int]] = training.loader.endless(seed)

    def step(self, rate: float) -> float:
        """The loss of the next batch, and one update at ``rate``; none where the loss is not finite."""
        training = self._training
        batch, _ = next(self.batches)
        for leaf in training.leaves:
            leaf.grad = None
        loss = training.loss(batch)
        if not loss.requires_grad:
            raise OptionError("The loss does not depend on any parameter that requires a gradient: nothing is trained.")
        value = float(loss.detach())
        if not math.isfinite(value):
            return value
        loss.backward()  # type: ignore[no-untyped-call]  # torch ships no annotation for it
        training.rates.set(self.optimizer, rate)
        self.optimizer.step()
        return value

    def level(self, batches: Sequence[Batch], seed: int) -> float:
        """Mean loss over these batches here, with the random numbers of ``seed``; nothing is trained by it."""
        with torch.no_grad(), self._training.drawing(seed):
            losses = [float(self._training.loss(batch)) for batch in batches]
        return float(np.average(losses, weights=[batch.rows for batch in batches]))


class Training:
    """A model, its loss, its data and its optimizer, lent for a while: entered around everything that trains it.

    Args:
        model: in the mode it is to be trained in.
        loss_fn: ``loss_fn(output, target)``; of a batch that is a mapping ``loss_fn(output, batch)``.
        loader: as :class:`KeptLoader` takes it.
        optimizer: over the model's parameters; its state and rates are where it starts.

    Raises:
        OptionError: something of these cannot be trained, or could not be put back.
        DataError: the data can be read only once.
    """

    def __init__(self, model: nn.Module, loss_fn: LossFn, loader: Any, optimizer: object) -> None:
        if not isinstance(model, nn.Module):
            raise OptionError(f'method="ramp" trains a torch.nn.Module, not a {type(model).__name__}.')
        if not callable(loss_fn):
            raise OptionError(f"loss_fn is called as loss_fn(output, target); here is a {type(loss_fn).__name__}.")
        self.model, self.loss_fn = model, loss_fn
        self.optimizer = check_optimizer(optimizer)
        self.rates = Rates(self.optimizer)
        held = [each for group in self.optimizer.param_groups for each in group["params"]]
        modules = [model, loss_fn] if isinstance(loss_fn, nn.Module) else [model]
        parameters = [each for module in modules for each in module.parameters()]
        self._check(held, parameters)
        self.tensors = list({id(each): each for each in (*held, *parameters)}.values())
        self.modules = modules
        self.device = held[0].device
        self.devices = random_devices([*self.tensors, *model.buffers()])
        self.loader = KeptLoader(loader)
        self.leaves: list[Tensor] = []
        self._kept: Kept | None = None
        self._stack = ExitStack()

    @staticmethod
    def _check(held: list[Tensor], parameters: list[nn.Parameter]) -> None:
        if any(isinstance(each, nn.UninitializedParameter) for each in parameters):
            raise OptionError("The model has parameters without a shape yet (a lazy layer): run one batch first.")
        if any(each.is_inference() for each in (*held, *parameters)):
            raise OptionError("The model was made in inference mode, and such parameters cannot be trained.")
        if any(accumulation_hooks_of(each) for each in (*held, *parameters)):
            raise OptionError(
                "A parameter has a hook that runs once it has its gradient (an optimizer inside the backward pass, "
                "for one): what such a hook changes could not be put back."
            )
        mine = {id(each) for each in parameters}
        if not any(id(each) in mine and each.requires_grad for each in held):
            raise OptionError("The optimizer holds no parameter of this model that requires a gradient.")

    def __enter__(self) -> Self:
        kept = self._stack.enter_context(Kept(self.devices))
        self._kept = kept
        self._stack.callback(self.loader.put_back)
        for module in self.modules:
            kept.module(module)
        for tensor in self.tensors:
            if tensor.is_leaf:
                kept.leaf(tensor)
        kept.contents(self.tensors)
        self.leaves = kept.leaves
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def start(self, seed: int) -> Attempt:
        """All as it was at the beginning, and every random number from ``seed`` on."""
        self.rewind()
        self.loader.seed(seed)
        self._seed(seed)
        return Attempt(self, seed)

    def rewind(self) -> None:
        """All as it was at the beginning."""
        if self._kept is None:
            raise ValueError("a training is entered first")
        self._kept.put_back()
        self.loader.put_back()

    def loss(self, batch: Batch) -> Tensor:
        """The loss of one batch, with its graph.

        Raises:
            OptionError: it is no single number.
        """
        if self.device.type != HOST:
            batch = batch.cast(self.device, None, None)
        loss = self.loss_fn(batch.call(self.model), batch.target)
        if not isinstance(loss, Tensor) or loss.numel() != 1:
            shape = f"a tensor of shape {tuple(loss.shape)}" if isinstance(loss, Tensor) else f"a {type(loss).__name__}"
            raise OptionError(f"The loss function has to give one number, a tensor with a single entry, not {shape}.")
        return loss.reshape(())

    @contextmanager
    def drawing(self, seed: int) -> Iterator[None]:
        """Random numbers from ``seed`` on inside, and those that were going on after it."""
        state = take_random_state(self.devices)
        try:
            self._seed(seed)
            yield
        finally:
            put_random_state(state)

    def _seed(self, seed: int) -> None:
        """Not by torch.manual_seed: that queues a seed for devices which have not been started yet."""
        torch.default_generator.manual_seed(seed)
        for device in self.devices:
            module = torch.get_device_module(device)
            with module.device(device):
                module.manual_seed(seed)
        random.seed(seed)
        numpy_random = sys.modules.get("numpy.random")
        if numpy_random is not None:
            numpy_random.seed(seed % LARGEST_SEED)
