"""A view of a view, used after its base was written to: PyTorch leads its gradient back to the base in one step."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from fallline._backprop._ran import Held, Ran
from fallline._backprop._rule_text import describe
from fallline._backprop._seen import Operation
from fallline._backprop._words import shape_in_words
from fallline._records import LocalDerivative

MOVED: Final = frozenset({"view", "_unsafe_view", "_reshape_alias", "alias", "squeeze", "unsqueeze"}) | frozenset(
    {"t", "transpose", "permute"}
)
"""Views that have all entries of what they look at, each once."""
REPEATED: Final = frozenset({"expand", "as_strided", "unfold"})
"""Views that may have an entry several times."""


@dataclass(frozen=True)
class Link:
    """One view."""

    operation: Operation
    output: int | None
    """Which of several; None of an operation that makes one."""


def links_of(operations: Iterable[Operation]) -> dict[int, Link]:
    """What made each view, by its token."""
    links: dict[int, Link] = {}
    for operation in operations:
        several = len(operation.outputs) > 1
        for place, made in enumerate(operation.outputs if operation.view else ()):
            if made is not None:
                links[made.token] = Link(operation, place if several else None)
    return links


def chain_to(token: int, links: Mapping[int, Link]) -> list[Link]:
    """The views that lead from a base to this one, in their order; none where it is no view."""
    chain: list[Link] = []
    while token in links:
        chain.append(links[token])
        token = chain[-1].operation.tensors[0][1].token
    return chain[::-1]


def chain_in_words(chain: Sequence[tuple[Link, Ran]]) -> str:
    """What the user wrote: ``view(y, (2, 3))[0]``."""
    label: str | None = None
    for link, ran in chain:
        first = ran.arguments[0]
        named = replace(first, label=label or first.label) if isinstance(first, Held) else first
        label = describe(replace(ran, arguments=(named, *ran.arguments[1:])))
        label = label if link.output is None else f"{label}[{link.output}]"
    return label or ""


def back_through(chain: Sequence[Link]) -> LocalDerivative:
    """What the whole chain does to a gradient."""
    ops = {link.operation.op for link in chain}
    if ops <= MOVED:
        rule = "the same numbers, moved back to their places"
    elif ops & REPEATED:
        rule = "put back at the places taken, added where one was taken twice, 0 elsewhere"
    else:
        rule = "put back at the places taken, 0 elsewhere"
    base = chain[0].operation.tensors[0][1].shape
    last = chain[-1].operation.outputs[chain[-1].output or 0]
    made = "its part" if last is None else shape_in_words(last.shape)
    return LocalDerivative(rule, product=f"{made} → {shape_in_words(base)}")
