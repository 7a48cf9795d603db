"""A catalogue of training loops as people write them, each with one place where a watch may look on."""

import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, mse_loss

import fallline as fl

ROWS, FEATURES, CLASSES = 16, 5, 3
Closure = Callable[[], Tensor]
Report = Callable[..., None]
"""``watch.step`` or nothing."""


@dataclass(frozen=True, eq=False)
class Loop:
    """A model, its optimizers, and what one turn of the loop does; the turn hands its loss to ``report``."""

    model: nn.Module
    optimizers: tuple[torch.optim.Optimizer, ...]
    turn: Callable[[int, Report], None]
    others: tuple[Any, ...] = ()
    """Schedulers, scalers: whatever else has a ``state_dict``."""


LOOPS: dict[str, Callable[[], Loop]] = {}


def train(name: str, steps: int, run: Path | None, **settings: Any) -> dict[str, Any]:
    """Everything that the loop leaves behind; watched where there is a run file to write."""
    seed()
    loop = (LOOPS.get(name) or COMPILED[name])()
    if run is None:
        for step in range(steps):
            loop.turn(step, nothing)
    else:
        with fl.watch(loop.model, loop.optimizers, run=run, quiet=True, **settings) as watch:
            for step in range(steps):
                loop.turn(step, watch.step)
    return left_behind(loop)


def seed() -> None:
    torch.manual_seed(3)
    random.seed(3)
    np.random.seed(3)


def nothing(*_: object) -> None:
    """Nobody looks on."""


def left_behind(loop: Loop) -> dict[str, Any]:
    """Name and bytes of everything that an instrument must not change."""
    found: dict[str, Any] = {
        "torch random state": exactly(torch.get_rng_state()),
        "python random state": random.getstate(),
        "numpy random state": exactly(np.random.get_state()),
        "modes": {name: module.training for name, module in loop.model.named_modules()},
        "switches": (torch.is_grad_enabled(), torch.is_autocast_enabled("cpu"), torch.get_num_threads()),
        "hooks": [len(m._forward_pre_hooks) + len(m._forward_hooks) for m in loop.model.modules()],
        "optimizers": [exactly(each.state_dict()) for each in loop.optimizers],
        "others": [exactly(each.state_dict()) for each in loop.others],
        "model": exactly(loop.model.state_dict()),
    }
    for name, tensor in loop.model.named_parameters():
        found[f"{name}.grad"] = None if tensor.grad is None else exactly(tensor.grad)
        found[f"{name} is a leaf"] = (tensor.requires_grad, tensor.is_leaf, type(tensor).__name__)
    return found


