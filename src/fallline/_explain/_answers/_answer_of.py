"""From what an experiment found to its answer."""

from fallline._explain._answers._derivative import derivative_answer
from fallline._explain._answers._minimum import minimum_answer
from fallline._explain._answers._minus import minus_answer
from fallline._explain._answers._rate import rate_answer
from fallline._records import Answer
from fallline._why import DerivativeFindings, Findings, MinusFindings, RateFindings


def answer_of(found: Findings) -> Answer:
    """The words for what an experiment found."""
    if isinstance(found, MinusFindings):
        return minus_answer(found)
    if isinstance(found, RateFindings):
        return rate_answer(found)
    if isinstance(found, DerivativeFindings):
        return derivative_answer(found)
    return minimum_answer(found)
