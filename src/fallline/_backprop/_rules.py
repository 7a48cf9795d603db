"""An operation as it ran → what each of its operands' gradients was multiplied with: the look-up in the tables."""

from collections.abc import Mapping, Sequence
from functools import cache
from types import MappingProxyType

from fallline._backprop._ran import Ran
from fallline._backprop._rule_kinds import Rule
from fallline._backprop._rule_operands import Operands
from fallline._backprop._rule_text import describe, short_op
from fallline._backprop._rules_activations import ACTIVATIONS
from fallline._backprop._rules_arithmetic import ARITHMETIC
from fallline._backprop._rules_complex import Linear, Sent, complex_rules, on_complex
from fallline._backprop._rules_distances import DISTANCES
from fallline._backprop._rules_functions import FUNCTIONS
from fallline._backprop._rules_layers import LAYERS
from fallline._backprop._rules_linear_algebra import LINEAR_ALGEBRA
from fallline._backprop._rules_losses import LOSSES
from fallline._backprop._rules_products import PRODUCTS
from fallline._backprop._rules_reductions import REDUCTIONS
from fallline._backprop._rules_shapes import SHAPES
from fallline._backprop._rules_steps_back import STEPS_BACK
from fallline._records import LocalDerivative

__all__ = ["describe", "local_derivatives", "rules", "short_op"]

AnyRule = Rule | Sent | Linear


def local_derivatives(ran: Ran, edges: Sequence[int]) -> list[LocalDerivative | None]:
    """What the operation does to an arriving gradient on its way to each operand.

    Of an elementwise operation ∂output/∂operand entry by entry, in float64 and in the output's shape, also where the
    operand was broadcast. Of a reduction (a sum, a mean, a largest entry, a loss) ∂result/∂entry, in the operand's
    shape. Both are computed from the operands as they were when the operation ran, up to 1,000 entries; beyond, or
    where an operand was not kept, only the rule is given. Of everything else the rule in words, and the product of
    shapes that was formed. Of complex numbers a few rules are told, with the conjugates in their places, and no other.

    Args:
        ran: the operation.
        edges: for each differentiable operand its place among ``ran.arguments``; of a list of tensors the same place
            for each of its tensors.

    Returns:
        One for each edge; None where the operation, or its step to that operand, is not in the tables.

    >>> import torch
    >>> from fallline._backprop._ran import Held
    >>> y = Held(torch.tensor([2.0, 3.0]), (2,), torch.float32, "y")
    >>> out = Held(None, (2,), torch.float32)
    >>> first, second = local_derivatives(Ran("mul", "Tensor", (y, 2), ("self", "other"), (out,)), [0, 1])
    >>> first.rule, first.value.numbers.tolist(), second.rule
    ('2', [2.0, 2.0], 'y')
    """
    known: Mapping[str, AnyRule] = (complex_rules() if on_complex(ran) else rules()).get(ran.op, {})
    call = Operands(ran)
    return [_one(known.get(ran.names[place]), call, ran.names[place]) for place in edges]


@cache
def rules() -> Mapping[str, Mapping[str, Rule]]:
    """All tables as one: operation → operand → rule."""
    elementwise = (ARITHMETIC, FUNCTIONS, ACTIVATIONS, STEPS_BACK)
    mixing = (REDUCTIONS, LOSSES, PRODUCTS, LINEAR_ALGEBRA, DISTANCES, LAYERS, SHAPES)
    tables = (*elementwise, *mixing)
    return MappingProxyType({op: operands for table in tables for op, operands in table.items()})


def _one(rule: AnyRule | None, call: Operands, name: str) -> LocalDerivative | None:
    return None if rule is None or not call.ran.outputs or call.ran.outputs[0] is None else rule.local(call, name)
