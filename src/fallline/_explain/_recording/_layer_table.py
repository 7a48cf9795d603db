"""The layers at one step as a small table, where they were measured there."""

import numpy as np

from fallline._columns import aligned
from fallline._explain._numbers import number, percent
from fallline._explain._recording._rows import layer_name
from fallline._records import Recording

MOST = 12
"""More layers than this are counted: those that moved most for their size are shown."""


@np.errstate(all="ignore")  # what is not finite is data
def layer_table(recording: Recording, row: int) -> list[str]:
    """Gradient, update, parameters and ratio of each layer at a row of the steps; none where not measured there."""
    layers = recording.layers
    at = np.flatnonzero(layers.step == recording.steps.step[row])
    if not at.size:
        return []
    here = int(at[0])
    known = [int(k) for k in np.flatnonzero(layers.measured[here])]
    with np.errstate(all="ignore"):
        ratio = layers.update_norm[here] / layers.parameter_norm[here]
    most = sorted(sorted(known, key=lambda k: -np.nan_to_num(ratio[k], nan=np.inf))[:MOST])
    rows: list[tuple[str, ...]] = [("layer", "gradient", "update", "parameters", "ratio")]
    rows += [
        (
            layer_name(recording.header, k),
            *(number(float(part[here, k]), 3) for part in (layers.gradient_norm, layers.update_norm)),
            number(float(layers.parameter_norm[here, k]), 3),
            percent(float(ratio[k])) if np.isfinite(ratio[k]) else "",
        )
        for k in most
    ]
    hidden = len(known) - len(most)
    return aligned(rows, (False, True, True, True, True)) + (
        [f"{hidden:,} more layers moved less for their size"] if hidden else []
    )
