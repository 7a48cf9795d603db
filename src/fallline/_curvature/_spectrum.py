"""Both ends of a Hessian's spectrum: its k largest and k smallest eigenvalues with their vectors."""

import numpy as np
import torch
from torch import Tensor

from fallline._arguments import checked_products, checked_seed, checked_tolerance, is_whole
from fallline._curvature._bound import could_be, smallest_part
from fallline._curvature._lanczos import Lanczos, Ritz
from fallline._curvature._operator import Operator
from fallline._curvature._sharpness import start_of
from fallline._errors import OptionError
from fallline._loss_function import LossFunction
from fallline._points import refuse_other
from fallline._records import Floats, Spectrum

MOST_PRODUCTS = 400


def spectrum(
    objective: LossFunction,
    k: int = 5,
    at: object = None,
    *,
    tolerance: float = 1e-3,
    most_products: int = MOST_PRODUCTS,
    seed: int = 0,
    dtype: torch.dtype | None = None,
) -> Spectrum:
    """The k largest and the k smallest eigenvalues of the Hessian, by Lanczos.

    An eigenvalue that comes more than once shows itself only once from one start, so the pairs found are locked, and
    further searches from fresh starts beside them end when one finds nothing farther out.

    Args:
        objective: an ``fl.Objective``, or an exact one (whose whole Hessian is then taken).
        k: how many at each end, at most P.
        at: [P] where, a state dict or a module; by default where the model stands now.
        tolerance: the error to reach, as a share of the Hessian's size (its largest eigenvalue without sign).
        most_products: where to give up.
        seed: of the random starts.
        dtype: of the products; by default that of the parameters, and at least float32.

    Raises:
        OptionError: the loss or its derivatives are not finite there, or an argument cannot be used.

    >>> from fallline._quadratic import Quadratic
    >>> found = spectrum(Quadratic.from_data([[0.0], [2.0]], [1.0, 5.0]), k=1)
    >>> found.largest.round(4), found.smallest.round(4)
    (array([5.2361]), array([0.7639]))
    """
    refuse_other(objective)
    if not is_whole(k):
        raise OptionError(f"k is how many eigenvalues at each end, a whole number, not {k!r}.")
    if not 1 <= k <= objective.parameter_count:
        raise OptionError(f"k is how many eigenvalues, 1 to {objective.parameter_count:,} here; {k} is not.")
    tolerance, seed = checked_tolerance(tolerance, "1e-3"), checked_seed(seed)
    most_products = checked_products(most_products)
    operator = Operator(objective, at, dtype=dtype)
    if operator.small or operator.size <= 4 * k:
        return _of_matrix(operator, k)
    ends = _Ends(operator, k, tolerance, most_products, seed)
    return ends.found()


class _Ends:
    """The pairs that are found so far, at both ends."""

    def __init__(self, operator: Operator, k: int, tolerance: float, most_products: int, seed: int) -> None:
        self._operator, self._k, self._tolerance = operator, k, tolerance
        self._most, self._seed = most_products, seed
        self._values, self._errors = np.empty(0), np.empty(0)
        self._vectors: Tensor | None = None
        self._size = 0.0

    def found(self) -> Spectrum:
        """Searches from fresh starts until one finds nothing farther out."""
        complete = False
        for search in range(2 * self._k + 2):
            if self._vectors is not None and len(self._vectors) == self._operator.size:
                complete = True
                break
            lanczos, ritz, converged = self._search(search)
            farther = self._farther_out(ritz) if self._vectors is not None else None
            complete = converged and farther is not None and not farther.any()
            if complete or not converged:
                if not converged:
                    self._lock(lanczos, ritz, self._ends_of(len(ritz.values)))
                break
            self._lock(lanczos, ritz, self._ends_of(len(ritz.values)) if farther is None else np.flatnonzero(farther))
        return self._record(complete)

    def _search(self, search: int) -> tuple[Lanczos, Ritz, bool]:
        start = start_of(self._operator, None, self._seed + search).vector
        lanczos = Lanczos(self._operator.times, start, self._operator.rounding, self._vectors)
        while True:
            lanczos.step()
            if not lanczos.worth_a_look and self._operator.count < self._most:
                continue
            ritz = lanczos.ritz()
            self._size = max(self._size, float(np.max(np.abs(ritz.values))))
            if lanczos.exhausted or self._settled(lanczos, ritz):
                return lanczos, ritz, True
            if self._operator.count >= self._most:
                return lanczos, ritz, False

    def _settled(self, lanczos: Lanczos, ritz: Ritz) -> bool:
        goal = max(self._tolerance, self._operator.rounding) * self._size
        if self._vectors is None:
            return len(ritz.values) >= 2 * self._k and bool(
                np.all(ritz.residuals[self._ends_of(len(ritz.values))] <= goal)
            )
        farther = self._farther_out(ritz)
        if farther.any():
            return bool(np.all(ritz.residuals[farther] <= goal)) and len(ritz.values) >= 2 * self._k
        part = smallest_part(self._operator.size)
        lowest, highest = self._inner()
        return not could_be(lanczos, highest + goal, part) and not could_be(lanczos, lowest - goal, part)

    def _inner(self) -> tuple[float, float]:
        """The k-th smallest and the k-th largest found; anything is farther out where there are fewer."""
        values = np.sort(self._values)
        if len(values) < self._k:  # one start leads to few of them where they come many times
            return np.inf, -np.inf
        return float(values[self._k - 1]), float(values[-self._k])

    def _farther_out(self, ritz: Ritz) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Which of these would be among the k largest or the k smallest, by more than the tolerance."""
        lowest, highest = self._inner()
        goal = self._tolerance * self._size
        return (ritz.values > highest + goal) | (ritz.values < lowest - goal)

    def _ends_of(self, count: int) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
        """Indices of the k first and k last of so many."""
        return np.unique(np.r_[0 : min(self._k, count), max(0, count - self._k) : count])

    def _lock(self, lanczos: Lanczos, ritz: Ritz, chosen: np.ndarray[tuple[int], np.dtype[np.intp]]) -> None:
        vectors = lanczos.vectors(ritz.coefficients[:, chosen])
        self._vectors = vectors if self._vectors is None else torch.cat((self._vectors, vectors))
        self._values = np.r_[self._values, ritz.values[chosen]]
        floor = self._operator.rounding * self._size
        self._errors = np.r_[self._errors, ritz.residuals[chosen] + floor]

    def _record(self, complete: bool) -> Spectrum:
        order = np.argsort(self._values)
        if self._vectors is None:
            raise ValueError("a search locks what it found")
        vectors = self._vectors.double().cpu().numpy()
        low, high = order[: self._k], order[::-1][: self._k]
        goal = max(self._tolerance, 2 * self._operator.rounding) * self._size
        return Spectrum(
            largest=self._values[high],
            smallest=self._values[low],
            vectors_largest=vectors[high],
            vectors_smallest=vectors[low],
            errors_largest=self._errors[high],
            errors_smallest=self._errors[low],
            products=self._operator.count,
            converged=complete and bool(np.all(self._errors[np.r_[low, high]] <= 2 * goal)),
        )


def _of_matrix(operator: Operator, k: int) -> Spectrum:
    values, vectors = np.linalg.eigh(operator.matrix())
    errors: Floats = np.full(k, operator.rounding * float(np.max(np.abs(values))))
    return Spectrum(
        largest=values[::-1][:k],
        smallest=values[:k],
        vectors_largest=vectors.T[::-1][:k],
        vectors_smallest=vectors.T[:k],
        errors_largest=errors,
        errors_smallest=errors,
        products=operator.count,
        converged=True,
    )
