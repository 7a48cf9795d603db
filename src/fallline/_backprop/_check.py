"""A gradient held against central differences in float64, input by input."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import hypot, inf, isfinite
from typing import Final, NamedTuple

import torch

from fallline._backprop._comparison import Compared, compare_directions, compare_entries
from fallline._backprop._culprit import WrongEdge, find_wrong_edges
from fallline._backprop._differences import Slope
from fallline._backprop._probe import SEED, CannotCompareError, Evaluate, Probe
from fallline._backprop._verdicts import TOLERANCE, Judge, Verdict
from fallline._records import GradientCheck, LowPrecision
from fallline._wording import count, number, visible

MOST_ENTRIES: Final = 1_000
"""An input of more is compared along directions."""
DIRECTIONS: Final = 8
"""For an input that is not compared entry by entry. One shows any wrong number with probability 1, but perhaps smaller
than it is; that all eight show it ten times too small has a chance of 0.08⁸, two in a billion."""
FEW_DIRECTIONS: Final = 4
"""For all inputs at once: 0.08⁴ is four in a hundred thousand."""
MOST_EVALUATIONS: Final = 8_000
LEAST_EVALUATIONS: Final = 40
MOST_WORK: Final = 10**10
"""Multiplications of all evaluations together: a few seconds on two cores."""
COPYING: Final = 20
"""What a parameter's copy to float64 costs, in multiplications."""
CLOSER: Final = 0.5
"""This share of the evaluations that the plan may take is spent on closer looks where they are needed."""

NOT_TOLD: Final = "Which operation's step back is wrong could not be told."
KINK_NOT_TOLD: Final = (
    "Which operation's step back is to blame could not be told: at a kink such a value may also be the sum of what "
    "several give, each of them right by itself."
)
UNSETTLED: Final = "one difference is too inexact there, and closer looks would take too many evaluations"
KEPT_VALUES: Final = (
    "What the forward of {} kept is used in a derivative that is differentiated once more: autograd takes it for a "
    "constant there, though it may move with the operands."
)

Place = Callable[[Sequence[WrongEdge]], tuple[int, ...]]
NOTHING: Final = 0.01
"""Of what was computed: a gradient that float64 has no more of is rounding alone."""
COARSE: Final = 0.01
"""Of its size: a difference that says something even of a function that rounds to less than float64 on its way."""


@dataclass(frozen=True)
class Plan:
    """How each input is compared."""

    entries: tuple[str, ...]
    directions: tuple[str, ...]
    number: int
    """Of directions."""
    together: bool
    """All inputs at once along each direction, because there is no time for each of its own."""

    def evaluations(self, sizes: Mapping[str, int]) -> int:
        """How many it takes where nothing is doubtful."""
        along = 1 if self.together else len(self.directions)
        return 2 * (sum(sizes[name] for name in self.entries) + along * self.number)


