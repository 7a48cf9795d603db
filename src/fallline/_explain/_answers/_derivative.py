"""``why derivative`` in words."""

from fallline._explain._numbers import count, listed, number, percent
from fallline._records import Answer, Curves, Facts, Mark, Role, Section, Series
from fallline._why import DerivativeFindings, Method, Race, Spent

MICRO = 1e6
LEAST_SHOWN = 1e-12
"""The chart ends here: what is left below is rounding."""


def derivative_answer(found: DerivativeFindings) -> Answer:
    """The answer to "why the derivative?"."""
    return Answer(
        question="derivative",
        title="Why the derivative?",
        problem=found.problem,
        summary=_summary(found),
        sections=(_cost(found), _budget(found), _directions(found)),
        numbers=_numbers(found),
    )


def _summary(found: DerivativeFindings) -> str:
    """The largest problem in two sentences."""
    largest = max(found.races, key=lambda race: race.parameters)
    needs = [f"{spent.method.value} {_needs(spent)}" for spent in largest.spent]
    return (
        "One gradient tells the slopes of all parameters at once, for the price of "
        f"{_times(largest.price.ratio)} forward passes. In {largest.parameters} parameters, of {found.budget:,} "
        f"passes, {listed(needs)}."
    )


def _needs(spent: Spent) -> str:
    """When a method reached the goal, or what it left."""
    if spent.passes_to_goal is not None:
        return f"needs {_passes(spent.passes_to_goal)}"
    return f"needs more ({percent(spent.left)} of the excess loss is left)"


def _passes(passes: float) -> str:
    return f"{passes:,.0f}"


def _times(ratio: float) -> str:
    return number(ratio, 2) if ratio < 10 else number(ratio, 3)


def _cost(found: DerivativeFindings) -> Section:
    """What a gradient is paid with."""
    measured = found.races[0].price.measured
    sentences = [
        "Without the derivative a slope is found by trying: move one parameter a little and look at the loss again. "
        "For P parameters that takes P + 1 forward passes.",
        "The backward pass finds all the slopes at once.",
        f"On this machine, in this run, forward and backward together took as long as {_range(found)} forward passes."
        if measured
        else f"Here a gradient is priced at {_range(found)} forward passes, as it was told to.",
    ]
    times = ("forward", "and backward") if measured else ()
    columns = ("parameters", *times, "price", "by differences")
    table = Facts(
        title="Time and price" if measured else "Price",
        columns=columns,
        rows=tuple(
            (_name(race), *_times_taken(race), _times(race.price.ratio), f"{race.parameters + 1:,}")
            for race in found.races
        ),
        numeric=(True,) * len(columns),
        caption="Price: of one gradient in forward passes; by differences it is P + 1.",
    )
    return Section("What a gradient costs", (tuple(sentences),), (table,))


def _times_taken(race: Race) -> tuple[str, ...]:
    """Both times, where they were measured."""
    taken = (race.price.forward_seconds, race.price.gradient_seconds)
    return tuple(f"{number(seconds * MICRO, 3)} µs" for seconds in taken if seconds is not None)


def _range(found: DerivativeFindings) -> str:
    ratios = [race.price.ratio for race in found.races]
    low, high = _times(min(ratios)), _times(max(ratios))
    return low if low == high else f"{low} to {high}"


def _name(race: Race) -> str:
    return f"{race.parameters} ({race.name})" if _own(race) else f"{race.parameters}"


def _place(race: Race) -> str:
    return f"{count(race.parameters, 'parameter')}" + (f" ({race.name})" if _own(race) else "")


def _own(race: Race) -> bool:
    """True for the problem that was given."""
    return race.rule_rows is None


def _budget(found: DerivativeFindings) -> Section:
    """The same number of forward passes, four ways."""
    rules = (
        f"Each method gets {found.budget:,} forward passes, and every one is counted. "
        f"The task: remove {percent(found.goal)} of the excess loss.",
        f"Each may try {found.trials} sizes of its first move, a factor of two apart, and its best one counts; "
        "trying them, and looking at the loss for this chart, is free for all alike.",
        f"Random search is the median of {found.seeds} seeds. Its steps, and those of one coordinate at a time, "
        "grow after a success and shrink after a failure.",
        f"The problems made by a rule are linear, with condition number {number(found.condition_number, 2)}: "
        "only the number of parameters differs.",
    )
    charts = [found.races[0]] if len(found.races) == 1 else [found.races[0], found.races[-1]]
    return Section(
        f"The same {found.budget:,} forward passes, four ways",
        (rules, tuple(_verdicts(found))),
        (_passes_table(found), _left_table(found), *(_chart(race, found.goal) for race in charts)),
    )


def _verdicts(found: DerivativeFindings) -> list[str]:
    """Who got there first where, and by how much."""
    return [_verdict(race) for race in found.races]


def _verdict(race: Race) -> str:
    where, by_gradient = f"In {_place(race)}", race.of(Method.GRADIENT)
    gradient = by_gradient.passes_to_goal
    if gradient is None:
        return f"{where} gradient descent did not get there; {percent(by_gradient.left)} is left."
    others = [
        (spent.passes_to_goal, spent.method)
        for spent in race.spent
        if spent.method is not Method.GRADIENT and spent.passes_to_goal is not None
    ]
    if not others:
        return f"{where} only gradient descent got there, after {_passes(gradient)} passes."
    passes, method = min(others, key=lambda other: other[0])
    if passes > gradient:
        return (
            f"{where} gradient descent took {_passes(gradient)} passes, the next best, {method.value}, "
            f"{_passes(passes)}: {number(passes / gradient, 2)} times as many."
        )
    both = f"{method.value} took {_passes(passes)} passes, gradient descent {_passes(gradient)}"
    if passes == gradient:
        return f"{where} it is a draw: {both}."
    if method is Method.DIFFERENCES:
        return f"{where} {both}: the derivative, found by trying, is the cheaper one here."
    return f"{where} {both}: here the derivative is not needed."


