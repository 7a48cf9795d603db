"""``gather_table``: the moments of any table in one pass, without its rows in memory, on ``read_table``'s terms."""

import io
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import fallline._data._gather as gathering
from fallline import DataError
from fallline._data import Table, TableMoments, gather_table, line, read_table
from fallline._data._arrays import open_matrix
from fallline._data._csv import CsvSource
from fallline._data._polars_frame import PolarsSource
from fallline._data._source import ReadInWholeError

X = np.array([[1.0, 2.5], [2.0, -1.0], [4.0, 0.25], [8.0, 3.0]])
Y = np.array([1.0, 0.0, 2.0, 5.5])
COLUMNS = {"x1": X[:, 0], "x2": X[:, 1], "y": Y}
SOURCES = {
    "numpy": np.column_stack([X, Y]),
    "numpy float32": np.column_stack([X, Y]).astype(np.float32),
    "numpy Fortran": np.asfortranarray(np.column_stack([X, Y])),
    "torch": torch.tensor(np.column_stack([X, Y])),
    "torch bfloat16 with gradient": torch.tensor(np.column_stack([X, Y]), dtype=torch.bfloat16, requires_grad=True),
    "pair": (X, Y),
    "pair of tensors": (torch.tensor(X, dtype=torch.float32), torch.tensor(Y)[:, None]),
    "dict": COLUMNS,
    "polars": pl.DataFrame(COLUMNS),
    "polars lazy": pl.LazyFrame(COLUMNS),
    "polars in chunks": pl.concat([pl.DataFrame(COLUMNS)[:1], pl.DataFrame(COLUMNS)[1:]], rechunk=False),
    "pandas": pd.DataFrame(COLUMNS),
    "pandas nullable": pd.DataFrame(COLUMNS).astype("Float64"),
    "pyarrow": pa.table(COLUMNS),
    "table": read_table(COLUMNS),
}
WRITERS = {
    "csv": lambda frame, path: frame.write_csv(path),
    "tsv": lambda frame, path: frame.write_csv(path, separator="\t"),
    "jsonl": lambda frame, path: frame.write_ndjson(path),
    "parquet": lambda frame, path: frame.write_parquet(path),
}


