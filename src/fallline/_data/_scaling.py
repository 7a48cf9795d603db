"""Between the table's units and the training scale: x_training = (x − shift) / scale.

Formulas: docs/semantics.md#units-and-standardising. With weights w, bias b, shifts m and scales s,
w·(x − m)/s + b = (w/s)·x + (b − Σ w·m/s).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from fallline._data._columns import Column, length
from fallline._errors import DataError
from fallline._records import Floats, Scaling


def standardise(columns: Sequence[Column]) -> tuple[Floats, Scaling]:
    """Features shifted to mean 0 and divided by their population standard deviation [N, D], and the Scaling.

    ``columns`` is :attr:`Table.feature_columns`. The deviation is taken in two passes in float64; the result is a
    new row-major array, each column written straight into its place. Raises DataError for a constant feature,
    which has no scale.

    >>> standardise([(np.array([1.0, 3.0]),)])
    (array([[-1.],
           [ 1.]]), Scaling(shift=(2.0,), scale=(1.0,)))
    """
    deviation = np.empty(length(columns[0]))
    scaled = np.empty((len(deviation), len(columns)))
    shifts, scales = [], []
    for index, column in enumerate(columns):
        np.concatenate(column, out=deviation)
        shift = float(deviation.mean())
        deviation -= shift
        scale = _root_mean_square(deviation)
        if scale == 0.0:
            raise DataError(f"Feature {index + 1} is constant ({shift:.6g}): it has no scale; leave it out.")
        np.divide(deviation, scale, out=scaled[:, index])
        shifts.append(shift)
        scales.append(scale)
    return scaled, Scaling(tuple(shifts), tuple(scales))


def _root_mean_square(deviation: Floats) -> float:
    """√mean(d²), divided by a power of two first: exact, and tiny deviations don't vanish when squared."""
    largest = float(max(deviation.max(), -deviation.min()))
    if largest == 0.0:
        return 0.0
    exponent = int(np.frexp(largest)[1])
    moderate = np.ldexp(deviation, -exponent)
    np.square(moderate, out=moderate)
    return float(np.ldexp(np.sqrt(np.mean(moderate)), exponent))


def identity_scaling(features: int) -> Scaling:
    """The Scaling of D features that leaves them as they are.

    >>> identity_scaling(2)
    Scaling(shift=(0.0, 0.0), scale=(1.0, 1.0))
    """
    return Scaling((0.0,) * features, (1.0,) * features)


def to_table_units(parameters: ArrayLike, scaling: Scaling) -> Floats:
    """Parameters [..., P] (weights, then the bias) from the training scale to the table's units.

    w_table = w / s, b_table = b − Σ w·m/s; the inverse of :func:`to_training_scale`.

    >>> to_table_units([2.0, 1.0], Scaling(shift=(10.0,), scale=(4.0,)))
    array([ 0.5, -4. ])
    """
    weights, bias, shift, scale = _parts(parameters, scaling)
    with np.errstate(over="ignore", invalid="ignore"):  # a diverged run's parameters are data, too
        weights = weights / scale
        return np.concatenate([weights, bias - _shifted(weights, shift)], axis=-1)


def to_training_scale(parameters: ArrayLike, scaling: Scaling) -> Floats:
    """Parameters [..., P] (weights, then the bias) from the table's units to the training scale.

    w = w_table · s, b = b_table + Σ w_table·m; the inverse of :func:`to_table_units`.

    >>> to_training_scale([0.5, -4.0], Scaling(shift=(10.0,), scale=(4.0,)))
    array([2., 1.])
    """
    weights, bias, shift, scale = _parts(parameters, scaling)
    with np.errstate(over="ignore", invalid="ignore"):
        return np.concatenate([weights * scale, bias + _shifted(weights, shift)], axis=-1)


def _parts(parameters: ArrayLike, scaling: Scaling) -> tuple[Floats, Floats, Floats, Floats]:
    """Weights [..., D], bias [..., 1], shift [D], scale [D]."""
    vectors = np.asarray(parameters, dtype=np.float64)
    features = len(scaling.scale)
    if vectors.shape[-1:] != (features + 1,):
        raise ValueError(f"expected parameters [..., {features + 1}] for {features} features, got {vectors.shape}")
    return vectors[..., :-1], vectors[..., -1:], np.array(scaling.shift), np.array(scaling.scale)


def _shifted(weights: Floats, shift: Floats) -> Floats:
    """Σ w·m over the features [..., 1]; a feature that was not shifted adds nothing, whatever its weight."""
    products = np.multiply(weights, shift, where=shift != 0.0, out=np.zeros_like(weights))
    return np.asarray(products.sum(axis=-1, keepdims=True))
