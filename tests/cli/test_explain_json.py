"""``fallline explain --json``: docs/json.md."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import recordings
from cli.shell import Cli
from cli.test_recording import store
from fallline._records import Recording, SharpnessSeries


def tracked() -> Recording:
    """Two measurements, one of them not finite."""
    flags = np.array([True, False])
    numbers = np.array([20.0, np.nan])
    series = SharpnessSeries(
        np.array([0, 10]), numbers, numbers / 1000, np.array([5, 0]), ~flags & False, flags, np.full(2, 0.1),
        2 / numbers, flags, flags,
    )  # fmt: skip
    return replace(recordings.plain_descent(), sharpness=series)


def test_a_loop_with_its_sharpness(cli: Cli) -> None:
    path = Path("runs/0001-plain.db")
    store(path, tracked())
    told = json.loads(cli("explain", "--json").out)
    assert (told["schema"], told["kind"], told["step"]) == ("fallline.explain/1", "loop", None)
    assert told["run"].endswith("0001-plain.db")
    assert any("The sharpness was 20.00 after step 0." in sentence for sentence in told["sentences"])
    found = told["sharpness"]
    assert found["step"] == [0, 10]
    assert found["sharpness"] == [20.0, "NaN"]
    assert found["limit"] == [0.1, None]
    assert found["share"] == [1.0, None]
    assert found["kind"] == ["provable", None]
    assert json.loads(cli("explain", "--step", "3", "--json").out)["sharpness"] is None


@pytest.mark.slow
def test_a_neuron_has_none(cli: Cli) -> None:
    cli("fit", "--epochs", "3", "--learning-rate", "0.01")
    told = json.loads(cli("explain", "--json").out)
    assert (told["kind"], told["sharpness"]) == ("neuron", None)
    assert told["title"]


def test_not_while_it_follows(cli: Cli) -> None:
    told = cli("explain", "--json", "--follow")
    assert (told.status, told.out) == (2, "")
    assert "ask for one of them" in told.err
