"""One evaluation of somebody's closure: its loss, and the batch's own gradient, without touching ``.grad``."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import Any, Final, NamedTuple

import torch
from torch import nn

from fallline._errors import OptionError
from fallline._random_state import HOST, RandomState, put_random_state, take_random_state
from fallline._recorder._given import number_of
from fallline._recorder._guard import in_one_line

CLOSURE_RAISED: Final = "the closure raised"


class Precision(NamedTuple):
    """What autocast did at one moment."""

    casts: tuple[tuple[str, bool, torch.dtype], ...]
    """(device type, enabled, dtype)"""
    cached: bool


class ForwardStart(NamedTuple):
    """What the world was like when a forward pass began."""

    random: RandomState
    precision: Precision


class Evaluation(NamedTuple):
    """A loss, and its gradient by every parameter; None where it does not depend on it."""

    loss: float
    gradient: tuple[torch.Tensor | None, ...]


class ClosureSteps(BaseException):
    """The closure steps the optimizer: raised through it before the step is made.

    Not an ``Exception``, which a closure may catch; the one who evaluates the closure catches it.
    """


def forward_start(devices: Iterable[torch.device]) -> ForwardStart:
    """How a forward pass that begins now would begin."""
    devices = tuple(devices)
    types = dict.fromkeys((HOST, *(device.type for device in devices)))
    casts = tuple((kind, torch.is_autocast_enabled(kind), torch.get_autocast_dtype(kind)) for kind in types)
    return ForwardStart(take_random_state(devices), Precision(casts, torch.is_autocast_cache_enabled()))


def rounding_unit(tensors: Sequence[torch.Tensor], precision: Precision) -> float:
    """The coarsest rounding unit that a forward pass computed in.

    >>> rounding_unit([torch.zeros(1)], Precision((), True)) == 2**-23
    True
    """
    dtypes = {tensor.dtype for tensor in tensors} | {dtype for _, enabled, dtype in precision.casts if enabled}
    coarsest = max(torch.finfo(dtype).eps for dtype in dtypes)
    on_cuda = any(tensor.device.type == "cuda" for tensor in tensors)
    if on_cuda and (torch.backends.cuda.matmul.allow_tf32 or torch.backends.cudnn.allow_tf32):
        return max(coarsest, 2.0**-10)  # TF32: float32 with ten bits
    return coarsest


def evaluate(closure: Callable[[], Any], tensors: Sequence[nn.Parameter], start: ForwardStart) -> Evaluation:
    """The closure's loss and gradient, from the random numbers and in the precision of ``start``.

    The parameters must have no ``.grad``. A closure that calls ``backward`` itself leaves its gradient there: then
    that is the gradient.

    Raises:
        OptionError: what the closure returned is no loss, or has no graph.
    """
    put_random_state(start.random)
    with torch.enable_grad():
        with autocast_as(start.precision), _Closure():
            returned = closure()
        if any(tensor.grad is not None for tensor in tensors):
            return Evaluation(_loss(returned), tuple(tensor.grad for tensor in tensors))
        loss = _loss(returned)
        if not (isinstance(returned, torch.Tensor) and returned.requires_grad):
            raise OptionError(
                "the closure's loss has no graph: return the tensor that loss_fn gives, not its .item() or .detach()."
            )
        wanted = [tensor for tensor in tensors if tensor.requires_grad]
        found = iter(torch.autograd.grad(returned.reshape(()), wanted, allow_unused=True))
        return Evaluation(loss, tuple(next(found) if tensor.requires_grad else None for tensor in tensors))


class _Closure:
    """Around somebody's closure: what it raises is told as its own."""

    def __enter__(self) -> None:
        return

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, Exception):  # neither Ctrl-C nor ClosureSteps
            raise OptionError(f"{CLOSURE_RAISED} {in_one_line(error)}") from error


def _loss(returned: Any) -> float:
    try:
        return number_of(returned)
    except TypeError as problem:
        raise OptionError(f"the closure must return the batch's loss: {problem}.") from problem


@contextmanager
def autocast_as(precision: Precision) -> Iterator[None]:
    """Autocast as it was; nothing at all where it is so already.

    Autocast keeps low precision copies of the parameters until the outermost context ends. Ours must not meet those
    of a context that is still open: they would be of parameters from before.
    """
    with ExitStack() as stack:
        for kind, enabled, dtype in precision.casts:
            open_already = torch.is_autocast_enabled(kind)
            if enabled or open_already:
                cached = precision.cached and not open_already
                stack.enter_context(torch.autocast(kind, dtype=dtype, enabled=enabled, cache_enabled=cached))
        yield
