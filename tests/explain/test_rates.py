"""Sentences about sweeps, on one that is measured by a loop written out, and on made-up hard cases."""

from dataclasses import replace

import numpy as np
import pytest

from explain.measured import FLOOR, LIMIT, START, hopeless_sweep, parabola_sweep, stalling_sweep
from fallline._explain import (
    MISSES,
    difference,
    folklore_sentences,
    goal_sentences,
    landmark_sentence,
    rate,
    rate_columns,
    rate_digits,
    rate_rows,
    rate_sentence,
    rate_words,
    recommendation_line,
    recommendation_sentences,
    shown_indices,
    stall_sentences,
    sweep_line,
    sweep_numbers,
    sweep_title,
    trial_rows,
    trial_words,
    zone_meaning,
    zone_of,
    zone_range,
)
from fallline._records import FloorKind, Landmark, LimitKind, Recommendation, SweepResult, Zone, ZoneSpan


@pytest.fixture(scope="module")
def sweep() -> SweepResult:
    """25 rates from 0.001 to 3 on (w − 3)² + 1."""
    return parabola_sweep()


def test_what_was_run_is_said_in_one_line(sweep: SweepResult) -> None:
    assert sweep_line(sweep) == ("(w − 3)² + 1, SGD: 25 learning rates from 0.001 to 3, 40 steps each, in one batch.")
    told = sweep_line(replace(stalling_sweep(), rows=100, batch_size=10))
    assert told == (
        "(w − 3)² + 1 (100 rows), Adam, betas (0.8, 0.99): 4 learning rates from 0.01 to 0.6, 40 steps each, "
        "10 rows a step, 3 seeds, one after the other."
    )


def test_the_goal_is_said_in_losses(sweep: SweepResult) -> None:
    assert sweep.start_loss == (START - 3) ** 2 + FLOOR
    assert goal_sentences(sweep) == [
        "Goal: take away 99 % of what the starting loss 5.000 has above the lowest loss possible, 1.000, "
        "so come down to 1.040."
    ]
    assert "the lowest loss seen" in goal_sentences(replace(sweep, floor_kind=FloorKind.LOWEST_SEEN))[0]
    assert goal_sentences(replace(sweep, goal=0.999999))[0].startswith("Goal: take away 99.9999 % of")


def test_one_rate_and_one_step_are_counted_as_one() -> None:
    assert sweep_line(parabola_sweep(np.array([0.1]), steps=1)) == ("(w − 3)² + 1, SGD: the learning rate 0.1, 1 step.")
    assert sweep_title(parabola_sweep(np.array([0.1]))) == "(w − 3)² + 1: 1 learning rate of SGD"
    assert "not reached in 1 step;" in rate_sentence(parabola_sweep(np.array([0.1]), steps=1), 0)


def test_without_a_bottom_there_is_no_goal() -> None:
    made = parabola_sweep(np.array([0.001, 0.01, 2.0]))
    ends = np.array([-0.5, -2.0, -1e300])
    endless = replace(
        made,
        bottom_seen=False,
        final_losses=ends,
        steps_to_goal=(None,) * 3,
        zone_of_each=(Zone.TOO_SMALL, Zone.TOO_SMALL, Zone.DIVERGING),
        zones=(ZoneSpan(Zone.TOO_SMALL, 0.001, 0.01), ZoneSpan(Zone.DIVERGING, 2.0, 2.0)),
    )
    assert goal_sentences(endless) == []
    assert sweep_numbers(endless)["loss_at_goal"] is None
    assert zone_meaning(endless, endless.zones[0]) == (
        "the loss ends at −2.000 to −0.5000; no bottom was seen, so there is no goal"
    )
    assert zone_meaning(endless, endless.zones[1]) == "the loss falls ever faster, without a bottom"
    assert rate_sentence(endless, 0) == "0.001, too small: the loss ends at −0.5000; no bottom was seen."
    assert "goal" not in folklore_sentences(endless)[0]


def test_a_start_that_is_no_number_has_no_goal() -> None:
    nowhere = replace(hopeless_sweep(), start_loss=float("nan"), floor=float("nan"))
    assert goal_sentences(nowhere) == []
    assert zone_meaning(nowhere, nowhere.zones[0]) == "the loss at the start is not a number (NaN)"
    assert folklore_sentences(replace(nowhere, rates=np.array([0.001, 0.1, 40.0]))) == [], "no rate was to blame"
    assert sweep_numbers(nowhere)["loss_at_goal"] is None


