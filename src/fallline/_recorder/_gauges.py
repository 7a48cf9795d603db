"""Which gauge an optimizer gets."""

from collections.abc import Sequence

from torch import nn

from fallline._recorder._device_gauge import DeviceGauge
from fallline._recorder._few_gauge import FewGauge, few
from fallline._recorder._gauge import Gauge
from fallline._recorder._host_gauge import HostGauge, readable


def gauge_of(tensors: Sequence[nn.Parameter], layers: Sequence[int]) -> Gauge:
    """The fastest one for these parameters; ``layers`` has the layer of each."""
    if few(tensors):
        return FewGauge(tensors, layers)
    return HostGauge(tensors, layers) if readable(tensors) else DeviceGauge(tensors, layers)
