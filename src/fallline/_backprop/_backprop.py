"""``fl.backprop``: one forward and one backward pass of somebody's function, written down as a graph."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, Any, Final

import torch

from fallline._backprop._again import Again
from fallline._backprop._changed import hooks_in_words, marked_where_hooked, names_behind_hooks
from fallline._backprop._check import NOT_TOLD, check_gradients
from fallline._backprop._culprit import WrongEdge
from fallline._backprop._cuts import Cuts
from fallline._backprop._gradients import Gradients, as_array, go_back
from fallline._backprop._graph import Drawing, saved_of
from fallline._backprop._graph_parts import GivenInput, Graph
from fallline._backprop._handed_in import checked_switch, copies_of, holds_tensors, refuse_complex, refuse_unfit
from fallline._backprop._jacobian import ONES, refuse_large
from fallline._backprop._jacobian import jacobian as jacobian_of
from fallline._backprop._made_on_the_way import gone_again, made_each_time, not_compared
from fallline._backprop._modules import Modules, captured_by, held_by_objects, reached_by, root_of
from fallline._backprop._operands import Recorded
from fallline._backprop._passed_by import PassedBy, passed_by
from fallline._backprop._question import Question, question
from fallline._backprop._refusals import arrays_refused, backward_refusal, forward_refusal, handed_in_as_tensor
from fallline._backprop._results import the_result
from fallline._backprop._rules_complex import without_rule
from fallline._backprop._spelled import spelled_out, spelled_rules
from fallline._backprop._tensors_in import tensors_within
from fallline._backprop._torch_private import COMPILED, next_number
from fallline._backprop._trace import Trace
from fallline._backprop._values import KEPT, value_of
from fallline._backprop._vector import check_vector
from fallline._backprop._walk import Walk, began_before, comparable_steps, walk
from fallline._backprop._words import first_line, listed, shape_in_words
from fallline._backprop._written_past import marked_where_written
from fallline._errors import OptionError
from fallline._random_state import random_devices
from fallline._records import Backprop, GradientCheck, NodeKind, NodeMark
from fallline._undisturbed import Kept, gradient_hooks_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

IN_A_LIST: Final = "Tensors inside a list, tuple or dict are constants: hand them in one by one for their gradients."
ONE_AT_A_TIME: Final = threading.RLock()
"""Buffers, modes of modules and random state are changed and put back: two threads at once would mix theirs up.

