"""Trains a small network under a watch in forked children, kills each at a random moment, and resumes what is left.

Run by test_kill.py in a process of its own: ``killed_training.py FOLDER KILLS SEED``. Prints a JSON line for each kill.
"""

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

import torch
from torch import nn

import fallline as fl
from fallline._store import read_recording

LONGEST = 0.12
"""Seconds until a kill, at most."""


def main() -> None:
    folder, kills, chance = Path(sys.argv[1]), int(sys.argv[2]), random.Random(int(sys.argv[3]))
    torch.set_num_threads(1)
    train(folder / "warm.db", 3, os.open(os.devnull, os.O_WRONLY))  # everything is imported before the first fork
    for number in range(kills):
        run = folder / f"{number}.db"
        flushed = killed_at(run, chance.uniform(0, LONGEST))
        found = opened(run)
        steps = [] if found is None else found.steps.step.tolist()
        resumed = resume(run, len(steps))
        sys.stdout.write(
            json.dumps(
                {
                    "flushed": flushed,
                    "begun": found is not None,
                    "rows": len(steps),
                    "gapless": steps == list(range(len(steps))),
                    "unfinished": found is None or found.summary is None,
                    "events": [] if found is None else [event.text for event in found.events],
                    "resumed": resumed,
                }
            )
            + "\n"
        )


def killed_at(run: Path, seconds: float) -> int:
    """How many steps were flushed before the child was killed."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        train(run, 10**9, writing)
    os.close(writing)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with os.fdopen(reading, "rb") as told:
        said = told.read().split(b"\n")[:-1]
    return int(said[-1]) if said else 0


def train(run: Path, steps: int, told: int, *, resume: bool = False) -> None:
    """Says after every flush how many steps are safe."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.1), nn.Linear(16, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    with fl.watch(model, optimizer, run=run, resume=resume, quiet=True) as watch:
        for step in range(steps):
            x = torch.randn(32, 8)
            optimizer.zero_grad()
            loss = (model(x) - x.sum(dim=1, keepdim=True)).square().mean()
            loss.backward()
            optimizer.step()
            watch.step(loss, closure=lambda x=x: (model(x) - x.sum(dim=1, keepdim=True)).square().mean())
            watch.log(step=step)
            if step % 3 == 0 and watch.flush():
                os.write(told, f"{step + 1}\n".encode())


def opened(run: Path) -> fl.Recording | None:
    """The record; None where the kill came before ``fl.watch`` had returned."""
    try:
        return read_recording(run)
    except fl.RunFileError as problem:
        if run.exists() and "nothing has been written to it" not in str(problem):
            raise
        return None


def resume(run: Path, before: int) -> list[str]:
    """Five more steps; the kinds of the events then, where all is well."""
    child = os.fork()
    if child == 0:
        train(run, 5, os.open(os.devnull, os.O_WRONLY), resume=True)
        os._exit(0)
    if os.waitpid(child, 0)[1] != 0:
        return ["the resumed training failed"]
    found = fl.load(run)
    if found.steps.step.tolist() != list(range(before + 5)) or found.summary is None:
        return [f"{before} rows became {found.steps.step.tolist()}"]
    return [str(event.kind) for event in found.events]


if __name__ == "__main__":
    main()
