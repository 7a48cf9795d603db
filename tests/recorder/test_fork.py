"""A forked process, such as a data loader's worker, leaves the record of its parent alone."""

import os
import warnings
from pathlib import Path

import pytest
import torch
from torch.utils.data import DataLoader, Dataset

import fallline as fl
from watched_loops import CLASSES, FEATURES, LOOPS, ROWS, mlp

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")


def in_child(work: object) -> int:
    """The exit status of a forked child that calls ``work``."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # a process of several threads is forked, as PyTorch's are
        child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_child_does_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    loop = LOOPS["dropout and batch norm"]()
    with fl.watch(loop.model, loop.optimizers, run=tmp_path / "run.db") as watch:

        def child() -> None:
            before = watch._steps.last_step
            for step in range(20):
                loop.turn(step, watch.step)
                watch.log(child=step)
                assert watch.flush() is False
            with watch:
                watch.close()
            assert watch._steps.last_step == before
            assert watch._open

        for step in range(4):
            loop.turn(step, watch.step)
            assert in_child(child) == 0
        assert watch.flush() is True
    assert len(capfd.readouterr().err.splitlines()) == 1  # the parent's closing line alone
    recorded = fl.load(tmp_path / "run.db")
    assert recorded.steps.step.tolist() == [0, 1, 2, 3]
    assert recorded.steps.updates.tolist() == [[1]] * 4
    assert dict(recorded.logged) == {}
    assert recorded.events == ()
    assert recorded.summary is not None


class Rows(Dataset[torch.Tensor]):
    """Rows that a worker makes."""

    def __len__(self) -> int:
        return 4 * ROWS

    def __getitem__(self, index: int) -> torch.Tensor:
        return torch.full((FEATURES,), float(index))


@pytest.mark.slow
def test_workers_of_a_data_loader(tmp_path: Path) -> None:
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-5)
    with warnings.catch_warnings(), fl.watch(model, optimizer, run=tmp_path / "run.db", quiet=True) as watch:
        warnings.simplefilter("ignore", DeprecationWarning)  # as above
        for _ in range(3):
            for x in DataLoader(Rows(), batch_size=ROWS, num_workers=2, multiprocessing_context="fork"):
                optimizer.zero_grad()
                loss = (model(x) - torch.ones(CLASSES)).square().mean()
                loss.backward()
                optimizer.step()
                watch.step(loss)
    recorded = fl.load(tmp_path / "run.db")
    assert (len(recorded), recorded.events) == (12, ())
    assert recorded.summary is not None
