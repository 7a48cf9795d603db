"""What an optimizer tells about its step: hooks before and after it, which hand the tensors to a gauge."""

import math
import time
from collections.abc import Callable
from functools import wraps
from typing import Any, Final, NamedTuple

import torch

from fallline._recorder._device_gauge import is_late
from fallline._recorder._gauge import Gauge, Reading
from fallline._recorder._guard import Guard, guarded
from fallline._recorder._quiet_update import QuietUpdate
from fallline._recorder._torch_private import hooks_of_all_optimizers

THE_NORMS: Final = "the norms of gradient, update and parameters"
Hook = Callable[[], None]
Closure = Callable[[], Any]


class Doubtful(NamedTuple):
    """An update of which only the device knows whether it was made: fused optimizers skip inside their kernel."""

    reading: Reading | None
    skipped: torch.Tensor
    """Not 0 where ``GradScaler`` found a gradient that is not finite."""


class Taken(NamedTuple):
    """What one optimizer did since the last row."""

    updates: int
    """Those that were made for certain."""
    rates: tuple[Any, ...]
    """Of the last of them, group by group; a tensor where it is on a device."""
    reading: Reading | None
    finite: bool
    seconds: float
    """Spent on the norms."""
    doubtful: tuple[Doubtful, ...]


class OptimizerHooks:
    """Listens to one optimizer until :meth:`remove`."""

    def __init__(self, optimizer: torch.optim.Optimizer, gauge: Gauge, guard: Guard) -> None:
        self.guard = guard
        self.gauge = gauge
        self.reading = True
        """False where this step's norms are not to be taken; set by :meth:`listen`."""
        self.busy = True
        """False where nobody listens to ``before`` and ``after`` at this step; set by :meth:`listen`."""
        self.before: list[Hook] = []
        """Called before the update, after the gauge remembered the parameters; they book their own time."""
        self.after: list[Hook] = []
        """Called after the update, after the gauge read it; they book their own time."""
        self._optimizer = optimizer
        self._everywhere = hooks_of_all_optimizers()
        self._groups = len(optimizer.param_groups)
        self._seconds = 0.0
        self._updates = 0
        self._last: Reading | None = None
        self._rates: tuple[Any, ...] | None = None
        self._rate: tuple[float, ...] = (math.nan,)
        """Of the only group: one tuple for many rows."""
        self._doubtful: list[Doubtful] = []
        self.quiet = QuietUpdate(self._groups, otherwise=self._after_step, rates_now=self._current_rates)
        """Stands in a hook's place where nothing is asked; what it heard is taken from here, or by :meth:`take`."""
        self._consumed = False
        self._depth = 0
        self._found: Any = None
        self._traced = self._compiled = self._nested = False
        self._handles = [
            optimizer.register_step_pre_hook(self._before_step),
            optimizer.register_step_post_hook(self._after_step),
        ]

    def take(self) -> Taken:
        """What happened since the last call."""
        if self._traced:
            self._listen_beside_compiled_code()
        self._count_quiet()
        self.quiet.only = True
        rates = self._current_rates() if self._rates is None else self._rates
        finite = self._last is None or self.gauge.finite
        taken = Taken(self._updates, rates, self._last, finite, self._seconds, tuple(self._doubtful))
        self._updates, self._last, self._rates, self._seconds = 0, None, None, 0.0
        self._depth = 0  # a step that raised was never left
        if self._doubtful:
            self._doubtful = []
        return taken

    def listen(self, *, reading: bool, busy: bool) -> None:
        """What the coming steps are asked for.

        Where that is nothing but whether there was an update, shorter functions stand in these hooks' places: this is
        most of the steps of a loop with a budget. The places stay: another thread may be going through the hooks.
        """
        self.reading, self.busy = reading, busy
        if self._compiled or self._nested:
            return
        asked = reading or busy
        before, after = self._optimizer._optimizer_step_pre_hooks, self._optimizer._optimizer_step_post_hooks
        at_first, at_last = [handle.id for handle in self._handles]
        if at_first in before:
            before[at_first] = self._before_step if asked else _nothing
        if at_last in after:
            after[at_last] = self._after_step if asked else self.quiet.after_step

    def come_last(self) -> None:
        """Behind hooks that the user has added meanwhile: one of them may clip what the optimizer then consumes."""
        hooks = self._optimizer._optimizer_step_pre_hooks
        last = self._handles[0].id
        if next(reversed(hooks), last) != last and last in hooks:
            hooks[last] = hooks.pop(last)

    @property
    def holds(self) -> bool:
        """True in ``after`` where the gauge holds the gradient and the update of the step just made."""
        skipped = self._found is not None and self._found.device.type == "cpu" and bool(self._found.item())
        return self.reading and self._consumed and not skipped

    @property
    def _alone(self) -> bool:
        """True where nobody else's hooks run between these two, which might do anything to gradients or parameters."""
        own = self._optimizer
        before, after = self._everywhere
        return len(own._optimizer_step_pre_hooks) == len(own._optimizer_step_post_hooks) == 1 and not (before or after)

    def remove(self) -> None:
        """Stop listening."""
        for handle in self._handles:
            handle.remove()

    def _listen_beside_compiled_code(self) -> None:
        """``torch.compile(optimizer.step)`` would make these hooks part of what it compiles: it is to call them.

        Only then: what keeps the compiler out costs microseconds at every call.
        """
        self._traced, self._compiled = False, True
        self.remove()
        beside: Callable[[Any], Any] = torch.compiler.disable
        self._handles = [
            self._optimizer.register_step_pre_hook(beside(self._before_step)),
            self._optimizer.register_step_post_hook(beside(self._after_step)),
        ]
        self.guard.say("The optimizer's step is compiled: what it did before this step was not measured.")

    @guarded(THE_NORMS, tries_again=True)
    def _before_step(
        self, optimizer: torch.optim.Optimizer, arguments: tuple[Any, ...], options: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
        if torch.compiler.is_compiling():
            self._traced = True  # what is compiled sets this, too
            return None
        self._depth += 1
        if self._depth > 1:  # a step that calls the step of its base class: one update
            self._nested = True
            return None
        self._consumed = False
        if not (self.reading or self.busy):
            return None
        began = time.perf_counter()
        wrapped = None
        if self.reading and self.guard.works(THE_NORMS):
            self.gauge.remember()
            closure = arguments[1] if len(arguments) > 1 else options.get("closure")
            if callable(closure):
                wrapped = self._listening_to(closure, arguments, options)
            else:  # none; or what an optimizer of somebody's own takes instead: its loss
                self._consume(optimizer.__dict__.get("grad_scale"), keep=self.busy or not self._alone)
        self._seconds += time.perf_counter() - began
        if self.busy:
            for hook in self.before:
                hook()
        return wrapped

    @guarded(THE_NORMS, tries_again=True)
    def _after_step(
        self, optimizer: torch.optim.Optimizer, arguments: tuple[Any, ...], options: dict[str, Any]
    ) -> None:
        del arguments, options
        if torch.compiler.is_compiling():
            self._traced = True  # what is compiled sets this, too
            return
        self._depth -= 1
        if self._depth > 0:
            return
        self._count_quiet()
        self._rates = self._current_rates()
        self._found = optimizer.__dict__.get("found_inf")  # fused optimizers under GradScaler
        if self._found is None and not (self._consumed or self.busy):
            self._updates, self._last = self._updates + 1, None
            return
        began = time.perf_counter()
        certain = self._found is None or _made_for_certain(self._found)
        if certain:
            self._updates, self._last = self._updates + 1, None
        reading = self.gauge.read() if self._consumed else None
        if certain:
            self._last = reading
        elif is_late(self._found):
            self._doubtful.append(Doubtful(reading, self._found.detach().clone()))
        self._seconds += time.perf_counter() - began
        if self.busy:
            for hook in self.after:
                hook()

    def _count_quiet(self) -> None:
        """Take the update that was heard where nothing was asked."""
        if self.quiet.rates is not None:
            self._updates, self._rates = self._updates + 1, self.quiet.rates
            self.quiet.rates = None

    def _listening_to(
        self, closure: Closure, arguments: tuple[Any, ...], options: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments with a closure that hands on the gradient of its first evaluation, at the old parameters."""

        @wraps(closure)
        def listening(*inputs: Any, **settings: Any) -> Any:
            loss = closure(*inputs, **settings)
            if not self._consumed:
                began = time.perf_counter()
                self._consume_of_closure()
                self._seconds += time.perf_counter() - began
            return loss

        if len(arguments) > 1:
            return (arguments[0], listening, *arguments[2:]), options
        return arguments, {**options, "closure": listening}

    @guarded(THE_NORMS)
    def _consume_of_closure(self) -> None:
        self._consume(None, keep=True)  # further evaluations write to the same gradients

    def _consume(self, scale: Any | None, *, keep: bool) -> None:
        self.gauge.consume(scale, keep=keep)
        self._consumed = True

    def _current_rates(self) -> tuple[Any, ...]:
        """Of the groups that were there when the watch began."""
        groups = self._optimizer.param_groups
        if self._groups == len(groups) == 1:
            rate = groups[0].get("lr")
            if type(rate) is not float:
                return (_rate_of(groups[0]),)
            if rate is not self._rate[0]:
                self._rate = (rate,)
            return self._rate
        rates = tuple([_rate_of(group) for group in groups[: self._groups]])
        return rates + (math.nan,) * (self._groups - len(rates))


def _nothing(optimizer: torch.optim.Optimizer, arguments: tuple[Any, ...], options: dict[str, Any]) -> None:
    """Stands where nothing is to be done before an update."""


def _rate_of(group: dict[str, Any]) -> Any:
    """As a number: a tensor of the host may be changed in place by a scheduler, one of a device is kept as a copy."""
    rate = group.get("lr", math.nan)
    if not isinstance(rate, torch.Tensor):
        return rate
    return rate.detach().clone() if is_late(rate) else rate.item()


def _made_for_certain(found: torch.Tensor) -> bool:
    """False where a fused optimizer skips this update inside its kernel, or only its device knows."""
    return not is_late(found) and found.item() == 0


def listened_to(optimizer: torch.optim.Optimizer) -> bool:
    """True where a watch has its hooks on this optimizer."""
    hooks: list[Any] = list(optimizer._optimizer_step_post_hooks.values())
    hooks += [getattr(hook, "__wrapped__", None) for hook in hooks]  # as the compiler is kept out of them
    return any(isinstance(getattr(hook, "__self__", None), OptimizerHooks | QuietUpdate) for hook in hooks)
