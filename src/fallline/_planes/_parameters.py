"""The plane of two parameters that somebody names."""

import math
import re
from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np

from fallline._arguments import is_whole
from fallline._errors import OptionError, near
from fallline._loss_function import LossFunction
from fallline._planes._cuts import parameter_plane
from fallline._planes._given import entry_name
from fallline._points import Part, layout_of
from fallline._records import Floats, Plane
from fallline._wording import count

MOST_NAMED = 8
"""Parameters held fixed beyond these are counted, not named."""
_ENTRY = re.compile(r"(?P<tensor>.+)\[(?P<place>\s*-?\d+(?:\s*,\s*-?\d+)*\s*)\]")


def named_plane(objective: LossFunction, at: Floats, names: Sequence[str | int] | None) -> Plane:
    """The plane of two parameters; the others are held at ``at`` [P].

    Raises:
        OptionError: not two parameters, or none of these names.
    """
    size = objective.parameter_count
    if names is None:
        if size != 2:
            raise OptionError(f'A plane of parameters needs the names of two of its {size:,}: names=["…", "…"].')
        names = (0, 1)
    if isinstance(names, str) or not isinstance(names, Collection) or len(names) != 2:
        raise OptionError("A plane of parameters needs two names.")
    (i, first), (j, second) = (_found(objective, name) for name in names)
    if i == j:
        raise OptionError(f"A plane needs two different parameters, and {first} was named twice.")
    labels = {i: first, j: second}
    all_names = tuple(labels[k] if k in labels else _label(objective, k) for k in range(min(size, MOST_NAMED)))
    if size > MOST_NAMED:
        all_names = tuple(labels.get(k, "") for k in range(size))
    plane = parameter_plane(i, j, all_names, through=at)
    note = plane.note
    if size > MOST_NAMED:
        note = f"A cut along {first} and {second}; the other {count(size - 2, 'parameter')} held fixed."
    center, reach = _window(objective, at, (i, j))
    return replace(plane, note=note, path=at[None].copy(), center=center, reach=reach)


def _window(
    objective: LossFunction, at: Floats, pair: tuple[int, int]
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Middle and reach: around the optimum of two parameters so that ``at`` is in it, else twice the usual size."""
    best = objective.optimum if objective.parameter_count == 2 else None
    typical = float(np.sqrt(np.mean(at**2)))
    middle, reach = [], []
    for k in pair:
        size = 2.0 * max(abs(float(at[k])), typical)
        if best is not None and at[k] != best[k]:
            size = 1.25 * abs(float(at[k] - best[k]))
        middle.append(float(at[k] if best is None else best[k]))
        reach.append(size if size > 0.0 else 1.0)
    return (middle[0], middle[1]), (reach[0], reach[1])


def _found(objective: LossFunction, name: str | int) -> tuple[int, str]:
    """Index and name of one parameter."""
    size = objective.parameter_count
    if not isinstance(name, str):
        if not is_whole(name):
            raise OptionError(f"A parameter is named by its place, or by its number from 0 on, not by {name!r}.")
        if not 0 <= name < size:
            raise OptionError(f"There is no parameter {name}: they are counted from 0 to {size - 1:,}.")
        return int(name), _label(objective, int(name))
    parts = layout_of(objective)
    if parts is None:
        known = [_label(objective, k) for k in range(size)]
        if name not in known:
            raise OptionError(f'There is no parameter "{name}".{near(name, known) or _some(known)}')
        return known.index(name), name
    return _entry(parts, name)


def _entry(parts: Sequence[Part], name: str) -> tuple[int, str]:
    """Of ``0.weight[3, 5]``, or the name of a tensor that holds one number."""
    by_name = {part.name: part for part in parts}
    match = _ENTRY.fullmatch(name.strip())
    tensor = name.strip() if match is None else match["tensor"].strip()
    if tensor not in by_name:
        raise OptionError(f'There is no parameter "{tensor}".{near(tensor, list(by_name)) or _some(list(by_name))}')
    part = by_name[tensor]
    if match is None:
        if math.prod(part.shape) != 1:
            example = entry_name(part, 0)
            raise OptionError(f'"{tensor}" holds {math.prod(part.shape):,} numbers: name one of them, as "{example}".')
        return part.begin, part.name
    place = tuple(int(k) for k in match["place"].split(","))
    if len(place) != len(part.shape) or any(not -n <= k < n for k, n in zip(place, part.shape, strict=True)):
        raise OptionError(f'"{name}" is no number of {tensor}, whose shape is {tuple(part.shape)}.')
    index = int(np.ravel_multi_index([k % n for k, n in zip(place, part.shape, strict=True)], part.shape))
    return part.begin + index, entry_name(part, index)


def _label(objective: LossFunction, k: int) -> str:
    """What a parameter is called that was asked for by its index."""
    for part in layout_of(objective) or ():
        if part.begin <= k < part.end:
            return entry_name(part, k - part.begin)
    names: Sequence[str] = getattr(objective, "parameter_names", ())
    return names[k] if len(names) == objective.parameter_count else f"parameter {k}"


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:MOST_NAMED])
    return f" It has {shown}{', …' if len(names) > MOST_NAMED else ''}."
