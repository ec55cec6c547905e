"""fastText's Huffman tree of the labels, for its hierarchical softmax (src/loss.cc, buildTree).

Leaves are the labels 0..L-1, the inner nodes L..2L-2, the root last. Inner node n asks row n - L of the outputs: the
sigmoid of its score is the chance to go right.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

NOTHING_YET = 10**15  # the count of a node that is not made yet: more than any


class Tree(NamedTuple):
    """starts (L + 1,), nodes, turns (P,): the path of label l from its leaf to the root is nodes[starts[l] :
    starts[l + 1]], as rows of outputs, with turns 1 where it goes right; lefts, rights (L - 1,): children of nodes.
    """

    starts: NDArray[np.int64]
    nodes: NDArray[np.int64]
    turns: NDArray[np.float32]
    lefts: NDArray[np.int32]
    rights: NDArray[np.int32]


NONE = Tree(
    np.zeros(1, np.int64), np.zeros(0, np.int64), np.zeros(0, np.float32), np.zeros(0, np.int32), np.zeros(0, np.int32)
)


def tree(counts: NDArray[np.int64]) -> Tree:
    """The tree for the labels' counts (L,), in descending order."""
    return Tree(*_build(np.ascontiguousarray(counts, np.int64)))


@njit(nogil=True, cache=True)
def _build(
    counts: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32], NDArray[np.int32], NDArray[np.int32]]:
    labels = counts.size
    count = np.full(2 * labels - 1, NOTHING_YET, np.int64)
    count[:labels] = counts
    parent = np.full(2 * labels - 1, -1, np.int64)
    is_right = np.zeros(2 * labels - 1, np.float32)
    lefts, rights = np.empty(labels - 1, np.int32), np.empty(labels - 1, np.int32)
    leaf, node, first = labels - 1, labels, 0
    for new in range(labels, 2 * labels - 1):
        for side in range(2):
            if leaf >= 0 and count[leaf] < count[node]:
                child = leaf
                leaf -= 1
            else:
                child = node
                node += 1
            parent[child], is_right[child] = new, side
            if side == 0:
                lefts[new - labels] = child
                first = count[child]
            else:
                rights[new - labels] = child
                count[new] = first + count[child]
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
    return starts, nodes, turns, lefts, rights
