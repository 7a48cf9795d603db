"""Sharpness along a watched loop, measurement by measurement. Plain frozen data."""

from dataclasses import dataclass

import numpy as np

from fallline._records._alarm import Integers
from fallline._records._run import Floats, LimitKind, Mask


@dataclass(frozen=True, eq=False)
class SharpnessSeries:
    """The sharpness of an objective after some of a loop's steps, and the limit that the optimizer has there.

    docs/semantics.md#sharpness-along-a-loop. Where the loss is not finite the sharpness is NaN.
    """

    step: Integers
    """[R] measured where the parameters, and the optimizer's state, stood after this step."""
    sharpness: Floats
    """[R] the largest eigenvalue of H; of P⁻¹H where ``preconditioned``."""
    error: Floats
    """[R] how far the true one may be above it: an estimate; of the first a bound where the rows are few."""
    products: Integers
    """[R] Hessian-vector products it took."""
    preconditioned: Mask
    """[R]"""
    converged: Mask
    """[R] False where the products that were allowed ended before the value stood still."""
    learning_rate: Floats
    """[R] the optimizer's, of its first group, as it stood then."""
    limit: Floats
    """[R] the largest stable learning rate; meaningless where not ``limit_measured``."""
    provable: Mask
    """[R] False where the limit is that of a frozen preconditioner; meaningless where not ``limit_measured``."""
    limit_measured: Mask
    """[R] False where there is no limit, or none is known."""

    def __len__(self) -> int:
        return len(self.step)

    @property
    def share(self) -> Floats:
        """[R] learning rate / limit; NaN where there is none."""
        with np.errstate(all="ignore"):
            return np.where(self.limit_measured, self.learning_rate / self.limit, np.nan)

    @property
    def edge(self) -> Floats:
        """[R] the sharpness at which the learning rate would be the limit (2/η for plain gradient descent), or NaN."""
        with np.errstate(all="ignore"):
            return np.where(self.limit_measured, self.sharpness * self.limit / self.learning_rate, np.nan)

    def kind(self, row: int) -> LimitKind | None:
        """What kind of statement a row's limit is; None where it has none."""
        if not self.limit_measured[row]:
            return None
        return LimitKind.PROVABLE if self.provable[row] else LimitKind.FROZEN


def no_sharpness() -> SharpnessSeries:
    """Of a loop without an objective.

    >>> len(no_sharpness())
    0
    """
    step, numbers, flags = np.zeros(0, np.int64), np.zeros(0), np.zeros(0, np.bool_)
    return SharpnessSeries(step, numbers, numbers, step, flags, flags, numbers, numbers, flags, flags)
