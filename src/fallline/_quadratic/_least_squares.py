"""Least squares by way of a triangular factor, and square roots of a Hessian that keep its small eigenvalues."""

import numpy as np

from fallline._records import Floats

EPS = float(np.finfo(np.float64).eps)
BLOCK_ROWS = 16_384
"""Rows that are factored at once: they stay in the processor's cache."""


def joined_hessian(covariance: Floats, center: Floats) -> Floats:
    """(2/N) X̃ᵀX̃ put together from the centred second moments and the means."""
    P = len(center) + 1
    hessian = np.empty((P, P))
    hessian[:-1, :-1] = covariance + np.outer(center, center)
    hessian[:-1, -1] = hessian[-1, :-1] = center
    hessian[-1, -1] = 1.0
    return 2 * hessian


def triangle(columns: Floats, target: Floats) -> Floats:
    """[R, D + 1] the QR factor of [columns, target], block by block (Demmel et al. 2012, "TSQR"); R ≤ D + 1."""
    rows = np.column_stack((columns, target))
    size = max(BLOCK_ROWS, 4 * rows.shape[1])  # a block has to be taller than its own triangle
    while len(rows) > size:
        blocks = (rows[first : first + size] for first in range(0, len(rows), size))
        rows = np.vstack([np.linalg.qr(block, mode="r") for block in blocks])
    return np.asarray(np.linalg.qr(rows, mode="r"))


def triangle_of_covariance(correlation: Floats, across: Floats) -> tuple[Floats, float]:
    """What :func:`triangle` would be for columns of length 1, from their products [D, D] and those with the target [D].

    As an eigendecomposition's square root, which is no triangle and serves as well; and the singular value below which
    rounding of the products hides it.
    """
    D = len(across)
    values, vectors = np.linalg.eigh(correlation)
    hidden = 8 * D * EPS * float(values[-1])
    root = np.sqrt(np.where(values > hidden, values, 0.0))
    projected = np.divide(vectors.T @ across, root, out=np.zeros(D), where=root > 0)
    return np.column_stack((root[:, None] * vectors.T, projected)), float(np.sqrt(max(hidden, 0.0)))


def least_squares(factor: Floats, scale: Floats, blur: float) -> tuple[Floats, Floats]:
    """The weights [D] of smallest norm, and the columns' own factor [D, D] without the directions that ``blur`` hides.

    ``factor`` is the triangle of the columns divided by ``scale``: a singular value is a length relative to a column's.
    """
    D = len(scale)
    left, singular, directions = np.linalg.svd(factor[:, :D], full_matrices=True)
    shown = np.zeros(D)
    shown[: len(singular)] = np.where(singular > max(min(blur, singular[0] / 2), D * EPS * singular[0]), singular, 0.0)
    along = (left.T @ factor[:, D])[: len(singular)]
    inverse = np.divide(1.0, shown, out=np.zeros(D), where=shown > 0)[: len(singular)]
    weights = (directions[: len(singular)].T @ (inverse * along)) / scale
    free = np.linalg.qr((directions[shown == 0] / scale).T)[0]
    return weights - free @ (free.T @ weights), shown[:, None] * directions


def root_of_hessian(hessian: Floats) -> Floats:
    """M [P, P] with MᵀM = H, by the Schur complement of the bias, its columns scaled alike.

    The singular values of M are known to rounding of the largest, so their squares keep eigenvalues far below
    rounding of H itself: columns of mean 10⁶ and spread 1 make a bowl of condition number 10²⁴.
    """
    P = len(hessian)
    across, bias = hessian[:-1, -1], float(hessian[-1, -1])
    if P == 1 or not bias > 0:  # no bias to speak of, as in a formula
        values, vectors = np.linalg.eigh(hessian)
        shown = values > 8 * P * EPS * values[-1]
        return np.asarray(np.sqrt(np.where(shown, values, 0.0))[:, None] * vectors.T)
    complement = hessian[:-1, :-1] - np.outer(across, across) / bias
    spread = np.diag(complement)
    hidden = spread <= 8 * P * EPS * np.diag(hessian)[:-1]
    scale = np.sqrt(np.where(hidden, 1.0, spread))
    correlation = np.where(hidden[:, None] | hidden, 0.0, complement / np.outer(scale, scale))
    values, vectors = np.linalg.eigh(correlation)
    blur = 8 * P * EPS * max(1.0, float(np.max(np.where(hidden, 0.0, np.diag(hessian)[:-1] / scale**2))))
    factor = np.sqrt(np.where(values > blur, values, 0.0))[:, None] * vectors.T * scale
    root = np.zeros_like(hessian)
    root[:-1, :-1] = factor
    root[-1, :-1], root[-1, -1] = across / np.sqrt(bias), np.sqrt(bias)
    return root


def joined_root(factor: Floats, center: Floats) -> Floats:
    """M [P, P] with MᵀM = H from F [D, D] with FᵀF = the covariance, and the means [D]."""
    root = np.zeros((len(center) + 1, len(center) + 1))
    root[:-1, :-1] = factor
    root[-1, :-1], root[-1, -1] = center, 1.0
    return np.asarray(np.sqrt(2) * root)
