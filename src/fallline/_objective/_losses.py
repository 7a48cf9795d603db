"""The losses a neuron can be fitted with, by name: PyTorch's own, all of them means over rows."""

from dataclasses import dataclass

from fallline._errors import OptionError, near


@dataclass(frozen=True)
class LossKind:
    """What has to be known of a loss beside its value.

    ``curvature_bound`` is the largest second derivative of one row's loss with respect to the model's output:
    with it the Hessian is at most ``curvature_bound · X̃ᵀX̃/N`` anywhere. None where the loss has a kink.
    """

    name: str
    torch_class: str
    title: str
    curvature_bound: float | None


LOSSES = {
    kind.name: kind
    for kind in (
        LossKind("mse", "MSELoss", "mean squared error", 2.0),
        LossKind("mae", "L1Loss", "mean absolute error", None),
        LossKind("huber", "HuberLoss", "Huber loss", 1.0),
        LossKind("bce", "BCEWithLogitsLoss", "binary cross-entropy", 0.25),
    )
}


def loss_kind(name: str) -> LossKind:
    """The loss with this name.

    >>> loss_kind("bce").torch_class
    'BCEWithLogitsLoss'
    """
    kind = LOSSES.get(name.lower())
    if kind is None:
        raise OptionError(f'There is no loss "{name}": use one of {", ".join(LOSSES)}.{near(name, list(LOSSES))}')
    return kind
