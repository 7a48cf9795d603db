"""What the page of an answered question is given (docs/payload-comparison.md): its words, its curves thinned."""

from typing import Any

import numpy as np

from fallline._records import Answer, Curves, Facts, Section, Series
from fallline._view._rounding import significant
from fallline._view._thinned import thinned
from fallline._view._typeset import typeset

SCHEMA = "fallline.why-view/1"
_FEW = 60  # points that are all kept: a table shows them


def build_answer_payload(answer: Answer) -> dict[str, Any]:
    """The payload of an answer; NaN and ±inf are floats here, ``to_json`` writes them as strings."""
    return {
        "schema": SCHEMA,
        "title": answer.title,
        "kicker": f"fallline why {answer.question} · {answer.problem}",
        "question": answer.question,
        "problem": answer.problem,
        "summary": typeset(answer.summary),
        "sections": [_section(section) for section in answer.sections],
    }


def _section(section: Section) -> dict[str, Any]:
    return {
        "heading": section.heading,
        "paragraphs": [typeset(" ".join(sentences)) for sentences in section.paragraphs],
        "exhibits": [facts_of(each) if isinstance(each, Facts) else curves_of(each) for each in section.exhibits],
    }


def facts_of(facts: Facts) -> dict[str, Any]:
    """A table of cells that are written already."""
    return {
        "kind": "facts",
        "title": facts.title,
        "caption": typeset(facts.caption),
        "columns": list(facts.columns),
        "cells": [list(row) for row in facts.rows],
        "numeric": list(facts.numeric),
    }


def curves_of(curves: Curves) -> dict[str, Any]:
    """A chart of several lines, thinned."""
    return {
        "kind": "curves",
        "title": curves.title,
        "caption": typeset(curves.caption),
        "x_title": curves.x_title,
        "y_title": curves.y_title,
        "log_x": curves.log_x,
        "log_y": curves.log_y,
        "marks": [{"name": mark.name, "value": float(mark.value), "axis": mark.axis} for mark in curves.marks],
        "series": [_series(series, curves) for series in curves.series],
    }


def _series(series: Series, curves: Curves) -> dict[str, Any]:
    x, y = np.asarray(series.x, dtype=np.float64), np.asarray(series.y, dtype=np.float64)
    kept = np.arange(len(x)) if series.points or len(x) <= _FEW else thinned(x, y, curves.log_x, curves.log_y)
    return {
        "name": series.name,
        "kind": series.role.value,
        "points": series.points,
        "x": significant(x[kept], 9).tolist(),
        "y": significant(y[kept], 9).tolist(),
    }
