"""The page and its parts: the files of ``static``, the picture's modules, joined or one by one."""

import gzip
from functools import lru_cache
from importlib import resources
from importlib.resources.abc import Traversable

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from fallline._studio._joined import ENTRY, shell_source

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}
LEAST_PACKED = 500
"""Bytes from which packing a file pays."""


async def page(request: Request) -> Response:
    """The page, whatever it shows: that stands behind the # of its address."""
    return await _sent(request, "studio", "studio.html")


async def studio_file(request: Request) -> Response:
    """A module or stylesheet of the studio."""
    return await _sent(request, "studio", request.path_params["name"])


async def view_file(request: Request) -> Response:
    """A module or stylesheet of the picture, by itself."""
    return await _sent(request, "view", request.path_params["name"])


async def view_joined(request: Request) -> Response:
    """An entry of the picture as one module, or its stylesheet."""
    return await _sent(request, "joined", request.path_params["name"])


def join_parts() -> None:
    """Join what the first page loads before it is asked for."""
    for place, name in (("studio", ENTRY), ("joined", "interactive.js"), ("joined", "interactive.css")):
        _packed(_content(place, name)[0])


async def _sent(request: Request, place: str, name: str) -> Response:
    content, kind = await run_in_threadpool(_content, place, name)
    headers = {"content-type": kind, "vary": "accept-encoding"}
    if len(content) >= LEAST_PACKED and "gzip" in request.headers.get("accept-encoding", ""):
        content = await run_in_threadpool(_packed, content)
        headers["content-encoding"] = "gzip"
    return Response(content, headers=headers)


def _content(place: str, name: str) -> tuple[bytes, str]:
    """What stands under a name; only files that are listed there are ever opened."""
    kind = TYPES.get("." + name.rpartition(".")[2])
    if kind is None:
        raise HTTPException(404)
    if place == "joined":
        return _joined(name), kind
    if (place, name) == ("studio", ENTRY):
        return shell_source().encode(), kind
    listed = {item.name: item for item in _folder(place).iterdir()}
    if name not in listed or not listed[name].is_file():
        raise HTTPException(404)
    return listed[name].read_bytes(), kind


def _folder(place: str) -> Traversable:
    package = "fallline" if place == "view" else "fallline._studio"
    folder = resources.files(package)
    return folder / "_view" / "static" if place == "view" else folder / "static"


def _joined(name: str) -> bytes:
    from fallline._view._module import module_source, stylesheet  # noqa: PLC0415  (NumPy: not before the page)

    stem, _, suffix = name.rpartition(".")
    entry = f"{stem}.js"
    if entry not in {item.name for item in _folder("view").iterdir()} or suffix not in ("js", "css"):
        raise HTTPException(404)
    return (module_source(entry) if suffix == "js" else stylesheet(entry)).encode()


@lru_cache(maxsize=256)
def _packed(content: bytes) -> bytes:
    return gzip.compress(content, compresslevel=6, mtime=0)
