"""The address of the page, and the access that goes with it."""

import json
import re
import secrets
import socket
from urllib.parse import quote

from fallline._errors import OptionError
from fallline._studio._safety import LOCAL, Access, in_host_header

THIS_MACHINE = ("127.0.0.1", "localhost", "::1")
EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104  (not bound here: what a person may have asked for)
_NO_TEXT = re.compile(r'-?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?|true|false|null|".*"|\(.*\)', re.DOTALL)
"""What ``static/address.js`` does not take for a text."""
_TOKEN = re.compile(r"[A-Za-z0-9._~-]{16,200}")


def checked_token(token: str | None) -> None:
    """Refuse a token that could be guessed, or that does not go into an address as it is.

    >>> checked_token("correct-horse-battery")
    """
    if token is not None and not _TOKEN.fullmatch(token):
        raise OptionError("--token takes 16 or more letters, digits and . _ ~ -; leave it out for a random one.")


def access_to(host: str, port: int, token: str | None) -> Access:
    """Who may talk to a server that listens there: for other machines with a token, made here unless given.

    >>> access_to("127.0.0.1", 8642, None).token is None, access_to("0.0.0.0", 8642, None).token is None
    (True, False)
    """
    names = LOCAL
    if host not in THIS_MACHINE:
        names |= in_host_header([host, *_own_names()])
        token = secrets.token_urlsafe(24) if token is None else token
    return Access(names, token, f"fallline-{port}")


def page_address(host: str, port: int, token: str | None, run: str | None) -> str:
    """Where a person finds the page.

    >>> page_address("127.0.0.1", 8642, None, "0003-line")
    'http://127.0.0.1:8642/#/run?name=0003-line'
    >>> page_address("::1", 8642, "secret", None)
    'http://[::1]:8642/?token=secret'
    >>> page_address("127.0.0.1", 8642, None, "1e3")
    'http://127.0.0.1:8642/#/run?name=%221e3%22'
    """
    name = _own_address() if host in EVERYWHERE else host
    shown = f"[{name}]" if ":" in name else name
    query = "" if token is None else f"?token={token}"
    place = "" if run is None else f"#/run?name={quote(_as_text(run), safe='')}"
    return f"http://{shown}:{port}/{query}{place}"


def _as_text(name: str) -> str:
    """In quotation marks where the page would read a number, a word of JSON or a list."""
    return json.dumps(name, ensure_ascii=False) if _NO_TEXT.fullmatch(name) else name


def _own_names() -> list[str]:
    """What other machines may call this one."""
    name = socket.gethostname()
    return [name, name.partition(".")[0] + ".local", _own_address()]


def _own_address() -> str:
    """This machine's address in its network; nothing is sent to find it out."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        try:
            asking.connect(("192.0.2.1", 9))  # an address for documentation (RFC 5737)
        except OSError:
            return "127.0.0.1"
        return str(asking.getsockname()[0])
