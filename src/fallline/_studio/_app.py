"""The server's routes: a page, its parts, a socket, a place for uploads."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route, WebSocketRoute

from fallline._studio._places import Places
from fallline._studio._safety import Access, Guard
from fallline._studio._socket import converse
from fallline._studio._static import page, studio_file, view_file, view_joined
from fallline._studio._uploads import Readers, receive_upload
from fallline._studio._workers import Workers

GRACE_SECONDS = 1.0
"""How long the server waits at its end for what is being computed."""


def make_app(places: Places, access: Access) -> Starlette:
    """The studio as an ASGI application; ``app.state.idle`` says at its end whether all work had stopped."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        app.state.workers = Workers()
        app.state.readers = Readers()
        app.state.idle = False
        try:
            yield
        finally:  # also where a second Ctrl-C cuts the end short
            for conversation in app.state.conversations:
                conversation.leave()
            app.state.idle = app.state.workers.close(GRACE_SECONDS) and app.state.readers.idle()

    app = Starlette(
        routes=[
            Route("/", page),
            Route("/static/{name}", studio_file),
            Route("/view/{name}", view_joined),
            Route("/_view/static/{name}", view_file),
            Route("/upload", receive_upload, methods=["POST"]),
            WebSocketRoute("/socket", converse),
        ],
        middleware=[Middleware(Guard, access=access)],
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    app.state.places = places
    app.state.tables = places.tables
    app.state.conversations = set()
    app.state.idle = True
    return app
