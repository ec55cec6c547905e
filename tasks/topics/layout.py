"""Where things go in pictures of topics: topics on a map, circles side by side, words in the free space.

Knows numbers only. Places and sizes are in points, boxes are (width, height) about their centre.
"""

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]

STEP = 2.5  # points between places that are tried
CLEAR = 1.5  # points that a label is nearer to its own circle than to any other
HEAVY = 4000  # words that tell topics apart; all others together count as one


def pack(boxes: Points, room: tuple[float, float]) -> Points:
    """Centres (n, 2) of boxes (n, 2) in the room around (0, 0), none over another: the first in the middle, each next
    as near to it as there is space; nan for a box that finds none.
    """
    across, up = (np.arange(-side / 2, side / 2, STEP) + (side % STEP) / 2 for side in room)
    x, y = (grid.ravel() for grid in np.meshgrid(across, up))
    order = np.argsort((x / room[0]) ** 2 + (y / room[1]) ** 2, kind="stable")
    x, y = x[order], y[order]
    centres = np.full((len(boxes), 2), np.nan)
    for place, (wide, high) in enumerate(boxes):
        free = (np.abs(x) <= (room[0] - wide) / 2) & (np.abs(y) <= (room[1] - high) / 2)
        for other in range(place):  # nan, which has no place, is in nobody's way
            far = (wide + boxes[other, 0]) / 2, (high + boxes[other, 1]) / 2
            free &= ~((np.abs(x - centres[other, 0]) < far[0]) & (np.abs(y - centres[other, 1]) < far[1]))
        if free.any():
            nearest = np.argmax(free)
            centres[place] = x[nearest], y[nearest]
    return centres


def beside(
    boxes: Points, circles: Points, radii: Points, room: tuple[float, float], *, farthest: float = 30.0
) -> Points:
    """Centres (n, 2) of labels (n, 2), each at its circle and over no other thing; nan where none is free.

    Circles (n, 2) are given by their centres in the room around (0, 0) and by their radii (n,). The largest choose
    first. No label is more than `farthest` from its circle, or nearer to another one.
    """
    centres = np.full((len(boxes), 2), np.nan)
    angles = np.linspace(0, 2 * np.pi, 32, endpoint=False)
    angles = np.concatenate([angles[[0, 24, 8, 16]], angles])  # right, below, above, left; then the others
    directions = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    for label in np.argsort(-radii, kind="stable"):
        box = boxes[label]
        for gap in np.arange(2, farthest, 4):
            # the box touches the circle that is `gap` wider: its centre lies on a rounded rectangle
            tried = circles[label] + directions * (radii[label] + gap) + np.clip(directions * 1.5, -1, 1) * box / 2
            nearest = np.clip(circles, tried[:, None] - box / 2, tried[:, None] + box / 2)  # of each box to each circle
            gaps = np.hypot(*(nearest - circles).transpose(2, 0, 1)) - radii
            hit = (gaps < 1).any(axis=1)
            gaps[:, label] += CLEAR
            hit |= (gaps < gaps[:, label, None]).any(axis=1)
            hit |= (np.abs(tried[:, None] - centres) * 2 < boxes + box).all(axis=2).any(axis=1)
            hit |= (np.abs(tried) + box / 2 > np.array(room) / 2).any(axis=1)
            if not hit.all():
                centres[label] = tried[np.flatnonzero(~hit)[0]]
                break
    return centres


def apart(centres: Points, radii: Points, room: tuple[float, float], *, gap: float = 3.0) -> Points:
    """Circles (n, 2) moved as little as it takes to lie side by side, `gap` between them, and inside the room."""
    moved = centres + 0.01 * _spiral(len(centres))  # those at one place need a direction
    most = np.array(room) / 2 - radii[:, None] - 3 * gap
    need = radii[:, None] + radii + gap
    np.fill_diagonal(need, 0)
    for _ in range(1000):
        moved = np.clip(moved, -most, most)
        between = moved[:, None] - moved
        distance = np.hypot(*between.transpose(2, 0, 1)) + np.eye(len(moved))
        push = np.clip(need - distance, 0, None)
        if push.max(initial=0) < 0.01:
            break
        neighbours = np.maximum(np.count_nonzero(push, axis=1), 1)[:, None]
        moved = moved + (between * (push / distance)[..., None]).sum(axis=1) / (2 * neighbours)
    return np.clip(moved, -most, most)


def place(topic_word: NDArray[np.floating]) -> Points:
    """Rows (K, V) that sum to 1, as points (K, 2) whose distances follow those of the topics.

    Jensen-Shannon distances, by metric multidimensional scaling (SMACOF) that begins at classical scaling: the same
    topics give the same map.
    """
    # half a second to import, and needed once a run
    from sklearn.manifold import smacof

    distances = jensen_shannon(topic_word)
    K = len(distances)
    centred = np.eye(K) - 1 / K
    values, axes = np.linalg.eigh(-0.5 * centred @ distances**2 @ centred)
    classical = np.zeros((K, 2))
    for axis in range(min(2, K)):
        column = axes[:, -1 - axis]
        sign = np.sign(column[np.argmax(np.abs(column))])  # LAPACK is free to choose it
        classical[:, axis] = sign * column * np.sqrt(max(values[-1 - axis], 0))
    if distances.max(initial=0) < 1e-6:  # all alike
        return classical
    start = classical + 1e-6 * _spiral(K)
    positions, _ = smacof(distances, init=start, n_init=1, n_components=2, normalized_stress=False)
    return np.asarray(positions, dtype=np.float64)


def jensen_shannon(topic_word: NDArray[np.floating]) -> Points:
    """(K, K) distances of rows (K, V) that sum to 1: the root of the divergence in bits, 0-1. Lin 1991.

    Of a large vocabulary, only the `HEAVY` words that topics use most are told apart, which can but shorten distances.
    """
    rows = np.asarray(topic_word, dtype=np.float64)
    if rows.shape[1] > HEAVY:
        order = np.argpartition(-rows.sum(axis=0), HEAVY)
        rows = np.column_stack([rows[:, order[:HEAVY]], rows[:, order[HEAVY:]].sum(axis=1)])
    own = _entropy(rows)
    distances = np.zeros((len(rows), len(rows)))
    for k, row in enumerate(rows):  # with those after it
        divergence = _entropy((rows[k + 1 :] + row) / 2) - (own[k + 1 :] + own[k]) / 2
        distances[k, k + 1 :] = np.sqrt(np.clip(divergence, 0, 1))
    return distances + distances.T


def _entropy(rows: Points) -> Points:
    entropy: Points = -(rows * np.log2(rows, where=rows > 0, out=np.zeros_like(rows))).sum(axis=1)
    return entropy


def _spiral(n: int) -> Points:
    """Points (n, 2), no two at one place, not in a line: a sunflower's seeds."""
    index = np.arange(n)
    angles = index * np.pi * (3 - 5**0.5)
    points: Points = np.sqrt(index)[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return points
