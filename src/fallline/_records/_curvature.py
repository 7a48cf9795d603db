"""What was measured of a Hessian: plain frozen data."""

import math
from dataclasses import dataclass, field

from fallline._records._read_only import ReadOnlyArrays
from fallline._records._run import Floats, LimitKind


@dataclass(frozen=True, eq=False)
class Sharpness(ReadOnlyArrays):
    """The largest eigenvalue of a Hessian; docs/semantics.md#curvature."""

    value: float
    """At most the true one, but for rounding."""
    error: float
    """The true one is at most this far above ``value`` (and within rounding below it)."""
    products: int
    """Hessian-vector products it took; 0 where the whole Hessian was at hand."""
    vector: Floats = field(repr=False)
    """[P] its eigenvector, of length 1; with a preconditioner that of P⁻¹H."""
    converged: bool
    """Whether ``error`` is within the tolerance that was asked for, or is rounding."""
    preconditioned: bool

    @property
    def relative_error(self) -> float:
        """``error`` over the value's size; infinite for a value of 0 that has an error."""
        if self.error == 0:
            return 0.0
        return self.error / abs(self.value) if self.value != 0 else math.inf


@dataclass(frozen=True, eq=False)
class Spectrum(ReadOnlyArrays):
    """Both ends of a Hessian's eigenvalues; docs/semantics.md#curvature."""

    largest: Floats
    """[k] falling"""
    smallest: Floats
    """[k] rising"""
    vectors_largest: Floats = field(repr=False)
    """[k, P] eigenvectors of length 1"""
    vectors_smallest: Floats = field(repr=False)
    """[k, P]"""
    errors_largest: Floats
    """[k] an eigenvalue lies within this of each: the length of Hv − λv, and rounding."""
    errors_smallest: Floats
    """[k]"""
    products: int
    converged: bool
    """Whether every error is within the tolerance, and a search from a fresh start found nothing farther out."""


@dataclass(frozen=True)
class Trace:
    """The sum of a Hessian's eigenvalues."""

    value: float
    error: float
    """Standard error of ``value``: two times out of three the true trace is within it."""
    products: int
    converged: bool
    """Whether the standard error is within the tolerance that was asked for."""


@dataclass(frozen=True, eq=False)
class StabilityLimit:
    """The largest stable learning rate of an optimizer as it stands; docs/semantics.md#stability-limit."""

    value: float | None
    """None where there is none, or none is known; ``why`` says which."""
    kind: LimitKind | None
    sharpness: Sharpness | None
    """Of H, or of P⁻¹H where the kind is a frozen preconditioner; None where nothing was measured."""
    why: str
    """What the number rests on, or why there is none: one sentence."""
