"""``fl.read_table`` on a million rows (8 features and a target) against Polars reading the same file alone.

What fallline does beyond Polars is inside the figure: look at the first lines, check every number. The columns
stay in the pieces in which Polars read them: standardising writes them straight into the one array that the
loop uses, so no array of the whole table is made before it. Two kinds of numbers: measurements with three
decimals, as tables hold them, and full random doubles, the worst case for Parquet because nothing can be
compressed and reading is nearly free.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl
from benchmarks._harness import Bar, alternate, main

import fallline as fl

ROWS, FEATURES = 1_000_000, 8
LIMIT = 1.2
PAIRS = {"csv": 9, "parquet": 41}


def frame(decimals: int | None) -> pl.DataFrame:
    """A table of ROWS rows; ``decimals`` None leaves the doubles as they were drawn."""
    random = np.random.default_rng(0)
    features = random.normal(50.0, 20.0, size=(ROWS, FEATURES))
    target = features @ np.arange(1.0, FEATURES + 1) + random.normal(size=ROWS)
    columns = [*features.T, target]
    names = [*(f"x{index}" for index in range(1, FEATURES + 1)), "y"]
    kept = columns if decimals is None else [column.round(decimals) for column in columns]
    return pl.DataFrame(dict(zip(names, kept, strict=True)))


@contextmanager
def files() -> Iterator[dict[str, Path]]:
    """The files that are read, by the name of their case."""
    with TemporaryDirectory() as folder:
        made: dict[str, Path] = {}
        for numbers, decimals in (("3 decimals", 3), ("full doubles", None)):
            table = frame(decimals)
            for suffix, write in (("csv", table.write_csv), ("parquet", table.write_parquet)):
                path = Path(folder) / f"{numbers.replace(' ', '_')}.{suffix}"
                write(path)
                made[f"{suffix}, {numbers}"] = path
        yield made


def check_same_numbers(path: Path) -> None:
    """Both must have read the same table, else their times say nothing."""
    table = fl.read_table(path, target="y")
    alone = polars_alone(path)
    if not (
        np.array_equal(table.features, alone.drop("y").to_numpy())
        and np.array_equal(table.target, alone["y"].to_numpy())
    ):
        raise RuntimeError(f"the two readers differ on {path.name}")


def polars_alone(path: Path) -> pl.DataFrame:
    """The reader that is measured against, with nothing added."""
    return pl.read_csv(path) if path.suffix == ".csv" else pl.read_parquet(path)


def ratio(case: str, path: Path) -> Bar:
    """One file, both readers in turns."""
    check_same_numbers(path)
    pairs = PAIRS[path.suffix.removeprefix(".")]
    measured = alternate(lambda: fl.read_table(path, target="y"), lambda: polars_alone(path), pairs)
    return measured.bar(f"read_table / Polars alone, 1,000,000 rows, {case}", LIMIT)


def measure() -> list[Bar]:
    """Every case."""
    with files() as made:
        return [ratio(case, path) for case, path in made.items()]


if __name__ == "__main__":
    main(measure)
