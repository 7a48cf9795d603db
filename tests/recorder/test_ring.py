"""docs/semantics.md#alarms: the ring."""

import numpy as np
import pytest

from fallline._recorder._ring import flight_of, skipped_updates
from recorder_rows import owners, row


def test_the_ring_by_layers() -> None:
    flight = flight_of([row(7, 2.0, (3.0, 4.0, np.inf)), row(8, None, None), row(9, np.nan, (1.0, 2.0, 3.0))], owners())
    np.testing.assert_array_equal(flight.step, [7, 8, 9])
    np.testing.assert_array_equal(flight.gradient_norm[[0, 2]], [[3, 4, np.inf], [1, 2, 3]])
    np.testing.assert_allclose(flight.update_norm[2], [0.1, 0.2, 0.3])
    np.testing.assert_array_equal(flight.measured, [[True] * 3, [False] * 3, [True] * 3])
    np.testing.assert_array_equal(flight.loss_measured, [True, False, True])
    assert flight.loss[0] == 2
    assert np.isnan(flight.loss[2])


@pytest.mark.parametrize(
    ("updates", "missing"),
    [
        ([1, 1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1], [6]),
        ([1, 1, 1, 1, 1, 1, 1, 0, 0], [7, 8]),
        ([0, 0, 1] * 5 + [0, 0, 0] + [0, 0, 1] * 3, [17]),
        ([0, 0, 1] * 6 + [0, 0], []),
        ([0, 1, 1, 0, 0, 1, 0, 1, 1, 0, 0, 0, 1], []),
        ([0, 0, 0], []),
        ([1], []),
        ([2, 2, 2], []),
    ],
)
def test_skipped_updates(updates: list[int], missing: list[int]) -> None:
    assert skipped_updates(updates).tolist() == missing
