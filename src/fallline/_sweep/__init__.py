"""Many learning rates, each run for real, and the zones they lie in."""

from fallline._sweep._door import steps_per_epoch, sweep
from fallline._sweep._given import objective_of
from fallline._sweep._probe import Probe, scales_with_rate
from fallline._sweep._rates import FOLKLORE, default_rates, given_rates
from fallline._sweep._runs import Progress
from fallline._sweep._sweep import sweep_problem
from fallline._sweep._trajectories import Trajectories, run_rates
from fallline._sweep._zones import Judgement, has_diverged, judge, steps_until

__all__ = [
    "FOLKLORE",
    "Judgement",
    "Probe",
    "Progress",
    "Trajectories",
    "default_rates",
    "given_rates",
    "has_diverged",
    "judge",
    "objective_of",
    "run_rates",
    "scales_with_rate",
    "steps_per_epoch",
    "steps_until",
    "sweep",
    "sweep_problem",
]
