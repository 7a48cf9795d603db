"""How far the largest eigenvalue can be above the largest one that Lanczos has found.

The basis vectors of Lanczos are polynomials of the matrix times the start: qⱼ = pⱼ(A)·q₀, with pⱼ known from T. Their
parts along an eigenvector v of eigenvalue μ are pⱼ(μ)·(v·q₀), and the squares of an orthonormal set's parts along a
unit vector add up to at most 1:

    (v·q₀)² · Σⱼ pⱼ(μ)² ≤ 1        j = 0 … k

The sum grows without end above the largest root, so a start that has some part along v bounds μ. A random start has:
its part squared is above z²/P but for a chance of Pr(|N(0, 1)| < z). Nothing else is asked of the matrix: neither a
gap, nor eigenvalues that are apart. (van Dorsselaer, Hochstenbach and van der Vorst 2000, "Computing probabilistic
bounds for extreme eigenvalues of symmetric matrices with the Lanczos method".)
"""

import math

from fallline._curvature._lanczos import Lanczos

CHANCE = 0.001
"""Of a start with so small a part along the eigenvector that the bound does not hold."""
HALVINGS = 30
"""Of the interval in which the bound is looked for: more than what its four figures need."""


def smallest_part(size: int, random_share: float = 1.0) -> float:
    """What the start's part along any one direction, squared, is above but for :data:`CHANCE`.

    Args:
        size: P.
        random_share: squared length of the random part of the start, of a start of length 1.
    """
    z = CHANCE * math.sqrt(math.pi / 2)  # Pr(|N(0, 1)| < z) ≤ z·√(2/π), and so on the sphere but for O(1/P)
    return random_share * z**2 / size


def could_be(lanczos: Lanczos, place: float, part: float) -> bool:
    """Whether the matrix can have an eigenvalue at ``place``, above those of T."""
    before, current = 0.0, 1.0
    total, coupling = 1.0, 0.0
    for along, beside in zip(lanczos.diagonal, lanczos.beside, strict=True):
        before, current = current, ((place - along) * current - coupling * before) / beside
        coupling = beside
        total += current * current
        if total * part > 1:
            return False
    return True


def highest(lanczos: Lanczos, found: float, part: float) -> float:
    """The largest eigenvalue that the matrix can have, ``found`` being the largest one of T."""
    if lanczos.exhausted:
        return found
    size = max(lanczos.scale, abs(found))
    step = 1e-14 * size
    while could_be(lanczos, found + step, part):
        step *= 4
    low, high = step / 4, step
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if could_be(lanczos, found + middle, part) else (low, middle)
        if high - low <= 1e-4 * high:
            break
    return found + high
