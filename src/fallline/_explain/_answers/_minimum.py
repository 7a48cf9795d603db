"""``why minimum`` in words."""

import numpy as np

from fallline._explain._numbers import count, listed, number, percent, place, short
from fallline._records import Answer, Curves, Facts, Role, Section, Series
from fallline._why import BasinFindings, Crawl, Ends, MinimumFindings, SaddleFindings, Setting, ValleyFindings

UNNAMED = "formula"
AT_ZERO = 1e-6
"""A parameter of a minimum below this is written as 0: it was found to no more than that."""


def minimum_answer(found: MinimumFindings) -> Answer:
    """The answer to "does it find the minimum?"."""
    sections = [_basins(basins) for basins in found.basins]
    sections += [] if found.saddle is None else [_saddle(found.saddle)]
    sections += [] if found.valley is None else [_valley(found.valley)]
    return Answer(
        question="minimum",
        title="Which minimum does it find, and can it get stuck?",
        problem=found.problem,
        summary=_summary(found),
        sections=tuple(sections),
        numbers=_numbers(found),
    )


def _summary(found: MinimumFindings) -> str:
    many = next((basins for basins in found.basins if len(basins.minima) > 1), None)
    if many is None:
        said = ["Gradient descent goes down from where it starts."]
        said += [_one(alone) for alone in found.basins]
    else:
        said = ["Gradient descent goes down, not to the lowest place: the start decides where it ends."]
        small = many.of(Setting.SMALL)
        if many.lowest_count < len(many.minima):
            lowest = "a lowest minimum" if many.complete else "the lowest minimum that was found"
            said.append(f"On {_name(many)} {percent(small.lowest)} of the starts end in {lowest}.")
        else:
            said.append(f"{_how_many(many)}, all equally low.")
    if found.saddle is not None:
        gone = found.saddle.escapes[1].steps
        said.append(
            f"A saddle holds it only exactly on the ridge; a millionth beside it, it is gone after {_count(gone)}."
        )
    return " ".join(said)


def _one(alone: BasinFindings) -> str:
    share = percent(alone.of(Setting.SMALL).lowest)
    return f"On {_name(alone)} {share} of the starts end in the one minimum {'it has' if alone.complete else 'found'}."


def _name(found: BasinFindings | ValleyFindings) -> str:
    """A surface by its name, else by its arithmetic."""
    return found.text if found.formula == UNNAMED else found.formula


def _title(found: BasinFindings | ValleyFindings) -> str:
    return found.text if found.formula == UNNAMED else found.formula.capitalize()


def _count(steps: int | None) -> str:
    return "more steps than it was given" if steps is None else count(steps, "step")


def _basins(found: BasinFindings) -> Section:
    """Where descents from everywhere end."""
    many = len(found.minima)
    where = f", at {_point(found.minima[0])}" if many == 1 else f", {_lowest(found)}"
    table = _ends_table(found)
    claims = tuple(_claims(found))
    what = (f"{_how_many(found)}{where}.", *_how(found))
    return Section(f"{_title(found)}: {_heading(found)}", (what, claims) if claims else (what,), (table,))


def _heading(found: BasinFindings) -> str:
    if len(found.minima) > 1:
        return "the start decides"
    return "one minimum" if found.complete else "one minimum was found"


def _how_many(found: BasinFindings) -> str:
    """What is known of the surface, or what was found on it and where it was looked for."""
    many = len(found.minima)
    minima = "one minimum" if many == 1 else f"{many} minima"
    between = f"between {short(found.low)} and {short(found.high)}"
    if found.complete:
        return f"{_title(found)} has {minima}" + ("" if many == 1 else f" {between}")
    return f"{minima.capitalize()} of {_name(found)} {'was' if many == 1 else 'were'} found from starts {between}"