def test_a_rate_in_words_names_zone_and_valley(sweep: SweepResult) -> None:
    k = len(sweep.rates) - 6
    assert rate_words(sweep, 0) == "0.001, too small"
    assert rate_words(sweep, k) == f"{rate(float(sweep.rates[k]))}, just right, crosses the valley"
    undefined = replace(sweep, crosses_valley=(None,) * len(sweep.rates))
    assert rate_words(undefined, k).count(",") == 1


def test_a_rate_in_a_sentence_says_how_it_ended(sweep: SweepResult) -> None:
    assert rate_sentence(sweep, 0) == "0.001, too small: the goal is not reached in 40 steps; the loss ends at 4.408."
    best = min(range(25), key=lambda k: sweep.steps_to_goal[k] or 999)
    assert f"after {sweep.steps_to_goal[best]} steps" in rate_sentence(sweep, best)
    assert "the loss ends at 3.309×10⁵⁶, from 5.000 at the start" in rate_sentence(sweep, 24)
    assert "the loss is no longer a number" in rate_sentence(hopeless_sweep(), 2)


def test_every_rate_lies_in_the_meaning_of_its_zone(sweep: SweepResult) -> None:
    right = next(span for span in sweep.zones if span.name is Zone.JUST_RIGHT)
    steps = [n for n, zone in zip(sweep.steps_to_goal, sweep.zone_of_each, strict=True) if zone is Zone.JUST_RIGHT]
    reached = [n for n in steps if n is not None]
    assert zone_meaning(sweep, right) == f"the goal is reached after {min(reached)} to {max(reached)} steps"
    assert zone_range(right) == f"{rate(right.low)} … {rate(right.high)}"
    assert zone_range(ZoneSpan(Zone.JUST_RIGHT, 0.0139801, 0.0139802)) == "0.01398"
    assert zone_meaning(sweep, sweep.zones[0]).endswith("or not within 40 steps")


def test_diverging_says_whether_numbers_were_lost() -> None:
    lost = hopeless_sweep()
    assert zone_meaning(lost, lost.zones[0]) == "the loss ends above its start, or at ∞ or NaN"
    assert zone_meaning(lost, ZoneSpan(Zone.DIVERGING, 2.0, 40.0)) == "the loss ends at ∞ or NaN"
    assert zone_meaning(lost, ZoneSpan(Zone.DIVERGING, 40.0, 40.0)) == "the loss ends at NaN"
    assert zone_meaning(lost, ZoneSpan(Zone.DIVERGING, 1.5, 1.5)) == "the loss ends above its start"


def test_bouncing_says_what_was_seen() -> None:
    made = stalling_sweep()
    assert zone_meaning(made, made.zones[-1]) == (
        "crosses the valley and stalls in a cycle; the goal is not reached in 40 steps"
    )
    calm = replace(made, crosses_valley=(None,) * 4, stalls_at=(None,) * 4)
    assert zone_meaning(calm, calm.zones[-1]) == "the goal is not reached in 40 steps"


def test_bouncing_without_crossing_says_why() -> None:
    made = stalling_sweep()
    slow = replace(made, crosses_valley=(False, False, False, True), stalls_at=(None,) * 4)
    assert rate_words(slow, 2).endswith(", bouncing, slow for its size")
    assert rate_words(slow, 3).endswith(", bouncing, crosses the valley")
    assert zone_meaning(slow, slow.zones[-1]) == (
        "crosses the valley in part and is slow for its size where it does not; the goal is not reached in 40 steps"
    )
    nowhere = replace(slow, crosses_valley=(False,) * 4)
    assert zone_meaning(nowhere, nowhere.zones[-1]) == "is slow for its size; the goal is not reached in 40 steps"
    fast = replace(nowhere, steps_to_goal=(None, 9, 9, None))
    assert rate_words(fast, 2).endswith(", bouncing, apart from the just right rates")
    stuck = replace(nowhere, stalls_at=(None, None, 0.5, 0.5))
    assert rate_words(stuck, 2).endswith(", bouncing, stalls in a cycle")
    assert rate_words(nowhere, 0).endswith(", too small")


