"""The data and the model's answer to it, in the table's units."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fallline._records import Floats, Run, Sample
from fallline._view._rounding import significant

_SHOWN_ROWS = 400
_CURVE_POINTS = 61
_MOST_PREDICTIONS = 50_000  # numbers in all frames together, for the parity picture
_FEWEST_ROWS = 40


@dataclass(frozen=True)
class DataPanel:
    """What is drawn of the data, and the model's inputs that each frame's curve is computed at."""

    kind: str
    """``line``, ``logistic`` or ``parity``."""
    feature: str
    x: Floats
    """[≤ 400] table units; for parity the target."""
    y: Floats
    """[≤ 400] the target."""
    curve_x: Floats | None
    """[n] table units; None for parity."""
    inputs: Floats
    """[n, D] training scale: where the curve is evaluated."""
    logistic: bool

    @classmethod
    def of(cls, run: Run, sample: Sample, frame_count: int) -> "DataPanel":
        """The panel of a run on a table; several features mean parity, of fewer rows where there are many frames."""
        logistic = run.header.loss == "bce"
        features, target = sample.features, sample.target
        shift, scale = np.array(run.header.scaling.shift), np.array(run.header.scaling.scale)
        if features.shape[1] == 1:
            shown = _even(len(target), _SHOWN_ROWS)
            table_x = features[:, 0] * scale[0] + shift[0]
            curve_x = np.linspace(table_x.min(), table_x.max(), _CURVE_POINTS if logistic else 2)
            inputs = ((curve_x - shift[0]) / scale[0])[:, None]
            kind = "logistic" if logistic else "line"
            name = run.header.features[0]
            return cls(kind, name, table_x[shown], target[shown], curve_x, inputs, logistic)
        affordable = max(_FEWEST_ROWS, _MOST_PREDICTIONS // (2 * max(frame_count, 1)))
        shown = _even(len(target), min(_SHOWN_ROWS, affordable))
        name = run.header.target or ""
        return cls("parity", name, target[shown], target[shown], None, features[shown], logistic)

    def output(self, parameters: Floats) -> Floats:
        """[B, n] the model's output at the panel's inputs for ``parameters`` [B, P]."""
        with np.errstate(over="ignore", invalid="ignore"):
            linear = parameters[:, :-1] @ self.inputs.T + parameters[:, -1:]
        if not self.logistic:
            return significant(linear)
        return np.asarray(np.round(0.5 * (1.0 + np.tanh(0.5 * linear)), 4), dtype=np.float64)

    def payload(self, run: Run) -> dict[str, object]:
        """The payload's ``data``."""
        best = None
        if run.moments is not None:
            best = self.output(run.moments.optimum[None])[0].tolist()
        return {
            "kind": self.kind,
            "feature": self.feature,
            "target": run.header.target,
            "x": significant(self.x).tolist(),
            "y": significant(self.y).tolist(),
            "rows": run.header.rows,
            "curve_x": None if self.curve_x is None else self.curve_x.tolist(),
            "best": best,
        }


def _even(total: int, most: int) -> NDArray[np.int64]:
    """At most so many indices of ``total`` rows, evenly spread."""
    return np.unique(np.linspace(0, total - 1, min(total, most)).round().astype(np.int64))
