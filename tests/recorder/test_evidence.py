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


def limit(batches: Sequence[SameBatchSeries], header: RecordingHeader | None = None, steps: int = 20) -> Evidence:
    rows = [*(row(step, 1.0) for step in range(100, 100 + steps)), row(100 + steps, OUT)]
    return found(rows, batches, header)[Cause.PAST_THE_LIMIT]


def test_without_a_closure_nobody_knows() -> None:
    assert limit([]).found is None
    assert "closure" in limit([]).text


def test_reach_above_two() -> None:
    said = limit([measured(110, 0.9), measured(115, 2.4), measured(117, 3.1)])
    assert said.found is True
    assert "Reach was 3.100 at step 117, 3 steps before the alarm" in said.text
    assert "above 2 at 2 of 3 steps" in said.text


def test_reach_below_two() -> None:
    said = limit([measured(110, 0.9), measured(117, 1.3)])
    assert said.found is False
    assert "at most 1.300" in said.text


def test_a_reach_from_long_ago_says_nothing() -> None:
    said = limit([measured(40, 2.8)])
    assert said.found is None
    assert "2.800, 80 steps before the alarm" in said.text


def test_only_the_latest_three_speak() -> None:
    early = [measured(105, 2.8)]
    assert limit([*early, *(measured(step, 0.5) for step in (110, 112, 114))]).found is False


def test_the_alarms_own_step_does_not_count() -> None:
    assert limit([measured(110, 0.5), measured(120, 9.0)]).found is False


def test_the_share_of_the_limit_along_the_step() -> None:
    said = limit([measured(117, None, curvature=25.0)])  # 0.1 · 25 / 2
    assert said.found is True
    assert "0.1 was at least 125 % of the stability limit (curvature along the step 25.00)" in said.text
    assert limit([measured(117, None, curvature=15.0)]).found is False


def test_momentum_raises_the_limit() -> None:
    assert limit([measured(117, None, curvature=25.0)], head(momentum=0.9)).found is False
    assert limit([measured(117, None, curvature=45.0)], head(momentum=0.9)).found is True  # 0.1 · 45 / 3.8


def test_of_several_groups_the_smallest_share_counts() -> None:
    header = head()
    two = replace(header, groups=(*header.groups, *header.groups))
    each = measured_before(118, [measured(117, None, curvature=25.0)])[0]
    share = share_along(each, (0.1, 0.01), two)
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


def test_layers_together() -> None:
    said = found(growing(15, 15))[Cause.EXPLODING_LAYER]
    assert (said.found, "3 of 3 layers left their range at the same step 15" in said.text) == (False, True)
    assert found([*CALM, row(20, OUT)])[Cause.EXPLODING_LAYER].found is False


def test_layers_that_were_not_measured() -> None:
    blind = [row(step, 1.0, None) for step in range(20)]
    assert found([*blind, row(20, OUT, None)])[Cause.EXPLODING_LAYER].found is None
    assert found([row(0, 1.0), row(1, OUT)])[Cause.EXPLODING_LAYER].found is None


# -- one bad batch ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", [OUT, np.nan, np.inf])
def test_a_jump_after_an_ordinary_update(loss: float) -> None:
    said = found([*CALM, row(20, loss, (1e5, 1e5, 1e5))])[Cause.BAD_BATCH]
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


def test_a_rise_over_several_steps_is_no_batch() -> None:
    rows = [*CALM, *(row(20 + k, 10.0 ** (k + 1)) for k in range(4))]
    said = found(rows)[Cause.BAD_BATCH]
    assert (said.found, "for 4 steps" in said.text) == (False, True)


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
    assert found([*skipped, row(20, np.nan, (np.nan,) * 3)])[Cause.OVERFLOW].found is True


def test_a_skip_long_before_is_no_evidence() -> None:
    skipped = [*CALM[:8], row(8, 1.0, None, updates=0), *CALM[9:]]
    assert found([*skipped, row(20, OUT)])[Cause.OVERFLOW].found is False


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
