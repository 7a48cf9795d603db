"""The shell as one module: what the page loads first travels joined, without comments and in one answer."""

import re
from functools import cache
from importlib import resources

ENTRY = "studio.js"
"""Exports ``render({el})``; modules that no import line leads to are loaded one by one, when they are asked for."""
_PICTURE = "../../_view/static/"
_IMPORT = re.compile(r'^import .* from "\./([a-z_]+\.js)";$', re.MULTILINE)


@cache
def shell_source() -> str:
    """``studio.js`` and everything it imports, as one module that exports ``render``.

    >>> shell_source().rstrip().endswith("export { render };")
    True
    """
    from fallline._view._module import join_modules  # noqa: PLC0415  (NumPy: not before the page)

    package = resources.files("fallline")
    folders = (package / "_studio" / "static", package / "_view" / "static")
    files: dict[str, str] = {}
    wanted = [ENTRY]
    while wanted:
        name = wanted.pop()
        if name in files:
            continue
        found = next(folder / name for folder in folders if (folder / name).is_file())
        files[name] = found.read_text(encoding="utf-8").replace(f'"{_PICTURE}', '"./')
        wanted += _IMPORT.findall(files[name])
    return join_modules(files, ENTRY)
