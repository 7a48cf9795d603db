"""docs/semantics.md#absent-and-not-finite, in JSON."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fallline._errors import RunFileError
from fallline._records import Header, Scaling, Summary
from fallline._store import from_json, plain, to_json
from store import samples

NUMBERS = st.floats(allow_nan=False)


def test_a_header_comes_back_equal() -> None:
    header = samples.header(parameters=4)
    assert from_json(Header, to_json(header)) == header


def test_text_that_looks_like_a_number_stays_text() -> None:
    header = samples.header(name="NaN", source="Infinity")
    assert from_json(Header, to_json(header)) == header


@pytest.mark.slow
@given(st.lists(NUMBERS, min_size=1), NUMBERS, st.none() | NUMBERS)
def test_a_summary_comes_back_equal(values: list[float], loss: float, limit: float | None) -> None:
    learned = {f"w_{i}": value for i, value in enumerate(values)}
    summary = samples.summary(learned=learned, exact=learned, last_loss=loss, stability_limit=limit)
    assert from_json(Summary, to_json(summary)) == summary


def test_nan_is_kept_and_is_not_null() -> None:
    text = to_json(samples.summary(last_loss=math.nan, stability_limit=None))
    assert (json.loads(text)["last_loss"], json.loads(text)["stability_limit"]) == ("NaN", None)
    back = from_json(Summary, text)
    assert math.isnan(back.last_loss)
    assert back.stability_limit is None


def test_json_is_strict() -> None:
    def refuse(constant: str) -> None:
        pytest.fail(f"{constant} is not JSON")

    json.loads(
        to_json([math.nan, math.inf, -math.inf, np.float64("nan"), np.array([math.inf])]),
        parse_constant=refuse,
    )


def test_numpy_and_unknown_values_become_plain() -> None:
    assert plain((np.int64(3), np.bool_(True), np.float32(0.5), 1j)) == [3, True, 0.5, "1j"]


def test_a_path_that_is_not_unicode_survives() -> None:
    header = samples.header(source=b"/data/\xff.csv".decode(errors="surrogateescape"))
    assert from_json(Header, to_json(header)) == header


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"shift": 3, "scale": []}', '{"shift": []}', '{"shift": ["x"], "scale": []}',
     '{"shift": [true], "scale": []}'],
)  # fmt: skip
def test_damaged_json_is_one_sentence(text: str) -> None:
    with pytest.raises(RunFileError, match="scaling cannot be understood"):
        from_json(Scaling, text)


def test_a_name_from_a_later_minor_version_is_skipped() -> None:
    assert from_json(Scaling, '{"shift": [0], "scale": [1], "kind": "robust"}') == Scaling((0.0,), (1.0,))
