"""Which gauge an optimizer gets."""

from collections.abc import Sequence

import torch
from torch import nn

from fallline._recorder._device_gauge import DeviceGauge
from fallline._recorder._few_gauge import FewGauge, few
from fallline._recorder._gauge import Gauge
from fallline._recorder._host_gauge import HostGauge, readable


def gauge_of(tensors: Sequence[nn.Parameter], layers: Sequence[int], optimizer: torch.optim.Optimizer) -> Gauge:
    """The fastest one for these parameters; ``layers`` has the layer of each."""
    if few(tensors):
        return FewGauge(tensors, layers)
    if not readable(tensors):
        return DeviceGauge(tensors, layers)
    # PyTorch's own optimizers write into the parameters; others may put new storage in their place.
    return HostGauge(tensors, layers, stay=type(optimizer).__module__.startswith("torch.optim."))
