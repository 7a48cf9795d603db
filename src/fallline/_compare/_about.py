"""What was descended on, in a line."""

from fallline._objective import Objective
from fallline._problem import SweptProblem
from fallline._wording import count


def about(problem: SweptProblem) -> str:
    """``penguins.csv: 342 rows, body_mass_g from flipper_length_mm, standardised, mse``; a formula's text."""
    origin = problem.origin
    if problem.loss_name is None:
        return f"{problem.name}: {_own(problem)}"
    if problem.rows is None:
        shown = problem.formula or ""
        return shown if problem.name == "formula" else f"{problem.name}: {shown}"
    features = ", ".join(origin.features) if len(origin.features) <= 4 else f"{len(origin.features)} features"
    scaled = "" if problem.scaling is None or problem.scaling.is_identity else ", standardised"
    return f"{origin.source}: {problem.rows:,} rows, {origin.target} from {features}{scaled}, {problem.loss_name}"


def _own(problem: SweptProblem) -> str:
    """``2,410 parameters, 1,797 rows in 4 batches, every step over all of them``."""
    objective = problem.objective
    size = count(objective.parameter_count, "parameter")
    if not isinstance(objective, Objective):
        return size
    batches = "" if objective.batches == 1 else f" in {count(objective.batches, 'batch')}"
    return f"{size}, {count(objective.rows, 'row')}{batches}, every step over all of them"
