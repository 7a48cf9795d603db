"""An autograd graph with the numbers of one run: values going forward, local derivatives, gradients going back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np

from fallline._errors import OptionError, near
from fallline._records._run import Floats


class NodeKind(StrEnum):
    """What a node of the graph is."""

    INPUT = "input"
    """A tensor that was handed in."""
    PARAMETER = "parameter"
    """A leaf that asks for a gradient and was not handed in: a module's parameter, most often."""
    CONSTANT = "constant"
    """A tensor without a gradient that an operation used: a target, a mask, a detached value."""
    OPERATION = "operation"
    GROUP = "group"
    """Several nodes of one module, closed."""


class NodeMark(StrEnum):
    """What is worth saying about a node."""

    VIEW = "view"
    """It shares the memory of its operand."""
    IN_PLACE = "in place"
    """It wrote over its operand."""
    DETACHED = "detached"
    """Its gradient ends here, on purpose or not: ``detach``, ``no_grad``, a rounding, an index."""
    CUSTOM = "custom"
    """Its backward pass is somebody's own ``autograd.Function``."""
    RANDOM = "random"
    """It drew from a random generator."""
    HIGHER_ORDER = "higher order"
    """It was made by a backward pass inside of the function: a derivative is differentiated here."""
    NOT_FINITE_HERE = "not finite here"
    """The first value on its way that is NaN or infinite, with finite operands."""
    GRADIENT_NOT_FINITE_HERE = "gradient not finite here"
    """The gradient that arrives is finite, and one that leaves is not."""
    WRITTEN_PAST = "written past autograd"
    """Its numbers were changed where autograd does not see it (``.data``, a detached alias, ``no_grad``)."""
    HOOK = "hook"
    """A hook of the user's changed the gradient that arrived here."""


@dataclass(frozen=True)
class TensorValue:
    """A tensor as it was at one moment: all numbers of a small one, the summary of a large one."""

    shape: tuple[int, ...]
    dtype: str
    """``"float32"``"""
    numbers: Floats | None
    """[shape] as float64, where there are at most 1,000; else None."""
    least: float
    """Of the finite entries; NaN where there are none, as the three others."""
    greatest: float
    mean: float
    norm: float
    not_finite: int = 0
    """How many entries are NaN or infinite."""
    parts: tuple[Floats, Floats] | None = None
    """Of complex numbers the real and the imaginary parts; ``numbers`` and the summary are of their absolute values."""

    @property
    def count(self) -> int:
        """How many entries."""
        return int(np.prod(self.shape, dtype=np.int64))


@dataclass(frozen=True)
class LocalDerivative:
    """What an operation does to a gradient on its way to one operand."""

    rule: str
    """The operation's own slope as a formula: ``"2·x"``, ``"cos(x)"``, ``"grad @ Wᵀ"``."""
    value: TensorValue | None = None
    """∂output/∂operand entry by entry: in the output's shape where the operation is elementwise, in the operand's where
    it is a reduction (a sum, a norm, a loss)."""
    product: str | None = None
    """Else the product that was formed, with its shapes: ``"(4, 3) @ (3, 2) → (4, 2)"``."""


@dataclass(frozen=True)
class NodeOutput:
    """One of several outputs of an operation that are used."""

    place: int
    """Which, from 0: that of ``GraphEdge.output``."""
    value: TensorValue | None
    gradient: TensorValue | None
    """∂result/∂(this output)."""


@dataclass(frozen=True)
class ChangedByHook:
    """What a hook of the user's did to a gradient."""

    before: TensorValue | None
    """What the edges brought, added up; None where that was too large to keep."""
    factor: float | None
    """It multiplied by this; None where it did something else."""


@dataclass(frozen=True)
class GraphNode:
    """A leaf, an operation, or a closed group."""

    id: int
    """Its place in ``Backprop.nodes``: operands come before what uses them."""
    kind: NodeKind
    op: str
    """``"mul"``, ``"conv2d"``, ``"Cube"``; ``""`` for a leaf; the module's class for a group."""
    name: str | None
    """``"x"``, ``"layer1.0.weight"``, of an assigned value its name ``"y"``; of a group its module's path."""
    text: str
    """What was computed, in names where there are some: ``"y · y"``, ``"x + 2"``; ``""`` for a leaf, unless it is a
    nameless constant: then how it was made."""
    module: str | None
    """Path of the module that ran it (``"layer1.0.conv1"``, ``""`` the outermost); None outside of modules."""
    value: TensorValue | None
    """Of its output; None where nobody saw it."""
    gradient: TensorValue | None
    """∂result/∂output, all that arrived added up; None where none arrived."""
    no_gradient: str | None = None
    """One sentence why none arrived."""
    marks: frozenset[NodeMark] = frozenset()
    saved: tuple[str, ...] = ()
    """Tensors kept for the backward pass: ``"self (3,)"``."""
    backward: str | None = None
    """PyTorch's own name of the step back: ``"MulBackward0"``."""
    members: tuple[int, ...] = ()
    """Of a group: ids in the graph that it was made of."""
    outputs: tuple[NodeOutput, ...] = ()
    """Where several outputs are used each by itself: ``value`` and ``gradient`` are these, end to end."""
    hook: ChangedByHook | None = None
    """What a hook did to what arrived; ``gradient`` is what was left of it."""
    notes: tuple[str, ...] = ()
    """Sentences about this node: who wrote to it past autograd, what a hook did, under which names it came in."""


