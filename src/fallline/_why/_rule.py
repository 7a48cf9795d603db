"""Linear problems of any size and one shape: what stays the same when parameters are added."""

import numpy as np

from fallline._errors import OptionError
from fallline._records import Floats

NOISE = 0.5
"""Standard deviation of what the line does not explain."""


def linear_rows(parameters: int, *, condition_number: float, rows: int, seed: int) -> tuple[Floats, Floats]:
    """Features [N, P − 1] and target [N] of a linear problem whose bowl has exactly this condition number.

    The Hessian (2/N) X̃ᵀX̃ of the mean squared error gets eigenvalues that are evenly spaced on a log scale and
    random directions, so that no parameter lies along a valley; it is scaled so that its entry for the bias is
    2, as it is for any rows. The rows are then made to have these moments exactly.

    >>> features, target = linear_rows(3, condition_number=10.0, rows=20, seed=0)
    >>> rows = np.column_stack((features, np.ones(20)))
    >>> eigenvalues = np.linalg.eigvalsh(2 / 20 * rows.T @ rows)
    >>> round(float(eigenvalues[-1] / eigenvalues[0]), 6)
    10.0
    """
    if parameters < 2 or rows <= parameters:
        raise OptionError(
            f"A linear problem by rule has 2 parameters or more and more rows than that, not {parameters}."
        )
    rng = np.random.default_rng(seed)
    spectrum = np.geomspace(1.0, condition_number, parameters)
    directions, _ = np.linalg.qr(rng.standard_normal((parameters, parameters)))
    moments = (directions * spectrum) @ directions.T
    moments /= moments[-1, -1]
    mean = moments[:-1, -1]
    factor = np.linalg.cholesky(moments[:-1, :-1] - np.outer(mean, mean))
    draws = rng.standard_normal((rows, parameters - 1))
    flat, _ = np.linalg.qr(draws - draws.mean(axis=0))
    features = mean + np.sqrt(rows) * flat @ factor.T
    exact = rng.standard_normal(parameters)
    target = features @ exact[:-1] + exact[-1] + NOISE * rng.standard_normal(rows)
    return features, target
