"""The picture's ES modules joined into one file, and its stylesheet: what a host embeds.

A browser opening a page from ``file://`` may not load a second module, so the files under ``static/`` are
joined. The joiner understands one trivial convention and refuses everything else, so that it needs no parser:

- an import is one line, ``import { a, b } from "./x.js";``, of names that ``x.js`` exports; no cycles;
- an export is ``export function``, ``async function``, ``const`` or ``class``, in column 0;
- every top-level name, exported or not, is used by one of the joined files only.

- a text between backticks ends on the line it began on (so that indentation can go);
- ``/**`` begins documentation and stands in no string;
- ``//`` between two spaces begins a comment where no quotation mark follows.

Joining is then: the files in the order of their imports, without the import lines, the word ``export``, the
comments, the indentation, and the spaces beside brackets and signs (outside texts; lines with a slash that may begin a
pattern, and those with a text between backticks inside another, keep theirs), and a last sign before a closing bracket.
"""

import re
from collections.abc import Mapping
from functools import cache
from importlib import resources

ENTRY = "render.js"
"""The file that exports ``render({model, el})`` of a run; interactive*, compare, why, recording, graph, cut too."""

_STYLES = {
    ENTRY: ("rates.css", "view.css"),
    "interactive.js": ("rates.css", "view.css", "interactive.css"),
    "interactive_compare.js": ("series.css", "charts.css"),
    "interactive_graph.js": ("series.css", "graph.css"),
    "recording.js": ("view.css", "series.css", "recording.css"),
    "cut.js": ("view.css", "series.css", "charts.css", "cut.css"),
    "graph.js": ("view.css", "series.css", "graph.css"),
}
"""The stylesheets of an entry, in their order; of the others view.css, series.css and charts.css. What a host opens
beside interactive.js, whose rules are there, has its own alone."""
_PRUNED = frozenset({"graph.js"})
"""Entries whose page carries no rule for a class that its modules never name."""

_IMPORT = re.compile(r'^import \{ (?P<names>[A-Za-z0-9_$, ]+) \} from "\./(?P<file>[a-z_]+\.js)";$')
_DECLARATION = re.compile(
    r"^(?P<export>export )?(?P<kind>async function|function|const|let|class) (?P<name>[A-Za-z0-9_$]+)"
)
_SUSPICIOUS = re.compile(r"^(import|export|const|let|var|class|function|async)\b")
_DOCUMENTATION = re.compile(r"[ \t]*/\*\*.*?\*/ ?", re.DOTALL)
_LINE_COMMENT = re.compile(r"(^|\s)\s*//( [^\"`]*)?$")
_SPACED = re.compile(
    r'"(?:[^"\\]|\\.)*"|`[^`]*`|\s*(?P<sign>[=?:;,(){}\[\]&|*%<>]|!==?)\s*|(?<![-+/])\s*(?P<sum>[-+/])(?!\s*[-+/])\s*'
)
_TEXT = re.compile(r'"(?:[^"\\]|\\.)*"|`(?P<inside>[^`]*)`')
_PATTERN = re.compile(r"(?<! )/|/(?! )")
"""A slash outside texts that is no division."""
_BRACKETS = re.compile(r"(?<![(;])[;,](?=\n[}\])])|(?<=[{(\[])\n")
"""The last sign before a closing bracket, and the end of a line behind an opening one: they say nothing."""
_RULE_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_RULE_SPACE = re.compile(
    r'"[^"]*"|;?\s*(?P<end>\})\s*|\s*(?P<sign>[{;,>])\s*|(?<=[ :,(])0(?P<point>\.)|(?<=[a-z0-9])(?P<colon>:)\s+'
)
_CLASS_NAME = re.compile(r"fl-[a-z0-9-]*[a-z0-9]")
_CLASS_BEGINNING = re.compile(r"(fl-[a-z][a-z-]*)\$\{")
_ONE_OF = re.compile(r":(?:is|not|where|has)\([^)]*\)")
_COMMA = re.compile(r",(?![^(]*\))")
_RULE = re.compile(r"(?P<selectors>[^{}@]+)\{(?P<body>[^{}]*)\}")
_EMPTY_BLOCK = re.compile(r"@[a-z]+ [^{}]*\{\}")


class ModuleError(ValueError):
    """A module that breaks the convention the joiner relies on: a mistake in fallline, never a user's."""


@cache
def module_source(entry: str = ENTRY) -> str:
    """A whole page as one ES module that exports the entry's ``render({model, el})`` and nothing else.

    >>> module_source().rstrip().endswith("export { render };")
    True
    """
    return join_modules(_static_files(".js"), entry)


@cache
def stylesheet(entry: str = ENTRY) -> str:
    """The stylesheet of an entry's page; every rule is under the class ``fl``.

    >>> ".fl" in stylesheet()
    True
    """
    folder = resources.files("fallline._view") / "static"
    names = _STYLES.get(entry, ("view.css", "series.css", "charts.css"))
    rules = "".join((folder / name).read_text(encoding="utf-8") for name in names)
    tight = _RULE_SPACE.sub(_tight, _RULE_COMMENT.sub("", rules))
    return _without_unnamed(tight, module_source(entry)) if entry in _PRUNED else tight


