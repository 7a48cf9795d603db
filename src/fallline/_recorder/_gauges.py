"""Which gauge an optimizer gets."""

from collections.abc import Sequence

import torch
from torch import nn

from fallline._recorder._compiled_gauge import COMPILED, CompiledGauge, plain
from fallline._recorder._device_gauge import DeviceGauge
from fallline._recorder._gauge import Gauge
from fallline._recorder._host_gauge import HostGauge, readable


def gauge_of(tensors: Sequence[nn.Parameter], layers: Sequence[int], optimizer: torch.optim.Optimizer) -> Gauge:
    """The fastest one for these parameters; ``layers`` has the layer of each."""
    # PyTorch's own optimizers write into the parameters, by its own operations; others may put new storage in their
    # place, or write past it.
    own = type(optimizer).__module__.startswith("torch.optim.")
    if COMPILED and plain(tensors):
        return CompiledGauge(tensors, layers, lend=own)
    if readable(tensors):
        return HostGauge(tensors, layers, stay=own)
    return DeviceGauge(tensors, layers)
