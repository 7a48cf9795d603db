"""The tables as a whole: every entry is an operation and an operand that PyTorch has."""

import pytest
import torch

from fallline._backprop._rules import rules


def test_every_entry_is_an_operand_of_a_real_operation() -> None:
    unknown = []
    for op, operands in rules().items():
        packet = getattr(torch.ops.aten, op, None)
        if packet is None:
            unknown.append(op)
            continue
        names = {each.name for overload in packet.overloads() for each in getattr(packet, overload)._schema.arguments}
        unknown += [f"{op}.{name}" for name in operands if name not in names]
    assert unknown == []


def test_tables_do_not_share_an_operation() -> None:
    """One of two entries would never be looked at."""
    from fallline._backprop import (
        _rules_activations,
        _rules_arithmetic,
        _rules_distances,
        _rules_functions,
        _rules_layers,
        _rules_linear_algebra,
        _rules_losses,
        _rules_products,
        _rules_reductions,
        _rules_shapes,
        _rules_steps_back,
    )

    tables = (
        _rules_arithmetic.ARITHMETIC,
        _rules_functions.FUNCTIONS,
        _rules_activations.ACTIVATIONS,
        _rules_reductions.REDUCTIONS,
        _rules_losses.LOSSES,
        _rules_products.PRODUCTS,
        _rules_layers.LAYERS,
        _rules_shapes.SHAPES,
        _rules_steps_back.STEPS_BACK,
        _rules_linear_algebra.LINEAR_ALGEBRA,
        _rules_distances.DISTANCES,
    )
    assert sum(len(table) for table in tables) == len(rules())


def test_the_tables_cannot_be_written_to() -> None:
    with pytest.raises(TypeError):
        rules()["mul"] = {}
