"""Two-dimensional cuts through parameter space: where a picture of the loss is taken.

A point of parameter space θ [P] has plane coordinates ``(u, v) = directions · (θ − origin)``; a point of the
plane is ``θ = origin + u·directions[0] + v·directions[1]``. The two directions are orthonormal, so lengths
and angles in the plane are those of parameter space. For two parameters the plane *is* the space and the
coordinates are w and b themselves.
"""

import numpy as np

from fallline._records import Floats, Plane

_RANK_TOLERANCE = 1e-12  # of the largest eigenvalue of the Gram matrix: below it a direction is rounding
_WIDE = 256
"""From so many parameters on a path's own few points are fewer."""
_ROUNDING = 8 * float(np.finfo(np.float64).eps)  # of the points' own size: how far rounding moves one off a line


def parameter_plane(i: int, j: int, names: tuple[str, ...], through: Floats | None = None) -> Plane:
    """The plane of parameters i and j; the others are held at ``through`` [P] (zeros where it is not given).

    Coordinates are the parameters themselves, not offsets: the origin is zero in both axes.

    >>> plane = parameter_plane(0, 1, ("w", "b"))
    >>> coordinates(plane, np.array([[2.0, 1.0]]))
    array([[2., 1.]])
    """
    count = len(names)
    if i == j or not (0 <= i < count and 0 <= j < count):
        raise ValueError(f"two different parameters out of {count} are needed, got {i} and {j}")
    origin = np.zeros(count) if through is None else np.array(through, dtype=np.float64)
    origin[[i, j]] = 0.0
    directions = np.zeros((2, count))
    directions[0, i] = directions[1, j] = 1.0
    exact = count == 2
    held = [name for k, name in enumerate(names) if k not in (i, j)]
    note = "" if exact else f"A cut along {names[i]} and {names[j]}; {', '.join(held)} held fixed."
    share = 1.0 if exact else float("nan")
    return Plane("parameters", origin, directions, (names[i], names[j]), note, share)


def path_plane(path: Floats, origin: Floats | None = None) -> Plane:
    """The plane through ``origin`` [P] that holds most of a path [T, P]: two principal directions seen from
    there.

    The directions are the eigenvectors of the two largest eigenvalues of ``(path − origin)ᵀ(path − origin)``
    (Li et al. 2018, "Visualizing the Loss Landscape of Neural Nets", with the last point as the origin, the
    default). Rows that are not finite are left out. Each direction's largest component is positive, so that
    the result does not depend on the linear algebra library. A path on a line or a point has no second (or
    first) direction: the basis is completed by the coordinate axis furthest from it.

    >>> plane = path_plane(np.array([[3.0, 0.0, 0.0], [1.0, 0.0, 1.0], [0.0, 0.0, 0.0]]))
    >>> bool(np.allclose(plane.directions @ plane.directions.T, np.eye(2)))
    True
    >>> distance(plane, np.array([[0.0, 2.0, 0.0]]))
    array([2.])
    """
    finite = path[np.isfinite(path).all(axis=1)]
    count = path.shape[1]
    if count < 2:
        raise ValueError(f"a plane needs at least two parameters, got {count}")
    if origin is None:
        origin = finite[-1] if len(finite) else np.zeros(count)
    directions, rank = _principal_directions(finite, origin)
    share = explained(finite, directions)
    if rank > 1 and explained(finite, directions[1:]) > explained(finite, directions[:1]):
        directions = directions[::-1].copy()  # seen from a far origin the first may hold less of the path's variance
    first, second = (
        f"path direction {k + 1} ({_percent(finite, directions[k : k + 1]) if k < rank else '0 %'})" for k in range(2)
    )
    note = (
        f"The cut through {count:,} dimensions that holds most of the path: {100 * share:.1f} % of its variance. "
        "Points off the plane are drawn as their shadows."
    )
    return Plane("path", np.array(origin, dtype=np.float64), directions, (first, second), note, share)


def coordinates(plane: Plane, vectors: Floats) -> Floats:
    """[B, 2] plane coordinates of the shadows of ``vectors`` [B, P]."""
    if plane.kind == "parameters":  # exact: no subtraction, no sum with zeros times infinity
        return np.ascontiguousarray(vectors[:, plane.directions.argmax(axis=1)])
    with np.errstate(over="ignore", invalid="ignore"):
        return (vectors - plane.origin) @ plane.directions.T


def components(plane: Plane, vectors: Floats) -> Floats:
    """[B, 2] the in-plane components of directions [B, P] (not of points: the origin plays no part)."""
    if plane.kind == "parameters":
        return np.ascontiguousarray(vectors[:, plane.directions.argmax(axis=1)])
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(vectors @ plane.directions.T, dtype=np.float64)


