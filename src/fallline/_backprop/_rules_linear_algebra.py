"""Steps back through determinants, inverses, solutions and decompositions of real matrices, said in words.

The formulas are those of Giles, "Collected matrix derivative results for forward and reverse mode algorithmic
differentiation" (2008), and of Murray, "Differentiation of the Cholesky decomposition" (2016).
"""

from typing import Final

import torch
from torch import Tensor

from fallline._backprop._rule_kinds import Rules, Share, Step
from fallline._backprop._rule_operands import Operands, shape_text
from fallline._backprop._rule_wording import grouped

EIGEN: Final = (
    "V @ (diag(gλ) + K) @ Vᵀ, Kᵢⱼ = ½(Mᵢⱼ − Mⱼᵢ)/(λⱼ − λᵢ), 0 on the diagonal, M = Vᵀ @ gV; "
    "gλ, gV the gradients of the two"
)
SINGULAR: Final = (
    "(U @ (K(Uᵀ @ gU)·s + sᵀ·K(Vᵀ @ gV) + diag(gs)) + (I − U @ Uᵀ) @ gU/s) @ Vᵀ + (U/s) @ gVᵀ @ (I − V @ Vᵀ), "
    "K(M)ᵢⱼ = (Mᵢⱼ − Mⱼᵢ)/(sⱼ² − sᵢ²), 0 on the diagonal; gU, gs, gV the gradients of the three"
)
TALL_QR: Final = (
    "(gQ + Q @ (T + Tᵀ − diag(T))) @ R⁻ᵀ, T the upper triangle of gR @ Rᵀ − Qᵀ @ gQ; gQ, gR the gradients of the two"
)
WIDE_QR: Final = "with gQ + Y @ gWᵀ for gQ, R = [R₁, W] and input = [X, Y]: to Y goes Q @ gW, to X "


def _turned_inverse(call: Operands, name: str) -> str:
    return f"{grouped(call.word(name))}⁻ᵀ"


def _inverse_rule(call: Operands) -> str:
    turned = _turned_inverse(call, "A")
    return f"−{turned} @ grad @ {turned}"


def _three_of_a_kind(call: Operands) -> str:
    """The product of three matrices of one shape."""
    shape = shape_text(call.out.shape)
    return f"{shape} @ {shape} @ {shape} → {shape}"


def _right_side(call: Operands, matrix: str) -> str:
    """What the right side gets: A⁻ᵀ @ grad of A @ X = B, grad @ A⁻ᵀ of X @ A = B."""
    turned = _turned_inverse(call, matrix)
    return f"{turned} @ grad" if call.given("left", True) else f"grad @ {turned}"


def _right_side_product(call: Operands, matrix: str) -> str:
    pair = [shape_text(call.shape(matrix)), shape_text(call.out.shape)]
    ordered = pair if call.given("left", True) else pair[::-1]
    return f"{' @ '.join(ordered)} → {shape_text(call.shape('B'))}"


def _matrix_rule(call: Operands, matrix: str) -> str:
    """What the matrix gets, X being the solution."""
    back, solution = _right_side(call, matrix), grouped(call.out.label or "X")
    where = "" if call.out.label else ", X the solution"
    if not call.given("left", True):
        return f"−{solution}ᵀ @ ({back}){where}"
    many = len(call.shape("B")) > 1 and len(call.out.shape) > 1
    return f"−({back}) @ {solution}ᵀ{where}" if many else f"−({back}) ⊗ {solution}{where}"


def _triangle_rule(call: Operands) -> str:
    side = "upper" if call.given("upper", False) else "lower"
    rest = " without its diagonal" if call.given("unitriangular", False) else ""
    return f"the {side} triangle{rest} of {_matrix_rule(call, 'self')}"


def _cholesky_rule(call: Operands) -> str:
    """Of A = L @ Lᵀ, and of A = Uᵀ @ U, where L is Uᵀ."""
    turned = bool(call.given("upper", False))
    arrived = "gradᵀ" if turned else "grad"
    factor = "L the result turned over" if turned else "L the result"
    return f"L⁻ᵀ @ ½(T + Tᵀ) @ L⁻¹, T the lower triangle of Lᵀ @ {arrived} with half its diagonal, {factor}"