def _how(found: BasinFindings) -> list[str]:
    """What was run."""
    starts = "evenly spread" if found.spread else "drawn at random"
    limit = (
        f"The limit of the sharpest minimum is 2/λ = {number(found.limit)}."
        if found.curved
        else "There is no curvature at the bottom, so it has no limit; the rates below are parts of 2/λ = "
        f"{number(found.limit)}, of the largest curvature at the starts."
    )
    return [
        f"{count(found.starts, 'start')}, {starts} between {short(found.low)} and {short(found.high)}, "
        f"{count(found.steps, 'step')} from each.",
        limit,
        "Afterwards small steps lead down from where a run ended, to see whose valley it is.",
    ]


def _ends_table(found: BasinFindings) -> Facts:
    """A row for each setting."""
    return Facts(
        title=f"{_name(found)}: where the runs end",
        columns=("", "rate", *_share_columns(found), "moved", "at rest", "diverged"),
        rows=tuple(
            (
                ends.setting.value,
                number(ends.rate, 3),
                *_shares(found, ends),
                percent(ends.elsewhere),
                percent(ends.at_rest),
                percent(ends.diverged),
            )
            for ends in found.ends
        ),
        numeric=(False, *(True,) * (4 + len(_share_columns(found)))),
        caption="Shares of the starts. Moved: into another valley than with the small rate from the same start. "
        "At rest: it stands at the minimum when the steps are over. Noise: a standard deviation of "
        f"{number(found.noise, 3)} in each slope, as large as the slopes themselves are over the starts.",
    )


def _lowest(found: BasinFindings) -> str:
    if found.lowest_count == len(found.minima):
        return f"all equally low, {number(_clean(float(found.losses[0])))}"
    best = found.minima[0]
    next_up = float(found.losses[found.lowest_count])
    loss = number(_clean(float(found.losses[0])))
    return f"the lowest at {_point(best)} with a loss of {loss}, the next with {number(next_up)}"


def _clean(loss: float) -> float:
    """A loss below rounding is 0."""
    return 0.0 if abs(loss) < 1e-12 else loss


def _point(at: np.ndarray[tuple[int], np.dtype[np.float64]]) -> str:
    return "(" + ", ".join("0" if abs(value) < AT_ZERO else place(float(value)) for value in at) + ")"


def _share_columns(found: BasinFindings) -> tuple[str, ...]:
    return ("lowest",) if found.lowest_count == len(found.minima) else ("lowest", "other")


def _shares(found: BasinFindings, ends: Ends) -> tuple[str, ...]:
    both = (percent(ends.lowest), percent(ends.other))
    return both[: len(_share_columns(found))]


def _claims(found: BasinFindings) -> list[str]:
    """What people say, beside what was measured."""
    if len(found.minima) == 1:
        return []
    small, half, past = (found.of(setting) for setting in (Setting.SMALL, Setting.HALF, Setting.PAST))
    worse = found.lowest_count < len(found.minima)
    said = []
    if worse:
        said.append(f'"Small rates get stuck in local minima": {percent(small.other)} of the runs do.')
        also = "So do larger ones" if half.other >= 0.9 * small.other else "At half the limit it is less"
        said.append(f"{also}: {percent(half.other)} at half the limit.")
    said.append(_moved("ten times that rate, half the limit,", half))
    said.append(_restless("Twice the limit", past, small, worse=worse))
    momentum = found.of(Setting.MOMENTUM)
    said.append('"Momentum escapes": ' + _restless("with 0.9", momentum, half, worse=worse, first=False))
    said.append(_restless("Noise", found.of(Setting.NOISE), half, worse=worse))
    if not worse:
        said.append("All these valleys are equally low: nothing is gained by being carried into another one.")
    return said


def _moved(what: str, ends: Ends) -> str:
    if ends.elsewhere == 0:
        return f"With {what} not one run ended in another valley than with the small rate."
    return f"With {what} {percent(ends.elsewhere)} of the runs ended in another valley than with the small rate."


