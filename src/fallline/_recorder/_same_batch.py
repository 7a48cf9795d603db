"""The loss of one batch before and after its step, with the same random numbers. docs/semantics.md#on-the-same-batch.

From the forward pass of a step that is due the random state is kept, from before its update the parameters. Then the
closure is evaluated twice from that random state: at the parameters after the update, and put back to before it.
"""

import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final

import torch
from torch import nn

from fallline._errors import OptionError
from fallline._random_state import random_devices
from fallline._recorder._evaluation import (
    ClosureSteps,
    Evaluation,
    ForwardStart,
    evaluate,
    forward_start,
    rounding_unit,
)
from fallline._recorder._forward_listener import ForwardListener
from fallline._recorder._given import number_of
from fallline._recorder._guard import Guard, guarded
from fallline._recorder._pace import SAME_BATCH, Pace
from fallline._recorder._same_batch_kept import KeptModel, undisturbed
from fallline._recorder._same_batch_row import Evaluated, same_batch_row
from fallline._recorder._step_sums import StepSummer
from fallline._records import SameBatchSeries
from fallline._undisturbed import copy_bits

WITHOUT: Final = 3
"""After so many steps that were due and had no closure nothing is kept any more, until there is one."""
FORWARDS: Final = 64
"""Forward passes of one step whose random state is remembered: a closure may need several of them."""
NAME: Final = "the step on its own batch"
NOT_HEARD: Final = (
    "No forward pass of the watched model was seen before the step (it is compiled as part of something else, or is "
    "called by another method), so the closure is evaluated with other random numbers than the step's own."
)


