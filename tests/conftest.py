"""For every test: one thread, and no deadline, because a test never judges how long something took."""

import os

from hypothesis import settings

ONE_THREAD = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
"""Small work is slower on several threads, the more so beside other workers: they wait for each other at every step.
Read when torch and numpy are loaded, which no plugin does before this file is."""

for name in ONE_THREAD:
    os.environ.setdefault(name, "1")

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