def check_gradients(
    evaluate: Evaluate,
    leaves: Mapping[str, torch.Tensor],
    gradients: Mapping[str, torch.Tensor],
    vector: torch.Tensor | None = None,
    place: Place | None = None,
    hooked: Sequence[str] = (),
) -> GradientCheck:
    """Autograd's gradient in float64 against central differences of the same function.

    Every entry of an input of up to 1,000, eight random directions (fixed seed) for a larger one; fewer where a single
    evaluation is much work, which the remarks say. An entry beside a kink is a remark and no mismatch: autograd gives
    the slope of one side there.

    Args:
        evaluate: leaves (float64, asking for a gradient) → result; the same random numbers every time.
        leaves: by name, in whatever dtype the gradient was computed.
        gradients: as they were computed; those missing are not compared with the float64 ones.
        vector: [result's shape] what the backward pass began with; None for 1.
        place: puts the wrong edges (node of the walk, operand) into the numbers of a graph.
        hooked: inputs whose gradient a hook of the user's changed; the comparison runs without hooks.

    >>> x = torch.tensor([1.0, 2.0])
    >>> check = check_gradients(lambda leaves: (leaves["x"] ** 3).sum(), {"x": x}, {"x": 3 * x * x})
    >>> check.agrees, check.inputs[0].entries, check.inputs[0].autograd
    (True, 2, 3.0)
    """
    moving = {name: leaf for name, leaf in leaves.items() if leaf.numel()}
    try:
        probe = Probe(evaluate, {name: _in_double(leaf) for name, leaf in moving.items()}, vector)
        sizes = {name: leaf.numel() for name, leaf in moving.items()}
        evaluations = evaluations_for(probe.work + COPYING * sum(sizes.values()))
        plan = plan_of(sizes, evaluations)
        judge = Judge(probe, evaluate, most=plan.evaluations(sizes) + int(CLOSER * evaluations))
        compared = _compare(judge, plan)
        wrong_edges, about_edges = _wrong_edges(judge, list(compared.values()), place)
    except CannotCompareError as error:
        return GradientCheck((), TOLERANCE, remarks=(str(error),))
    inexact = _inexact(probe.gradients, {name: each for name, each in gradients.items() if name not in hooked})
    remarks = [
        *_about_plan(plan, list(moving)),
        *_about_inputs(plan, compared),
        *_about_function(probe),
        *about_edges,
    ]
    inputs = tuple(replace(each.checked, why_not=_why_not(each)) for each in compared.values())
    lost = tuple(name for name in inexact if not isfinite(inexact[name].apart))
    precision = _low_precision({name: each for name, each in inexact.items() if isfinite(each.apart)})
    if probe.coarse and precision is not None and precision.share < COARSE:
        precision = None  # the run in float64 was none: both were rounded alike
    infinite = tuple(name for name, each in probe.gradients.items() if not bool(torch.isfinite(each).all()))
    return GradientCheck(
        inputs,
        TOLERANCE,
        wrong_edges,
        tuple(remarks),
        judge.evaluations,
        lost=lost,
        hooked=tuple(hooked),
        not_finite=infinite,
        low_precision=precision,
        rounding=() if probe.coarse else tuple(name for name, each in inexact.items() if each.is_rounding),
    )


