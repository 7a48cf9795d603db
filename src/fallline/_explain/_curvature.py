"""What was measured of a Hessian, in plain words: sharpness, both ends of the spectrum, the trace, the limit."""

import math
from collections.abc import Sequence

from fallline._explain._numbers import count, listed, number, part_of, percent
from fallline._records import LimitKind, Sharpness, Spectrum, StabilityLimit, Trace
from fallline._wording import written

ROUNDING_SHARE = 1e-6
"""An error below this part of the value is not worth a word."""
SHOWN = 4
"""Significant figures of a measurement."""
Measured = Sharpness | Spectrum | Trace | StabilityLimit


def with_error(value: float, error: float) -> str:
    """A value with its error, to the error's first figure; without it where four figures are right.

    >>> with_error(12.34, 0.061), with_error(12.3412, 0.0001), with_error(1234567.0, 89000.0), with_error(1.0, math.inf)
    ('12.34 ± 0.06', '12.34', '1.23×10⁶ ± 90,000', '1.000 ± ∞')
    """
    if not error > 0:
        return number(value)
    if value == 0 or not math.isfinite(error):
        return f"{number(value)} ± {number(error, 1)}"
    digits = 1 + math.floor(math.log10(abs(value))) - math.floor(math.log10(error))
    return number(value) if digits > SHOWN else f"{number(value, max(digits, 1))} ± {number(error, 1)}"


def sharpness_sentences(found: Sharpness) -> list[str]:
    """How much the loss curves where it curves most, how well that is known, and what it allows."""
    what = "the largest eigenvalue of the Hessian"
    if found.preconditioned:
        what = "the largest eigenvalue of P⁻¹H, the Hessian as the optimizer's own scaling sees it"
    said = [f"The sharpness is {number(found.value)}: {what}. {_how_well(found)}"]
    if not found.converged:
        said.append("The error that was asked for was not reached: allow more products.")
    if found.preconditioned:
        return said
    if found.value <= found.error:
        return [*said, "Nothing curves upwards here beyond that error."]
    return [
        *said,
        f"Along that direction the slope changes by {number(found.value)} for each unit of length. Below a learning "
        f"rate of 2 / {number(found.value)} = {number(2 / found.value)} plain full-batch gradient descent is stable "
        "there; above it each step swings farther than the one before, for as long as the loss is this parabola.",
    ]


def _how_well(found: Sharpness) -> str:
    took = f"It took {count(found.products, 'Hessian-vector product')}" if found.products else "It was taken whole"
    if found.sample_products:
        took += f" (and {count(found.sample_products)} with a part of the rows, for a start)"
    share = found.relative_error
    if share <= ROUNDING_SHARE:
        return f"{took}; known to rounding."
    higher = number(found.error, 2) if share > 1 else percent(share)
    if found.error_kind == "bound":
        return f"{took}; the true value is at most {higher} higher (a bound)."
    return f"{took}; the true value is at most {higher} higher by estimate, which is no bound."


def spectrum_sentences(found: Spectrum) -> list[str]:
    """What the two ends of the spectrum say of the place."""
    top, low = float(found.largest[0]), float(found.smallest[0])
    ends = f"The largest eigenvalue of the Hessian is {number(top)}, the smallest {number(low)}. {_took(found)}"
    return [ends, *_apart(found), _shape(found)]


def _took(found: Spectrum) -> str:
    if not found.products:
        return "The whole Hessian was at hand."
    took = f"They took {count(found.products, 'Hessian-vector product')}"
    return f"{took}." if found.converged else f"{took}, and some are not yet as exact as asked: see their errors."


def _apart(found: Spectrum) -> list[str]:
    """How much sharper the sharpest direction is than the last one that was looked for."""
    last = len(found.largest) - 1
    if last < 1 or not found.largest[last] > found.errors_largest[last]:
        return []
    times = float(found.largest[0] / found.largest[last])
    place = _place(last + 1)
    if times < 1.05:
        return [f"The sharpest direction is not alone: the {place} largest eigenvalue is as large within 5 %."]
    return [f"The sharpest direction curves {number(times, 2)} times as much as the {place} sharpest."]


def _place(rank: int) -> str:
    """``5th``; of ordinary ranks."""
    ending = "th" if 10 <= rank % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(rank % 10, "th")
    return f"{rank}{ending}"


def _shape(found: Spectrum) -> str:
    """Bowl, trough or saddle, as far as the errors let it be told."""
    low, error = float(found.smallest[0]), float(found.errors_smallest[0])
    top = float(found.largest[0])
    if low < -error:
        down = int((found.smallest < -found.errors_smallest).sum())
        some = "One" if down == 1 else f"At least {down:,}"
        if top <= float(found.errors_largest[0]):
            return "No direction curves upwards: the loss bends down everywhere here."
        return (
            f"{some} of its directions curve{'s' if down == 1 else ''} downwards: no minimum lies here, and the "
            f"parabola of the loss has no bottom along {'it' if down == 1 else 'them'}."
        )
    if top <= float(found.errors_largest[0]) and low <= error:
        return "Both are 0 within their errors: the ground is straight."
    if low > error:
        return f"Every direction curves upwards: a bowl, its condition number {number(top / low, 3)}."
    return "The smallest is 0 within its error: along some direction the ground is straight."


