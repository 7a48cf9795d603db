"""The random states of a program: PyTorch's (host and devices), Python's, NumPy's; taken, and put back."""

import random
import sys
from collections.abc import Iterable
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