def _restless(what: str, ends: Ends, beside: Ends, *, worse: bool, first: bool = True) -> str:
    """Whether a setting changes valleys, whether it helps, and whether it comes to rest."""
    if ends.elsewhere == 0 and ends.diverged == 0 and ends.at_rest >= 0.5 and ends.lowest + ends.other > 1 - 1e-9:
        changes = "changes" if first else "it changes"
        return f"{what} {changes} nothing here: every run ends in the valley of the small rate."
    carried = "no run" if ends.elsewhere == 0 else f"{percent(ends.elsewhere)} of the runs"
    said = [f"{what} {'carries' if first else 'it carries'} {carried} into another valley"]
    if worse:
        said.append(f"{percent(ends.lowest)} end in the lowest ({percent(beside.lowest)} without)")
    if ends.at_rest < 0.5:
        said.append(f"only {percent(ends.at_rest)} are at rest, in whichever minimum, when the steps are over")
    if ends.diverged > 0:
        said.append(f"{percent(ends.diverged)} diverge")
    return listed(said) + "."


def _saddle(found: SaddleFindings) -> Section:
    """Escapes from the ridge."""
    ridge, beside, rolling, shaken = found.escapes
    predicted = "" if beside.predicted is None else f" (predicted {number(beside.predicted, 3)})"
    sentences = [
        f"On the saddle {found.text} the slope along b is −2b: on the ridge, b = 0, it is 0.",
        f"Exactly on the ridge b is still {number(float(ridge.distances[-1]))} after {count(found.steps, 'step')}."
        if ridge.steps is None
        else f"Exactly on the ridge it was gone after {count(ridge.steps, 'step')}.",
        f"A millionth beside it, every step of rate η = {short(found.rate)} multiplies b by "
        f"1 + 2η = {short(found.growth)}: |b| passes 1 after {_count(beside.steps)}{predicted}.",
        f"With momentum 0.9 it takes {_count(rolling.steps)}; with a millionth of noise in the slopes, from exactly "
        f"on the ridge, {_count(shaken.steps)}.",
        '"Saddles trap gradient descent": only from exactly on the ridge. What they cost is time, '
        "in proportion to the logarithm of how near the start is.",
    ]
    table = Facts(
        title="Steps until |b| passes 1",
        columns=("from", "measured", "predicted", "difference"),
        rows=tuple(
            (
                escape.name,
                "never" if escape.steps is None else f"{escape.steps:,}",
                "never" if escape.predicted is None else number(escape.predicted, 3),
                "" if escape.difference is None else number(escape.difference, 2),
            )
            for escape in found.escapes
        ),
        numeric=(False, True, True, True),
        caption="A step is a whole one: the first at or after the predicted time. "
        "Noise: a millionth in each slope, the median of 101 runs.",
    )
    theory = abs(beside.start) * found.growth ** np.arange(len(beside.distances), dtype=np.float64)
    curves = Curves(
        title="Distance from the ridge",
        series=(
            _distance("a millionth beside it", beside.distances, Role.MAIN),
            Series(f"{short(found.growth)}ᵗ", np.arange(len(theory), dtype=np.float64), theory, Role.THEORY),
            _distance("with momentum 0.9", rolling.distances, Role.OTHER),
            _distance("with noise", shaken.distances, Role.OTHER),
        ),
        x_title="step",
        y_title="|b|",
        log_y=True,
    )
    return Section("A saddle: how long it holds", (tuple(sentences),), (table, curves))


def _distance(name: str, distances: np.ndarray[tuple[int], np.dtype[np.float64]], role: Role) -> Series:
    """|b| over steps; 0 has no place on a logarithmic axis."""
    steps = np.arange(len(distances), dtype=np.float64)
    return Series(name, steps[distances > 0], distances[distances > 0], role)


def _valley(found: ValleyFindings) -> Section:
    """No second minimum, and yet it crawls."""
    _, half, _ = found.crawls
    curves = Curves(
        title=f"{_name(found)}: the loss above the minimum",
        series=tuple(
            Series(
                crawl.name,
                *_excess(crawl.steps, crawl.losses - found.floor),
                Role.MAIN if crawl is half else Role.OTHER,
            )
            for crawl in found.crawls
        ),
        x_title="step",
        y_title="excess loss",
        log_x=True,
        log_y=True,
    )
    return Section(f"{_title(found)}: slow is not stuck", (tuple(_crawled(found)),), (curves,))


