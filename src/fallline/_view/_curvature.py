"""What the page of a curvature is given: that of an answered question, with eigenvalues as bars, limits as gauges."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from fallline import _explain as explain
from fallline._curvature import provable_limit
from fallline._records import (
    Curvature,
    CurvatureSlice,
    Curves,
    Facts,
    Floats,
    LimitKind,
    Mark,
    Role,
    Series,
    Sharpness,
    Spectrum,
    Trace,
)
from fallline._view._answer import SCHEMA, curves_of, facts_of
from fallline._view._typeset import typeset

MOST_TENSORS = 12
"""Of a direction's shares; the others are named together."""
FAMILY: tuple[tuple[str, dict[str, object]], ...] = (
    ("SGD", {}),
    ("SGD, momentum 0.9", {"momentum": 0.9}),
    ("SGD, Nesterov's momentum 0.9", {"momentum": 0.9, "nesterov": True}),
)
"""Optimizers whose limit follows from the sharpness alone."""


def build_curvature_payload(found: Curvature) -> dict[str, Any]:
    """The payload; NaN and ±inf are floats here, ``to_json`` writes them as strings."""
    lead, *rest = explain.sharpness_sentences(found.sharpness)
    sections = [
        _section("Both ends of the spectrum", explain.spectrum_sentences(found.spectrum), [_bars(found)]),
        _section("Along two of the directions", _slice_words(found), _slices(found)),
        _section("What learning rates it allows", rest, [*_gauges(found), _family(found)]),
        _section("Where the sharpest direction lies", _lies(found), _tensors(found)),
        _section("The sum of all eigenvalues", explain.trace_sentences(found.trace, found.parameters), []),
        _section("How well each number is known", _known_words(found), [_known(found)]),
    ]
    return {
        "schema": SCHEMA,
        "title": f"How the loss of {found.name} curves",
        "kicker": "fallline curvature",
        "question": "curvature",
        "problem": found.name,
        "summary": typeset(f"{_about(found)} {lead}"),
        "sections": [section for section in sections if section["paragraphs"] or section["exhibits"]],
    }


