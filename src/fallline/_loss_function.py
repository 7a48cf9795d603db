"""The narrow waist itself: what every objective offers, whatever it is made of."""

from typing import Protocol

from fallline._records import Floats


class LossFunction(Protocol):
    """A loss as a function of one flat parameter vector, evaluated for many vectors at once, in float64.

    :class:`Objective` (any model, by PyTorch), :class:`fallline._quadratic.Quadratic` (exact, from moments) and
    :class:`fallline._formulas.Formula` (textbook surfaces) offer it.
    """

    @property
    def parameter_count(self) -> int:
        """P"""

    @property
    def optimum(self) -> Floats | None:
        """[P] where the loss is lowest, None where that is not known beforehand."""

    @property
    def floor(self) -> float | None:
        """The lowest loss there is, None where that is not known beforehand."""

    def loss(self, parameters: Floats, /) -> Floats:
        """[B] mean loss over all rows at ``parameters`` [B, P]."""

    def gradient(self, parameters: Floats, /) -> Floats:
        """[B, P] its gradient."""

    def hessian(self, parameters: Floats, /) -> Floats:
        """[P, P] its second derivatives at one parameter vector [P]."""

    def change(self, before: Floats, after: Floats, /) -> Floats:
        """[B] loss at ``after`` minus loss at ``before`` [B, P], without the cancellation of two losses."""
