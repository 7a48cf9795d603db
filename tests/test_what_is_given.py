"""What arrives in place of an objective, a point, a plane or a number: it works, or is one sentence."""

from collections.abc import Callable, Iterator

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, IterableDataset

import fallline as fl
from fallline._objective import _open_end

X = torch.linspace(-1, 1, 12, dtype=torch.float64).reshape(6, 2)
Y = X.sum(1, keepdim=True).exp()
DATA = (X, Y)


def model_of() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(2, 2), nn.Tanh(), nn.Linear(2, 1)).double()


MODEL = model_of()
OBJECTIVE = fl.Objective(MODEL, nn.MSELoss(), DATA)
OPTIMIZER = torch.optim.SGD(MODEL.parameters(), lr=0.1)
PLANE = fl.plane(OBJECTIVE, "random")
DOORS: dict[str, Callable[..., object]] = {
    "sharpness": fl.sharpness,
    "spectrum": fl.spectrum,
    "trace": fl.trace,
    "curvature": fl.curvature,
    "track_sharpness": fl.track_sharpness,
    "limit": lambda given, **options: fl.stability_limit(OPTIMIZER, given, **options),
    "plane": lambda given, **options: fl.plane(given, "random", **options),
    "surface": lambda given, **options: fl.surface(given, PLANE, (3, 3), **options),
}


@pytest.mark.parametrize("door", DOORS)
def test_a_model_is_no_objective_and_the_sentence_says_how_one_is_made(door: str) -> None:
    with pytest.raises(fl.OptionError, match=r"fl\.Objective\(model, loss_fn, data\) makes one; here is a Sequential"):
        DOORS[door](MODEL)


@pytest.mark.parametrize("seed", [-1, 1.5, 2**70, "one", None, True])
@pytest.mark.parametrize("door", DOORS)
def test_a_seed_is_the_same_kind_of_number_everywhere(door: str, seed: object) -> None:
    with pytest.raises(fl.OptionError, match="A seed is a whole number from 0"):
        DOORS[door](OBJECTIVE, seed=seed)


@pytest.mark.parametrize("tolerance", ["x", float("inf"), float("nan"), 0, -1, None, True])
@pytest.mark.parametrize("door", list(DOORS)[:6])
def test_a_tolerance_is_a_finite_share(door: str, tolerance: object) -> None:
    with pytest.raises(fl.OptionError, match="The tolerance is a share above 0"):
        DOORS[door](OBJECTIVE, tolerance=tolerance)


@pytest.mark.parametrize(
    "at",
    [
        MODEL,
        MODEL.state_dict(),
        torch.nn.utils.parameters_to_vector(MODEL.parameters()),
        list(torch.nn.utils.parameters_to_vector(MODEL.parameters())),
    ],
    ids=["module", "state dict", "tensor with gradient", "list of tensors"],
)
def test_a_point_is_whatever_holds_its_numbers(at: object) -> None:
    here = OBJECTIVE.parameters
    assert fl.sharpness(OBJECTIVE, at=at).value == fl.sharpness(OBJECTIVE, at=here).value
    assert fl.trace(OBJECTIVE, at=at).value == fl.trace(OBJECTIVE, at=here).value
    assert fl.spectrum(OBJECTIVE, 1, at=at).largest[0] == fl.spectrum(OBJECTIVE, 1, at=here).largest[0]
    assert fl.track_sharpness(OBJECTIVE)(at).value == fl.track_sharpness(OBJECTIVE)(here).value
    assert (fl.plane(OBJECTIVE, "random", at=at).origin == here).all()
    assert OBJECTIVE.loss(at)[0] == OBJECTIVE.loss(here)[0]


