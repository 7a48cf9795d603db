"""A recording of a million steps: opened anew, one column read; and how large its file is."""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
from benchmarks._harness import Bar, main

from fallline._records import (
    GroupInfo,
    Instruments,
    LayerInfo,
    ParameterInfo,
    RecordingHeader,
    StepSeries,
    Surroundings,
)
from fallline._store import RecordingWriter, read_recording, read_series

STEPS = 1_000_000
ROWS_A_COMMIT = 1_500
"""As many as a loop of 170 µs a step makes in a quarter of a second."""
TURNS = 9
READ = """
import json, sys, time
from fallline._store import read_series
start = time.perf_counter()
column = read_series(sys.argv[1], "loss")
print(json.dumps([time.perf_counter() - start, len(column.values), float(column.values[-1])]))
"""


def header() -> RecordingHeader:
    """One optimizer, one group, one layer."""
    return RecordingHeader(
        name="million",
        model="Linear",
        optimizers=("SGD",),
        groups=(GroupInfo(0, {"lr": 0.01}, 2),),
        layers=(LayerInfo("layer", "Linear", 2),),
        parameters=(ParameterInfo("layer.weight", (2,), "float32", 0, 0, 0),),
        surroundings=Surroundings({}, (), "", None, {}, "cpu", 1, deterministic=False),
        instruments=Instruments(None, None, 0, 0, 0, 0),
        started="2026-01-01T00:00:00+00:00",
    )


def rows(first: int, count: int, rng: np.random.Generator) -> StepSeries:
    """What a loop in float32 leaves behind: its loss is a float32, the norms and the clock are not."""
    narrow = (count, 1)
    return StepSeries(
        step=np.arange(first, first + count),
        seconds=1.7e-4 * np.arange(first, first + count) + 1e-6 * rng.random(count),
        loss=rng.random(count, dtype=np.float32).astype(np.float64),
        loss_measured=np.ones(count, np.bool_),
        learning_rate=np.full(narrow, 0.01),
        updates=np.ones(narrow, np.int64),
        gradient_norm=rng.random(narrow),
        update_norm=rng.random(narrow),
        parameter_norm=rng.random(narrow),
        first_order_change=-rng.random(narrow),
        measured=np.ones(narrow, np.bool_),
    )


def record(path: Path) -> float:
    """Write the recording, killed before its end as it were; the last loss."""
    rng = np.random.default_rng(0)
    last = 0.0
    with RecordingWriter.create(path, header()) as writer:
        for first in range(0, STEPS, ROWS_A_COMMIT):
            block = rows(first, min(ROWS_A_COMMIT, STEPS - first), rng)
            writer.append(block)
            writer.commit()
            last = float(block.loss[-1])
    return last


def in_a_fresh_process(path: Path) -> tuple[float, int, float]:
    """Seconds, rows and the last number of the column, read by a process that has read nothing before."""
    done = subprocess.run([sys.executable, "-c", READ, str(path)], capture_output=True, text=True, check=True)
    seconds, count, last = json.loads(done.stdout)
    return seconds, count, last


def measure() -> list[Bar]:
    """Seconds to open the file and read one column, by fresh processes; megabytes of the file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "million.db"
        last = record(path)
        found = [in_a_fresh_process(path) for _ in range(TURNS)]
        if any(result[1:] != (STEPS, last) for result in found):
            raise RuntimeError("the column read is not the column written")
        seconds = [result[0] for result in found]
        start = time.perf_counter()
        whole = read_recording(path)
        whole_seconds = time.perf_counter() - start
        if len(whole) != STEPS or not np.array_equal(whole.steps.loss, read_series(path, "loss").values):
            raise RuntimeError("the recording read is not the one written")
        megabytes = path.stat().st_size / 1e6
    return [
        Bar(
            "a million recorded steps: reopen, one column",
            median(seconds),
            0.2,
            "s",
            low=min(seconds),
            high=max(seconds),
        ),
        Bar("  the whole recording", whole_seconds, None, "s"),
        Bar("  the file", megabytes, None, "MB"),
    ]


if __name__ == "__main__":
    main(measure)
