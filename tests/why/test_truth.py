"""Every claim that an answer prints is checked against what was found, on problems of all kinds."""

import re
from functools import cache

import numpy as np
import pytest

from cases import ABSOLUTE, OVERLAPPING, SEVERAL
from explain.written import NUMBER, read
from fallline._errors import OptionError
from fallline._explain._answers import answer_of
from fallline._formulas import NAMED
from fallline._problem import Problem, given_problem
from fallline._records import Answer, Facts, Zone
from fallline._why import BasinFindings, MinimumFindings, MinusFindings, RateFindings, Setting, ask
from fallline._why._ask import usual_rate
from fallline._why._basins import basins
from fallline._why._minus import measure_minus
from fallline._why._rate import measure_rate
from fallline._why._valley import has_valley, valley

pytestmark = pytest.mark.slow

TYPED = ("w^4", "sin(w)", "abs(w)", "w^2 + b^2 + c^2", "(w^2 - 1)^2 + 0.3*w")
PROBLEMS = ("line", "raw table", "standardised table", "mae", "bce", *NAMED, *TYPED)
STEPS = 60


@cache
def problem_of(name: str) -> Problem:
    tables = {
        "line": given_problem,
        "raw table": lambda: given_problem(SEVERAL.data, standardise=False, dtype="float64"),
        "standardised table": lambda: given_problem(SEVERAL.data),
        "mae": lambda: given_problem(ABSOLUTE.data, loss="mae"),
        "bce": lambda: given_problem(OVERLAPPING.data, loss="bce"),
    }
    return tables[name]() if name in tables else given_problem(formula=name)


def told(answer: Answer) -> str:
    sections = [" ".join(sentences) for section in answer.sections for sentences in section.paragraphs]
    return " ".join([answer.summary, *sections])


@cache
def rate_of(name: str) -> tuple[RateFindings, str]:
    problem = problem_of(name)
    found = measure_rate(problem, problem.starting_point(None, seed=0), steps=STEPS)
    return found, told(answer_of(found))


@pytest.fixture(params=PROBLEMS)
def rate(request: pytest.FixtureRequest) -> tuple[RateFindings, str]:
    return rate_of(request.param)


def test_who_is_said_to_diverge_did(rate: tuple[RateFindings, str]) -> None:
    found, said = rate
    gone = np.array([zone is Zone.DIVERGING for zone in found.sweep.zone_of_each])
    rates = found.sweep.rates
    assert bool(re.search(r"None of the [\d,]+ runs, of 60 steps each, diverged", said)) == (not gone.any())
    assert bool(re.search(r"\bAll [\d,]+ runs", said)) == bool(gone.all())
    claims = re.findall(rf"from the rate {NUMBER} on diverged", said)
    for claim in claims:
        begins = int(np.argmin(np.abs(rates - read(claim))))
        assert gone[begins:].all()
        assert not gone[begins - 1]
    for claim in re.findall(rf"the first at the rate {NUMBER}, but not all above it", said):
        first = int(np.argmin(np.abs(rates - read(claim))))
        assert gone[first]
        assert not gone[:first].any()
        assert not gone[first:].all()
    for name in (1.0, 0.1, 0.001):
        zone = found.sweep.zone_of_each[found.index_of(name)]
        assert (f"Here {name:g} diverges" in said) <= (zone is Zone.DIVERGING)
        assert (f"Here {name:g} bounces" in said) <= (zone is Zone.BOUNCING)
    assert "always" not in said


def test_a_limit_is_called_the_limit_where_it_is_proved(rate: tuple[RateFindings, str]) -> None:
    found, said = rate
    proved = found.parabola
    assert ("Over many steps the limit is 2/λ" in said) == proved
    assert ("times the limit" in said or "the limit itself" in said or "lies below the limit" in said) == proved
    assert ("a difference of" not in said) or proved
    if "the limit itself" in said:
        assert found.limit is not None
        assert found.limit.value == pytest.approx(1, abs=1e-5)
    if "no rate below it diverges" in said:
        assert found.limit is not None
        below = found.sweep.rates < found.limit.value
        assert not any(zone is Zone.DIVERGING for zone, low in zip(found.sweep.zone_of_each, below, strict=True) if low)


def test_the_ends_of_the_first_step(rate: tuple[RateFindings, str]) -> None:
    """What is stated of reach 2 as a fact is what the steps that were taken did."""
    found, said = rate
    rates, real, bottom = found.step.rates, found.step.real, found.promise.bottom_rate
    if "and beyond that higher" in said:
        assert bottom is not None
        size = found.start_loss * 1e-5
        assert (real[rates > 2 * bottom * 1.001] > -size).all()
        assert (real[(rates > 0) & (rates < 2 * bottom * 0.999)] < size).all()
    if "curves down" in said:
        early = slice(1, 3)
        assert (real[early] < found.step.promised[early]).all()
    best = re.search(rf"rates tried, {NUMBER} lowered the loss most, by {NUMBER}", said)
    if best:
        assert read(best[2]) == pytest.approx(-np.nanmin(real), rel=1e-3)
    elif "rates tried" in said:
        assert "the largest" in said or np.nanmin(real) >= 0
    straight = "made of straight pieces" in said
    assert straight == found.straight_pieces


