"""docs/semantics.md#stability-limit, of the optimizer as it stands on any model."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

import fallline as fl
from curvature.hessians import bowl, network
from fallline._curvature import frozen_limit, preconditioner, provable_limit
from fallline._records import LimitKind

SGD = (
    {},
    {"weight_decay": 0.5},
    {"momentum": 0.9},
    {"momentum": 0.9, "dampening": 0.5, "weight_decay": 0.1},
    {"momentum": 0.5, "nesterov": True, "weight_decay": 0.2},
)


@pytest.mark.parametrize("options", SGD, ids=str)
def test_sgd_is_provable_and_the_row_of_the_table(options: dict[str, object]) -> None:
    model, objective = network(0)
    found = fl.stability_limit(torch.optim.SGD(model.parameters(), lr=0.1, **options), objective, tolerance=1e-8)
    sharpness = np.linalg.eigvalsh(objective.hessian(objective.parameters))[-1]
    expected = provable_limit("SGD", options, sharpness)
    assert found.kind is LimitKind.PROVABLE
    assert found.value == pytest.approx(expected.value, rel=1e-7)
    assert found.sharpness.value == pytest.approx(sharpness, rel=1e-7)


ADAPTIVE: tuple[tuple[type[torch.optim.Optimizer], dict[str, object]], ...] = (
    (torch.optim.RMSprop, {}),
    (torch.optim.RMSprop, {"momentum": 0.8, "centered": True}),
    (torch.optim.Adam, {}),
    (torch.optim.Adam, {"betas": (0.5, 0.99)}),
    (torch.optim.AdamW, {"weight_decay": 0.3}),
)


@pytest.mark.parametrize(("kind", "options"), ADAPTIVE, ids=str)
def test_adaptive_optimizers_are_those_of_the_frozen_preconditioner(
    kind: type[torch.optim.Optimizer], options: dict[str, object]
) -> None:
    model, objective = network(1)
    optimizer = kind(model.parameters(), lr=1e-3, **options)
    before = fl.stability_limit(optimizer, objective)
    assert before.value is None
    assert "has not made a step yet" in before.why
    descend(objective, optimizer, model, 5)
    now = torch.cat([tensor.detach().ravel() for tensor in model.parameters()]).numpy()
    expected = frozen_limit(kind.__name__, options, objective.hessian(now), preconditioner(optimizer))
    found = fl.stability_limit(optimizer, objective, tolerance=1e-8)
    assert found.kind is LimitKind.FROZEN
    assert found.sharpness.preconditioned
    assert found.value == pytest.approx(expected.value, rel=1e-6)


def test_where_the_model_stands_now_not_where_the_objective_was_made() -> None:
    model, objective = network(2)
    with torch.no_grad():
        model[0].weight.mul_(2)
    now = torch.cat([tensor.detach().ravel() for tensor in model.parameters()]).numpy()
    found = fl.stability_limit(torch.optim.SGD(model.parameters(), lr=0.1), objective, tolerance=1e-8)
    assert found.value == pytest.approx(2 / np.linalg.eigvalsh(objective.hessian(now))[-1], rel=1e-6)


def descend(objective: fl.Objective, optimizer: torch.optim.Optimizer, model: torch.nn.Module, steps: int) -> None:
    """Full-batch steps with the objective's own gradient."""
    tensors = list(model.parameters())
    for _ in range(steps):
        flat = torch.cat([tensor.detach().ravel() for tensor in tensors]).numpy()
        slopes = torch.from_numpy(objective.gradient(flat)[0]).split([tensor.numel() for tensor in tensors])
        for tensor, slope in zip(tensors, slopes, strict=True):
            tensor.grad = slope.view_as(tensor).to(tensor)
        optimizer.step()


class Two(torch.nn.Module):
    """½ aᵀA a of two tensors."""

    def __init__(self, matrix: torch.Tensor) -> None:
        super().__init__()
        self.first = torch.nn.Parameter(torch.tensor([1.0, -1.0], dtype=torch.float64))
        self.second = torch.nn.Parameter(torch.tensor([0.5], dtype=torch.float64))
        self.matrix = matrix

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        theta = torch.cat((self.first, self.second))
        return (0.5 * theta @ self.matrix @ theta).expand(len(x), 1)


def grows(groups: Callable[[Two], list[dict[str, object]]], kind: type[torch.optim.Optimizer], rate: float) -> bool:
    """Whether real steps blow up at this rate of the first group, the others keeping their ratio."""
    model, objective = two()
    optimizer = kind(groups(model), lr=1e-3)
    ratio = [group["lr"] / optimizer.param_groups[0]["lr"] for group in optimizer.param_groups]
    for group, share in zip(optimizer.param_groups, ratio, strict=True):
        group["lr"] = rate * share
    descend(objective, optimizer, model, 1500)
    return bool(sum(float(tensor.detach().norm()) for tensor in model.parameters()) > 1)


