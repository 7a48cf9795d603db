"""Everything of a curvature at once: the numbers of its parts, slices, progress, and what is refused."""

import numpy as np
import pytest
import torch

import fallline as fl
from fallline._quadratic import Quadratic
from fallline._view._curvature import build_curvature_payload
from own_networks import own_objective


def test_the_numbers_are_those_of_its_parts() -> None:
    objective = own_objective()
    found = fl.curvature(objective, k=2, name="mine")
    whole = np.linalg.eigvalsh(objective.hessian(objective.parameters))
    assert found.sharpness.value == fl.sharpness(objective).value
    assert found.sharpness.value == pytest.approx(whole[-1], rel=1e-3)
    np.testing.assert_allclose(found.spectrum.largest, whole[:-3:-1], rtol=1e-3)
    assert found.trace.value == fl.trace(objective).value
    assert (found.name, found.parameters, found.rows, found.batches) == ("mine", 82, 24, 1)
    assert found.products == found.sharpness.products + found.spectrum.products + found.trace.products
    assert sum(share for _, share in found.shares) == pytest.approx(1.0)


def test_the_slices_are_the_loss_and_touch_their_parabolas() -> None:
    objective = own_objective()
    found = fl.curvature(objective, k=1)
    sharp, low = found.slices
    vector = found.spectrum.vectors_largest[0]
    np.testing.assert_allclose(
        sharp.loss, objective.loss(objective.parameters + sharp.at[:, None] * vector), rtol=1e-12
    )
    middle = len(sharp.at) // 2
    assert sharp.at[middle] == 0.0
    assert sharp.loss[middle] == pytest.approx(found.loss, rel=1e-12)
    assert low.loss[middle] == pytest.approx(found.loss, rel=1e-12)
    near = sharp.at[middle + 1]
    assert sharp.loss[middle + 1] == pytest.approx(
        found.loss + sharp.slope * near + sharp.eigenvalue / 2 * near**2, rel=1e-3
    )
    assert low.eigenvalue == found.spectrum.smallest[0]


def test_limits_of_several_optimizers_where_the_model_stands_now() -> None:
    objective = own_objective()
    sgd, adam = torch.optim.SGD(objective.tensors, lr=0.1), torch.optim.Adam(objective.tensors)
    with torch.no_grad():
        objective.tensors[0].mul_(1.5)  # the model has moved on since
    found = fl.curvature(objective, k=1, optimizers=[sgd, adam])
    assert [each.optimizer for each in found.limits] == ["SGD", "Adam"]
    assert found.limits[0].limit.value == pytest.approx(2 / found.sharpness.value, rel=1e-3)
    assert found.limits[0].share == pytest.approx(0.1 * found.sharpness.value / 2, rel=1e-3)
    assert found.limits[1].share is None
    moved = np.concatenate([tensor.detach().numpy().ravel() for tensor in objective.tensors])
    assert found.loss == pytest.approx(float(objective.loss(moved[None])[0]))


def test_progress_counts_every_product_and_never_reaches_the_end_before_it() -> None:
    told: list[tuple[int, int, float]] = []
    found = fl.curvature(own_objective(), k=2, progress=lambda *each: told.append(each))
    done = [each[0] for each in told]
    assert done == list(range(1, len(done) + 1))
    assert len(done) >= found.products
    assert all(of > now for now, of, _ in told)


def test_an_exact_loss_has_slices_and_no_products() -> None:
    found = fl.curvature(Quadratic.from_data([[0.0], [2.0]], [1.0, 5.0]))
    assert (found.products, found.shares, len(found.slices)) == (0, (), 2)
    np.testing.assert_allclose(
        found.slices[0].loss,
        found.loss
        + found.slices[0].slope * found.slices[0].at
        + found.slices[0].eigenvalue / 2 * found.slices[0].at ** 2,
        atol=1e-12,
    )


def test_what_is_refused() -> None:
    with pytest.raises(fl.OptionError, match="how many eigenvalues, 1 to 7 here; 8 is not"):
        fl.curvature(own_objective(1), k=8)
    with pytest.raises(fl.OptionError, match=r"measured on an fl\.Objective"):
        fl.curvature(
            Quadratic.from_data([[0.0], [2.0]], [1.0, 5.0]),
            optimizers=[torch.optim.SGD(torch.nn.Linear(1, 1).parameters(), lr=0.1)],
        )


@pytest.mark.parametrize("features", [3, 90])
def test_a_straight_loss_has_no_sharpest_direction(features: int) -> None:
    model = torch.nn.Linear(features, 1).double()
    x = torch.linspace(-1, 1, 5 * features, dtype=torch.float64).reshape(5, features)
    found = fl.curvature(fl.Objective(model, torch.nn.L1Loss(), (x, x.sum(1, keepdim=True) + 9)), k=1)
    assert abs(found.sharpness.value) <= found.sharpness.error
    assert (found.shares, found.slices) == ((), ())
    assert found.trace.error_kind == ("rounding" if features == 3 else "standard error")
    assert "sharpest" not in " ".join(map(str, build_curvature_payload(found)["sections"]))