def trace_sentences(found: Trace, parameters: int | None = None) -> list[str]:
    """The sum of the eigenvalues, its error, and what is left for a direction in the mean."""
    took = f"It took {count(found.products, 'Hessian-vector product')}." if found.products else "It was taken whole."
    exact = abs(found.error) <= ROUNDING_SHARE * abs(found.value)
    kind = "rounding" if found.error_kind == "rounding" else "a standard error: it holds two times out of three"
    error = "" if exact else f" ± {number(found.error, 2)} ({kind})"
    said = [f"The eigenvalues add up to {number(found.value)}{error}. {took}"]
    if not found.converged:
        said.append("The error that was asked for was not reached: allow more products.")
    if parameters is not None and parameters > 1:
        said.append(f"Over {parameters:,} directions that is a curvature of {number(found.value / parameters)} each.")
    return said


def limit_sentences(found: StabilityLimit, learning_rate: float | None = None, optimizer: str = "") -> list[str]:
    """The largest stable rate, what it rests on, and where the rate in use stands."""
    whose = f" of {optimizer}" if optimizer else ""
    if found.value is None:
        return [f"There is no stability limit{whose} to name. {found.why}"]
    said = [f"The stability limit{whose} is a learning rate of {number(found.value)}. {found.why}"]
    if learning_rate is None:
        return said
    straight = found.sharpness is not None and found.sharpness.value <= found.sharpness.error
    frozen = found.kind is LimitKind.FROZEN
    return [*said, share_sentence(found.value, learning_rate, frozen=frozen, straight=straight)]


def share_sentence(limit: float, learning_rate: float, *, frozen: bool, straight: bool = False) -> str:
    """Where a rate stands beside its limit; of a ``straight`` loss that is weight decay's.

    >>> share_sentence(0.02, 0.01, frozen=False)
    'The learning rate in use, 0.01, is 50 % of the limit: stable along the directions that curve upwards.'
    """
    share = learning_rate / limit
    head = f"The learning rate in use, {written(learning_rate)}, is {part_of(share, 'the limit')}"
    if straight:
        return f"{head}: " + ("stable here." if share < 1 else "each step swings farther than the one before.")
    if share < 1:
        return f"{head}: stable along the directions that curve upwards."
    if frozen:
        return f"{head}: it swings along the sharpest direction, until the preconditioner has grown."
    return (
        f"{head}: along the sharpest direction each step swings farther than the one before, until the loss there is "
        "no longer this parabola."
    )


def curvature_title(found: Measured) -> str:
    """The heading of its explanation."""
    if isinstance(found, Sharpness):
        return f"Sharpness {number(found.value)}"
    if isinstance(found, Spectrum):
        return f"Both ends of the Hessian's spectrum: {count(len(found.largest), 'eigenvalue')} each"
    if isinstance(found, Trace):
        return f"Trace of the Hessian {number(found.value)}"
    return "No stability limit" if found.value is None else f"Stability limit {number(found.value)}"


def curvature_sentences(found: Measured) -> list[str]:
    """Any of the four in words."""
    if isinstance(found, Sharpness):
        return sharpness_sentences(found)
    if isinstance(found, Spectrum):
        return spectrum_sentences(found)
    return trace_sentences(found) if isinstance(found, Trace) else limit_sentences(found)


def spectrum_rows(found: Spectrum) -> list[tuple[str, str, str, str]]:
    """A table: rank, the largest with its error, the rank from below, the smallest with its error."""
    head = ("", "largest", "", "smallest")
    ranks = range(len(found.largest))
    return [
        head,
        *(
            (
                _place(k + 1),
                with_error(float(found.largest[k]), float(found.errors_largest[k])),
                _place(k + 1),
                with_error(float(found.smallest[k]), float(found.errors_smallest[k])),
            )
            for k in ranks
        ),
    ]


def curvature_numbers(found: Measured | None) -> dict[str, object] | None:
    """The same for programs, without the vectors: docs/json.md; None where it was not measured."""
    if found is None:
        return None
    if isinstance(found, Sharpness):
        return {
            "value": found.value,
            "error": found.error,
            "products": found.products,
            "converged": found.converged,
            "preconditioned": found.preconditioned,
            "error_kind": found.error_kind,
            "sample_products": found.sample_products,
        }
    if isinstance(found, Trace):
        return {
            "value": found.value,
            "error": found.error,
            "products": found.products,
            "converged": found.converged,
            "error_kind": found.error_kind,
        }
    if isinstance(found, Spectrum):
        return {
            "largest": found.largest,
            "errors_largest": found.errors_largest,
            "smallest": found.smallest,
            "errors_smallest": found.errors_smallest,
            "products": found.products,
            "converged": found.converged,
        }
    return {
        "value": found.value,
        "kind": None if found.kind is None else found.kind.value,
        "why": found.why,
        "sharpness": curvature_numbers(found.sharpness),
    }


def parts_in_words(shares: Sequence[tuple[str, float]]) -> str:
    """Which tensors the sharpest direction moves, the largest parts of its squared length first; of one says nothing.

    >>> parts_in_words([("0.weight", 0.7), ("0.bias", 0.29), ("2.bias", 0.01)])
    'The sharpest direction lies in 0.weight (70 %) and 0.bias (29 %).'
    """
    most = sorted(shares, key=lambda pair: -pair[1])[:3]
    told = [f"{name} ({percent(share)})" for name, share in most if share >= 0.05]
    return f"The sharpest direction lies in {listed(told)}." if told and len(shares) > 1 else ""
