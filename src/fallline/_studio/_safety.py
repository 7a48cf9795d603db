"""Who may talk to the server: Host and Origin are looked at on every request, and a token where one is demanded.

A page of another site may send requests to 127.0.0.1 (with an Origin that is not ours), and may have its own name
resolve to 127.0.0.1 (with a Host that is not ours). Both are refused here, before anything else sees the request.
"""

import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOCAL = frozenset({"127.0.0.1", "localhost", "[::1]"})
_HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?", re.IGNORECASE)
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; "
    "connect-src 'self' {socket}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}


@dataclass(frozen=True)
class Access:
    """Which names the server answers to, and the token it demands, if any."""

    names: frozenset[str] = LOCAL
    """As in the Host header, in small letters, IPv6 in brackets, without a port."""
    token: str | None = None
    cookie: str = "fallline"
    """The name of the cookie that holds the token; cookies do not tell ports apart, so the port is in it."""

    def refusal(self, connection: HTTPConnection) -> tuple[int, str] | None:
        """The status and the sentence a request is refused with; None for one that is let in."""
        headers = connection.headers
        hosts = headers.getlist("host")
        name = host_name(hosts[0]) if len(hosts) == 1 else None
        if name not in self.names:
            return 403, f"This server answers to {', '.join(sorted(self.names))} only."
        if not _is_own_origin(headers, hosts[0], needed=_needs_origin(connection)):
            return 403, "This server answers its own page only."
        if _is_from_another_page(headers):
            return 403, "This server answers its own page only."
        if self.token is not None and not self._has_token(connection):
            return 401, "Open the address that fallline studio printed: it holds the token."
        return None

    def holds(self, given: str) -> bool:
        """Whether this is the token, found out in the same time however much of it is right."""
        return self.token is not None and secrets.compare_digest(given.encode(), self.token.encode())

    def _has_token(self, connection: HTTPConnection) -> bool:
        bearer = connection.headers.get("authorization", "")
        cookie = connection.cookies.get(self.cookie, "")
        given = (cookie, connection.query_params.get("token", ""), bearer.removeprefix("Bearer "))
        return any(self.holds(text) for text in given)


def host_name(header: str) -> str | None:
    """The name in a Host header, None where it is none.

    >>> host_name("LocalHost:8642"), host_name("[::1]:8642"), host_name("a b"), host_name("")
    ('localhost', '[::1]', None, None)
    """
    found = _HOST.fullmatch(header)
    return None if found is None else found["name"].lower()


def _needs_origin(connection: HTTPConnection) -> bool:
    """Browsers send one with every websocket and with everything that changes something."""
    return connection.scope["type"] == "websocket" or connection.scope["method"] not in ("GET", "HEAD")


def _is_own_origin(headers: Headers, host: str, *, needed: bool) -> bool:
    origins = headers.getlist("origin")
    if not origins:
        return not needed
    own = {f"http://{host}".lower(), f"https://{host}".lower()}
    return len(origins) == 1 and origins[0].lower() in own


def _is_from_another_page(headers: Headers) -> bool:
    """Something embedded in a page of another site, or asked for by its script; not a link that somebody followed."""
    site = headers.get("sec-fetch-site", "none")
    if site in ("none", "same-origin"):
        return False
    return headers.get("sec-fetch-mode") != "navigate" or headers.get("sec-fetch-dest") != "document"


class Guard:
    """The server behind :class:`Access`; every answer carries the headers that keep a browser strict."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        refused = self._access.refusal(connection)
        if scope["type"] == "websocket":
            await self._websocket(scope, receive, send, refused)
            return
        sent = _with_headers(send, connection.headers.get("host", ""))
        if refused is not None:
            await PlainTextResponse(refused[1] + "\n", refused[0])(scope, receive, sent)
        elif self._brings_token(scope):
            await self._welcome()(scope, receive, sent)
        else:
            await self._app(scope, receive, sent)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send, refused: tuple[int, str] | None) -> None:
        if refused is None:
            await self._app(scope, receive, send)
            return
        await receive()
        await send({"type": "websocket.close", "code": 1008, "reason": refused[1]})  # before accepting: status 403

    def _brings_token(self, scope: Scope) -> bool:
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [])
        return scope["path"] == "/" and scope["method"] == "GET" and any(map(self._access.holds, given))

    def _welcome(self) -> Response:
        """The page once more, its address without the token, which goes on in a cookie; what is behind the # stays."""
        response = RedirectResponse("/", 303)
        response.set_cookie(self._access.cookie, self._access.token or "", httponly=True, samesite="lax", path="/")
        return response


def _with_headers(send: Send, host: str) -> Send:
    socket = f"ws://{host} wss://{host}" if host_name(host) is not None else ""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers[name] = value
            headers["content-security-policy"] = _POLICY.format(socket=socket)
        await send(message)

    return sending


def in_host_header(names: Iterable[str]) -> frozenset[str]:
    """Names and addresses as they stand in a Host header.

    >>> sorted(in_host_header(["Example.org", "::1"]))
    ['[::1]', 'example.org']
    """
    return frozenset(f"[{name}]" if ":" in name else name.lower() for name in names)
