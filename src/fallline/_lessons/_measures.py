"""What a chapter may quote of a descent: numbers of one run and of the sweep around it, by name.

Nothing is measured twice: a run's record and its summary hold the numbers, this chooses and names them. A name whose
number does not exist for a run is left out. ``_measure_names.py`` says what each is.
"""

import numpy as np

from fallline._explain import optimizer_words, rates_words
from fallline._formulas import formula
from fallline._lessons._chapter_words import Measured, Rate, Reach, Share
from fallline._records import Floats, Run, SweepResult
from fallline._sweep import Beside

FOUR, FIVE = 4, 5
NEAR = 1e-3
"""Of a surface's square, or of the way: how near to a minimum a run has ended in it (docs/semantics.md)."""
CURVED = 1e-9
"""Of the largest curvature: below that a direction counts as straight."""


def descent_measures(run: Run, sweep: SweepResult | None = None, place: Beside | None = None) -> dict[str, Measured]:
    """Everything of one run that there is, by name.

    Args:
        run: a finished run of a neuron or on a formula.
        sweep: of other rates from the same start; None where there is none.
        place: where the run's own rate lies by the criterion of that sweep.

    >>> from fallline import fit
    >>> measured = descent_measures(fit(formula="(w - 3)^2", learning_rate=0.5, start={"w": 5.0}, epochs=5))
    >>> measured["w_first_step"], measured["reach_first"], measured["outcome"]
    (3.0, Reach(value=1.0), 'converged')
    """
    found: dict[str, Measured | None] = {}
    found.update(_losses(run))
    found.update(_made_with(run))
    found.update(_first_and_last_step(run))
    found.update(_parameters(run))
    found.update(_row(run))
    found.update(_minimum(run))
    if sweep is not None:
        found.update(_swept(sweep))
    if place is not None:
        found.update(_placed(place))
    return {name: value for name, value in found.items() if value is not None}


def _losses(run: Run) -> dict[str, Measured | None]:
    losses = all_losses(run)
    floor = _floor(run)
    mse, every = run.header.loss == "mse", bool(run.columns.full_loss_measured.all())
    last = float(losses[-1]) if len(losses) else None
    finite = losses[np.isfinite(losses)]
    rises = int(np.sum(losses[1:] > losses[:-1]))  # of a diverging run up to infinity; NaN is not higher than anything
    return {
        "loss_first": float(run.header.start_loss),
        "loss_after_1": float(losses[1]) if every and len(losses) > 1 else None,
        "loss_last": last,
        "loss_lowest": float(finite.min()) if finite.size else None,
        "loss_best": floor,
        "excess_left": _excess(losses, len(losses) - 1, floor),
        "excess_left_4": _excess(losses, FOUR, floor) if every else None,
        "loss_rises": rises if every else None,
        "error_first": float(np.sqrt(run.header.start_loss)) if mse else None,
        "error_last": float(np.sqrt(last)) if mse and last is not None and np.isfinite(last) else None,
        "outcome": None if run.summary is None else run.summary.outcome.value,
        "ended": _ended(losses),
        "first_not_finite": run.columns.first_not_finite,
    }


def _ended(losses: Floats) -> str:
    """Where the last loss that is a number lies, beside the first."""
    numbers = losses[~np.isnan(losses)]
    if not len(numbers):
        return "no number"
    first, last = float(losses[0]), float(numbers[-1])
    return "lower" if last < first else "higher" if last > first else "the same" if last == first else "no number"


def all_losses(run: Run) -> Floats:
    """Loss over all rows before the first step and wherever it was measured after one."""
    measured = run.columns.full_loss[run.columns.full_loss_measured]
    return np.concatenate(([run.header.start_loss], measured))


def _floor(run: Run) -> float | None:
    """The lowest loss there is, where it is known."""
    if run.moments is not None:
        return float(run.moments.optimum_loss)
    return None if run.header.formula is None else formula(run.header.formula).floor


