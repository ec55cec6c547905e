"""fastText's Huffman tree of the labels, for its hierarchical softmax (src/loss.cc, buildTree).

Leaves are the labels 0..L-1, the inner nodes L..2L-2, the root last. Inner node n asks row n - L of the outputs: the
sigmoid of its score is the chance to go right.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray


class Tree(NamedTuple):
    """lefts, rights (L - 1,): the children of each inner node."""

    lefts: NDArray[np.int32]
    rights: NDArray[np.int32]


class Paths(NamedTuple):
    """starts (L + 1,), nodes, turns (P,): the path of label l from its leaf to the root is nodes[starts[l] :
    starts[l + 1]], as rows of outputs, with turns 1 where it goes right.
    """

    starts: NDArray[np.int64]
    nodes: NDArray[np.int64]
    turns: NDArray[np.float32]


NO_TREE = Tree(np.zeros(0, np.int32), np.zeros(0, np.int32))
NO_PATHS = Paths(np.zeros(1, np.int64), np.zeros(0, np.int64), np.zeros(0, np.float32))


def tree(counts: NDArray[np.int64]) -> Tree:
    """The tree for the labels' counts (L,), L > 0, in descending order."""
    return Tree(*_build(np.array(counts, np.int64)))  # a copy: numba would compile anew for a read-only one


def paths(tree: Tree) -> Paths:
    """The way to each label: about log L steps for the counts of a text, up to L for counts such as all zero."""
    return Paths(*_follow(*tree))


@njit(nogil=True, cache=True)
def _build(counts: NDArray[np.int64]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    labels = counts.size
    count = np.empty(2 * labels - 1, np.int64)
    count[:labels] = counts
    lefts, rights = np.empty(labels - 1, np.int32), np.empty(labels - 1, np.int32)
    leaf, node = labels - 1, labels
    for new in range(labels, 2 * labels - 1):
        for side in range(2):
            if leaf >= 0 and (node == new or count[leaf] < count[node]):
                child = leaf
                leaf -= 1
            else:
                child = node
                node += 1
            if side == 0:
                lefts[new - labels] = child
            else:
                rights[new - labels] = child
        count[new] = count[lefts[new - labels]] + count[rights[new - labels]]
    return lefts, rights


@njit(nogil=True, cache=True)
def _follow(
    lefts: NDArray[np.int32], rights: NDArray[np.int32]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    labels = lefts.size + 1
    parent, is_right = np.full(2 * labels - 1, -1, np.int64), np.zeros(2 * labels - 1, np.float32)
    for inner in range(labels - 1):
        parent[lefts[inner]] = parent[rights[inner]] = labels + inner
        is_right[rights[inner]] = 1
    starts = np.zeros(labels + 1, np.int64)
    for label in range(labels):
        at, length = label, 0
        while parent[at] >= 0:
            at, length = parent[at], length + 1
        starts[label + 1] = starts[label] + length
    nodes, turns = np.empty(starts[labels], np.int64), np.empty(starts[labels], np.float32)
    for label in range(labels):
        at = label
        for i in range(starts[label], starts[label + 1]):
            nodes[i], turns[i] = parent[at] - labels, is_right[at]
            at = parent[at]
    return starts, nodes, turns
