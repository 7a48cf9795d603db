"""Hearing a model's forward pass leaves nothing of the watch in what is saved or copied of the model."""

import copy
import gc
import io
import subprocess
import sys
import weakref
from pathlib import Path

import pytest
import torch
from torch import nn

from fallline._recorder._forward_listener import ForwardListener, _Hook

ODD_LOAD = """
import sys
sys.modules["fallline"] = None
import torch
model = torch.load(sys.argv[1], weights_only=False)
print(float(model(torch.ones(1, 2)).detach()))
"""


class Heard:
    """How often a forward pass was heard, and something large that must not be saved with the model."""

    def __init__(self, model: nn.Module) -> None:
        self.count, self.large = 0, torch.zeros(100_000)
        self.listener = ForwardListener(model, self.hear)

    def hear(self) -> None:
        self.count += 1


def attached(model: nn.Module) -> Heard:
    heard = Heard(model)
    heard.listener.attach()
    return heard


def saved(model: nn.Module) -> bytes:
    file = io.BytesIO()
    torch.save(model, file)
    return file.getvalue()


def test_it_hears_while_it_is_attached() -> None:
    model = nn.Linear(2, 1)
    heard = attached(model)
    assert heard.listener.deaf
    x = torch.ones(3, 2)
    assert torch.equal(model(x), nn.functional.linear(x, model.weight, model.bias))
    assert (heard.count, heard.listener.deaf) == (1, False)
    heard.listener.detach()
    model(x)
    assert heard.count == 1
    assert len(model._forward_pre_hooks) == 0


def test_a_saved_model_has_nothing_of_the_watch() -> None:
    model = nn.Sequential(nn.Linear(2, 1))
    size = len(saved(model))
    heard = attached(model)
    found = saved(model)
    assert b"fallline" not in found
    assert len(found) < size + 2_000
    again = torch.load(io.BytesIO(found), weights_only=False)
    x = torch.ones(3, 2)
    assert torch.equal(again(x), model(x))
    assert heard.count == 1  # the model's own, not its copy's
    assert b"fallline" not in saved(again)


@pytest.mark.parametrize("copies", [1, 2])
def test_a_copy_is_not_listened_to(copies: int) -> None:
    model = nn.Linear(2, 1)
    heard = attached(model)
    other = model
    for _ in range(copies):
        other = copy.deepcopy(other)
    x = torch.ones(3, 2)
    assert torch.equal(other(x), nn.functional.linear(x, model.weight, model.bias))
    assert heard.count == 0
    assert not any(isinstance(hook, _Hook) for hook in other._forward_pre_hooks.values())
    model(x)
    assert heard.count == 1


@pytest.mark.slow
def test_the_model_does_not_keep_the_watch_alive() -> None:
    model = nn.Linear(2, 1)
    heard = attached(model)
    alive = weakref.ref(heard)
    del heard
    gc.collect()
    assert alive() is None
    model(torch.ones(1, 2))


@pytest.mark.slow
def test_a_model_compiled_in_place_is_saved_without_its_wrapper() -> None:
    model = nn.Linear(2, 1)
    model.compile(backend="eager")
    compiled = model._compiled_call_impl
    heard = attached(model)
    assert model._compiled_call_impl is not compiled
    assert b"fallline" not in saved(model)
    assert copy.deepcopy(model)._compiled_call_impl is None
    heard.listener.detach()
    assert model._compiled_call_impl is compiled


@pytest.mark.slow
def test_a_saved_model_is_loaded_where_there_is_no_fallline(tmp_path: Path) -> None:
    model = nn.Linear(2, 1)
    heard = attached(model)
    torch.save(model, tmp_path / "model.pt")
    command = [sys.executable, "-c", ODD_LOAD, str(tmp_path / "model.pt")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert float(done.stdout) == pytest.approx(model(torch.ones(1, 2)).item())
    heard.listener.detach()
