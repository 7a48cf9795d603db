"""The one door to a surface: a rectangle of a plane, the loss on it, and how far it can be trusted."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from fallline._arguments import checked_seed, is_whole
from fallline._errors import OptionError
from fallline._loss_function import LossFunction
from fallline._planes import Plane, coordinates, distance, explained, several_points
from fallline._points import refuse_other
from fallline._records import Floats, Mask, PathMoves, Surface
from fallline._surface._cells import Progress, Tally, loss_at, plane_loss, refuse_too_many
from fallline._surface._chebyshev import EACH, FEWER, Interpolant, fresh_cells, interpolant, local_scale, nodes
from fallline._surface._moves import moves_of, rate_of
from fallline._surface._window import Extent, window_of
from fallline._wording import number, percent

TWICE: Final = 2.0
"""What is printed, in estimates: on 30 planes of digit networks the worst of all cells was up to 1.6 of them off."""
LARGE: Final = 0.1
"""A local relative error above it is not shown: more nodes are taken, then every cell."""
APART: Final = 1e-6
"""A model is in a plane up to this share of its parameters' length: directions are rounded."""
STOPPED: Final = "Stopped by Ctrl-C: "


def surface(
    objective: LossFunction,
    plane: Plane,
    shape: tuple[int, int] = (101, 81),
    *,
    exact: bool = False,
    extent: Extent = None,
    path: object = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Surface:
    """The loss on a rectangle of a plane.

    By default it is interpolated from 13 × 13 Chebyshev nodes and checked at fresh cells; where the local error is
    over a tenth from 17 × 17 or 33 × 33, and where that does not help every cell is evaluated.
    (docs/semantics.md#surface)

    Args:
        objective: :class:`Objective`, or an exact one.
        plane: where to look, from :func:`fallline.plane`. It lies where it was made, also when the model has been
            trained since; buffers and what is held constant are the model's of now, and a note says where these two
            differ.
        shape: cells along the first and the second axis, ``(nx, ny)``.
        exact: True evaluates every cell.
        extent: how far the picture goes: one length to either side of its middle, or the lowest and highest coordinate
            of either axis; around the path, or as the plane's kind has it, unless told.
        path: [T, P], a list of points, a run, the file of a recording: to be drawn into the picture, its true loss
            beside the plane's. The points that made the plane unless told.
        seed: of the fresh cells.
        progress: called with ``(done, total)`` evaluations.

    Returns:
        A :class:`Surface`. Ctrl-C keeps the finished cells (``known``), as soon as there are any.

    Raises:
        OptionError: a shape, an extent or a path that cannot be used; a plane that is not finite.

    >>> import fallline as fl
    >>> from fallline._formulas import formula
    >>> ravine = formula("ravine")
    >>> seen = surface(ravine, fl.plane(ravine, "parameters", at=[1.0, 10.0]), shape=(41, 31))
    >>> seen.loss.shape, seen.method, seen.not_finite
    ((31, 41), 'chebyshev 13×13', 0)
    """
    nx, ny = _checked(plane, shape, objective)
    seed = checked_seed(seed)
    given = plane.path if path is None else several_points(objective, path)
    shadows = None if given is None else coordinates(plane, given)
    x, y = window_of(plane, extent, shadows)
    xs, ys = np.linspace(*x, nx), np.linspace(*y, ny)
    tally = Tally(progress)
    along = _walked(objective, plane, given, shadows, tally)
    before = tally.done
    cells = _Cells(objective, plane, xs, ys, tally)
    smooth = None if exact or nx * ny <= min(FEWER) ** 2 + 3 * EACH else _interpolated(cells, seed)
    grid = smooth if smooth is not None and smooth.kept else _every_cell(cells, smooth)
    evaluations = tally.done - before
    moves = None if given is None or along is None else _asked(objective, plane, given, along[0], grid, tally)
    return Surface(
        plane=plane,
        x=xs,
        y=ys,
        loss=grid.loss,
        known=grid.known,
        method=grid.method,
        evaluations=evaluations,
        local_error=grid.error,
        fresh_error=grid.fresh,
        between_nodes=grid.between,
        not_finite=int(np.sum(~np.isfinite(grid.loss) & grid.known)),
        path=shadows,
        path_loss=None if along is None else along[0],
        path_plane_loss=None if along is None else along[1],
        path_distance=None if given is None else distance(plane, given),
        explained_variance=None
        if given is None
        else explained(given[np.isfinite(given).all(axis=1)], plane.directions),
        path_lengths=None if given is None else _lengths(given),
        moves=moves,
        rate=rate_of(path),
        notes=(*getattr(objective, "notes", ()), *_elsewhere(objective, plane), *grid.notes),
    )


def _elsewhere(objective: LossFunction, plane: Plane) -> tuple[str, ...]:
    """Said where the model has been trained on, or stands elsewhere: what of it is not in the plane is of now."""
    here: Floats | None = getattr(objective, "parameters", None)
    held: Sequence[str] = getattr(objective, "held", ())
    if here is None or not held or not np.isfinite(here).all():
        return ()
    away = float(distance(plane, here[None])[0])
    if not away > APART * float(np.linalg.norm(here)):
        return ()
    return (
        f"The model stands {number(away)} away from this plane now, and its {' and '.join(held)}, the same in every "
        "cell, are those that it holds now.",
    )


def _asked(
    objective: LossFunction, plane: Plane, path: Floats, losses: Floats, grid: "_Grid", tally: Tally
) -> PathMoves | None:
    """Slopes along the path; not after an interruption, and an interruption of it keeps the surface."""
    stopped = any(note.startswith(STOPPED) for note in grid.notes)
    return None if stopped or len(path) < 2 else moves_of(objective, plane, path, losses, tally)


def _lengths(path: Floats) -> Floats:
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(np.linalg.norm(np.diff(path, axis=0), axis=1))


@dataclass(frozen=True)
class _Cells:
    """Where the loss is asked for."""

    objective: LossFunction
    plane: Plane
    x: Floats
    y: Floats
    tally: Tally

    def at(self, us: Floats, vs: Floats) -> tuple[Floats, int]:
        """[B] at plane coordinates, and how many are done."""
        self.tally.expect(len(us))
        return plane_loss(self.objective, self.plane, np.stack([us, vs], axis=1), self.tally)


@dataclass(frozen=True)
class _Grid:
    loss: Floats
    known: Mask
    method: str
    kept: bool = True
    fresh: float | None = None
    between: float | None = None
    notes: tuple[str, ...] = ()
    missed: str = ""
    """Why it is not kept."""

    @property
    def error(self) -> float | None:
        """What is printed; None where there is no estimate."""
        if self.between is None:
            return None
        return TWICE * max(self.between, 0.0 if self.fresh is None else self.fresh)


def _checked(plane: Plane, shape: tuple[int, int], objective: LossFunction) -> tuple[int, int]:
    refuse_other(objective)
    if not isinstance(plane, Plane):
        asked = f'fl.plane(objective, "{plane}")' if isinstance(plane, str) else "fl.plane(objective, …)"
        raise OptionError(f"A surface is taken on a plane, as {asked} makes one; here is a {type(plane).__name__}.")
    if not isinstance(shape, Collection) or len(shape) != 2 or not all(is_whole(n) and n >= 2 for n in shape):
        raise OptionError(f"shape is how many cells along either axis, two or more each; {shape!r} is not.")
    refuse_too_many(int(shape[0]), int(shape[1]))
    if plane.origin.shape != (objective.parameter_count,):
        raise OptionError(
            f"The plane lies among {plane.origin.size:,} parameters, and the objective has "
            f"{objective.parameter_count:,}."
        )
    if not (np.isfinite(plane.origin).all() and np.isfinite(plane.directions).all()):
        raise OptionError("The plane is not finite: no picture can be taken on it.")
    if not np.allclose(plane.directions @ plane.directions.T, np.eye(2), atol=1e-6):
        raise OptionError("The plane's directions are parallel or not of length 1: make it with fl.plane.")
    return int(shape[0]), int(shape[1])


def _walked(
    objective: LossFunction, plane: Plane, given: Floats | None, shadows: Floats | None, tally: Tally
) -> tuple[Floats, Floats] | None:
    """[T] the loss at the path's points and at their shadows; it is first, so that Ctrl-C later leaves it whole."""
    if given is None or shadows is None:
        return None
    tally.expect(2 * len(given))
    inside = objective.parameter_count == 2
    true, done = loss_at(objective, given, tally)
    if inside:
        return _whole(true, done), true
    shadow, also = plane_loss(objective, plane, shadows, tally)
    return _whole(true, done), _whole(shadow, also)


def _whole(losses: Floats, done: int) -> Floats:
    """All of it, or the interruption again: there is nothing yet to keep."""
    if done < len(losses):
        raise KeyboardInterrupt
    return losses


def _every_cell(cells: _Cells, missed: _Grid | None) -> _Grid:
    """Row by row from the middle outwards."""
    nx, ny = len(cells.x), len(cells.y)
    rows = np.argsort(np.abs(np.arange(ny) - (ny - 1) / 2), kind="stable")
    order = (rows[:, None] * nx + np.arange(nx)).ravel()
    values, done = cells.at(np.tile(cells.x, ny), np.repeat(cells.y[rows], nx))
    notes = () if missed is None else (f"{missed.missed}, so every cell is evaluated.",)
    if done < len(order):
        if not done:
            raise KeyboardInterrupt
        notes = (*notes, f"{STOPPED}{done:,} of {len(order):,} cells are known.")
    loss, known = np.zeros(nx * ny), np.zeros(nx * ny, dtype=np.bool_)
    loss[order], known[order[:done]] = values, True
    return _Grid(loss.reshape(ny, nx), known.reshape(ny, nx), "every cell", notes=notes)


def _interpolated(cells: _Cells, seed: int) -> _Grid | None:
    """From the fewest nodes whose local error is small; ``kept`` is False where none is."""
    values: Floats | None = None
    last: _Grid | None = None
    for count in FEWER:
        if last is not None and count * count >= cells.x.size * cells.y.size:
            break
        values, whole = _at_nodes(cells, count, values)
        if not whole:
            if last is None:
                raise KeyboardInterrupt
            return _stopped(last, "more nodes would have been taken.")
        found = interpolant(values, (len(cells.x), len(cells.y)))
        if found is None:
            return _missed("A node of the interpolation is not finite")
        last = _judged(cells, found, count, seed)
        if last.kept or last.fresh == float("inf"):  # more nodes do not mend a hole
            break
    return last


def _judged(cells: _Cells, found: Interpolant, count: int, seed: int) -> _Grid:
    """An interpolant beside the loss itself at fresh cells."""
    row, column = fresh_cells(found, seed)
    true, done = cells.at(cells.x[column], cells.y[row])
    between = float(found.difference.max())
    method = f"chebyshev {count}×{count}"
    known = np.ones(found.loss.shape, dtype=np.bool_)
    fresh: float | None = None
    if done:
        guess, true = found.loss[row, column][:done], true[:done]
        with np.errstate(invalid="ignore"):
            errors = np.abs(guess - true) / local_scale(true, found.loss)
        fresh = float(errors.max()) if np.isfinite(true).all() else float("inf")
    grid = _Grid(found.loss, known, method, True, fresh, between, _in_words(found))
    if done < len(row):
        return _stopped(grid, "not all of the fresh cells were checked.")
    if grid.error is None or grid.error <= LARGE:
        return grid
    off = f"by {percent(grid.error)}" if np.isfinite(grid.error) else "where it is not finite"
    return replace(grid, kept=False, missed=f"{count}×{count} Chebyshev nodes miss the loss locally {off}")


def _in_words(found: Interpolant) -> tuple[str, ...]:
    return () if found.of == "the loss" else (f"Interpolated was {found.of}.",)


def _missed(why: str) -> _Grid:
    nothing = np.zeros((0, 0))
    return _Grid(nothing, nothing.astype(np.bool_), "", False, missed=why)


def _stopped(grid: _Grid, what: str) -> _Grid:
    return replace(grid, kept=True, notes=(*grid.notes, f"{STOPPED}{what}"))


def _at_nodes(cells: _Cells, count: int, before: Floats | None) -> tuple[Floats, bool]:
    """[count, count] values at the nodes, those of half as many are kept; and whether all of them are done."""
    unit = nodes(count)
    us, vs = (side[0] + (side[-1] - side[0]) * (unit + 1) / 2 for side in (cells.x, cells.y))
    values = np.zeros((count, count))
    open_nodes = np.ones((count, count), dtype=np.bool_)
    if before is not None and count == 2 * len(before) - 1:
        values[::2, ::2] = before
        open_nodes[::2, ::2] = False
    row, column = np.nonzero(open_nodes)
    found, done = cells.at(us[column], vs[row])
    values[row, column] = found
    return values, done == len(row)