def _passes_table(found: DerivativeFindings) -> Facts:
    seeds = any(race.of(Method.RANDOM).goal_low is not None for race in found.races)
    return Facts(
        title=f"Forward passes until {percent(found.goal)} of the excess loss is gone",
        columns=("", *_headings(found)),
        rows=tuple((method.value, *(_cell(race.of(method)) for race in found.races)) for method in Method),
        numeric=(False, *(True,) * len(found.races)),
        caption="In brackets: the luckiest and the unluckiest seed." if seeds else "",
    )


def _headings(found: DerivativeFindings) -> tuple[str, ...]:
    """A column for each problem."""
    return tuple(
        f"{race.name}, P = {race.parameters}" if _own(race) else f"P = {race.parameters}" for race in found.races
    )


def _cell(spent: Spent) -> str:
    if spent.passes_to_goal is None:
        return "not reached"
    seeds = ""
    if spent.goal_low is not None:
        high = "…" if spent.goal_high is None else _passes(spent.goal_high)
        seeds = f" ({_passes(spent.goal_low)}–{high})"
    return _passes(spent.passes_to_goal) + seeds


def _left_table(found: DerivativeFindings) -> Facts:
    return Facts(
        title="Excess loss left when the budget is spent",
        columns=("", *_headings(found)),
        rows=tuple((method.value, *(_left(race.of(method).left) for race in found.races)) for method in Method),
        numeric=(False, *(True,) * len(found.races)),
        caption="0 %: none, to rounding.",
    )


def _left(part: float) -> str:
    return "0 %" if part < LEAST_SHOWN else percent(part)


def _chart(race: Race, goal: float) -> Curves:
    """Excess loss over forward passes; the first point is the start, at one pass for the logarithm's sake."""
    series = []
    for spent in race.spent:
        shown = (spent.excess >= LEAST_SHOWN) & (spent.passes >= 1)
        role = Role.MAIN if spent.method is Method.GRADIENT else Role.OTHER
        series.append(Series(spent.method.value, spent.passes[shown], spent.excess[shown], role))
    return Curves(
        title=f"{_place(race)}: excess loss left, as a part of that at the start",
        series=tuple(series),
        x_title="forward passes",
        y_title="part of the excess loss left",
        log_x=True,
        log_y=True,
        marks=(Mark("the goal", 1 - goal, "y"),),
    )


def _directions(found: DerivativeFindings) -> Section:
    """What a random direction is worth."""
    first, last = found.races[0], found.races[-1]
    sentences = [
        f"In {last.parameters} parameters {percent(last.directions.downhill_share)} of {last.directions.tried:,} short "
        f"steps in random directions went downhill{_coin(last.directions.downhill_share)}.",
        f"But not far: if those that go uphill are taken back, such a step wins on average "
        f"{percent(last.directions.mean_part)} of what the same step against the gradient wins"
        + (f" (in {first.parameters} parameters {percent(first.directions.mean_part)})." if first is not last else "."),
        "The more parameters, the fewer directions have much to do with the slope: the part shrinks like 0.4/√P.",
        "A step as long as the gradient's own good step went downhill in "
        f"{percent(last.directions.long_downhill_share)} of the tries.",
    ]
    table = Facts(
        title="Steps in random directions, from the start",
        columns=("parameters", "downhill", "mean win", "expected", "long ones downhill"),
        rows=tuple(
            (
                _name(race),
                percent(race.directions.downhill_share),
                percent(race.directions.mean_part),
                percent(race.directions.expected_part),
                percent(race.directions.long_downhill_share),
            )
            for race in found.races
        ),
        numeric=(True,) * 5,
        caption=f"{count(last.directions.tried, 'direction')} each. Mean win: as a part of what the gradient wins; "
        "expected: Γ(P/2) / (2√π Γ((P+1)/2)), on straight ground.",
    )
    return Section("A random direction goes downhill half of the time. How far?", (tuple(sentences),), (table,))


def _coin(share: float) -> str:
    return ", as often as a coin shows heads" if abs(share - 0.5) <= 0.02 else ""


def _numbers(found: DerivativeFindings) -> dict[str, object]:
    return {
        "budget": found.budget,
        "goal": found.goal,
        "trials": found.trials,
        "seeds": found.seeds,
        "condition_number": found.condition_number,
        "races": [
            {
                "name": race.name,
                "parameters": race.parameters,
                "price": race.price,
                "price_measured": race.price.measured,
                "methods": [
                    {
                        "method": spent.method,
                        "size": spent.size,
                        "moves": spent.moves,
                        "passes_to_goal": spent.passes_to_goal,
                        "passes_to_goal_low": spent.goal_low,
                        "passes_to_goal_high": spent.goal_high,
                        "excess_left": spent.left,
                    }
                    for spent in race.spent
                ],
                "directions": race.directions,
            }
            for race in found.races
        ],
    }
