"""docs/semantics.md#objective: every kind of model; modes; and nothing of it is changed."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from fallline._errors import OptionError
from fallline._objective import Objective
from fallline._objective._layout import layout_of

WIDE = torch.float64
X = torch.randn(12, 4, dtype=WIDE, generator=torch.Generator().manual_seed(0))
Y = torch.randint(0, 3, (12,), generator=torch.Generator().manual_seed(1))


def network(*layers: nn.Module) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 5), nn.Tanh(), *layers, nn.Linear(5, 3)).double()


def cross_entropy(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """A loss that is not known by its name."""
    return functional.cross_entropy(output, target)


def dense(objective: Objective, loss: Any) -> np.ndarray:
    """The Hessian by torch.func, in one piece."""
    at = torch.from_numpy(objective.parameters.copy())
    return torch.func.jacrev(torch.func.jacrev(loss))(at).numpy()


def at_vector(model: nn.Module, vector: torch.Tensor, inputs: Any) -> torch.Tensor:
    named = {name: one for name, one in model.named_parameters() if one.requires_grad}
    parts = torch.split(vector, [one.numel() for one in named.values()])
    given = {name: part.view_as(one) for (name, one), part in zip(named.items(), parts, strict=True)}
    return torch.func.functional_call(model, given, inputs)


class Two(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(4, 3), nn.Linear(4, 3)

    def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return torch.tanh(self.first(a)) * self.second(b)


class Language(nn.Module):
    """Takes and gives mappings, as the models of transformers do; the head is tied to the embedding."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding, self.head = nn.Embedding(7, 4), nn.Linear(4, 7, bias=False)
        self.head.weight = self.embedding.weight

    def forward(self, input_ids: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:
        logits = self.head(torch.tanh(self.embedding(input_ids)))
        return {"loss": functional.cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten())}


def test_a_dense_hessian() -> None:
    model = network()
    objective = Objective(model, nn.CrossEntropyLoss(), (X, Y))
    exact = dense(objective, lambda v: functional.cross_entropy(at_vector(model, v, (X,)), Y))
    assert objective.hessian(objective.parameters) == pytest.approx(exact, abs=1e-14)
    assert objective.parameters == pytest.approx(
        torch.nn.utils.parameters_to_vector(model.parameters()).detach().numpy()
    )


@pytest.mark.parametrize("given", ["tuple", "list", "mapping"])
def test_several_inputs(given: str) -> None:
    torch.manual_seed(0)
    model = Two().double()
    both = {"tuple": (X, 2 * X), "list": [X, 2 * X], "mapping": {"a": X, "b": 2 * X}}[given]
    objective = Objective(model, nn.CrossEntropyLoss(), (both, Y))
    assert objective.loss(objective.parameters)[0] == pytest.approx(
        float(functional.cross_entropy(model(X, 2 * X), Y).detach()), rel=1e-14
    )


def test_a_batch_that_is_a_mapping_and_tied_weights() -> None:
    torch.manual_seed(0)
    model = Language().double()
    ids = torch.randint(0, 7, (6, 5))
    labels = ids.clone()
    labels[0, 2:] = -100
    labels[4, 1:] = -100
    batches = [{"input_ids": ids[some], "labels": labels[some]} for some in (slice(0, 2), slice(2, 6))]
    objective = Objective(model, lambda output, _: output["loss"], batches)
    assert objective.parameter_names == ("embedding.weight",)
    assert "next targets that are not ignored" in repr(objective)
    assert any("share count once" in note for note in objective.notes)
    assert objective.loss(objective.parameters)[0] == pytest.approx(
        float(model(ids, labels)["loss"].detach()), rel=1e-14
    )
    exact = dense(objective, lambda v: at_vector(model, v, (ids, labels))["loss"])
    assert objective.hessian(objective.parameters) == pytest.approx(exact, abs=1e-14)


def test_frozen_parameters_are_held_constant() -> None:
    model = network()
    model[0].requires_grad_(False)
    objective = Objective(model, nn.CrossEntropyLoss(), (X, Y))
    assert objective.parameter_names == ("2.weight", "2.bias")
    assert [id(one) for one in objective.tensors] == [id(model[2].weight), id(model[2].bias)]
    assert any("Held constant" in note and "2 tensors" in note for note in objective.notes)
    exact = dense(objective, lambda v: functional.cross_entropy(at_vector(model, v, (X,)), Y))
    assert objective.hessian(objective.parameters) == pytest.approx(exact, abs=1e-14)
    wide = objective.products(objective.parameters, dtype=torch.float64)
    assert wide.times(torch.ones(18, dtype=WIDE)).numpy() == pytest.approx(exact.sum(1), abs=1e-14)


