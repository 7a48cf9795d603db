"""The learning-rate range test: the rate raised from batch to batch, and everything put back."""

from fallline._ramp._door import ramp_given
from fallline._ramp._ramp import SEEDS, default_ramp, ramp
from fallline._ramp._rows import ramp_rows

__all__ = ["SEEDS", "default_ramp", "ramp", "ramp_given", "ramp_rows"]
