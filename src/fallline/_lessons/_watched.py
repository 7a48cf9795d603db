"""The last chapter's page: a small network in an ordinary training loop of its own, recorded by ``fl.watch``.

The loop is the one that the chapter prints. Its record is made in a folder that is gone again afterwards; nothing is
written where nobody asked.
"""

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from fallline._desk._client import Client, Reply
from fallline._lessons._chapter_words import Measured, Rate, Reach
from fallline._lessons._watched_settings import WatchedSettings, read_watched
from fallline._load import load
from fallline._recorder import watch
from fallline._records import Recording
from fallline._view._recording import build_recording_payload

ROWS, BATCH, HIDDEN = 200, 50, 16
TENTH = 10


def watched(request: Mapping[str, object], client: Client) -> Reply:
    """Answer kind ``watched``: the loop is run, its record drawn.

    Raises:
        OptionError: a setting that cannot be.
    """
    settings = read_watched(request.get("settings"))
    return {"payload": build_recording_payload(recorded(settings, client).recording)}


class Network(nn.Sequential):
    """Its name is the run's."""


def network(seed: int) -> nn.Sequential:
    """1-16-1 with tanh: 49 parameters, drawn without the program's own random numbers."""
    generator = torch.Generator().manual_seed(seed)
    hidden, output = (nn.Linear(*sizes, device="meta") for sizes in ((1, HIDDEN), (HIDDEN, 1)))
    with torch.no_grad():
        for layer in (hidden, output):
            layer.to_empty(device="cpu")
            bound = layer.in_features**-0.5  # nn.Linear's own rule
            layer.weight.uniform_(-bound, bound, generator=generator)
            layer.bias.uniform_(-bound, bound, generator=generator)
    return Network(hidden, nn.Tanh(), output)


def batches(settings: WatchedSettings) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches of one wave, y = sin(2x), in an order of the seed's."""
    x = torch.linspace(-3, 3, ROWS)[:, None]
    y = torch.sin(2 * x)
    generator = torch.Generator().manual_seed(settings.seed + 1)
    for _ in range(settings.epochs):
        order = torch.randperm(ROWS, generator=generator)
        for first in range(0, ROWS, BATCH):
            rows = order[first : first + BATCH]
            yield x[rows], y[rows]


@dataclass(frozen=True, eq=False)
class Recorded:
    """A loop that was watched."""

    settings: WatchedSettings
    recording: Recording
    model: nn.Sequential
    """As it was left."""


def recorded(settings: WatchedSettings, client: Client) -> Recorded:
    """The loop with a watch; the last one of a client is kept, for its page and its chapter speak of the same."""
    kept = client.memory.get("watched:last")
    if isinstance(kept, Recorded) and kept.settings == settings:
        return kept
    made = record_loop(settings, client)
    client.memory["watched:last"] = made
    return made


def record_loop(settings: WatchedSettings, client: Client) -> Recorded:
    """The loop of the chapter, with its three lines of ``fl.watch``."""
    model = network(settings.seed)
    optimizer = getattr(torch.optim, settings.optimizer)(model.parameters(), lr=settings.learning_rate)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.db"
        with watch(model, optimizer, run=path, quiet=True) as watching:
            for x, y in batches(settings):
                client.check()
                optimizer.zero_grad()
                loss = _loss(model, x, y)
                torch.autograd.backward(loss)
                optimizer.step()
                watching.step(loss, partial(_loss, model, x, y))
        recording = load(path)
    if not isinstance(recording, Recording):
        raise TypeError("a watched loop leaves a recording")
    return Recorded(settings, recording, model)


def _loss(model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    return nn.functional.mse_loss(model(x), y)


def bare_loop(settings: WatchedSettings) -> tuple[list[float], nn.Sequential]:
    """The same loop without a watch: its losses, and the network as it was left."""
    model = network(settings.seed)
    optimizer = getattr(torch.optim, settings.optimizer)(model.parameters(), lr=settings.learning_rate)
    losses = []
    for x, y in batches(settings):
        optimizer.zero_grad()
        loss = _loss(model, x, y)
        torch.autograd.backward(loss)
        optimizer.step()
        losses.append(float(loss.detach()))
    return losses, model


def watched_measures(given: Mapping[str, Any], client: Client) -> Mapping[str, Measured]:
    """What a chapter may quote of the loop; it is run twice, with a watch and without."""
    settings = read_watched(given)
    made = recorded(settings, client)
    recording, left = made.recording, made.model
    losses, bare = bare_loop(settings)
    header, reach = recording.header, recording.batches.reach[recording.batches.reach_measured]
    finite = [loss for loss in losses if np.isfinite(loss)]
    last = losses[-max(len(losses) // TENTH, 1) :]
    found: dict[str, Measured | None] = {
        "parameters": sum(layer.parameters for layer in header.layers),
        "layers": len(header.layers),
        "rows": ROWS,
        "batch": BATCH,
        "steps": len(recording),
        "rate": Rate(settings.learning_rate),
        "optimizer": settings.optimizer,
        "seed": settings.seed,
        "loss_first": losses[0],
        "loss_last": float(np.mean(last)),
        "loss_highest": max(finite) if finite else None,
        "outcome": None if recording.summary is None else recording.summary.outcome.value,
        "measured": len(reach),
        "reach_median": Reach(float(np.median(reach))) if len(reach) else None,
        "too_long": int(np.sum(reach > 2)),
        "alarm_step": recording.alarms[0].step if recording.alarms else None,
        "same": "yes" if _same(recording, losses, left, bare) else "no",
    }
    return {name: value for name, value in found.items() if value is not None}


def _same(recording: Recording, losses: list[float], left: nn.Module, bare: nn.Module) -> bool:
    """Whether both loops went the same way, bit for bit."""
    pairs = zip(left.parameters(), bare.parameters(), strict=True)
    alike = all(one.detach().numpy().tobytes() == other.detach().numpy().tobytes() for one, other in pairs)
    return alike and recording.steps.loss.tobytes() == np.array(losses, dtype=recording.steps.loss.dtype).tobytes()