@pytest.mark.parametrize(("dtype", "digits"), [(torch.float32, 1e-5), (torch.bfloat16, 0.1), (torch.float16, 0.02)])
def test_other_dtypes(dtype: torch.dtype, digits: float) -> None:
    model = network().to(dtype)
    target = nn.functional.one_hot(Y, 3).to(dtype)
    objective = Objective(model, nn.MSELoss(), (X.to(dtype), target))
    assert objective.dtype is dtype
    wide = Objective(network().to(dtype).double(), nn.MSELoss(), (X.to(dtype).double(), target.double()))
    at, way = objective.parameters, np.ones(objective.parameter_count)
    assert np.array_equal(at, wide.parameters)
    exact = wide.hvp(at, way)
    assert objective.loss(at) == pytest.approx(wide.loss(at), rel=digits)
    assert np.linalg.norm(objective.hvp(at, way) - exact) <= digits * np.linalg.norm(exact)
    inside = objective.products(at, dtype=torch.float64)
    assert inside.times(torch.ones(len(way), dtype=WIDE)).numpy() == pytest.approx(exact[0], rel=1e-11, abs=1e-13)
    small = objective.change(at, at + 1e-9)[0]
    assert small == pytest.approx(float(wide.gradient(at)[0] @ np.full(len(at), 1e-9)), rel=1e-6)


def test_a_loss_with_weights_of_its_own_in_float64() -> None:
    loss_fn = nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2.0, 5.0]))
    model = network().float()
    objective = Objective(model, loss_fn, (X.float(), Y))
    assert objective.products(objective.parameters, dtype=torch.float64).loss == pytest.approx(
        objective.loss(objective.parameters)[0], rel=1e-6
    )
    assert loss_fn.weight.dtype is torch.float32


class Stubborn(nn.Module):
    """Its code names a dtype."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(4, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.float() @ self.weight


def test_a_model_that_names_a_dtype_is_evaluated_in_its_own() -> None:
    objective = Objective(Stubborn(), nn.MSELoss(), (X.float(), X[:, :1].float()))
    at = objective.parameters
    assert objective.change(at, at + 1) == pytest.approx(objective.loss(at + 1) - objective.loss(at), rel=1e-5)
    with pytest.raises(OptionError, match=r"cannot be evaluated in torch\.float64"):
        objective.products(at, dtype=torch.float64)


def test_roles() -> None:
    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.ones(3))
            self.conv = nn.Conv2d(1, 2, 3)
            self.norm = nn.BatchNorm2d(2)
            self.attention = nn.MultiheadAttention(4, 1)

    block = Block()
    named = dict(block.named_parameters())
    parts = {part.name: part for part in layout_of(block, list(named), list(named.values()))}
    assert {name: part.role for name, part in parts.items()} == {
        "scale": "weight",
        "conv.weight": "weight",
        "conv.bias": "bias",
        "norm.weight": "norm",
        "norm.bias": "norm",
        "attention.in_proj_weight": "weight",
        "attention.in_proj_bias": "bias",
        "attention.out_proj.weight": "weight",
        "attention.out_proj.bias": "bias",
    }
    assert parts["conv.weight"].shape == (2, 1, 3, 3)
    assert (parts["scale"].begin, parts["conv.weight"].begin, parts["conv.weight"].end) == (0, 3, 21)


def test_batch_norm_and_dropout_in_eval_mode_are_said() -> None:
    model = network(nn.BatchNorm1d(5), nn.Dropout(0.5))
    model(X)  # running statistics that are not the start's
    objective = Objective(model, nn.CrossEntropyLoss(), (X, Y))
    assert objective.notes[0].startswith("Batch norm (1 layer) uses the running statistics")
    assert "Dropout is off (eval mode)." in objective.notes
    stands = "The model itself stands in train mode, and is left so; it is evaluated in eval mode unless"
    assert any(note.startswith(stands) for note in objective.notes)
    assert model.training
    assert objective.loss(objective.parameters)[0] == pytest.approx(
        float(functional.cross_entropy(model.eval()(X), Y).detach()), rel=1e-14
    )


def test_train_mode() -> None:
    model = network(nn.BatchNorm1d(5))
    halves = [(X[:5], Y[:5]), (X[5:], Y[5:])]
    one = Objective(model, nn.CrossEntropyLoss(), (X, Y), mode="train", memory=20_000)
    assert one.loss(one.parameters)[0] == pytest.approx(
        float(functional.cross_entropy(model.train()(X), Y).detach()), rel=1e-14
    )
    assert "from the one batch of all rows" in one.notes[0]
    ready = Objective(model.eval(), nn.CrossEntropyLoss(), (X, Y))
    assert not any("stands in train mode" in note for note in (*one.notes, *ready.notes))
    with pytest.raises(OptionError, match=r'Batch norm \(layer 2\) takes its statistics from each batch.*mode="eval"'):
        Objective(model, nn.CrossEntropyLoss(), halves, mode="train")
    with pytest.raises(OptionError, match="sum over the rows"):
        Objective(model, lambda out, y: functional.cross_entropy(out, y, reduction="sum"), (X, Y), mode="train")
    dropping = network(nn.Dropout(0.5))
    nn.init.zeros_(dropping[3].weight)  # at these parameters no dropout shows
    with pytest.raises(OptionError, match=r'dropout.*use mode="eval"'):
        Objective(dropping, nn.CrossEntropyLoss(), (X, Y), mode="train")
    untracked = network(nn.BatchNorm1d(5, track_running_stats=False))
    with pytest.raises(OptionError, match="track_running_stats=True"):
        Objective(untracked, nn.CrossEntropyLoss(), halves)


def test_batch_norm_layer_norm_conv_stacks_both_ways() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Unflatten(1, (1, 2, 2)), nn.Conv2d(1, 2, 2, padding=1), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten(),
        nn.LayerNorm(18), nn.Linear(18, 3),
    ).double()  # fmt: skip
    objective = Objective(model, nn.CrossEntropyLoss(), (X, Y))
    stack = objective.parameters + 0.1 * np.random.default_rng(0).normal(size=(9, objective.parameter_count))
    found = []
    for vectorised in (True, False):
        objective._stacked.vectorised = {"loss": vectorised, "gradient": vectorised}
        found.append((objective.loss(stack), objective.gradient(stack)))
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-13)
    assert found[0][1] == pytest.approx(found[1][1], rel=1e-11, abs=1e-14)
    assert found[0][0][0] != found[0][0][1]


class Branching(nn.Module):
    """Cannot be vectorised: it looks at a number."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(4, 1, dtype=WIDE))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x @ self.weight * (2.0 if float(self.weight.detach().sum()) > 4 else 1.0)


