"""An even sample of rows whose number is not known beforehand."""

import numpy as np

from fallline._records import Floats


class EvenSample:
    """Every k-th row of those seen, k the smallest power of two that keeps at most ``most`` rows.

    It depends on the rows alone, not on the blocks in which they came.

    >>> sample = EvenSample(most=3)
    >>> sample.add(np.arange(4.0)[None, :])
    >>> sample.add(np.array([[4.0, 5.0]]))
    >>> sample.values, sample.stride
    (array([[0., 2., 4.]]), 2)
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.stride = 1
        self._pieces: list[Floats] = []
        self._kept = 0
        self._seen = 0

    def add(self, values: Floats) -> None:
        """Take from further rows [C, n]."""
        piece = values[:, -self._seen % self.stride :: self.stride].copy()
        self._seen += values.shape[1]
        self._pieces.append(piece)
        self._kept += piece.shape[1]
        while self._kept > self.most:
            self.stride *= 2
            thinned = np.concatenate(self._pieces, axis=1)[:, ::2].copy()
            self._pieces, self._kept = [thinned], thinned.shape[1]

    @property
    def complete(self) -> bool:
        """True where every row was kept."""
        return self.stride == 1

    @property
    def values(self) -> Floats:
        """[C, M]"""
        return np.concatenate(self._pieces, axis=1)
