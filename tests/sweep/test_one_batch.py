"""All rates in one batch: every step of it against the real optimizer in the same state, and the probe that decides."""

from collections.abc import Callable, Mapping

import numpy as np
import pytest
import torch

from cases import SEVERAL, TILTED, Case
from fallline._errors import OptionError
from fallline._quadratic import Quadratic
from fallline._sweep import run_rates, scales_with_rate
from fallline._sweep._probe import _probed

RATES = np.array([1e-3, 0.01, 0.05, 0.2])
STEPS = 80
REFUSED = {"ASGD", "Rprop", "Adafactor", "LBFGS"}
CANNOT_TRAIN = {"SparseAdam", "Muon"}
OPTIMIZERS = sorted(
    name
    for name, value in vars(torch.optim).items()
    if isinstance(value, type) and issubclass(value, torch.optim.Optimizer) and value is not torch.optim.Optimizer
)
BATCHED = [name for name in OPTIMIZERS if name not in REFUSED | CANNOT_TRAIN]
VARIANTS = [
    *((name, {}) for name in BATCHED),
    ("SGD", {"momentum": 0.9}),
    ("SGD", {"momentum": 0.9, "nesterov": True}),
    ("SGD", {"momentum": 0.9, "dampening": 0.5, "weight_decay": 0.1}),
    ("SGD", {"maximize": True}),
    ("SGD", {"foreach": True}),
    ("SGD", {"fused": True}),
    ("Adam", {"amsgrad": True}),
    ("Adam", {"weight_decay": 0.1, "betas": (0.8, 0.99)}),
    ("Adam", {"fused": True}),
    ("AdamW", {"weight_decay": 0.7}),
    ("NAdam", {"weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("Adagrad", {"lr_decay": 0.1, "initial_accumulator_value": 0.2}),
    ("RMSprop", {"centered": True, "momentum": 0.9}),
]


def slopes_of(quadratic: Quadratic) -> Callable[[np.ndarray, int], np.ndarray]:
    def slopes(stack: np.ndarray, step: int) -> np.ndarray:
        return quadratic.gradient(stack)

    return slopes


def quadratic_of(case: Case) -> Quadratic:
    return Quadratic.from_data(case.features, case.target)


@pytest.mark.parametrize(("name", "options"), VARIANTS, ids=str)
def test_every_step_is_the_real_optimizers_from_the_same_state(name: str, options: Mapping[str, object]) -> None:
    """The real optimizer is led along the batch's own path: its state is the one that the path makes, at every step."""
    quadratic = quadratic_of(SEVERAL)
    start = np.linspace(-1, 1, quadratic.parameter_count)
    runs = run_rates(slopes_of(quadratic), start, RATES, optimizer=name, options=options, steps=STEPS)
    assert runs.batched, runs.probe
    for row, rate in enumerate(RATES):
        parameter = torch.nn.Parameter(torch.tensor(start))
        optimizer = getattr(torch.optim, name)([parameter], lr=float(rate), **options)
        for before, after in zip(runs.parameters[:-1, row], runs.parameters[1:, row], strict=True):
            parameter.data.copy_(torch.tensor(before))
            parameter.grad = torch.tensor(quadratic.gradient(before)[0])
            optimizer.step()
            size = np.maximum(1.0, np.abs(after))
            assert np.abs(parameter.detach().numpy() - after).max() <= 1e-12 * size.max()


@pytest.mark.parametrize(("name", "options"), [v for v in VARIANTS if "maximize" not in v[1]], ids=str)
def test_whole_trajectories_are_those_of_single_loops(name: str, options: Mapping[str, object]) -> None:
    """A gentle bowl, where nothing is chaotic."""
    quadratic = quadratic_of(TILTED)
    start = np.array([0.5, -0.5])
    rates = RATES[:3]
    runs = run_rates(slopes_of(quadratic), start, rates, optimizer=name, options=options, steps=STEPS)
    for row, rate in enumerate(rates):
        parameter = torch.nn.Parameter(torch.tensor(start))
        optimizer = getattr(torch.optim, name)([parameter], lr=float(rate), **options)
        path = []
        for _ in range(STEPS):
            path.append(parameter.detach().numpy().copy())
            parameter.grad = torch.tensor(quadratic.gradient(parameter.detach().numpy())[0])
            optimizer.step()
        assert np.allclose(np.array(path), runs.parameters[:-1, row], rtol=1e-9, atol=1e-9)


def test_all_of_torch_optim_is_accounted_for() -> None:
    for name in OPTIMIZERS:
        if name in CANNOT_TRAIN:
            with pytest.raises(OptionError, match=f"{name} cannot train"):
                scales_with_rate(name, {})
        else:
            assert scales_with_rate(name, {}).scales is (name not in REFUSED), name


@pytest.mark.slow
@pytest.mark.parametrize("rates", [(1e-20, 1e-18), (1e18, 1e20), (1e-300, 1e300)])
def test_the_probe_takes_rates_of_the_swept_size(rates: tuple[float, float]) -> None:
    for name in ("SGD", "Adam", "AdamW"):
        assert scales_with_rate(name, {}, rates).scales, name
    for name in ("Rprop", "ASGD", "Adafactor"):
        assert not scales_with_rate(name, {}, rates).scales, name


@pytest.mark.parametrize("options", [{}, {"momentum": 0.9}, {"weight_decay": 0.01}], ids=str)
@pytest.mark.parametrize("scale", [1e-15, 1e-6, 1.0, 1e15])
def test_flat_and_steep_losses_keep_every_digit(options: Mapping[str, object], scale: float) -> None:
    """On a flat loss good rates are huge: the rounding of a row must not be multiplied by its rate."""
    options = {key: value * scale if key == "weight_decay" else value for key, value in options.items()}
    rates = np.array([1e-3, 0.05, 0.4, 0.9]) / scale
    start = np.array([10.0, -7.0])

    def slope(stack: np.ndarray, step: int) -> np.ndarray:
        return 2 * scale * (stack - 3)

    runs = run_rates(slope, start, rates, optimizer="SGD", options=options, steps=STEPS)
    assert runs.batched
    for row, rate in enumerate(rates):
        parameter = torch.nn.Parameter(torch.tensor(start))
        optimizer = torch.optim.SGD([parameter], lr=float(rate), **options)
        for _ in range(STEPS):
            parameter.grad = torch.tensor(slope(parameter.detach().numpy(), 0))
            optimizer.step()
        assert np.abs(parameter.detach().numpy() - runs.parameters[-1, row]).max() < 1e-12


def test_rates_too_far_apart_for_one_step_run_in_groups() -> None:
    rates = np.array([1e-300, 1e-2, 0.4, 1e300])
    runs = run_rates(lambda stack, step: stack, np.ones(1), rates, optimizer="SGD", options={}, steps=3)  # noqa: ARG005  (as called)
    assert runs.batched
    assert runs.parameters[-1, :3, 0] == pytest.approx([1.0, 0.99**3, 0.6**3])
    assert not np.isfinite(runs.parameters[-1, 3, 0])


class MixesRows(torch.optim.SGD):
    """Proportional to the rate, but every row's step is shortened by the size of all of them together."""

    def step(self, closure: object = None) -> None:
        for group in self.param_groups:
            for parameter in group["params"]:
                size = parameter.grad.norm()
                parameter.data.add_(parameter.grad / (1 + 1e-30 * size), alpha=-group["lr"])


class NotProportional(torch.optim.SGD):
    """Follows the square of the rate once forty steps are done: not before."""

    def step(self, closure: object = None) -> None:
        for group in self.param_groups:
            group["count"] = group.get("count", 0) + 1
            rate = group["lr"] if group["count"] < 40 else group["lr"] ** 2
            for parameter in group["params"]:
                parameter.data.add_(parameter.grad, alpha=-rate)


@pytest.mark.parametrize(
    ("cls", "words"), [(MixesRows, "a row of NaN changed its neighbours"), (NotProportional, "not proportional")]
)
def test_the_probe_sees_through_an_optimizer_that_does_not_fit(
    cls: type[torch.optim.Optimizer], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.optim, cls.__name__, cls, raising=False)
    probe = scales_with_rate(cls.__name__, {})
    assert not probe.scales
    assert words in probe.sentence
    quadratic = quadratic_of(TILTED)
    runs = run_rates(slopes_of(quadratic), np.zeros(2), RATES, optimizer=cls.__name__, options={}, steps=3)
    assert not runs.batched


def test_a_one_step_probe_would_have_let_it_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """Why the probe takes 60 steps."""
    monkeypatch.setattr(torch.optim, "NotProportional", NotProportional, raising=False)
    _probed.cache_clear()
    with monkeypatch.context() as patch:
        patch.setattr("fallline._sweep._probe.STEPS", 1)
        assert scales_with_rate("NotProportional", {}).scales
    _probed.cache_clear()
    assert not scales_with_rate("NotProportional", {}).scales


def test_the_probe_says_what_it_found() -> None:
    sentence = scales_with_rate("Adam", {}).sentence
    assert sentence.startswith("60 steps at three rates agreed with single runs to ")
    assert sentence.endswith("a row of NaN left the others untouched: all rates ran in one batch.")


def test_options_given_as_lists_are_probed_too() -> None:
    assert scales_with_rate("Adam", {"betas": [0.9, 0.99]}).scales


def test_a_rate_that_overflows_leaves_the_others_to_the_last_bit() -> None:
    quadratic = quadratic_of(TILTED)

    def run(rates: np.ndarray) -> np.ndarray:
        return run_rates(
            slopes_of(quadratic),
            np.ones(2),
            rates,
            optimizer="Adam",
            options={},
            steps=30,
        ).parameters

    sane, beside = run(np.array([0.1, 0.2, 0.3, 0.4])), run(np.array([0.1, 0.2, 0.3, 1e308]))
    assert np.array_equal(sane[:, :3], beside[:, :3])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["Adam", "Rprop"])
def test_memory_is_bounded_by_keeping_fewer_steps(name: str) -> None:
    quadratic = quadratic_of(TILTED)

    def run(most_kept: int) -> tuple[np.ndarray, np.ndarray]:
        runs = run_rates(
            slopes_of(quadratic),
            np.ones(2),
            RATES,
            optimizer=name,
            options={},
            steps=600,
            most_kept=most_kept,
        )
        return runs.parameters, runs.kept

    everything, all_steps = run(10**6)
    some, kept = run(1000)
    assert all_steps.tolist() == list(range(601))
    assert kept[0] == 0
    assert kept[-1] == 600
    assert some.size < everything.size / 2
    assert kept[:65].tolist() == list(range(65))
    assert {599, 600} <= set(kept.tolist())
    assert np.array_equal(some, everything[kept])


def test_the_programs_random_state_is_left_alone() -> None:
    _probed.cache_clear()
    before = torch.random.get_rng_state()
    scales_with_rate("SGD", {"momentum": 0.3})
    assert torch.equal(torch.random.get_rng_state(), before)
