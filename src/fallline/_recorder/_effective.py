"""The effective step of adaptive optimizers: by how much a layer's entries move for a unit of averaged gradient.

η/P, entry by entry, P the preconditioner of that moment (Adam: Kingma and Ba 2015), as in
:func:`fallline._curvature.preconditioner`: the bias correction of the mean is part of P.
"""

from collections.abc import Sequence

import numpy as np

from fallline._records import EffectiveSeries, Floats, Integers


def effective_of(step: int, sums: Sequence[Floats], layers: Sequence[Integers], count: int) -> EffectiveSeries | None:
    """One row of the mean of η/P over each layer, None where no layer's optimizer is adaptive.

    Args:
        step: of the record.
        sums: for each optimizer [tensors, 2]: ΣηP⁻¹ and the number of entries it is over, 0 where it is not adaptive.
        layers: for each optimizer [tensors] the layer of each tensor.
        count: L

    >>> row = effective_of(3, [np.array([[0.5, 2.0], [0.1, 2.0]])], [np.array([0, 0])], 2)
    >>> row.rate.round(4).tolist(), row.measured.tolist()
    ([[0.15, 0.0]], [[True, False]])
    """
    total, entries = np.zeros(count), np.zeros(count)
    for block, layer in zip(sums, layers, strict=True):
        np.add.at(total, layer, block[:, 0])
        np.add.at(entries, layer, block[:, 1])
    measured = entries > 0
    if not measured.any():
        return None
    rate = np.divide(total, entries, out=np.zeros(count), where=measured)
    return EffectiveSeries(np.array([step]), rate[None], measured[None])
