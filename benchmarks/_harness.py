"""Measuring by ratio, so that a figure means the same on a slow machine as on a fast one.

Two ways of doing a thing take turns, the order swapped from pair to pair, and the ratio is taken within each
pair: a machine that slows down for a second slows both. The figure is the median ratio; the smallest and the
largest are printed with it.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Literal


@dataclass(frozen=True)
class Bar:
    """One measured figure beside the figure it has to reach."""

    name: str
    measured: float
    limit: float | None
    """None for one that is printed beside others, and has nothing to reach."""
    unit: str
    better: Literal["lower", "higher"] = "lower"
    low: float | None = None
    """Smallest single measurement, None where there was only one."""
    high: float | None = None

    @property
    def met(self) -> bool:
        """A figure that is not a number meets nothing."""
        if self.limit is None:
            return True
        return self.measured <= self.limit if self.better == "lower" else self.measured >= self.limit


@dataclass(frozen=True)
class Ratio:
    """Time of ``a`` over time of ``b``, pair by pair."""

    median: float
    low: float
    high: float
    pairs: int
    seconds_a: float
    """Median seconds of one ``a``."""
    seconds_b: float

    def bar(self, name: str, limit: float) -> Bar:
        """This ratio beside its limit."""
        return Bar(name, self.median, limit, "×", low=self.low, high=self.high)


def alternate(a: Callable[[], object], b: Callable[[], object], pairs: int, warm_up: int = 2) -> Ratio:
    """Time ``a`` against ``b`` in this process, in turns, after ``warm_up`` untimed turns of each."""
    for _ in range(warm_up):
        a()
        b()
    first: list[float] = []
    second: list[float] = []
    for pair in range(pairs):
        turns = [(a, first), (b, second)]
        for call, seconds in turns if pair % 2 == 0 else reversed(turns):
            start = time.perf_counter()
            call()
            seconds.append(time.perf_counter() - start)
    ratios = [one / other for one, other in zip(first, second, strict=True)]
    return Ratio(median(ratios), min(ratios), max(ratios), pairs, median(first), median(second))


def paired_processes(
    command_a: Sequence[str], command_b: Sequence[str], pairs: int, folder: Path | None = None
) -> Ratio:
    """Time two commands as whole processes, in turns, in ``folder``. One that fails stops the benchmark."""
    return alternate(lambda: run_process(command_a, folder), lambda: run_process(command_b, folder), pairs, warm_up=1)


def run_process(command: Sequence[str], folder: Path | None = None) -> None:
    """Run a command to its end, its output thrown away; raise with its own words where it fails."""
    done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} ended with status {done.returncode}:\n{done.stderr}")


def table(bars: Sequence[Bar]) -> str:
    """The figures beside their bars, one a line."""
    width = max(len(bar.name) for bar in bars)
    lines = [f"{'':<{width}}  {'measured':>10}  {'spread':>15}  {'bar':>10}"]
    for bar in bars:
        spread = "" if bar.low is None or bar.high is None else f"{bar.low:.3g} to {bar.high:.3g}"
        limit = "" if bar.limit is None else f"{'≤' if bar.better == 'lower' else '≥'} {bar.limit:g} {bar.unit}"
        measured = f"{bar.measured:.3g} {bar.unit}"
        verdict = "" if bar.limit is None else "ok" if bar.met else "FALLS SHORT"
        lines.append(f"{bar.name:<{width}}  {measured:>10}  {spread:>15}  {limit:>10}  {verdict}")
    return "\n".join(lines)


def main(measure: Callable[[], list[Bar]]) -> None:
    """Run one benchmark as a program: a table, or with ``--json`` its bars; status 1 where one fails."""
    parser = argparse.ArgumentParser(description=sys.modules[measure.__module__].__doc__)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    arguments = parser.parse_args()
    bars = measure()
    print(json.dumps([asdict(bar) for bar in bars]) if arguments.json else table(bars))
    sys.exit(not all(bar.met for bar in bars))
