"""A convolutional network's loop (60,000 parameters, batch 128, Adam) watched, every step recorded, no closure."""

import torch
from benchmarks._harness import Bar, main
from benchmarks._loops import cnn, cost

STEPS = 100
PAIRS = 11


def measure() -> list[Bar]:
    """On one thread."""
    torch.set_num_threads(1)
    return [cost(cnn(), STEPS, PAIRS).bar(f"fl.watch, CNN, {STEPS} steps / bare loop", 1.03)]


if __name__ == "__main__":
    main(measure)
