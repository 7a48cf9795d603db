"""A table made ready for the loop: scaled, cast, with its exact quadratic where it has one."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fallline._data import Table, TableMoments, identity_scaling, standardise
from fallline._descent import Batches, descend
from fallline._errors import DataError, OptionError
from fallline._objective import LossKind, loss_kind
from fallline._problem._neuron_objective import NeuronObjective
from fallline._problem._protocol import Origin
from fallline._problem._start import DTYPES, starting_neuron
from fallline._quadratic import Quadratic
from fallline._reach import change_rounding
from fallline._records import Floats, Sample, Scaling, Step

KEPT_NUMBERS = 200_000
"""A run keeps all its rows up to this many numbers (1.6 MB), beyond that an even sample of them."""

MARGIN = 16
"""A residual may be a few times as large as the numbers that it comes from."""


@dataclass(frozen=True, eq=False)
class AllRows:
    """What is known of all rows where only a sample of them is here."""

    rows: int
    quadratic: Quadratic | None
    target_rms: float | None = None


@dataclass(frozen=True, eq=False)
class NeuronProblem:
    """What a neuron is fitted to: rows in the training scale and the loss."""

    name: str
    kind: LossKind
    scaling: Scaling
    parameter_names: tuple[str, ...]
    """``w`` and ``b`` for one feature, else ``w_<feature>`` … and ``b``."""
    features: Tensor
    """[N, D] in the training scale and dtype."""
    target: Tensor
    """[N, 1]"""
    table: Table | TableMoments | None = None
    """Where the rows came from; None for those of a record."""
    recorded_origin: Origin | None = None
    """What a record says of that."""
    all_rows: AllRows | None = None
    """Where ``features`` and ``target`` are a sample: of a stored run, of a table that was only read through."""

    @property
    def loss_name(self) -> str:
        """``mse``, ``mae``, ``huber`` or ``bce``."""
        return self.kind.name

    @property
    def formula(self) -> None:
        """A neuron has rows."""

    @property
    def rows(self) -> int:
        """N."""
        return len(self.features) if self.all_rows is None else self.all_rows.rows

    @property
    def dtype(self) -> str:
        """Of the loop."""
        return str(self.features.dtype).removeprefix("torch.")

    @property
    def eps(self) -> float:
        """Of the training dtype."""
        return float(torch.finfo(self.features.dtype).eps)

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
        if self.all_rows is not None and self.all_rows.quadratic is not None:
            return self.all_rows.quadratic
        return Quadratic.from_data(self.features64, self.target64, eps=self.eps)

    @cached_property
    def objective(self) -> Quadratic | NeuronObjective:
        """The mean loss over all rows as a function of the parameters, in float64."""
        return self._over_rows if self.quadratic is None else self.quadratic

    @cached_property
    def _over_rows(self) -> NeuronObjective:
        return NeuronObjective(self.kind, self.features64, self.target64)

    @cached_property
    def feature_moments(self) -> Floats:
        """X̃ᵀX̃/N [P, P]: times the loss's curvature bound, it bounds the Hessian anywhere."""
        if self.quadratic is not None:
            return self.quadratic.hessian() / 2
        X = np.column_stack((self.features64, np.ones(len(self.features64))))
        return np.asarray(X.T @ X / len(X))

    @cached_property
    def curvature_bound(self) -> float | None:
        """On the Hessian's largest eigenvalue at any parameters; exact for the square, None for a loss with a kink."""
        bound = self.kind.curvature_bound
        return None if bound is None else bound * float(np.linalg.eigvalsh(self.feature_moments)[-1])

    @property
    def curves(self) -> bool:
        """False for a loss made of straight pieces."""
        return self.kind.curvature_bound is not None

    @property
    def feature_rms(self) -> Floats:
        """[P] root mean square of each feature, 1 for the bias."""
        return np.asarray(np.sqrt(np.diag(self.feature_moments)))

    @cached_property
    def target_rms(self) -> float:
        """Root mean square of the target."""
        if self.all_rows is not None and self.all_rows.target_rms is not None:
            return self.all_rows.target_rms
        return float(np.sqrt(np.mean(self.target64**2)))

    @property
    def origin(self) -> Origin:
        """The table's own, or what the record says."""
        if self.recorded_origin is not None:
            return self.recorded_origin
        if self.table is None:
            raise ValueError("these rows were given without a table")
        table = self.table
        return Origin(table.source, table.source_hash, table.target_name, table.feature_names, table.notes)

    def loss_fn(self) -> torch.nn.Module:
        """PyTorch's own loss module, a mean over rows."""
        module: torch.nn.Module = getattr(torch.nn, self.kind.torch_class)()
        return module

    def starting_point(self, start: Mapping[str, float] | None, *, seed: int) -> Floats:
        """[P] the neuron's parameters before the first step, weights, then the bias."""
        model = self.starting_model(start, seed=seed)
        return np.array([*model.weight.detach()[0].tolist(), model.bias.item()])

    def starting_model(self, start: Mapping[str, float] | None, *, seed: int) -> torch.nn.Linear:
        """A neuron with PyTorch's random start for this seed, and ``start`` in it."""
        drawn = self.table.drawn if self.table is not None and self.table.seed == seed else 0
        return starting_neuron(self.parameter_names, start, seed=seed, dtype=self.dtype, drawn=drawn)

    def usual_place(self) -> Floats:
        """[P] the optimum, or the start of seed 0."""
        return self.starting_point(None, seed=0) if self.quadratic is None else self.quadratic.optimum

    def batches(self, size: int | None, seed: int) -> Batches | None:
        """Rows cut into batches; None where only a sample of them is here, which is never trained on."""
        if self.rows != len(self.features):
            return None
        return self._batches(size, seed)

    def _batches(self, size: int | None, seed: int) -> Batches:
        return Batches(self.features, self.target, size=size, seed=seed)

    def batch_rows(self, size: int, seed: int, epoch: int) -> list[NDArray[np.int64]]:
        """The rows of each batch of this epoch, as the loop takes them."""
        return [rows.numpy() for rows in self._batches(size, seed).indices(epoch)]

    def batch_gradient(self, parameters: Floats, rows: NDArray[np.int64]) -> Floats:
        """[B, P] gradient of the mean loss over these rows at ``parameters`` [B, P], in float64."""
        return self._over_rows.gradient(parameters, rows)

    def batch_change(self, rows: NDArray[np.int64], before: Floats, after: Floats) -> tuple[float, float | None]:
        """Change of the mean loss over these rows; under the square mean(p (2r + p)) and 2·mean(p²).

        p is the prediction's change and r the residual before.
        """
        if self.quadratic is None:
            return float(self._over_rows.change(before, after, rows)[0]), None
        X, y = self.features64[rows], self.target64[rows]
        residual = X @ before[:-1] + before[-1] - y
        change = X @ (after - before)[:-1] + (after - before)[-1]
        return float(np.mean(change * (2 * residual + change))), 2 * float(np.mean(change**2))

    def descend(
        self,
        model: torch.nn.Module,
        batches: Batches | None,
        optimizer: torch.optim.Optimizer,
        *,
        epochs: int,
        scheduler: torch.optim.lr_scheduler.LRScheduler | None = None,
    ) -> Iterator[Step]:
        """The loop over these batches; over all rows at once where there are none."""
        chosen = self._batches(None, 0) if batches is None else batches
        return descend(model, self.loss_fn(), chosen, optimizer, epochs=epochs, scheduler=scheduler)

    def change_rounding(self, before: Floats, update: Floats, loss: Floats) -> Floats:
        """[T] from the sizes of features and target."""
        del before
        target_rms = self.target_rms if self.quadratic is not None else None
        return change_rounding(update, loss, feature_rms=self.feature_rms, target_rms=target_rms, eps=self.eps)

    def sample(self) -> Sample:
        """The rows that the record keeps."""
        here = len(self.features)
        most = max(2, KEPT_NUMBERS // (self.features.shape[1] + 1))
        if here <= most:
            return Sample(self.features64, self.target64, complete=here == self.rows)
        rows = np.linspace(0, here - 1, most).astype(np.int64)
        return Sample(self.features64[rows], self.target64[rows], complete=False)

    def separates(self, parameters: Floats) -> bool:
        """True where this neuron parts the classes, or the single feature's values do."""
        if self.kind.name != "bce":
            return False
        is_one = self.target64 == 1
        scores = self.features64 @ parameters[:-1] + parameters[-1]
        for values in (scores, *(self.features64.T if self.features64.shape[1] == 1 else ())):
            low, high = values[~is_one], values[is_one]
            if low.size and high.size and (low.max() < high.min() or high.max() < low.min()):
                return True
        return False


def make_problem(table: Table, *, loss: str, standardised: bool, dtype: str) -> NeuronProblem:
    """Scale and cast a table; refuse what this loss cannot be fitted to."""
    kind = loss_kind(loss)
    check_dtype(dtype)
    if kind.name == "bce":
        _demand_classes(table)
    if standardised:
        features, scaling = standardise(table.feature_columns)
    else:
        features, scaling = table.features, identity_scaling(table.features.shape[1])
    _demand_range(table, features, kind, dtype)
    return NeuronProblem(
        name=table.name,
        kind=kind,
        scaling=scaling,
        parameter_names=parameter_names(table.feature_names),
        # Row by row as a script's own tensor, strides included: products round differently on other layouts.
        features=torch.tensor(np.ravel(features), dtype=DTYPES[dtype]).view(features.shape),
        target=torch.tensor(table.target, dtype=DTYPES[dtype]).unsqueeze(1),
        table=table,
    )


def make_problem_of_moments(gathered: TableMoments, *, standardised: bool, dtype: str) -> NeuronProblem:
    """The problem of a table that was read through once: its parabola, and a sample of its rows."""
    check_dtype(dtype)
    features = len(gathered.feature_names)
    scaling = gathered.scaling if standardised else identity_scaling(features)
    shift, scale = np.array(scaling.shift), np.array(scaling.scale)
    ends = [(values[:-1] - shift) / scale for values in (gathered.low, gathered.high)]
    extremes = np.column_stack((np.array(ends), (gathered.low[-1], gathered.high[-1])))  # [2, D + 1]
    names = (*gathered.feature_names, gathered.target_name)
    _demand_sizes(names, np.abs(extremes).max(axis=0), gathered.rows, loss_kind("mse"), dtype)
    sample = (gathered.sample_features - shift) / scale
    return NeuronProblem(
        name=gathered.name,
        kind=loss_kind("mse"),
        scaling=scaling,
        parameter_names=parameter_names(gathered.feature_names),
        features=torch.tensor(sample, dtype=DTYPES[dtype]),
        target=torch.tensor(gathered.sample_target, dtype=DTYPES[dtype]).unsqueeze(1),
        table=gathered,
        all_rows=AllRows(
            gathered.rows,
            Quadratic.from_moments(gathered.center, gathered.covariance, scaling),
            float(np.sqrt(gathered.covariance[-1, -1] + gathered.center[-1] ** 2)),
        ),
    )


def check_dtype(dtype: str) -> None:
    """Refuse what is neither of the two."""
    if dtype not in DTYPES:
        raise OptionError(f'There is no dtype "{dtype}" here: use float32 or float64.')


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
    sizes = [max(float(values.max()), -float(values.min())) for values in (*features.T, table.target)]
    _demand_sizes((*table.feature_names, table.target_name), sizes, table.rows, kind, dtype)


def _demand_sizes(
    names: tuple[str, ...], sizes: Sequence[float] | Floats, rows: int, kind: LossKind, dtype: str
) -> None:
    largest = float(np.finfo(dtype).max)
    for name, size in zip(names, map(float, sizes), strict=True):
        squared = kind.name == "mse"
        if not (rows * size**2 * MARGIN < largest if squared else size * MARGIN < largest):
            needs = f"the squares of {rows:,} such values do not fit" if squared else "it does not fit"
            remedy = 'use --dtype float64 (in Python dtype="float64"), or ' if dtype == "float32" else ""
            raise DataError(
                f'Column "{name}" holds {size:.4g} (in the training scale), too large to train on in {dtype}: '
                f"{needs}. To train on it, {remedy}change its unit."
            )