class SameBatch:
    """Evaluates a step's own batch again, at the parameters before and after it; leaves everything as it was."""

    def __init__(self, model: nn.Module, tensors: Sequence[nn.Parameter], pace: Pace, guard: Guard) -> None:
        self.guard = guard
        self._model, self._pace = model, pace
        self._tensors = tuple({id(tensor): tensor for tensor in tensors}.values())
        self._devices = random_devices(self._tensors)
        self._listener = ForwardListener(model, self._hear)
        self._summer = StepSummer(self._tensors)
        self._before: list[torch.Tensor] = []
        """The parameters before this row's first update, and after the last."""
        self._now: list[torch.Tensor] = []
        self._starts: deque[ForwardStart] = deque(maxlen=FORWARDS)
        self._due = False
        self._holds = False
        """True where ``_before`` is from before this row's first update."""
        self._earlier: ForwardStart | None = None
        self._asked = False
        self._without = 0
        self._evaluating = False
        self._passes = 0
        """Forward passes of this evaluation of the closure so far."""
        self._usual_passes = 1
        """Of the evaluation before."""

    @property
    def bytes_needed(self) -> int:
        """At most, while it measures: parameters before and after the update, two gradients, and the buffers.

        What the closure itself needs for a forward and a backward pass comes on top, as in the loop.
        """
        buffers = sum(_bytes(buffer) for buffer in self._model.buffers())
        parameters = sum(_bytes(tensor) for tensor in self._tensors)
        return 4 * parameters + buffers + self._summer.bytes_needed

    def prepare(self, step: int) -> bool:
        """Decide whether the coming step is measured: True. One that was due and had no update is made up for."""
        if self._due:
            self._starts.clear()
            self._stand_by()
        elif self._asked or self._pace.due(SAME_BATCH, step):
            self._begin()
        return self._due

    def measure_next(self) -> None:
        """The coming step counts as due, whatever the schedule says: something happened that one wants to look at."""
        self._asked = True

    def before_update(self) -> None:
        """Called before every optimizer's update: keeps the parameters of a step that is due.

        Raises:
            ClosureSteps: a closure that is being evaluated called ``optimizer.step``.
        """
        if self._evaluating:
            raise ClosureSteps
        if self._due and not self._holds:
            self._keep()

    def measure(self, step: int, loss: Any, closure: Callable[[], Any] | None) -> SameBatchSeries | None:
        """One row, where this step was due, had an update, and has a closure.

        ``loss`` is what the loop computed before the update: a number, one on a device, or None.
        """
        if closure is not None:
            self._without = 0
            return self._at_work(step, loss, closure) if self._holds else None
        if self._due:
            self._without += 1
            self._forget()
        return None

    def remove(self) -> None:
        """Take the hook off the model, and let go of the copies."""
        self._listener.detach()
        self._forget()
        self._before = self._now = []

    @guarded(NAME)
    def _at_work(self, step: int, loss: Any, closure: Callable[[], Any]) -> SameBatchSeries:
        began = time.perf_counter()
        try:
            return self._measured(step, None if loss is None else number_of(loss), closure)
        except ClosureSteps:
            raise OptionError(
                "the closure calls optimizer.step; it should only evaluate the loss: lambda: loss_fn(model(x), y)"
            ) from None
        finally:
            self._forget()
            self._book_since(began)

    @guarded(NAME)
    def _begin(self) -> None:
        self._asked = False
        if self._without < WITHOUT:
            self._stand_by()
            self._listener.attach()
            self._due = True

    @guarded(NAME)
    def _stand_by(self) -> None:
        """For a model that cannot be heard: its forward pass most often begins where the last step ended."""
        self._earlier = None
        if self._listener.deaf:
            began = time.perf_counter()
            self._earlier = forward_start(self._devices)
            self._book_since(began)

    def _forget(self) -> None:
        self._due = self._holds = False
        self._starts.clear()
        self._listener.rest()

    @guarded(NAME)
    def _keep(self) -> None:
        began = time.perf_counter()
        if not self._before or not all(map(_alike, self._before, self._tensors)):
            self._before, self._now = ([torch.empty_like(each.detach()) for each in self._tensors] for _ in range(2))
        copy_bits(self._before, self._tensors)
        self._holds = True
        self._book_since(began)

    @guarded(NAME)
    def _hear(self) -> None:
        """A forward pass of the model begins: of the loop, or of the closure while it is evaluated."""
        if not torch.is_grad_enabled():
            return  # no gradient came from that one: somebody looks at validation data
        if self._evaluating:
            self._passes += 1
        elif not self._holds or not self._starts:
            began = time.perf_counter()
            self._starts.append(forward_start(self._devices))
            self._book_since(began)

    def _book_since(self, began: float) -> None:
        """What a measurement takes is spread over the step: the forward pass, the update, and ``watch.step``."""
        self._pace.spent(SAME_BATCH, time.perf_counter() - began)

    def _measured(self, step: int, given: float | None, closure: Callable[[], Any]) -> SameBatchSeries:
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            raise OptionError("other processes would have to take part in evaluating the closure (torch.distributed)")
        self._evaluating = True
        try:
            copy_bits(self._now, self._tensors)
            with undisturbed(self._model, self._tensors, self._now, self._devices) as kept:
                after, start = self._after(closure, kept)
                copy_bits(self._tensors, self._before)
                before = self._evaluated(closure, kept, start)
                sums = self._summer.sums(self._before, self._now, before.gradient, after.gradient)
        finally:
            self._evaluating = False
        loss = Evaluated(before.loss, after.loss, given)
        row = same_batch_row(step, loss, sums, rounding_unit(self._tensors, start.precision))
        if not self._starts and given is not None and not row.as_given[0]:
            self.guard.say(NOT_HEARD)
        return row

    def _after(self, closure: Callable[[], Any], kept: KeptModel) -> tuple[Evaluation, ForwardStart]:
        """The evaluation at the parameters as they are, and the start that both need.

        A closure that calls the model several times begins where the first of those forward passes began; how often
        it does is only known afterwards.
        """
        start = self._start(self._usual_passes)
        found = self._evaluated(closure, kept, start)
        better = self._start(max(1, self._passes))
        self._usual_passes = max(1, self._passes)
        if better is start or not self._starts:
            return found, start
        copy_bits(self._tensors, self._now)  # an embedding with max_norm has rescaled itself
        return self._evaluated(closure, kept, better), better

    def _start(self, passes: int) -> ForwardStart:
        """Where the closure begins, if it makes so many forward passes."""
        if not self._starts:
            return self._earlier or forward_start(self._devices)
        return self._starts[max(0, len(self._starts) - passes)]

    def _evaluated(self, closure: Callable[[], Any], kept: KeptModel, start: ForwardStart) -> Evaluation:
        kept.start()
        self._passes = 0
        return evaluate(closure, self._tensors, start)


def _alike(kept: torch.Tensor, tensor: torch.Tensor) -> bool:
    return kept.shape == tensor.shape and kept.dtype == tensor.dtype and kept.device == tensor.device


def _bytes(tensor: torch.Tensor) -> int:
    return tensor.numel() * tensor.element_size()
