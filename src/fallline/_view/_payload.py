"""Everything the live picture is given (docs/payload.md): numbers are computed here, the ES module draws."""

import json
import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fallline._loss_function import LossFunction
from fallline._planes import Plane
from fallline._records import Floats, LimitKind, Run, SweepResult
from fallline._view._chosen import ALL_UP_TO, chosen_steps
from fallline._view._data_panel import DataPanel
from fallline._view._drawn import draw_windows
from fallline._view._frame import place, plane_of
from fallline._view._frames import frames
from fallline._view._history import BUCKETS, history
from fallline._view._path import Path
from fallline._view._rates import rates_payload
from fallline._view._slices import SLICE_T
from fallline._view._text import ViewText

SCHEMA = "fallline.view/1"
_ROW_EVALUATIONS = 20_000_000  # rows × parameter vectors the frames may cost where a loss has no moments
_FEWEST_FRAMES, _VECTORS_PER_FRAME = 40, 45
_WORDS = re.compile(r'"(?:[^"\\]|\\.)*"|NaN|-?Infinity')  # of a JSON text: its strings, and what JSON cannot write


def build_payload(
    run: Run,
    objective: LossFunction,
    explanation: ViewText | None = None,
    rates: SweepResult | str | None = None,
    *,
    home: str = "recorded run",
) -> dict[str, Any]:
    """The payload of a run; NaN and ±inf are floats here, :func:`to_json` writes them as strings.

    Args:
        run: at least a header, columns (possibly of no step) and a sample.
        objective: the run's loss over all rows, in the training scale.
        explanation: who writes the sentences; :mod:`fallline._explain` unless told.
        rates: other rates that the same descent was run at, for the rate slider; a text says why there are none.
        home: what the page calls ``run``, to which the slider leads back.
    """
    text = explanation if explanation is not None else ViewText()
    path = Path.of(run, objective)
    plane = plane_of(run, path)
    steps = chosen_steps(len(run), frame_limit(run))
    panel = None if run.sample is None else DataPanel.of(run, run.sample, len(steps))
    return {
        **standing(run, objective, text=text, path=path, plane=plane),
        **moving(run, objective, text=text, path=path, plane=plane, panel=panel, steps=steps),
        "run_title": "The recorded run" if isinstance(rates, SweepResult) else "The whole run",
        **draw_windows(run, path, plane, objective),
        "data": None if panel is None else panel.payload(run),
        "rates": rates_payload(run, objective, plane, panel, rates, home),
    }


def standing(run: Run, objective: LossFunction, *, text: ViewText, path: Path, plane: Plane) -> dict[str, Any]:
    """The keys that other runs of the same problem from the same start share."""
    return {
        "schema": SCHEMA,
        "title": run.header.name,
        "data_line": text.data_line(run),
        "conversion": text.conversion_line(run),
        "parameters": list(run.header.parameter_names),
        "optimum": _optimum(path),
        "floor": {"loss": path.floor, "kind": "optimum" if path.floor_known else "lowest seen"},
        "batch": {"size": run.header.batch_size, "rows": run.header.rows},
        "plane": _plane_payload(plane, path, objective),
    }


def moving(
    run: Run,
    objective: LossFunction,
    *,
    text: ViewText,
    path: Path,
    plane: Plane,
    panel: DataPanel | None,
    steps: NDArray[np.int64],
    buckets: int = BUCKETS,
    slice_t: Floats = SLICE_T,
) -> dict[str, Any]:
    """The keys that are this run's own, but for its trail.

    Args:
        steps: those that the picture can stop at.
        buckets: at most so many in the charts over all steps.
        slice_t: where along a step its loss is told.
    """
    summary = run.summary
    return {
        "subtitle": text.subtitle(run),
        "outcome": summary.outcome.value if summary is not None else "interrupted",
        "verdict": text.verdict(run),
        "rate": _rate(run),
        "total_steps": len(run),
        "first_not_finite": run.columns.first_not_finite,
        "frames": frames(run, objective, text=text, path=path, plane=plane, panel=panel, steps=steps, slice_t=slice_t),
        "slice_t": slice_t.round(6).tolist(),
        "history": history(run, buckets),
    }


def to_json(payload: dict[str, Any]) -> str:
    """Compact JSON: NaN and ±inf become ``"NaN"``, ``"Infinity"``, ``"-Infinity"``, None becomes ``null``.

    >>> to_json({"a": [1.0, float("nan"), None]})
    '{"a":[1.0,"NaN",null]}'
    """
    text = json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
    return _spelled(text) if "NaN" in text or "Infinity" in text else text


def _spelled(text: str) -> str:
    """Numbers that JSON cannot write as strings; what is one already stays."""
    return _WORDS.sub(lambda found: found[0] if found[0][0] == '"' else f'"{found[0]}"', text)


def _plane_payload(plane: Plane, path: Path, objective: LossFunction) -> dict[str, Any]:
    minimum = None if path.optimum is None else place(plane, path.optimum[None], objective)[0].tolist()
    return {
        "kind": plane.kind,
        "axes": list(plane.axes),
        "note": plane.note,
        "explained_variance": plane.explained_variance,
        "minimum_uv": minimum,
        "minima_uv": [] if path.minima is None else place(plane, path.minima, objective).tolist(),
    }


def frame_limit(run: Run) -> int:
    """Fewer frames where each costs a pass over many rows."""
    if run.moments is not None or run.sample is None:
        return ALL_UP_TO
    affordable = _ROW_EVALUATIONS // (_VECTORS_PER_FRAME * max(len(run.sample.target), 1))
    return int(np.clip(affordable, _FEWEST_FRAMES, ALL_UP_TO))


def _rate(run: Run) -> dict[str, Any]:
    """The rate beside its limit; from half the limit of plain SGD on, its steps cross the valley."""
    header, summary = run.header, run.summary
    limit = summary.stability_limit if summary is not None else None
    kind = summary.limit_kind if summary is not None else None
    crosses = header.plain_descent and kind is LimitKind.PROVABLE
    return {
        "value": header.learning_rate,
        "limit": limit,
        "share": summary.share_of_limit if summary is not None else None,
        "crossing": limit / 2 if crosses and limit is not None else None,
        "kind": kind.value if kind is not None else "",
    }


def _optimum(path: Path) -> dict[str, Any] | None:
    if path.optimum is None:
        return None
    return {"parameters": path.optimum.tolist(), "loss": path.floor}