@dataclass(frozen=True)
class GraphEdge:
    """From an operand to the operation that used it; gradients run against it."""

    source: int
    target: int
    operand: int
    """Which operand of the operation, from 0: ``y · y`` has two edges from y."""
    local: LocalDerivative | None = None
    gradient: TensorValue | None = None
    """What went back along this edge, in the source's shape; None where nothing did."""
    stretched: tuple[int, ...] | None = None
    """The shape to which the operand was broadcast: what came back was summed to its own; None where it was not."""
    output: int | None = None
    """Which output of the source it is, from 0; None where only one is used. A node's numbers are those of all."""


@dataclass(frozen=True)
class CheckedInput:
    """One input's gradient against central differences."""

    name: str
    entries: int
    """Entries that were compared; 0 where directions were."""
    directions: int
    """Random directions that were compared; 0 where entries were."""
    largest_difference: float
    """|autograd − differences|, the largest."""
    relative_difference: float
    """The same over the size of the gradient there."""
    at: tuple[int, ...] | None
    """Of that entry; None for a direction."""
    autograd: float
    """What autograd says there …"""
    differences: float
    """… and what central differences say."""
    agrees: bool
    """All that was compared is within ``tolerance`` of the check; says nothing where nothing was ``compared``."""
    planned: int | None = None
    """How many entries or directions there were to compare; None where that is not known."""
    why_not: str | None = None
    """Why nothing of it could be compared, in a few words; None where something was."""

    @property
    def compared(self) -> bool:
        """True where an entry or a direction was."""
        return self.entries + self.directions > 0


@dataclass(frozen=True)
class LowPrecision:
    """How far gradients in less than float64 are from those in float64."""

    dtype: str
    """``"float32"``"""
    share: float
    """Norm of the difference over the norm of the float64 ones, all inputs together."""
    most: str | None
    """The input that is furthest off, where there are several."""


@dataclass(frozen=True)
class GradientCheck:
    """Gradients held against central differences in float64."""

    inputs: tuple[CheckedInput, ...]
    tolerance: float
    """Allowed relative difference."""
    wrong_edges: tuple[int, ...] = ()
    """Places in ``Backprop.edges``, of operations whose own step back is wrong."""
    remarks: tuple[str, ...] = ()
    """Sentences: what was not compared and why, entries beside a kink."""
    evaluations: int | None = None
    """How often the function was run for it; None where it could not be run."""
    lost: tuple[str, ...] = ()
    """Inputs whose gradient, as it was computed, is NaN or infinite, and in float64 is neither."""
    hooked: tuple[str, ...] = ()
    """Inputs whose gradient a hook changed: compared was what autograd had before it."""
    not_finite: tuple[str, ...] = ()
    """Inputs whose gradient is NaN or infinite in float64 as well."""
    low_precision: LowPrecision | None = None
    """None where nothing was computed in less than float64."""
    rounding: tuple[str, ...] = ()
    """Inputs whose gradient, as it was computed, is rounding alone: in float64 it is a hundredth of it or less."""

    @property
    def compared(self) -> bool:
        """True where anything was: no gradient agrees with nothing."""
        return any(each.compared for each in self.inputs)

    @property
    def wrong(self) -> bool:
        """True where an input was compared and its gradient is wrong."""
        return any(each.compared and not each.agrees for each in self.inputs)

    @property
    def left_out(self) -> tuple[str, ...]:
        """Inputs of which nothing could be compared, but for those whose gradient is rounding alone."""
        return tuple(each.name for each in self.inputs if not each.compared and each.name not in self.rounding)

    @property
    def agrees(self) -> bool:
        """True where something of every input was compared, all of it is right, and it is what was computed and shown.

        Where inputs were ``left_out`` a check may be neither ``wrong`` nor agree.
        """
        told_apart = self.wrong or self.lost or self.hooked or self.not_finite or self.left_out
        return self.compared and not told_apart


@dataclass(frozen=True)
class Backprop:
    """One forward and one backward pass; made by ``fl.backprop``."""

    nodes: tuple[GraphNode, ...]
    edges: tuple[GraphEdge, ...]
    inputs: tuple[int, ...]
    """Nodes of the tensors that were handed in, in their order."""
    result: int
    """The node that the backward pass began at."""
    vector: TensorValue | None
    """What the backward pass began with where the result is no single number; None for 1."""
    gradients: Mapping[str, Any] = field(repr=False)
    """Of every input and parameter that has one, by name: a NumPy array of its shape."""
    jacobians: Mapping[str, Floats] | None = None
    """[result entries × input entries] for each input, where they were asked for."""
    check: GradientCheck | None = None
    """None where it was not asked for."""
    expression: str | None = None
    """As typed; None for a callable."""
    title: str = "backprop"
    """What was run, in a few words."""
    modules: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The class of every module that ran, by its path."""
    remarks: tuple[str, ...] = ()
    """Sentences about the whole graph."""
    seconds: float = 0.0
    """That forward and backward pass took, tracing included."""

    def __repr__(self) -> str:
        return f"<Backprop {self.title}: {len(self.nodes)} nodes, {len(self.edges)} edges>"

    def node(self, name: str) -> GraphNode:
        """The last node of this name.

        Raises:
            OptionError: there is none.
        """
        for node in reversed(self.nodes):
            if node.name == name:
                return node
        raise OptionError(f'The graph has no node named "{name}".{near(name, list(self.names))}')

    @property
    def names(self) -> Sequence[str]:
        """All names, inputs first, each once."""
        return tuple(dict.fromkeys(node.name for node in self.nodes if node.name is not None))
