"""Everything the live picture is given (docs/payload.md): numbers are computed here, the ES module draws."""

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fallline._planes import Plane, coordinates
from fallline._records import Run
from fallline._surface import LossFunction
from fallline._view._chosen import ALL_UP_TO, chosen_steps
from fallline._view._data_panel import DataPanel
from fallline._view._drawn import draw_windows
from fallline._view._frame import plane_of
from fallline._view._frames import frames
from fallline._view._history import history
from fallline._view._path import Path
from fallline._view._slices import SLICE_T
from fallline._view._text import ViewText

Floats = NDArray[np.float64]

SCHEMA = "fallline.view/1"
_ROW_EVALUATIONS = 20_000_000  # rows × parameter vectors the frames may cost where a loss has no moments
_FEWEST_FRAMES, _VECTORS_PER_FRAME = 40, 45


def build_payload(run: Run, objective: LossFunction, explanation: ViewText | None = None) -> dict[str, Any]:
    """The payload of a run; NaN and ±inf are floats here, :func:`to_json` writes them as strings.

    Args:
        run: at least a header, columns (possibly of no step) and a sample.
        objective: the run's loss over all rows, in the training scale.
        explanation: who writes the sentences; :mod:`fallline._explain` unless told.
    """
    text = explanation if explanation is not None else ViewText()
    path = Path.of(run)
    plane = plane_of(run, path)
    steps = chosen_steps(len(run), _frame_limit(run))
    panel = DataPanel.of(run, len(steps))
    drawn = draw_windows(run, path, plane, objective)
    summary = run.summary
    return {
        "schema": SCHEMA,
        "title": run.header.name,
        "subtitle": text.subtitle(run),
        "data_line": text.data_line(run),
        "conversion": text.conversion_line(run),
        "outcome": summary.outcome.value if summary is not None else "interrupted",
        "verdict": text.verdict(run),
        "rate": _rate(run),
        "parameters": list(run.header.parameter_names),
        "optimum": _optimum(run, path),
        "floor": {"loss": path.floor, "kind": "optimum" if run.moments is not None else "lowest seen"},
        "total_steps": len(run),
        "batch": {"size": run.header.batch_size, "rows": run.header.rows},
        "first_not_finite": _first_not_finite(run),
        "frames": frames(run, objective, text=text, path=path, plane=plane, panel=panel, steps=steps),
        "slice_t": SLICE_T.round(6).tolist(),
        "plane": _plane_payload(plane, path),
        **drawn,
        "history": history(run),
        "data": panel.payload(run),
    }


def to_json(payload: dict[str, Any]) -> str:
    """Compact JSON, safe inside ``<script type="application/json">``.

    NaN and ±inf become ``"NaN"``, ``"Infinity"``, ``"-Infinity"``, None becomes ``null``; ``<`` and the line
    separators U+2028 and U+2029 are escaped.

    >>> to_json({"a": [1.0, float("nan"), None], "b": "</script>"})
    '{"a":[1.0,"NaN",null],"b":"\\\\u003c/script>"}'
    """
    try:
        text = _compact(payload)
    except ValueError:  # only now is every number looked at
        text = _compact(_spelled(payload))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _compact(payload: object) -> str:
    return json.dumps(payload, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _spelled(value: object) -> object:
    """The same structure, its numbers that JSON lacks as strings."""
    if isinstance(value, float):
        if value - value == 0.0:
            return value
        return "NaN" if value != value else "Infinity" if value > 0.0 else "-Infinity"  # noqa: PLR0124
    if isinstance(value, dict):
        return {key: _spelled(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_spelled(item) for item in value]
    return value


def _plane_payload(plane: Plane, path: Path) -> dict[str, Any]:
    minimum = None if path.optimum is None else coordinates(plane, path.optimum[None])[0].tolist()
    return {
        "kind": plane.kind,
        "axes": list(plane.axes),
        "note": plane.note,
        "explained_variance": plane.explained_variance,
        "minimum_uv": minimum,
    }


def _frame_limit(run: Run) -> int:
    """Fewer frames where each costs a pass over many rows."""
    if run.moments is not None:
        return ALL_UP_TO
    affordable = _ROW_EVALUATIONS // (_VECTORS_PER_FRAME * max(len(run.sample.target), 1))
    return int(np.clip(affordable, _FEWEST_FRAMES, ALL_UP_TO))


def _rate(run: Run) -> dict[str, Any]:
    """The rate beside its limit; from half the limit of plain SGD on, its steps cross the valley."""
    header, summary = run.header, run.summary
    limit = summary.stability_limit if summary is not None else None
    kind = summary.limit_kind if summary is not None else ""
    plain = header.optimizer == "SGD" and header.optimizer_options.get("momentum", 0.0) == 0.0
    crosses = limit is not None and plain and kind == "provable"
    return {
        "value": header.learning_rate,
        "limit": limit,
        "share": summary.share_of_limit if summary is not None else None,
        "crossing": limit / 2 if crosses and limit is not None else None,
        "kind": kind,
    }


def _optimum(run: Run, path: Path) -> dict[str, Any] | None:
    if run.moments is None or path.optimum is None:
        return None
    return {"parameters": path.optimum.tolist(), "loss": run.moments.optimum_loss}


def _first_not_finite(run: Run) -> int | None:
    columns = run.columns
    known = ~columns.full_loss_measured | np.isfinite(columns.full_loss)
    sound = np.isfinite(columns.loss) & np.isfinite(columns.parameters).all(axis=1) & known
    return None if bool(sound.all()) else int(np.argmin(sound))
