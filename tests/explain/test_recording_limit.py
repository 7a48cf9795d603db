"""The limit along a step, the middle of reach, what is not said of them: docs/semantics.md from #watched-loops on."""

from dataclasses import fields, replace

import numpy as np
import pytest

import recordings
from fallline._explain import explain, number, optimizer_names, reach_number, recording_sentences
from fallline._explain._recording._limit_along import along_steps
from fallline._records import PartSeries, Recording, SameBatchSeries


def said(recording: Recording) -> str:
    return " ".join(recording_sentences(recording))


def of_batches(recording: Recording, **changes: object) -> Recording:
    return replace(recording, batches=replace(recording.batches, **changes))


def clipped(recording: Recording, by: float) -> Recording:
    """The batches' own gradients were so many times what the optimizer consumed."""
    batches = recording.batches
    return of_batches(
        recording, first_order_change=by * batches.first_order_change, reach=batches.reach / by,
    )  # fmt: skip


def test_a_clipped_step_shows_no_limit() -> None:
    recording = clipped(recordings.plain_descent(), 100.0)
    along = along_steps(recording)
    assert along is not None
    shares = along.share
    assert np.isnan(shares).all()
    assert (
        "The last 5 measured steps show no limit of the rate: at 5 the update was not the rate times that batch's own "
        "gradient (clipped or accumulated)."
    ) in said(recording)
    assert "it gives no limit: the update was not the rate times" in str(explain(recording, 390))
    assert "of the limit 2/curvature" not in str(explain(recording, 390))


def test_a_step_that_left_the_valley_shows_no_limit() -> None:
    recording = recordings.plain_descent()
    reach = np.full(40, 2.0)
    curvature = recording.batches.curvature / recording.batches.reach  # its slopes say 1, whatever happened
    left = of_batches(recording, reach=reach, curvature=curvature)
    assert np.isnan(along_steps(left).share).all()
    assert "at 5 no parabola fits" in said(left)
    assert "of it" not in said(left)
    assert "it gives no limit: no parabola fits" in str(explain(left, 390))


@pytest.mark.parametrize(("off", "fits"), [(0.85, True), (0.75, False), (1.2, True), (1.3, False)])
def test_how_near_slopes_and_losses_have_to_agree(off: float, fits: bool) -> None:
    recording = recordings.plain_descent()
    bent = of_batches(recording, curvature=off * recording.batches.curvature)
    assert np.isfinite(along_steps(bent).share).all() == fits


def test_several_updates_or_one_too_short_to_tell_show_none() -> None:
    recording = recordings.plain_descent()
    updates = np.full((400, 1), 2)
    assert np.isnan(along_steps(replace(recording, steps=replace(recording.steps, updates=updates))).share).all()
    far = replace(recording, steps=replace(recording.steps, parameter_norm=np.full((400, 1), 1e5)))
    assert np.isnan(along_steps(far).share).all()
    assert "show no limit" not in said(far)


def test_the_end_is_the_end_of_all_measured_steps() -> None:
    recording = recordings.plain_descent()
    curvature = recording.batches.curvature.copy()
    curvature[36:] = -5
    defined = np.arange(40) < 36
    told = said(of_batches(recording, curvature=curvature, reach_measured=defined))
    assert "Most of the last 5 measured steps show no limit of the rate: at 4 no bottom was ahead" in told
    assert f"Along 1 of the last 5 measured steps the curvature was {number(curvature[35])}" in told
    assert "Of the last 5 measured, from step 350 on, 4 have no reach." in told
    assert "Reach was 0.95 in the median of the 36 of 40 measured steps that have one" in told


def test_where_many_steps_went_wrong_that_comes_first_and_no_word_is_said() -> None:
    recording = recordings.well_behaved()
    reach, defined = recording.batches.reach.copy(), np.ones(64, bool)
    reach[:10], defined[10:20] = 3.0, False
    first = np.where(defined, recording.batches.first_order_change, 1.0)
    told = said(of_batches(recording, reach=reach, reach_measured=defined, first_order_change=first))
    lead, middle = told.index("Of 64 measured steps, 10 pointed uphill"), told.index("Reach was")
    assert lead < told.index("10 of 64 measured steps went so far") < middle
    assert (
        f"Reach was {reach_number(np.median(reach[defined]))} in the median of the 54 of 64 measured steps that" in told
    )
    few = of_batches(recording, reach=np.where(np.arange(64) < 3, 3.0, recording.batches.reach))
    assert "short of the bottom" in told[middle:]  # of the end, where nothing went wrong
    assert "short of the bottom" not in told[middle:].partition(" It was ")[0]
    ordinary = said(few)
    assert ordinary.index("Reach was") < ordinary.index("3 of 64 measured steps went so far")
    assert "short of the bottom" in ordinary


def test_near_two_a_reach_shows_its_side() -> None:
    recording = recordings.plain_descent()
    assert "reach was 2.04: the loss of its own batch rose" in said(
        of_batches(recording, reach=np.where(np.arange(40) == 7, 2.04, 0.5))
    )
    assert "rose" not in said(of_batches(recording, reach=np.full(40, 1.97)))
    assert "Reach was 1.97 in" in said(of_batches(recording, reach=np.full(40, 1.97)))