def test_a_model_that_cannot_be_vectorised_goes_one_by_one() -> None:
    objective = Objective(Branching(), nn.MSELoss(), (X, X[:, :1]))
    stack = np.linspace(0.5, 1.5, 40).reshape(10, 4)
    together = objective.loss(stack)
    assert objective._stacked.vectorised == {"loss": False}
    assert together == pytest.approx([objective.loss(row)[0] for row in stack], rel=1e-14)
    assert objective.gradient(stack) == pytest.approx(
        np.concatenate([objective.gradient(row) for row in stack]), rel=1e-14
    )


def test_nan_in_the_parameters_is_a_loss_of_nan() -> None:
    model = network()
    with torch.no_grad():
        model[0].weight[0, 0] = torch.nan
    objective = Objective(model, cross_entropy, [(X[:5], Y[:5]), (X[5:], Y[5:])])
    assert np.isnan(objective.parameters[0])
    assert np.isnan(objective.loss(objective.parameters)).all()
    assert np.isnan(objective.products(objective.parameters).loss)
    whole = Objective(network(), nn.CrossEntropyLoss(), (X, Y))
    assert objective.loss(whole.parameters) == pytest.approx(whole.loss(whole.parameters), rel=1e-13)


def test_nan_in_the_data_is_said() -> None:
    holes = X.clone()
    holes[0, 0] = torch.nan
    objective = Objective(network(), cross_entropy, (holes, Y))
    assert np.isnan(objective.loss(objective.parameters)).all()
    assert any("could not be checked" in note for note in objective.notes)


@pytest.mark.parametrize(
    ("model", "loss_fn", "says"),
    [
        (3, nn.MSELoss(), "model is a torch.nn.Module, not a int"),
        (nn.Identity(), nn.MSELoss(), "no parameter that requires a gradient"),
        (nn.LazyLinear(3), nn.MSELoss(), "has no shape yet"),
        (nn.Linear(4, 3, dtype=torch.complex64), nn.MSELoss(), "is complex"),
        (nn.Sequential(nn.Embedding(3, 4, sparse=True)), nn.MSELoss(), "sparse gradients"),
        (network(), "mse", "loss_fn is called as"),
        (network(), lambda *_: 1.0, "not a float"),
        (network(), lambda out, y: functional.cross_entropy(out.detach(), y), "does not depend on any parameter"),
    ],
)
def test_what_is_no_objective(model: Any, loss_fn: Any, says: str) -> None:
    with pytest.raises(OptionError, match=says):
        Objective(model, loss_fn, (X, Y))