def exactly(value: Any) -> Any:
    """Tensors and arrays as their bytes, inside whatever holds them."""
    if isinstance(value, Tensor):
        if value.is_sparse:
            return ("sparse", exactly(value.coalesce().indices()), exactly(value.coalesce().values()))
        dense = value.detach().cpu().contiguous()
        return (str(dense.dtype), tuple(dense.shape), dense.reshape(-1).view(torch.uint8).numpy().tobytes())
    if isinstance(value, np.ndarray):
        return value.tobytes()
    if isinstance(value, dict):
        return {key: exactly(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [exactly(each) for each in value]
    return value if isinstance(value, int | float | str | None) else repr(type(value))


def batches() -> Iterator[tuple[Tensor, Tensor]]:
    """Batch after batch, from a generator of their own."""
    source = torch.Generator().manual_seed(11)
    weights = torch.randn(FEATURES, CLASSES, generator=source)
    while True:
        x = torch.randn(ROWS, FEATURES, generator=source)
        yield x, (x @ weights).argmax(dim=1)


def mlp(*, dropout: float = 0.0, norm: bool = False) -> nn.Sequential:
    """Two layers, with what makes a forward pass random or stateful."""
    middle = [nn.BatchNorm1d(8)] if norm else []
    return nn.Sequential(
        nn.Linear(FEATURES, 8), *middle, nn.Tanh(), *([nn.Dropout(dropout)] if dropout else []), nn.Linear(8, CLASSES)
    )


def plain(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    *,
    before: Callable[[], object] = nothing,
    after: Callable[[Tensor], object] = nothing,
    others: tuple[Any, ...] = (),
    closure: bool = True,
    to_none: bool = True,
) -> Loop:
    """The loop of every tutorial; ``before`` and ``after`` the optimizer's step there is room for more."""
    data = batches()

    def turn(step: int, report: Report) -> None:
        x, y = next(data)
        optimizer.zero_grad(set_to_none=to_none)
        loss = cross_entropy(model(x), y)
        loss.backward()
        before()
        optimizer.step()
        if closure:
            report(loss, lambda: cross_entropy(model(x), y))
        else:
            report(loss)
        after(loss.detach())

    return Loop(model, (optimizer,), turn, others)


def of_optimizer(optimizer: Callable[..., torch.optim.Optimizer], **options: Any) -> Callable[[], Loop]:
    """The plain loop with one of PyTorch's optimizers."""

    def make() -> Loop:
        model = mlp()
        return plain(model, optimizer(model.parameters(), **options))

    return make


class SignDescent(torch.optim.Optimizer):
    """An optimizer of somebody's own: a step of one size, whatever the gradient."""

    def __init__(self, params: Any, size: float) -> None:
        super().__init__(params, {"size": size})

    @torch.no_grad()
    def step(self, closure: Closure | None = None) -> None:
        for group in self.param_groups:
            for tensor in group["params"]:
                if tensor.grad is not None:
                    tensor.sub_(tensor.grad.sign(), alpha=group["size"])


LOOPS |= {
    "SGD": of_optimizer(torch.optim.SGD, lr=0.1),
    "SGD with momentum": of_optimizer(torch.optim.SGD, lr=0.1, momentum=0.9),
    "Nesterov, decay": of_optimizer(torch.optim.SGD, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    "SGD, foreach": of_optimizer(torch.optim.SGD, lr=0.1, momentum=0.9, foreach=True),
    "SGD, fused": of_optimizer(torch.optim.SGD, lr=0.1, momentum=0.9, fused=True),
    "Adam": of_optimizer(torch.optim.Adam, lr=0.01),
    "Adam, foreach": of_optimizer(torch.optim.Adam, lr=0.01, foreach=True),
    "Adam, fused": of_optimizer(torch.optim.Adam, lr=0.01, fused=True),
    "Adam, amsgrad": of_optimizer(torch.optim.Adam, lr=0.01, amsgrad=True, weight_decay=0.1),
    "Adam, rate in a tensor": of_optimizer(torch.optim.Adam, lr=torch.tensor(0.01), foreach=False),
    "Adam, upwards": of_optimizer(torch.optim.Adam, lr=0.01, maximize=True),
    "AdamW": of_optimizer(torch.optim.AdamW, lr=0.01),
    "AdamW, fused": of_optimizer(torch.optim.AdamW, lr=0.01, fused=True),
    "NAdam": of_optimizer(torch.optim.NAdam, lr=0.01),
    "RAdam": of_optimizer(torch.optim.RAdam, lr=0.01),
    "Adamax": of_optimizer(torch.optim.Adamax, lr=0.01),
    "Adagrad": of_optimizer(torch.optim.Adagrad, lr=0.01),
    "Adadelta": of_optimizer(torch.optim.Adadelta, lr=0.5),
    "Adafactor": of_optimizer(torch.optim.Adafactor, lr=0.01),
    "RMSprop": of_optimizer(torch.optim.RMSprop, lr=0.01, momentum=0.9, centered=True),
    "Rprop": of_optimizer(torch.optim.Rprop, lr=0.01),
    "ASGD": of_optimizer(torch.optim.ASGD, lr=0.01),
    "an optimizer of one's own": of_optimizer(SignDescent, size=0.001),
    "a rate that explodes": of_optimizer(torch.optim.SGD, lr=1e6),
}


def loop(make: Callable[[], Loop]) -> Callable[[], Loop]:
    """Put it into the catalogue, under its name with spaces."""
    LOOPS[make.__name__.replace("_", " ")] = make
    return make


@loop
def a_rate_that_ends_in_NaN() -> Loop:  # noqa: N802  (the name in the catalogue)
    model, data = mlp(), batches()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e3)

    def turn(step: int, report: Report) -> None:
        x, _ = next(data)
        optimizer.zero_grad()
        loss = model(x).square().mean()
        loss.backward()
        optimizer.step()
        report(loss, lambda: model(x).square().mean())

    return Loop(model, (optimizer,), turn)


@loop
def dropout_and_batch_norm() -> Loop:
    model = mlp(dropout=0.3, norm=True)
    return plain(model, torch.optim.Adam(model.parameters(), lr=0.01))


@loop
def dropout_in_double_precision() -> Loop:
    model, data = mlp(dropout=0.3, norm=True).double(), batches()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.5)

    def turn(step: int, report: Report) -> None:
        x, y = next(data)
        optimizer.zero_grad()
        loss = cross_entropy(model(x.double()), y)
        loss.backward()
        optimizer.step()
        report(loss, lambda: cross_entropy(model(x.double()), y))

    return Loop(model, (optimizer,), turn)


class Moody(nn.Module):
    """A forward pass that asks every random generator, and that counts in a buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = mlp()
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        self.seen += 1
        noise = random.random() + np.random.rand() + torch.rand(())
        return self.inner(x) * noise


@loop
def random_numbers_of_python_and_numpy() -> Loop:
    model = Moody()
    return plain(model, torch.optim.SGD(model.parameters(), lr=0.05))


@loop
def clipping_and_groups_and_frozen_and_tied() -> Loop:
    model = mlp()
    model.append(nn.Linear(CLASSES, CLASSES))
    model.append(nn.Linear(CLASSES, CLASSES))
    model[-1].weight = model[-2].weight
    model[0].bias.requires_grad_(False)
    groups = [
        {"params": model[0].parameters(), "lr": 0.2},
        {"params": [p for layer in model[1:] for p in layer.parameters()], "momentum": 0.9},
    ]
    groups[1]["params"] = list(dict.fromkeys(groups[1]["params"]))
    optimizer = torch.optim.SGD(groups, lr=0.1)
    return plain(model, optimizer, before=lambda: nn.utils.clip_grad_norm_(model.parameters(), 0.1))


@loop
def gradients_that_stay_zeros() -> Loop:
    model = mlp()
    return plain(model, torch.optim.AdamW(model.parameters(), lr=0.01), to_none=False)


@loop
def a_schedule_and_a_plateau() -> Loop:
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.2, total_steps=500)
    plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=2)

    def after(loss: Tensor) -> None:
        cycle.step()
        plateau.step(loss)

    return plain(model, optimizer, after=after, others=(cycle, plateau))


@loop
def validation_in_eval_mode() -> Loop:
    model = mlp(dropout=0.5, norm=True)

    def after(_: Tensor) -> None:
        model.eval()
        with torch.no_grad():
            model(torch.ones(2, FEATURES))
        model.train()

    return plain(model, torch.optim.SGD(model.parameters(), lr=0.1), after=after)


def accumulating(every_turn: bool) -> Loop:
    model, data = mlp(dropout=0.2), batches()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)

    def turn(step: int, report: Report) -> None:
        x, y = next(data)
        loss = cross_entropy(model(x), y) / 4
        loss.backward()
        updates = step % 4 == 3
        if updates:
            optimizer.step()
        if updates or every_turn:
            report(loss, lambda: cross_entropy(model(x), y) / 4)
        if updates:
            optimizer.zero_grad()

    return Loop(model, (optimizer,), turn)


LOOPS["accumulating, reported at every turn"] = lambda: accumulating(True)
LOOPS["accumulating, reported at updates"] = lambda: accumulating(False)


def half_precision(optimizer_of: Callable[..., torch.optim.Optimizer], **options: Any) -> Loop:
    """float16 under a scaler that begins far too high, so that it skips steps; every ninth loss is infinite."""
    model, data = mlp(dropout=0.2), batches()
    optimizer = optimizer_of(model.parameters(), **options)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**40, growth_interval=20)

    def turn(step: int, report: Report) -> None:
        x, y = next(data)
        optimizer.zero_grad()

        def forward() -> Tensor:
            with torch.autocast("cpu", dtype=torch.float16):
                loss = cross_entropy(model(x), y)
            return loss * float("inf") if step % 9 == 8 else loss

        loss = forward()
        scaler.scale(loss).backward()
        if step % 2:
            scaler.unscale_(optimizer)
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        scaler.step(optimizer)
        scaler.update()
        report(loss, forward)

    return Loop(model, (optimizer,), turn, (scaler,))


LOOPS["float16 under a scaler, SGD"] = lambda: half_precision(torch.optim.SGD, lr=0.1, momentum=0.9)
LOOPS["float16 under a scaler, AdamW"] = lambda: half_precision(torch.optim.AdamW, lr=0.01)
LOOPS["float16 under a scaler, fused"] = lambda: half_precision(torch.optim.AdamW, lr=0.01, fused=True)


@loop
def autocast_to_bfloat16() -> Loop:
    model, data = mlp(dropout=0.2), batches()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)

    def turn(step: int, report: Report) -> None:
        x, y = next(data)
        optimizer.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            report(loss, lambda: cross_entropy(model(x), y))

    return Loop(model, (optimizer,), turn)


@loop
def parameters_in_bfloat16() -> Loop:
    model, data = mlp().bfloat16(), batches()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)

    def turn(step: int, report: Report) -> None:
        x, y = next(data)
        optimizer.zero_grad()
        loss = cross_entropy(model(x.bfloat16()), y)
        loss.backward()
        optimizer.step()
        report(loss, lambda: cross_entropy(model(x.bfloat16()), y))

    return Loop(model, (optimizer,), turn)


def words(sparse_optimizer: Callable[..., torch.optim.Optimizer], **options: Any) -> Loop:
    """Sparse gradients of an embedding, dense ones of what follows it."""
    model = nn.Sequential(nn.Embedding(20, 6, sparse=True), nn.Flatten(), nn.Linear(18, CLASSES))
    source = torch.Generator().manual_seed(1)
    sparse = sparse_optimizer(model[0].parameters(), **options)
    dense = torch.optim.SGD(model[2].parameters(), lr=0.1)

    def turn(step: int, report: Report) -> None:
        x = torch.randint(20, (ROWS, 3), generator=source)
        y = x.sum(dim=1) % CLASSES
        sparse.zero_grad()
        dense.zero_grad()
        loss = cross_entropy(model(x), y)
        loss.backward()
        sparse.step()
        dense.step()
        report(loss, lambda: cross_entropy(model(x), y))

    return Loop(model, (sparse, dense), turn)


LOOPS["sparse gradients, SGD"] = lambda: words(torch.optim.SGD, lr=0.1)
LOOPS["sparse gradients, SparseAdam"] = lambda: words(torch.optim.SparseAdam, lr=0.01)


@loop
def LBFGS() -> Loop:  # noqa: N802  (the name in the catalogue)
    model, data = mlp(), batches()
    x, y = next(data)
    optimizer = torch.optim.LBFGS(model.parameters(), lr=0.5, max_iter=3, line_search_fn="strong_wolfe")

    def turn(step: int, report: Report) -> None:
        def closure() -> Tensor:
            optimizer.zero_grad()
            loss = cross_entropy(model(x), y) + 0.01 * sum(p.square().sum() for p in model.parameters())
            loss.backward()
            return loss

        report(optimizer.step(closure))

    return Loop(model, (optimizer,), turn)


@loop
def two_optimizers_against_each_other() -> Loop:
    generator, critic = nn.Linear(2, FEATURES), nn.Sequential(nn.Linear(FEATURES, 6), nn.ReLU(), nn.Linear(6, 1))
    data = batches()
    makes = torch.optim.Adam(generator.parameters(), lr=0.01, betas=(0.5, 0.9))
    judges = torch.optim.RMSprop(critic.parameters(), lr=0.01)
    real, fake = torch.ones(ROWS, 1), torch.zeros(ROWS, 1)

    def turn(step: int, report: Report) -> None:
        x, _ = next(data)
        made = generator(torch.randn(ROWS, 2))
        judges.zero_grad()
        of_both = binary_cross_entropy_with_logits(critic(x), real) + binary_cross_entropy_with_logits(
            critic(made.detach()), fake
        )
        of_both.backward()
        judges.step()
        if step % 2:
            makes.zero_grad()
            binary_cross_entropy_with_logits(critic(made), real).backward()
            makes.step()
        report(of_both)

    return Loop(nn.ModuleList([generator, critic]), (makes, judges), turn)


@loop
def convolutions_with_channels_last() -> Loop:
    model = nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout2d(0.2), nn.Flatten(), nn.Linear(64, 1)
    ).to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    source = torch.Generator().manual_seed(5)

    def turn(step: int, report: Report) -> None:
        x = torch.randn(4, 2, 4, 4, generator=source).to(memory_format=torch.channels_last)
        optimizer.zero_grad()
        loss = mse_loss(model(x), x.mean(dim=(1, 2, 3)).unsqueeze(1))
        loss.backward()
        optimizer.step()
        report(loss, lambda: mse_loss(model(x), x.mean(dim=(1, 2, 3)).unsqueeze(1)))

    return Loop(model, (optimizer,), turn)


@loop
def a_recurrent_network_with_normed_weights() -> Loop:
    class Reader(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.cells = nn.LSTM(FEATURES, 4, num_layers=2, dropout=0.3, batch_first=True)
            self.head = nn.utils.parametrizations.spectral_norm(nn.Linear(4, CLASSES))

        def forward(self, x: Tensor) -> Tensor:
            return self.head(self.cells(x.unsqueeze(1).expand(-1, 3, -1))[0][:, -1])

    model = Reader()
    return plain(model, torch.optim.Adam(model.parameters(), lr=0.01))


def compiled(*, of: str, backend: str) -> Loop:
    """``torch.compile``: what is watched is the compiled model or the model inside it; the step may be compiled too."""
    torch.compiler.reset()
    model = mlp(dropout=0.3, norm=True)
    fast = torch.compile(model, backend=backend)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    data = batches()
    update = torch.compile(optimizer.step, backend=backend) if of == "model and step" else optimizer.step

    def turn(step: int, report: Report) -> None:
        x, y = next(data)
        optimizer.zero_grad()
        loss = cross_entropy(fast(x), y)
        loss.backward()
        update()
        report(loss, lambda: cross_entropy(fast(x), y))

    return Loop(model if of == "model inside" else fast, (optimizer,), turn)


INDUCTOR = pytest.mark.skipif(
    " " in torch.__file__ or shutil.which("g++") is None,
    reason="PyTorch's inductor needs a C++ compiler, and a path without spaces: it does not quote its own",
)
COMPILED: dict[str, Callable[[], Loop]] = {
    f"{of}, {backend}": partial(compiled, of=of, backend=backend)
    for of in ("model", "model inside", "model and step")
    for backend in ("aot_eager", "inductor")
}
"""Slow to begin with; ``train`` knows them as well."""
COMPILED_NAMES = [pytest.param(name, marks=INDUCTOR if "inductor" in name else ()) for name in COMPILED]
