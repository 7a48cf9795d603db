"""An event loop of one's own, also where a browser's stands in this thread already."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

Value = TypeVar("Value")


def run_apart(scenario: Coroutine[Any, Any, Value]) -> Value:
    """As ``asyncio.run``, in a thread: Playwright leaves a running loop in the thread of the tests."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, scenario).result()
