"""benchmarks/_harness.py: a figure that falls short is seen, and two ways really take turns."""

import math
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Literal

import pytest

Load = Callable[[str], ModuleType]


@pytest.fixture
def harness(program: Load) -> ModuleType:
    return program("benchmarks/_harness.py")


@pytest.mark.parametrize(
    ("measured", "better", "met"),
    [
        (1.0, "lower", True),
        (1.5, "lower", True),
        (1.6, "lower", False),
        (1.6, "higher", True),
        (1.4, "higher", False),
        (math.nan, "lower", False),
        (math.nan, "higher", False),
    ],
)
def test_a_bar_is_met_or_not(
    harness: ModuleType, measured: float, better: Literal["lower", "higher"], met: bool
) -> None:
    bar = harness.Bar("a figure", measured, 1.5, "×", better)
    assert bar.met is met
    assert harness.table([bar]).endswith("ok" if met else "FALLS SHORT")


def test_the_order_is_swapped_from_pair_to_pair(harness: ModuleType) -> None:
    turns: list[str] = []
    ratio = harness.alternate(lambda: turns.append("a"), lambda: turns.append("b"), pairs=3, warm_up=1)
    assert "".join(turns) == "ab" + "ab" + "ba" + "ab"
    assert ratio.low <= ratio.median <= ratio.high


def test_the_ratio_is_of_a_over_b(harness: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(harness.time, "perf_counter", lambda: clock[0])

    def lasting(seconds: float) -> Callable[[], None]:
        return lambda: clock.__setitem__(0, clock[0] + seconds)

    ratio = harness.alternate(lasting(3.0), lasting(2.0), pairs=4)
    assert (ratio.median, ratio.seconds_a, ratio.seconds_b) == (1.5, 3.0, 2.0)


def test_a_command_that_fails_stops_the_benchmark(harness: ModuleType) -> None:
    with pytest.raises(RuntimeError, match="status 3:\nno such table"):
        harness.run_process([sys.executable, "-c", "import sys; sys.stderr.write('no such table'); sys.exit(3)"])