Why a lock, and of the whole program: docs/decisions/0018.
"""


def backprop(
    fn: Callable[..., Any] | str,
    *inputs: Any,
    loss: Callable[..., Any] | None = None,
    at: Mapping[str, Any] | None = None,
    vector: Any = None,
    names: Sequence[str] | None = None,
    check: bool = True,
    jacobian: bool = False,
) -> Backprop:
    """Run ``fn`` forward and backward once, and show where every gradient came from.

    Tensors, gradients, generators of random numbers and modules of yours, with all that these hold, are afterwards as
    before; parameters that a module makes on its first call are gone again. Lists, dicts and sets that your function
    was handed or knows by name are as one run left them. All else that it changes in Python it changes once for every
    time it runs, which for the check is often and in float64.
    One call runs at a time: a second one in another thread waits for the first.

    Args:
        fn: a function of tensors, a module, or an expression such as ``"y = x + 2; z = y*y*2; z.mean()"``.
        inputs: what it is called with. Floating-point tensors are differentiated; all else is handed on as it is.
        loss: a function of what ``fn`` gives back, for a module with its loss.
        at: values of an expression's names.
        vector: how much each entry of the result weighs, where it has several: the gradient of ``vector · result``.
        names: of the inputs; otherwise those of ``fn``'s own parameters.
        check: hold the gradients against central differences in float64.
        jacobian: compute the whole matrix of derivatives as well: for each input, not for parameters.

    Raises:
        OptionError: an input that does not fit, a result that has no gradient, an expression that cannot be read, a
            function that writes to its input in place, that PyTorch says shapes do not fit in, or that calls itself
            without an end. What your function raises by itself is handed on as it is.

    >>> import torch
    >>> seen = backprop(lambda x: ((x + 2) ** 2 * 2).mean(), torch.tensor([1.6695, -1.7944, -0.0315]))
    >>> [round(float(each), 4) for each in seen.gradients["x"]]
    [4.8927, 0.2741, 2.6247]
    """
    asked = question(fn, inputs, loss, at, names)
    check, jacobian = checked_switch("check", check), checked_switch("jacobian", jacobian)
    captured = {name: value for each in _callables(asked) for name, value in captured_by(each).items()}
    refuse_unfit([*zip(asked.names, asked.inputs, strict=True)], captured.items())
    with ONE_AT_A_TIME, torch.inference_mode(mode=False), Kept(random_devices(tensors_within(asked.inputs))) as kept:
        return Pass(asked, captured, kept).record(vector, check=check, jacobian=jacobian)


class Pass:
    """One question on its way: the forward pass, the backward pass, and what is made of them."""

    def __init__(self, asked: Question, captured: Mapping[str, Any], kept: Kept) -> None:
        self._asked = asked
        self._captured = captured
        self._kept = kept
        roots = [each for each in map(root_of, _callables(asked)) if each is not None]
        known = [*asked.inputs, *(value for fn in _callables(asked) for value in reached_by(fn).values())]
        owners = [getattr(fn, "__self__", None) for fn in _callables(asked)]
        for each in (*known, *held_by_objects([*known, *owners])):
            kept.reached(each)
        self._modules = Modules(self._captured, roots[0] if roots else None, kept)
        self._trace = Trace(self._modules, kept)
        self._parameters: list[tuple[str, torch.Tensor]] = []
        self._made: list[str] = []
        self._given = copies_of(asked.inputs)
        self._first_number = next_number()
        self._passed_by: list[PassedBy] = []

    def record(self, vector: Any, *, check: bool, jacobian: bool) -> Backprop:
        """All of it.

        Raises:
            OptionError: as ``backprop``.
        """
        begin = time.perf_counter()
        result = self._forward()
        seen = self._trace.result(result)
        cuts = Cuts(self._trace, seen)
        back = walk(result)
        self._name_all(back)
        self._passed_by = passed_by(cuts, back, self._called)
        refuse_complex([(self._name_of(leaf), leaf) for leaf in back.leaves])
        if not result.requires_grad:
            raise OptionError(self._why_nothing(cuts))
        summed = jacobian and vector is None and result.numel() > 1
        vector = torch.ones_like(result) if summed else vector
        weights = check_vector(tuple(result.shape), vector, result.dtype)
        weights = None if weights is None else weights.to(result.device)
        if weights is None and result.dim():
            weights = torch.ones_like(result)
        saved = saved_of(back, Recorded.of(self._trace.operations))
        if jacobian:
            refuse_large(result, self._differentiated())
        gradients = self._go_back(result, back, weights, keep=jacobian)
        graph, ids = Drawing(self._trace, back, gradients, saved, cuts).draw(self._inputs())
        first = self._result_node(graph, result)
        begun = {first: value_of(torch.ones_like(result) if weights is None else weights)}
        filled = {node: each for node, each in graph.written.items() if graph.nodes[node].name not in self._made}
        nodes = marked_where_written(
            spelled_out(graph.nodes, graph.edges), filled
        )  # made here: with their first values
        graph.nodes[:] = marked_where_hooked(nodes, graph.edges, begun)
        seconds = time.perf_counter() - begin
        self._kept.ran()
        checked = self._check(result, back, gradients, weights, graph) if check else None
        # last, since a custom step back may draw random numbers and runs once for each row
        matrices = jacobian_of(result, self._differentiated()) if jacobian else None
        return Backprop(
            nodes=tuple(graph.nodes),
            edges=tuple(spelled_rules(graph.nodes, graph.edges)),
            inputs=ids,
            result=first,
            vector=None if vector is None or weights is None else value_of(weights),
            gradients=self._by_name(back, gradients),
            jacobians=matrices,
            check=checked,
            expression=self._asked.expression,
            title=self._asked.title,
            modules=self._modules.classes,
            remarks=(*([ONES] if summed else []), *self._remarks(back, graph, cuts)),
            seconds=seconds,
        )

    def _forward(self) -> torch.Tensor:
        with self._modules.listening(), torch.enable_grad(), self._trace:
            for name, tensor in zip(self._asked.names, self._given, strict=True):
                if isinstance(tensor, torch.Tensor):
                    self._trace.name(name, tensor)
                    if not tensor.is_floating_point():  # no copy
                        self._trace.theirs(tensor)
            made = self._answer()
        self._parameters, self._made = list(self._modules.parameters()), self._modules.made()
        if self._trace.not_followed is not None:
            raise OptionError(self._trace.not_followed)
        return made

    def _answer(self) -> torch.Tensor:
        """The result, or the sentence that says why there is none."""
        no_tensors = self._no_tensors()
        try:
            made = the_result(self._asked.answer(self._given, self._trace.name))
            _ = made.grad_fn  # of a view that was made with others and written to, PyTorch refuses it
            return made
        except OptionError as error:
            if not no_tensors:
                raise
            raise OptionError(no_tensors) from error
        except (TypeError, AttributeError, ValueError, IndexError, RuntimeError) as error:
            refused = self._trace.not_followed or forward_refusal(error, self._asked)
            if refused is not None:
                raise OptionError(refused) from error
            no_tensors = no_tensors or arrays_refused(error, self._asked.names, self._asked.inputs)
            if not no_tensors:
                raise
            raise OptionError(f"{no_tensors} The function said: {first_line(error)}") from error

    def _go_back(self, result: torch.Tensor, back: Walk, weights: torch.Tensor | None, *, keep: bool) -> Gradients:
        try:
            return go_back(result, back, weights, keep=keep)
        except RuntimeError as error:
            refused = backward_refusal(error, back, self._trace.operations)
            if refused is None:
                raise
            raise OptionError(refused) from error

    def _no_tensors(self) -> str:
        """What to hand in, where numbers, lists and arrays were and no tensor; else nothing."""
        if holds_tensors(self._asked.inputs):
            return ""
        pairs = zip(self._asked.names, self._asked.inputs, strict=True)
        told = [sentence for name, each in pairs if (sentence := handed_in_as_tensor(name, each)) is not None]
        return " ".join(["Only tensors have a gradient.", *told]) if told else ""

    def _name_all(self, back: Walk) -> None:
        """Parameters and captured tensors get their names; the inputs have theirs."""
        for name, tensor in (*self._parameters, *self._captured.items()):
            if isinstance(tensor, torch.Tensor):
                self._name_apart(name, tensor)
        for leaf in back.leaves:
            self._called(leaf)

    def _called(self, leaf: torch.Tensor) -> str:
        if self._trace.token(leaf) not in self._trace.names:
            self._trace.name(self._free(f"parameter {shape_in_words(tuple(leaf.shape))}"), leaf)
        return self._name_of(leaf)

    def _name_apart(self, name: str, tensor: torch.Tensor) -> None:
        """Two tensors of one name would be one in all that goes by name: gradients, the check."""
        names = self._trace.names
        if self._trace.token(tensor) in names:
            return
        if name in names.values():
            name = self._free(f"{name} ({'parameter' if tensor.requires_grad else 'constant'})")
        self._trace.name(name, tensor)

    def _free(self, name: str) -> str:
        """This name, or with a number behind it where another tensor has it."""
        taken = set(self._trace.names.values())
        numbered = (f"{name} {place}" for place in count(2))
        return name if name not in taken else next(each for each in numbered if each not in taken)

    def _inputs(self) -> list[GivenInput]:
        """Each tensor once, by the first of its names."""
        found: dict[int, GivenInput] = {}
        for name, each in zip(self._asked.names, self._given, strict=True):
            if isinstance(each, torch.Tensor):
                known = found.get(id(each))
                found[id(each)] = GivenInput(name, each) if known is None else replace(known, also=(*known.also, name))
        return list(found.values())

    def _differentiated(self) -> dict[str, torch.Tensor]:
        return {each.name: each.tensor for each in self._inputs() if each.tensor.requires_grad}

    def _why_nothing(self, cuts: Cuts) -> str:
        no_tensors = self._no_tensors()
        if no_tensors:
            return no_tensors
        reasons = [cuts.why_none(each.name, each.tensor) for each in self._inputs()]
        frozen = [name for name, each in self._known_tensors() if each.is_floating_point() and not each.requires_grad]
        if frozen:
            reasons.append(f"{listed(frozen)}: no gradient is asked of {_it(frozen)} (requires_grad is False).")
        if self._has_lists():
            return f"{IN_A_LIST} Nothing else has a gradient. {' '.join(reasons)}".strip()
        if not reasons:
            return "The result depends on no tensor that was handed in, and on no parameter: nothing has a gradient."
        return " ".join(["Nothing that was handed in has a gradient.", *reasons])

    def _known_tensors(self) -> list[tuple[str, torch.Tensor]]:
        """Parameters of the modules, and tensors that the function captured."""
        parameters = [(name, each) for name, each in self._parameters if isinstance(each, torch.nn.Parameter)]
        return [*parameters, *((name, each) for name, each in self._captured.items() if isinstance(each, torch.Tensor))]

    def _has_lists(self) -> bool:
        return any(holds_tensors(each) for each in self._asked.inputs)

    def _check(
        self, result: torch.Tensor, back: Walk, gradients: Gradients, weights: torch.Tensor | None, graph: Graph
    ) -> GradientCheck:
        """The gradients against differences of the same function."""
        known = {self._name_of(leaf): (leaf, each) for leaf, each in zip(back.leaves, gradients.leaves, strict=True)}
        there = {name: (leaf, each) for name, (leaf, each) in known.items() if each is not None}
        earlier = {id(leaf) for leaf in began_before(result, self._first_number)}
        apart = [name for name, (leaf, _) in known.items() if id(leaf) in earlier]
        # where no gradient came as well: one may have been due
        leaves = {name: leaf for name, (leaf, _) in known.items() if name not in apart}
        leaves |= {each.name: each.tensor for each in self._passed_by}
        again = Again(self._asked, self._given, leaves, self._kept)
        before = {id(each) for each in (*self._given, *self._captured.values())} | self._modules.before.keys()
        made = made_each_time(
            again, {name: leaf for name, (leaf, _) in there.items() if id(leaf) not in before | earlier}
        )
        leaves = {name: leaf for name, leaf in leaves.items() if name not in made}
        order = comparable_steps(result)

        def place(wrong: Sequence[WrongEdge]) -> tuple[int, ...]:
            found = (graph.backward.get((order[each.node], each.operand)) for each in wrong if each.node < len(order))
            return tuple(sorted({each for each in found if each is not None}))

        dense = {name: each.to_dense() if each.is_sparse else each for name, (_, each) in there.items()}
        hooked = names_behind_hooks(graph.nodes, graph.edges)
        checked = check_gradients(again, leaves, dense, weights, place, hooked)
        if any(NodeMark.WRITTEN_PAST in node.marks for node in graph.nodes):
            checked = replace(checked, wrong_edges=())  # not the operations' fault: they did not see the write
        if {each.name for each in checked.inputs if not each.agrees} <= {each.name for each in self._passed_by}:
            checked = replace(checked, remarks=tuple(each for each in checked.remarks if each != NOT_TOLD))
        checked = replace(checked, remarks=(*not_compared(made), *checked.remarks))
        if not apart:
            return checked
        begun = (
            f"{listed(apart)}: not compared. {'Its' if len(apart) == 1 else 'Their'} graph began before this call, and "
            "only what runs inside of it can be run again."
        )
        return replace(checked, remarks=(begun, *checked.remarks))

    def _hooked(self, back: Walk, graph: Graph) -> list[str]:
        """Leaves with hooks of which nobody can tell whether they changed anything."""
        names = [self._name_of(leaf) for leaf in back.leaves if gradient_hooks_of(leaf) and leaf.numel() > KEPT]
        of = {node.name: node for node in graph.nodes if node.kind in (NodeKind.INPUT, NodeKind.PARAMETER)}
        uses = Counter(edge.source for edge in graph.edges if edge.gradient is not None)
        return [name for name in names if name in of and uses[of[name].id] > 1]

    def _remarks(self, back: Walk, graph: Graph, cuts: Cuts) -> list[str]:
        """What the graph alone does not show."""
        found = list(self._asked.remarks)
        reached = {id(leaf) for leaf in (*back.leaves, *(each.tensor for each in self._passed_by))}
        parameters = [(name, each) for name, each in self._parameters if each.requires_grad]
        without = [(name, each) for name, each in parameters if id(each) not in reached]
        cut = [name for name, each in without if cuts.reaches(each)]
        if cut:
            found.append(
                f"{listed(cut)} {'reaches' if len(cut) == 1 else 'reach'} the result only where no gradient comes back "
                "(detach, no_grad, a comparison)."
            )
        unused = [name for name, _ in without if name not in cut]
        if unused:
            found.append(f"{listed(unused)} {'does' if len(unused) == 1 else 'do'} not reach the result: no gradient.")
        found += [each.in_words() for each in self._passed_by] + gone_again(self._made)
        if any(step.name().startswith(COMPILED) for step in back.steps):
            found.append(
                "A part runs compiled (torch.compile): what happens inside cannot be seen, it is one operation here."
            )
        found += hooks_in_words(self._hooked(back, graph), zip(self._asked.names, self._asked.inputs, strict=True))
        found += dict.fromkeys(note for node in graph.nodes for note in node.notes)
        found += without_rule(graph.nodes, graph.edges)
        if self._has_lists():
            found.append(IN_A_LIST)
        return found

    def _name_of(self, leaf: torch.Tensor) -> str:
        return self._trace.names[self._trace.token(leaf)]

    def _result_node(self, graph: Graph, result: torch.Tensor) -> int:
        if result.grad_fn is not None:
            return graph.steps[result.grad_fn]
        token = self._trace.token(result)
        if token not in graph.tokens:
            raise OptionError(
                "The function hands back a tensor that it did not compute: there is nothing to go back through."
            )
        return graph.tokens[token]

    def _by_name(self, back: Walk, gradients: Gradients) -> dict[str, "NDArray[Any]"]:
        """The inputs' first."""
        found = {self._name_of(leaf): each for leaf, each in zip(back.leaves, gradients.leaves, strict=True)}
        own = [name for name in self._asked.names if name in found]
        order = dict.fromkeys([*own, *found])
        return {name: as_array(each) for name in order if (each := found[name]) is not None}


def _it(names: Sequence[str]) -> str:
    return "it" if len(names) == 1 else "them"


def _callables(asked: Question) -> list[Callable[..., Any]]:
    return [each for each in (asked.fn, asked.loss) if each is not None]
