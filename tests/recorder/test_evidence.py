"""docs/semantics.md#known-causes"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from fallline._recorder._broken import taken_apart
from fallline._recorder._evidence import evidence_of
from fallline._recorder._evidence_limit import measured_before, share_along
from fallline._recorder._ring import flight_of
from fallline._recorder._rows import Row
from fallline._records import Cause, Evidence, RecordingHeader, SameBatchSeries
from recorder_rows import LAYERS, head, measured, owners, row

CALM = [row(step, 1.0) for step in range(20)]
OUT = 1e6


def found(
    rows: Sequence[Row],
    batches: Sequence[SameBatchSeries] = (),
    header: RecordingHeader | None = None,
    ceiling: float = 3.0,
) -> dict[Cause, Evidence]:
    made = head() if header is None else header
    broken = taken_apart(flight_of(rows, owners()), LAYERS, ceiling)
    return {one.cause: one for one in evidence_of(broken, rows, batches, made)}


def test_every_cause_has_its_say_in_order() -> None:
    assert list(found([*CALM, row(20, OUT)])) == list(Cause)


# -- step past the limit ---------------------------------------------------------------------------------------------


def limit(
    batches: Sequence[SameBatchSeries], header: RecordingHeader | None = None, steps: int = 20, slope: float = -1.0
) -> Evidence:
    rows = [*(consuming(step, slope) for step in range(100, 100 + steps)), row(100 + steps, OUT)]
    return found(rows, batches, header)[Cause.PAST_THE_LIMIT]


def consuming(step: int, slope: float, loss: float = 1.0, size: float = 1.0) -> Row:
    """A step whose update, of squared length 0.03, has this product with the gradient that was consumed."""
    made = row(step, loss, (size,) * 3)
    (reading,) = made.readings
    return made._replace(readings=([*reading[:9], *[slope / 3] * 3],))


def curved(step: int, curvature: float) -> SameBatchSeries:
    """A step along a parabola of this curvature."""
    return measured(step, 0.03 * curvature, curvature=curvature)


def test_without_a_closure_nobody_knows() -> None:
    assert limit([]).found is None
    assert "closure" in limit([]).text


def test_reach_above_two() -> None:
    said = limit([measured(110, 0.9), measured(115, 2.4), measured(117, 3.1), measured(118, 2.2), measured(119, 1.8)])
    assert said.found is True
    assert "Reach was 2.200 at step 118, 2 steps before the alarm" in said.text
    assert "above 2 at 2 of 3 steps" in said.text  # 115 was before a healthy stretch


def test_reach_below_two() -> None:
    said = limit([measured(110, 0.9), measured(117, 1.3)])
    assert said.found is False
    assert "at most 1.300" in said.text


def test_a_reach_from_long_ago_says_nothing() -> None:
    said = limit([measured(40, 2.8)])
    assert said.found is None
    assert "2.800, 80 steps before the alarm" in said.text


def test_a_reach_from_before_a_healthy_stretch_is_no_evidence() -> None:
    said = limit([measured(106, 5.0)])
    assert said.found is None
    assert said.text == (
        "None of the last steps before it broke was measured on its own batch; "
        "the last reach is 5.000, 14 steps before the alarm."
    )


def test_a_slow_rise_is_looked_at_from_where_it_began() -> None:
    rows = [*(row(step, 1.0) for step in range(20)), *(row(20 + k, 1.1**k) for k in range(1, 15))]
    said = found(rows, [measured(22, 2.2)])[Cause.PAST_THE_LIMIT]  # the alarm is at step 34
    assert said.found is True


def test_only_the_latest_three_speak() -> None:
    early = [measured(116, 2.8)]
    assert limit([*early, *(measured(step, 0.5) for step in (117, 118, 119))]).found is False


def test_the_alarms_own_step_does_not_count() -> None:
    assert limit([measured(118, 0.5), measured(120, 9.0)]).found is False


def test_the_share_of_the_limit_along_the_step() -> None:
    said = limit([curved(117, 25.0)])  # 0.1 · 25 / 2
    assert said.found is True
    assert "0.1 was at least 125 % of the stability limit (curvature along the step 25.00)" in said.text
    assert limit([curved(117, 15.0)]).found is False


def test_no_limit_is_told_of_a_clipped_step_or_off_a_parabola() -> None:
    clipped = limit([curved(117, 25.0)], slope=-0.01)
    assert (clipped.found, "stability limit" in clipped.text) == (False, False)
    left = limit([measured(117, 1.9, curvature=25.0)])  # its slopes say 0.75
    assert (left.found, "stability limit" in left.text) == (False, False)


def test_momentum_raises_the_limit() -> None:
    assert limit([curved(117, 25.0)], head(momentum=0.9)).found is False
    assert limit([curved(117, 45.0)], head(momentum=0.9)).found is True  # 0.1 · 45 / 3.8


def test_of_several_groups_the_smallest_share_counts() -> None:
    header = head()
    two = replace(header, groups=(*header.groups, *header.groups))
    each = measured_before(118, [curved(117, 25.0)])[0]
    share = share_along(each, consuming(117, -1.0)._replace(rates=(0.1, 0.01)), two)
    assert share is not None
    assert share.value == pytest.approx(0.01 * 25 / 2)


def test_no_limit_for_other_optimizers() -> None:
    adam = replace(head(), optimizers=("Adam",))
    assert limit([measured(117, None, curvature=1e6)], adam).found is None
    assert limit([measured(117, 2.5, curvature=1e6)], adam).found is True


def test_a_step_that_blew_its_own_batch_up() -> None:
    said = limit([measured(119, None, after=np.inf, curvature=np.nan)])
    assert said.found is True
    assert "from 1.000 to ∞" in said.text


# -- its rates, where no reach was measured --------------------------------------------------------------------------


@pytest.mark.parametrize(("rate", "expected"), [(8.0, True), (0.15, None)])
def test_a_rate_that_was_raised(rate: float, expected: bool | None) -> None:
    raised = [row(20, 1.0, rate=rate, update=(0.5, 0.5, 0.5)), row(21, OUT, rate=rate, update=(1e3, 1e3, 1e3))]
    said = found([*CALM, *raised])[Cause.PAST_THE_LIMIT]
    assert said.found is expected
    if expected:
        assert said.text == "The rate of group 0 was raised from 0.1 to 8 at step 20, the step at which it broke."


def test_a_rate_raised_without_a_longer_update_did_nothing() -> None:
    before = [*CALM[:19], row(19, 1.0, update=(0.3, 0.3, 0.3))]
    raised = [row(20, 1.0, rate=8.0, update=(0.35, 0.35, 0.35)), row(21, OUT, rate=8.0)]
    said = found([*before, *raised])
    assert said[Cause.BAD_BATCH].found is False  # the update was no ordinary one, but the rate did not make it
    assert said[Cause.PAST_THE_LIMIT].found is None


def test_a_rate_raised_long_before() -> None:
    rows = [*CALM, *(row(20 + k, 1.0, rate=8.0, update=(0.5,) * 3) for k in range(10)), row(30, OUT, rate=8.0)]
    assert found(rows)[Cause.PAST_THE_LIMIT].found is None


def test_an_update_about_as_long_as_the_parameters() -> None:
    rows = [*CALM, row(20, 1.0, update=(8.0, 8.0, 0.1)), row(21, OUT)]
    said = found(rows)[Cause.PAST_THE_LIMIT]
    assert said.found is True
    assert said.text.startswith(
        "The update of step 20 was 0.800 times as long as the parameters, in half of the layers"
    )
    assert found([*CALM, row(20, 1.0, update=(8.0, 0.1, 0.1)), row(21, OUT)])[Cause.PAST_THE_LIMIT].found is None


def test_layers_of_zeros_have_no_length() -> None:
    begun = [row(20, 1.0, update=(8.0, 8.0, 0.1), parameters=(0.0, 0.0, 10.0)), row(21, OUT)]
    assert found([*CALM, *begun])[Cause.PAST_THE_LIMIT].found is None


def growing_together(steps: int, factor: float = 2.0, slope: float = -1.0) -> list[Row]:
    return [
        consuming(step, slope, loss=factor**step, size=factor ** (step / 2)) if step else consuming(0, slope)
        for step in range(steps)
    ]


def test_growth_together() -> None:
    said = found(growing_together(9))[Cause.PAST_THE_LIMIT]
    assert said.found is True
    assert "grew together for 8 steps, the loss 256-fold" in said.text
    assert found(growing_together(5))[Cause.PAST_THE_LIMIT].found is None
    assert found(growing_together(9, 1.1))[Cause.PAST_THE_LIMIT].found is None
    assert found(growing_together(9, slope=1.0))[Cause.PAST_THE_LIMIT].found is None
    rates = [one._replace(rates=(0.1 * 1.1**one.step,)) for one in growing_together(9)]
    assert found(rates)[Cause.PAST_THE_LIMIT].found is None
    two = [one._replace(updates=(1, 1)) for one in growing_together(9)]
    assert "together" not in found(two)[Cause.PAST_THE_LIMIT].text


# -- exploding layer -------------------------------------------------------------------------------------------------


def growing(first: int, second: int) -> list[Row]:
    """The middle layer grows from one row on, the others from another."""
    grown = [[4.0 ** max(0, t - s + 1) for s in (second, first, second)] for t in range(21)]
    return [row(step, 1.0 if step < 20 else OUT, grown[step]) for step in range(21)]


def test_a_layer_ahead_of_the_others() -> None:
    said = found(growing(14, 17))[Cause.EXPLODING_LAYER]
    assert said.found is True
    assert said.text == "The gradient norm of second left its range at step 14, 3 steps before any other layer."
    alone = found(growing(14, 99))[Cause.EXPLODING_LAYER]
    assert alone.found is True
    assert "no other layer had left" in alone.text


def test_a_gradient_that_became_nan_in_one_step_did_not_grow() -> None:
    alone = found([*CALM, row(20, 1.0, (0.3, np.nan, 0.3))])[Cause.EXPLODING_LAYER]
    assert alone.found is False
    assert alone.text == ("The gradient norm of second became NaN in one step, at step 20, from 1.000: not by growing.")
    backward = found([*CALM, row(20, 1.0, (np.nan, np.nan, 0.3))])[Cause.EXPLODING_LAYER]
    assert (backward.found, "second became NaN in one step" in backward.text) == (False, True)
    grown = found([*CALM[:19], row(19, 1.0, (0.3, 1e9, 0.3)), row(20, 1.0, (0.3, np.inf, 0.3))])
    assert grown[Cause.EXPLODING_LAYER].found is True


def test_layers_together() -> None:
    said = found(growing(15, 15))[Cause.EXPLODING_LAYER]
    assert (said.found, "3 of 3 layers left their range at the same step 15" in said.text) == (False, True)
    assert found([*CALM, row(20, OUT)])[Cause.EXPLODING_LAYER].found is False


def test_layers_that_were_not_measured() -> None:
    blind = [row(step, 1.0, None) for step in range(20)]
    assert found([*blind, row(20, OUT, None)])[Cause.EXPLODING_LAYER].found is None
    assert found([row(0, 1.0), row(1, OUT)])[Cause.EXPLODING_LAYER].found is None


# -- one bad batch ---------------------------------------------------------------------------------------------------


def test_a_jump_after_an_ordinary_update() -> None:
    said = found([*CALM, row(20, OUT, (1e5, 1e5, 1e5))])[Cause.BAD_BATCH]
    assert said.found is True
    assert "ordinary update (at most 1.00 times its median in first)" in said.text


def test_a_jump_after_a_large_update() -> None:
    said = found([*CALM[:19], row(19, 1.0, update=(0.1, 5.0, 0.1)), row(20, OUT)])[Cause.BAD_BATCH]
    assert said.found is False
    assert "50.0 times its median in second" in said.text


def test_its_own_batch_tells_the_step_from_the_batch() -> None:
    rows = [*CALM, row(20, OUT)]
    assert found(rows, [measured(19, 1.0, after=0.9)])[Cause.BAD_BATCH].found is True
    blamed = found(rows, [measured(19, 3.0, after=9e5)])[Cause.BAD_BATCH]
    assert blamed.found is False
    assert "the step did it" in blamed.text


@pytest.mark.parametrize("loss", [np.nan, np.inf])
def test_a_loss_that_is_not_finite_after_an_ordinary_update_is_left_open(loss: float) -> None:
    said = found([*CALM, row(20, loss, (np.nan, np.nan, np.nan))])[Cause.BAD_BATCH]
    assert said.found is None
    assert "of finite parameters: it broke in the forward pass of that step" in said.text
    decided = found([*CALM, row(20, loss, (np.nan, np.nan, np.nan))], [measured(19, 1.0, after=0.9)])
    assert decided[Cause.BAD_BATCH].found is True
    lifted = [*CALM[:19], row(19, 1.0, update=(0.1, 5.0, 0.1)), row(20, loss, (np.nan, np.nan, np.nan))]
    assert found(lifted)[Cause.BAD_BATCH].found is False


def test_the_usual_spread_of_updates_is_ordinary() -> None:
    noisy = [row(step, 1.0, update=(0.1, 0.1, 0.3 if step % 5 == 0 else 0.1)) for step in range(20)]
    said = found([*noisy, row(20, 1.0, update=(0.1, 0.1, 0.29)), row(21, OUT)])[Cause.BAD_BATCH]
    assert said.found is True
    assert "2.90 times its median in third" in said.text
    assert found([*noisy, row(20, 1.0, update=(0.1, 0.1, 0.4)), row(21, OUT)])[Cause.BAD_BATCH].found is False


def test_what_follows_on_a_bad_batch_is_its_consequence() -> None:
    after = [row(20 + k, 10.0 ** (k + 1), (1e3, 1e3, 1e3)) for k in range(4)]
    said = found([*CALM, *after], [measured(20, 9.0), measured(21, 12.0)])
    assert said[Cause.BAD_BATCH].found is True
    assert "from 1.000 to 10.00 at one step, 20" in said[Cause.BAD_BATCH].text
    assert said[Cause.PAST_THE_LIMIT].found is None


def test_a_rise_over_several_steps_is_no_batch() -> None:
    rows = [*CALM, *(row(20 + k, 1.3 ** (k + 1)) for k in range(8))]
    said = found(rows)[Cause.BAD_BATCH]
    assert (said.found, "it rose from 1.300 at step 20 to 8.157" in said.text) == (False, True)


def test_a_gradient_that_leapt_before_the_loss_was_out() -> None:
    rows = [*CALM, row(20, 2.5, (30.0, 30.0, 30.0)), row(21, OUT, (1e4, 1e4, 1e4))]
    said = found(rows, [measured(20, 9.0)])
    assert said[Cause.BAD_BATCH].found is None
    assert "so can a cliff in the loss" in said[Cause.BAD_BATCH].text
    assert said[Cause.PAST_THE_LIMIT].found is None
    grown = [*CALM, row(20, 2.5, (9.0, 9.0, 9.0)), row(21, OUT, (1e4, 1e4, 1e4))]
    assert found(grown, [measured(20, 9.0)])[Cause.PAST_THE_LIMIT].found is True


def test_a_loss_in_its_range_is_no_bad_batch() -> None:
    assert found([*CALM, row(20, 1.0, (np.inf, 1, 1))])[Cause.BAD_BATCH].found is False


def test_what_was_not_measured_is_not_said() -> None:
    assert found([row(0, OUT)])[Cause.BAD_BATCH].found is None
    assert found([*CALM, row(20, None, (np.inf, 1, 1))])[Cause.BAD_BATCH].found is None
    blind = [row(step, 1.0, None) for step in range(20)]
    assert found([*blind, row(20, OUT, None)])[Cause.BAD_BATCH].found is None


# -- overflow in half precision --------------------------------------------------------------------------------------

BROKEN_GRADIENT = row(20, 1.0, (np.inf, np.inf, 1.0))


def test_a_float16_gradient() -> None:
    said = found([*CALM, BROKEN_GRADIENT], header=head(dtype="float16"))[Cause.OVERFLOW]
    assert said.found is True
    assert "float16 gradient of second was not finite at step 20 while the loss was 1" in said.text
    assert "65,504" in said.text


def test_skipped_updates_show_a_loss_scaler() -> None:
    skipped = [*CALM[:18], row(18, 1.0, None, updates=0), row(19, 1.0)]
    said = found([*skipped, BROKEN_GRADIENT])[Cause.OVERFLOW]
    assert (said.found, "the update of step 18 was skipped" in said.text) == (True, True)


def test_a_skipped_update_alone_is_no_overflow() -> None:
    """A loop may leave an update out by itself."""
    skipped = [*CALM[:18], row(18, 1.0, None, updates=0), row(19, 1.0)]
    for last in (row(20, np.nan, (np.nan,) * 3), row(20, OUT)):
        said = found([*skipped, last])[Cause.OVERFLOW]
        assert (said.found, "whether a scaler was at work is not recorded" in said.text) == (None, True)
        narrow = found([*skipped, last], header=head(dtype="float16"))[Cause.OVERFLOW]
        assert (narrow.found, "parameters are float16" in narrow.text) == (True, True)


def test_a_skip_long_before_is_no_evidence() -> None:
    skipped = [*CALM[:8], row(8, 1.0, None, updates=0), *CALM[9:]]
    assert found([*skipped, row(20, OUT)])[Cause.OVERFLOW].found is False


def test_a_broken_gradient_long_after_a_skip() -> None:
    skipped = [*CALM[:8], row(8, 1.0, None, updates=0), *CALM[9:]]
    assert found([*skipped, BROKEN_GRADIENT])[Cause.OVERFLOW].found is None


def test_full_precision_is_left_open() -> None:
    said = found([*CALM, BROKEN_GRADIENT])[Cause.OVERFLOW]
    assert (said.found, "autocast" in said.text) == (None, True)
    assert found([*CALM, row(20, np.nan, (np.nan,) * 3)])[Cause.OVERFLOW].found is None


def test_a_gradient_too_large_for_half_precision_was_not_half() -> None:
    said = found([*CALM, row(20, 1e12, (1e7, 1, 1)), row(21, 1e12, (np.inf, 1, 1))])[Cause.OVERFLOW]
    assert said.found is False  # 10⁷ over 100 parameters is 10⁶ each
    assert "65,504" in said.text
    small = [*CALM, row(20, 1e12, (1e5, 1, 1)), row(21, 1e12, (np.inf, 1, 1))]
    assert found(small)[Cause.OVERFLOW].found is None  # 10⁴ each


def test_finite_everywhere_is_no_overflow() -> None:
    assert found([*CALM, row(20, OUT)], header=head(dtype="float16"))[Cause.OVERFLOW].found is False