def evaluations_for(work: int) -> int:
    """How many evaluations are spent on a function of so many multiplications."""
    return max(LEAST_EVALUATIONS, min(MOST_EVALUATIONS, MOST_WORK // max(1, work)))


def plan_of(sizes: Mapping[str, int], evaluations: int) -> Plan:
    """Entries where the evaluations last, the largest inputs along directions first.

    >>> plan_of({"x": 3, "weight": 5_000}, 8_000)
    Plan(entries=('x',), directions=('weight',), number=8, together=False)
    """
    entries = {name for name, size in sizes.items() if size <= MOST_ENTRIES}

    def cost(directions: int) -> int:
        return 2 * sum(size if name in entries else min(size, directions) for name, size in sizes.items())

    for name in sorted(entries, key=lambda name: -sizes[name]):
        if cost(DIRECTIONS) <= evaluations:
            break
        if sizes[name] > DIRECTIONS:
            entries.discard(name)
    directions = DIRECTIONS
    while directions > 1 and cost(directions) > evaluations:
        directions //= 2
    together = cost(directions) > evaluations
    if together:
        return Plan((), tuple(sizes), FEW_DIRECTIONS, together=True)
    compared = tuple(name for name in sizes if name in entries)
    return Plan(compared, tuple(name for name in sizes if name not in entries), directions, together=False)


def _compare(judge: Judge, plan: Plan) -> dict[str, Compared]:
    """In the order of the inputs."""
    if plan.together:
        found = compare_directions(judge, plan.directions, plan.number, SEED + 100)
        if all(each.wrong is None for each in found.values()):
            return found
        return {  # one of them is wrong: which
            name: compare_directions(judge, [name], 1, SEED + 200 + place)[name]
            for place, name in enumerate(plan.directions)
        }
    found = {}
    for place, name in enumerate(judge.probe.leaves):
        if name in plan.entries:
            found[name] = compare_entries(judge, name)
        else:
            found |= compare_directions(judge, [name], plan.number, SEED + 100 * (place + 1))
    return found


def _wrong_edges(judge: Judge, compared: Sequence[Compared], place: Place | None) -> tuple[tuple[int, ...], list[str]]:
    if place is None:
        return (), []
    found: dict[WrongEdge, None] = {}
    for each in compared:
        if each.wrong is not None and each.kink is not None:
            alone = find_wrong_edges(judge.probe, each.wrong.direction)
            if len({edge.node for edge in alone}) == 1:  # of several some are at a kink too, and right
                found |= dict.fromkeys(alone)
        elif each.wrong is not None:
            at = judge.wrong_beside(each.wrong)
            everywhere = at.random_direction(list(each.wrong.direction))
            for direction in (each.wrong.direction, everywhere):
                found |= dict.fromkeys(find_wrong_edges(at, direction))
    if not found:
        if any(each.kink is not None for each in compared):
            return (), [KINK_NOT_TOLD]
        wrong = any(each.wrong is not None and isfinite(each.wrong.autograd) for each in compared)
        return (), [_not_told(judge.probe)] if wrong else []
    return place(tuple(found)), []


def _not_told(probe: Probe) -> str:
    if not probe.used_again:
        return NOT_TOLD
    names = ", ".join(visible(name) for name in probe.used_again)
    return f"{NOT_TOLD} {KEPT_VALUES.format(names)}"


def _in_double(leaf: torch.Tensor) -> torch.Tensor:
    try:
        return leaf.detach().to(torch.float64)
    except (TypeError, RuntimeError):
        raise CannotCompareError(
            f"The gradient was not compared: a tensor on {leaf.device.type} has no float64."
        ) from None


def _about_plan(plan: Plan, names: Sequence[str]) -> list[str]:
    if plan.together:
        return [
            f"All {count(len(names), 'tensor')} were moved together along {count(plan.number, 'random direction')}, "
            "because one evaluation is much work: an error of less than "
            f"{number(TOLERANCE, 1)} of the whole gradient would not show."
        ]
    if plan.directions:
        shown = ", ".join(visible(name) for name in plan.directions[:3])
        more = f" and {len(plan.directions) - 3} more" if len(plan.directions) > 3 else ""
        along = count(plan.number, "random direction")
        return [f"{shown}{more}: compared along {along} in place of every entry."]
    return []


def _about_inputs(plan: Plan, compared: Mapping[str, Compared]) -> list[str]:
    """Once for all of them where they were moved together and none is wrong; not where ``_why_not`` says it all."""
    if plan.together and all(each.wrong is None for each in compared.values()):
        first = next(iter(compared.values()))
        return [] if _why_not(first) is not None else _about_input("all inputs together", first)
    return [
        sentence for name, each in compared.items() if _why_not(each) is None for sentence in _about_input(name, each)
    ]


def _why_not(compared: Compared) -> str | None:
    """Why nothing of an input was compared; None where something was."""
    if compared.checked.compared:
        return None
    reasons = {
        Verdict.NOT_FINITE: "the result beside this point is NaN or infinite",
        Verdict.KINK: "a kink is there, where the slopes to either side differ; autograd's value lies between both, "
        "as any subgradient may",
        Verdict.UNJUDGED: "a kink or a jump is there, of the result or on its way; autograd is right close by, and "
        "what it gives there was not judged",
        Verdict.HIDDEN: "the change is smaller than the result's own rounding",
    }
    told = [reason for verdict, reason in reasons.items() if compared.verdicts.get(verdict, 0)]
    if _unsettled(compared):
        told.append(UNSETTLED)
    return "; ".join(told) if told else "nothing was settled"


def _unsettled(compared: Compared) -> int:
    """Entries or directions that one difference does not settle, when the evaluations were used up."""
    return compared.verdicts.get(Verdict.DOUBTFUL, 0) + compared.not_looked_at


def _about_input(name: str, compared: Compared) -> list[str]:
    shown, verdicts, thing = visible(name), compared.verdicts, compared.thing
    empty, hidden = (_how_many(verdicts.get(each, 0), thing) for each in (Verdict.NOT_FINITE, Verdict.HIDDEN))
    found = []
    if compared.kink is not None:
        before, after = _to_either_side(compared.kink)
        found.append(
            f"There {shown} lies at a kink: the slopes to either side are {before} and {after}. Any value between them "
            f"would do, and {number(compared.checked.autograd, 3)} does not lie there."
        )
    if verdicts.get(Verdict.KINK, 0):
        found.append(
            f"{_how_many(verdicts[Verdict.KINK], thing)} of {shown} {_is(verdicts[Verdict.KINK], 'lies', 'lie')} at a "
            "kink, where the slopes to either side differ and there is no derivative to compare with: autograd's value "
            "lies between both, as any subgradient may."
        )
    if verdicts.get(Verdict.UNJUDGED, 0):
        found.append(
            f"{_how_many(verdicts[Verdict.UNJUDGED], thing)} of {shown} "
            f"{_is(verdicts[Verdict.UNJUDGED], 'lies', 'lie')} beside a kink or a jump, of the result or on its way: "
            "autograd is right close by, and what it gives there was not judged."
        )
    if verdicts.get(Verdict.NOT_FINITE, 0):
        found.append(f"{empty} of {shown} not compared: the result beside this point is NaN or infinite.")
    if _unsettled(compared):
        found.append(f"{_how_many(_unsettled(compared), thing)} of {shown} not compared: {UNSETTLED}.")
    if verdicts.get(Verdict.HIDDEN, 0):
        found.append(f"{hidden} of {shown} not compared: the change is smaller than the result's own rounding.")
    checked = compared.checked
    if not checked.agrees and not isfinite(checked.autograd):
        found.append(f"Autograd gives {number(checked.autograd)} in {shown} where differences are finite.")
    return found


def _to_either_side(kink: Slope) -> tuple[str, str]:
    """One that is small beside the other is 0, but for what the step to its side sees of a bend."""
    small = 1e-3 * max(abs(kink.before), abs(kink.after))
    before, after = (number(0.0 if abs(slope) < small else slope, 3) for slope in (kink.before, kink.after))
    return before, after


def _about_function(probe: Probe) -> list[str]:
    found = []
    if probe.cuts:
        found.append(
            "What autograd holds constant (detach, no_grad, item, comparisons) was held constant for the differences "
            "as well."
        )
    if probe.coarse:
        dtype = str(probe.precision).removeprefix("torch.")
        found.append(f"The function computes in {dtype} on its way, so differences are exact only to its rounding.")
    return found


class Inexact(NamedTuple):
    """A gradient as it was computed, and the float64 one."""

    apart: float
    """Norm of their difference; NaN or infinite where the computed one is."""
    size: float
    """Norm of the float64 one, finite."""
    dtype: str

    @property
    def is_rounding(self) -> bool:
        """Whether next to nothing of what was computed is there in float64."""
        return isfinite(self.apart) and self.size <= NOTHING * self.apart and self.apart > 0


def _inexact(exact: Mapping[str, torch.Tensor], given: Mapping[str, torch.Tensor]) -> dict[str, Inexact]:
    """Those that were computed in less than float64."""
    found = {}
    for name, gradient in given.items():
        if name not in exact or gradient.dtype is torch.float64:
            continue
        truth = exact[name].to("cpu").reshape(-1)
        apart = gradient.detach().to("cpu", torch.float64).reshape(-1) - truth
        if isfinite(size := float(truth.norm())):
            found[name] = Inexact(float(apart.norm()), size, str(gradient.dtype).removeprefix("torch."))
    return found


def _low_precision(known: Mapping[str, Inexact]) -> LowPrecision | None:
    """All inputs together: one alone may have nothing but rounding for a gradient (a bias before batch norm)."""
    whole = hypot(*(each.size for each in known.values()))
    if not (known and 0 < whole < inf):
        return None
    worst = max(known, key=lambda name: known[name].apart)
    share = hypot(*(each.apart for each in known.values())) / whole
    return LowPrecision(known[worst].dtype, share, worst if len(known) > 1 else None)


def _how_many(many: int, thing: str) -> str:
    if thing == "entry":
        return "1 entry" if many == 1 else f"{many:,} entries"
    return count(many, thing)


def _is(many: int, one: str, several: str) -> str:
    return one if many == 1 else several