def _without_unnamed(rules: str, source: str) -> str:
    """The rules without those for classes that no module names; one that goes on with ``${`` stands for all like it."""
    named = set(_CLASS_NAME.findall(source))
    beginnings = tuple(_CLASS_BEGINNING.findall(source))

    def is_named(selector: str) -> bool:
        classes = _CLASS_NAME.findall(_ONE_OF.sub("", selector))
        return all(each in named or each.startswith(beginnings) for each in classes)

    def kept(rule: re.Match[str]) -> str:
        selectors = [each for each in _COMMA.split(rule["selectors"]) if is_named(each)]
        return f"{','.join(selectors)}{{{rule['body']}}}" if selectors else ""

    return _EMPTY_BLOCK.sub("", _RULE.sub(kept, rules))


def join_modules(files: Mapping[str, str], entry: str) -> str:
    """Join ES modules (file name → source) into one that exports only ``render``.

    Raises :class:`ModuleError`, naming the file and what it did, where the convention above is broken.

    >>> files = {
    ...     "render.js": 'import { two } from "./two.js";\\nexport function render() {\\nreturn two;\\n}\\n',
    ...     "two.js": "export const two = 2;\\n",
    ... }
    >>> print(join_modules(files, "render.js"))
    const two=2;
    function render(){return two
    }
    export { render };
    <BLANKLINE>
    """
    declared = {name: _declarations(name, source) for name, source in files.items()}
    order: list[str] = []
    _visit(entry, files, declared, order, ())
    _refuse_shared_names({name: declared[name] for name in order})
    return "".join(_body(files[name]) for name in order) + "export { render };\n"


def _static_files(suffix: str) -> dict[str, str]:
    folder = resources.files("fallline._view") / "static"
    return {
        item.name: item.read_text(encoding="utf-8")
        for item in sorted(folder.iterdir(), key=lambda item: item.name)
        if item.name.endswith(suffix)
    }


def _declarations(name: str, source: str) -> dict[str, bool]:
    """Top-level names of one file → whether it is exported."""
    found: dict[str, bool] = {}
    for number, line in enumerate(source.splitlines(), start=1):
        if line.count("`") % 2:
            raise ModuleError(f"{name}:{number} leaves a text between backticks open at the end of the line.")
        if _IMPORT.match(line) or not _SUSPICIOUS.match(line):
            continue
        match = _DECLARATION.match(line)
        if match is None or (match["export"] and match["kind"] == "let"):
            raise ModuleError(f"{name}:{number} breaks the joiner's convention (see _view/_module.py): {line!r}")
        found[match["name"]] = match["export"] is not None
    return found


def _refuse_shared_names(declared: Mapping[str, Mapping[str, bool]]) -> None:
    owner: dict[str, str] = {}
    for file, names in declared.items():
        for name in names:
            if name in owner:
                raise ModuleError(f"{name} is declared at the top of {owner[name]} and of {file}: rename one.")
            owner[name] = file


def _visit(
    name: str,
    files: Mapping[str, str],
    declared: Mapping[str, Mapping[str, bool]],
    order: list[str],
    above: tuple[str, ...],
) -> None:
    """Append ``name`` to ``order`` after everything it imports."""
    if name in above:
        raise ModuleError(f"{' → '.join([*above, name])} import each other in a circle.")
    if name in order:
        return
    for line in files[name].splitlines():
        if match := _IMPORT.match(line):
            target = match["file"]
            if target not in files:
                raise ModuleError(f"{name} imports {target}, which does not exist.")
            missing = [word for word in match["names"].split(", ") if not declared[target].get(word, False)]
            if missing:
                raise ModuleError(f"{name} imports {', '.join(missing)} from {target}, which does not export it.")
            _visit(target, files, declared, order, (*above, name))
    order.append(name)


def _body(source: str) -> str:
    """What the page carries of a file: no imports, no word ``export``, no documentation, no indentation."""
    kept: list[str] = []
    for line in _DOCUMENTATION.sub("", source).splitlines():
        code = _LINE_COMMENT.sub("", line.removeprefix("export ")).strip()
        if code and not _IMPORT.match(line):
            untouched = _nests(code) or _PATTERN.search(_TEXT.sub("", code)) is not None
            kept.append(code if untouched else _SPACED.sub(_tight, code))
    return _BRACKETS.sub("", "\n".join(kept) + "\n")


def _tight(found: re.Match[str]) -> str:
    """What stays of a sign and the spaces beside it, or of a text."""
    return next(filter(None, found.groups()), found[0])


def _nests(code: str) -> bool:
    """Whether a text between backticks may hold another one: then the first of them ends inside a bracket."""
    insides = (found["inside"] or "" for found in _TEXT.finditer(code))
    return any(inside.count("{") != inside.count("}") for inside in insides)
