"""For comparison: TensorBoard's ``add_scalar`` of three numbers a step in the same loops; nothing to reach."""

import importlib.util
import tempfile
from functools import partial

import torch
from benchmarks._harness import Bar, Ratio, alternate, main
from benchmarks._loops import Problem, Training, cnn, mlp, neuron

PAIRS = 7


def tensorboard_cost(problem: Problem, steps: int) -> Ratio:
    """Time of ``steps`` steps with three scalars each over that of as many bare ones; each chunk ends with a flush."""
    from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415  (it is not needed to run fallline)

    bare, written = Training(problem), Training(problem)
    with tempfile.TemporaryDirectory() as folder, SummaryWriter(folder) as writer:
        return alternate(partial(written.run_written, writer, steps), partial(bare.run, steps), PAIRS)


def measure() -> list[Bar]:
    """On one thread."""
    torch.set_num_threads(1)
    if importlib.util.find_spec("tensorboard") is None:
        return [Bar("TensorBoard is not installed: not compared", 0.0, None, "×")]
    loops = {"neuron": (neuron(), 3_000), "MLP": (mlp(), 1_000), "CNN": (cnn(), 60)}
    ratios = {name: tensorboard_cost(problem, steps) for name, (problem, steps) in loops.items()}
    return [
        Bar(
            f"for comparison: TensorBoard, 3 numbers a step, {name}",
            each.median,
            None,
            "×",
            low=each.low,
            high=each.high,
        )
        for name, each in ratios.items()
    ]


if __name__ == "__main__":
    main(measure)
