"""``fl.fit(engine="moments")`` on a Parquet file of ten million rows, streamed, against Polars only reading it."""

from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import torch
from benchmarks._harness import Bar, alternate, main
from benchmarks._large_table import EPOCHS, LEARNING_RATE, NAMES, ROWS, large_table
from benchmarks._one_thread import on_one_thread

import fallline as fl

PAIRS = 9


def write(path: Path) -> None:
    """Nine columns of float32 in row groups of the size that Polars chooses."""
    features, target = large_table()
    columns = {name: column.copy() for name, column in zip(NAMES, features.T, strict=True)}
    pl.DataFrame({**columns, "y": target}).write_parquet(path)


def measure() -> list[Bar]:
    """Two hundred epochs and the record of every step beside the bare reading."""
    torch.set_num_threads(1)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "large.parquet"
        write(path)

        def by_moments() -> fl.Run:
            return fl.fit(path, target="y", engine="moments", epochs=EPOCHS, learning_rate=LEARNING_RATE)

        if by_moments().header.rows != ROWS:
            raise RuntimeError("not every row was read, so the times say nothing")
        ratio = alternate(by_moments, lambda: pl.read_parquet(path, columns=[*NAMES, "y"]), PAIRS, warm_up=1)
    return [ratio.bar("engine moments, 200 epochs / Polars reading, 10,000,000 × 9 Parquet", 2.0)]


if __name__ == "__main__":
    on_one_thread()
    main(measure)
