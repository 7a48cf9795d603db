"""``fl.fit(engine="moments")`` on ten million rows in memory, 200 epochs in full batch, against the plain loop.

Everything is inside the figure: the pass over the rows with its checks, 200 steps with a record of each, the summary.
The plain loop is measured for a few epochs, which all cost the same, and scaled to 200.
"""

import numpy as np
import torch
from benchmarks._harness import Bar, alternate, main
from benchmarks._large_table import EPOCHS, LEARNING_RATE, START, large_table, plain_loop
from benchmarks._one_thread import on_one_thread

import fallline as fl

MEASURED_EPOCHS = 5
PAIRS = 9


def measure() -> list[Bar]:
    """The same start, the same rate, the same steps."""
    torch.set_num_threads(1)
    features, target = large_table()
    tensors = torch.from_numpy(features), torch.from_numpy(target).unsqueeze(1)

    def by_moments(epochs: int = EPOCHS) -> fl.Run:
        return fl.fit(
            (features, target),
            engine="moments",
            epochs=epochs,
            learning_rate=LEARNING_RATE,
            standardise=False,
            start=START,
        )

    learned = by_moments(MEASURED_EPOCHS).columns.parameters[-1]
    if not np.allclose(learned, plain_loop(*tensors, MEASURED_EPOCHS), rtol=1e-3):
        raise RuntimeError("the two do not learn the same, so their times say nothing")
    ratio = alternate(lambda: plain_loop(*tensors, MEASURED_EPOCHS), by_moments, PAIRS, warm_up=1)
    scale = EPOCHS / MEASURED_EPOCHS
    name = "plain loop / engine moments, 200 epochs, 10,000,000 × 8 in memory"
    return [Bar(name, scale * ratio.median, 80, "×", "higher", low=scale * ratio.low, high=scale * ratio.high)]


if __name__ == "__main__":
    on_one_thread()
    main(measure)