def two() -> tuple[Two, fl.Objective]:
    matrix = torch.tensor([[3.0, 1.0, 0.5], [1.0, 2.0, -1.0], [0.5, -1.0, 4.0]], dtype=torch.float64)
    model, x = Two(matrix), torch.zeros(4, 1, dtype=torch.float64)
    return model, fl.Objective(model, lambda output, target: (output - target).mean(), (x, x))


GROUPS: tuple[Callable[[Two], list[dict[str, object]]], ...] = (
    lambda m: [{"params": [m.first], "lr": 0.1}, {"params": [m.second], "lr": 0.03}],
    lambda m: [{"params": [m.second], "lr": 0.1, "weight_decay": 2.0}, {"params": [m.first], "lr": 0.1}],
    lambda m: [
        {"params": [m.second], "lr": 0.1, "momentum": 0.6, "weight_decay": 1.0},
        {"params": [m.first], "lr": 0.2, "momentum": 0.6},
    ],
    lambda m: [{"params": [m.first], "lr": 0.1}],
)


@pytest.mark.slow
@pytest.mark.parametrize("groups", GROUPS)
def test_several_groups_against_real_runs(groups: Callable[[Two], list[dict[str, object]]]) -> None:
    model, objective = two()
    limit = fl.stability_limit(torch.optim.SGD(groups(model), lr=1e-3), objective).value
    assert not grows(groups, torch.optim.SGD, 0.98 * limit)
    assert grows(groups, torch.optim.SGD, 1.02 * limit)


def test_adamw_whose_groups_decay_differently() -> None:
    model, objective = network(4)
    weights = [tensor for tensor in model.parameters() if tensor.ndim > 1]
    biases = [tensor for tensor in model.parameters() if tensor.ndim == 1]
    groups = [{"params": biases, "weight_decay": 0.0}, {"params": weights, "weight_decay": 5.0}]
    optimizer = torch.optim.AdamW(groups, lr=1e-3)
    descend(objective, optimizer, model, 3)
    found = fl.stability_limit(optimizer, objective, tolerance=1e-8).value
    parts = {id(t): optimizer.state[t] for t in model.parameters()}
    diagonal = torch.cat(
        [
            ((s["exp_avg_sq"] / (1 - 0.999**3)).sqrt() + 1e-8).ravel() * (1 - 0.9**3)
            for s in (parts[id(t)] for t in model.parameters())
        ]
    ).numpy()
    decay = torch.cat([torch.full((t.numel(),), 5.0 if t.ndim > 1 else 0.0) for t in model.parameters()]).numpy()
    now = torch.cat([tensor.detach().ravel() for tensor in model.parameters()]).numpy()
    root = 1 / np.sqrt(diagonal)
    whole = 0.1 / 1.9 * root[:, None] * objective.hessian(now) * root + np.diag(decay)
    assert found == pytest.approx(2 / np.linalg.eigvalsh(whole)[-1], rel=1e-6)


WITHOUT: tuple[tuple[Callable[[list[torch.Tensor]], torch.optim.Optimizer], str], ...] = (
    (torch.optim.Adagrad, "No limit is known for Adagrad"),
    (lambda p: torch.optim.SGD(p, lr=0.1, momentum=1.0), "damps nothing"),
    (lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, dampening=1.0), "nothing of the gradient"),
    (lambda p: torch.optim.SGD(p, lr=0.1, maximize=True), "climbs"),
    (lambda p: torch.optim.SGD(p, lr=0.0), "learning rate is 0"),
    (lambda p: torch.optim.Adam(p, amsgrad=True), "amsgrad"),
    (lambda p: torch.optim.Adam(p, weight_decay=0.1), "weight decay"),
    (
        lambda p: torch.optim.SGD([{"params": p[:1], "momentum": 0.5}, {"params": p[1:]}], lr=0.1),
        "different momentum",
    ),
)


@pytest.mark.parametrize(("make", "words"), WITHOUT, ids=[words for _, words in WITHOUT])
def test_where_there_is_none_it_says_why(
    make: Callable[[list[torch.Tensor]], torch.optim.Optimizer], words: str
) -> None:
    model, objective = network(0)
    found = fl.stability_limit(make(list(model.parameters())), objective)
    assert found.value is None
    assert found.kind is None
    assert words in found.why


def test_where_nothing_curves_upwards_no_rate_is_too_large() -> None:
    objective = bowl(-np.ones(30))
    found = fl.stability_limit(torch.optim.SGD(list(objective._functional.tensors), lr=0.1), objective)
    assert found.value is None
    assert "Nothing curves upwards" in found.why
    assert found.sharpness.value == pytest.approx(-1)


