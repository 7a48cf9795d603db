"""Which steps of a long run the picture can stop at."""

import numpy as np
from numpy.typing import NDArray

ALL_UP_TO = 1500
_HEAD, _TAIL, _RUN = (
    500,
    100,
    9,
)  # consecutive steps kept at the start, at the end, and in each island between


def chosen_steps(total: int, limit: int = ALL_UP_TO) -> NDArray[np.int64]:
    """[F] indices of the steps that become frames: all up to ``limit``; beyond that the first third, the last
    fifteenth, and islands of consecutive steps at logarithmic distances between, so that a step can always
    be compared with its neighbours.

    >>> chosen_steps(4).tolist()
    [0, 1, 2, 3]
    >>> len(chosen_steps(100_000)) <= 1500
    True
    """
    if total <= limit:
        return np.arange(total)
    head, tail = limit * _HEAD // ALL_UP_TO, max(1, limit * _TAIL // ALL_UP_TO)
    islands = max(1, (limit - head - tail) // _RUN)
    centres = np.geomspace(head + 1, max(head + 1, total - tail), islands).round().astype(np.int64)
    between = (centres[:, None] + np.arange(_RUN)[None, :]).ravel()
    kept = np.concatenate([np.arange(head), between[between < total - tail], np.arange(total - tail, total)])
    return np.unique(kept)
