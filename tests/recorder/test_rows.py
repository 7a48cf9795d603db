"""Raw rows become records: norms from sums, layers from columns, what is absent masked."""

import numpy as np
import pytest

from fallline._recorder._rows import Owners, Row, RowsToRecords, by_layer, owners, steps_of
from fallline._recorder._schedule import is_due


class Held:
    """A gauge, as far as rows are concerned."""

    def __init__(self, *layers: int) -> None:
        self.layers = layers


def layout() -> Owners:
    """Three layers: the first optimizer has two columns of layer 0 and a part of 2, the second has 1 and the rest."""
    return owners([Held(0, 0, 2), Held(1, 3)], (0, 1, 2, 2))


FIRST = [9.0, 16.0, 1.0, 4.0, 0.0, 1.0, 1.0, 3.0, 0.0, -1.0, -2.0, 5.0]
SECOND = [1.0, 3.0, 0.25, 0.0, 9.0, 16.0, 0.5, -5.0]


def row(step: int, first: object = FIRST, second: object = SECOND, loss: float | None = 0.5) -> Row:
    return Row(step, step / 8, loss, (0.1, 0.2, 0.3), (int(first is not None), 1), (first, second))


def test_steps() -> None:
    steps = steps_of([row(3), row(4, None, loss=None), row(6, second=None)], layout())
    assert steps.step.tolist() == [3, 4, 6]
    assert steps.seconds.tolist() == [0.375, 0.5, 0.75]
    assert steps.loss.tolist() == [0.5, 0.0, 0.5]
    assert steps.loss_measured.tolist() == [True, False, True]
    assert steps.learning_rate.tolist() == [[0.1, 0.2, 0.3]] * 3
    assert steps.updates.tolist() == [[1, 1], [0, 1], [1, 1]]
    assert steps.measured.tolist() == [[True, True], [False, True], [True, False]]
    np.testing.assert_allclose(steps.gradient_norm[0], np.sqrt([26.0, 4.0]))
    np.testing.assert_allclose(steps.update_norm[0], np.sqrt([5.0, 0.25]))
    np.testing.assert_allclose(steps.parameter_norm[0], [2.0, 5.0])
    np.testing.assert_allclose(steps.first_order_change[0], [2.0, -4.5])


def test_layers_of_columns_and_of_several_optimizers() -> None:
    layers = by_layer([row(3), row(4, None)], layout())
    np.testing.assert_allclose(layers.gradient_norm, np.sqrt([[25.0, 1.0, 4.0], [0.0, 1.0, 0.0]]))
    np.testing.assert_allclose(layers.update_norm, np.sqrt([[4.0, 0.25, 1.0], [0.0, 0.25, 0.0]]))
    np.testing.assert_allclose(layers.parameter_norm, np.sqrt([[4.0, 9.0, 16.0], [0.0, 9.0, 0.0]]))
    np.testing.assert_allclose(layers.first_order_change, [[-3.0, 0.5, 0.0], [0.0, 0.5, 0.0]])
    assert layers.measured.tolist() == [[True, True, True], [False, True, False]]  # layer 2 only as a whole
    broken = by_layer([row(4, None, [1.0, np.inf, *SECOND[2:]])], layout())
    assert broken.measured.tolist() == [[False, True, True]]  # whatever the rest of layer 2 is, it is not finite
    assert np.isinf(broken.gradient_norm[0, 2])


def test_what_two_optimizers_hold_counts_once() -> None:
    """Both hold all of layer 0: its parameters and gradient are the same ones, its moves are of both."""
    both = owners([Held(0), Held(0)], (0,))
    rows = [
        Row(0, 0.0, 1.0, (0.1,), (1, 1), ([4.0, 1.0, 25.0, -2.0], [4.0, 3.0, 16.0, -1.0])),
        Row(1, 0.0, 1.0, (0.1,), (1, 0), ([4.0, 1.0, 25.0, -2.0], None)),
    ]
    layers = by_layer(rows, both)
    assert layers.parameter_norm.tolist() == [[4.0], [5.0]]
    assert layers.gradient_norm.tolist() == [[2.0], [2.0]]
    assert layers.update_norm.tolist() == [[2.0], [1.0]]
    assert layers.first_order_change.tolist() == [[-3.0], [-2.0]]
    assert layers.measured.all()


def test_what_is_not_finite_stays_a_measurement() -> None:
    broken = [np.inf, 1.0, np.nan, *FIRST[3:9], np.inf, -np.inf, 1.0]
    layers = by_layer([row(0, broken)], layout())
    assert layers.gradient_norm[0].tolist() == pytest.approx([np.inf, 1.0, np.nan], nan_ok=True)
    assert np.isnan(layers.first_order_change[0, 0])
    assert layers.measured.all()
    steps = steps_of([row(0, broken)], layout())
    assert np.isnan(steps.gradient_norm[0, 0])
    assert steps.measured.all()


def test_no_row_has_norms() -> None:
    steps = steps_of([row(0, None, None)], layout())
    assert not steps.measured.any()
    assert steps.gradient_norm.shape == (1, 2)


def test_layers_are_taken_where_they_are_due_whatever_the_blocks() -> None:
    rows = [row(step) for step in range(200)]
    due = [step for step in range(200) if is_due(step)]
    for size in (1, 7, 200):
        records = RowsToRecords(layout())
        found = [record for k in range(0, 200, size) for record in records.of(rows[k : k + size])]
        steps = [step for record in found if not hasattr(record, "seconds") for step in record.step]
        assert steps == due
        assert sum(len(record.step) for record in found if hasattr(record, "seconds")) == 200


def test_a_step_that_is_due_and_makes_no_update_hands_it_on() -> None:
    rows = [row(step) if step % 4 == 3 else row(step, None, None) for step in range(200)]
    records = RowsToRecords(layout())
    found = [record for k in range(0, 200, 10) for record in records.of(rows[k : k + 10])]
    steps = [int(step) for record in found if not hasattr(record, "seconds") for step in record.step]
    assert steps == sorted({min(s for s in range(3, 204, 4) if s >= step) for step in range(200) if is_due(step)})