def _section(heading: str, sentences: Sequence[str], exhibits: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {"heading": heading, "paragraphs": [typeset(each) for each in sentences], "exhibits": list(exhibits)}


def _about(found: Curvature) -> str:
    size = explain.count(found.parameters, "parameter")
    rows = "" if found.rows is None else f" over {explain.count(found.rows, 'row')}"
    return f"{size}{rows}, loss {explain.number(found.loss)}."


def _bars(found: Curvature) -> dict[str, Any]:
    """The largest falling, then the smallest rising to nothing in between."""
    ends = found.spectrum
    rows = explain.spectrum_rows(ends)[1:]
    whole = 2 * len(ends.largest) >= found.parameters
    upper = [_bar(f"{row[0]} largest", row[1], value, error)
             for row, value, error in zip(rows, ends.largest, ends.errors_largest, strict=True)]  # fmt: skip
    lower = [_bar(f"{row[2]} smallest", row[3], value, error)
             for row, value, error in zip(rows, ends.smallest, ends.errors_smallest, strict=True)]  # fmt: skip
    between = found.parameters - 2 * len(ends.largest)
    gap = f"{explain.count(between, 'eigenvalue')} in between: not measured"
    return {
        "kind": "bars",
        "title": f"The largest and the smallest of {explain.count(found.parameters, 'eigenvalue')}",
        "columns": ["", "curvature"],
        "rows": upper
        if whole and len(upper) == found.parameters
        else [*upper, {"gap": gap}, *reversed(lower)]
        if between > 0
        else [*upper, *reversed(lower)],
        "caption": "Solid bars curve upwards, hatched ones downwards; a faint one is 0 within its error. The thin line "
        "at a bar's end is its error.",
        "end": None,
    }


def _bar(name: str, text: str, value: float, error: float) -> dict[str, Any]:
    kind = "none" if abs(value) <= error else "up" if value > 0 else "down"
    return {"name": name, "text": text, "value": float(value), "error": float(error), "kind": kind}


def _slice_words(found: Curvature) -> list[str]:
    if not found.slices:
        return []
    return [
        "The loss was measured along the direction that curves most, and along the one with the smallest eigenvalue, "
        "equally far to both sides of where the parameters stand. The dotted lines are the parabolas that slope and "
        "eigenvalue there make of it: how far they hold is how far everything on this page does."
    ]


def _slices(found: Curvature) -> list[dict[str, Any]]:
    if not found.slices:
        return []
    series = []
    for each in found.slices:
        parabola = found.loss + each.slope * each.at + each.eigenvalue / 2 * each.at**2
        label = "the sharpest direction" if each.name == "sharpest" else "the smallest eigenvalue's"
        series.append(Series(label, each.at, _within(found, each), Role.MAIN))
        series.append(Series(f"{label}: its parabola", each.at, _cut(found, parabola), Role.THEORY))
    return [
        curves_of(
            Curves(
                "The loss along two eigenvectors",
                tuple(series),
                "how far from the parameters",
                "loss",
                marks=(Mark("here", 0.0, "x"),),
                caption="Measured (solid), and the parabola of this place (dotted).",
            )
        )
    ]


def _within(found: Curvature, each: CurvatureSlice) -> Floats:
    return _cut(found, each.loss)


def _cut(found: Curvature, values: Floats) -> Floats:
    """What lies far outside of the losses of the sharpest direction is left out: it would flatten all else."""
    sharpest = found.slices[0].loss
    finite = sharpest[np.isfinite(sharpest)]
    if not finite.size:
        return values
    span = float(np.ptp(finite)) or 1.0
    inside = (values >= float(finite.min()) - span) & (values <= float(finite.max()) + span)
    return np.where(inside, values, np.nan)


def _gauges(found: Curvature) -> list[dict[str, Any]]:
    """For each optimizer its rate beside its limit."""
    if not found.limits:
        return []
    return [
        {
            "kind": "gauges",
            "title": "Share of the limit",
            "rows": [
                {
                    "name": f"{each.optimizer} at {explain.short(each.learning_rate)}",
                    "share": each.share,
                    "value": each.learning_rate,
                    "limit": each.limit.value,
                    "faded": each.limit.kind is LimitKind.FROZEN,
                    "words": typeset(" ".join(explain.limit_sentences(each.limit, each.learning_rate, each.optimizer))),
                }
                for each in found.limits
            ],
        }
    ]


def _family(found: Curvature) -> dict[str, Any]:
    """The limits that follow from the sharpness alone, each with what its error makes of it."""
    sharp = found.sharpness
    rows = []
    for name, options in FAMILY:
        limit = provable_limit("SGD", options, sharp.value)
        least = provable_limit("SGD", options, sharp.value + sharp.error)
        if limit is None or least is None:
            continue
        lower = (limit.value - least.value) / limit.value
        known = "to rounding" if lower < explain.ROUNDING_SHARE else f"at most {explain.percent(lower)} lower"
        rows.append((name, explain.number(limit.value), known))
    return facts_of(
        Facts(
            "The largest stable learning rate, full batch, on the parabola of this place",
            ("optimizer", "limit", "the true one is"),
            tuple(rows),
            (False, True, False),
        )
    )


def _lies(found: Curvature) -> list[str]:
    named = [(name, share) for name, share in found.shares if share > 0]
    if len(named) < 2:
        return []
    most = sorted(named, key=lambda pair: -pair[1])[0]
    return [f"{explain.percent(most[1])} of its squared length lies in {most[0]}."]


def _tensors(found: Curvature) -> list[dict[str, Any]]:
    if len(found.shares) < 2:
        return []
    ordered = sorted(found.shares, key=lambda pair: -pair[1])
    shown = ordered[:MOST_TENSORS]
    rest = sum(share for _, share in ordered[MOST_TENSORS:])
    rows = [_bar(name, explain.percent(share), share, 0.0) for name, share in shown]
    if len(ordered) > MOST_TENSORS:
        rows.append(_bar(f"{len(ordered) - MOST_TENSORS} others", explain.percent(rest), rest, 0.0))
    return [
        {
            "kind": "bars",
            "title": "Which tensors the sharpest direction moves",
            "columns": ["tensor", "share"],
            "rows": rows,
            "caption": "Shares of its squared length.",
            "end": 1.0,
        }
    ]


def _known_words(found: Curvature) -> list[str]:
    products = explain.count(found.products, "Hessian-vector product")
    sampled = found.trace.error_kind == "standard error"
    kind = "a standard error: it holds two times out of three" if sampled else "rounding"
    return [
        f"All of it took {products}. The trace's error is {kind}.",
        *found.notes,
    ]


def _known(found: Curvature) -> dict[str, Any]:
    sharp, ends, total = found.sharpness, found.spectrum, found.trace
    worst = max(float(ends.errors_largest.max()), float(ends.errors_smallest.max()))
    shown = f"{len(ends.largest)} + {len(ends.smallest)}"
    rows = [
        _row("sharpness", explain.number(sharp.value), explain.number(sharp.error, 2), sharp),
        _row("spectrum", shown, f"{explain.number(worst, 2)} at most", ends),
        _row("trace", explain.number(total.value), explain.number(total.error, 2), total),
    ]
    for each in found.limits:
        sharpness = each.limit.sharpness
        rows.append(
            (
                f"limit of {each.optimizer}",
                "none" if each.limit.value is None else explain.number(each.limit.value),
                "" if sharpness is None else f"{explain.percent(sharpness.relative_error)} lower at most",
                "" if sharpness is None else f"{sharpness.products:,}",
                "" if sharpness is None else _reached(sharpness.converged),
            )
        )
    return facts_of(
        Facts(
            "Values, errors, products",
            ("what", "value", "error", "products", "error asked for"),
            tuple(rows),
            (False, True, True, True, False),
        )
    )


def _row(name: str, value: str, error: str, found: Sharpness | Spectrum | Trace) -> tuple[str, ...]:
    return name, value, error, f"{found.products:,}", _reached(found.converged)


def _reached(converged: bool) -> str:
    return "reached" if converged else "not reached"
