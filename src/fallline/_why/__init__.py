"""The questions every learner asks, as experiments: numbers only, `_explain` finds the words."""

from fallline._why._ask import QUESTIONS, Findings, ask, check_question, check_surface_only
from fallline._why._basins import BasinFindings, Ends, Setting
from fallline._why._derivative import DerivativeFindings, Race, Spent
from fallline._why._methods import Method
from fallline._why._minimum import MinimumFindings
from fallline._why._minus import MinusFindings
from fallline._why._promise import PowerLaw
from fallline._why._rate import NAMED_RATES, LimitFound, RateFindings, Units
from fallline._why._saddle import SaddleFindings
from fallline._why._valley import Crawl, ValleyFindings

__all__ = [
    "NAMED_RATES",
    "QUESTIONS",
    "BasinFindings",
    "Crawl",
    "DerivativeFindings",
    "Ends",
    "Findings",
    "LimitFound",
    "Method",
    "MinimumFindings",
    "MinusFindings",
    "PowerLaw",
    "Race",
    "RateFindings",
    "SaddleFindings",
    "Setting",
    "Spent",
    "Units",
    "ValleyFindings",
    "ask",
    "check_question",
    "check_surface_only",
]
