"""Run files written in tight loops by children that are killed at random moments.

``python kill_harness.py FOLDER KILLS``: children come from fork, so a kill costs milliseconds. Prints a line
for each file: its path, how many steps its last flush had promised (−1: not even the header), and whether
``finish`` had returned.
"""

import os
import random
import signal
import struct
import sys
import time
from collections.abc import Callable
from pathlib import Path

from fallline._store import RunWriter, _journal
from store import samples

NOTE = struct.Struct("<qq?")  # file, steps flushed, finished


def write_files(folder: Path, pipe: int, seed: int) -> None:
    """Files of 1 to 40 blocks, one after the other, until killed; tells of a flush once it has returned."""
    chance = random.Random(seed)
    file = 0
    while True:
        writer = RunWriter.create(folder / f"{file}.db", samples.header(), samples.sample(), samples.moments())
        os.write(pipe, NOTE.pack(file, 0, False))
        for _ in range(chance.randint(1, 40)):
            first = writer.appended_steps
            writer.append(BLOCKS[first : first + chance.randint(1, 5)])
            if chance.random() < 0.7:
                writer.flush()
                os.write(pipe, NOTE.pack(file, writer.appended_steps, False))
        writer.finish(samples.summary())
        os.write(pipe, NOTE.pack(file, writer.appended_steps, True))
        file += 1


class Blocks:
    """All steps a child can need, made once: a child should spend its short life in the store."""

    def __init__(self) -> None:
        self.columns = samples.columns(0, 256)

    def __getitem__(self, steps: slice) -> samples.Columns:
        fields = self.columns.__dataclass_fields__
        return samples.Columns(**{name: getattr(self.columns, name)[steps] for name in fields})


BLOCKS = Blocks()


def kill_one(folder: Path, seed: int, write: Callable[[Path, int, int], None], longest: float) -> None:
    folder.mkdir()
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        if seed % 3 == 0:
            _journal._UNSAFE = frozenset({_journal._mount_of(folder, _journal._mounts())[1]})
        try:
            write(folder, write_end, seed)
        finally:
            os._exit(1)
    os.close(write_end)
    time.sleep(random.Random(~seed).uniform(0.0, longest))
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if not os.WIFSIGNALED(status):
        sys.exit(f"the child of {folder} ended by itself")
    promised = dict.fromkeys(folder.glob("*.db"), (-1, False))
    with os.fdopen(read_end, "rb") as notes:
        for file, steps, finished in NOTE.iter_unpack(notes.read()):
            promised[folder / f"{file}.db"] = (steps, finished)
    for path, (steps, finished) in promised.items():
        sys.stdout.write(f"{path} {steps} {int(finished)}\n")


def kill(write: Callable[[Path, int, int], None], longest: float = 0.05) -> None:
    """Kill as many children as the command line says, one after the other, each after at most so many seconds."""
    for number in range(int(sys.argv[2])):
        kill_one(Path(sys.argv[1]) / str(number), number, write, longest)


if __name__ == "__main__":
    kill(write_files)