def _crawled(found: ValleyFindings) -> list[str]:
    """What the three runs did."""
    slow, half, rolling = found.crawls
    last = float(half.losses[-1])
    sentences = [
        f"{_title(found)} has a single minimum: there is nothing to be stuck in.",
        f"From {_point(found.start)} with the rate {number(half.rate, 3)} the loss goes from "
        f"{number(found.start_loss)} to {number(last)} in {count(found.steps, 'step')}; "
        f"to remove {percent(found.goal)} of the excess takes {_count(half.steps_to_goal)}.",
        f"With a tenth of that rate it takes {_count(slow.steps_to_goal)}{_where_it_stands(found, slow)}.",
    ]
    if slow.steps_to_goal is None and slow.last_slope > slow.slope_rounding:  # NaN is not
        sentences.append("It creeps, it is not stuck.")
    if rolling.steps_to_goal is not None:
        sentences.append(f"Momentum 0.9 is there after {_count(rolling.steps_to_goal)}.")
    elif slow.steps_to_goal is None or half.steps_to_goal is None:
        sentences.append(f"Momentum 0.9 does not get there in {count(found.steps, 'step')} either.")
    else:
        sentences.append(f"Momentum 0.9 does not get there in {count(found.steps, 'step')}.")
    return sentences


def _where_it_stands(found: ValleyFindings, slow: Crawl) -> str:
    """Loss and slope of a run that did not get there."""
    if slow.steps_to_goal is not None:
        return ""
    slope = number(slow.last_slope) if slow.last_slope > slow.slope_rounding else "rounding"
    return (
        f": the loss still is {number(float(slow.losses[-1]))}, and the slope is {slope} "
        f"({number(found.first_slope)} at the start)"
    )


def _excess(
    steps: np.ndarray[tuple[int], np.dtype[np.float64]], excess: np.ndarray[tuple[int], np.dtype[np.float64]]
) -> tuple[np.ndarray[tuple[int], np.dtype[np.float64]], np.ndarray[tuple[int], np.dtype[np.float64]]]:
    """What a double logarithmic chart can show."""
    shown = (steps > 0) & ~(excess <= 1e-15)
    return steps[shown], excess[shown]


def _numbers(found: MinimumFindings) -> dict[str, object]:
    return {
        "surfaces": [
            {
                "formula": basins.formula,
                "text": basins.text,
                "starts": basins.starts,
                "low": basins.low,
                "high": basins.high,
                "complete": basins.complete,
                "steps": basins.steps,
                "limit": basins.limit,
                "limit_of_a_minimum": basins.curved,
                "noise": basins.noise,
                "minima": basins.minima,
                "losses": basins.losses,
                "ends": basins.ends,
            }
            for basins in found.basins
        ],
        "saddle": None
        if found.saddle is None
        else {
            "rate": found.saddle.rate,
            "growth": found.saddle.growth,
            "escapes": [
                {
                    "name": escape.name,
                    "start": escape.start,
                    "noise": escape.noise,
                    "momentum": escape.momentum,
                    "steps": escape.steps,
                    "predicted": escape.predicted,
                }
                for escape in found.saddle.escapes
            ],
        },
        "valley": None
        if found.valley is None
        else {
            "formula": found.valley.formula,
            "start": found.valley.start,
            "runs": [
                {
                    "name": crawl.name,
                    "rate": crawl.rate,
                    "momentum": crawl.momentum,
                    "steps_to_goal": crawl.steps_to_goal,
                    "last_loss": float(crawl.losses[-1]),
                    "last_slope": crawl.last_slope,
                }
                for crawl in found.valley.crawls
            ],
        },
    }
