"""Operations that read one triangle of a matrix, and whose gradient has entries in both.

A symmetric matrix has each number twice, a Hermitian one its conjugate. ``cholesky`` and ``eigh`` read one of both and
take the other for its mirror image; PyTorch's gradient is that of the function of symmetric matrices, half of it in
either triangle. The gradients of ``cholesky_solve`` and ``cholesky_inverse`` are those of L·Lᵀ with all entries of L,
of which the operations read the triangle; where the other one holds numbers, these gradients are wrong in both, and the
check says so. Differences entry by entry would see nothing move in the triangle that is not read.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import torch

from fallline._backprop._stand_ins import Hold, StandIn
from fallline._backprop._torch_private import ran

SYMMETRIC: Final[Mapping[str, tuple[str, str]]] = {
    "cholesky": ("self", "cholesky"),
    "linalg_cholesky_ex": ("self", "cholesky"),
    "_linalg_eigh": ("A", "eigh"),
}
"""Operation → its argument that is symmetric, and what it is called."""
HERMITIAN: Final = "Hermitian", "conjugate mirror image"
"""What complex ones are in place of symmetric."""
FACTORS: Final[Mapping[str, str]] = {"cholesky_inverse": "self", "cholesky_solve": "input2"}
"""Operation → its argument that is triangular."""


def one_triangle(op: str, given: Mapping[str, Any]) -> str | None:
    """The sentence about such an operation; None of others.

    Args:
        op: the operation, without namespace.
        given: its arguments by name.
    """
    triangle = "upper" if _reads_upper(given) else "lower"
    if op in SYMMETRIC:
        argument, name = SYMMETRIC[op]
        dtype = getattr(given.get(argument), "dtype", None)
        kind, image = ("symmetric", "mirror image") if dtype is None or not dtype.is_complex else HERMITIAN
        return (
            f"{name} is of {kind} matrices: it reads the {triangle} triangle and takes the other for "
            f"its {image}. PyTorch spreads the gradient over both, on purpose, and the check moves both together."
        )
    if op == "linalg_pinv" and given.get("hermitian"):
        return (
            "pinv(hermitian=True) reads the lower triangle alone. PyTorch's gradient is that of pinv of any matrix, "
            "with all entries, on purpose, and the check moves all of them."
        )
    if op in FACTORS:
        product = "Lᵀ·L" if triangle == "upper" else "L·Lᵀ"
        return (
            f"{op} reads the {triangle} triangle of its factor L. PyTorch's gradient is that of {product} with all "
            "entries of L, on purpose, and the check moves all of them."
        )
    return None


def _reads_upper(given: Mapping[str, Any]) -> bool:
    return bool(given.get("upper", False)) or str(given.get("UPLO", "L")).upper() == "U"


def _of_symmetric(argument: str) -> StandIn:
    def run(func: Callable[..., Any], given: Mapping[str, Any], hold: Hold) -> Any:
        mirrored, moved = _mirrored(given, argument, hold)
        return func(**dict(given) | {argument: mirrored + (moved + _adjoint(moved)) / 2})

    return run


def _mirrored(given: Mapping[str, Any], argument: str, hold: Hold) -> tuple[torch.Tensor, torch.Tensor]:
    """The symmetric or Hermitian matrix that the operation reads, at the point, and how far it moved."""
    plain = given[argument].detach()
    before = hold("matrix", plain)
    read = before.triu() if _reads_upper(given) else before.tril()
    diagonal = before.diagonal(dim1=-2, dim2=-1).real  # an imaginary part is not read
    return read + _adjoint(read) - torch.diag_embed(diagonal), plain - before


def _adjoint(matrix: torch.Tensor) -> torch.Tensor:
    """Turned over and conjugated, with numbers of its own: in a dispatch mode sums overlook that ``.mH`` is lazy."""
    return matrix.mT.conj_physical()


def _pseudo_inverse(func: Callable[..., Any], given: Mapping[str, Any], hold: Hold) -> Any:
    """PyTorch's gradient is that of any matrix, also where this one is symmetric."""
    if not given["hermitian"]:
        return ran(func, (), given)
    mirrored, moved = _mirrored(given, "self", hold)
    return ran(func, (), dict(given) | {"self": mirrored + moved, "hermitian": False})


def _factor(given: Mapping[str, Any], argument: str, hold: Hold) -> torch.Tensor:
    """Lower triangular at the point; all of its entries move."""
    plain: torch.Tensor = given[argument].detach()
    before = hold("factor", plain)
    read = before.triu() if _reads_upper(given) else before.tril()
    moved = read + (plain - before)
    return _adjoint(moved) if _reads_upper(given) else moved


def _inverse(func: Callable[..., Any], given: Mapping[str, Any], hold: Hold) -> torch.Tensor:  # noqa: ARG001 - called as all stand-ins are
    back: torch.Tensor = torch.linalg.inv(_factor(given, FACTORS["cholesky_inverse"], hold))
    return _adjoint(back) @ back


def _solve(func: Callable[..., Any], given: Mapping[str, Any], hold: Hold) -> torch.Tensor:  # noqa: ARG001 - called as all stand-ins are
    factor = _factor(given, FACTORS["cholesky_solve"], hold)
    solved: torch.Tensor = torch.linalg.solve(_adjoint(factor), torch.linalg.solve(factor, given["self"].detach()))
    return solved


ONE_TRIANGLE: Final[Mapping[str, StandIn]] = {
    **{op: _of_symmetric(argument) for op, (argument, _) in SYMMETRIC.items()},
    "linalg_pinv": _pseudo_inverse,
    "cholesky_inverse": _inverse,
    "cholesky_solve": _solve,
}
