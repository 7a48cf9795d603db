"""A run's steps as a frame, and as Parquet and CSV."""

import math
from pathlib import Path

import numpy as np
import polars
import pytest

from fallline._errors import RunFileError
from fallline._store import export_run
from store import samples
from store.places import names, without_privileges


def test_the_frame_keeps_nan_and_null_apart() -> None:
    run = samples.run(steps=200, parameters=3)
    frame = run.steps
    assert frame.columns == [
        "step", "epoch", "learning_rate", "loss", "real_change", "first_order_change", "reach", "full_loss",
        "w_0", "slope_w_0", "w_1", "slope_w_1", "b", "slope_b",
    ]  # fmt: skip
    assert frame.schema["step"] == frame.schema["epoch"] == polars.Int64
    assert frame["step"].to_list() == list(range(200))
    for name, measured in {
        "reach": run.columns.reach_measured,
        "full_loss": run.columns.full_loss_measured,
    }.items():
        assert frame[name].is_null().to_list() == (~measured).tolist()
        seen = frame[name].drop_nulls().to_numpy()
        assert seen.tobytes() == getattr(run.columns, name)[measured].tobytes()
        assert np.isnan(seen).any(), "the sample should hold a measured NaN"
    for index, name in enumerate(run.header.parameter_names):
        assert frame[name].to_numpy().tobytes() == run.columns.parameters[:, index].tobytes()
        assert frame[f"slope_{name}"].to_numpy().tobytes() == run.columns.gradient[:, index].tobytes()


def test_a_run_without_steps_has_an_empty_frame() -> None:
    assert samples.run(steps=0).steps.shape == (0, 12)


def test_parquet_holds_the_frame(tmp_path: Path) -> None:
    run = samples.run(steps=30)
    export_run(run, tmp_path / "steps.parquet", "parquet")
    assert polars.read_parquet(tmp_path / "steps.parquet").equals(run.steps)
    assert names(tmp_path) == ["steps.parquet"]


def test_csv_holds_every_digit(tmp_path: Path) -> None:
    run = samples.run(steps=30)
    export_run(run, tmp_path / "steps.csv", "csv")
    back = polars.read_csv(tmp_path / "steps.csv", schema=run.steps.schema)
    for name in run.steps.columns:
        for was, now in zip(run.steps[name], back[name], strict=True):
            assert was == now or (math.isnan(was) and math.isnan(now)), name


def test_an_export_is_replaced_only_by_a_whole_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "steps.csv"
    export_run(samples.run(steps=3), path, "csv")
    before = path.read_bytes()

    def torn(frame: polars.DataFrame, part: Path) -> None:
        part.write_text("step,ep")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(polars.DataFrame, "write_csv", torn)
    with pytest.raises(RunFileError, match=r"steps\.csv cannot be written: no space left on device"):
        export_run(samples.run(steps=9), path, "csv")
    assert path.read_bytes() == before
    assert names(tmp_path) == ["steps.csv"]


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_an_export_to_a_full_disk_leaves_nothing(small_disk: Path, kind: str) -> None:
    rng = np.random.default_rng(0)
    run = samples.run(steps=5000)
    run.columns.parameters[:] = rng.normal(size=(5000, 2))
    run.columns.gradient[:] = rng.normal(size=(5000, 2))
    with pytest.raises(RunFileError, match=r"cannot be written: .*[Nn]o space left on device"):
        export_run(run, small_disk / f"steps.{kind}", kind)
    assert names(small_disk) == []


def test_an_export_that_has_no_place(tmp_path: Path, open_folder: Path) -> None:
    with pytest.raises(RunFileError, match="it is a folder"):
        export_run(samples.run(), tmp_path, "csv")
    with pytest.raises(RunFileError, match=r"there is no folder .*none; make it first"):
        export_run(samples.run(), tmp_path / "none" / "a.csv", "csv")
    open_folder.chmod(0o555)
    for kind in ("csv", "parquet"):
        with (
            without_privileges(),
            pytest.raises(RunFileError, match=r"cannot be written: .*[Pp]ermission denied"),
        ):
            export_run(samples.run(), open_folder / "a", kind)
    assert names(tmp_path) == []
