"""A loss of one parameter as a curve in the terminal, with the places of the steps on it."""

import numpy as np

from fallline._cli._plot import Series, line_plot
from fallline._cli._screen import Screen
from fallline._loss_function import LossFunction
from fallline._records import Floats, Run

WIDEST = 72
POINTS = 200
MARGIN = 0.25
"""Of the width of the path, left free on either side of it."""


def curve_lines(run: Run, objective: LossFunction, screen: Screen) -> list[str]:
    """The picture as lines of text; none where there is no room for one, or nothing finite to show."""
    path = run.trajectory[:, 0]
    shown = path[np.isfinite(path)]
    if not shown.size:
        return []
    seen = shown if objective.optimum is None else np.append(shown, objective.optimum)
    low, high = _window(seen)
    x = np.linspace(low, high, POINTS)
    curve = Series("loss", "·", x, objective.loss(x[:, None]))
    start, after = shown[:1], shown[1:]
    marked = [
        Series("after each step", "●", after, objective.loss(after[:, None]), "o", joined=False),
        Series("start", "0", start, objective.loss(start[:, None]), "0", joined=False),
    ]
    name = run.header.parameter_names[0]
    return line_plot([curve, *marked], width=min(WIDEST, screen.width), x_title=name, y_title="loss")


def _window(path: Floats) -> tuple[float, float]:
    low, high = float(path.min()), float(path.max())
    room = MARGIN * (high - low) if high > low else max(1.0, abs(high))
    return low - room, high + room
