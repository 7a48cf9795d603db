"""The chain rule spelled out: the slopes along the way from the result back to an input, multiplied."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fallline._explain._backprop._edge import NUMERAL
from fallline._explain._backprop._entries import same, terms_at
from fallline._explain._backprop._names import OPERAND, called
from fallline._explain._backprop._tensor_words import at, entry_words, figure, largest_entry, tensor_words
from fallline._records import Backprop, GraphEdge, GraphNode
from fallline._wording import visible

MOST_WAYS = 3
MOST_FACTORS = 8
MOST_PLACES = 1000
SIGNS = (" + ", " − ", " where ", ", ", " of ")
"""What would be torn apart in a product without brackets."""
OPEN = re.compile(rf" where |, else |{OPERAND.pattern}")
"""A rule in cases, of which one holds at an entry, or of an operand without a name: there its number says more."""
ONE = "1"
NAME = re.compile(r"[^\W\d]\w*(?:\.\w+)*")
LETTERS = re.compile(r"[^\W\d⁰¹²³⁴⁵⁶⁷⁸⁹][^\W⁰¹²³⁴⁵⁶⁷⁸⁹]*(?:\.\w+)*")
"""A name in a formula, without the raised figure of a power behind it."""
OVER_ALL = re.compile(r"(?:sum|mean|prod|max|min|amax|amin|var|std|norm|logsumexp)\([^()]*\)|‖[^‖]*‖")
"""What is taken of all entries: the followed entry's number says nothing in it."""
WHOLE = re.compile(r"[2-9]|[1-9]\d{1,3}")
"""A factor that is worth multiplying into the next: 1 is a step of its own."""
SCALED = re.compile(rf"(?P<factor>[1-9]\d{{0,3}})?(?P<rest>(?:·\s?)?(?:{NAME.pattern}|\([^()]*\)))")


@dataclass(frozen=True)
class Way:
    """One way from an entry of the input to the result, as far as it was followed."""

    node: int
    rules: tuple[str, ...]
    """From the input on."""
    products: tuple[tuple[tuple[int, ...], float], ...]
    """Places in the node's value that the entry went into, each with the product of the slopes on its way there."""
    named: tuple[bool, ...] = ()
    """Of each rule, whether the value that it leads to has a name."""


def chain_sentence(graph: Backprop, input_name: str) -> str:
    """The gradient of one input as the product of the slopes on its way, at the entry where it is largest.

    ``∂result/∂x = 1/3 · 4y · 1 = 4.8927 at entry 0 (y = 3.6695).``
    Where the way is long or not elementwise, the gradient alone; where there is none, why.

    Raises:
        OptionError: the graph has no node of this name.
    """
    node = _leaf(graph, input_name)
    if node.gradient is None:
        why = node.no_gradient
        return f"{visible(input_name)} has no gradient: {why}" if why else f"{visible(input_name)} has no gradient."
    entry = largest_entry(node.gradient)
    whole = at(node.gradient, entry) if entry is not None else None
    ways = _ways(graph, node.id, entry) if entry is not None else []
    total = sum(product for way in ways for _, product in way.products)
    left = _derivative(graph, input_name)
    if entry is None or whole is None or not ways or not same(total, whole):
        return f"{left} = {tensor_words(node.gradient)}."
    where = f" at {entry_words(entry)}" if entry else ""
    spelled = _sum_spelled(ways)
    product = "" if spelled in ("", figure(whole)) else f" = {spelled}"
    return f"{left}{product} = {figure(whole)}{where}{_known(graph, ways, entry)}."


def _leaf(graph: Backprop, name: str) -> GraphNode:
    """The first node of this name: a later one is an assignment that took the name over."""
    return next((node for node in graph.nodes if node.name == name), None) or graph.node(name)


def _derivative(graph: Backprop, name: str) -> str:
    result = "result" if graph.vector is None else "(v · result)"
    plain = visible(name)
    return f"∂{result}/∂{plain if NAME.fullmatch(plain) else f'({plain})'}"


def _ways(graph: Backprop, start: int, entry: tuple[int, ...]) -> list[Way]:
    """Every way from ``start`` to the result; empty where there are too many, or one cannot be followed."""
    following = _following(graph)
    done: list[Way] = []
    open_ways = [Way(start, (), ((entry, 1.0),))]
    while open_ways:
        way = open_ways.pop()
        if way.node == graph.result:
            done.append(_weighed(graph, way))
            continue
        steps = [_step(graph, edges, way) for edges in following.get(way.node, {}).values()]
        too_many = len(way.rules) >= MOST_FACTORS or len(steps) + len(open_ways) + len(done) > MOST_WAYS
        if too_many or not steps or None in steps:
            return []
        open_ways += [step for step in reversed(steps) if step is not None]
    return done


def _following(graph: Backprop) -> dict[int, dict[int, list[GraphEdge]]]:
    """Edges that carried a gradient, by source and target: ``y · y`` has two from y."""
    found: dict[int, dict[int, list[GraphEdge]]] = {}
    for edge in graph.edges:
        if edge.gradient is not None:
            found.setdefault(edge.source, {}).setdefault(edge.target, []).append(edge)
    return found


