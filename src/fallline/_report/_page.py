"""The page around the live picture: one file, under a content policy that allows this script and style only."""

import html
import os
from base64 import b64encode
from hashlib import sha256
from importlib import resources
from pathlib import Path
from typing import NamedTuple

from fallline._atomic import os_reason, place_problem, whole_file
from fallline._errors import RunFileError
from fallline._version import VERSION
from fallline._view._module import ENTRY, module_source, stylesheet

_ICON = (
    "data:image/svg+xml;base64,"
    "PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCAzMiAzMiI+PHBhdGggZD0iTTIgNXExNCA0MCAyOCAw"
    "IiBmaWxsPSJub25lIiBzdHJva2U9IiMwMDIyNGUiIHN0cm9rZS13aWR0aD0iNCIvPjxjaXJjbGUgY3g9IjEwIiBjeT0iMTQiIHI9IjUiIGZpbGw9"
    "IiNlODU5MGMiLz48L3N2Zz4="
)
"""A ball in a bowl; as a link, or the browser would ask for /favicon.ico."""

_PAGE_STYLE = """
html { background: #f4f5f7; }
html:has(.fl[data-mode="dark"]) { background: #0f1218; }
body { margin: 0; }
.page-noscript { max-width: 36em; margin: 4em auto; padding: 0 1em; font: 18px/1.5 system-ui, sans-serif; }
@media (prefers-color-scheme: dark) { html:not(:has(.fl)) { background: #0f1218; color: #e9ecf1; } }
"""

_BOOT = """
{
  const payload = JSON.parse(document.getElementById("payload").textContent);
  const model = { get: (name) => (name === "payload" ? payload : undefined), on: () => {}, off: () => {} };
  render({ model, el: document.getElementById("picture") });
}
"""


class Page(NamedTuple):
    """What a page is made of; :func:`report_page` takes it apart again."""

    payload_json: str
    """docs/payload.md"""
    title: str
    entry: str = ENTRY
    """The module of the view that draws it."""


def report_page(payload_json: str, title: str, entry: str = ENTRY) -> str:
    """The report as text: the payload (JSON, docs/payload.md), the entry's module and stylesheet in one page.

    The content policy names the script and the style by their hashes; everything else, the network above
    all, is refused by the browser.

    >>> page = report_page('{"note": "</script>"}', "a < b")
    >>> "<title>a &lt; b</title>" in page, '{"note": "\\\\u003c/script>"}' in page
    (True, True)
    """
    script = "\n" + module_source(entry) + _BOOT
    style = "\n" + stylesheet(entry) + _PAGE_STYLE
    policy = "; ".join(
        [
            "default-src 'none'",
            f"script-src '{_hash(script)}'",
            f"style-src '{_hash(style)}'",
            "img-src data:",
            "connect-src 'none'",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )
    parts = {
        "policy": policy,
        "version": VERSION,
        "title": html.escape(title),
        "icon": _ICON,
        "style": style,
        "payload": _inside_script(payload_json),
        "script": script,
    }
    template = (resources.files("fallline._report") / "page.html").read_text(encoding="utf-8")
    pieces = template.replace("{{", "\0").replace("}}", "\0").split("\0")
    return "".join(parts[piece] if index % 2 else piece for index, piece in enumerate(pieces))


def write_report(payload_json: str, title: str, path: str | os.PathLike[str], entry: str = ENTRY) -> None:
    """Write :func:`report_page` to ``path``: the whole file, or (after an error) nothing at all.

    Raises :class:`fallline.RunFileError` where the folder is missing, may not be written or is full.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_report("{}", "line", Path(folder) / "line.html")
    ...     [item.name for item in Path(folder).iterdir()]
    ['line.html']
    """
    target = Path(path)
    page = report_page(payload_json, title, entry).encode()
    try:
        with whole_file(target) as part:
            part.write_bytes(page)
    except OSError as error:
        reason = place_problem(target) or os_reason(error)
        raise RunFileError(f"The report cannot be written to {target}: {reason}.") from error


def _hash(text: str) -> str:
    return "sha256-" + b64encode(sha256(text.encode()).digest()).decode()


def _inside_script(json_text: str) -> str:
    """JSON that cannot end the script element it stands in: ``<`` only stands in strings, where \\u003c is it."""
    return json_text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
