"""Threads that compute for all clients, each client in its turn.

A client that asks for much waits behind itself, not others behind it: of those who have something waiting, the
one that was served longest ago is next. A job that has run for a while no longer keeps short ones from starting.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

SHORT_SECONDS = 0.25
"""A job that takes longer is a long one."""
SHORT_AT_ONCE = 2
MOST_AT_ONCE = 32
MOST_OF_ONE = 3
"""Jobs of one client that run at once."""


@dataclass(eq=False)
class Job:
    """Something to compute for one client."""

    owner: object
    work: Callable[[], str]
    done: Callable[["Future[str]"], None]
    """Called on the event loop with what came of it."""
    began: float | None = None
    """None until it runs."""


@dataclass(eq=False)
class Workers:
    """The threads and who waits for them; everything but the work itself happens on the event loop."""

    _waiting: dict[object, deque[Job]] = field(default_factory=dict)
    """By client, in the order of whose turn it is."""
    _running: dict[Job, "Future[str]"] = field(default_factory=dict)
    _threads: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(MOST_AT_ONCE, thread_name_prefix="fallline-studio")
    )

    def submit(self, job: Job) -> None:
        """Run it when it is its client's turn."""
        self._waiting.setdefault(job.owner, deque()).append(job)
        self._start()

    def withdraw(self, job: Job) -> bool:
        """Take back a job that has not begun; whether it had not."""
        jobs = self._waiting.get(job.owner, deque())
        if job not in jobs:
            return False
        jobs.remove(job)
        if not jobs:
            del self._waiting[job.owner]
        return True

    def close(self, seconds: float) -> bool:
        """Start nothing any more; whether what runs has ended within so many seconds."""
        self._waiting.clear()
        self._threads.shutdown(wait=False, cancel_futures=True)
        return not wait([*self._running.values()], timeout=seconds).not_done

    def _start(self) -> None:
        while (job := self._next()) is not None:
            self._run(job)

    def _run(self, job: Job) -> None:
        loop = asyncio.get_running_loop()
        job.began = time.monotonic()
        future = self._threads.submit(job.work)
        self._running[job] = future
        future.add_done_callback(lambda _: _on_loop(loop, self._finish, job))
        loop.call_later(SHORT_SECONDS * 1.01, self._start)

    def _next(self) -> Job | None:
        """The job to start now, taken from the queue of the client whose turn it is."""
        now = time.monotonic()
        short = sum(job.began is not None and now - job.began < SHORT_SECONDS for job in self._running)
        if short >= SHORT_AT_ONCE or len(self._running) >= MOST_AT_ONCE:
            return None
        for owner, jobs in self._waiting.items():
            if sum(job.owner is owner for job in self._running) < MOST_OF_ONE:
                job = jobs.popleft()
                del self._waiting[owner]
                if jobs:
                    self._waiting[owner] = jobs  # at the end: the others first
                return job
        return None

    def _finish(self, job: Job) -> None:
        future = self._running.pop(job)
        if not future.cancelled():
            job.done(future)
        self._start()


def _on_loop(loop: asyncio.AbstractEventLoop, call: Callable[[Job], None], job: Job) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(call, job)
