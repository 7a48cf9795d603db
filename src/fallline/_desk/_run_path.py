"""The kind ``run_path``: what a watched run's snapshots tell of its path, and what a picture of its loss would need."""

import shlex
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from fallline._desk._client import Client, Reply
from fallline._desk._run import in_folder, named_run
from fallline._desk._run_files import RunFile, run_file
from fallline._errors import OptionError
from fallline._planes import coordinates, distance, explained, path_plane
from fallline._records import Floats, Integers
from fallline._store import is_recording, read_series, read_snapshot, stored_header, stored_snapshots
from fallline._wording import count, percent

MOST_NUMBERS = 16_000_000
"""Of all snapshots together, read at once: 128 MB."""
_MILLIONTH = 1e-6
_START = -1
"""The number of the snapshot before the first step."""
_FEWEST = 3
"""Points from which a path has a plane of its own."""


def run_path(request: Mapping[str, object], client: Client) -> Reply:
    """The snapshots of a watched run in the plane that holds most of their path (docs/payload-recording.md).

    Raises:
        OptionError: the name is no run's, or it is no watched loop.
        RunFileError: there is no such run in the folder, or its file cannot be read.
    """
    file = run_file(client.runs, named_run(request))
    if not is_recording(file.path):
        raise OptionError(f"{file.name} is a fit: its page draws the loss itself.")
    last = read_series(file.path, "loss").step[-1:].max(initial=_START)
    steps = tuple(step for step in stored_snapshots(file.path) if step <= last)  # no step that has not ended
    header = stored_header(file.path)
    told: dict[str, object] = {"command": surface_command(file), "plane": None}
    if len(steps) < _FEWEST or header.parameter_count < 2:
        kept = f"{count(len(steps), 'snapshot')} of the parameters {'is' if len(steps) == 1 else 'are'}"
        return {"payload": {**told, "sentences": [f"{kept} in the file: too few for a path in a plane of its own."]}}
    if _FEWEST * header.parameter_count > MOST_NUMBERS:
        most = f"{header.parameter_count:,} parameters are more than the studio reads at once"
        return {"payload": {**told, "sentences": [f"{count(len(steps), 'snapshot')} are in the file; {most}."]}}
    shown = thinned(steps, header.parameter_count)
    path = _read(file.path, shown, client)
    sound = np.isfinite(path).all(axis=1)
    if sound.sum() < _FEWEST:
        return {"payload": {**told, "sentences": ["Too few of the snapshots are finite for a path in a plane."]}}
    at = np.asarray(shown, dtype=np.int64)[sound]
    return {"payload": {**told, **_told(path[sound], at, _losses(file.path, at), len(steps))}}


def surface_command(file: RunFile) -> str:
    """What a terminal makes the picture of the loss with."""
    words = ["fallline", "surface", "mymodule:objective", "--run", file.name, *in_folder(file)]
    return shlex.join([*words, "--report", f"{file.name}-surface.html"])


def thinned(steps: tuple[int, ...], parameters: int) -> tuple[int, ...]:
    """All of them, or evenly as many as there is room for, the first and the last among them.

    >>> thinned((-1, 0, 1, 2, 4), 10), thinned((-1, 0, 1, 2, 4), 4_000_000)
    ((-1, 0, 1, 2, 4), (-1, 0, 2, 4))
    """
    most = max(_FEWEST, MOST_NUMBERS // max(1, parameters))
    if len(steps) <= most:
        return steps
    return tuple(steps[k] for k in np.linspace(0, len(steps) - 1, most).round().astype(int))


def _read(path: Path, steps: tuple[int, ...], client: Client) -> Floats:
    """[S, P] the parameters of each snapshot."""
    rows = []
    for index, step in enumerate(steps):
        client.progress(index / len(steps), f"Reading {count(len(steps), 'snapshot')}")
        tensors = read_snapshot(path, step).values()
        rows.append(np.concatenate([np.asarray(each, dtype=np.float64).reshape(-1) for each in tensors]))
    return np.stack(rows)


def _losses(path: Path, at: Integers) -> list[float | None]:
    """[S] the loss that the loop gave in the step after each snapshot: that of the next batch at these parameters."""
    loss = read_series(path, "loss")
    rows = np.searchsorted(loss.step, at + 1)
    found: list[float | None] = []
    for k, step in zip(rows.tolist(), at.tolist(), strict=True):
        held = k < len(loss.step) and int(loss.step[k]) == step + 1 and bool(loss.measured[k])
        found.append(float(loss.values[k]) if held else None)
    return found


def _held(share: float) -> str:
    """A share that is rounded down: what a plane hides is not talked away."""
    return "all but less than a millionth" if share > 1 - _MILLIONTH else percent(share)


def _told(path: Floats, at: Integers, losses: list[float | None], kept: int) -> dict[str, object]:
    plane = path_plane(path)
    away = distance(plane, path)
    shares = [explained(path, plane.directions[k : k + 1]) for k in range(2)]
    sentences = [
        f"{count(kept, 'snapshot')} of the parameters are in the file, and the plane drawn here holds "
        f"{_held(plane.explained_variance)} of the variance of their path: what lies outside of it no picture on "
        "this plane shows.",
        "Points are shadows: the fainter a point, the further it lies from the plane.",
    ]
    if len(at) < kept:
        sentences.append(f"{count(len(at), 'snapshot')} of {kept:,} are drawn.")
    return {
        "plane": {
            "points": coordinates(plane, path).tolist(),
            "away": away.tolist(),
            "share": plane.explained_variance,
            "shares": shares,
        },
        "steps": at.tolist(),
        "losses": losses,
        "sentences": sentences,
    }