def points(plane: Plane, uv: Floats) -> Floats:
    """[B, P] parameter vectors of plane coordinates ``uv`` [B, 2]."""
    with np.errstate(over="ignore", invalid="ignore"):
        moved = np.asarray(uv @ plane.directions, dtype=np.float64)
        moved += plane.origin
        return moved


def distance(plane: Plane, vectors: Floats) -> Floats:
    """[B] Euclidean distance of ``vectors`` [B, P] from the plane; 0 where the plane is the whole space."""
    if vectors.shape[1] == 2:
        return np.zeros(len(vectors))
    with np.errstate(over="ignore", invalid="ignore"):
        offset = vectors - plane.origin
        rest = offset - (offset @ plane.directions.T) @ plane.directions
        largest = np.abs(rest).max(axis=1)
        scale = np.where((largest > 0.0) & np.isfinite(largest), largest, 1.0)  # squares of 1e300 overflow
        return np.asarray(scale * np.linalg.norm(rest / scale[:, None], axis=1), dtype=np.float64)


def _principal_directions(finite: Floats, origin: Floats) -> tuple[Floats, int]:
    """[2, P] orthonormal, and how many of the two the path itself has; what is only rounding does not count."""
    with np.errstate(over="ignore"):
        offsets = finite - origin
    largest = float(np.abs(offsets).max(initial=0.0))
    if not (largest > 0.0 and np.isfinite(largest)):
        return np.eye(2, len(origin)), 0
    scaled = offsets / largest
    moved = _ROUNDING * float(np.abs(finite).max()) / largest
    noise = len(finite) * moved * moved
    values, vectors = _two_largest(scaled)
    first = signed(vectors[:, -1])
    if values[-2] > max(_RANK_TOLERANCE * values[-1], noise):
        return np.stack([first, signed(vectors[:, -2])]), 2
    axis = np.zeros(len(origin))
    axis[int(np.abs(first).argmin())] = 1.0
    second = axis - first * (first @ axis)
    return np.stack([first, second / np.linalg.norm(second)]), 1


def _two_largest(scaled: Floats) -> tuple[Floats, Floats]:
    """Eigenvalues of ``scaledᵀ·scaled``, the two largest last, and as columns their eigenvectors, orthonormal.

    Of a short path [T, P] through many dimensions they are those of the Gram matrix [T, T] (Turk and Pentland 1991,
    "Eigenfaces for Recognition"): for ``scaled·scaledᵀ u = λu`` the direction is ``scaledᵀu``.
    """
    rows, count = scaled.shape
    if count <= max(_WIDE, rows):
        values, vectors = np.linalg.eigh(scaled.T @ scaled)
        return values, vectors
    values, combinations = np.linalg.eigh(scaled @ scaled.T)
    values, combinations = np.concatenate([[0.0, 0.0], values])[-2:], combinations[:, -2:]
    vectors = scaled.T @ combinations
    vectors /= np.linalg.norm(vectors, axis=0) + (values[-vectors.shape[1] :] <= 0.0)
    if vectors.shape[1] == 2:
        vectors[:, 0] -= vectors[:, 1] * (vectors[:, 1] @ vectors[:, 0])
        vectors[:, 0] /= max(float(np.linalg.norm(vectors[:, 0])), _RANK_TOLERANCE)
    return values, vectors


def signed(direction: Floats) -> Floats:
    """The same line, its largest component (the first of equals) positive."""
    magnitude = np.abs(direction)
    lead = int(np.flatnonzero(magnitude >= magnitude.max() * (1.0 - 1e-9))[0])
    return direction if direction[lead] > 0.0 else -direction


def _percent(finite: Floats, direction: Floats) -> str:
    """The share of a path's variance along one direction [1, P], in words: a path on a point has none."""
    if len(finite) < 2 or not (finite != finite[0]).any():
        return "0 %"
    share = 100 * explained(finite, direction)
    return f"{share:.0f} %" if share >= 1.0 or share == 0.0 else "<1 %"


def explained(finite: Floats, directions: Floats) -> float:
    """Share of a path's variance [T, P] in the span of the directions; 1 for a path that does not move."""
    if not len(finite):
        return 1.0
    largest = float(np.abs(finite).max())
    scale = largest if largest > 0.0 else 1.0
    centred = finite / scale - (finite / scale).mean(axis=0)
    total = float((centred**2).sum())
    if total <= len(finite) * np.finfo(np.float64).eps ** 2:
        return 1.0
    return float(min(1.0, ((centred @ directions.T) ** 2).sum() / total))
