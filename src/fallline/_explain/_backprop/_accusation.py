"""The outcome of the check in few words: what the head of a page says of it, and the accusation before all else."""

from fallline._explain._backprop._check_words import is_mismatch, wrong_edge_sentences
from fallline._explain._backprop._infinite_slope import wrong_inputs
from fallline._explain._numbers import count, listed
from fallline._records import Backprop, CheckedInput, GradientCheck
from fallline._wording import visible

MOST_NAMED = 3


def accusation(graph: Backprop) -> list[str]:
    """Whose gradient is wrong and which step back is to blame; empty where none is."""
    check = graph.check
    if check is None or not is_mismatch(graph):
        return []
    wrong = [one.name for one in wrong_inputs(graph)]
    lost = [name for name in check.lost if name not in wrong]
    told = [
        f"{_whose(wrong)} wrong." if wrong else "",
        f"{_whose(lost)} NaN or infinite, and finite in float64." if lost else "",
    ]
    return [*filter(None, told), *wrong_edge_sentences(graph)[:MOST_NAMED]]


def check_outcome(check: GradientCheck, *, mismatch: bool) -> tuple[str, str]:
    """The check in a few words, and its tone: ``good``, ``bad``, or ``open`` where something is left to be looked at.

    Args:
        check: of one forward and one backward pass.
        mismatch: whether a gradient is wrong, :func:`is_mismatch`.

    >>> from fallline._records import CheckedInput
    >>> seen = CheckedInput("x", 3, 0, 0.0, 0.0, (0,), 1.0, 1.0, True)
    >>> none = CheckedInput("y", 0, 0, 0.0, 0.0, None, 1.0, 1.0, True)
    >>> [check_outcome(GradientCheck(inputs, 1e-6), mismatch=False) for inputs in [(seen,), (seen, none)]]
    [('gradients checked', 'good'), ('1 of 2 compared', 'open')]
    """
    if mismatch:
        return "gradient wrong", "bad"
    if check.not_finite:
        return "gradient not finite", "bad"
    if check.hooked:
        return "gradient changed by a hook", "open"
    compared = [one for one in check.inputs if one.compared]
    if not compared:
        return "nothing compared", "open"
    if len(compared) < len(check.inputs):
        return f"{len(compared):,} of {len(check.inputs):,} compared", "open"
    return _how_much(compared)


def _how_much(compared: list[CheckedInput]) -> tuple[str, str]:
    """Where some entries of an input, or directions, were left out."""
    cut = [one for one in compared if one.planned is not None and one.entries + one.directions < one.planned]
    if not cut:
        return "gradients checked", "good"
    if len(compared) == 1:
        thing = "entries" if cut[0].entries else "directions"
        return f"{cut[0].entries + cut[0].directions:,} of {cut[0].planned:,} {thing} compared", "open"
    return f"{len(compared) - len(cut):,} of {len(compared):,} compared in full", "open"


def _whose(names: list[str]) -> str:
    return f"The gradient of {_named(names)} is" if len(names) == 1 else f"The gradients of {_named(names)} are"


def _named(names: list[str]) -> str:
    return listed([visible(name) for name in names]) if len(names) <= MOST_NAMED else count(len(names), "tensor")