def parts(share: np.ndarray) -> PartSeries:
    return PartSeries(np.arange(len(share)), np.abs(share), share, np.ones(share.shape[:2], bool))


def test_shares_of_many_updates_add_up() -> None:
    recording = recordings.well_behaved()
    share = np.array([[[0.2, 0.8, 0, 0, 0]], [[0.9, 0.1, 0, 0, 0]], [[0.1, 0.1, 0.8, 0, 0]]])
    length = recording.steps.update_norm[:3, 0] ** 2
    expected = length @ share[:, 0] / length.sum()
    told = said(replace(recording, parts=parts(share)))
    words = [
        f"{name} {100 * part:.0f} %"
        for name, part in zip(("gradient", "momentum", "preconditioning"), expected, strict=False)
    ]
    assert all(word in told for word in words)
    assert round(sum(round(100 * part) for part in expected)) == 100


def test_shares_of_far_more_than_the_whole_are_times() -> None:
    recording = recordings.well_behaved()
    told = said(replace(recording, parts=parts(np.array([[[49.6, -10.5, -38.1, 0, 0]]]))))
    times = [f"{part} times the whole" for part in ("gradient 49.6", "preconditioning −38.1", "momentum −10.5")]
    assert f"made of {times[0]}, {times[1]} and {times[2]}" in told


def test_plain_descent_is_not_said_to_be_made_of_its_gradient() -> None:
    recording = recordings.plain_descent()
    rounded = np.array([[[1.0000002, 0, 0, 0, -2e-7]], [[0.999999998, 0, 0, 0, 2e-9]]])
    assert "made of" not in said(replace(recording, parts=parts(rounded)))
    other = replace(recording, header=replace(recording.header, optimizers=("Own",)), parts=parts(rounded))
    assert "were made of gradient 100 % (2 measured steps" in said(other)


def test_optimizers_of_one_class_are_counted_from_one() -> None:
    header = recordings.gan().header
    assert optimizer_names(header) == ["Adam", "RMSprop"]
    assert optimizer_names(replace(header, optimizers=("Adam", "Adam"))) == ["Adam 1", "Adam 2"]
    assert optimizer_names(replace(header, optimizers=("Adam", "SGD", "Adam"))) == ["Adam 1", "SGD", "Adam 2"]


def test_few_that_point_uphill_are_not_straight_downhill() -> None:
    recording = recordings.plain_descent()
    first = recording.steps.first_order_change.copy()
    first[-30:] *= -1
    told = said(replace(recording, steps=replace(recording.steps, first_order_change=first)))
    assert "Of the updates 92 % pointed straight downhill; 7.5 % of them pointed uphill." in told
    assert "The updates pointed straight downhill" not in told


def test_a_loop_in_which_nothing_moves() -> None:
    recording = recordings.without_closure()
    still = np.zeros_like(recording.steps.update_norm)
    layers = replace(recording.layers, update_norm=np.zeros_like(recording.layers.update_norm))
    told = said(
        replace(recording, steps=replace(recording.steps, update_norm=still, first_order_change=still), layers=layers)
    )
    assert "Nothing moved: every measured update was exactly 0." in told
    assert "A step moved" not in told
    assert "For its size" not in told


def test_a_silent_layer_is_counted_by_its_own_measured_steps() -> None:
    recording = recordings.gan()
    gradient, measured = recording.layers.gradient_norm.copy(), recording.layers.measured.copy()
    gradient[:, 2] = 0
    measured[:, 2] = np.isin(np.arange(30), [1, 5, 9, 13])
    quiet = replace(recording, layers=replace(recording.layers, gradient_norm=gradient, measured=measured))
    assert "exactly 0" not in said(quiet)  # four are too few
    measured[[17, 29], 2] = True
    assert "The gradient of maker.0 was exactly 0 at the last 5 measured steps, from step 250 on" in said(quiet)


def test_the_means_begin_before_an_early_explosion() -> None:
    recording = recordings.plain_descent()
    loss = np.full(400, 2.0)
    loss[8:] = 1e25
    alarm = replace(recordings.diverging().alarms[0], step=8)
    told = said(replace(recording, steps=replace(recording.steps, loss=loss), alarms=(alarm,)))
    assert "The loss rose from 2.000 to 1×10²⁵, and was never lower than at the start." in told


def test_an_explosion_leaves_later_means_as_they_are() -> None:
    recording = recordings.plain_descent()
    loss = np.linspace(1e20, 1e20, 400)
    loss[40:] = np.linspace(3.0, 1.0, 360)
    told = said(replace(recording, steps=replace(recording.steps, loss=loss)))
    assert (
        f"to {number(loss[-20:].mean())} (means of the first and the last 20 steps), and no such mean was lower" in told
    )


def test_every_row_of_a_batch_series_may_be_missing() -> None:
    recording = recordings.plain_descent()
    none: SameBatchSeries = replace(
        recording.batches, **{f.name: getattr(recording.batches, f.name)[:0] for f in fields(recording.batches)}
    )
    assert along_steps(replace(recording, batches=none)) is None
    still = of_batches(recording, moved=np.zeros(40, bool), reach_measured=np.zeros(40, bool))
    assert "Of 40 measured steps, 40 did not move anything: none has a reach." in said(still)
