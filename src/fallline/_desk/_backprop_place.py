"""Where in a typed text a refusal points: the piece that its sentence quotes."""

import re
from bisect import bisect_left, bisect_right

from fallline._errors import OptionError
from fallline._formulas._typed import as_python

_QUOTED = re.compile(r'"([^"]+)"')
_WEIGHTS = 'the field "Weights of the result\'s entries"'
_WORD = re.compile(r"\w")


class TextError(OptionError):
    """A text that cannot be read, with the place of what is wrong in it."""

    def __init__(self, sentence: str, place: tuple[int, int] | None, field: str) -> None:
        super().__init__(sentence)
        self.place = {"field": field, "span": place}
        """Which text (``expression``, ``vector``, or the name of a value); its first sign there and the one behind the
        last, None where no piece of it is to blame."""


def placed(error: OptionError, text: str, field: str = "expression") -> TextError:
    """The refusal of ``text`` with its place.

    >>> placed(OptionError('"y +" cannot be read: it breaks off after +.'), "x = 2; y +").place
    {'field': 'expression', 'span': (7, 10)}
    """
    return TextError(on_the_page(str(error)), place_in(error, text), field)


def on_the_page(sentence: str) -> str:
    """A sentence of the command line and of Python, in the words of the page's fields.

    >>> print(on_the_page("differentiated: --vector 1,1, in Python vector=[1, 1], adds them up."))
    differentiated: 1, 1 in the field "Weights of the result's entries" adds them up.
    """
    found = re.sub(r"--vector \S.*?, in Python vector=(\[.*\]), adds", rf"\1 in {_WEIGHTS} adds", sentence)
    found = re.sub(r": \[([^\[\]]*)\] in the field", r": \1 in the field", found)  # a plain list needs no brackets
    found = re.sub(r"vector=.* \(as text its numbers, --vector\) adds", f"a 1 for each in {_WEIGHTS} adds", found)
    found = re.sub(r"^vector (is|has|must)", r"What stands in the weights' field \1", found)
    found = found.replace(" by --at.", " in its own field.").replace(", as in --at ", ", as in ")
    return found.replace(" is what vector= (--vector) gives", f" is what {_WEIGHTS} gives")


def place_in(error: OptionError, text: str) -> tuple[int, int] | None:
    """The piece of ``text`` that the sentence quotes first; of a text that Python's parser stumbles over, the sign."""
    said = _QUOTED.findall(str(error))
    places = (_find(quoted, text) or _find_in_python(quoted, text) for quoted in said)
    found = [place for place in places if place is not None]
    if not found:
        return None
    fault = error.__context__
    if isinstance(fault, SyntaxError) and fault.offset is not None and found[0][1] - found[0][0] > 1:
        return _narrowed(text, found[0], fault)
    return found[0]


def _find(quoted: str, text: str) -> tuple[int, int] | None:
    """Where the text says this, whatever the spaces; a long piece was cut short at its end."""
    wanted = quoted.removesuffix("…")
    pattern = r"\s*".join(re.escape(sign) for sign in wanted if not sign.isspace())
    if not pattern:
        return None
    before = r"(?<!\w)" if _WORD.match(wanted) else ""
    behind = r"(?!\w)" if _WORD.match(wanted[-1]) and wanted == quoted else ""
    for shape in (f"{before}{pattern}{behind}", pattern):
        match = re.search(shape, text)
        if match is not None:
            return match.span()
    return None


def _find_in_python(quoted: str, text: str) -> tuple[int, int] | None:
    """The same in the signs that Python's parser reads: a sentence says x^2 of a typed x²."""
    found = _find(quoted.replace("^", "**"), as_python(text))
    if found is None:
        return None
    lengths = _lengths(text)
    return bisect_right(lengths, found[0]) - 1, bisect_left(lengths, found[1])


def _lengths(text: str) -> list[int]:
    """How long each beginning of a text is in Python's signs."""
    return [len(as_python(text[:length])) for length in range(len(text) + 1)]


def _narrowed(text: str, place: tuple[int, int], fault: SyntaxError) -> tuple[int, int]:
    """The sign at which Python's parser gave up, counted in the signs that were typed."""
    begin, end = place
    piece = text[begin:end]
    typed = _lengths(piece)
    at = bisect_left(typed, max(0, (fault.offset or 1) - 1))
    last = bisect_left(typed, max(0, (fault.end_offset or fault.offset or 1) - 1))
    at = min(at, len(piece) - 1)
    return begin + at, begin + min(len(piece), max(at + 1, last))
