"""Plotly, loaded when the first figure is made."""

from types import ModuleType

from fallline._errors import FalllineError, OptionError
from fallline._records import Spectrum, Surface, SweepResult


def graph_objects() -> ModuleType:
    """``plotly.graph_objects``; where Plotly is missing, one sentence that says what to do."""
    try:
        from plotly import graph_objects as found  # noqa: PLC0415  (heavy, and only a figure needs it)
    except ImportError as problem:
        raise FalllineError("Figures are drawn by Plotly, which is not installed: pip install plotly.") from problem
    module: ModuleType = found
    return module


def check_sweep(result: object, function: str) -> None:
    """Figures of sweeps take sweeps."""
    if not isinstance(result, SweepResult):
        raise OptionError(f"{function} takes what fl.sweep returns, not {type(result).__name__}.")


def check_surface(result: object, function: str) -> None:
    """Pictures of a loss take surfaces."""
    if not isinstance(result, Surface):
        raise OptionError(f"{function} takes what fl.surface returns, not {type(result).__name__}.")


def check_spectrum(result: object, function: str) -> None:
    """Pictures of eigenvalues take spectra."""
    if not isinstance(result, Spectrum):
        raise OptionError(f"{function} takes what fl.spectrum returns, not {type(result).__name__}.")
