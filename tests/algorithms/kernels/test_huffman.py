import heapq

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from algorithms.kernels import huffman

Node = tuple[int, int, int]  # left, right, count

descending = st.lists(st.integers(1, 30) | st.integers(1, 10**9), min_size=1, max_size=40).map(
    lambda counts: sorted(counts, reverse=True)
)


def fasttexts(counts: list[int]) -> list[Node]:
    """HierarchicalSoftmaxLoss::buildTree, line by line: the inner nodes."""
    labels, nodes, pairs = len(counts), [(-1, -1, count) for count in counts], list[Node]()
    nodes += [(-1, -1, 10**15)] * (labels - 1)
    leaf, node = labels - 1, labels
    for i in range(labels, 2 * labels - 1):
        mini = [0, 0]
        for j in range(2):
            if leaf >= 0 and nodes[leaf][2] < nodes[node][2]:
                mini[j] = leaf
                leaf -= 1
            else:
                mini[j] = node
                node += 1
        nodes[i] = (mini[0], mini[1], nodes[mini[0]][2] + nodes[mini[1]][2])
        pairs.append(nodes[i])
    return pairs


def of(counts: list[int]) -> tuple[huffman.Tree, huffman.Paths]:
    tree = huffman.tree(np.array(counts, np.int64))
    return tree, huffman.paths(tree)


def ways(paths: huffman.Paths) -> list[list[tuple[int, float]]]:
    """From each leaf to the root: rows of outputs and turns."""
    nodes, turns = (np.split(array, paths.starts[1:-1]) for array in (paths.nodes, paths.turns))
    return [list(zip(way.tolist(), sides.tolist(), strict=True)) for way, sides in zip(nodes, turns, strict=True)]


@given(descending)
def test_the_tree_is_fasttexts(counts: list[int]) -> None:
    tree, paths = of(counts)
    pairs = fasttexts(counts)
    assert tree.lefts.tolist() == [left for left, _, _ in pairs]
    assert tree.rights.tolist() == [right for _, right, _ in pairs]
    assert [array.dtype.name for array in (*tree, *paths)] == ["int32", "int32", "int64", "int64", "float32"]
    parents = {child: (i, float(side)) for i, pair in enumerate(pairs) for side, child in enumerate(pair[:2])}
    for label, way in enumerate(ways(paths)):
        node, wanted = label, list[tuple[int, float]]()
        while node in parents:
            wanted.append(parents[node])
            node = len(counts) + parents[node][0]
        assert way == wanted
        assert node == 2 * len(counts) - 2  # the root


@given(descending)
def test_no_tree_is_better(counts: list[int]) -> None:
    heap, cost = list(counts), 0
    heapq.heapify(heap)
    while len(heap) > 1:
        both = heapq.heappop(heap) + heapq.heappop(heap)
        cost += both
        heapq.heappush(heap, both)
    _, paths = of(counts)
    assert (np.diff(paths.starts) * counts).sum() == cost


def test_two_labels() -> None:
    tree, paths = of([5, 3])
    assert (tree.lefts.tolist(), tree.rights.tolist()) == ([1], [0])  # the rarer one goes left
    assert ways(paths) == [[(0, 1.0)], [(0, 0.0)]]


def test_one_label_is_its_own_root() -> None:
    tree, paths = of([5])
    assert (tree.lefts.size, tree.rights.size) == (0, 0)
    assert ways(paths) == [[]]


@pytest.mark.parametrize(
    "counts", [[0, 0, 0], [1, 2, 3], [2**63 - 1] * 9, [10**15, 10**15, 1], [0, 10**18, 0, 5]], ids=str
)
def test_counts_of_no_text_make_a_tree_too(counts: list[int]) -> None:
    """Those that a damaged file may hold: every node has one parent, the root none."""
    tree, paths = of(counts)
    nodes = range(2 * len(counts) - 2)
    assert sorted([*tree.lefts.tolist(), *tree.rights.tolist()]) == list(nodes)
    assert all(child < len(counts) + i for pair in tree for i, child in enumerate(pair.tolist()))
    assert all(way[-1][0] == len(counts) - 2 for way in ways(paths))


def test_a_tree_takes_no_more_than_its_labels() -> None:
    tree = huffman.tree(np.zeros(200_000, np.int64))  # as deep as it can be
    assert tree.lefts.nbytes + tree.rights.nbytes < 2_000_000
