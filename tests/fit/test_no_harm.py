"""The program around a fit is left as it was, and the same seed gives the same record bit for bit."""

import dataclasses
import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch

import fallline as fl
from cases import EVERY_LOSS, SEVERAL, TILTED, Case

SETTINGS = (
    {},
    {"batch_size": 5},
    {"optimizer": "Adam"},
    {"optimizer": "LBFGS", "learning_rate": 1.0},
    {"schedule": "onecycle"},
    {"start": {"w": 1.0}},
)


def program_state() -> tuple[object, ...]:
    name, keys, *rest = np.random.get_state()
    return (
        torch.random.get_rng_state().tolist(),
        (name, keys.tolist(), *rest),
        random.getstate(),
        torch.get_num_threads(),
        torch.get_default_dtype(),
        torch.is_grad_enabled(),
        torch.are_deterministic_algorithms_enabled(),
        tuple(sorted(np.geterr().items())),
    )


@pytest.mark.parametrize("options", SETTINGS, ids=str)
@pytest.mark.parametrize("case", EVERY_LOSS, ids=str)
def test_global_state_is_untouched(case: Case, options: dict[str, object]) -> None:
    before = program_state()
    run = fl.fit(case.data, loss=case.loss, epochs=3, **options)
    str(fl.explain(run))
    str(fl.explain(run, step=1))
    assert program_state() == before


def test_global_state_is_untouched_by_the_textbook_run() -> None:
    before = program_state()
    fl.fit(epochs=3)
    assert program_state() == before


def test_what_is_passed_in_is_left_as_it_was() -> None:
    X, y = SEVERAL.features.copy(), SEVERAL.target.copy()
    tensors = torch.tensor(X, requires_grad=True), torch.tensor(y)
    pandas = pd.DataFrame({"a": X[:, 0], "y": y})
    polars = pl.DataFrame({"a": X[:, 0], "y": y})
    start, options = {"b": 1.0}, {"momentum": 0.5}
    fl.fit((X, y), epochs=2, optimizer_options=options)
    fl.fit(tensors, epochs=2)
    fl.fit(pandas, epochs=2, start=start)
    fl.fit(polars, epochs=2)
    assert np.array_equal(X, SEVERAL.features)
    assert np.array_equal(y, SEVERAL.target)
    assert np.array_equal(tensors[0].detach().numpy(), SEVERAL.features)
    assert tensors[0].grad is None
    assert tensors[0].requires_grad
    pd.testing.assert_frame_equal(pandas, pd.DataFrame({"a": X[:, 0], "y": y}))
    assert polars.equals(pl.DataFrame({"a": X[:, 0], "y": y}))
    assert (start, options) == ({"b": 1.0}, {"momentum": 0.5})


@pytest.mark.parametrize("options", SETTINGS, ids=str)
def test_same_seed_same_record_bit_for_bit(options: dict[str, object]) -> None:
    torch.manual_seed(1)
    first = fl.fit(TILTED.data, epochs=20, seed=4, **options)
    torch.manual_seed(2)
    second = fl.fit(TILTED.data, epochs=20, seed=4, **options)
    for field in dataclasses.fields(first.columns):
        ours, again = (getattr(run.columns, field.name) for run in (first, second))
        assert ours.tobytes() == again.tobytes(), field.name
    assert dataclasses.replace(first.summary, seconds=0.0) == dataclasses.replace(second.summary, seconds=0.0)


def test_another_seed_is_another_record() -> None:
    starts = {fl.fit(TILTED.data, epochs=1, seed=seed).header.start for seed in range(5)}
    assert len(starts) == 5
    sources = {fl.fit(epochs=1, seed=seed).header.source_hash for seed in range(3)}
    assert len(sources) == 3


def test_a_record_in_a_file_is_the_record_in_memory(tmp_path: object) -> None:
    memory = fl.fit(epochs=7)
    filed = fl.load(fl.fit(epochs=7, run=tmp_path / "run.db").path)
    for field in dataclasses.fields(memory.columns):
        assert getattr(memory.columns, field.name).tobytes() == getattr(filed.columns, field.name).tobytes()


SURROUNDINGS = {
    "no_grad": torch.no_grad,
    "inference_mode": torch.inference_mode,
    "default dtype": lambda: default_dtype(torch.float64),
    "default device": lambda: torch.device("meta"),
}


@contextmanager
def default_dtype(dtype: torch.dtype) -> Iterator[None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


@pytest.mark.parametrize("surroundings", SURROUNDINGS)
@pytest.mark.parametrize("options", SETTINGS, ids=str)
def test_the_program_around_it_does_not_change_the_record(options: dict[str, object], surroundings: str) -> None:
    plain = fl.fit(epochs=3, **options)
    with SURROUNDINGS[surroundings]():
        within = fl.fit(epochs=3, **options)
    for field in dataclasses.fields(plain.columns):
        ours, again = (getattr(run.columns, field.name) for run in (plain, within))
        assert ours.tobytes() == again.tobytes(), field.name
    assert plain.header.source_hash == within.header.source_hash


@pytest.mark.parametrize("surroundings", SURROUNDINGS)
@pytest.mark.parametrize("case", EVERY_LOSS, ids=str)
def test_every_loss_within_other_surroundings(case: Case, surroundings: str) -> None:
    plain = fl.fit(case.data, loss=case.loss, epochs=3)
    with SURROUNDINGS[surroundings]():
        within = fl.fit(case.data, loss=case.loss, epochs=3)
    assert plain.columns.parameters.tobytes() == within.columns.parameters.tobytes()
    assert dataclasses.replace(plain.summary, seconds=0.0) == dataclasses.replace(within.summary, seconds=0.0)


@pytest.mark.parametrize("seed", [0, 3])
def test_the_line_as_a_table_starts_where_the_textbook_run_does(seed: int) -> None:
    plain = fl.fit(seed=seed, epochs=3)
    given = fl.fit(fl.line(seed=seed), seed=seed, standardise=False, learning_rate=0.01, epochs=3)
    assert given.columns.parameters.tobytes() == plain.columns.parameters.tobytes()
    other = fl.fit(fl.line(seed=seed + 1), seed=seed, standardise=False, epochs=1)
    assert other.header.start == fl.fit(TILTED.data, seed=seed, epochs=1).header.start
