"""Recordings written through a scribe by children that are killed at random moments; as ``kill_harness.py``.

``python kill_recordings.py FOLDER KILLS``. The children's threads begin after the fork: this process has none.
"""

import os
import random
from functools import partial
from pathlib import Path

from fallline._recorder import _scribe
from fallline._recorder._scribe import Scribe
from fallline._store import RecordingWriter, _recording_commit
from store import kill_harness
from store import recording_samples as samples

STEPS = 400
MADE = [samples.all_series(first, first + 1) for first in range(STEPS)]
"""All steps a child can need, made once: a child should spend its short life in the store."""


def write_files(folder: Path, pipe: int, seed: int) -> None:
    """Files of up to 400 steps, one after the other, until killed; tells of a flush once it has returned."""
    chance = random.Random(seed)
    _recording_commit.BLOCK_ROWS = chance.choice([8, 4096])
    file = 0
    while True:
        path = folder / f"{file}.db"
        writer = RecordingWriter.create(path, samples.header())
        tell(pipe, file, 0, False)
        while not write_some(pipe, file, writer, chance):
            at = None if chance.random() < 0.5 else chance.randint(0, writer.next_step)
            if at is not None:
                tell(pipe, file, at, False)  # the rows from there on are going to be removed
            writer = RecordingWriter.resume(path, samples.header(), at)
        file += 1


def write_some(pipe: int, file: int, writer: RecordingWriter, chance: random.Random) -> bool:
    """Some steps through one scribe; True where the recording was finished, False where it was only closed."""
    _scribe.COMMIT_SECONDS = chance.choice([0.0, 0.002, 0.25])
    scribe = Scribe(writer, memory=1 << 24, warn=fail)
    step = writer.next_step
    for _ in range(chance.randint(1, 30)):
        stop = min(STEPS, step + chance.randint(1, 5))
        scribe.put(partial(some, step, stop), *samples.logged(step, stop), samples.snapshot(step))
        step = stop
        if chance.random() < 0.4:
            if not scribe.flush():
                fail("a flush was in vain")
            tell(pipe, file, step, False)
    finished = chance.random() < 0.5
    if not (scribe.finish(samples.summary()) if finished else scribe.close()):
        fail("the end was in vain")
    tell(pipe, file, step, finished)
    return finished


def some(first: int, stop: int) -> list[object]:
    return [series for row in MADE[first:stop] for series in row] + [samples.event(first)]


def tell(pipe: int, file: int, steps: int, finished: bool) -> None:
    os.write(pipe, kill_harness.NOTE.pack(file, steps, finished))


def fail(said: str) -> None:
    os.write(2, said.encode())
    os._exit(1)


if __name__ == "__main__":
    kill_harness.kill(write_files, longest=0.12)