def _step(graph: Backprop, edges: Sequence[GraphEdge], way: Way) -> Way | None:
    """Over one operation; None where it is no product of a slope and what arrived."""
    products: list[tuple[tuple[int, ...], float]] = []
    slopes: set[float] = set()
    for place, so_far in way.products:
        terms = [terms_at(graph, edge, place) for edge in edges]
        if not terms[0] or any(len(one) != len(terms[0]) for one in terms):
            return None
        slopes |= {term.slope for each in terms for term in each}
        products += [(each[0].place, so_far * sum(term.slope for term in each)) for each in zip(*terms, strict=True)]
        if len(products) > MOST_PLACES:
            return None
    rules = [edge.local.rule if edge.local is not None else "" for edge in edges]
    if len(slopes) == 1 and any(OPEN.search(rule) for rule in rules):
        rules = [figure(slope) for slope in slopes] * len(rules)
    target = graph.nodes[edges[0].target]
    return Way(target.id, (*way.rules, _sum_of(rules)), tuple(products), (*way.named, target.name is not None))


def _weighed(graph: Backprop, way: Way) -> Way:
    """With what the way back began with, where that is no 1."""
    if graph.vector is None:
        return way
    weights = [at(graph.vector, place) for place, _ in way.products]
    known = [math.nan if weight is None else weight for weight in weights]
    if known == [1.0]:
        return way
    rule = figure(known[0]) if len(known) == 1 else "v"
    products = [(place, weight * product) for (place, product), weight in zip(way.products, known, strict=True)]
    named = (*way.named[:-1], True, True)  # a weight stays a factor of its own
    return Way(way.node, (*way.rules, rule), tuple(products), named)


def _sum_of(rules: Sequence[str]) -> str:
    """Rules of one operand used several times: ``y + y`` is ``2y``."""
    if len(rules) > 1 and len(set(rules)) == 1 and NAME.fullmatch(rules[0]):
        return f"{len(rules)}{rules[0]}"
    return " + ".join(rules)


def _sum_spelled(ways: Sequence[Way]) -> str:
    """The ways added up: a way of one factor may be a sum itself, and a Σ reaches to the end of its own."""
    if len(ways) == 1:
        return _spelled(ways[0], _factors(ways[0]))
    told = []
    for way in ways:
        factors = _factors(way)
        one = _spelled(way, [bracketed(each) for each in factors] if len(factors) == 1 else factors)
        told.append(f"({one})" if len(way.products) > 1 else one)
    return " + ".join(told)


def _factors(way: Way) -> list[str]:
    """The rules from the result back."""
    return _without_ones([visible(rule) for rule in reversed(_merged(way))])


def _spelled(way: Way, factors: list[str]) -> str:
    """The factors as a product; Σ where an entry went into several."""
    told = " · ".join(map(bracketed, factors)) if len(factors) > 1 else "".join(factors)
    return f"Σ {told}" if len(way.products) > 1 else told


def _without_ones(rules: list[str]) -> list[str]:
    """From the first factor on that is no 1, where there is one: a sum at the end multiplies by nothing."""
    first = next((place for place, rule in enumerate(rules) if rule != ONE), 0)
    return rules[first:]


def _merged(way: Way) -> list[str]:
    """The rules from the input on, a whole number before a factor with a name multiplied into it: 2 · 2y is 4y.

    Only over a value without a name: a named one is a step of its own.
    """
    told: list[str] = []
    between = False
    for rule, named in zip(way.rules, way.named, strict=True):
        scaled = SCALED.fullmatch(told[-1]) if between and WHOLE.fullmatch(rule) else None
        if scaled is None:
            told.append(rule)
        else:
            rest = scaled["rest"]
            joined = "" if len(rest) == 1 or rest.startswith("·") else "·"
            told[-1] = f"{int(rule) * int(scaled['factor'] or 1)}{joined}{rest}"
        between = not named
    return told


def bracketed(rule: str) -> str:
    """A factor in a product; its own sums and signs need brackets, those within brackets do not."""
    outside = rule
    while (without := re.sub(r"\([^()]*\)", "", outside)) != outside:
        outside = without
    return f"({rule})" if rule.startswith(("−", "-")) or any(sign in outside for sign in SIGNS) else rule


def _known(graph: Backprop, ways: Sequence[Way], entry: tuple[int, ...]) -> str:
    """The numbers behind the letters, ``(y = 3.6695)``; over several entries, how many."""
    most = max(len(way.products) for way in ways)
    if most > 1:
        return f" (Σ over the {most:,} entries it went into)"
    values = _numbers_of(graph, entry)
    rules = [rule for way in ways for rule in way.rules if not NUMERAL.fullmatch(rule)]
    found = (name for rule in rules for name in [*OVER_ALL.findall(rule), *LETTERS.findall(OVER_ALL.sub("", rule))])
    names = dict.fromkeys(name for name in found if name in values)
    return f" ({', '.join(f'{visible(name)} = {figure(values[name])}' for name in names)})" if names else ""


def _numbers_of(graph: Backprop, entry: tuple[int, ...]) -> Mapping[str, float]:
    """Named values at the followed entry, and single numbers with a name or a short text."""
    found: dict[str, float] = {}
    for node in graph.nodes:
        value = at(node.value, entry)
        if value is None and node.value is not None and node.value.count == 1:
            value = at(node.value, (0,) * len(node.value.shape))
        if value is not None and (node.name or (node.text and node.value is not None and node.value.count == 1)):
            found[called(node)] = value
    return found