def _from_factor_rule(call: Operands) -> str:
    """Of (L @ Lᵀ)⁻¹."""
    word, out = grouped(call.word("self")), grouped(call.out.label or "out")
    middle = f"{out} @ (grad + gradᵀ) @ {out}"
    return f"−{word} @ {middle}" if call.given("upper", False) else f"−{middle} @ {word}"


def _factor_rule(call: Operands) -> str:
    """Of A⁻¹ @ B with A = L @ Lᵀ, to L."""
    factor, out = grouped(call.word("input2")), grouped(call.out.label or "out")
    upper = bool(call.given("upper", False))
    product = f"{factor} @ (S + Sᵀ)" if upper else f"(S + Sᵀ) @ {factor}"
    whole = f"{factor}ᵀ @ {factor}" if upper else f"{factor} @ {factor}ᵀ"
    return f"−{product}, S = A⁻¹ @ grad @ {out}ᵀ, A = {whole}"


def _from_solved_rule(call: Operands) -> str:
    factor = grouped(call.word("input2"))
    whole = f"{factor}ᵀ @ {factor}" if call.given("upper", False) else f"{factor} @ {factor}ᵀ"
    return f"({whole})⁻¹ @ grad"


def _pseudo_inverse_rule(call: Operands) -> str:
    word = grouped(call.word("self"))
    return (
        f"−Pᵀ @ grad @ Pᵀ + (I − {word} @ P) @ gradᵀ @ P @ Pᵀ + Pᵀ @ P @ gradᵀ @ (I − P @ {word}), P the pseudo-inverse"
    )


def _exponential_rule(call: Operands) -> str:
    turned = f"{grouped(call.word('self'))}ᵀ"
    return f"the upper right block of exp([[{turned}, grad], [0, {turned}]])"


def _qr_rule(call: Operands) -> str:
    rows, columns = call.shape("A")[-2:]
    return TALL_QR if rows >= columns else WIDE_QR + TALL_QR


def _diagonal(call: Operands) -> Tensor:
    rows, columns = call.shape("self")
    return torch.eye(rows, columns, dtype=torch.float64)


LINEAR_ALGEBRA: Final[Rules] = {
    "_linalg_det": {"A": Step(lambda call: f"grad·det({call.word('A')})·{_turned_inverse(call, 'A')}")},
    "_linalg_slogdet": {"A": Step(lambda call: f"(grad of log|det|)·{_turned_inverse(call, 'A')}; the sign is level")},
    "linalg_inv_ex": {"A": Step(_inverse_rule, _three_of_a_kind)},
    "_linalg_solve_ex": {
        "A": Step(lambda call: _matrix_rule(call, "A")),
        "B": Step(lambda call: _right_side(call, "A"), lambda call: _right_side_product(call, "A")),
    },
    "linalg_solve_triangular": {
        "self": Step(_triangle_rule),
        "B": Step(lambda call: _right_side(call, "self"), lambda call: _right_side_product(call, "self")),
    },
    "linalg_cholesky_ex": {"self": Step(_cholesky_rule)},
    "cholesky": {"self": Step(_cholesky_rule)},
    "cholesky_inverse": {"self": Step(_from_factor_rule)},
    "cholesky_solve": {"self": Step(_from_solved_rule), "input2": Step(_factor_rule)},
    "_linalg_eigh": {"A": Step(EIGEN)},
    "_linalg_svd": {"A": Step(SINGULAR)},
    "linalg_pinv": {"self": Step(_pseudo_inverse_rule)},
    "linalg_matrix_exp": {"self": Step(_exponential_rule)},
    "linalg_qr": {"A": Step(_qr_rule)},
    "trace": {"self": Share("1 on the diagonal, else 0", _diagonal)},
    "linalg_cross": {
        "self": Step("{other} × grad"),
        "other": Step("grad × {self}"),
    },
    "_trilinear": dict.fromkeys(("i1", "i2", "i3"), Step("Σ grad·the two other factors, over what this one has not")),
}