class Checkpointed(nn.Sequential):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self[2](checkpoint(nn.Sequential(self[0], self[1]), x, use_reentrant=False))


def test_a_model_that_runs_again_going_backward_is_refused() -> None:
    with pytest.raises(OptionError, match="gradient checkpointing"):
        Objective(Checkpointed(*network()), nn.CrossEntropyLoss(), (X, Y))


def test_wrong_vectors_and_modes() -> None:
    objective = Objective(network(), nn.CrossEntropyLoss(), (X, Y), memory=20_000)
    with pytest.raises(OptionError, match=r"has 43 entries; what was given has the shape \(2, 42\)"):
        objective.loss(np.zeros((2, 42)))
    with pytest.raises(OptionError, match="at one parameter vector, not at 2"):
        objective.products(np.zeros((2, 43)))
    with pytest.raises(OptionError, match="The Hessian of 43 parameters would take"):
        objective.hessian(objective.parameters)
    with pytest.raises(OptionError, match='mode is "eval" or "train"'):
        Objective(network(), nn.CrossEntropyLoss(), (X, Y), mode="test")


class Tangents(nn.Module):
    """Derivatives by the input inside of the model: forward-mode AD, or torch.func, which bears no hooks."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.kind, self.first, self.second = kind, nn.Linear(4, 5).double(), nn.Linear(5, 3).double()

    def plain(self, x: torch.Tensor) -> torch.Tensor:
        return self.second(torch.tanh(self.first(x)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.kind == "jvp":
            value, slope = torch.func.jvp(self.plain, (x,), (torch.ones_like(x),))
            return value + slope
        by = torch.func.jacfwd if self.kind == "jacfwd" else torch.func.jacrev
        return self.plain(x) + torch.func.vmap(by(self.plain))(x).sum(-1)


@pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")  # PyTorch's own, in its forward-mode AD
@pytest.mark.parametrize("kind", ["jvp", "jacfwd", "jacrev"])
def test_a_model_with_derivatives_inside(kind: str) -> None:
    model = Tangents(kind)
    objective = Objective(model, nn.CrossEntropyLoss(), (X, Y))
    at, way, step = objective.parameters, np.linspace(-1, 1, objective.parameter_count), 1e-5
    functional.cross_entropy(model(X), Y).backward()
    own = np.concatenate([one.grad.reshape(-1).numpy() for one in model.parameters() if one.grad is not None])
    assert objective.gradient(at)[0] == pytest.approx(own, abs=1e-14)
    ahead, behind = objective.gradient([at + step * way, at - step * way])
    assert objective.hvp(at, way)[0] == pytest.approx((ahead - behind) / (2 * step), abs=1e-7)
    plain = Objective(network(), nn.CrossEntropyLoss(), (X, Y))._passes
    assert objective._passes.bytes_of_row > plain.bytes_of_row, "what the graph holds is counted without hooks as well"


class Whole(nn.Module):
    """Takes the mapping itself."""

    def __init__(self) -> None:
        super().__init__()
        self.only = nn.Linear(4, 3).double()

    def forward(self, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        return self.only(batch["x"])


def test_what_cannot_be_evaluated_is_said_in_the_users_numbers() -> None:
    many, few = X.repeat(20, 1), Y.repeat(20)
    with pytest.raises(OptionError, match=r"\(240 rows, and 5 of the target\): .*\(240\).*\(5\)\.$"):
        Objective(network(), nn.CrossEntropyLoss(), (many, few[:5]))
    with pytest.raises(OptionError, match=r"on a batch: mat1 and mat2 .*\(240x3 and 4x5\)\.$"):
        Objective(network(), nn.CrossEntropyLoss(), (many[:, :3], few))
    batch = {"x": X, "y": Y}
    with pytest.raises(OptionError, match=r"is model\(x=…, y=…\); .* whole gets \(\(batch,\), batch\)"):
        Objective(Whole(), lambda out, given: functional.cross_entropy(out, given["y"]), batch)
    taken = Objective(Whole(), lambda out, given: functional.cross_entropy(out, given["y"]), ((batch,), batch))
    assert taken.rows == 12
