"""The limit of the rate in words: what is known of it beforehand, and which of the runs diverged."""

from fallline._explain._numbers import count, number, place
from fallline._explain._rates import difference
from fallline._records import LimitKind, Mark, SweepResult, Zone
from fallline._why import LimitFound, RateFindings

SAME_LIMIT = 1e-6


def limit_marks(found: RateFindings) -> tuple[Mark, ...]:
    names = {LimitKind.PROVABLE: "predicted limit", LimitKind.ANYWHERE: "2/λ, largest curvature"}
    limit = found.limit
    if limit is None:
        return ()
    local = "2/λ at the minimum" if limit.at_minimum else "2/λ at the start"
    return (Mark(names.get(limit.kind, local), limit.value),)


def limit_sentences(found: RateFindings) -> list[str]:
    """What is known beforehand of a limit, and which of the runs diverged."""
    seen = _diverged(found.sweep)
    if found.limit is None:
        return [f"No limit is known beforehand for this loss. {seen}"]
    value = number(found.limit.value)
    if found.limit.kind is LimitKind.PROVABLE:
        return [f"Over many steps the limit is 2/λ = {value}{_growth(found.sweep)}.", seen]
    if found.limit.kind is LimitKind.ANYWHERE:
        return [f"2/λ of the largest curvature that this loss can have is {value}: no rate below it diverges.", seen]
    return [f"The curvature at the {_where(found.limit)} gives 2/λ = {value}; it holds only near there.", seen]


def _where(limit: LimitFound) -> str:
    at = ", ".join(place(float(value)) if value != 0 else "0" for value in limit.at)
    return f"minimum ({at})" if limit.at_minimum else f"start ({at})"


def _growth(sweep: SweepResult) -> str:
    """Where the runs put a limit that is proved."""
    mark = next((mark for mark in sweep.landmarks if mark.name == "stability limit"), None)
    if mark is None or mark.measured is None:
        return ""
    off = difference(mark)
    return f"; the step along the sharpest direction begins to grow at {number(mark.measured)}" + (
        f" ({off})" if off else ""
    )


def diverge_from(sweep: SweepResult) -> float | None:
    """The lowest of these rates from which on every run diverged; None where the largest did not."""
    gone = [zone is Zone.DIVERGING for zone in sweep.zone_of_each]
    if not gone[-1]:
        return None
    well = [k for k, diverged in enumerate(gone) if not diverged]
    return float(sweep.rates[well[-1] + 1 if well else 0])


def _diverged(sweep: SweepResult) -> str:
    """Which of the runs did."""
    runs, steps = count(len(sweep.rates), "run"), count(sweep.steps, "step")
    gone = sum(zone is Zone.DIVERGING for zone in sweep.zone_of_each)
    begins = diverge_from(sweep)
    if gone == 0:
        return f"None of the {runs}, of {steps} each, diverged."
    if gone == len(sweep.rates):
        return f"All {runs}, of {steps} each, diverged."
    if begins is None or begins > min(r for r, z in _with_zones(sweep) if z is Zone.DIVERGING):
        first = min(rate for rate, zone in _with_zones(sweep) if zone is Zone.DIVERGING)
        return (
            f"Of the {runs}, of {steps} each, {gone:,} diverged, the first at the rate {number(first)}, "
            "but not all above it."
        )
    return f"Of the {runs}, of {steps} each, those from the rate {number(begins)} on diverged."


def _with_zones(sweep: SweepResult) -> list[tuple[float, Zone]]:
    return list(zip(sweep.rates.tolist(), sweep.zone_of_each, strict=True))


def beside_the_limit(limit: float) -> str:
    """Where the rate 1 lies."""
    if abs(limit - 1) <= SAME_LIMIT:
        return "Here that is the limit itself."
    return f"Here that is {number(1 / limit, 3)} times the limit." if limit < 1 else "Here that lies below the limit."
