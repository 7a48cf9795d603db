"""Words for a forward and a backward pass: story, table, tree, single steps. docs/semantics.md#backpropagation."""

from fallline._explain._backprop._accusation import accusation, check_outcome
from fallline._explain._backprop._chain import chain_sentence
from fallline._explain._backprop._check_words import check_sentences, is_mismatch, needs_saying_first
from fallline._explain._backprop._edge import edge_sentence, way_back
from fallline._explain._backprop._entries import followed_entry
from fallline._explain._backprop._jacobian_words import jacobian_lines
from fallline._explain._backprop._kept import kept_words
from fallline._explain._backprop._names import operand_words
from fallline._explain._backprop._node import mark_sentences, node_sentence
from fallline._explain._backprop._readable import open_already_words, readable
from fallline._explain._backprop._story import asked_nodes, birth_told, story
from fallline._explain._backprop._table import graph_table
from fallline._explain._backprop._tensor_words import figure, tensor_words
from fallline._explain._backprop._tree import graph_tree

__all__ = [
    "accusation",
    "asked_nodes",
    "birth_told",
    "chain_sentence",
    "check_outcome",
    "check_sentences",
    "edge_sentence",
    "figure",
    "followed_entry",
    "graph_table",
    "graph_tree",
    "is_mismatch",
    "jacobian_lines",
    "kept_words",
    "mark_sentences",
    "needs_saying_first",
    "node_sentence",
    "open_already_words",
    "operand_words",
    "readable",
    "story",
    "tensor_words",
    "way_back",
]