def test_only_a_rate_that_was_run_has_a_zone(sweep: SweepResult) -> None:
    small, right, *_ = sweep.zones
    assert zone_of(sweep, small.high) is Zone.TOO_SMALL
    assert zone_of(sweep, float(np.sqrt(small.low * small.high * 1.01))) is None
    assert zone_of(sweep, (small.high + right.low) / 2) is None
    assert zone_of(sweep, 1e-9) is None


def test_the_recommendation_comes_with_interval_and_reason(sweep: SweepResult) -> None:
    found = sweep.recommended
    assert found is not None
    assert recommendation_sentences(sweep) == [f"Use the learning rate {rate(found.value)}.", "Half the limit is 0.5."]
    assert recommendation_line(sweep) == (
        f"Use the learning rate {rate(found.value)}; from {rate(found.low)} to {rate(found.high)} is just right."
    )
    only = replace(sweep, recommended=Recommendation(0.1, 0.1, 0.1, ""))
    assert recommendation_sentences(only) == ["Use the learning rate 0.1; no other of the rates swept is just right."]


def test_no_safe_answer_is_an_answer() -> None:
    assert recommendation_line(hopeless_sweep()) == "No safe answer among these rates."
    assert recommendation_sentences(hopeless_sweep()) == ["No safe answer: every rate diverged."]
    silent = replace(hopeless_sweep(), advice="")
    assert recommendation_sentences(silent) == ["No safe answer among these rates."]


@pytest.mark.parametrize(
    ("measured", "told"),
    [(1.0, "the same"), (1.0004, "the same"), (1.02, "2 % higher"), (0.9, "10 % lower"), (None, "")],
)
def test_the_difference_of_a_limit(measured: float | None, told: str) -> None:
    assert difference(Landmark("stability limit", 1.0, measured, LimitKind.PROVABLE)) == told


@pytest.mark.parametrize(
    ("measured", "resolution", "told"),
    [
        (1.02, 0.05, "the same to 5.1 %"),
        (1.06, 0.05, "6 % higher"),
        (0.98, 0.05, "the same to 4.9 %"),
        (1.0001, 1e-4, "the same"),
    ],
)
def test_no_difference_is_told_within_what_was_resolved(measured: float, resolution: float, told: str) -> None:
    mark = Landmark("stability limit", 1.0, measured, LimitKind.PROVABLE, resolution)
    assert difference(mark) == told


def test_a_limit_of_full_batch_is_no_bound_of_mini_batches(sweep: SweepResult) -> None:
    mark = Landmark("stability limit", 1.0, 1.02, LimitKind.FULL_BATCH, 0.001)
    assert difference(mark) == ""
    assert landmark_sentence(mark) == (
        "stability limit (of all rows at once; no bound for mini-batches): predicted 1, measured 1.02"
    )
    batches = replace(sweep, batch_size=4, landmarks=(mark,))
    assert {row.share for row in rate_rows(batches)} == {""}


def test_where_adaptive_runs_begin_to_miss_is_no_second_limit() -> None:
    mark = Landmark(MISSES, 2.5, 3.0, LimitKind.FROZEN)
    assert landmark_sentence(mark) == "from 3 on no run reaches the goal"


def test_a_frozen_limit_is_never_said_to_diverge() -> None:
    told = landmark_sentence(stalling_sweep().landmarks[0])
    assert "stalls" in told
    assert "diverge" not in told
    assert "not seen in these runs" in told


def test_stalls_name_their_floor() -> None:
    assert stall_sentences(parabola_sweep()) == []
    made = replace(stalling_sweep(), stall_peaks=(None, None, 0.002, 0.09))
    assert stall_sentences(made) == [
        "At 0.3 the loss no longer falls: it hovers around 0.00200 above the lowest possible; at 0.6 around 0.0500, "
        "with peaks to 0.0900."
    ]
    one = replace(made, stalls_at=(None, None, 0.002, None), stall_peaks=(None, None, 0.003, None))
    assert stall_sentences(one) == [
        "At 0.3 the loss no longer falls: it hovers around 0.00200 above the lowest possible, with peaks to 0.00300."
    ]


