"""Sentences set for a page: what belongs together stays on one line."""

import re

_TOGETHER = re.compile(r"(?<=\d) (?=%)|(?<=[×±]) (?=[\d.])")


def typeset(text: str) -> str:
    """The same text with no line break inside ``4.3 %``, ``× 3.4`` and ``± 0.1``.

    >>> typeset("4.3 % is left, × 3.4")
    '4.3\\xa0% is left, ×\\xa03.4'
    """
    return _TOGETHER.sub("\u00a0", text)
