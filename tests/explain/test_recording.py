"""What is said of a watched loop, held against numbers worked out here from the same record.

The words are those of docs/semantics.md from #watched-loops on.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import recordings
from fallline._explain import (
    explain,
    loss_course,
    number,
    outcome_line,
    percent,
    reach_verdict,
    recording_sentences,
    smoothed,
)
from fallline._explain._recording._limit_along import along_steps
from fallline._explain._step import in_words
from fallline._records import Cost, Event, EventKind, PartSeries, Recording, UserSeries


def said(recording: Recording) -> str:
    return " ".join(recording_sentences(recording))


def sentence(recording: Recording, begins: str) -> str:
    """The only sentence that begins so."""
    (found,) = [one for one in recording_sentences(recording) if one.startswith(begins)]
    return found


def of_steps(recording: Recording, **changes: object) -> Recording:
    return replace(recording, steps=replace(recording.steps, **changes))


@pytest.mark.parametrize("made", recordings.CATALOGUE.values(), ids=list(recordings.CATALOGUE))
def test_every_recording_begins_with_its_own_line(made: Callable[[], Recording]) -> None:
    recording = made()
    told = str(explain(recording))
    assert told.startswith(f"{recording.header.name}\n\n{recording.header.model}: ")
    line = outcome_line(recording)
    assert line in told
    assert (recording.summary is None) == ("has no end" in line)


# ---------------------------------------------------------------- docs/semantics.md#loss-of-a-loop


def test_loss_is_told_in_means_of_a_stated_number_of_steps() -> None:
    recording = recordings.well_behaved()
    means = np.lib.stride_tricks.sliding_window_view(recording.steps.loss, 100).mean(axis=1)
    low = int(means.argmin())
    assert sentence(recording, "The loss went") == (
        f"The loss went from {number(means[0])} to {number(means[-1])} (means of the first and the last 100 steps); "
        f"the lowest such mean was {number(means.min())}, over steps {low:,} to {low + 99:,}."
    )


def test_a_short_run_is_told_in_single_losses() -> None:
    recording = recordings.plain_descent()
    ten = of_steps(
        recording, **{name: getattr(recording.steps, name)[:10] for name in recording.steps.__dataclass_fields__}
    )
    ten = of_steps(ten, loss=np.array([3.0, 1.0, 2, 2, 2, 2, 2, 2, 2, 2.5]))
    assert sentence(ten, "The loss went") == "The loss went from 3.000 to 2.500; it was lowest, 1.000, at step 1."


def test_no_mean_goes_over_a_gap() -> None:
    recording = recordings.gap()
    first, last, means = smoothed(recording.steps.step, recording.steps.loss, 80)
    assert ((last - first) == 79).all()
    assert not ((first < 500) & (last >= 900)).any()
    k = int(np.searchsorted(first, 1000))
    rows = (recording.steps.step >= 1000) & (recording.steps.step < 1080)
    assert means[k] == pytest.approx(recording.steps.loss[rows].mean(), rel=1e-12)


def test_when_the_loss_broke_and_what_it_was_before() -> None:
    recording = recordings.diverging()
    before = recording.steps.loss[4311]
    assert f"It is NaN at step 4,312, its last, after {number(before)} at step 4,311." in said(recording)
    assert "The loss is not finite from step 0 on (NaN)." in said(recordings.nan_data())
    loss = recordings.plain_descent().steps.loss.copy()
    loss[[7, 90]] = np.inf, np.nan
    now_and_then = of_steps(recordings.plain_descent(), loss=loss)
    assert f"not finite at 2 steps, first at step 7 (∞, after {number(loss[6])} at step 6)" in said(now_and_then)
    course = loss_course(now_and_then)
    assert course is not None
    assert course.not_finite == (7, 90)


def test_a_loop_that_gives_no_loss() -> None:
    recording = recordings.plain_descent()
    silent = of_steps(recording, loss_measured=np.zeros(len(recording), bool))
    assert "No loss was given to watch.step" in said(silent)
    assert "The loss went" not in said(silent)


# ---------------------------------------------------------------- rates


def test_a_constant_rate_and_a_schedule() -> None:
    assert sentence(recordings.diverging(), "The learning rate") == "The learning rate was 0.5 throughout."
    rate = recordings.well_behaved().steps.learning_rate[:, 0]
    peak = int(rate.argmax())
    assert (number(rate[peak]), peak) == ("0.001000", 99)
    assert sentence(recordings.well_behaved(), "The learning rate") == (
        f"The learning rate went from 1×10⁻⁵ to {number(rate[-1])}; it was largest, 0.001, at step 99."
    )


def test_a_rate_in_stages() -> None:
    recording = recordings.plain_descent()
    rate = np.where(np.arange(400) < 300, 0.1, 0.01)[:, None]
    told = sentence(of_steps(recording, learning_rate=rate), "The learning rate")
    assert told == "The learning rate was 0.1, and from step 300 on 0.01."


def test_rates_of_several_optimizers_and_groups() -> None:
    assert "The learning rate of Adam was 0.0004 throughout." in said(recordings.gan())
    assert "The learning rate of RMSprop was 0.0001 throughout." in said(recordings.gan())
    recording = recordings.well_behaved()
    own = recording.steps.learning_rate * [1.0, 10.0]
    told = said(of_steps(recording, learning_rate=own))
    assert "The learning rate of group 0 went from 1×10⁻⁵" in told
    assert "The learning rate of group 1 went from 0.0001" in told


# ---------------------------------------------------------------- docs/semantics.md#update-to-parameter-ratio


def test_how_far_steps_went() -> None:
    recording = recordings.well_behaved()
    ratio = recording.steps.update_norm[:, 0] / recording.steps.parameter_norm[:, 0]
    low, median, high = np.quantile(ratio, (0.1, 0.5, 0.9))
    assert sentence(recording, "A step moved") == (
        f"A step moved the parameters by {percent(median)} of their own length in the median "
        f"(between {percent(low)} and {percent(high)} in eight of ten)."
    )


def test_steps_without_norms_do_not_count() -> None:
    recording = recordings.accumulating()
    wrong = recording.steps.update_norm.copy()
    wrong[~recording.steps.measured] = 1e9
    assert said(of_steps(recording, update_norm=wrong)) == said(recording)


# ---------------------------------------------------------------- docs/semantics.md#cosine-with-downhill


def test_direction() -> None:
    assert "pointed straight downhill" in said(recordings.plain_descent())
    assert "had a cosine of 0.35 with downhill" in said(recordings.well_behaved())
    recording = recordings.diverging()
    first = recording.steps.first_order_change.copy()
    first[:431] *= -1  # a tenth of those that are finite
    assert f"{percent(431 / 4311)} of them pointed uphill" in said(of_steps(recording, first_order_change=first))


def test_gradient_norm() -> None:
    recording = recordings.diverging()
    norm = recording.steps.gradient_norm[:, 0]
    sound = norm[np.isfinite(norm)]
    assert sentence(recording, "The gradient norm") == (
        f"The gradient norm was {number(np.median(sound))} in the median, and at its largest {number(sound.max())}, "
        "at step 4,310; at step 4,311 it was no longer finite."
    )


# ---------------------------------------------------------------- docs/semantics.md#reach-of-a-loop


def test_reach_over_the_run_and_at_its_end() -> None:
    recording = recordings.well_behaved()
    reach = recording.batches.reach
    assert len(reach) == 64
    assert sentence(recording, "Reach was") == (
        f"Reach was {number(np.median(reach), 2)} in the median of 64 measured steps and "
        f"{number(np.median(reach[-6:]), 2)} in the last 6 measured, from step {recording.batches.step[-6]:,} on: "
        "short of the bottom, on the parabola of the step's own batch."
    )


def test_reach_changes_its_word_on_the_way() -> None:
    recording = recordings.diverging()
    reach = np.append(np.linspace(0.3, 0.6, len(recording.batches) - 11), np.full(11, 1.2))
    told = sentence(replace(recording, batches=replace(recording.batches, reach=reach)), "Reach was")
    short, past = r"\(short of the bottom\)", r"\(past the bottom, still lower than it began\)"
    assert re.search(rf"Reach was 0\.47 .* {short} and 1\.2 in the last 11 .* {past}", told)


@pytest.mark.parametrize("reach", [0.0, 0.09, 0.11, 0.3, 0.49, 0.51, 0.94, 1.0, 1.06, 1.94, 1.96, 2.04, 2.06, 30.0])
def test_a_median_has_the_words_of_a_single_step(reach: float) -> None:
    word, single = reach_verdict(reach), in_words(reach, exact=True)
    assert word.startswith("straight") == ("straight" in single)
    assert (word == "timid") == single.startswith("timid")
    assert (word == "short of the bottom") == single.endswith(", short of it")
    assert (word == "a little short of the bottom") == single.endswith(", a little short")
    assert (word == "at the bottom") == single.startswith("it landed at the bottom")
    if reach > 1.05:
        assert word == single.replace("the bottom ahead", "the bottom")


def test_a_step_whose_batch_rose() -> None:
    recording = recordings.diverging()
    rose = recording.batches.loss_after > recording.batches.loss_before
    assert recording.batches.step[rose].tolist() == [4309]
    assert "At step 4,309 reach was 3.1: the loss of its own batch rose." in said(recording)
    assert "rose" not in said(recordings.well_behaved())


def test_steps_without_a_reach_and_why() -> None:
    recording = recordings.well_behaved()
    none = replace(
        recording.batches,
        reach_measured=np.arange(64) >= 5,
        first_order_change=np.where(np.arange(64) < 2, 1.0, recording.batches.first_order_change),
        curvature=np.where(np.arange(64) < 5, -1.0, recording.batches.curvature),
    )
    told = said(replace(recording, batches=none))
    assert "Of 64 measured steps, 2 pointed uphill on their own batch and 3 had no bottom ahead" in told
    assert "in the median of the 59 of 64 measured steps that have one" in told


def test_without_a_closure_nothing_is_said_of_reach_but_that_it_is_missing() -> None:
    told = said(recordings.without_closure())
    assert "Reach was" not in told
    assert "Reach and curvature along the step were not measured" in told
    assert "not measured" not in said(recordings.well_behaved())


# ---------------------------------------------------------------- docs/semantics.md#curvature-along-the-step


def test_share_of_the_limit_along_the_step_of_plain_descent() -> None:
    recording = recordings.plain_descent()
    along = along_steps(recording)
    assert along is not None
    np.testing.assert_allclose(along.share, 0.1 * recording.batches.curvature / 2)
    np.testing.assert_allclose(along.share, recording.batches.reach / 2)  # nothing was clipped here
    last = recording.batches.curvature[-5:]
    assert sentence(recording, "Along the last 5") == (
        f"Along the last 5 measured steps the curvature was {number(np.median(last))} in the median, which makes a "
        f"limit of 2/curvature = {number(2 / np.median(last))} for plain SGD along them: "
        f"the rate was {percent(np.median(0.1 * last / 2))} of it."
    )


@pytest.mark.parametrize("made", [recordings.diverging, recordings.well_behaved])
def test_other_optimizers_have_no_limit_along_a_step(made: Callable[[], Recording]) -> None:
    assert along_steps(made()) is None
    assert "2/curvature" not in said(made())


def test_a_closure_that_computes_something_else() -> None:
    recording = recordings.plain_descent()
    other = replace(recording.batches, as_given=np.arange(40) >= 3)
    told = said(replace(recording, batches=other))
    assert "At 3 of 40 measured steps the closure's loss before the update was not the loss" in told
    assert "the closure's loss" not in said(recording)


# ---------------------------------------------------------------- docs/semantics.md#parts-of-a-step


def test_what_updates_are_made_of() -> None:
    assert sentence(recordings.well_behaved(), "The updates were made of") == (
        "The updates were made of momentum 62 %, gradient 30 %, decay 5 %, preconditioning 2 % and unattributed 1 % "
        "(100 measured steps together, each weighed by the square of its length)."
    )
    assert "made of" not in said(recordings.diverging())


def test_a_part_that_pulled_back_is_negative_and_none_is_not_named() -> None:
    recording = recordings.plain_descent()
    share = np.tile([1.25, -0.25, 0.0, 0.0, 0.0], (3, 1, 1))
    parts = PartSeries(np.arange(3), np.abs(share), share, np.ones((3, 1), bool))
    told = sentence(replace(recording, parts=parts), "The updates were made of")
    assert "gradient 125 % and momentum −25 %" in told
    assert "decay" not in told


def test_effective_step() -> None:
    recording = recordings.well_behaved()
    last = np.median(recording.effective.rate[-10:], axis=0)
    assert f"an effective step of {number(last[2])} (layer 4) to {number(last[1])} (layer 2)" in said(recording)


# ---------------------------------------------------------------- docs/semantics.md#a-recorded-step


def test_calls_without_an_update() -> None:
    assert "1 call in 4 carried an update." in said(recordings.accumulating())
    assert "1 call in 2 carried an update of RMSprop." in said(recordings.gan())
    assert "carried an update" not in said(recordings.well_behaved())
    recording = recordings.plain_descent()
    updates = np.ones((400, 1), np.int64)
    updates[[3, 4, 100]] = 0
    assert "397 of 400 calls carried an update; at the others it was skipped" in said(
        of_steps(recording, updates=updates)
    )
    updates[:] = 0
    assert "None of the 400 calls of watch.step carried an update of SGD." in said(of_steps(recording, updates=updates))


def test_calls_with_several_updates() -> None:
    updates = np.full((400, 1), 5)
    told = said(of_steps(recordings.plain_descent(), updates=updates))
    assert "400 calls covered more than one update (5 in the median)" in told


# ---------------------------------------------------------------- docs/semantics.md#gaps, #cost


def test_gaps_are_told() -> None:
    assert "Steps 500 to 899 were not written: the disk was full." in said(recordings.gap())
    silent = replace(recordings.gap(), events=())
    assert "Not in the record: steps 500 to 899." in said(silent)
    assert "Not in the record" not in said(recordings.well_behaved())


def test_notes_are_told_once_and_many_are_counted() -> None:
    notes = tuple(Event(k, EventKind.NOTE, f"Note {k // 2}.") for k in range(20))
    told = said(replace(recordings.plain_descent(), events=notes))
    assert told.count("Note 0.") == 1
    assert "Step 4: Note 2." in told
    assert "There are 4 more notes in the record." in told


def test_what_was_left_out_is_told() -> None:
    recording = recordings.plain_descent()
    sentence_ = "Layers were not measured: they would take 3 GiB."
    header = replace(recording.header, instruments=replace(recording.header.instruments, left_out=(sentence_,)))
    assert sentence_ in said(replace(recording, header=header))


def test_cost() -> None:
    recording = recordings.plain_descent()
    assert recording.summary is not None
    cost = Cost(20.0, {"norms": 5.0, "every step": 15.0}, 120.0)
    told = said(replace(recording, summary=replace(recording.summary, cost=cost)))
    assert "Watching cost 20 % of the loop's own time: every step 15 %, norms 5 %." in told
    assert "Watching cost" not in said(recordings.empty())


def test_an_exception_that_the_line_does_not_tell() -> None:
    recording = recordings.plain_descent()
    assert recording.summary is not None
    ended = replace(recording.summary, exception="ValueError: no rows")
    assert "The loop ended with an exception: ValueError: no rows" in said(replace(recording, summary=ended))
    twice = replace(ended, line="Ended at step 399 with ValueError: no rows")
    assert said(replace(recording, summary=twice)).count("no rows") == 1


def test_an_empty_recording_says_no_more_than_that() -> None:
    (only,) = recording_sentences(recordings.empty())
    assert only == "No step was recorded: call watch.step(loss) after optimizer.step()"
    (only,) = recording_sentences(replace(recordings.empty(), summary=None))
    assert only == "No step is in this file: none was recorded, or none could be written"


def test_a_closure_that_raised_is_not_called_missing() -> None:
    why = "From here on the step on its own batch could not be measured: the closure raised ValueError: no rows"
    recording = replace(recordings.without_closure(), events=(Event(3, EventKind.NOTE, why),))
    told = said(recording)
    assert "along the step were not measured: the closure raised ValueError: no rows (at step 3)." in told
    assert "that takes the loss of the same batch" not in told


def test_logged_numbers_of_a_step() -> None:
    recording = replace(recordings.plain_descent(), logged={"accuracy": UserSeries(np.array([7]), np.array([0.875]))})
    assert "Logged here: accuracy 0.8750." in explain(recording, 7).sentences
    assert "Logged" not in str(explain(recording, 8))


def test_the_table_of_semantics_has_these_words() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "semantics.md").read_text(encoding="utf-8")
    section = page.partition("## Reach of a loop")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (above|below)? ?([\d.]+)(?: to ([\d.]+))? \| \*([^*]+)\*", section, flags=re.MULTILINE)
    assert len(rows) == 8
    for beyond, low, high, word in rows:
        inside = (float(low) + float(high)) / 2 if high else float(low) * {"above": 2.0, "below": 0.5, "": 1.0}[beyond]
        assert reach_verdict(inside) == word


def test_a_step_far_longer_than_the_parameters_is_said_in_times() -> None:
    run = recordings.well_behaved()
    long = replace(run, steps=replace(run.steps, update_norm=1e6 * run.steps.update_norm))
    said = next(each for each in recording_sentences(long) if "their own length" in each)
    assert " times their own length in the median" in said
    assert "%" not in said
