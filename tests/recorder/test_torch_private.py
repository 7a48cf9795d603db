"""Every private name of PyTorch may go: then it still measures, and the numbers are the same."""

import ast
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.autograd import grad_mode

import fallline._recorder
from fallline._recorder import _torch_private as private
from fallline._recorder._forward_listener import ForwardListener
from fallline._undisturbed import _torch_private as private_of_state
from same_batch_loops import bits, one_step

OWN = (
    "_forward_listener",
    "_same_batch_kept",
    "../_undisturbed/_kept",
    "_same_batch",
    "_same_batch_row",
    "_evaluation",
    "_step_sums",
    "../_random_state",
    "_instruments",
    "_snapshots",
    "_split_update",
    "_parts_of_update",
    "_effective",
    "_compiled_gauge",
    "_in_one_piece",
)
OF_PYTHON = ("__init__", "__name__", "_fields", "_replace")
"""The last two are a named tuple's."""
NAMES = ("_foreach_copy_", "_unsafe_preserve_version_counter", "hooks", "buffers", "parameters", "compiled")


def remove(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    match name:
        case "_foreach_copy_":
            monkeypatch.delattr(torch, name)
        case "_unsafe_preserve_version_counter":
            monkeypatch.delattr(grad_mode, name)
        case "hooks":
            monkeypatch.setattr(private_of_state, "GRADIENT_HOOKS", "_gone")
            monkeypatch.setattr(private_of_state, "ACCUMULATION_HOOKS", "_gone_too")
        case "buffers" | "parameters":
            monkeypatch.setattr(private_of_state, name.upper(), "_gone")
        case "compiled":
            monkeypatch.setattr(private, "COMPILED_CALL", "_gone")


def step_of_a_network() -> tuple[list[float], list[bytes]]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    x = torch.randn(16, 3)
    row = one_step(model, optimizer, lambda: model(x).square().mean())
    numbers = [row.loss_before, row.loss_after, row.reach, row.curvature, row.gradient_cosine]
    return [float(each[0]) for each in numbers], [bits(each) for each in model.state_dict().values()]


@pytest.mark.parametrize("name", NAMES)
def test_it_measures_the_same_without(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    expected = step_of_a_network()
    remove(monkeypatch, name)
    assert step_of_a_network() == expected


def test_without_any(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = step_of_a_network()
    for name in NAMES:
        remove(monkeypatch, name)
    assert step_of_a_network() == expected


def test_a_model_that_was_never_compiled_is_heard_without_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    remove(monkeypatch, "compiled")
    model, heard = nn.Linear(2, 1), []
    listener = ForwardListener(model, lambda: heard.append(1))
    listener.attach()
    model(torch.ones(1, 2))
    assert heard == [1]


@pytest.mark.parametrize("module", OWN)
def test_no_private_name_is_imported_or_used_elsewhere(module: str) -> None:
    tree = ast.parse((Path(fallline._recorder.__file__).parent / f"{module}.py").read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module is not None and node.module.split(".")[0] == "torch":
            assert not any(alias.name.startswith("_") for alias in node.names)
        if isinstance(node, ast.Attribute) and node.attr.startswith("_") and node.attr not in OF_PYTHON:
            assert isinstance(node.value, ast.Name), ast.unparse(node)
            assert node.value.id == "self", ast.unparse(node)
