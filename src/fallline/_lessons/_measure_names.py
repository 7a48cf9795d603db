"""The names of measurements that a chapter may quote, with what each means. docs/chapters.md shows this table."""

import re
from collections.abc import Mapping

DESCENT: Mapping[str, str] = {
    "loss_first": "loss over all rows before the first step",
    "loss_after_1": "loss after the first step",
    "loss_last": "loss after the last step",
    "loss_lowest": "lowest loss of the run",
    "loss_best": "lowest loss there is, where that is known",
    "excess_left": "share of the excess loss (above the lowest there is) that is left at the end",
    "excess_left_4": "share of it that is left after four steps",
    "loss_rises": "number of steps after which the loss was higher than before",
    "error_first": "typical error before the first step (mse)",
    "error_last": "typical error after the last step (mse)",
    "steps": "steps taken",
    "rows": "rows of the table",
    "batch": "rows that each step saw",
    "loss": "mse, mae, huber, bce, or formula",
    "optimizer": "the optimizer with its options, as in SGD, momentum 0.9; plain SGD is SGD",
    "outcome": "converged, descending, stalled, diverged",
    "ended": "lower, higher, the same, no number: the last loss beside the first",
    "first_not_finite": "the first step with a number that is infinite or no number",
    "rate": "learning rate of the first step",
    "rate_changes": "how often the rate was changed on the way",
    "rate_largest": "largest learning rate of the run",
    "rates": "the learning rate with its changes on the way, in words",
    "limit": "stability limit, predicted from the curvature",
    "limit_measured": "the rate from which on real runs diverge",
    "share_of_limit": "largest rate of the run / stability limit",
    "crossing_rate": "1/λ: above this rate steps cross the sharpest valley (plain SGD on a parabola)",
    "sharpness": "largest curvature",
    "flattest": "smallest curvature",
    "condition": "condition number: largest over smallest curvature",
    "zone": "too small, just right, bouncing, diverging",
    "steps_to_goal": "steps until the goal is reached for good (99 % of the excess loss removed)",
    "fewest_steps_to_goal": "the same at the fastest rate of the sweep",
    "goal_loss": "the loss at which the goal is reached",
    "just_right_low": "lowest rate of the sweep that is just right",
    "just_right_high": "highest rate of the sweep that is just right",
    "diverging_low": "lowest rate of the sweep that diverges; between its rates `limit_measured` says more",
    "recommended": "the rate that the sweep recommends",
    "crosses": "yes or no: over half of the steps jump across the valley",
    "reach_first": "reach of the first step",
    "reach_last": "reach of the last step",
    "promised_first": "fall of the loss that the tangent promised for the first step",
    "came_first": "fall of the loss that came with the first step",
    "came_share_first": "the second over the first",
    "angle_first": "degrees between the first step and the straight way to the lowest point",
    "slope_length_first": "length of the gradient at the start",
    "slope_length_last": "length of the gradient before the last step",
    "step_length_first": "length of the first step",
    "step_length_last": "length of the last step",
    "way_first_5": "share of the whole way that the first five steps cover",
    "minima": "number of minima that are known",
    "in_minimum": "yes or no: the run ended in one of them",
    "curvature_least_end": "smallest curvature where the run ended (formulas)",
    "row_x": "x of the table's last row",
    "row_y": "y of the table's last row",
    "row_prediction_first": "what the neuron says of it before the first step",
    "row_prediction_last": "what it says after the last step",
    "row_error_first": "how far that was off: prediction − y",
    "row_squared_first": "the square of that",
    "row_error_last": "how far it is off after the last step",
}
"""Of a run on the pages neuron and formulas."""

OF_PARAMETER: Mapping[str, str] = {
    "start": "its value before the first step",
    "first_step": "its value after the first step",
    "second_step": "its value after the second step",
    "end": "its value after the last step",
    "best": "its value at the lowest point, where that is known and there is one",
    "away_start": "how far it was from there before the first step",
    "away": "how far it is from there after the last step",
    "slope": "its slope at the start",
    "slope_end": "its slope before the last step",
    "minus_slope": "minus its slope at the start",
    "move": "how far the first step moved it",
    "crossings": "number of steps at which it changed to the other side of its best value",
    "minimum": "its value at the known minimum in which the run ended",
}
"""Of each parameter, behind its name: ``w_start``, ``b_slope``."""

GRAPH: Mapping[str, str] = {
    "result": "what the expression is",
    "operations": "number of operations in the graph",
    "agrees": "yes or no: every gradient agrees with central differences",
    "largest_difference": "the largest relative difference between the two",
}
"""Of the page backprop."""

OF_NAME: Mapping[str, str] = {
    "value": "its value or values",
    "gradient": "its gradient",
    "value_0": "its first entry",
    "gradient_0": "the gradient of its first entry",
    "entries": "how many entries it has",
}
"""Of each name in the expression: ``x_gradient``, ``y_value``."""

