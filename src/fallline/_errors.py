"""The errors a user can meet. Each message says what was expected, what arrived, and what to do."""


class FalllineError(Exception):
    """Anything fallline refuses to do. Its message is one clear sentence for the user."""


class DataError(FalllineError):
    """A table, column or value that cannot be used."""


class OptionError(FalllineError):
    """A setting (rate, optimizer, loss, start …) that cannot be used."""


class RunFileError(FalllineError):
    """A run file that cannot be read or written."""


class FalllineWarning(UserWarning):
    """Something could not be measured or written; the program it was asked about goes on."""


def near(name: str, known: list[str]) -> str:
    """A suggestion for a misspelt name, ready to append to a sentence; empty where nothing is near.

    >>> near("flipper_lenght_mm", ["species", "flipper_length_mm"])
    ' Did you mean "flipper_length_mm"?'
    >>> near("zzz", ["species"])
    ''
    """
    from difflib import SequenceMatcher, get_close_matches  # noqa: PLC0415  (only needed once something is wrong)

    folded = {candidate.casefold(): candidate for candidate in known}
    matches = get_close_matches(name.casefold(), list(folded), n=2, cutoff=0.6)
    if not matches:
        return ""
    closeness = [SequenceMatcher(a=name.casefold(), b=match).ratio() for match in matches]
    matches = [match for match, close in zip(matches, closeness, strict=True) if close > closeness[0] - 0.1]
    return " Did you mean " + " or ".join(f'"{folded[match]}"' for match in matches) + "?"
