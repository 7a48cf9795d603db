"""fallline: see, measure and tune gradient descent.

>>> import fallline as fl
>>> run = fl.fit()
>>> run
<Run line: SGD, 200 steps, descending>
"""

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from fallline._version import VERSION

if TYPE_CHECKING:
    import fallline._figures as figures
    from fallline._backprop import backprop
    from fallline._compare import compare
    from fallline._curvature import curvature, sharpness, spectrum, stability_limit, trace, track_sharpness
    from fallline._data import Table, classes, line, read_table
    from fallline._errors import DataError, FalllineError, FalllineWarning, OptionError, RunFileError
    from fallline._explain import Explanation, explain
    from fallline._fit import fit
    from fallline._integrations import export_tensorboard, lightning_callback, transformers_callback
    from fallline._load import load
    from fallline._models import neuron
    from fallline._objective import Objective
    from fallline._planes import plane
    from fallline._question import why
    from fallline._recorder import Watch, watch
    from fallline._records import Backprop, Outcome, Recording, Run, Step
    from fallline._report import report
    from fallline._store import export_run as export
    from fallline._store import read_snapshot
    from fallline._surface import surface
    from fallline._sweep import sweep
    from fallline._widget import live

__version__ = VERSION

_HOMES = {
    "Backprop": "_records",
    "DataError": "_errors",
    "Explanation": "_explain",
    "FalllineError": "_errors",
    "FalllineWarning": "_errors",
    "Objective": "_objective",
    "OptionError": "_errors",
    "Outcome": "_records",
    "Recording": "_records",
    "Run": "_records",
    "RunFileError": "_errors",
    "Step": "_records",
    "Table": "_data",
    "Watch": "_recorder",
    "backprop": "_backprop",
    "classes": "_data",
    "compare": "_compare",
    "curvature": "_curvature",
    "explain": "_explain",
    "export": "_store:export_run",
    "export_tensorboard": "_integrations",
    "figures": "_figures:",
    "fit": "_fit",
    "lightning_callback": "_integrations",
    "line": "_data",
    "live": "_widget",
    "load": "_load",
    "neuron": "_models",
    "plane": "_planes",
    "read_snapshot": "_store",
    "read_table": "_data",
    "report": "_report",
    "sharpness": "_curvature",
    "spectrum": "_curvature",
    "stability_limit": "_curvature",
    "surface": "_surface",
    "sweep": "_sweep",
    "trace": "_curvature",
    "track_sharpness": "_curvature",
    "transformers_callback": "_integrations",
    "watch": "_recorder",
    "why": "_question",
}
"""Where each public name lives; a room with nothing behind its colon is the name itself.

Rooms are loaded on first use, so that importing fallline loads nothing slow.
"""

__all__ = [
    "Backprop",
    "DataError",
    "Explanation",
    "FalllineError",
    "FalllineWarning",
    "Objective",
    "OptionError",
    "Outcome",
    "Recording",
    "Run",
    "RunFileError",
    "Step",
    "Table",
    "Watch",
    "backprop",
    "classes",
    "compare",
    "curvature",
    "explain",
    "export",
    "export_tensorboard",
    "figures",
    "fit",
    "lightning_callback",
    "line",
    "live",
    "load",
    "neuron",
    "plane",
    "read_snapshot",
    "read_table",
    "report",
    "sharpness",
    "spectrum",
    "stability_limit",
    "surface",
    "sweep",
    "trace",
    "track_sharpness",
    "transformers_callback",
    "watch",
    "why",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'fallline' has no attribute {name!r}")
    _show_runs_in_notebooks()
    room, colon, inner = home.partition(":")
    module = import_module(f"fallline.{room}")
    value = module if colon and not inner else getattr(module, inner or name)
    globals()[name] = value
    return value


def _show_runs_in_notebooks() -> None:
    """Where IPython is running, have it display runs as pictures; elsewhere nothing is loaded."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is not None:
        from fallline._notebook import register_display  # noqa: PLC0415  (heavy, and only a notebook needs it)

        register_display(shell)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
