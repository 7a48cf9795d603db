"""A comparison on the screen: two tables, the loss curves together, the verdict."""

import json
from collections.abc import Sequence
from pathlib import Path
from textwrap import wrap

import numpy as np

from fallline._cli._plot import Series, line_plot
from fallline._cli._screen import Screen
from fallline._columns import aligned
from fallline._explain import (
    basin_rows,
    basin_sentences,
    best_rows,
    common_rows,
    comparison_numbers,
    setting_sentences,
    short,
    verdict_at_best,
    verdict_at_common,
)
from fallline._records import BasinMap, Basins, Comparison
from fallline._store import plain

PLOT_WIDTH = 100
MARKERS = "●○■□▲△◆◇▼▽★☆"
LETTERS = "abcdefghijkl"
MAP_COLUMNS, MAP_ROWS = 25, 13
"""A basin map on the screen: every so-manieth start, twice as many across as up, as characters are tall."""
LOWEST, OTHER, NOWHERE = "●", "○", "·"
LEAST_EXCESS = 1e-12
"""Of the starting excess: what lies below would only stretch the plot."""


def as_json(comparison: Comparison, page: Path | None) -> str:
    """The result for programs; docs/json.md."""
    told = {**comparison_numbers(comparison), "report": None if page is None else str(page)}
    return json.dumps(plain(told), indent=2, allow_nan=False, ensure_ascii=False)


def show_comparison(screen: Screen, comparison: Comparison, page: Path | None) -> None:
    """The whole story: the answer first, then the numbers it rests on, then how they were made."""
    about, *how = setting_sentences(comparison)
    screen.paragraph(about)
    screen.say("")
    for sentence in verdict_at_best(comparison):
        screen.paragraph(sentence)
    over = "" if len(comparison.seeds) == 1 else ", over the seeds: median (lowest–highest)"
    screen.say("", *screen.wrapped(f"Each at its own best rate{over}"))
    screen.say(*table(best_rows(comparison), screen.width), "")
    picture = curves(comparison, min(screen.width, PLOT_WIDTH))
    screen.say(*picture, *([""] if picture else []))
    at = f"All at the common rate {short(comparison.common_rate)}: {comparison.common_reason}"
    screen.say(*screen.wrapped(at), *table(common_rows(comparison), screen.width), "")
    for sentence in verdict_at_common(comparison):
        screen.paragraph(sentence)
    screen.say("")
    for sentence in how:
        screen.paragraph(sentence)
    if comparison.basins is not None:
        _show_basins(screen, comparison, comparison.basins)
    if page is not None:
        screen.say("", f"report  {page}")


def table(rows: Sequence[Sequence[str]], width: int) -> list[str]:
    """Cells in columns, the first to the left; where they do not fit, one block for each row."""
    lines = aligned(rows, (False, *[True] * (len(rows[0]) - 1)))
    if max(map(len, lines)) <= width:
        return lines
    titles, *others = rows
    longest = max(map(len, titles[1:]))
    lines = []
    for row in others:
        lines += wrap(row[0], width)
        for title, cell in zip(titles[1:], row[1:], strict=True):
            lines += wrap(f"{title:<{longest}}  {cell}".rstrip(), width, initial_indent="  ", subsequent_indent="    ")
    return lines


def curves(comparison: Comparison, width: int) -> list[str]:
    """The excess loss of every optimizer at its own best rate, first seed, over the steps."""
    level = float(comparison.start_losses[0] - comparison.floor)
    steps = comparison.measured_at.astype(np.float64)
    series = []
    for place, index in enumerate(comparison.ranking):
        one = comparison.contenders[index]
        excess = one.best.first_losses - comparison.floor
        excess = np.where(excess < LEAST_EXCESS * level, np.nan, excess)
        seen = np.isfinite(excess) & (steps > 0)
        series.append(Series(one.label, MARKERS[place], steps[seen], excess[seen], LETTERS[place]))
    return line_plot(
        series,
        width=width,
        height=14,
        log_x=True,
        log_y=True,
        x_title="step",
        y_title="excess loss, each at its own best rate, first seed",
        y_high=3 * level,
        y_low=level * (1 - comparison.goal) / 100,
    )


def _show_basins(screen: Screen, comparison: Comparison, basins: Basins) -> None:
    screen.say("")
    for sentence in basin_sentences(comparison):
        screen.paragraph(sentence)
    screen.say(*table(basin_rows(comparison), screen.width), "")
    drawn = [one for one in basins.maps if one.ends_in is not None]
    few = len(basins.minima) <= len(LETTERS)
    across = max(1, (screen.width + 2) // (MAP_COLUMNS + 2))
    for low in range(0, len(drawn), across):
        pictures = [
            [f"{_label(comparison, one):<{MAP_COLUMNS}}", *_map(basins, one, few)] for one in drawn[low : low + across]
        ]
        screen.say(*("  ".join(parts).rstrip() for parts in zip(*pictures, strict=True)), "")
    names = comparison.parameter_names
    key = "a letter for each minimum of the table above" if few else f"{LOWEST} the lowest minimum, {OTHER} another one"
    screen.paragraph(
        f"Each character is a start ({names[0]} to the right, {names[1]} up): {key}, {NOWHERE} in none of these."
    )


def _label(comparison: Comparison, one: BasinMap) -> str:
    return comparison.contenders[one.contender].label[:MAP_COLUMNS]


def _map(basins: Basins, one: BasinMap, few: bool) -> list[str]:
    """One map as lines of characters, the second parameter upward."""
    if one.ends_in is None or one.settled is None:
        return []
    rows = np.linspace(len(basins.second_axis) - 1, 0, MAP_ROWS).round().astype(int)
    columns = np.linspace(0, len(basins.first_axis) - 1, MAP_COLUMNS).round().astype(int)
    return [
        "".join(_sign(basins, int(one.ends_in[v, u]), few) if one.settled[v, u] else NOWHERE for u in columns)
        for v in rows
    ]


def _sign(basins: Basins, minimum: int, few: bool) -> str:
    if few:
        return LETTERS[minimum]
    return LOWEST if basins.is_global[minimum] else OTHER
