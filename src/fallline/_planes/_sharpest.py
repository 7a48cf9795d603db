"""The plane of the two directions along which the loss curves most."""

import numpy as np

from fallline._errors import OptionError
from fallline._loss_function import LossFunction
from fallline._planes._cuts import signed
from fallline._planes._filters import orthonormal
from fallline._records import Floats, Plane
from fallline._wording import number, short

RISES = 4.0
"""A picture reaches to where the parabola along an axis lies this many times the loss above it."""
SHARE = 0.1
"""Where that says nothing, it reaches this share of the parameters' own length."""


def sharpest_plane(objective: LossFunction, at: Floats, seed: int) -> Plane:
    """The eigenvectors of the two largest eigenvalues of the Hessian at ``at`` [P], by :func:`fallline.spectrum`.

    Raises:
        OptionError: the loss, or its curvature, is not finite there.
    """
    loss = float(objective.loss(at[None])[0])
    if not np.isfinite(loss):
        raise OptionError("The loss is not finite here, so it has no sharpest directions.")
    values, vectors, settled = _two_largest(objective, at, seed)
    first, second = orthonormal(*vectors)  # a network's come in its own dtype
    directions = np.stack([signed(first), signed(second)])
    above = max(0.0, loss - (0.0 if objective.floor is None else objective.floor))
    size = float(np.linalg.norm(at))
    usual = SHARE * size if size > 0.0 else 1.0
    reach = [float(np.sqrt(2 * RISES * above / value)) if value > 0.0 and above > 0.0 else usual for value in values]
    axes = tuple(
        f"{name}: curves {_curvature(float(value))}"  # short: it stands along an axis
        for name, value in zip(("sharpest", "second"), values, strict=True)
    )
    doubt = "" if settled else " They did not settle within the tolerance: sharper ones may exist."
    note = "The cut along the two directions in which the loss curves most at its origin; all others are flatter there."
    return Plane("hessian", at, directions, (axes[0], axes[1]), note + doubt, float("nan"), reach=(reach[0], reach[1]))


def _curvature(value: float) -> str:
    text = number(value, 3)
    return short(float(f"{value:.3g}")) if "×" not in text else text


def _two_largest(objective: LossFunction, at: Floats, seed: int) -> tuple[Floats, Floats, bool]:
    """[2] eigenvalues, the largest first, [2, P] eigenvectors, and whether they are converged."""
    if hasattr(objective, "products"):
        from fallline._curvature import spectrum  # noqa: PLC0415  (torch, which exact objectives may do without)

        found = spectrum(objective, 2, at, seed=seed)
        return np.array(found.largest), np.array(found.vectors_largest), found.converged
    hessian = objective.hessian(at)
    if not np.isfinite(hessian).all():
        raise OptionError("The curvature is not finite here, so there are no sharpest directions.")
    values, vectors = np.linalg.eigh(hessian)
    return np.array(values[::-1][:2]), np.array(vectors.T[::-1][:2]), True
