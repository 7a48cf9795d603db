"""Sharpness along a loop in words; docs/semantics.md#sharpness-along-a-loop."""

from dataclasses import replace

import numpy as np
import pytest

import recordings
from fallline._explain import RATE_IS_LIMIT, instruments, recording_paragraphs, recording_sentences
from fallline._explain._recording._sharpness_along import sharpness_sentences
from fallline._records import Recording, SharpnessSeries
from fallline._view._recording import build_recording_payload


def tracked(sharpness: list[float], *, rate: float = 0.1, frozen: bool = False, limits: bool = True) -> Recording:
    """Measured every 10 steps; the limit is 2 over the sharpness, 38 over it where it is frozen."""
    value = np.array(sharpness)
    flags = np.ones(len(value), np.bool_)
    known = flags & np.isfinite(value) if limits else ~flags
    with np.errstate(all="ignore"):
        limit = (38 if frozen else 2) / value
    series = SharpnessSeries(
        10 * np.arange(len(value)), value, 0.001 * value, np.full(len(value), 5), flags & frozen, flags,
        np.full(len(value), rate), limit, ~(flags & frozen), known,
    )  # fmt: skip
    made = recordings.plain_descent()
    words = "19 parameters, 8 rows in 1 batch, mean over rows"
    header = replace(made.header, instruments=replace(made.header.instruments, objective=words))
    return replace(made, header=header, sharpness=series)


AT_THE_EDGE = [5.0, 12.0, 24.0, 21.0, 20.0, 20.4, 19.6, 20.0]


def test_at_the_edge() -> None:
    assert sharpness_sentences(tracked(AT_THE_EDGE)) == [
        "The sharpness of the objective (19 parameters, 8 rows in 1 batch, mean over rows) was 5.000 after step 0 and "
        "20.00 after step 70, and at most 24.00, after step 20 (8 measurements).",
        "Over the last 5 measurements the learning rate was 100 % of the stability limit in the median (98 % to "
        "105 %): the edge of stability, where the sharpness stays at what the rate allows, 20.00.",
        "It was above the limit at 3 of 8 measurements, first after step 20.",
    ]


def test_of_a_frozen_preconditioner_that_is_said() -> None:
    course, share, kind = sharpness_sentences(tracked([100.0, 360.0, 370.0, 365.0], frozen=True))
    assert course.startswith("The sharpness of P⁻¹H of the objective")
    assert "the edge of stability" in share
    assert "stays at what the rate allows, 380.0." in share
    assert kind == (
        "That limit is of the preconditioner of each moment: past it the optimizer swings, it does not diverge."
    )


def test_below_the_limit_no_edge_is_claimed() -> None:
    _, share = sharpness_sentences(tracked([5.0, 8.0]))
    assert share == (
        "Over the last 2 measurements the learning rate was 32 % of the stability limit in the median (25 % to 40 %)."
    )
    assert sharpness_sentences(tracked([17.9, 17.9]))[1].endswith("90 % of the stability limit in the median.")
    assert "the edge" in sharpness_sentences(tracked([18.1, 18.1]))[1]
    assert "the edge" in sharpness_sentences(tracked([21.9, 21.9]))[1]
    assert "the edge" not in sharpness_sentences(tracked([22.1, 22.1]))[1]


def test_one_measurement_and_none() -> None:
    assert sharpness_sentences(tracked([5.0]))[0].endswith("was 5.000 after step 0.")
    assert sharpness_sentences(tracked([5.0]))[1].startswith("At the only measurement the learning rate was 25 % of")
    assert sharpness_sentences(recordings.plain_descent()) == []


def test_without_limits_only_the_sharpness_is_told() -> None:
    assert len(sharpness_sentences(tracked([5.0, 8.0], limits=False))) == 1


def test_what_is_not_finite_is_counted_and_hides_nothing() -> None:
    course, _, lost = sharpness_sentences(tracked([5.0, 8.0, np.nan, np.nan]))
    assert "8.000 after step 10" in course
    assert lost == "At 2 of 4 measurements of the sharpness the loss was not finite."
    assert sharpness_sentences(tracked([np.nan])) == ["At 1 of 1 measurement of the sharpness the loss was not finite."]


def test_the_story_the_curves_and_the_page_have_it() -> None:
    recording = tracked(AT_THE_EDGE)
    assert sharpness_sentences(recording) in recording_paragraphs(recording)
    assert set(sharpness_sentences(recording)) <= set(recording_sentences(recording))
    measured, edge = [one for one in instruments(recording) if one.title == "sharpness"]
    assert measured.value.tolist() == AT_THE_EDGE
    assert edge.name == RATE_IS_LIMIT
    assert edge.value == pytest.approx(np.full(8, 20.0))
    payload = build_recording_payload(recording)
    charts = {chart["id"]: chart for chart in payload["charts"]}
    assert [line["name"] for line in charts["sharpness"]["lines"]] == ["sharpness", RATE_IS_LIMIT]
    assert charts["share"]["levels"] == [{"name": "limit", "at": 1.0}]
    assert charts["share"]["lines"][0]["highest"] == pytest.approx(1.2)
    assert any(row["label"] == "sharpness" and "8 times" in row["words"] for row in payload["made"]["rows"])


def test_without_a_limit_there_is_one_curve_and_without_an_objective_none() -> None:
    bare = tracked([5.0, 8.0], limits=False)
    assert [one.name for one in instruments(bare) if one.title == "sharpness"] == [""]
    ids = [chart["id"] for chart in build_recording_payload(bare)["charts"]]
    assert "sharpness" in ids
    assert "share" not in ids
    nothing = recordings.plain_descent()
    assert "sharpness" not in [one.title for one in instruments(nothing)]
    assert "sharpness" not in [chart["id"] for chart in build_recording_payload(nothing)["charts"]]
