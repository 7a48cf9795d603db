"""A neuron's loop (150 µs a step, full batch of 100, SGD) watched by ``fl.watch``, every step recorded, no closure."""

import torch
from benchmarks._harness import Bar, main
from benchmarks._loops import cost, neuron

STEPS = 5_000
PAIRS = 11


def measure() -> list[Bar]:
    """On one thread."""
    torch.set_num_threads(1)
    return [cost(neuron(), STEPS, PAIRS).bar(f"fl.watch, neuron, {STEPS:,} steps / bare loop", 1.35)]


if __name__ == "__main__":
    main(measure)
