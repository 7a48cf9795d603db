"""Why does it stop, and where? Minima, saddles and flat valleys on formulas."""

from dataclasses import dataclass

from fallline._errors import OptionError
from fallline._formulas import NAMED, Formula, formula
from fallline._records import Floats
from fallline._why._basins import ACROSS, BasinFindings, basins
from fallline._why._saddle import SaddleFindings, saddle
from fallline._why._valley import ValleyFindings, valley

MANY_MINIMA = ("rastrigin", "himmelblau")
SADDLE, CRAWL = "saddle", "rosenbrock"


@dataclass(frozen=True, eq=False)
class MinimumFindings:
    """``why minimum``."""

    problem: str
    basins: tuple[BasinFindings, ...]
    saddle: SaddleFindings | None
    valley: ValleyFindings | None


def measure_textbook_minima(*, seed: int) -> MinimumFindings:
    """Descend on the surfaces of the textbooks."""
    found = [basins(formula(name), seed=seed) for name in MANY_MINIMA]
    crawl = formula(CRAWL)
    return MinimumFindings(
        problem=", ".join((*MANY_MINIMA, SADDLE, CRAWL)),
        basins=tuple(known for known in found if known is not None),
        saddle=saddle(seed=seed),
        valley=valley(crawl, crawl.default_start),
    )


def measure_minimum(surface: Formula, start: Floats, *, seed: int) -> MinimumFindings:
    """Descend on one surface; ``start`` [P] is that of the valley, if there is one.

    Raises:
        OptionError: no start leads to a minimum.
    """
    if surface.name == SADDLE:
        return MinimumFindings(surface.name, (), saddle(seed=seed), None)
    if surface.name == CRAWL:
        return MinimumFindings(surface.name, (), None, valley(surface, start))
    found = basins(surface, seed=seed)
    named = surface.text if surface.name not in NAMED else surface.name
    if found is None:
        known = ", ".join(name for name in NAMED if name != SADDLE)
        raise OptionError(
            f"From none of {ACROSS**2} starts was a minimum of {surface.text} found, with a level bottom and higher "
            f"ground all around: why minimum needs a formula that has one ({known}), or saddle."
        )
    return MinimumFindings(named, (found,), None, valley(surface, start))
