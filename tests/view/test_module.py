"""The joiner of the picture's modules, and what it makes of the real ones."""

import re

import pytest

from fallline._view._module import ModuleError, join_modules, module_source, stylesheet

_ENTRY = "export function render() {\n  return 1;\n}\n"


def _join(**files: str) -> str:
    return join_modules({f"{name}.js": source for name, source in files.items()}, "render.js")


def test_imported_files_come_first_and_only_once() -> None:
    joined = _join(
        render='import { a } from "./a.js";\nimport { b } from "./b.js";\n' + _ENTRY,
        a='import { b } from "./b.js";\nexport const a = b;\n',
        b="export const b = 2;\n",
    )
    assert joined.index("const b=2;") < joined.index("const a=b;") < joined.index("function render()")
    assert joined.count("const b=2;") == 1
    assert "import" not in joined
    assert re.findall(r"^export .*", joined, re.MULTILINE) == ["export { render };"]


def test_files_nobody_imports_stay_out() -> None:
    assert "orphan" not in _join(render=_ENTRY, other="export const orphan = 1;\n")


def test_documentation_and_indentation_go_and_code_stays() -> None:
    source = '// @ts-check\n/**\n * Words.\n */\nexport const text = "a // b, c";\n// more\n' + _ENTRY
    assert _join(render=source) == 'const text="a // b, c";\nfunction render(){return 1\n}\nexport { render };\n'


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("const a = `${1} ( = ) ${2}`;", "const a=`${1} ( = ) ${2}`;"),
        ("const a = `${b ? `, ( = )` : 2}`;", "const a = `${b ? `, ( = )` : 2}`;"),
        ("const a = /x ( y = )/;", "const a = /x ( y = )/;"),
        ('const a = "it\\" ( = ) is";', 'const a="it\\" ( = ) is";'),
        ("const a = b / c + (d - e);", "const a=b/c+(d-e);"),
        ("const a = b + -c - +d;", "const a=b + -c - +d;"),
        ("const a = b - -c !== d;", "const a=b - -c!==d;"),
        ("const a = b++ + ++c;", "const a=b++ + ++c;"),
    ],
)
def test_texts_and_patterns_keep_their_spaces(line: str, kept: str) -> None:
    assert _join(render=f"{line} // said\n{_ENTRY}").splitlines()[0] == kept


def test_a_style_keeps_the_spaces_of_its_texts() -> None:
    assert 'content:"✕ "' in stylesheet()
    assert "calc(" not in stylesheet() or re.search(r"calc\([^)]* [-+] ", stylesheet())
    assert ";}" not in stylesheet()


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (
            {
                "render": 'import { a } from "./a.js";\nimport { b } from "./b.js";\n' + _ENTRY,
                "a": "const one = 1;\nexport const a = 1;\n",
                "b": "function one() {}\nexport const b = 1;\n",
            },
            "one is declared at the top of a",
        ),
        ({"render": 'import { a } from "./gone.js";\n' + _ENTRY}, "gone.js, which does not exist"),
        ({"render": 'import { a } from "./a.js";\n' + _ENTRY, "a": "const a = 1;\n"}, "does not export it"),
        ({"render": "export let count = 0;\n" + _ENTRY}, "render.js:1"),
        ({"render": "export default function () {}\n" + _ENTRY}, "render.js:1"),
        ({"render": "const { a, b } = { a: 1, b: 2 };\n" + _ENTRY}, "render.js:1"),
        ({"render": 'import * as all from "./a.js";\n' + _ENTRY, "a": ""}, "render.js:1"),
        ({"render": 'import { a } from "https://example.org/a.js";\n' + _ENTRY}, "render.js:1"),
        ({"render": "const text = `two\nlines`;\n" + _ENTRY}, "render.js:1 leaves a text"),
        (
            {
                "render": 'import { a } from "./a.js";\nexport const r = 1;\n' + _ENTRY,
                "a": 'import { r } from "./render.js";\nexport const a = r;\n',
            },
            "render.js → a.js → render.js",
        ),
    ],
)
def test_what_the_convention_forbids_is_refused(files: dict[str, str], said: str) -> None:
    with pytest.raises(ModuleError, match=re.escape(said)):
        _join(**files)


def test_the_real_modules_keep_the_convention_and_ask_nobody() -> None:
    source = module_source()
    assert re.findall(r"^(?:import|export)\b.*", source, re.MULTILINE) == ["export { render };"]
    for word in ("fetch(", "XMLHttpRequest", "WebSocket", "eval(", "innerHTML", "new Function", "import("):
        assert word not in source, word
    assert re.findall(r"https?://[^\"']+", source) == ["http://www.w3.org/2000/svg"]


@pytest.mark.parametrize("entry", ["render.js", "interactive.js"])
def test_every_rule_of_the_stylesheet_is_about_the_picture(entry: str) -> None:
    text = re.sub(r"/\*.*?\*/", "", stylesheet(entry), flags=re.DOTALL)
    assert "url(" not in text
    assert "@import" not in text
    for selectors in re.findall(r"(?:^|\})\s*([^{}@]+)\{", text):
        for selector in re.split(r",(?![^(]*\))", selectors):
            assert re.match(r"\s*(?::where\(\.fl|\.fl|canvas\.fl|\d+%)", selector), selector


def test_what_only_an_answering_host_needs_is_in_no_report() -> None:
    report, interactive = module_source(), module_source("interactive.js")
    for word in ("save_changes", "move_point", "Drag the ball"):
        assert word in interactive, word
        assert word not in report, word
    assert "fl-rate-field" in stylesheet("interactive.js")
    assert "fl-rate-field" not in stylesheet()
    assert len(interactive.encode()) + len(stylesheet("interactive.js").encode()) < 240_000  # 70,000 on the wire


def test_the_page_s_weight() -> None:
    weight = len(module_source().encode()) + len(stylesheet().encode())
    assert weight < 196_000  # of the 200,000 that a whole page may weigh without its payload


def test_the_graph_s_page_carries_no_rule_for_what_it_never_draws() -> None:
    rules, source = stylesheet("graph.js"), module_source("graph.js")
    assert ".fl-canvas-bowl" in stylesheet()
    assert "bowl" not in rules
    assert "{}" not in rules
    for named in (".fl-projector", ".fl-graph-key-wrong", ".fl-outcome-diverged", ".fl-graph-term-goes", ".fl-scrub"):
        assert named in rules, named
    assert rules.count("{") == rules.count("}")
    assert "fl-graph-term-${" in source
