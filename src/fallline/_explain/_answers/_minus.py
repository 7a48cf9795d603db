"""``why minus`` in words."""

import math

import numpy as np

from fallline._explain._numbers import count, listed, number, place, short, signed
from fallline._records import Answer, Curves, Facts, Role, Section, Series
from fallline._why import MinusFindings

MOST_NAMED = 4
"""More parameters than this are shown in the table only."""
SHOWN_STEPS = (0, 1, 2, 5, 10, 20, 50, 100, 200)


def minus_answer(found: MinusFindings) -> Answer:
    """The answer to "why minus?"."""
    return Answer(
        question="minus",
        title="Why minus?",
        problem=found.problem,
        summary=f"The slope points uphill, so minus the slope points downhill. {_fate(found)}",
        sections=(_slopes(found), _loops(found), _smallest(found), _convention(found)),
        numbers=_numbers(found),
    )


def _fate(found: MinusFindings) -> str:
    """What became of the two loops, in two sentences."""
    first, last = float(found.minus.losses[0]), float(found.minus.losses[-1])
    fell = (
        f"falls from {number(first)} to {number(last)}"
        if last < first
        else f"goes from {number(first)} to {number(last)}"
    )
    return f"With minus the loss {fell} in {count(found.steps, 'step')}. {_plus_fate(found)}"


def _plus_fate(found: MinusFindings) -> str:
    said = []
    if found.doubled_after is not None:
        said.append(f"has doubled after {count(found.doubled_after, 'step')}")
    over = found.plus.not_finite_after
    if over is not None:
        said.append(f"is too large for {found.dtype} after {count(over, 'step')}")
    else:
        said.append(f"stands at {number(float(found.plus.losses[-1]))} after {count(found.steps, 'step')}")
    return f"With plus it {listed(said)}."


def _slopes(found: MinusFindings) -> Section:
    """Sign of each slope, and where minus pushes."""
    names = found.parameter_names
    at = listed(
        [f"{name} = {place(float(value))}" for name, value in list(zip(names, found.start, strict=True))[:MOST_NAMED]]
    )
    more = "" if len(names) <= MOST_NAMED else " and so on"
    sentences = [f"The loop starts at {at}{more}, where the loss is {number(float(found.minus.losses[0]))}."]
    told = list(zip(names, found.slopes.tolist(), found.level.tolist(), strict=True))
    sentences += [_push(name, slope, level=level) for name, slope, level in told[:MOST_NAMED]]
    rows = tuple(
        (
            name,
            number(slope),
            _meaning(name, slope, level=level),
            signed(-found.rate * slope),
            signed(found.rate * slope),
        )
        for name, slope, level in told
    )
    table = Facts(
        title="The slopes at the start and the steps that follow from them",
        columns=("", "slope", "it says", "step with minus", "with plus"),
        rows=rows,
        numeric=(False, True, False, True, True),
        caption=f"A step is the rate {short(found.rate)} times the slope, with its sign.",
    )
    return Section("What the slopes say", (tuple(sentences),), (table,))


def _push(name: str, slope: float, *, level: bool) -> str:
    """One slope says where uphill is, and nothing of how far it is right to go."""
    if slope == 0:
        return f"The slope of {name} is 0: {name} stays."
    if level:
        return f"The slope of {name} is {number(slope)}: level to rounding, its sign says nothing."
    way = "up" if slope < 0 else "down"
    more = "less" if slope < 0 else "more"
    return f"The slope of {name} is {number(slope)}: more {name} means {more} loss, so this step takes {name} {way}."


def _meaning(name: str, slope: float, *, level: bool) -> str:
    if slope == 0:
        return "level"
    return "level to rounding" if level else f"more {name}, {'less' if slope < 0 else 'more'} loss"


def _loops(found: MinusFindings) -> Section:
    """Both loops side by side."""
    sentences = [
        f"Both loops start there and use the rate {short(found.rate)}; only the sign is different.",
        _fate(found),
    ]
    if found.growth is not None and found.predicted_growth is not None:
        sentences.append(
            f"Later every step with plus multiplies the loss by {number(found.growth)}; "
            f"(1 + rate × sharpest curvature)² says {number(found.predicted_growth)}."
        )
    shown = [step for step in SHOWN_STEPS if step < len(found.minus.losses)]
    table = Facts(
        title="The loss, step by step",
        columns=("after steps", "with minus", "with plus"),
        rows=tuple(
            (f"{t:,}", number(float(found.minus.losses[t])), number(float(found.plus.losses[t]))) for t in shown
        ),
        numeric=(True, True, True),
    )
    steps = np.arange(len(found.minus.losses), dtype=np.float64)
    until = found.plus.not_finite_after
    positive = bool((found.minus.losses > 0).all() and (found.plus.losses[:until] > 0).all())
    curves = Curves(
        title="The same loop with minus and with plus",
        series=(
            Series("minus", steps, found.minus.losses, Role.MAIN),
            Series("plus", steps[:until], found.plus.losses[:until], Role.WRONG),
        ),
        x_title="step",
        y_title="loss",
        log_y=positive,
    )
    return Section("The same loop with minus and with plus", (tuple(sentences),), (table, curves))


def _smallest(found: MinusFindings) -> Section:
    """(w − 3)² from both sides."""
    sentences = ["Take the smallest loss there is, (w − 3)², with its bottom at w = 3."]
    for nudge in found.smallest:
        rising, way = ("right", "left") if nudge.slope > 0 else ("left", "right")
        sentences.append(
            f"At w = {short(nudge.start)} the slope is {short(nudge.slope)}: the ground rises to the {rising}, "
            f"so minus goes {way}, to {short(nudge.end)}."
        )
    ends = listed([short(nudge.wrong_end) for nudge in found.smallest])
    sentences.append(f"Both steps go towards 3. Plus would go to {ends}, both away from it.")
    return Section("The smallest example", (tuple(sentences),))


def _convention(found: MinusFindings) -> Section:
    """What of it is a convention and what is not."""
    sentences = ['"The minus is just a convention."']
    if found.apart == 0:
        sentences.append(
            "One thing is: the loss turned upside down, −L, with plus made the very same "
            f"{count(found.steps, 'step')}, to the last bit. "
            "Minus is for what is to be small, plus for what is to be large."
        )
    elif math.isfinite(found.apart):
        sentences.append(
            "One thing is: the loss turned upside down, −L, with plus made the same steps: "
            f"no parameter was ever more than {number(found.apart, 2)} apart."
        )
    minus, plus = float(found.minus.losses[-1]), float(found.plus.losses[-1])
    end = f"{number(minus)} with minus, {number(plus) if math.isfinite(plus) else 'no finite number'} with plus"
    sentences.append(f"But for one and the same loss the sign decides where it ends: {end}.")
    return Section("Is the minus only a convention?", (tuple(sentences),))


def _numbers(found: MinusFindings) -> dict[str, object]:
    return {
        "rate": found.rate,
        "steps": found.steps,
        "start": dict(zip(found.parameter_names, found.start.tolist(), strict=True)),
        "slopes": dict(zip(found.parameter_names, found.slopes.tolist(), strict=True)),
        "minus_losses": found.minus.losses,
        "plus_losses": found.plus.losses,
        "plus_doubled_after": found.doubled_after,
        "plus_not_finite_after": found.plus.not_finite_after,
        "plus_growth": found.growth,
        "plus_growth_predicted": found.predicted_growth,
        "mirror_apart": found.apart,
        "smallest": [
            {"w": nudge.start, "slope": nudge.slope, "minus": nudge.end, "plus": nudge.wrong_end}
            for nudge in found.smallest
        ],
    }
