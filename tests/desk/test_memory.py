"""What one client can make the server keep is bounded, in bytes."""

from typing import Any

import numpy as np
import pytest

from fallline import OptionError
from fallline._desk import _study, _tables
from fallline._desk._client import Client
from fallline._desk._neuron import neuron
from fallline._desk._settings import Settings, check_work, read_settings
from fallline._desk._study import Studies, Study
from fallline._desk._tables import Tables
from fallline._fit import auto_rate


def _wide(client: Client, columns: int) -> dict[str, object]:
    cells = np.random.default_rng(0).normal(size=(40, columns))
    lines = [",".join(f"c{k}" for k in range(columns)), *(",".join(f"{cell:.4f}" for cell in row) for row in cells)]
    return {"kind": "upload", "table": client.tables.add("wide.csv", "\n".join(lines).encode())["id"]}


def _study_of(client: Client, given: dict[str, object]) -> Study:
    return Studies.of(client).study(read_settings(given), client)


def test_a_sweep_whose_paths_are_too_large_is_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client()
    given = {"data": _wide(client, 5), "epochs": 30}
    monkeypatch.setattr(_study, "MOST_SWEPT_NUMBERS", 30 * 5)
    assert not isinstance(_study_of(client, given).sweep(client), str)
    assert _study_of(client, {**given, "epochs": 31}).sweep(client) == (
        "Other rates were not run: 31 steps of 5 parameters at some fifty rates are more than is kept here."
    )


def test_what_was_swept_is_forgotten_by_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client()
    studies = Studies.of(client)
    for seed in range(4):
        study = _study_of(client, {"epochs": 30, "data": {"points": 20}, "seed": seed})
        swept = study.sweep(client)
        assert not isinstance(swept, str)
        assert study.nbytes > swept.trajectories.nbytes > study.ground.nbytes == 20 * 3 * 8
        monkeypatch.setattr(_study, "KEPT_BYTES", int(2.5 * study.nbytes))
        studies.keep(study)
    assert len(studies.kept) == 2
    monkeypatch.setattr(_study, "KEPT_BYTES", 1)
    studies.keep(study)
    assert list(studies.kept) == [study.key]  # the last one stays


def test_a_run_of_very_many_numbers_is_refused() -> None:
    with pytest.raises(OptionError, match="20,000 steps of 1,000 parameters are more than the page keeps"):
        check_work(Settings(epochs=20_000), 300, 1_000)
    assert check_work(Settings(epochs=4_000), 300, 1_000) == 4_000
    client = Client()
    with pytest.raises(OptionError, match="90,000 steps of 60 parameters"):
        neuron({"settings": {"data": _wide(client, 60), "epochs": 90_000}}, client)


def test_a_rate_is_looked_for_over_as_many_steps_as_can_be_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client()
    asked: list[int] = []
    monkeypatch.setattr(_study, "MOST_SWEPT_NUMBERS", 100)

    def auto(*given: Any, **more: Any) -> Any:
        asked.append(given[-1])
        return auto_rate(*given, **more)

    monkeypatch.setattr(_study, "auto_rate", auto)
    reply: Any = neuron({"settings": {"data": _wide(client, 5), "epochs": 60}}, client)
    assert asked == [20]
    assert "are more than is kept here" in reply["payload"]["rates"]["reason"]


CSV = b"x,y\n" + b"\n".join(b"%d,%d" % (k, k * k) for k in range(50))


def test_a_file_never_pushes_itself_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_tables, "MOST_BYTES", 100)
    tables = Tables()
    first, last = (str(tables.add(f"{name}.csv", CSV)["id"]) for name in "ab")
    assert len(tables.table(last).target) == 50
    with pytest.raises(OptionError, match="no longer here"):
        tables.table(first)


def test_tables_that_were_read_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_tables, "MOST_PARSED_BYTES", 2 * (2 * 8 * 50 * 2))
    tables = Tables()
    keys = [str(tables.add(f"{name}.csv", CSV)["id"]) for name in "abc"]
    read = [tables.table(key) for key in keys]
    again = [tables.table(key) for key in reversed(keys)][::-1]
    assert [one is other for one, other in zip(read, again, strict=True)] == [False, True, True]
    monkeypatch.setattr(_tables, "MOST_PARSED_BYTES", 1)
    assert tables.table(keys[0], features=["x"]) is tables.table(keys[0], features=["x"])
    assert len(tables) == 3  # the files are still there
