"""The loss bowl in block characters, seen from above, with the first steps numbered."""

from textwrap import wrap

import numpy as np

from fallline._cli._screen import Screen
from fallline._explain import number
from fallline._loss_function import LossFunction
from fallline._records import Floats, Run
from fallline._surface import grid_loss
from fallline._view import Frame, main_frame

ROWS = 19
NARROWEST, WIDEST = 30, 60
SHADES = " ·░▒▓█"
"""From the highest ring to the lowest: the darker the deeper."""
LONGEST_NAME = 10
"""A longer name of the upright axis stands above the picture instead of beside it."""
NUMBERED = 9
"""Steps whose landing points are numbered."""


def contour_lines(run: Run, objective: LossFunction, screen: Screen) -> list[str]:
    """The picture as lines of text; none where the terminal is too narrow for one."""
    columns = min(WIDEST, screen.width - 14)
    if columns < NARROWEST or not np.isfinite(run.header.start_loss):
        return []
    frame = main_frame(run, objective)
    grid = grid_loss(objective, frame.plane, x=frame.x, y=frame.y, shape=(columns, ROWS))
    cells = [[SHADES[k] for k in row] for row in _rings(grid.loss, frame.floor, frame.start_excess)][::-1]
    _mark(cells, frame, frame.path, run)
    scale = "" if run.header.scaling.is_identity else "; axes in the training scale"
    return _framed(cells, frame, screen.width, scale)


def _rings(loss: Floats, floor: float, start_excess: float) -> list[list[int]]:
    """[ny][nx] which ring floor + Δ/4ᵏ each cell lies in; everything above the start is blank."""
    with np.errstate(all="ignore"):  # a cell that is not finite is blank as well
        depth = np.log(start_excess / np.maximum(loss - floor, start_excess * 1e-12)) / np.log(4.0)
    rings = np.clip(np.nan_to_num(np.floor(depth) + 1, nan=0.0, neginf=0.0), 0, len(SHADES) - 1)
    return [[int(ring) for ring in row] for row in rings]


def _mark(cells: list[list[str]], frame: Frame, path: Floats, run: Run) -> None:
    """The minimum, the numbered steps and where it ended, later marks over earlier ones."""
    if frame.minimum is not None:
        _put(cells, frame, frame.minimum, "×")
    if len(run) > NUMBERED:
        _put(cells, frame, path[-1], "●")
    for k in range(min(NUMBERED, len(run)), -1, -1):
        _put(cells, frame, path[k], str(k))


def _put(cells: list[list[str]], frame: Frame, point: Floats, mark: str) -> None:
    """Set a mark in the cell of a point of the plane [2], where that is inside the picture."""
    if not np.isfinite(point).all():
        return
    across = (point[0] - frame.x[0]) / (frame.x[1] - frame.x[0])
    up = (point[1] - frame.y[0]) / (frame.y[1] - frame.y[0])
    if 0 <= across <= 1 and 0 <= up <= 1:
        rows, columns = len(cells), len(cells[0])
        cells[rows - 1 - round(up * (rows - 1))][round(across * (columns - 1))] = mark


def _framed(cells: list[list[str]], frame: Frame, width: int, scale: str) -> list[str]:
    """Axes with their names and ends around the picture, and what its marks mean."""
    high, low = number(frame.y[1], 3), number(frame.y[0], 3)
    short = len(frame.axes[1]) <= LONGEST_NAME
    gutter = max(len(high), len(low), len(frame.axes[1]) if short else 0)
    labels = {0: high, len(cells) // 2: frame.axes[1] if short else "", len(cells) - 1: low}
    left, right = number(frame.x[0], 3), number(frame.x[1], 3)
    room = len(cells[0]) - len(left) - len(right)
    across = (
        [left + frame.axes[0].center(room) + right]
        if len(frame.axes[0]) < room
        else [
            left + " " * room + right,
            frame.axes[0].center(len(cells[0])),
        ]
    )
    lines = [
        *([] if short else [f"{'':>{gutter}} {frame.axes[1]}"]),
        *(f"{labels.get(k, ''):>{gutter}} │{''.join(row)}" for k, row in enumerate(cells)),
        f"{'':>{gutter}} └{'─' * len(cells[0])}",
        *(f"{'':>{gutter}}  {line}" for line in (*across, *wrap(_legend(cells) + scale, width - gutter - 2))),
    ]
    return [line.rstrip() for line in lines]


def _legend(cells: list[list[str]]) -> str:
    """What the marks that can be seen mean."""
    seen = {cell for row in cells for cell in row}
    meanings = {"0": "0 start", "123456789": "1 … first steps", "×": "× lowest possible", "●": "● end"}
    return "denser is lower; " + ", ".join(text for marks, text in meanings.items() if seen & set(marks))
