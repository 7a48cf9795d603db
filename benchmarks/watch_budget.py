"""The MLP's and the CNN's loop watched with a closure and ``budget=0.02``: what 2 % of the time buys is measured."""

import torch
from benchmarks._harness import Bar, main
from benchmarks._loops import cnn, cost, mlp

PAIRS = 11


def measure() -> list[Bar]:
    """On one thread."""
    torch.set_num_threads(1)
    small = cost(mlp(), 1_500, PAIRS, closure=True, budget=0.02)
    large = cost(cnn(), 100, PAIRS, closure=True, budget=0.02)
    return [
        small.bar("fl.watch, MLP, closure, budget 2 % / bare loop", 1.04),
        large.bar("fl.watch, CNN, closure, budget 2 % / bare loop", 1.04),
    ]


if __name__ == "__main__":
    main(measure)
