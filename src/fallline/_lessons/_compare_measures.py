"""What a chapter may quote of a comparison: the runs that the page shows, by the optimizer's name."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from fallline._desk._client import Client
from fallline._desk._compare_page import compare
from fallline._lessons._chapter_words import Measured, Rate


def compare_measures(settings: Mapping[str, Any], client: Client) -> Mapping[str, Measured]:
    """The runs of the setting that the page shows first: at the rates that were set, else each at its own best.

    What the page holds is used where it is the same, and left to it.
    """
    aside = replace(client, memory=dict(client.memory))
    reply = compare({"settings": dict(settings)}, aside)
    payload = reply["payload"]
    if not isinstance(payload, dict):
        raise TypeError("a comparison is answered by a payload")
    runs = payload["settings"][payload["first"]]["runs"]
    labels = [each["label"] for each in payload["contenders"]]
    setting = str(payload["settings"][payload["first"]]["id"])
    found: dict[str, Measured | None] = {"runners": len(runs), "steps": int(payload["total_steps"]), "setting": setting}
    found |= _places(labels, [each["steps_to_goal"] for each in runs])
    for label, run in zip(labels, runs, strict=True):
        found |= {f"{_key(label)}_{name}": value for name, value in _of_run(run, int(payload["total_steps"])).items()}
    return {name: value for name, value in found.items() if value is not None}


def _key(label: str) -> str:
    """An optimizer's label as the first part of a name: ``rmsprop``."""
    return re.sub(r"\W+", "_", label.lower()).strip("_")


def _places(labels: list[str], steps: list[int | None]) -> dict[str, Measured | None]:
    """Who was first and who was last to the goal, where it is one alone."""
    ends = [np.inf if each is None else float(each) for each in steps]
    first, last = min(ends), max(ends)
    return {
        "first": labels[ends.index(first)] if ends.count(first) == 1 and np.isfinite(first) else None,
        "slowest": labels[ends.index(last)] if ends.count(last) == 1 else None,
    }


def _of_run(run: Mapping[str, Any], steps: int) -> dict[str, Measured | None]:
    losses = np.array([np.nan if each is None else each for each in run["loss"]], dtype=np.float64)
    seen = losses[np.isfinite(losses)]
    path, every = run["parameters"], len(seen) == steps + 1  # the picture can stop at every step
    return {
        "rate": Rate(float(run["rate"])),
        "steps_to_goal": run["steps_to_goal"],
        "loss_first": float(losses[0]),
        "loss_last": float(losses[-1]) if np.isfinite(losses[-1]) else None,
        "loss_highest": float(seen.max()) if every else None,
        "loss_rises": int(np.sum(losses[1:] > losses[:-1])) if every else None,
        "first_step_length": None if path is None else float(np.linalg.norm(np.subtract(path[1], path[0]))),
    }
