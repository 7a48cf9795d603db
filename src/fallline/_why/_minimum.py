"""Why does it stop, and where? Minima, saddles and flat valleys on formulas."""

from collections.abc import Mapping
from dataclasses import dataclass

from fallline._errors import OptionError
from fallline._formulas import NAMED, formula
from fallline._problem import FormulaProblem
from fallline._why._basins import ACROSS, BasinFindings, basins
from fallline._why._saddle import SaddleFindings, saddle
from fallline._why._valley import ValleyFindings, valley

MANY_MINIMA = ("rastrigin", "himmelblau")


@dataclass(frozen=True, eq=False)
class MinimumFindings:
    """``why minimum``."""

    problem: str
    basins: tuple[BasinFindings, ...]
    saddle: SaddleFindings | None
    valley: ValleyFindings | None


def measure_minimum(text: str | None, start: Mapping[str, float] | None, *, seed: int) -> MinimumFindings:
    """Descend on the textbook surfaces, or on the one that was named."""
    if text is None:
        return MinimumFindings(
            problem=", ".join((*MANY_MINIMA, "saddle", "rosenbrock")),
            basins=tuple(found for name in MANY_MINIMA if (found := basins(formula(name), seed=seed)) is not None),
            saddle=saddle(seed=seed),
            valley=_valley("rosenbrock", start, seed),
        )
    surface = formula(text)
    if surface.name == "saddle":
        return MinimumFindings(surface.name, (), saddle(seed=seed), None)
    if surface.name == "rosenbrock":
        return MinimumFindings(surface.name, (), None, _valley(text, start, seed))
    found = basins(surface, seed=seed)
    if found is None:
        known = ", ".join(name for name in NAMED if name != "saddle")
        raise OptionError(
            f"None of {ACROSS**2} starts leads to a minimum of {surface.text}: "
            f"why minimum needs a formula that has one ({known}), or saddle."
        )
    return MinimumFindings(surface.name, (found,), None, _valley(text, start, seed))


def _valley(text: str, start: Mapping[str, float] | None, seed: int) -> ValleyFindings | None:
    problem = FormulaProblem(formula(text), "float64")
    return valley(problem.objective, problem.starting_point(start, seed=seed))
