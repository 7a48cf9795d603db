"""Many learning rates, each run for real, and the zones they lie in."""

from fallline._sweep._beside import Beside, beside
from fallline._sweep._door import steps_per_epoch, sweep
from fallline._sweep._evaluated import Evaluated, steps_in_ratio
from fallline._sweep._given import given_objective, is_loss_function, objective_of, refuse_model, starting_vector
from fallline._sweep._probe import Probe, scales_with_rate
from fallline._sweep._rates import FOLKLORE, default_rates, given_rates
from fallline._sweep._runs import Progress
from fallline._sweep._sweep import sweep_problem
from fallline._sweep._trajectories import Trajectories, run_rates
from fallline._sweep._zones import Judgement, has_diverged, judge, steps_until

__all__ = [
    "FOLKLORE",
    "Beside",
    "Evaluated",
    "Judgement",
    "Probe",
    "Progress",
    "Trajectories",
    "beside",
    "default_rates",
    "given_objective",
    "given_rates",
    "has_diverged",
    "is_loss_function",
    "judge",
    "objective_of",
    "refuse_model",
    "run_rates",
    "scales_with_rate",
    "starting_vector",
    "steps_in_ratio",
    "steps_per_epoch",
    "steps_until",
    "sweep",
    "sweep_problem",
]
