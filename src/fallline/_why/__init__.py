"""The questions every learner asks, as experiments: numbers only, `_explain` finds the words."""

from fallline._why._ask import QUESTIONS, Findings, ask, check_question
from fallline._why._basins import BasinFindings, Ends, Setting
from fallline._why._derivative import DerivativeFindings, Race, Spent
from fallline._why._methods import Method
from fallline._why._minimum import MinimumFindings
from fallline._why._minus import MinusFindings
from fallline._why._rate import FOLKLORE, RateFindings
from fallline._why._saddle import SaddleFindings
from fallline._why._valley import ValleyFindings

__all__ = [
    "FOLKLORE",
    "QUESTIONS",
    "BasinFindings",
    "DerivativeFindings",
    "Ends",
    "Findings",
    "Method",
    "MinimumFindings",
    "MinusFindings",
    "Race",
    "RateFindings",
    "SaddleFindings",
    "Setting",
    "Spent",
    "ValleyFindings",
    "ask",
    "check_question",
]
