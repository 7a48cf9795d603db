"""A chapter's settings and controls, checked as the page they are for would: before anybody opens it.

Nothing here loads torch. What only a run can tell (an optimizer's name, a formula, a start of another length) is told
when the chapter is first asked for.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from fallline._desk._compare_settings import read_compare_settings
from fallline._desk._reading import known_keys, mapping, real, word
from fallline._desk._settings import LARGEST_NUMBER, read_settings
from fallline._errors import OptionError, near
from fallline._lessons._watched_settings import read_watched

CONTROLS = (
    "data", "noise", "points", "outliers", "slope", "intercept", "table", "target", "features",
    "formula", "optimizer", "learning_rate", "optimizer_options",
    "training", "epochs", "start", "batch_size", "loss", "standardise", "seed",
)  # fmt: skip
"""Groups and fields of the pages neuron and formulas; the other pages have theirs whole, or none."""
_LATER = ("optimizer",)
"""Settings whose words only torch knows."""


def check_settings(page: str, settings: Mapping[str, Any], why: str | None) -> None:
    """Refuse settings that the page would refuse.

    Raises:
        OptionError: a key, type or number that cannot be, in one sentence.

    >>> check_settings("neuron", {"learning_rate": 0.1}, None)
    """
    given = mapping(settings, "The settings")
    if why is not None:
        known_keys(given, ("price",), f'setting of why = "{why}"')
        if settings.get("price") is not None:
            real(settings["price"], "The price of a gradient", 1.0, LARGEST_NUMBER)
        return
    if page in ("neuron", "formulas"):
        _check_descent(page, settings)
    elif page == "compare":
        read_compare_settings(dict(settings))
    elif page == "watched":
        read_watched(dict(settings))
    else:
        known_keys(given, ("expression", "at", "vector"), "setting")


def _check_descent(page: str, settings: Mapping[str, Any]) -> None:
    for name in _LATER:
        if settings.get(name) is not None:
            word(settings[name], f"The {name}")
    if page == "neuron" and settings.get("formula") is not None:
        raise OptionError('The page neuron has no formula: that is page = "formulas".')
    usual = {"formula": "parabola"} if page == "formulas" else {}
    read_settings({**usual, **{key: value for key, value in settings.items() if key not in _LATER}})


def check_controls(page: str, controls: Sequence[str]) -> None:
    """Refuse controls that the page does not have.

    Raises:
        OptionError: with what was probably meant.

    >>> check_controls("formulas", ["start"])
    """
    if page not in ("neuron", "formulas"):
        if controls:
            raise OptionError(f"The page {page} has its controls whole or, with [], none.")
        return
    for name in controls:
        if name not in CONTROLS:
            raise OptionError(f'There is no control "{name}".{near(name, list(CONTROLS))}')