def test_an_optimizer_of_another_model_is_refused() -> None:
    _, objective = network(0)
    other, _ = network(0)
    with pytest.raises(fl.OptionError, match="not the objective's"):
        fl.stability_limit(torch.optim.SGD(other.parameters(), lr=0.1), objective)


DECAY = 0.5
DECAYING: tuple[tuple[type[torch.optim.Optimizer], dict[str, object], float], ...] = (
    (torch.optim.SGD, {}, 2 / DECAY),
    (torch.optim.SGD, {"momentum": 0.5}, 2 * 1.5 / DECAY),
    (torch.optim.AdamW, {}, 2 / DECAY),
    (torch.optim.Adam, {"decoupled_weight_decay": True}, 2 / DECAY),
)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "options", "expected"), DECAYING, ids=str)
def test_weight_decay_has_a_limit_where_nothing_curves(
    kind: type[torch.optim.Optimizer], options: dict[str, object], expected: float
) -> None:
    """A straight loss, as |error| is; real steps just below the limit stay, just above they blow up."""
    model = straight()
    objective = fl.Objective(model, torch.nn.L1Loss(), rows())
    optimizer = kind(model.parameters(), lr=1e-3, weight_decay=DECAY, **options)
    descend(objective, optimizer, model, 1)
    found = fl.stability_limit(optimizer, objective)
    assert found.value == pytest.approx(expected, rel=1e-9)
    assert found.kind is LimitKind.PROVABLE
    assert "weight decay" in found.why
    assert not decays_apart(kind, options, 0.95 * found.value)
    assert decays_apart(kind, options, 1.05 * found.value)


def straight() -> torch.nn.Module:
    """More parameters than are multiplied out."""
    model = torch.nn.Linear(20, 1).double()
    with torch.no_grad():
        model.weight.copy_(torch.linspace(-1, 1, 20).reshape(1, 20))
        model.bias.fill_(0.5)
    return model


def rows() -> tuple[torch.Tensor, torch.Tensor]:
    x = torch.linspace(-1, 1, 60, dtype=torch.float64).reshape(3, 20)
    return x, x.sum(1, keepdim=True) + 1


def decays_apart(kind: type[torch.optim.Optimizer], options: dict[str, object], rate: float) -> bool:
    """Whether real full-batch steps from the same start end farther than any bounded slope can push."""
    model, (x, y) = straight(), rows()
    optimizer = kind(model.parameters(), lr=rate, weight_decay=DECAY, **options)
    for _ in range(150):
        optimizer.zero_grad()
        torch.nn.functional.l1_loss(model(x), y).backward()
        optimizer.step()
    return float(model.weight.detach().norm()) > 1e3


def test_what_bends_down_by_less_than_the_decay_pulls_has_a_limit() -> None:
    objective = bowl(np.linspace(-1.5, -1, 30))
    parameters = list(objective._functional.tensors)
    found = fl.stability_limit(torch.optim.SGD(parameters, lr=0.1, weight_decay=3), objective, tolerance=1e-8)
    assert found.value == pytest.approx(2 / (3 - 1), rel=1e-6)
    assert "weight decay" in found.why
    less = fl.stability_limit(torch.optim.SGD(parameters, lr=0.1, weight_decay=0.9), objective)
    assert less.value is None


def test_adam_with_decoupled_decay_is_adamw() -> None:
    found = []
    for kind, options in ((torch.optim.AdamW, {}), (torch.optim.Adam, {"decoupled_weight_decay": True})):
        model, objective = network(3)
        optimizer = kind(model.parameters(), lr=1e-3, weight_decay=0.3, **options)
        descend(objective, optimizer, model, 3)
        found.append(fl.stability_limit(optimizer, objective).value)
    assert found[0] == found[1] is not None


def test_decay_of_parameters_that_stand_still_says_nothing() -> None:
    """The biases have never had a gradient: AdamW leaves them where they are, their decay too."""
    model, objective = network(5)
    weights, biases = ([t for t in model.parameters() if (t.ndim > 1) is wanted] for wanted in (True, False))
    limits = []
    for groups in ([{"params": weights}], [{"params": weights}, {"params": biases, "weight_decay": 1e6}]):
        optimizer = torch.optim.AdamW(groups, lr=1e-3, weight_decay=0.1)
        for tensor in weights:
            tensor.grad = torch.ones_like(tensor)
        optimizer.step()
        with torch.no_grad():
            for tensor in weights:
                tensor.copy_(tensor.round(decimals=1))
        limits.append(fl.stability_limit(optimizer, objective, tolerance=1e-8).value)
    assert limits[0] == pytest.approx(limits[1], rel=1e-3)
