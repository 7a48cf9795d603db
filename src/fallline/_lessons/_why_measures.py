"""What a chapter may quote of the experiments of ``fl.why``."""

from collections.abc import Mapping
from typing import Any

from fallline._lessons._chapter_words import Measured, Rate, Share
from fallline._question import why
from fallline._records import Answer
from fallline._why import Method

KEYS: Mapping[Method, str] = {
    Method.GRADIENT: "gradient",
    Method.DIFFERENCES: "differences",
    Method.RANDOM: "random",
    Method.COORDINATE: "coordinate",
}


def why_measures(question: str, settings: Mapping[str, Any]) -> Mapping[str, Measured]:
    """The numbers of one experiment by name.

    Args:
        settings: ``price`` of a gradient (``derivative``); measured on this machine unless told.
    """
    price = settings.get("price")
    answer = why(question, price=float(price)) if price is not None else why(question)
    return {"minus": _minus, "derivative": _derivative}[question](answer)


def _minus(answer: Answer) -> Mapping[str, Measured]:
    numbers: Mapping[str, Any] = answer.numbers
    found: dict[str, Measured | None] = {
        "rate": Rate(numbers["rate"]),
        "minus_loss_last": float(numbers["minus_losses"][-1]),
        "plus_doubled_after": numbers["plus_doubled_after"],
        "plus_not_finite_after": numbers["plus_not_finite_after"],
        "plus_growth": numbers["plus_growth"],
    }
    return {name: value for name, value in found.items() if value is not None}


def _derivative(answer: Answer) -> Mapping[str, Measured]:
    numbers: Mapping[str, Any] = answer.numbers
    found: dict[str, Measured] = {"budget": int(numbers["budget"])}
    for race in numbers["races"]:
        size = race["parameters"]
        found["price"] = Rate(race["price"].ratio)
        found[f"random_win_{size}"] = Share(race["directions"].mean_part)
        for spent in race["methods"]:
            key = KEYS[spent["method"]]
            if spent["passes_to_goal"] is not None:
                found[f"{key}_passes_{size}"] = int(spent["passes_to_goal"])
            if key in ("gradient", "random"):
                found[f"{key}_left_{size}"] = Share(spent["excess_left"])
    return found
