"""The narrow waist: a model, a loss function and data as a function of one flat parameter vector."""

from fallline._objective._losses import LOSSES, LossKind, loss_kind
from fallline._objective._objective import Objective

__all__ = ["LOSSES", "LossKind", "Objective", "loss_kind"]
