"""``fallline studio`` as a whole process: until the first page and all it loads is there, and until its first numbers.

PyTorch loads while the page is already served. Importing it alone is timed beside, and taken off.
"""

import asyncio
import gzip
import re
import sys
import time
from statistics import median
from urllib.parse import urljoin
from urllib.request import Request, urlopen

from benchmarks._harness import Bar, main, run_process
from benchmarks._studio import Page, served
from websockets.asyncio.client import connect

TURNS = 7
MOST_PAGE_BYTES = 200_000
PICTURE = "/view/interactive.js"
"""What the neuron's page loads when it is shown."""
_NAMED = re.compile(r'(?:src|href)="([^"#:]+\.(?:js|css))"')
_IMPORTED = re.compile(r'^import [^"]*"([^"]+\.js)";|await import\("([^"]+\.js)"\)', re.MULTILINE)


def loaded(address: str) -> int:
    """Load the page and every stylesheet and module that it names, and that these import; bytes as they are sent."""
    waiting, seen, sent = [f"{address}/", address + PICTURE], set[str](), 0
    while waiting:
        place = waiting.pop()
        if place in seen:
            continue
        seen.add(place)
        text, size = _fetched(place)
        sent += size
        named = _NAMED.findall(text) if place.endswith("/") else []
        imported = [one for found in _IMPORTED.findall(text) for one in found if one] if "/static/" in place else []
        waiting += [urljoin(place, each) for each in (*named, *imported)]
    return sent


def _fetched(place: str) -> tuple[str, int]:
    with urlopen(Request(place, headers={"accept-encoding": "gzip"})) as answer:  # noqa: S310  (the server just started)
        packed = answer.read()
    return gzip.decompress(packed).decode() if packed[:2] == b"\x1f\x8b" else packed.decode(), len(packed)


async def first_numbers(address: str) -> None:
    """The whole picture of the textbook line, as the page asks for it."""
    async with connect(f"{address.replace('http', 'ws')}/socket", origin=address, max_size=None) as socket:  # type: ignore[arg-type]  (an origin is a text)
        page = Page(socket)
        await page.ask("neuron", settings={}, detail="full", frame=None)
        if page.errors:
            raise RuntimeError(page.errors[0])


def measure() -> list[Bar]:
    """In turns with importing PyTorch, so that a slow second of the machine slows both."""
    imports, pages, numbers, sizes = [], [], [], []
    for _ in range(TURNS):
        start = time.perf_counter()
        run_process([sys.executable, "-c", "import torch"])
        imports.append(time.perf_counter() - start)
        start = time.perf_counter()
        with served() as address:
            sizes.append(loaded(address))
            pages.append(time.perf_counter() - start)
            asyncio.run(first_numbers(address))
            numbers.append(time.perf_counter() - start)
    beyond = [page - alone for page, alone in zip(pages, imports, strict=True)]
    return [
        Bar(
            "fallline studio to first page, beyond importing torch",
            median(beyond),
            0.6,
            "s",
            low=min(beyond),
            high=max(beyond),
        ),
        Bar("  the same, from its start", median(pages), None, "s", low=min(pages), high=max(pages)),
        Bar("  to the first picture's numbers", median(numbers), None, "s", low=min(numbers), high=max(numbers)),
        Bar("  importing torch alone", median(imports), None, "s", low=min(imports), high=max(imports)),
        Bar("  weight of the page and what it loads", max(sizes) / 1000, MOST_PAGE_BYTES / 1000, "kB"),
    ]


if __name__ == "__main__":
    main(measure)