def test_small_rates_by_their_rows(rate: tuple[RateFindings, str]) -> None:
    found, said = rate
    between = re.search(rf"rate × steps is (?:between {NUMBER} and )?{NUMBER}\.(?: |$)", said)
    assert bool(between) == (found.law is not None)
    if between:
        low, high = read(between[1] or between[2]), read(between[2])
        zones, steps = found.sweep.zone_of_each, found.sweep.steps_to_goal
        rows = [
            rate * count
            for rate, count, zone in zip(found.sweep.rates, steps, zones, strict=True)
            if zone is Zone.TOO_SMALL and count is not None and count >= 20
        ]
        assert any(low * 0.99 <= row <= high * 1.01 for row in rows)
        assert len([row for row in rows if low * 0.99 <= row <= high * 1.01]) >= len(found.products)
    if "Half the rate, twice the steps" in said:
        assert found.products.max() / found.products.min() < 1.3


def test_other_units_of_a_standardised_table_are_its_own() -> None:
    """Multiplying a column changes nothing once it is standardised; what is measured is the table as it is."""
    found, said = rate_of("standardised table")
    assert found.units is not None
    raw = problem_of("raw table").quadratic
    assert raw is not None
    assert found.units.limit == pytest.approx(2 / raw.eigenvalues[0], rel=1e-6)
    assert found.units.sweep.start_loss == pytest.approx(found.start_loss)
    assert "measure x in other units" not in said
    assert "Without standardising the limit is" in said
    assert "measure x in other units" in rate_of("raw table")[1]


@pytest.mark.parametrize("name", PROBLEMS)
def test_what_minus_says_of_the_slopes(name: str) -> None:
    problem = problem_of(name)
    start = problem.starting_point(None, seed=0)
    found = measure_minus(problem, None, usual_rate(problem, start) if name != "line" else 0.01, seed=0, steps=STEPS)
    assert isinstance(found, MinusFindings)
    answer = answer_of(found)
    said = told(answer)
    for name_, slope, level, before, after in zip(
        found.parameter_names, found.slopes, found.level, found.start, found.minus.parameters[1], strict=True
    ):
        for way, sign in (("up", 1), ("down", -1)):
            if f"so this step takes {name_} {way}." in said:
                assert not level
                assert np.sign(after - before) == sign == -np.sign(slope)
    first, last = found.minus.losses[0], found.minus.losses[-1]
    assert ("With minus the loss falls" in answer.summary) == (last < first)
    doubled = re.search(r"has doubled after ([\d,]+) step", answer.summary)
    if doubled:
        at = int(read(doubled[1]))
        assert found.plus.losses[at] >= 2 * first
        assert not (found.plus.losses[:at] >= 2 * first).any()


@cache
def basins_of(name: str) -> BasinFindings | None:
    surface = given_problem(formula=name).objective
    return basins(surface, seed=0, steps=20)


@pytest.mark.parametrize("name", [*NAMED, *TYPED])
def test_what_is_said_of_minima(name: str) -> None:
    """Counts are those found; "single" and "has" only where it is known; a limit only of a bottom with curvature."""
    surface = given_problem(formula=name).objective
    found = basins_of(name)
    crawl = valley(surface, surface.default_start, steps=50)
    assert (crawl is not None) == has_valley(surface) == (len(surface.minima) == 1)
    if found is None:
        assert name in ("saddle", "abs(w)")
        return
    answer = answer_of(MinimumFindings(name, (found,), None, crawl))
    said = told(answer)
    assert ("single minimum" in said) <= (len(found.minima) == 1 and found.complete)
    assert ("found from starts" in said) == (not found.complete)
    many = len(found.minima)
    assert (f"{many} minima" in said) == (many > 1)
    assert ("evenly spread" in said) == (len(found.minima[0]) <= 2)
    curvature = np.linalg.eigvalsh(surface.hessians(found.minima))[:, -1].max()
    if "The limit of the sharpest minimum" in said:
        assert found.limit == pytest.approx(2 / curvature)
    else:
        assert "no limit" in said
        assert curvature < 1e-9
    assert ("It creeps, it is not stuck." in said) <= (
        crawl is not None and crawl.crawls[0].last_slope > crawl.crawls[0].slope_rounding
    )
    (table,) = (exhibit for exhibit in answer.sections[0].exhibits if isinstance(exhibit, Facts))
    assert len(table.rows) == len(Setting)
    for minimum in found.minima:  # each is one: no lower ground near it
        around = minimum + 0.01 * np.random.default_rng(0).normal(size=(50, len(minimum)))
        assert (surface.loss(around) >= surface.loss(minimum[None]) - 1e-12).all()


def test_no_curvature_at_the_bottom() -> None:
    found = basins_of("w^4")
    assert found is not None
    assert not found.curved
    np.testing.assert_allclose(found.minima, [[0.0]], atol=1e-6)
    assert found.of(Setting.HALF).diverged == 0
    assert found.of(Setting.SMALL).lowest == 1


def test_a_kink_and_an_inflection_are_no_minima() -> None:
    for name in ("abs(w)", "w^3", "(w + b)^2"):
        assert basins_of(name) is None


def test_a_creep_is_not_claimed_of_rounding() -> None:
    """A run that stands at its minimum to rounding, and yet is said not to be there, is not said to creep."""
    surface = given_problem(formula="rastrigin").objective
    assert not has_valley(surface)
    assert surface.optimum is not None  # its lowest minimum is one, it has others


def test_a_start_that_nothing_uses_is_refused() -> None:
    for name in ("saddle", "rastrigin", "himmelblau", "w^4"):
        with pytest.raises(OptionError, match="leave out --start"):
            ask("minimum", problem_of(name), start={"w": 0.5})
        with pytest.raises(OptionError, match='no parameter "q"'):
            ask("minimum", problem_of(name), start={"q": 0.5})
