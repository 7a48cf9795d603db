"""A ramp in words and numbers; docs/semantics.md#ramp."""

import math
from collections.abc import Sequence
from typing import Any

from fallline._explain._rates import rate
from fallline._records import CurvatureAnswer, Floats, LimitKind, Ramp, RampEnd, RampTrial, RateInterval, RuleAnswer
from fallline._wording import count, number

SCHEMA = "fallline.ramp/1"
ENDED = {
    RampEnd.HIGHEST_RATE: "went to the highest rate",
    RampEnd.EXPLODED: "ended where the smoothed loss exploded",
    RampEnd.NOT_FINITE: "ended after three losses in a row that are not finite",
}
KINDS = {LimitKind.PROVABLE: "provable", LimitKind.FROZEN: "preconditioner of that moment"}


def ramp_title(result: Ramp) -> str:
    """What was ramped, in one short line."""
    return f"{result.name}: the learning rate of {result.optimizer} raised batch by batch"


def ramp_line(result: Ramp) -> str:
    """What was run."""
    low, high = (rate(float(value)) for value in result.rates[[0, -1]])
    data = "full batch" if result.full_batch else "mini-batches"
    return (
        f"{result.name}, {result.optimizer}, {data}: the learning rate raised from {low} to {high} over "
        f"{count(len(result.rates), 'update')}, {count(len(result.seeds), 'seed')}. Everything was put back."
    )


def ramp_answer_line(result: Ramp) -> str:
    """The answer, or that there is none, with its reason."""
    if result.answer is None:
        return result.advice
    answer = result.answer
    scatter = "the same with every seed" if answer.low == answer.high else f"{rate(answer.low)} to {rate(answer.high)}"
    if len(result.seeds) > 1 and answer.low != answer.high:
        scatter += f" over {count(len(result.seeds), 'seed')}"
    return f"Use {rate(answer.value)} ({scatter}). {result.advice}"


def ramp_end_sentences(result: Ramp) -> list[str]:
    """How the passes ended, those alike together."""
    told = []
    for end, words in ENDED.items():
        here = [each for each in result.passes if each.ended is end]
        if not here:
            continue
        who = "Every pass" if len(here) == len(result.passes) else f"{len(here)} of {count(len(result.passes), 'pass')}"
        ends = sorted({float(result.rates[len(each.losses) - 1]) for each in here})
        at = rate(ends[0]) if len(ends) == 1 else f"{rate(ends[0])} to {rate(ends[-1])}"
        told.append(f"{who} {words}, {at}." if end is RampEnd.HIGHEST_RATE else f"{who} {words}, at {at}.")
    return told


def rule_rows(result: Ramp) -> list[Sequence[str]]:
    """A table: what each rule and the curvature say, lowest, middle and highest over the seeds."""
    rows: list[Sequence[str]] = [("says", "lowest", "middle", "highest", "")]
    rows += [(each.rule.value, *_interval(each.interval, each.why, len(result.seeds))) for each in result.rules]
    curvature = result.curvature
    rows.append(("half the limit", *_interval(curvature.half, "see below", len(result.seeds))))
    return rows


def rule_source_sentences(result: Ramp) -> list[str]:
    """Where each rule comes from."""
    return [f"{each.rule.value} is {each.source}." for each in result.rules]


def ramp_curvature_sentences(result: Ramp) -> list[str]:
    """What the limit rests on, or why there is none."""
    told = result.curvature
    if told.half is None:
        return [f"Curvature: no limit. {told.why}"]
    kind = "" if told.kind is None else f" ({KINDS.get(told.kind, told.kind.value)})"
    middle = rate(2 * told.half.middle)
    measured = "" if told.rows is None else f", over {count(told.rows, 'row')}"
    words = [f"Curvature: the stability limit at the start is {middle}{kind}{measured}. {told.why}"]
    if not result.full_batch:
        words.append("That is a limit of full batches: for mini-batches it is no bound.")
    return [*words, *told.notes]


