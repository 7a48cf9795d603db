"""What people type, as Python's parser reads it: the signs of a page become the signs of a program."""

import re
import unicodedata

SIGNS = str.maketrans({"^": "**", "−": "-", "–": "-", "·": "*", "⋅": "*", "×": "*", "÷": "/", "π": "pi"})
"""What people write, as Python writes it."""
RAISED = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
LONGEST_SHOWN = 80


def as_python(text: str) -> str:
    """The text with the signs that Python knows, and its letters as Python reads names.

    >>> as_python("(w − 3)² · 𝜋"), as_python("w⁻¹")
    ('(w - 3)**2 * pi', 'w**-1')
    """
    raised = re.sub("⁻?[⁰¹²³⁴⁵⁶⁷⁸⁹]+", lambda run: f"**{run[0].translate(RAISED)}", text)
    return unicodedata.normalize("NFKC", raised).translate(SIGNS)  # as Python does to names: 𝜋 is π


def unreadable_sign(text: str) -> str | None:
    """The first sign that has no picture, as its number: it would steer a terminal that quotes it; None for no such.

    >>> unreadable_sign("x + \\x1b[1m"), unreadable_sign("x +\\n y")
    ('U+001B', None)
    """
    for sign in text:
        if unicodedata.category(sign).startswith("C") and sign not in "\n\r\t":
            return f"U+{ord(sign):04X}"
    return None


def missing_sign(typed: str) -> str | None:
    """The product that was meant by a number in front of a name or bracket; None where there is none.

    >>> missing_sign("1 + 2w"), missing_sign("w2 + 1")
    ('2*w', None)
    """
    product = re.search(r"(?<![\w.])(\d+(?:\.\d+)?)\s*([^\W\d]\w*|\()", typed)
    return None if product is None else f"{product[1]}*{product[2]}"


def shortened(text: str) -> str:
    """At most so much of a text as a sentence can quote.

    >>> len(shortened("w + " * 50))
    78
    """
    return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 3]}…"
