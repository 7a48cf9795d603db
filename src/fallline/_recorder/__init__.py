"""Recording somebody's own training loop, without slowing or changing it."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fallline._recorder._begin import watch
    from fallline._recorder._closing_line import several_layers
    from fallline._recorder._losses import window_before, window_of
    from fallline._recorder._summarised import summarised_recording
    from fallline._recorder._watch import Watch

__all__ = ["Watch", "several_layers", "summarised_recording", "watch", "window_before", "window_of"]

_HOMES = {
    "Watch": "_watch",
    "several_layers": "_closing_line",
    "summarised_recording": "_summarised",
    "watch": "_begin",
    "window_before": "_losses",
    "window_of": "_losses",
}
"""Loaded on first use: who only sums up a recording needs no torch."""


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
