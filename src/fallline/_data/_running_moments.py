"""Means and centred second moments of columns in one pass over their rows, in float64."""

import numpy as np

from fallline._records import Floats


class RunningMoments:
    """What is known of C columns after the blocks seen so far.

    A block is shifted by a value within its own range before anything is squared, and blocks are joined
    by the formula of two samples (Chan, Golub and LeVeque 1983, "Algorithms for Computing the Sample Variance"). So a
    column far from zero keeps its digits: with mean m and spread s the error is about ε, not ε·(m/s)².

    >>> moments = RunningMoments(1)
    >>> moments.add(np.array([[1e9 + 1, 1e9 + 3], [1.0, 1.0]]))
    >>> moments.add(np.array([[1e9 + 5], [1.0]]))
    >>> moments.rows, moments.center - 1e9, moments.covariance.round(6)
    (3, array([3.]), array([[2.666667]]))
    """

    def __init__(self, columns: int) -> None:
        self.rows = 0
        self.low = np.full(columns, np.inf)
        """[C] the smallest values."""
        self.high = np.full(columns, -np.inf)
        """[C] the largest values."""
        self._base = np.zeros(columns)
        """The first shift; means are counted from it, so that they are small numbers with all their digits."""
        self._offset = np.zeros(columns)
        """Mean of all rows, from the base."""
        self._scatter = np.zeros((columns, columns))

    def add(self, block: Floats, bounds: tuple[Floats, Floats] | None = None) -> None:
        """Take in a block [C + 1, n ≥ 1] whose last row is ones; it is altered.

        ``bounds`` are its smallest and largest values [C], where they are known.
        """
        values, rows = block[:-1], block.shape[1]
        low, high = (values.min(axis=1), values.max(axis=1)) if bounds is None else bounds
        guess = self._base if self.rows else values.mean(axis=1)
        shift = np.clip(guess, low, high)  # of a constant column its value itself: its deviations are exactly 0
        if self.rows == 0:
            self._base = shift
        values -= shift[:, None]
        products = values @ block.T  # not block @ block.T, which NumPy takes for symmetric and computes half as fast
        beyond = products[:, -1] / rows
        offset = (shift - self._base) + beyond
        step = offset - self._offset
        together = self.rows + rows
        self._scatter += products[:, :-1] - np.outer(beyond, beyond) * rows
        self._scatter += np.outer(step, step) * (self.rows / together * rows)
        self._offset = self._offset + step * (rows / together)
        self.low, self.high = np.minimum(self.low, low), np.maximum(self.high, high)
        self.rows = together

    @property
    def center(self) -> Floats:
        """[C] the means."""
        return self._base + self._offset

    @property
    def covariance(self) -> Floats:
        """[C, C] mean of the products of deviations (population)."""
        return self._scatter / self.rows
