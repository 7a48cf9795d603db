"""Training is bit for bit the same with a watch and without: parameters, buffers, gradients, every random state."""

import warnings
from pathlib import Path
from typing import Any

import pytest

import fallline as fl
from watched_loops import COMPILED_NAMES, LOOPS, train

FAST_STEPS, STEPS = 40, 200
SETTINGS: dict[str, dict[str, Any]] = {
    "every step on its own batch": {"every": 1},
    "within a budget": {"budget": 0.02},
    "hardly any memory": {"memory": 10_000},
    "no memory at all": {"memory": 0, "snapshots": 0, "ring": 1},
}
IN_TURN = [
    (name, settings)
    for place, name in enumerate(LOOPS)
    for turn, settings in enumerate(SETTINGS)
    if (place + turn) % 2 == 0
]
"""Every loop with two of them, all of them with every other loop."""
FAST = (
    "SGD with momentum",
    "AdamW, fused",
    "dropout and batch norm",
    "clipping and groups and frozen and tied",
    "float16 under a scaler, SGD",
    "sparse gradients, SparseAdam",
    "two optimizers against each other",
    "a rate that ends in NaN",
)
"""These few at every commit, all of them in the whole suite."""


@pytest.mark.parametrize("name", FAST)
def test_training_is_the_same(name: str, tmp_path: Path) -> None:
    assert_the_same(name, FAST_STEPS, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", LOOPS)
def test_training_is_the_same_after_200_steps(name: str, tmp_path: Path) -> None:
    assert_the_same(name, STEPS, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "settings"), IN_TURN)
def test_training_is_the_same_with_any_settings(name: str, settings: str, tmp_path: Path) -> None:
    assert_the_same(name, FAST_STEPS, tmp_path, **SETTINGS[settings])


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*:DeprecationWarning:torch")
@pytest.mark.filterwarnings("ignore:.*TF32.*:UserWarning")
@pytest.mark.parametrize("name", COMPILED_NAMES)
def test_training_of_compiled_models_is_the_same(name: str, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fl.FalllineWarning)
        assert_the_same(name, STEPS, tmp_path)
    steps = fl.load(tmp_path / "run.db").steps
    assert steps.updates[1:, 0].all()
    assert steps.measured[1:, 0].all()


def assert_the_same(name: str, steps: int, folder: Path, **settings: Any) -> None:
    bare = train(name, steps, None)
    watched = train(name, steps, folder / "run.db", **settings)
    assert [what for what in bare if bare[what] != watched[what]] == []
    recorded = fl.load(folder / "run.db")
    assert recorded.summary is not None
    assert [event.text for event in recorded.events if "could not be measured" in event.text] == []