def _excess(losses: Floats, after: int, floor: float | None) -> Share | None:
    """The share of the excess at the start that was left after some measurements of the loss."""
    if floor is None or not 0 < after < len(losses) or not losses[0] > floor or not np.isfinite(losses[after]):
        return None
    return Share(float(max(losses[after] - floor, 0.0) / (losses[0] - floor)))


def _made_with(run: Run) -> dict[str, Measured | None]:
    header, summary, rates = run.header, run.summary, run.columns.learning_rate
    plain = header.plain_descent and header.full_batch
    found: dict[str, Measured | None] = {
        "steps": len(run),
        "rows": header.rows,
        "batch": header.batch_size,
        "loss": header.loss,
        "optimizer": optimizer_words(run),
    }
    if len(run):
        found |= {
            "rate": Rate(float(rates[0])),
            "rate_largest": Rate(float(rates.max())),
            "rate_changes": int(np.count_nonzero(np.diff(rates))),
            "rates": rates_words(run),
        }
    if summary is None:
        return found
    found |= {
        "limit": _rate(summary.stability_limit),
        "share_of_limit": None if summary.share_of_limit is None else Share(summary.share_of_limit),
        "sharpness": summary.sharpness,
        "flattest": summary.flattest,
        "condition": summary.condition_number,
        "crossing_rate": _rate(1 / summary.sharpness) if plain and summary.sharpness and run.moments else None,
    }
    return found


def _rate(value: float | None) -> Rate | None:
    return None if value is None else Rate(float(value))


def _first_and_last_step(run: Run) -> dict[str, Measured | None]:
    columns, path = run.columns, run.trajectory
    if not len(run):
        return {}
    with np.errstate(all="ignore"):  # of a diverging run; what is not finite is left out below
        slopes = np.linalg.norm(columns.gradient[[0, -1]], axis=1)
        steps = np.linalg.norm(np.diff(path, axis=0), axis=1)
        whole = float(steps.sum())
        promised, came = -float(columns.first_order_change[0]), -float(columns.real_change[0])
    found: dict[str, Measured | None] = {
        "promised_first": promised,
        "came_first": came,
        "came_share_first": Share(came / promised) if promised > 0 and np.isfinite(came) else None,
        "angle_first": _angle(run),
        "slope_length_first": float(slopes[0]),
        "slope_length_last": float(slopes[1]) if np.isfinite(slopes[1]) else None,
        "step_length_first": float(steps[0]),
        "step_length_last": float(steps[-1]) if np.isfinite(steps[-1]) else None,
        "way_first_5": Share(float(steps[:FIVE].sum()) / whole) if np.isfinite(whole) and whole > 0 else None,
    }
    for name, place in (("reach_first", 0), ("reach_last", -1)):
        found[name] = Reach(float(columns.reach[place])) if columns.reach_measured[place] else None
    return found


def _parameters(run: Run) -> dict[str, Measured | None]:
    found: dict[str, Measured | None] = {}
    best = _lowest_point(run)
    path, slopes = run.trajectory, run.columns.gradient
    for place, name in enumerate(run.header.parameter_names):
        values = path[:, place]
        found[f"{name}_start"], found[f"{name}_end"] = float(values[0]), float(values[-1])
        for step, word in ((1, "first_step"), (2, "second_step")):
            found[f"{name}_{word}"] = float(values[step]) if len(values) > step else None
        if len(run):
            slope = float(slopes[0, place])
            found[f"{name}_slope"], found[f"{name}_minus_slope"] = slope, -slope
            found[f"{name}_slope_end"] = float(slopes[-1, place])
            found[f"{name}_move"] = float(values[1] - values[0])
        if best is not None:
            found.update(_beside_best(name, values, float(best[place])))
    return found


def _lowest_point(run: Run) -> Floats | None:
    """[P] where it is known and there is one."""
    if run.header.formula is not None:
        return formula(run.header.formula).optimum
    exact = run.moments is not None and run.summary is not None and run.summary.exact is not None
    return run.moments.optimum if exact and run.moments is not None else None


