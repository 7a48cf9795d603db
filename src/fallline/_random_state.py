"""The random states of a program: PyTorch's (host and devices), Python's, NumPy's; taken, and put back."""

import random
import sys
from collections.abc import Callable, Iterable
from copy import deepcopy
from typing import Any, NamedTuple

import torch

HOST = "cpu"


class RandomState(NamedTuple):
    """All global generators at one moment."""

    host: torch.Tensor
    devices: tuple[tuple[torch.device, torch.Tensor], ...]
    python: tuple[Any, ...]
    numpy: Any
    """None where ``numpy.random`` was never imported."""


def random_devices(tensors: Iterable[torch.Tensor]) -> tuple[torch.device, ...]:
    """The accelerators that these tensors lie on: each has a generator of its own.

    >>> random_devices([torch.zeros(1)])
    ()
    """
    return tuple(dict.fromkeys(tensor.device for tensor in tensors if tensor.device.type != HOST))


def take_random_state(devices: Iterable[torch.device] = ()) -> RandomState:
    """Where all generators stand; none of them moves."""
    numpy_random = sys.modules.get("numpy.random")
    return RandomState(
        torch.default_generator.get_state(),
        tuple((device, torch.get_device_module(device).get_rng_state(device)) for device in devices),
        random.getstate(),
        None if numpy_random is None else numpy_random.get_state(legacy=False),
    )


def put_random_state(state: RandomState) -> None:
    """Put all generators back to ``state``."""
    torch.default_generator.set_state(state.host)
    for device, held in state.devices:
        torch.get_device_module(device).set_rng_state(held, device)
    random.setstate(state.python)
    if state.numpy is not None:
        sys.modules["numpy.random"].set_state(state.numpy)


def is_generator(value: Any) -> bool:
    """Whether this draws random numbers from a state of its own: a generator of PyTorch, NumPy or Python.

    >>> is_generator(random.Random(3)), is_generator(random.SystemRandom()), is_generator(3)
    (True, False, False)
    """
    if isinstance(value, random.Random):
        return not isinstance(value, random.SystemRandom)  # the system's, which has no state
    numpy_random = sys.modules.get("numpy.random")
    own = () if numpy_random is None else (numpy_random.Generator, numpy_random.RandomState)
    return isinstance(value, (torch.Generator, *own))


def state_of(generator: Any) -> Callable[[], None]:
    """What puts a generator back to where it stands now.

    >>> generator = random.Random(3)
    >>> put_back = state_of(generator)
    >>> first = generator.random()
    >>> put_back()
    >>> generator.random() == first
    True
    """
    if isinstance(generator, torch.Generator):
        held = generator.get_state()
        return lambda: _set(generator.set_state, held)
    if isinstance(generator, random.Random):
        state = generator.getstate()
        return lambda: generator.setstate(state)
    if hasattr(generator, "bit_generator"):
        bits = generator.bit_generator
        known = deepcopy(bits.state)
        return lambda: setattr(bits, "state", known)
    legacy = generator.get_state(legacy=False)
    return lambda: _set(generator.set_state, legacy)


def _set(put: Callable[[Any], Any], state: Any) -> None:
    put(state)