REFUSED: dict[str, tuple[Callable[[], object], str]] = {
    "a plane by its kind": (lambda: fl.surface(OBJECTIVE, "random"), r'fl\.plane\(objective, "random"\)'),
    "shape": (lambda: fl.surface(OBJECTIVE, PLANE, 5), "shape is how many cells"),
    "k": (lambda: fl.spectrum(OBJECTIVE, 1.5), r"k is how many eigenvalues at each end, a whole number, not 1\.5"),
    "name": (lambda: fl.plane(OBJECTIVE, "parameters", names=[1.5, 0]), r"not by 1\.5"),
    "names": (lambda: fl.plane(OBJECTIVE, "parameters", names=5), "needs two names"),
    "checkpoints": (lambda: fl.plane(OBJECTIVE, "checkpoints", checkpoints=MODEL), "1 was given"),
    "products": (lambda: fl.sharpness(OBJECTIVE, most_products=1.5), r"most_products is 1\.5"),
    "dtype": (lambda: fl.sharpness(OBJECTIVE, dtype="float64"), "dtype is that of real numbers"),
    "start": (lambda: fl.sharpness(OBJECTIVE, start="x"), "is an array of numbers"),
    "a file": (lambda: fl.sharpness(OBJECTIVE, at="end.pt"), "load it first"),
    "an optimizer": (lambda: fl.stability_limit("sgd", OBJECTIVE), "one of torch.optim, not a str"),
    "denominator": (lambda: fl.Objective(MODEL, nn.MSELoss(), DATA, denominator=3), "is called as denominator"),
    "its answer": (
        lambda: fl.Objective(MODEL, nn.MSELoss(), DATA, denominator=lambda _: float("inf")),
        "is a finite number, what the loss divides by; here it gave inf",
    ),
    "its other answer": (
        lambda: fl.Objective(MODEL, nn.MSELoss(), DATA, denominator=lambda _: None),
        "here it gave None",
    ),
    "a model without numbers": (
        lambda: fl.Objective(nn.Linear(2, 1, device="meta"), nn.MSELoss(), DATA),
        "meta device",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_used_is_one_sentence(case: str) -> None:
    call, words = REFUSED[case]
    with pytest.raises(fl.OptionError, match=words):
        call()


def test_a_sweep_starts_at_a_state_dict_too() -> None:
    other = model_of()
    with torch.no_grad():
        other[0].weight.mul_(2)
    first = fl.sweep(OBJECTIVE, start=other.state_dict(), epochs=2)
    again = fl.sweep(OBJECTIVE, start=fl.Objective(other, nn.MSELoss(), DATA).parameters, epochs=2)
    assert (first.start == again.start).all()
    assert not (first.start == OBJECTIVE.parameters).all()


class Endless(IterableDataset[tuple[torch.Tensor, torch.Tensor]]):
    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        while True:
            yield X[0], Y[0]


def test_data_without_an_end_are_told_and_then_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_open_end, "MOST_BATCHES", 20)
    monkeypatch.setattr(_open_end, "PATIENCE", 0.0)
    loader = DataLoader(Endless(), batch_size=2)
    with (
        pytest.warns(fl.FalllineWarning, match="still being read, 2 rows so far") as told,
        pytest.raises(fl.DataError, match=r"do not end: .* 42 rows in 21 batches"),
    ):
        fl.Objective(MODEL, nn.MSELoss(), loader)
    assert len(told) == 1


def test_an_end_is_no_longer_awaited_after_twenty_thousand_batches() -> None:
    """Reading so many takes seconds; five times as many took most of a minute."""
    end = _open_end.OpenEnd(iter(()))
    end.look(20_000, 20_000)
    with pytest.raises(fl.DataError, match=r"do not end: .* 20,001 batches"):
        end.look(20_001, 20_001)


def test_data_whose_length_is_known_may_take_their_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_open_end, "MOST_BATCHES", 1)
    monkeypatch.setattr(_open_end, "PATIENCE", 0.0)
    assert fl.Objective(MODEL, nn.MSELoss(), [DATA, DATA, DATA]).rows == 18
