"""An objective whose Hessian-vector products are told one by one, for whoever shows how far the work has come."""

from collections.abc import Callable

import torch
from numpy.typing import ArrayLike
from torch import Tensor

from fallline._objective import HessianProducts, Objective

Tell = Callable[[], None]


class Counted(Objective):
    """The same objective, sharing everything it has; ``tell`` is called after each product."""

    def __init__(self, objective: Objective, tell: Tell) -> None:
        self.__dict__.update(objective.__dict__)
        self._tell = tell

    def products(self, parameters: ArrayLike, dtype: torch.dtype | None = None, *, step: int = 1) -> HessianProducts:
        """Those of the objective, told."""
        return _CountedProducts(super().products(parameters, dtype, step=step), self._tell)


class _CountedProducts(HessianProducts):
    def __init__(self, products: HessianProducts, tell: Tell) -> None:
        self.__dict__.update(products.__dict__)
        self._tell = tell

    def times(self, vector: Tensor) -> Tensor:
        found = super().times(vector)
        self._tell()
        return found