def test_a_diverging_run_does_not_stall() -> None:
    made = stalling_sweep()
    diverged = replace(made, zone_of_each=(*made.zone_of_each[:3], Zone.DIVERGING))
    assert stall_sentences(diverged) == [
        "At 0.3 the loss no longer falls: it hovers around 0.00200 above the lowest possible."
    ]


def test_seeds_that_start_alike_have_one_goal() -> None:
    alike = replace(stalling_sweep(), start_losses=np.full(3, 5.0))
    assert "so come down to 1.040" in goal_sentences(alike)[0]
    apart = replace(alike, start_losses=np.array([5.0, 5.0, 6.0]))
    assert "with seed 0 from 5.000 down to 1.040" in goal_sentences(apart)[0]


def test_bands_without_width_are_one_number() -> None:
    lost = replace(hopeless_sweep(), seeds=(0, 1))
    assert rate_rows(lost)[-1].final_loss == "NaN"
    narrow = replace(stalling_sweep(), final_low=stalling_sweep().final_losses * 0.99999)
    narrow = replace(narrow, final_high=narrow.final_losses)
    assert "…" not in rate_rows(narrow)[0].final_loss


def test_seeds_have_goals_of_their_own() -> None:
    told = goal_sentences(stalling_sweep())[0]
    assert told == (
        "Goal: take away 99 % of what each seed's starting loss has above the lowest loss possible, 1.000; "
        "with seed 0 from 5.000 down to 1.040."
    )


def test_folklore_is_held_against_the_measurement() -> None:
    rates = np.array([0.001, 0.1, 0.3, 2.0])
    assert folklore_sentences(parabola_sweep(rates)) == [
        "It is often said that 0.1 is too large and 0.001 just right. "
        "Here 0.1 is too small (it needs 11 steps), and 0.001 is too small (it misses the goal in 40 steps). "
        "A good rate depends on the problem."
    ]


def test_folklore_that_holds_is_granted() -> None:
    sweep = parabola_sweep(np.array([0.001, 0.1, 0.3]))
    zones = (Zone.JUST_RIGHT, Zone.DIVERGING, Zone.DIVERGING)
    holds = replace(
        sweep,
        zone_of_each=zones,
        zones=(ZoneSpan(Zone.JUST_RIGHT, 0.001, 0.001), ZoneSpan(Zone.DIVERGING, 0.1, 0.3)),
    )
    assert folklore_sentences(holds)[0].endswith("Here 0.1 diverges, and 0.001 is just right. Here that holds.")


def test_one_rate_of_folklore_that_holds_proves_nothing() -> None:
    only = replace(parabola_sweep(np.array([0.1, 0.3])), zone_of_each=(Zone.DIVERGING,) * 2)
    assert folklore_sentences(only)[0].endswith("Here 0.1 diverges.")


def test_folklore_is_silent_where_nothing_was_measured() -> None:
    assert folklore_sentences(parabola_sweep(np.array([0.2, 0.3]))) == []
    assert folklore_sentences(parabola_sweep(np.array([0.05, 0.95]))) == [], "0.1 was not run"
    large = folklore_sentences(parabola_sweep(np.array([0.05, 0.1, 0.3]), steps=2))[0]
    assert "0.001 is" not in large
    beyond = parabola_sweep(np.array([0.01, 0.02]))
    provable = replace(beyond, landmarks=(Landmark("stability limit", 0.025, None, LimitKind.PROVABLE),))
    assert "0.1 is 4.0 times the limit 0.025: it diverges" in folklore_sentences(provable)[0]
    for other in (
        replace(provable, batch_size=3),
        replace(provable, landmarks=(Landmark("stability limit", 0.025, None, LimitKind.FROZEN),)),
    ):
        assert folklore_sentences(other) == []


def test_the_table_tells_the_story(sweep: SweepResult) -> None:
    chosen = shown_indices(sweep)
    assert len(chosen) == 12
    assert {0, 24} <= set(chosen)
    for span in sweep.zones:
        assert {span.low, span.high} <= {float(sweep.rates[k]) for k in chosen}
    rows = rate_rows(sweep)
    used = [row for row in rows if row.remark == "← use this"]
    assert sweep.recommended is not None
    assert [row.rate for row in used] == [rate(sweep.recommended.value)]
    assert rate_columns(sweep)[2] == "above lowest", "many end at 1.000"
    assert rows[0] == ("0.001", "too small", "3.41", "—", "no", "0.1 %", "")
    assert rows[-1].share == f"{300 / LIMIT:.0f} %"


