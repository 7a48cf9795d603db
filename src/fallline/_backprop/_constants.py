"""What a tensor is called that asks for no gradient and has no name of its own."""

from collections.abc import Collection
from math import isfinite
from typing import Final

from fallline._backprop._rule_operands import plain
from fallline._backprop._seen import Operation, Seen

TELLING: Final = frozenset(
    {"target", "weight", "pos_weight", "mask", "attn_mask", "condition", "index", "indices", "hx", "cx"}
)
"""Arguments of PyTorch's operations whose names say what they are; of the others ("self", "other") they say nothing."""


def name_of_constant(seen: Seen, user: Operation, taken: Collection[str]) -> str | None:
    """A single number is called as it is written, others as the operation calls its argument; else None.

    Args:
        seen: the tensor.
        user: the operation that used it.
        taken: names that other tensors have.
    """
    if not seen.shape and seen.copy is not None and not seen.dtype.is_complex:
        number = float(seen.copy)
        return plain(number) if isfinite(number) else None
    places = [place for place, each in user.tensors if each is seen]
    name = user.names[places[0]].rstrip("_") if places else ""
    return name if name in TELLING and name not in taken else None
