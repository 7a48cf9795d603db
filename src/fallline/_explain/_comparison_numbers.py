"""A comparison as plain names and numbers: what ``fallline compare --json`` prints, without its paths and curves."""

from fallline._explain._comparison import minimum_names
from fallline._explain._numbers import MOST_NAMED
from fallline._records import BasinMap, Basins, Comparison, Contender, Difference, RateRuns

SCHEMA = "fallline.compare/1"


def comparison_numbers(comparison: Comparison) -> dict[str, object]:
    """Everything that was decided and measured, by name."""
    labels = [one.label for one in comparison.contenders]
    named = comparison.starts.shape[1] <= MOST_NAMED
    return {
        "schema": SCHEMA,
        "name": comparison.name,
        "about": comparison.about,
        "loss": comparison.loss,
        "parameter_count": comparison.starts.shape[1],
        "parameters": comparison.parameter_names if named else None,
        "rows": comparison.rows,
        "batch_size": comparison.batch_size,
        "epochs": comparison.epochs,
        "steps": comparison.steps,
        "goal": comparison.goal,
        "floor": comparison.floor,
        "floor_kind": comparison.floor_kind.value,
        "seeds": comparison.seeds,
        "tuning_seeds": comparison.tuning_seeds,
        "starts": comparison.starts if named else None,
        "start_losses": comparison.start_losses,
        "deterministic": comparison.deterministic,
        "common_rate": comparison.common_rate,
        "common_reason": comparison.common_reason,
        "trials": comparison.trials,
        "trial_runs": comparison.trial_runs,
        "ranking": [labels[index] for index in comparison.ranking],
        "optimizers": [_contender(one) for one in comparison.contenders],
        "at_best": [_difference(found, labels) for found in comparison.at_best],
        "at_common": [_difference(found, labels) for found in comparison.at_common],
        "confidence": comparison.confidence,
        "basins": None if comparison.basins is None else _basins(comparison.basins, labels),
        "seconds": comparison.seconds,
    }


def _contender(one: Contender) -> dict[str, object]:
    good = None if one.good_low is None else {"low": one.good_low, "high": one.good_high, "open": one.good_open}
    return {
        "name": one.name,
        "label": one.label,
        "optimizer": one.optimizer,
        "options": one.optimizer_options,
        "stability_limit": one.limit,
        "range": one.range_kind.value,
        "rates": one.rates,
        "steps_of_each": one.trial_steps,
        "excess_of_each": one.trial_excess,
        "good": good,
        "good_width": one.good_width,
        "best_at_edge": one.at_edge,
        "slack": one.slack,
        "best": _runs(one.best),
        "common": _runs(one.common),
        "batched": one.batched,
    }


def _runs(runs: RateRuns) -> dict[str, object]:
    return {
        "rate": runs.rate,
        "steps_to_goal": runs.steps_to_goal,
        "median_steps": runs.median_steps,
        "final_losses": runs.final_losses,
        "diverged": [bool(gone) for gone in runs.diverged],
    }


def _difference(found: Difference, labels: list[str]) -> dict[str, object]:
    return {
        "first": labels[found.first],
        "second": labels[found.second],
        "criterion": found.criterion.value,
        "ratio": found.ratio,
        "low": found.low,
        "high": found.high,
        "standing": found.standing.value,
        "at_least": found.at_least,
        "same": found.same,
        "ahead": found.ahead,
        "behind": found.behind,
        "reason": found.reason,
    }


def _basins(basins: Basins, labels: list[str]) -> dict[str, object]:
    return {
        "starts": [len(basins.first_axis), len(basins.second_axis)],
        "minima": basins.minima,
        "names": minimum_names(basins),
        "global": [bool(lowest) for lowest in basins.is_global],
        "tolerance": basins.tolerance,
        "maps": [_map(one, labels) for one in basins.maps],
    }


def _map(one: BasinMap, labels: list[str]) -> dict[str, object]:
    return {
        "optimizer": labels[one.contender],
        "rate": one.rate,
        "shares": one.shares,
        "unsettled": one.unsettled,
        "left_out": one.left_out,
    }