COMPARED: Mapping[str, str] = {
    "first": "the optimizer that needs the fewest steps to the goal here, where it is one alone",
    "slowest": "the one that needs the most, or does not reach it, where it is one alone",
    "runners": "number of optimizers that are compared",
    "steps": "steps that each may take",
    "setting": "best: each at its own best rate; given: at the rates that were set",
}
"""Of the page compare."""

OF_OPTIMIZER: Mapping[str, str] = {
    "rate": "its learning rate here",
    "steps_to_goal": "its steps until the goal is reached for good",
    "loss_first": "its loss at the start",
    "loss_last": "its loss after the last step",
    "loss_highest": "its highest loss on the way",
    "loss_rises": "number of steps after which its loss was higher than before",
    "first_step_length": "length of its first step",
}
"""Of each optimizer, behind its name in small letters: ``adam_steps_to_goal``."""

WATCHED: Mapping[str, str] = {
    "parameters": "numbers that the network learns",
    "layers": "layers with parameters",
    "rows": "rows of the table",
    "batch": "rows that each step saw",
    "steps": "steps recorded",
    "rate": "learning rate",
    "optimizer": "the optimizer's name",
    "seed": "seed of the network and of the batches' order",
    "loss_first": "loss of the first batch",
    "loss_last": "mean loss of the last tenth of the batches",
    "loss_highest": "highest loss of a batch",
    "outcome": "descending, stalled, diverged, ended",
    "measured": "steps whose reach was measured, on their own batch",
    "reach_median": "reach in the median of those",
    "too_long": "steps of those with a reach above 2",
    "alarm_step": "the step of the first alarm",
    "same": "yes or no: parameters and losses are bit for bit those of the same loop without a watch",
}
"""Of the page watched: a small network in its own loop, recorded by ``fl.watch``."""

WHY: Mapping[str, Mapping[str, str]] = {
    "minus": {
        "rate": "the learning rate of both loops",
        "minus_loss_last": "the last loss with minus",
        "plus_doubled_after": "the step after which the loss with plus has doubled",
        "plus_not_finite_after": "the step after which it is too large for float32",
        "plus_growth": "by what the loss with plus is multiplied at each step",
    },
    "derivative": {
        "budget": "forward passes that each method may spend",
        "price": "forward passes that one gradient is counted as",
        **{
            f"{method}_passes_{size}": f"passes that {words} needs to the goal with {size} parameters"
            for method, words in (
                ("gradient", "gradient descent"),
                ("differences", "descent by finite differences"),
                ("random", "random search"),
                ("coordinate", "moving one parameter at a time"),
            )
            for size in (2, 10, 100)
        },
        **{
            f"{method}_left_{size}": f"share of the excess loss that {words} leaves with {size} parameters"
            for method, words in (("gradient", "gradient descent"), ("random", "random search"))
            for size in (2, 10, 100)
        },
        **{
            f"random_win_{size}": f"mean win of a random step over the best step, {size} parameters"
            for size in (2, 10, 100)
        },
    },
}
"""Of the experiments of ``fl.why``, for runs of the table ``also`` that have ``why = "…"``."""

QUESTIONS = tuple(WHY)
_PARAMETER = re.compile(rf"[A-Za-z]\w*?_({'|'.join(sorted(OF_PARAMETER, key=len, reverse=True))})")
_NAMED = re.compile(rf"[A-Za-z]\w*?_({'|'.join(sorted(OF_NAME, key=len, reverse=True))})")
_OPTIMIZER = re.compile(rf"[a-z]\w*?_({'|'.join(sorted(OF_OPTIMIZER, key=len, reverse=True))})")


def is_measure(name: str, page: str, why: str | None = None) -> bool:
    """Whether a page's runs, or an experiment, can have a measurement of this name.

    >>> is_measure("zone", "neuron"), is_measure("w_start", "neuron"), is_measure("zome", "neuron")
    (True, True, False)
    """
    if why is not None:
        return name in WHY[why]
    fixed, pattern = _KNOWN[page]
    return name in fixed or (pattern is not None and pattern.fullmatch(name) is not None)


def known_measures(page: str, why: str | None = None) -> list[str]:
    """The fixed names, and those of a parameter, for suggestions."""
    if why is not None:
        return list(WHY[why])
    fixed = list(_KNOWN[page][0])
    return fixed + [f"w_{each}" for each in OF_PARAMETER] if page in ("neuron", "formulas") else fixed


_KNOWN: Mapping[str, tuple[Mapping[str, str], re.Pattern[str] | None]] = {
    "neuron": (DESCENT, _PARAMETER),
    "formulas": (DESCENT, _PARAMETER),
    "compare": (COMPARED, _OPTIMIZER),
    "backprop": (GRAPH, _NAMED),
    "watched": (WATCHED, None),
}

SWEPT = frozenset(
    {
        "zone", "steps_to_goal", "fewest_steps_to_goal", "goal_loss", "just_right_low", "just_right_high",
        "diverging_low", "recommended", "limit_measured", "crosses",
    }
)  # fmt: skip
"""Of a descent: those for which other rates are run."""
