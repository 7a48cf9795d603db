"""The payload of an answered question's page (docs/payload-comparison.md), and the page itself."""

import json
import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fallline._records import Curves
from fallline._report import answer_report, report
from fallline._view._answer import build_answer_payload
from fallline._view._module import module_source
from fallline._view._payload import to_json
from fallline._view._thinned import thinned
from fallline._view._typeset import typeset
from view.comparisons import answer


def test_the_words_and_cells_are_the_record_s() -> None:
    told, kept = build_answer_payload(answer()), answer()
    assert told["title"] == "Why minus?"
    assert told["summary"] == "Minus goes down: 4.3\u00a0% of the loss is left."
    assert told["sections"][0]["paragraphs"] == ["The slope is −160.4. So w grows.", "Plus climbs."]
    facts = told["sections"][0]["exhibits"][1]
    assert facts["cells"] == [["w", "−160.4"], ["b", "−24.44"]]
    assert [each["heading"] for each in told["sections"]] == [each.heading for each in kept.sections]


def test_a_curve_keeps_its_ends_and_its_first_value_that_is_not_finite() -> None:
    plus = build_answer_payload(answer())["sections"][0]["exhibits"][0]["series"][1]
    first = next(i for i, value in enumerate(plus["y"]) if not np.isfinite(value))
    assert plus["x"][first] == 90.0
    assert plus["x"][first - 1] == 89.0
    assert (plus["x"][0], plus["x"][-1]) == (0.0, 200.0)
    assert '"Infinity"' in to_json(build_answer_payload(answer()))


def test_measured_points_are_all_kept() -> None:
    measured = build_answer_payload(answer())["sections"][1]["exhibits"][0]["series"][0]
    assert measured["points"] is True
    assert len(measured["x"]) == 13


@pytest.mark.slow
@given(
    st.lists(st.floats(min_value=-1e3, max_value=1e3), min_size=2, max_size=300),
    st.booleans(),
)
@example([0.0, 2.2e-311], False)  # 360 pixels over so small a span is no number
def test_a_thinned_line_stays_within_a_pixel_of_the_whole_one(values: list[float], logarithmic: bool) -> None:
    y = np.array(values)
    if logarithmic:
        y = 10.0 ** (y / 500)
    x = np.arange(float(len(y)))
    kept = thinned(x, y, False, logarithmic)
    assert kept[0] == 0
    assert kept[-1] == len(y) - 1
    height = np.log(y) if logarithmic else y
    span = np.ptp(height)
    if not span > 0:
        return
    # Upright distance may exceed the perpendicular one on steep pieces; measure perpendicular in pixels.
    points = np.stack([x / (len(y) - 1) * 900.0, (height - height.min()) / span * 360.0], axis=1)
    for a, b in pairwise(kept.tolist()):
        start, along = points[a], points[b] - points[a]
        length = float(along @ along)
        for point in points[a + 1 : b]:
            share = float(np.clip((point - start) @ along / length, 0, 1)) if length > 0 else 0.0
            assert np.linalg.norm(point - start - share * along) < 0.4


def test_thinning_keeps_the_neighbours_of_gaps() -> None:
    y = np.arange(100.0)
    y[50] = np.nan
    kept = thinned(np.arange(100.0), y, False, False).tolist()
    assert kept == [0, 49, 50, 51, 99]
    assert thinned(np.arange(3.0), np.full(3, np.nan), False, True).tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("text", "set_text"),
    [
        ("4.3 % is left", "4.3\u00a0% is left"),
        ("× 2.5 (± 0.1)", "×\u00a02.5 (±\u00a00.1)"),
        ("rate × steps, 100", "rate × steps, 100"),
        ("no change", "no change"),
    ],
)
def test_what_belongs_together_stays_on_one_line(text: str, set_text: str) -> None:
    assert typeset(text) == set_text


def test_the_joined_module_carries_only_what_the_page_needs() -> None:
    source = module_source("why.js")
    assert re.findall(r"^(?:import|export)\b.*", source, re.MULTILINE) == ["export { render };"]
    for word in ("createPlayer", "drawLevels", "fetch(", "innerHTML", "eval("):
        assert word not in source, word
    assert len(source) < 65_000


def test_the_report_is_one_whole_file(tmp_path: Path) -> None:
    answer_report(answer(), tmp_path / "why.html")
    page = (tmp_path / "why.html").read_text(encoding="utf-8")
    assert "<title>Why minus? · fallline</title>" in page
    inside = re.search(r'<script type="application/json" id="payload">(.*?)</script>', page, re.DOTALL)
    assert inside is not None
    assert json.loads(inside[1])["schema"] == "fallline.why-view/1"
    report(answer(), tmp_path / "again.html")
    assert (tmp_path / "again.html").read_text(encoding="utf-8") == page


def test_an_answer_without_curves_is_a_page_too(tmp_path: Path) -> None:
    bare = answer()
    sections = tuple(
        replace(each, exhibits=tuple(one for one in each.exhibits if not isinstance(one, Curves)))
        for each in bare.sections
    )
    answer_report(replace(bare, sections=sections), tmp_path / "bare.html")
    assert (tmp_path / "bare.html").exists()
