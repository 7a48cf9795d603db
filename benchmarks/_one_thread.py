"""A benchmark on one thread: every library asks the environment before it starts its threads, so it is set first."""

import os
import sys

COUNTS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "POLARS_MAX_THREADS",
    "RAYON_NUM_THREADS",
)


def on_one_thread() -> None:
    """Start this program anew with one thread to a library, and on one processor where the system can hold it there.

    One processor, because Polars reads in a thread of its own: with two of them it would read while Python computes,
    and what is measured against it could not.
    """
    if all(os.environ.get(name) == "1" for name in COUNTS):
        return
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    environment = {**os.environ, **dict.fromkeys(COUNTS, "1")}
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environment)  # noqa: S606  (this very program)
