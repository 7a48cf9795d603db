"""The largest eigenvalue of a network's Hessian on all 1,797 digits against PyHessian, and curvlinops with eigsh.

From a model and its data to the number. "To 1e-3" is the true error: PyHessian stops where two values in a row are
alike, so the loosest of some tolerances is taken at which it is within 1e-3 from three starts; at its own default of
1e-3 it is printed beside that, with its error. The truth is Lanczos in float64 to 1e-7.
"""

import importlib.util
import warnings
from collections.abc import Callable
from functools import partial
from itertools import cycle

import torch
from benchmarks._harness import Bar, Ratio, alternate, main
from benchmarks._one_thread import on_one_thread
from benchmarks._whole_digits import digits, trained
from torch import nn

import fallline as fl

TOLERANCE = 1e-3
PLACES = (("MLP", 0, 5), ("MLP", 100, 5), ("CNN", 100, 3))
"""Model, steps of training, pairs."""
STARTS = (0, 1, 2)
PEER_TOLERANCES = (1e-3, 3e-4, 1e-4, 3e-5, 1e-5, 3e-6)
MOST_ITERATIONS = 1000


class Contest:
    """One model at one place, and the ways to its largest eigenvalue."""

    def __init__(self, name: str, steps: int) -> None:
        self.model, self.loss_fn = trained(name, steps)
        self.model.eval()
        self.data = digits()
        objective = fl.Objective(self.model, self.loss_fn, self.data)
        self.truth = fl.sharpness(objective, tolerance=1e-7, dtype=torch.float64).value

    def fallline(self, seed: int) -> float:
        """With its default tolerance of 1e-3."""
        return fl.sharpness(fl.Objective(self.model, self.loss_fn, self.data), seed=seed).value

    def pyhessian(self, seed: int, tolerance: float) -> float:
        """Power iteration."""
        from pyhessian import hessian  # noqa: PLC0415  (a peer that may not be installed)

        torch.manual_seed(seed)
        peer = hessian(self.model, self.loss_fn, data=self.data, cuda=False)
        value = float(peer.eigenvalues(maxIter=MOST_ITERATIONS, tol=tolerance)[0][0])
        self.model.zero_grad(set_to_none=True)
        return value

    def curvlinops(self, seed: int) -> float:
        """Its Hessian-vector products in SciPy's implicitly restarted Lanczos."""
        import numpy as np  # noqa: PLC0415  (beside its peer)
        from curvlinops import HessianLinearOperator  # noqa: PLC0415  (a peer that may not be installed)
        from scipy.sparse.linalg import eigsh  # noqa: PLC0415  (a peer that may not be installed)

        parameters = list(self.model.parameters())
        loss_fn = nn.CrossEntropyLoss()  # it knows modules only; the same loss
        operator = HessianLinearOperator(
            self.model, loss_fn, parameters, [self.data], check_deterministic=False
        ).to_scipy()
        start = np.random.default_rng(seed).standard_normal(operator.shape[0]).astype(np.float32)
        return float(eigsh(operator, k=1, which="LA", tol=TOLERANCE, v0=start, return_eigenvectors=False)[0])

    def error(self, way: Callable[[int], float]) -> float:
        """The largest from three starts, as a share."""
        return max(abs(way(seed) - self.truth) / self.truth for seed in STARTS)

    def against(self, way: Callable[[int], float], pairs: int) -> Ratio:
        """Time of ``way`` over that of fallline, each from one start after the other."""
        theirs, ours = cycle(STARTS), cycle(STARTS)
        return alternate(lambda: way(next(theirs)), lambda: self.fallline(next(ours)), pairs, warm_up=1)


def measure() -> list[Bar]:
    """On one thread."""
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore")
    return [bar for name, steps, pairs in PLACES for bar in _place(name, steps, pairs)]


def _place(name: str, steps: int, pairs: int) -> list[Bar]:
    contest = Contest(name, steps)
    where = f"{name}, {steps} steps"
    bars = [Bar(f"sharpness, {where}: true error of fallline / 1e-3", contest.error(contest.fallline) / 1e-3, 1, "×")]
    if importlib.util.find_spec("pyhessian") is None:
        bars.append(Bar(f"sharpness, {where}: PyHessian, peer not installed", 0.0, None, "×"))
    else:
        bars += _pyhessian(contest, where, pairs)
    if importlib.util.find_spec("curvlinops") is None:
        bars.append(Bar(f"sharpness, {where}: curvlinops, peer not installed", 0.0, None, "×"))
    else:
        ratio = contest.against(contest.curvlinops, pairs)
        bars.append(_bar(ratio, f"sharpness, {where}: curvlinops + eigsh / fallline", 3))
    return bars


def _pyhessian(contest: Contest, where: str, pairs: int) -> list[Bar]:
    default = partial(contest.pyhessian, tolerance=TOLERANCE)
    error = contest.error(default)
    bars = [Bar(f"for comparison: true error of PyHessian at its 1e-3 / 1e-3, {where}", error / 1e-3, None, "×")]
    bars.append(
        _bar(contest.against(default, pairs), f"for comparison: PyHessian at its 1e-3 / fallline, {where}", None)
    )
    for tolerance in PEER_TOLERANCES:
        way = partial(contest.pyhessian, tolerance=tolerance)
        if contest.error(way) <= TOLERANCE:
            name = f"sharpness, {where}: PyHessian to 1e-3 (its tol {tolerance:g}) / fallline"
            return [*bars, _bar(contest.against(way, pairs), name, 2)]
    return [*bars, Bar(f"sharpness, {where}: PyHessian does not reach 1e-3", 0.0, None, "×")]


def _bar(ratio: Ratio, name: str, limit: float | None) -> Bar:
    return Bar(name, ratio.median, limit, "×", "higher", low=ratio.low, high=ratio.high)


if __name__ == "__main__":
    on_one_thread()
    main(measure)
