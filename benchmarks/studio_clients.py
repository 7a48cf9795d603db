"""Twenty pages of the studio drag the learning rate at once: how long each waits, and whose numbers it gets.

Each page has a line of its own. It asks for a draft as soon as its last one is answered, at most one for each
1/60 s, as a page does while the slider is dragged. Afterwards every page's numbers are asked for once more by a page
that is alone: what differs has crossed over from another page.
"""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from benchmarks._harness import Bar, main
from benchmarks._studio import Page, served
from websockets.asyncio.client import connect

PAGES = 20
DRAGS = 40
CHECKED = (7, DRAGS - 1)
"""Which drafts of each page are asked for once more."""
FRAME_SECONDS = 1 / 60


@dataclass
class Dragged:
    """What one page saw."""

    seconds: list[float] = field(default_factory=list)
    kept: dict[int, Any] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)


def settings_of(page: int, drag: int) -> dict[str, Any]:
    """A line of the page's own, and a rate on the way from 0.001 to 0.1."""
    rate = 0.001 * 100 ** (drag / (DRAGS - 1))
    return {"data": {"kind": "line", "slope": 1 + page / 4, "noise": 0.5}, "learning_rate": rate}


async def drag(address: str, number: int, drags: tuple[int, ...], ready: asyncio.Barrier) -> Dragged:
    """Open a page, have the whole picture, wait for the others, drag."""
    seen = Dragged()
    async with connect(f"{address.replace('http', 'ws')}/socket", origin=address, max_size=None) as socket:  # type: ignore[arg-type]  (an origin is a text)
        page = Page(socket)
        whole, _ = await page.ask("neuron", settings=settings_of(number, 0), detail="full", frame=None)
        await ready.wait()
        for each in drags:
            moved = time.perf_counter()
            answer, seconds = await page.ask(
                "neuron", settings=settings_of(number, each), detail="draft", frame=whole["frame"]
            )
            seen.seconds.append(seconds)
            if each in CHECKED:
                seen.kept[each] = answer.get("part")
            await asyncio.sleep(max(0.0, FRAME_SECONDS - (time.perf_counter() - moved)))
        seen.errors = page.errors
    return seen


async def together(address: str) -> list[Dragged]:
    """All pages at once."""
    ready = asyncio.Barrier(PAGES)
    return await asyncio.gather(*(drag(address, page, tuple(range(DRAGS)), ready) for page in range(PAGES)))


async def crossings(address: str, seen: list[Dragged]) -> int:
    """How many of the kept drafts are not what a page that is alone gets."""
    crossed = 0
    for number, page in enumerate(seen):
        alone = await drag(address, number, CHECKED, asyncio.Barrier(1))
        crossed += sum(alone.kept[each] != page.kept[each] for each in CHECKED)
    return crossed


def measure() -> list[Bar]:
    """A real server, and all pages in this process."""
    with served() as address:
        seen = asyncio.run(together(address))
        crossed = asyncio.run(crossings(address, seen))
    seconds = np.array([each for page in seen for each in page.seconds])
    errors = [error for page in seen for error in page.errors]
    slowest = [float(np.percentile(page.seconds, 95)) for page in seen]
    middle, late = np.percentile(seconds, [50, 95])
    return [
        Bar(
            f"{PAGES} pages dragging at once, p95 of a draft",
            float(late),
            1.0,
            "s",
            low=min(slowest),
            high=max(slowest),
        ),
        Bar("  median", float(middle), None, "s"),
        Bar(f"  errors in {len(seconds):,} drafts", len(errors), 0, ""),
        Bar(f"  numbers that crossed over, of {PAGES * len(CHECKED)} checked", crossed, 0, ""),
    ]


if __name__ == "__main__":
    main(measure)
