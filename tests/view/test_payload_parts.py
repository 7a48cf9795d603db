"""What a step is made of: the named terms add up to what torch.optim did, in float64 to rounding."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from fallline._records import Run
from fallline._view._parts import step_parts
from fallline._view._payload import build_payload
from view.payload_runs import TEXT, textbook

STEPS = 40
CASES: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {"momentum": 0.9}),
    ("SGD", {"momentum": 0.9, "dampening": 0.3}),
    ("SGD", {"momentum": 0.8, "nesterov": True}),
    ("SGD", {"momentum": 0.8, "weight_decay": 0.1}),
    ("SGD", {"weight_decay": 0.1}),
    ("Adam", {}),
    ("Adam", {"betas": (0.5, 0.9), "eps": 1e-3, "weight_decay": 0.1}),
    ("Adam", {"amsgrad": True}),
    ("Adam", {"weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("AdamW", {}),
    ("AdamW", {"weight_decay": 0.2, "amsgrad": True}),
    ("RMSprop", {}),
    ("RMSprop", {"alpha": 0.9, "eps": 1e-2, "weight_decay": 0.1}),
]


def recorded(name: str, options: dict[str, Any], rate: float = 0.01, dtype: Any = torch.float64) -> Run:
    """The textbook problem under a real torch.optim class, the rate halved half-way."""
    run, quadratic = textbook(steps=STEPS)
    hessian, optimum = (
        torch.tensor(quadratic.moments.hessian, dtype=dtype),
        torch.tensor(quadratic.optimum, dtype=dtype),
    )
    parameters = torch.nn.Parameter(torch.tensor(run.header.start, dtype=dtype))
    optimizer = getattr(torch.optim, name)([parameters], lr=rate, **options)
    gradients, after, rates = [], [], []
    for step in range(STEPS):
        optimizer.param_groups[0]["lr"] = rates_at = rate if step < STEPS // 2 else rate / 2
        parameters.grad = hessian @ (parameters.detach() - optimum)
        gradients.append(parameters.grad.double().numpy().copy())
        optimizer.step()
        after.append(parameters.detach().double().numpy().copy())
        rates.append(rates_at)
    start = tuple(torch.tensor(run.header.start, dtype=dtype).double().tolist())
    columns = replace(
        run.columns, gradient=np.array(gradients), parameters=np.array(after), learning_rate=np.array(rates)
    )
    header = replace(run.header, optimizer=name, optimizer_options=options, start=start)
    return replace(run, header=header, columns=columns)


def updates(run: Run) -> np.ndarray:
    return np.diff(np.concatenate([[run.header.start], run.columns.parameters]), axis=0)


@pytest.mark.parametrize(("name", "options"), CASES, ids=str)
def test_named_parts_are_the_whole_step(name: str, options: dict[str, Any]) -> None:
    run = recorded(name, options)
    parts = step_parts(run)
    assert parts is not None
    assert parts[-1].name == "unattributed"
    size = sum(np.abs(part.change) for part in parts) + np.abs(run.columns.parameters)
    assert np.abs(parts[-1].change).max() <= 1e-13 * size.max()
    assert np.allclose(sum(part.change for part in parts), updates(run), rtol=0, atol=1e-14 * size.max())


@pytest.mark.parametrize(
    ("name", "options", "names"),
    [
        ("SGD", {"momentum": 0.9}, ["gradient", "momentum"]),
        ("SGD", {"weight_decay": 0.1}, ["gradient", "decay"]),
        ("Adam", {}, ["gradient", "momentum", "preconditioning"]),
        ("AdamW", {}, ["gradient", "momentum", "preconditioning", "decay"]),
        ("RMSprop", {}, ["gradient", "preconditioning"]),
    ],
)
def test_each_optimizer_has_the_parts_it_has(name: str, options: dict[str, Any], names: list[str]) -> None:
    parts = step_parts(recorded(name, options))
    assert parts is not None
    assert [part.name for part in parts[:-1]] == names
    assert np.array_equal(
        parts[0].change, -parts_rate(recorded(name, options)) * recorded(name, options).columns.gradient
    )


def parts_rate(run: Run) -> np.ndarray:
    return run.columns.learning_rate[:, None]


def test_decay_pulls_to_zero_in_proportion() -> None:
    run = recorded("AdamW", {"weight_decay": 0.2})
    parts = step_parts(run)
    assert parts is not None
    before = np.concatenate([[run.header.start], run.columns.parameters[:-1]])
    assert np.array_equal(parts[3].change, -parts_rate(run) * 0.2 * before)


def test_what_is_not_known_is_unattributed() -> None:
    run = recorded("SGD", {"momentum": 0.9})
    shifted = run.columns.parameters.copy()
    shifted[7:] += 0.25  # somebody else moved the parameters during step 7
    parts = step_parts(replace(run, columns=replace(run.columns, parameters=shifted)))
    assert parts is not None
    assert parts[-1].change[7] == pytest.approx([0.25, 0.25])
    assert np.abs(np.delete(parts[-1].change, 7, axis=0)).max() < 1e-12


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("SGD", {}),
        ("SGD", {"momentum": 0.0, "weight_decay": 0}),
        ("SGD", {"momentum": 0.9, "maximize": True}),
        ("Adagrad", {}),
        ("RMSprop", {"momentum": 0.9}),
        ("RMSprop", {"centered": True}),
    ],
)
def test_a_plain_step_or_an_unknown_optimizer_has_no_parts(name: str, options: dict[str, Any]) -> None:
    run, _ = textbook(steps=3)
    header = replace(run.header, optimizer=name, optimizer_options=options)
    assert step_parts(replace(run, header=header)) is None


def test_drawn_parts_lead_head_to_tail_from_start_to_end() -> None:
    run = recorded("SGD", {"momentum": 0.9}, dtype=torch.float32)
    _, quadratic = textbook(steps=1)
    frames = build_payload(run, quadratic, TEXT)["frames"]
    for frame, parts in enumerate(frames["parts_uv"]):
        lengths = sum(np.abs(part["uv"]).sum() for part in parts)
        landed = np.array(frames["start_uv"][frame]) + np.sum([part["uv"] for part in parts], axis=0)
        assert np.abs(landed - frames["end_uv"][frame]).max() <= 1e-3 * lengths
    assert {part["name"] for part in frames["parts_uv"][5]} == {"gradient", "momentum"}


def test_options_that_are_no_numbers_are_refused() -> None:
    run, _ = textbook(steps=3)
    header = replace(run.header, optimizer_options={"momentum": "0.9"})
    with pytest.raises(TypeError, match="momentum"):
        step_parts(replace(run, header=header))
    header = replace(run.header, optimizer="Adam", optimizer_options={"betas": 0.9})
    with pytest.raises(TypeError, match="betas"):
        step_parts(replace(run, header=header))
