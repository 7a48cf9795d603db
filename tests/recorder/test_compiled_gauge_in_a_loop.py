"""The compiled gauge in a real loop: the record is NumPy's, whatever others do to gradients and parameters."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.optim.optimizer import register_optimizer_step_post_hook

import fallline as fl
from fallline._recorder._compiled_gauge import COMPILED

pytestmark = pytest.mark.skipif(not COMPILED, reason="fallline was installed without a C compiler")


class Greedy(torch.optim.SGD):
    """Changes the gradients it is given, as clipping inside a step does."""

    def step(self, closure: Callable[[], float] | None = None) -> None:
        for group in self.param_groups:
            for tensor in group["params"]:
                tensor.grad.mul_(0.5)
        super().step()


Greedy.__module__ = "torch.optim.greedy"  # as if it were PyTorch's own, and trusted


def recorded(
    run: Path,
    optimizer_of: Callable[..., torch.optim.Optimizer],
    steps: int = 90,
    prepare: Callable[[torch.optim.Optimizer], object] = lambda _: None,
) -> fl.Recording:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
    optimizer = optimizer_of(model.parameters(), lr=0.05)
    prepare(optimizer)
    x, y = torch.randn(32, 4), torch.randn(32, 1)
    with fl.watch(model, optimizer, run=run, quiet=True) as watch:
        for _ in range(steps):
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(model(x), y)
            loss.backward()
            optimizer.step()
            watch.step(loss)
    return fl.load(run)


@pytest.mark.slow
def test_the_same_record_as_by_numpy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = recorded(tmp_path / "compiled.db", torch.optim.AdamW)
    monkeypatch.setattr("fallline._recorder._gauges.COMPILED", False)
    by_numpy = recorded(tmp_path / "numpy.db", torch.optim.AdamW)
    for name in ("gradient_norm", "update_norm", "parameter_norm", "first_order_change"):
        np.testing.assert_allclose(getattr(compiled.steps, name), getattr(by_numpy.steps, name), rtol=1e-4)
    np.testing.assert_allclose(compiled.parts.share, by_numpy.parts.share, rtol=1e-3, atol=1e-6)
    assert compiled.steps.measured.all()


@pytest.mark.slow
@pytest.mark.parametrize("everywhere", [False, True])
def test_hooks_of_others_may_do_anything(tmp_path: Path, everywhere: bool) -> None:
    """Also what PyTorch does not count: gradients emptied through ``.data``, parameters given new storage."""
    handles = []

    def spoil(optimizer: torch.optim.Optimizer, *_: object) -> None:
        for tensor in optimizer.param_groups[0]["params"]:
            tensor.grad.data.zero_()
            tensor.data = tensor.data.clone()

    def prepare(optimizer: torch.optim.Optimizer) -> None:
        register = register_optimizer_step_post_hook if everywhere else optimizer.register_step_post_hook
        handles.append(register(spoil))

    try:
        spoiled = recorded(tmp_path / "spoiled.db", torch.optim.SGD, prepare=prepare).steps
    finally:
        for handle in handles:
            handle.remove()
    steps = recorded(tmp_path / "run.db", torch.optim.SGD).steps
    assert spoiled.measured.all()
    assert (spoiled.gradient_norm > 0).all()
    for name in ("gradient_norm", "update_norm", "parameter_norm"):
        np.testing.assert_allclose(getattr(spoiled, name), getattr(steps, name), rtol=1e-6)


@pytest.mark.slow
def test_what_a_closure_evaluates_later_is_not_the_gradient(tmp_path: Path) -> None:
    """Emptied in a way that PyTorch does not count; the recorded one is that of the first evaluation."""
    torch.manual_seed(0)
    model, x = nn.Linear(4, 1), torch.randn(32, 4)
    optimizer = torch.optim.LBFGS(model.parameters(), lr=0.1, max_iter=4)
    first: list[float] = []

    def closure() -> torch.Tensor:
        for tensor in model.parameters():
            if tensor.grad is not None:
                tensor.grad.data.zero_()
        loss = model(x).square().mean()
        loss.backward()
        norms.append(float(nn.utils.get_total_norm([tensor.grad for tensor in model.parameters()])))
        return loss

    with fl.watch(model, optimizer, run=tmp_path / "run.db", quiet=True) as watch:
        for _ in range(20):
            norms: list[float] = []
            optimizer.step(closure)
            first.append(norms[0])
            watch.step()
    np.testing.assert_allclose(fl.load(tmp_path / "run.db").steps.gradient_norm[:, 0], first, rtol=1e-4)


def test_only_one_step_of_a_greedy_optimizer_is_not_measured(tmp_path: Path) -> None:
    steps = recorded(tmp_path / "run.db", Greedy).steps
    assert np.flatnonzero(~steps.measured[:, 0]).size <= 1  # the first ones, whose parts are measured, are copied
    assert (steps.updates == 1).all()
    np.testing.assert_allclose(  # the whole gradient was recorded, but only half of it used
        steps.update_norm[steps.measured], 0.025 * steps.gradient_norm[steps.measured], rtol=1e-4
    )
