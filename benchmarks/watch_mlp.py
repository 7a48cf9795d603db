"""A small network's loop (64-128-128-10, batch 128, Adam, 0.7 ms a step) watched, every step recorded, no closure."""

import torch
from benchmarks._harness import Bar, main
from benchmarks._loops import cost, mlp

STEPS = 1_500
PAIRS = 11


def measure() -> list[Bar]:
    """On one thread."""
    torch.set_num_threads(1)
    return [cost(mlp(), STEPS, PAIRS).bar(f"fl.watch, MLP, {STEPS:,} steps / bare loop", 1.10)]


if __name__ == "__main__":
    main(measure)
