"""Errors are one family, and near names are suggested."""

import pytest

import fallline as fl
from fallline._errors import near


@pytest.mark.parametrize("error", [fl.DataError, fl.OptionError, fl.RunFileError])
def test_one_except_catches_them_all(error: type[Exception]) -> None:
    assert issubclass(error, fl.FalllineError)


def test_near_names_ignore_case_and_are_at_most_two() -> None:
    known = ["body_mass_g", "Flipper_Length_mm", "flipper_length_cm", "flipper_lengths"]
    said = near("FLIPPER_LENGTH_MM", known)
    assert '"Flipper_Length_mm"' in said
    assert said.count('"') == 4
    assert near("", known) == ""
    assert near("x", []) == ""