def agrees(gathered: TableMoments, table: Table) -> None:
    """The same table, reduced."""
    whole = gather_table(table)
    for name in ("center", "covariance", "low", "high", "sample_features", "sample_target"):
        np.testing.assert_array_equal(getattr(gathered, name), getattr(whole, name), err_msg=name)
    for name in ("rows", "source_hash", "feature_names", "target_name", "complete"):
        assert getattr(gathered, name) == getattr(whole, name)
    everything = np.column_stack((table.features, table.target))
    np.testing.assert_allclose(gathered.center, everything.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(gathered.covariance, np.cov(everything.T, bias=True), rtol=1e-9, atol=1e-12)
    assert (gathered.source, gathered.notes, gathered.name) == (table.source, table.notes, table.name)


@pytest.mark.parametrize("kind", SOURCES)
def test_every_source_gives_the_moments_of_its_table(kind: str) -> None:
    gathered = gather_table(SOURCES[kind])
    agrees(gathered, read_table(SOURCES[kind]))
    assert gathered.complete
    np.testing.assert_array_equal(gathered.sample_features, X)
    np.testing.assert_array_equal(gathered.sample_target, Y)


@pytest.mark.parametrize("suffix", WRITERS)
def test_files_are_streamed(suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    frame = pl.DataFrame({name: rng.normal(size=30_000) for name in ("a", "b", "c", "y")})
    frame = frame.with_columns(word=pl.lit("u"), flag=pl.col("a") > 0, n=pl.col("b").round().cast(pl.Int32))
    path = tmp_path / f"t.{suffix}"
    WRITERS[suffix](frame, path)
    table = read_table(path, target="y", features=["b", "n", "a"])

    def whole(*_: object) -> None:
        raise AssertionError("the file was read in whole")

    for source in (CsvSource, PolarsSource):
        monkeypatch.setattr(source, "numbers", whole)
    agrees(gather_table(path, target="y", features=["b", "n", "a"]), table)


@pytest.mark.parametrize("suffix", WRITERS)
def test_columns_are_chosen_as_read_table_does(suffix: str, tmp_path: Path) -> None:
    frame = pl.DataFrame({**COLUMNS, "word": list("abca"), "flag": [True, False, True, True]})
    path = tmp_path / f"t.{suffix}"
    WRITERS[suffix](frame, path)
    for options in ({"target": "y"}, {}, {"target": "x1", "features": ["y"]}, {"target": "y", "name": "mine"}):
        agrees(gather_table(path, **options), read_table(path, **options))


def test_parquet_is_read_by_row_groups_and_chosen_columns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    path = tmp_path / "t.parquet"
    pl.DataFrame({name: rng.normal(size=50_000) for name in "abcdey"}).write_parquet(path, row_group_size=2_000)
    sizes: list[tuple[int, int]] = []
    blocks = gathering.blocks

    def spied(chunks: object, columns: int) -> object:
        def seen() -> object:
            for chunk in chunks:
                sizes.append((len(chunk), len(chunk[0])))
                yield chunk

        return blocks(seen(), columns)

    monkeypatch.setattr(gathering, "blocks", spied)
    gather_table(path, target="y", features=["b", "d"])
    assert {columns for columns, _ in sizes} == {3}
    assert max(rows for _, rows in sizes) <= 2_000
    assert sum(rows for _, rows in sizes) == 50_000


MEMORY_PROGRAM = """
import resource, sys
from fallline._data import gather_table
gather_table({"x": [0.0, 1.0], "y": [1.0, 2.0]})
import polars as pl
pl.read_parquet(sys.argv[1], n_rows=10)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
gathered = gather_table(sys.argv[1], target="y")
print(gathered.rows, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.slow
def test_memory_stays_far_below_the_file(tmp_path: Path) -> None:
    pytest.importorskip("resource")
    rng = np.random.default_rng(0)
    path = tmp_path / "t.parquet"
    rows = 4_000_000
    frame = pl.DataFrame({name: rng.normal(size=rows) for name in ("a", "b", "c", "y")})
    frame.write_parquet(path, row_group_size=50_000, compression="uncompressed")
    del frame
    done = subprocess.run([sys.executable, "-c", MEMORY_PROGRAM, str(path)], capture_output=True, text=True, check=True)
    seen, kilobytes = map(int, done.stdout.split())
    assert seen == rows
    assert kilobytes * 1024 < 4 * 8 * rows / 2  # the numbers alone would take all of it


@pytest.mark.parametrize("kind", ["array", "tensor"])
def test_an_array_is_read_where_it_lies(kind: str) -> None:
    features = np.random.default_rng(0).normal(size=(400_000, 8)).astype(np.float32)
    target = features.sum(axis=1)
    pair = (features, target) if kind == "array" else (torch.from_numpy(features), torch.from_numpy(target)[:, None])
    tracemalloc.start()
    gather_table(pair, kept_numbers=1_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < features.nbytes / 4


LATE = "x,word,y\n" + "".join(f"{i},u,{i * i}\n" for i in range(40_000))
NOT_PLAIN = {
    "missing, written out": (LATE + "NA,u,3\n7,u,1\n", {"drop_missing": True}),
    "missing last value": (LATE + "5,u,\n7,u,1\n", {"drop_missing": True}),
    "blank lines": (LATE + "\n5,u,1\n\n7,u,1\n", {}),
    "spaces": (LATE + " 5 ,u, 1\n", {}),
    "true and false": ("x,y\nfalse,1\ntrue,2\nfalse,4\n", {}),
}


@pytest.mark.parametrize("case", NOT_PLAIN)
def test_text_that_needs_a_closer_look_gets_it(case: str, tmp_path: Path) -> None:
    content, options = NOT_PLAIN[case]
    path = tmp_path / "t.csv"
    path.write_text(content)
    agrees(gather_table(path, **options), read_table(path, **options))


def test_a_file_given_up_halfway_is_read_from_its_beginning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "t.csv"
    pl.DataFrame(COLUMNS).write_csv(path)
    monkeypatch.setattr("fallline._data._blocks.block_rows", lambda _: 2)

    def given_up(*_: object) -> object:
        yield (np.array([7.0, 8.0, np.nan]),) * 3
        raise ReadInWholeError

    monkeypatch.setattr(CsvSource, "chunks", given_up)
    agrees(gather_table(path), read_table(path))


@pytest.mark.parametrize("kind", ["frame", "parquet"])
def test_every_numeric_type_is_taken_missing_values_too(kind: str, tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {
            "flag": pl.Series([True, None, False, True, False]),
            "price": pl.Series(["1.25", None, "2.50", "3.75", "0.10"]).cast(pl.Decimal(10, 2)),
            "count": pl.Series([1, 2, 3, 4, 7], dtype=pl.UInt8),
            "half": pl.Series([0.5, 1.0, 2.0, 8.0, None], dtype=pl.Float32),
            "y": pl.Series([2**53, 1, 2, 3, None], dtype=pl.Int64),
        }
    )
    source: object = frame
    if kind == "parquet":
        source = tmp_path / "t.parquet"
        frame.write_parquet(source)
    for features in (["flag"], ["price"], ["count"], ["half"], ["flag", "price"]):
        options = {"target": "y", "features": features, "drop_missing": True}
        agrees(gather_table(source, **options), read_table(source, **options))


def test_text_in_json_lines_may_stand_for_numbers(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text('{"x": "1", "y": 2}\n{"x": "NA", "y": 3}\n{"x": "4.5", "y": 5}\n{"x": "9", "y": 1}\n')
    agrees(gather_table(path, drop_missing=True), read_table(path, drop_missing=True))


MISSING = pl.DataFrame(
    {
        "x": [1.0, None, 3.0, float("inf"), 5.0, float("nan"), 7.0, 8.0],
        "n": [1, 2, None, 4, 5, 6, 7, 9],
        "y": [1.0, 2.0, 3.0, 4.0, float("-inf"), 6.0, 7.5, 8.0],
    }
)
BAD = {
    "missing": (MISSING, {}),
    "missing in one": (MISSING, {"features": ["n"], "target": "x"}),
    "nothing left": (MISSING.head(6)[1:], {"drop_missing": True}),
    "one left": (MISSING.head(6), {"drop_missing": True}),
    "no rows": (MISSING.head(0), {}),
    "one row": (MISSING.head(1), {}),
    "constant feature": (pl.DataFrame({"x": [0.1] * 5, "y": [1.0, 2, 3, 4, 5]}), {}),
    "constant target": (pl.DataFrame({"x": [1.0, 2, 3], "y": [7.0, 7, 7]}), {}),
    "constant once dropped": (pl.DataFrame({"x": [1.0, 1, 3], "y": [7.0, 8, None]}), {"drop_missing": True}),
    "huge": (pl.DataFrame({"x": [1.0, -1e200, 1e199], "y": [7.0, 8, 9]}), {}),
    "huge and far from zero": (pl.DataFrame({"x": [1e150, 1.5e150, 1.1e150], "y": [7.0, 8, 9]}), {}),
    "sum beyond float64": (pl.DataFrame({"x": [1.7e308, 1.7e308, 0.0], "y": [7.0, 8, 9]}), {}),
    "huge after a missing one": (
        pl.DataFrame({"x": [None, 1e200, 1.0, 2.0], "y": [7.0, 8, 9, 10]}),
        {"drop_missing": True},
    ),
    "unknown column": (MISSING, {"target": "z"}),
    "text": (MISSING.with_columns(word=pl.lit("u")), {"target": "word"}),
}


@pytest.mark.parametrize("suffix", ["frame", "parquet", "csv", "jsonl"])
@pytest.mark.parametrize("case", BAD)
def test_what_read_table_refuses_is_refused_in_the_same_words(case: str, suffix: str, tmp_path: Path) -> None:
    frame, options = BAD[case]
    source: object = frame
    if suffix != "frame":
        source = tmp_path / f"t.{suffix}"
        WRITERS[suffix](frame, source)
    with pytest.raises(DataError) as told:
        read_table(source, **options)
    with pytest.raises(DataError) as gathered:
        gather_table(source, **options)
    assert str(gathered.value) == str(told.value)


def test_the_row_of_a_huge_value_is_that_of_the_source() -> None:
    frame, options = BAD["huge after a missing one"]
    with pytest.raises(DataError, match='Column "x" holds 1e\\+200 in row 2, counted from 1'):
        gather_table(frame, **options)


@pytest.mark.parametrize("order", [[1e199, -1e200], [-1e200, 1e199]])
def test_the_largest_of_all_blocks_is_named(order: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fallline._data._blocks.block_rows", lambda _: 16)
    x = np.arange(40.0)
    x[[5, 25]] = order
    row = 5 if order[0] == -1e200 else 25
    with pytest.raises(DataError, match=f"holds -1e\\+200 in row {row + 1},"):
        gather_table((x, np.arange(40.0)))


def test_a_tensor_lends_its_memory() -> None:
    for dtype in (torch.float32, torch.float64, torch.int32):
        tensor = torch.arange(12).reshape(4, 3).to(dtype)
        (chunk,) = open_matrix(tensor).chunks(["x1", "y"])
        assert all(np.shares_memory(column, tensor.numpy()) for column in chunk)


@pytest.mark.parametrize("content", [b"PAR1 and no more", b"PAR1"])
def test_a_broken_parquet_file_is_refused_in_the_same_words(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    path.write_bytes(content)
    with pytest.raises(DataError) as told:
        read_table(path)
    with pytest.raises(DataError) as gathered:
        gather_table(path)
    assert str(gathered.value) == str(told.value)


def test_pages_that_turn_out_broken_are_told(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    rng = np.random.default_rng(0)
    columns = {name: rng.integers(0, 3, size=5000).astype(np.float64) for name in "xy"}
    pl.DataFrame(columns).write_parquet(path, row_group_size=1000)
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 400] = b"\xff" * 400
    path.write_bytes(bytes(content))
    with pytest.raises(DataError, match="cannot be read as Parquet"):
        gather_table(path)


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(bad=st.dictionaries(st.integers(0, 39), st.sampled_from([np.nan, np.inf, -np.inf]), max_size=8))
def test_rows_with_a_missing_value_are_dropped_and_no_other(
    bad: dict[int, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fallline._data._blocks.block_rows", lambda _: 16)
    table = np.random.default_rng(0).normal(size=(40, 2))
    for row, value in bad.items():
        table[row, row % 2] = value
    gathered = gather_table(table, drop_missing=True)
    kept = read_table(table, drop_missing=True)
    np.testing.assert_array_equal(gathered.sample_features, kept.features)
    np.testing.assert_array_equal(gathered.sample_target, kept.target)
    np.testing.assert_allclose(
        gathered.covariance, np.cov(np.column_stack((kept.features, kept.target)).T, bias=True), rtol=1e-12, atol=1e-14
    )
    assert gathered.notes == kept.notes
    assert gathered.rows == kept.rows


def test_the_sample_is_even_and_bounded() -> None:
    rows = np.arange(50_000.0)
    gathered = gather_table((rows, rows**2), kept_numbers=1_000)
    kept = gathered.sample_features[:, 0]
    assert not gathered.complete
    assert 250 <= len(kept) <= 500
    assert len(set(np.diff(kept).tolist())) == 1
    np.testing.assert_array_equal(gathered.sample_target, kept**2)


def test_the_hash_sees_every_number_but_not_where_the_numbers_lie() -> None:
    rng = np.random.default_rng(0)
    table = rng.normal(size=(20_000, 3)).astype(np.float32).astype(np.float64)
    known = gather_table(table).source_hash
    assert known.startswith("block-sums-sha256:")
    assert gather_table(np.asfortranarray(table).astype(np.float32)).source_hash == known
    assert gather_table(pl.DataFrame(table)).source_hash == known
    for row, column in ((0, 0), (19_999, 2), (16_384, 1)):
        other = table.copy()
        other[row, column] = np.nextafter(other[row, column], np.inf)
        assert gather_table(other).source_hash != known
    assert gather_table(table[:-1]).source_hash != known
    assert gather_table(np.vstack((table, np.zeros((1, 3))))).source_hash != known
    assert gather_table(table[:, [1, 0, 2]]).source_hash != known


def test_a_rule_keeps_its_seed() -> None:
    table = line(seed=3)
    gathered = gather_table(table)
    assert (gathered.drawn, gathered.seed, gathered.rows) == (table.drawn, 3, table.rows)


def test_the_scaling_is_that_of_standardise() -> None:
    from fallline._data import standardise

    rng = np.random.default_rng(0)
    table = read_table(1e6 + rng.normal(size=(500, 3)))
    _, scaling = standardise(table.feature_columns)
    gathered = gather_table(table).scaling
    np.testing.assert_allclose(gathered.shift, scaling.shift, rtol=1e-15)
    np.testing.assert_allclose(gathered.scale, scaling.scale, rtol=1e-13)


def test_deviations_whose_squares_vanish_are_refused_on_standardising() -> None:
    gathered = gather_table((np.array([0.0, 1e-170, 2e-170]), np.array([1.0, 2.0, 4.0])))
    with pytest.raises(DataError, match='The feature "x" varies by so little'):
        _ = gathered.scaling


def test_the_source_is_not_altered() -> None:
    features, target = X.astype(np.float32), Y.copy()
    gather_table((features, target))
    np.testing.assert_array_equal(features, X.astype(np.float32))
    np.testing.assert_array_equal(target, Y)
    frame = pl.DataFrame(COLUMNS)
    gather_table(frame)
    assert frame.equals(pl.DataFrame(COLUMNS))


def test_a_name_with_wildcards_is_a_name(tmp_path: Path) -> None:
    for suffix in ("csv", "parquet"):
        path = tmp_path / f"t[1]*.{suffix}"
        buffer = io.BytesIO()
        WRITERS[suffix](pl.DataFrame(COLUMNS), buffer)
        path.write_bytes(buffer.getvalue())
        assert gather_table(path).rows == 4
