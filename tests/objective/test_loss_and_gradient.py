"""Loss and gradient in one pass: the numbers of either alone."""

import numpy as np
import pytest
from torch import nn

from fallline._objective import Objective
from own_networks import network, own_objective


@pytest.mark.parametrize("count", [1, 3, 20])
def test_both_are_those_of_either_alone(count: int) -> None:
    objective = own_objective()
    stack = objective.parameters + 0.1 * np.arange(count)[:, None]
    loss, gradient = objective.loss_and_gradient(stack)
    assert (loss.shape, gradient.shape) == ((count,), (count, 82))
    np.testing.assert_array_equal(gradient, objective.gradient(stack))
    np.testing.assert_allclose(loss, objective.loss(stack), rtol=1e-12)


def test_in_batches_of_any_size() -> None:
    model, (x, y) = network()
    whole = Objective(model, nn.CrossEntropyLoss(), (x, y))
    cut = Objective(model, nn.CrossEntropyLoss(), [(x[:5], y[:5]), (x[5:], y[5:])])
    for one, two in zip(
        whole.loss_and_gradient(whole.parameters), cut.loss_and_gradient(whole.parameters), strict=True
    ):
        np.testing.assert_allclose(one, two, rtol=1e-12, atol=1e-15)
