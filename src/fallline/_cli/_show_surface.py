"""A loss on a plane on the screen: block characters seen from above, and the honesty panel."""

import json
from pathlib import Path

import numpy as np

from fallline._cli._screen import Screen
from fallline._cli._show_curvature import headline
from fallline._explain import count, honesty, lowest_cell, number, shown_losses, surface_lines, surface_numbers
from fallline._explain import surface_title as titled
from fallline._figures._colour import loss_scale, walks
from fallline._loss_function import LossFunction
from fallline._records import Floats, Surface
from fallline._store import plain

SCHEMA = "fallline.surface/1"
ROWS = 21
NARROWEST, WIDEST = 24, 72
SHADES = " ·░▒▓█"
"""From the highest ring to the lowest: the darker the deeper."""
LOST, UNSEEN = "x", "?"
LOWEST = "×"


def as_json(name: str, surface: Surface, page: Path | None) -> str:
    """The result for programs: docs/json.md."""
    told = {
        "schema": SCHEMA,
        "objective": name,
        **surface_numbers(surface),
        "honesty": honesty(surface),
        "report": None if page is None else str(page),
    }
    return json.dumps(plain(told), allow_nan=False, ensure_ascii=False)


def show_surface(screen: Screen, name: str, objective: LossFunction, surface: Surface, page: Path | None) -> None:
    """The whole story, top to bottom."""
    rows, batches = getattr(objective, "rows", None), getattr(objective, "batches", None)
    screen.paragraph(headline(name, objective.parameter_count, rows, batches, None))
    screen.say("")
    screen.paragraph(titled(surface))
    screen.say("")
    picture = picture_lines(surface, screen)
    screen.say(*picture, *([""] if picture else []))
    for line in surface_lines(surface)[2:]:
        screen.paragraph(line)
    screen.say("")
    for sentence in honesty(surface):
        for k, line in enumerate(screen.wrapped(sentence, min(screen.width, 100) - 2)):
            screen.say(f"{'· ' if k == 0 else '  '}{line}")
    if page is not None:
        screen.say("", f"report  {page}")


def picture_lines(surface: Surface, screen: Screen) -> list[str]:
    """The rings as lines of text; none where the terminal is too narrow for them."""
    columns = min(WIDEST, screen.width - 10)
    if columns < NARROWEST or not shown_losses(surface).size:
        return []
    cells = _shaded(surface, columns)
    marks = _marked(cells, surface)
    return _framed(cells, surface, screen, marks)


def _shaded(surface: Surface, columns: int) -> list[list[str]]:
    """[rows][columns] from the top; every character is the cell nearest to its place."""
    rows = np.linspace(len(surface.y) - 1, 0, ROWS).round().astype(int)
    places = np.linspace(0, len(surface.x) - 1, columns).round().astype(int)
    loss, known = surface.loss[np.ix_(rows, places)], surface.known[np.ix_(rows, places)]
    scale = loss_scale(surface)
    if scale is None:
        depth = np.ones(loss.shape, dtype=np.int64)
    else:
        with np.errstate(invalid="ignore"):
            depth = np.clip(np.nan_to_num(np.floor(-scale.positions(loss)) + 1), 0, len(SHADES) - 1).astype(np.int64)
    return [
        [UNSEEN if not seen else SHADES[level] if finite else LOST for seen, finite, level in zip(*line, strict=True)]
        for line in zip(known, np.isfinite(loss), depth, strict=True)
    ]


def _marked(cells: list[list[str]], surface: Surface) -> dict[str, str]:
    """Set the lowest cell and the path; what each sign means."""
    meanings = {}
    low = lowest_cell(surface)
    if low is not None and _put(cells, surface, np.array(low[:2]), LOWEST):
        meanings[LOWEST] = "lowest cell"
    path = surface.path
    if path is None or not walks(surface):
        here = np.zeros(2) if path is None else path[0]
        if (path is not None or surface.plane.kind in ("hessian", "random")) and _put(cells, surface, here, "o"):
            meanings["o"] = "the parameters as they stand"
        return meanings
    for point in path[1:-1]:
        if _put(cells, surface, point, "+"):
            meanings["+"] = "path"
    for sign, point, name in (("o", path[-1], "its end"), ("0", path[0], "its start")):
        if _put(cells, surface, point, sign):
            meanings[sign] = name
    return meanings


def _put(cells: list[list[str]], surface: Surface, point: Floats, mark: str) -> bool:
    """Set a mark in the cell of a point of the plane [2], where that is inside the picture."""
    if not np.isfinite(point).all():
        return False
    across = (point[0] - surface.x[0]) / (surface.x[-1] - surface.x[0])
    up = (point[1] - surface.y[0]) / (surface.y[-1] - surface.y[0])
    if not (0 <= across <= 1 and 0 <= up <= 1):
        return False
    rows, columns = len(cells), len(cells[0])
    cells[rows - 1 - round(up * (rows - 1))][round(across * (columns - 1))] = mark
    return True


def _framed(cells: list[list[str]], surface: Surface, screen: Screen, marks: dict[str, str]) -> list[str]:
    """Axes with their names and ends around the picture, and what its signs mean."""
    high, low = number(float(surface.y[-1]), 3), number(float(surface.y[0]), 3)
    gutter = max(len(high), len(low))
    labels = {0: high, len(cells) - 1: low}
    left, right = number(float(surface.x[0]), 3), number(float(surface.x[-1]), 3)
    across = left + " " * (len(cells[0]) - len(left) - len(right)) + right
    seen = {cell for row in cells for cell in row}
    told = ["denser is lower: each shade is four times nearer to the lowest loss"]
    told += [f"{sign} {name}" for sign, name in marks.items() if sign in seen]
    told += [f"{LOST} not finite"] if surface.not_finite else []
    told += [f"{UNSEEN} not evaluated: {count(int((~surface.known).sum()), 'cell')}"] if not surface.complete else []
    room = min(len(cells[0]), screen.width - gutter - 2)
    words = [f"up: {surface.plane.axes[1]}", f"across: {surface.plane.axes[0]}", "; ".join(told)]
    lines = [
        *(f"{labels.get(k, ''):>{gutter}} │{''.join(row)}" for k, row in enumerate(cells)),
        f"{'':>{gutter}} └{'─' * len(cells[0])}",
        f"{'':>{gutter}}  {across}",
        *(f"{'':>{gutter}}  {line}" for text in words for line in screen.wrapped(text, room)),
    ]
    return [line.rstrip() for line in lines]
