"""What was measured of a Hessian: plain frozen data."""

import math
from dataclasses import dataclass, field
from typing import Literal

from fallline._records._read_only import ReadOnlyArrays
from fallline._records._run import Floats, LimitKind


@dataclass(frozen=True, eq=False)
class Sharpness(ReadOnlyArrays):
    """The largest eigenvalue of a Hessian; docs/semantics.md#curvature."""

    value: float
    """At most the true one, but for rounding."""
    error: float
    """The true one is at most this far above ``value`` (and within rounding below it), as ``error_kind`` says."""
    products: int
    """Hessian-vector products it took; 0 where the whole Hessian was at hand."""
    vector: Floats = field(repr=False)
    """[P] its eigenvector, of length 1; with a preconditioner that of P⁻¹H."""
    converged: bool
    """Whether ``error`` is within the tolerance that was asked for, or is rounding."""
    preconditioned: bool
    error_kind: Literal["bound", "estimate"] = "estimate"
    """``bound``: it holds for every Hessian, in 999 of 1,000 random starts. ``estimate``: it rests on the gap to the
    next eigenvalue, of which only an approximation is known."""
    sample_products: int = 0
    """Products with the Hessian of a part of the rows, for a start, beside ``products``."""

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
    """How far the true trace may be from ``value``, as ``error_kind`` says."""
    products: int
    converged: bool
    """Whether ``error`` is within the tolerance that was asked for, or is rounding."""
    error_kind: Literal["standard error", "rounding"] = "standard error"
    """``standard error``: two times out of three the true trace is within it. ``rounding``: the whole diagonal was
    added up, and the true trace is within it."""


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


@dataclass(frozen=True, eq=False)
class OptimizerLimit:
    """The limit of one optimizer, beside the rate that it runs at."""

    optimizer: str
    """Its class."""
    learning_rate: float
    """Of its first group."""
    limit: StabilityLimit

    @property
    def share(self) -> float | None:
        """The learning rate over the limit; None where there is none."""
        return None if self.limit.value is None else self.learning_rate / self.limit.value


@dataclass(frozen=True, eq=False)
class CurvatureSlice(ReadOnlyArrays):
    """The loss along one eigenvector, measured, and what slope and eigenvalue make of it."""

    name: str
    """``sharpest``, ``lowest``."""
    eigenvalue: float
    slope: float
    """Of the loss along it, where the parameters stand."""
    at: Floats
    """[n] how far from there, in units of length of the parameters."""
    loss: Floats
    """[n]"""


@dataclass(frozen=True, eq=False)
class Curvature:
    """How the loss of a model curves at one place: everything that ``fl.curvature`` measures."""

    name: str
    parameters: int
    """P"""
    rows: int | None
    """None for a loss function without rows."""
    batches: int | None
    loss: float
    sharpness: Sharpness
    spectrum: Spectrum
    trace: Trace
    limits: tuple[OptimizerLimit, ...]
    """In the order of the optimizers that were given."""
    shares: tuple[tuple[str, float], ...]
    """For each tensor its part of the sharpest direction's squared length; empty where there are no tensors."""
    slices: tuple[CurvatureSlice, ...]
    notes: tuple[str, ...]
    """What was done with normalisation layers, dropout, parameters held constant."""

    @property
    def products(self) -> int:
        """Hessian-vector products in all."""
        measured = [self.sharpness.products, self.spectrum.products, self.trace.products]
        of_limits = [each.limit.sharpness.products for each in self.limits if each.limit.sharpness is not None]
        return sum(measured) + sum(of_limits)

    def __repr__(self) -> str:
        return f"<Curvature {self.name}: sharpness {self.sharpness.value:.4g}, {self.products} products>"
