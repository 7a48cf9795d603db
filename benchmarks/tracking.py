"""Sharpness at 24 points along a run of the MLP: ``fl.track_sharpness`` against a cold start at each of them.

Both to 1 %, its own tolerance; printed beside that are a cold start at its default of 1e-3, and the ratio of products,
of which those with an eighth of the rows count an eighth. The error is against cold starts to 1e-5 in float64.
"""

import torch
from benchmarks._harness import Bar, Ratio, alternate, main
from benchmarks._one_thread import on_one_thread
from benchmarks._whole_digits import path

import fallline as fl
from fallline._curvature._sample import LARGEST_STEP
from fallline._records import Sharpness

POINTS, STEPS, PAIRS = 24, 14, 3
TOLERANCE = 1e-2


def measure() -> list[Bar]:
    """On one thread."""
    torch.set_num_threads(1)
    objective, places = path("MLP", POINTS, STEPS)

    def tracked() -> list[Sharpness]:
        measure = fl.track_sharpness(objective, tolerance=TOLERANCE)
        return [measure(place) for place in places]

    def cold(tolerance: float) -> list[Sharpness]:
        return [fl.sharpness(objective, place, tolerance=tolerance) for place in places]

    truth = [fl.sharpness(objective, place, tolerance=1e-5, dtype=torch.float64).value for place in places]
    worst = max(abs(found.value / true - 1) for found, true in zip(tracked(), truth, strict=True))
    alike = alternate(lambda: cold(TOLERANCE), tracked, PAIRS, warm_up=0)
    default = alternate(lambda: cold(1e-3), tracked, PAIRS, warm_up=0)
    products = _products(cold(TOLERANCE)) / _products(tracked())
    return [
        Bar("tracking, 24 points of an MLP's run: worst error", 100 * worst, 1, "%"),
        _bar(alike, "tracking, 24 points of an MLP's run: cold starts to 1 % / tracked", 2),
        _bar(default, "for comparison: cold starts to 0.1 % / tracked", None),
        Bar("for comparison: products of cold starts to 1 % / tracked", products, None, "×", "higher"),
    ]


def _products(measured: list[Sharpness]) -> float:
    return sum(found.products + found.sample_products / LARGEST_STEP for found in measured)


def _bar(ratio: Ratio, name: str, limit: float | None) -> Bar:
    return Bar(name, ratio.median, limit, "×", "higher", low=ratio.low, high=ratio.high)


if __name__ == "__main__":
    on_one_thread()
    main(measure)