def ramp_trial_rows(result: Ramp) -> list[Sequence[str]]:
    """A table: real runs at one rate each, those given up first."""
    if not result.trials and not result.given_up:
        return []
    rows: list[Sequence[str]] = [("real runs", "rate", "loss before", "after", "")]
    for trial in (*result.given_up, *result.trials):
        rows.append((trial.name, rate(trial.learning_rate), _ends(trial.before), _ends(trial.after), _verdict(trial)))
    return rows


def ramp_trial_sentence(result: Ramp) -> str:
    """What the losses of the trials' table are."""
    return (
        f"Each ran {count(result.trial_steps, 'update')} from the same start with every seed; the losses are means "
        "over the batches that each seed begins with, lowest to highest over the seeds."
    )


def ramp_words(result: Ramp) -> str:
    """The answer and the trials in one breath, for a screen reader."""
    return " ".join([ramp_answer_line(result), *ramp_end_sentences(result)])


def _interval(interval: RateInterval | None, why: str, seeds: int) -> tuple[str, str, str, str]:
    if interval is None:
        return "", "nothing", "", why
    beside = "" if interval.seeds == seeds else f"{interval.seeds} of {count(seeds, 'seed')}: in the others {why}"
    return rate(interval.low), rate(interval.middle), rate(interval.high), beside


def _ends(values: Floats) -> str:
    odd = [each for each in values.tolist() if not math.isfinite(each)]
    if odd:  # NaN has no place in an order
        return number(odd[0])
    low, high = number(float(values.min()), 3), number(float(values.max()), 3)
    return low if low == high else f"{low} to {high}"


def _verdict(trial: RampTrial) -> str:
    return "descends" if trial.descends else "does not descend with every seed"


def ramp_numbers(result: Ramp) -> dict[str, Any]:
    """All of it for programs: docs/json.md."""
    answer = result.answer
    return {
        "schema": SCHEMA,
        "name": result.name,
        "optimizer": result.optimizer,
        "full_batch": result.full_batch,
        "seeds": list(result.seeds),
        "learning_rates": result.rates.tolist(),
        "passes": [
            {
                "seed": each.seed,
                "losses": each.losses.tolist(),
                "smoothed": each.smoothed.tolist(),
                "start_losses": each.start_losses.tolist(),
                "ended": each.ended.value,
            }
            for each in result.passes
        ],
        "rules": [_rule_numbers(each) for each in result.rules],
        "curvature": _curvature_numbers(result.curvature),
        "answer": None if answer is None else {"value": answer.value, "low": answer.low, "high": answer.high},
        "advice": result.advice,
        "trial_steps": result.trial_steps,
        "trials": [_trial_numbers(each) for each in result.trials],
        "given_up": [_trial_numbers(each) for each in result.given_up],
        "notes": list(result.notes),
    }


def _interval_numbers(interval: RateInterval | None) -> dict[str, Any] | None:
    if interval is None:
        return None
    return {"low": interval.low, "middle": interval.middle, "high": interval.high, "seeds": interval.seeds}


def _rule_numbers(told: RuleAnswer) -> dict[str, Any]:
    return {
        "rule": told.rule.value,
        "source": told.source,
        "learning_rates": list(told.rates),
        "interval": _interval_numbers(told.interval),
        "why": told.why,
    }


def _curvature_numbers(told: CurvatureAnswer) -> dict[str, Any]:
    return {
        "limits": list(told.limits),
        "sharpness": list(told.sharpness),
        "kind": None if told.kind is None else told.kind.value,
        "half": _interval_numbers(told.half),
        "rows": told.rows,
        "why": told.why,
    }


def _trial_numbers(trial: RampTrial) -> dict[str, Any]:
    return {
        "name": trial.name,
        "learning_rate": trial.learning_rate,
        "before": trial.before.tolist(),
        "after": trial.after.tolist(),
        "descends": trial.descends,
    }
