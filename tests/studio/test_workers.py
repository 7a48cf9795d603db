"""The threads: each client in its turn, long jobs out of the way of short ones, an end that waits for nobody."""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future

import pytest

from fallline._studio import _workers
from fallline._studio._workers import MOST_OF_ONE, SHORT_AT_ONCE, Job, Workers
from studio.loops import run_apart

PATIENCE = 20.0
"""Seconds until a test that waits for something that does not come gives up."""


def ignored(future: "Future[str]") -> None:
    del future


def gated(release: threading.Event) -> Callable[[], str]:
    def work() -> str:
        assert release.wait(PATIENCE)
        return ""

    return work


def test_whoever_asks_for_much_waits_behind_itself() -> None:
    """The threads are busy; ten jobs of one client wait, then one of each of three others: they are next."""
    order: list[str] = []

    async def scenario() -> None:
        workers, release, finished = Workers(), threading.Event(), asyncio.Event()
        jobs = [("greedy", n) for n in range(10)] + [("a", 0), ("b", 0), ("c", 0)]

        def done_of(name: str) -> Callable[["Future[str]"], None]:
            def done(future: "Future[str]") -> None:
                order.append(name)
                if len(order) == len(jobs) + SHORT_AT_ONCE:
                    finished.set()

            return done

        for n in range(SHORT_AT_ONCE):
            workers.submit(Job(f"first {n}", gated(release), done_of("first")))
        for name, n in jobs:
            workers.submit(Job(name, lambda: "", done_of(f"{name} {n}")))
        release.set()
        await asyncio.wait_for(finished.wait(), PATIENCE)
        assert workers.close(PATIENCE)

    run_apart(scenario())
    late = [order.index(f"{name} 0") for name in "abc"]
    assert max(late) < order.index("greedy 4"), order
    assert order.index("greedy 0") < order.index("greedy 9")


def test_long_jobs_do_not_keep_short_ones_from_starting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_workers, "SHORT_SECONDS", 0.01)

    async def scenario() -> None:
        workers, release, answered = Workers(), threading.Event(), asyncio.Event()
        started = threading.Semaphore(0)

        def long() -> str:
            started.release()
            return gated(release)()

        for _ in range(MOST_OF_ONE + 5):
            workers.submit(Job("long", long, ignored))
        workers.submit(Job("short", lambda: "", lambda _: answered.set()))
        await asyncio.wait_for(answered.wait(), PATIENCE)
        await asyncio.sleep(0)
        for _ in range(SHORT_AT_ONCE):
            assert started.acquire(blocking=False)
        release.set()
        workers.close(PATIENCE)

    run_apart(scenario())


def test_one_client_never_holds_more_than_its_share_of_the_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_workers, "SHORT_AT_ONCE", 99)
    running = 0
    most = 0
    lock = threading.Lock()

    async def scenario() -> None:
        workers, finished = Workers(), asyncio.Event()
        left = 12

        def work() -> str:
            nonlocal running, most
            with lock:
                running += 1
                most = max(most, running)
            time.sleep(0.002)
            with lock:
                running -= 1
            return ""

        def done(future: "Future[str]") -> None:
            nonlocal left
            left -= 1
            if left == 0:
                finished.set()

        for _ in range(left):
            workers.submit(Job("one", work, done))
        await asyncio.wait_for(finished.wait(), PATIENCE)
        assert workers.close(PATIENCE)

    run_apart(scenario())
    assert most == MOST_OF_ONE


def test_a_job_that_has_not_begun_can_be_taken_back() -> None:
    ran: list[str] = []

    async def scenario() -> None:
        workers, release, finished = Workers(), threading.Event(), asyncio.Event()
        first = [Job(f"busy {n}", gated(release), ignored) for n in range(SHORT_AT_ONCE)]
        waiting = Job("a", lambda: ran.append("waiting") or "", ignored)
        last = Job("b", lambda: ran.append("last") or "", lambda _: finished.set())
        for job in (*first, waiting, last):
            workers.submit(job)
        assert workers.withdraw(waiting)
        assert not workers.withdraw(waiting)
        assert not workers.withdraw(first[0])
        release.set()
        await asyncio.wait_for(finished.wait(), PATIENCE)
        workers.close(PATIENCE)

    run_apart(scenario())
    assert ran == ["last"]


def test_the_end_does_not_wait_for_what_cannot_be_stopped() -> None:
    async def scenario() -> None:
        workers, release = Workers(), threading.Event()
        workers.submit(Job("a", gated(release), ignored))
        assert not workers.close(0.01)
        release.set()

    run_apart(scenario())
