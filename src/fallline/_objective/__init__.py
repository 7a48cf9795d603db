"""The narrow waist: a model, a loss function and data as a function of one flat parameter vector."""

from fallline._objective._layout import ParameterPart, Role
from fallline._objective._losses import LOSSES, LossKind, loss_kind
from fallline._objective._objective import Objective
from fallline._objective._products import HessianProducts

__all__ = ["LOSSES", "HessianProducts", "LossKind", "Objective", "ParameterPart", "Role", "loss_kind"]
