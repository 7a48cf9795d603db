"""A table made ready for the loop: scaled, cast, with its exact quadratic where it has one."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from fallline._data import Table, identity_scaling, standardise
from fallline._errors import DataError, OptionError
from fallline._objective import LossKind, Objective, loss_kind
from fallline._quadratic import Quadratic
from fallline._records import Floats, Moments, Sample, Scaling

KEPT_NUMBERS = 200_000
"""A run keeps all its rows up to this many numbers (1.6 MB), beyond that an even sample of them."""

MARGIN = 16
"""A residual may be a few times as large as the numbers that it comes from."""

DTYPES = {"float32": torch.float32, "float64": torch.float64}


@dataclass(frozen=True)
class Problem:
    """What a neuron is fitted to: rows in the training scale and the loss."""

    kind: LossKind
    scaling: Scaling
    parameter_names: tuple[str, ...]
    """``w`` and ``b`` for one feature, else ``w_<feature>`` … and ``b``."""
    features: Tensor
    """[N, D] in the training scale and dtype."""
    target: Tensor
    """[N, 1]"""
    moments: Moments | None = None
    """Of rows that are not all here: a stored run keeps the moments of all, and a sample of the rows."""

    @property
    def rows(self) -> int:
        """N."""
        return len(self.features)

    def loss_fn(self) -> torch.nn.Module:
        """PyTorch's own loss module, a mean over rows."""
        module: torch.nn.Module = getattr(torch.nn, self.kind.torch_class)()
        return module

    @cached_property
    def features64(self) -> Floats:
        """[N, D] the numbers the loop sees, widened to float64."""
        return np.asarray(self.features.double().numpy())

    @cached_property
    def target64(self) -> Floats:
        """[N]"""
        return np.asarray(self.target[:, 0].double().numpy())

    @cached_property
    def quadratic(self) -> Quadratic | None:
        """The exact objective where the loss is the square, else None."""
        if self.kind.name != "mse":
            return None
        if self.moments is not None:
            return Quadratic(self.moments)
        return Quadratic.from_data(self.features64, self.target64, eps=self.eps)

    @cached_property
    def objective(self) -> Quadratic | Objective:
        """The mean loss over all rows as a function of the parameters, in float64."""
        if self.quadratic is not None:
            return self.quadratic
        return neuron_objective(self.kind, self.features64, self.target64)

    @cached_property
    def feature_moments(self) -> Floats:
        """X̃ᵀX̃/N [P, P]: times the loss's curvature bound, it bounds the Hessian anywhere."""
        if self.quadratic is not None:
            return self.quadratic.hessian() / 2
        X = np.column_stack((self.features64, np.ones(self.rows)))
        return np.asarray(X.T @ X / self.rows)

    @property
    def feature_rms(self) -> Floats:
        """[P] root mean square of each feature, 1 for the bias."""
        return np.asarray(np.sqrt(np.diag(self.feature_moments)))

    @cached_property
    def target_rms(self) -> float:
        """Root mean square of the target."""
        return float(np.sqrt(np.mean(self.target64**2)))

    @property
    def eps(self) -> float:
        """Of the training dtype."""
        return float(torch.finfo(self.features.dtype).eps)

    def sample(self) -> Sample:
        """The rows that the record keeps."""
        width = self.features.shape[1] + 1
        most = max(2, KEPT_NUMBERS // width)
        if self.rows <= most:
            return Sample(self.features64, self.target64, complete=True)
        rows = np.linspace(0, self.rows - 1, most).astype(np.int64)
        return Sample(self.features64[rows], self.target64[rows], complete=False)


def neuron_objective(kind: LossKind, features: Floats, target: Floats) -> Objective:
    """A neuron's mean loss over these rows [N, D], [N] as a function of its parameters, in float64."""
    # skip_init draws no random start: the program's random state stays, and the parameters are given anyway.
    make = torch.nn.utils.skip_init
    model = make(torch.nn.Linear, features.shape[1], 1, dtype=torch.float64)  # type: ignore[no-untyped-call]
    loss_fn = getattr(torch.nn, kind.torch_class)()
    return Objective(model, loss_fn, torch.tensor(features), torch.tensor(target).unsqueeze(1))


def make_problem(table: Table, *, loss: str, standardised: bool, dtype: str) -> Problem:
    """Scale and cast a table; refuse what this loss cannot be fitted to."""
    kind = loss_kind(loss)
    if dtype not in DTYPES:
        raise OptionError(f'There is no dtype "{dtype}" here: use float32 or float64.')
    if kind.name == "bce":
        _demand_classes(table)
    if standardised:
        features, scaling = standardise(table.feature_columns)
    else:
        features, scaling = table.features, identity_scaling(table.features.shape[1])
    _demand_range(table, features, kind, dtype)
    return Problem(
        kind=kind,
        scaling=scaling,
        parameter_names=parameter_names(table.feature_names),
        # Row by row as a script's own tensor, strides included: products round differently on other layouts.
        features=torch.tensor(np.ravel(features), dtype=DTYPES[dtype]).view(features.shape),
        target=torch.tensor(table.target, dtype=DTYPES[dtype]).unsqueeze(1),
    )


def parameter_names(features: tuple[str, ...]) -> tuple[str, ...]:
    """What the parameters of a neuron on these features are called.

    >>> parameter_names(("x",)), parameter_names(("age", "height"))
    (('w', 'b'), ('w_age', 'w_height', 'b'))
    """
    return ("w", "b") if len(features) == 1 else (*(f"w_{name}" for name in features), "b")


def _demand_classes(table: Table) -> None:
    other = table.target[(table.target != 0) & (table.target != 1)]
    if other.size:
        raise DataError(
            f'The loss bce needs a target of 0 and 1, but "{table.target_name}" holds {other[0]:g} '
            f"(and {other.size - 1} other such values). Choose a 0/1 column, or another loss (mse, mae, huber)."
        )


def _demand_range(table: Table, features: Floats, kind: LossKind, dtype: str) -> None:
    """Refuse columns that the dtype cannot hold, or, for the square, whose squares it cannot add up."""
    largest = float(np.finfo(dtype).max)
    columns = zip((*table.feature_names, table.target_name), (*features.T, table.target), strict=True)
    for name, values in columns:
        size = max(float(values.max()), -float(values.min()))
        squared = kind.name == "mse"
        if not (len(values) * size**2 * MARGIN < largest if squared else size * MARGIN < largest):
            needs = f"the squares of {len(values):,} such values do not fit" if squared else "it does not fit"
            remedy = 'use --dtype float64 (in Python dtype="float64"), or ' if dtype == "float32" else ""
            raise DataError(
                f'Column "{name}" holds {size:.4g} (in the training scale), too large to train on in {dtype}: '
                f"{needs}. To train on it, {remedy}change its unit."
            )