def _angle(run: Run) -> float | None:
    """Degrees between the first step and the straight way to the lowest point; of one parameter there is none."""
    best, path = _lowest_point(run), run.trajectory
    if best is None or len(best) < 2 or not np.isfinite(path[1]).all():
        return None
    step, way = path[1] - path[0], best - path[0]
    length = float(np.linalg.norm(step) * np.linalg.norm(way))
    return None if length == 0 else float(np.degrees(np.arccos(np.clip(step @ way / length, -1.0, 1.0))))


def _beside_best(name: str, values: Floats, best: float) -> dict[str, Measured | None]:
    with np.errstate(invalid="ignore"):
        sides = np.sign(values - best)
    sides = sides[np.isfinite(sides) & (np.abs(values - best) > CURVED * max(1.0, abs(best)))]
    return {
        f"{name}_best": best,
        f"{name}_away_start": float(abs(values[0] - best)),
        f"{name}_away": float(abs(values[-1] - best)),
        f"{name}_crossings": int(np.sum(sides[1:] != sides[:-1])),
    }


def _row(run: Run) -> dict[str, Measured | None]:
    """The table's last row, of a neuron with one feature that is no logistic one."""
    sample, header = run.sample, run.header
    if sample is None or not sample.complete or len(header.features) != 1 or header.loss == "bce" or not len(run):
        return {}
    x, y = float(sample.features[-1, 0]), float(sample.target[-1])
    shift, scale = header.scaling.shift[0], header.scaling.scale[0]
    first, last = (float(place[0] * x + place[1]) for place in (run.trajectory[0], run.trajectory[-1]))
    return {
        "row_x": x * scale + shift,
        "row_y": y,
        "row_prediction_first": first,
        "row_prediction_last": last,
        "row_error_first": first - y,
        "row_squared_first": (first - y) ** 2,
        "row_error_last": last - y,
    }


def _minimum(run: Run) -> dict[str, Measured | None]:
    """In which known minimum it ended, and whether the ground there curves down somewhere; of formulas."""
    if run.header.formula is None or not np.isfinite(run.trajectory[-1]).all():
        return {}
    surface, end = formula(run.header.formula), run.trajectory[-1]
    found: dict[str, Measured | None] = {"curvature_least_end": float(np.linalg.eigvalsh(surface.hessian(end))[0])}
    if not surface.minima:
        return found
    away = [float(np.linalg.norm(end - minimum)) for minimum in surface.minima]
    nearest = surface.minima[int(np.argmin(away))]
    side = surface.square[1] - surface.square[0] if surface.square is not None else None
    size = side if side is not None else max(1.0, float(np.linalg.norm(run.trajectory[0] - nearest)))
    inside = min(away) <= NEAR * size
    found |= {"minima": len(surface.minima), "in_minimum": "yes" if inside else "no"}
    if inside:
        found |= {
            f"{name}_minimum": float(value) for name, value in zip(run.header.parameter_names, nearest, strict=True)
        }
    return found


def _swept(sweep: SweepResult) -> dict[str, Measured | None]:
    spans = {span.name.value: span for span in sweep.zones}
    right, diverging = spans.get("just right"), spans.get("diverging")
    reached = [steps for steps in sweep.steps_to_goal if steps is not None]
    limit = next((mark for mark in sweep.landmarks if mark.name == "stability limit"), None)
    return {
        "goal_loss": float(sweep.floor + (1 - sweep.goal) * (sweep.start_loss - sweep.floor)),
        "fewest_steps_to_goal": min(reached) if reached else None,
        "just_right_low": None if right is None else Rate(right.low),
        "just_right_high": None if right is None else Rate(right.high),
        "diverging_low": None if diverging is None else Rate(diverging.low),
        "recommended": None if sweep.recommended is None else Rate(sweep.recommended.value),
        "limit_measured": _rate(None if limit is None else limit.measured),
    }


def _placed(place: Beside) -> dict[str, Measured | None]:
    crosses = place.crosses_valley
    return {
        "zone": place.zone.value,
        "steps_to_goal": place.steps_to_goal,
        "crosses": None if crosses is None else "yes" if crosses else "no",
    }