def test_the_fastest_is_marked_beside_the_recommended() -> None:
    made = parabola_sweep()
    slower = replace(made, recommended=Recommendation(float(made.rates[17]), 0.2, 0.8, ""))
    marked = {row.remark: row.rate for row in rate_rows(slower) if row.remark}
    fewest = min(needed for needed in made.steps_to_goal if needed is not None)
    fastest = float(made.rates[made.steps_to_goal.index(fewest)])
    assert marked == {"← use this": rate(float(made.rates[17])), "← fastest": rate(fastest)}
    elsewhere = replace(made, recommended=Recommendation(0.3333, 0.2, 0.8, ""))
    assert "← use this" not in {row.remark for row in rate_rows(elsewhere)}, "it is none of the measured rates"


def test_the_table_of_few_rates_has_them_all_and_bands() -> None:
    rows = rate_rows(replace(stalling_sweep(), floor_kind=FloorKind.LOWEST_SEEN))
    assert [row.rate for row in rows] == ["0.01", "0.1", "0.3", "0.6"]
    assert rows[1].final_loss == "0.900 … 1.10"
    assert rows[0].crosses == ""


def test_the_numbers_are_those_of_the_result(sweep: SweepResult) -> None:
    told = sweep_numbers(sweep)
    assert told["schema"] == "fallline.sweep/1"
    assert told["rates"] is sweep.rates
    assert told["bands"] is None
    assert sweep_numbers(stalling_sweep())["bands"] is not None
    assert sweep_numbers(hopeless_sweep())["recommended"] is None


def test_a_trial_in_words(sweep: SweepResult) -> None:
    assert trial_words(sweep.trials[1]) == "the recommended rate, 0.4054: just right, the loss ends at 1.000"
    told = trial_words(replace(sweep.trials[1], steps_to_goal=7))
    assert told.endswith("just right, the goal is reached after 7 steps; the loss ends at 1.000")


def test_losses_that_print_alike_are_told_by_their_excess(sweep: SweepResult) -> None:
    apart = replace(sweep, final_losses=np.linspace(1.5, 3.0, 25))
    assert rate_columns(apart)[2] == "final loss"
    ends = np.where(np.arange(25) < 20, 1 + 1.25e-5, 1.0)
    alike = [row.final_loss for row in rate_rows(replace(sweep, final_losses=ends))]
    assert set(alike) == {"1.25×10⁻⁵", "≈ 0"}
    unknown = replace(sweep, final_losses=ends, floor_kind=FloorKind.LOWEST_SEEN)
    assert {row.final_loss for row in rate_rows(unknown)} == {"1.000"}
    head, *rows = trial_rows(replace(sweep, trials=tuple(replace(one, steps_to_goal=5) for one in sweep.trials)))
    assert (head[2], head[3]) == ("above lowest", "steps to goal")
    assert [row[3] for row in rows] == ["5"] * 3
    assert trial_rows(sweep)[1][3] == "—"


def test_rates_that_print_alike_get_more_digits() -> None:
    close = parabola_sweep(np.array([0.100001, 0.100002, 0.3]))
    assert [row.rate for row in rate_rows(close)] == ["0.100001", "0.100002", "0.3"]
    assert rate_digits([0.1, 0.1]) == 4, "one rate, not two"
    assert zone_range(ZoneSpan(Zone.JUST_RIGHT, 0.0139801, 0.0139802), 6) == "0.0139801 … 0.0139802"


def test_the_rate_that_came_closest_is_in_the_table() -> None:
    """What the advice names can be looked up."""
    short = parabola_sweep(np.geomspace(1e-4, 1e-2, 40), steps=20)
    assert short.recommended is None
    closest = [row for row in rate_rows(replace(short, final_losses=np.roll(short.final_losses, -7))) if row.remark]
    assert [(row.rate, row.remark) for row in closest] == [(rate(float(short.rates[32])), "← closest")]
    assert not any(row.remark for row in rate_rows(hopeless_sweep()))
