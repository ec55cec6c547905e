"""Where things go: nothing over another, nothing outside, everything near where it belongs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.spatial.distance import jensenshannon, pdist, squareform

from tasks.topics import layout

ROOM = (200.0, 120.0)

boxes = arrays.arrays(np.float64, st.tuples(st.integers(0, 12), st.just(2)), elements=st.floats(1, 150, width=32))


def rows(*shape, seed=0, spread=0.1):
    return np.random.default_rng(seed).dirichlet(np.full(shape[1], spread), shape[0])


def inside(centres, boxes, room) -> bool:
    return bool(np.all(np.abs(centres) + boxes / 2 <= np.array(room) / 2 + 1e-9))


def overlapping(centres, boxes) -> int:
    hits = (np.abs(centres[:, None] - centres) * 2 < boxes[:, None] + boxes - 1e-9).all(axis=2)
    return int(np.triu(hits, k=1).sum())


@settings(max_examples=50)
@given(boxes)
def test_packed_boxes_lie_side_by_side_in_the_room(boxes):
    centres = layout.pack(boxes, ROOM)
    placed = np.isfinite(centres[:, 0])
    assert inside(centres[placed], boxes[placed], ROOM)
    assert not overlapping(centres[placed], boxes[placed])
    if len(boxes) and (boxes[0] <= np.array(ROOM) - layout.STEP).all():
        assert placed[0]


def test_the_first_box_is_in_the_middle_and_the_next_beside_it():
    centres = layout.pack(np.array([[60, 20], [40, 12], [40, 12], [400, 1]]), ROOM)
    assert np.abs(centres[0]).max() <= layout.STEP
    assert np.hypot(*centres[1:3].T).max() < 40
    assert np.isnan(centres[3]).all()


@pytest.mark.parametrize("count", [1, 2, 3, 20, 60])
@pytest.mark.parametrize("where", ["spread", "one place", "a line"])
def test_circles_are_moved_apart(count, where):
    rng = np.random.default_rng(count)
    room, radii = (800.0, 500.0), rng.uniform(8, 25, count)
    centres = rng.uniform(-250, 250, (count, 2)) * {"spread": 1, "one place": 0, "a line": (1, 0)}[where]
    moved = layout.apart(centres, radii, room)
    distance = squareform(pdist(moved)) + 1e9 * np.eye(count)
    assert np.all(distance >= radii[:, None] + radii)
    assert inside(moved, 2 * radii[:, None], room)


def test_circles_with_space_stay_where_they_are():
    centres = np.array([[-100.0, 0], [100, 50], [0, -80]])
    moved = layout.apart(centres, np.full(3, 20.0), (800, 500))
    np.testing.assert_allclose(moved, centres, atol=0.1)


@pytest.mark.parametrize("count", [1, 5, 40])
def test_labels_are_free_and_nearest_to_their_own_circle(count):
    rng = np.random.default_rng(count)
    room, radii = (800.0, 500.0), rng.uniform(8, 25, count)
    circles = layout.apart(rng.uniform(-250, 250, (count, 2)), radii, room)
    boxes = np.column_stack([rng.uniform(20, 90, count), np.full(count, 11.0)])
    centres = layout.beside(boxes, circles, radii, room)
    placed = np.isfinite(centres[:, 0])
    assert placed.mean() > 0.6
    assert inside(centres[placed], boxes[placed], room)
    assert not overlapping(centres[placed], boxes[placed])
    for label in np.flatnonzero(placed):
        nearest = np.clip(circles, centres[label] - boxes[label] / 2, centres[label] + boxes[label] / 2)
        gaps = np.hypot(*(nearest - circles).T) - radii
        assert np.argmin(gaps) == label
        assert 0 < gaps[label] < 35


def test_distances_equal_scipys():
    topics = rows(6, 50)
    expected = squareform(pdist(topics, lambda a, b: jensenshannon(a, b, base=2)))
    np.testing.assert_allclose(layout.jensen_shannon(topics), expected, atol=1e-7)


def test_distances_of_a_large_vocabulary_are_hardly_shorter(monkeypatch):
    topics = rows(6, 3000, spread=0.01)
    exact = layout.jensen_shannon(topics)
    monkeypatch.setattr(layout, "HEAVY", 800)
    shorter = layout.jensen_shannon(topics)
    assert np.all(shorter <= exact + 1e-9)
    np.testing.assert_allclose(shorter, exact, atol=0.05)


def test_a_map_keeps_distances():
    """Topics that are mixtures of three have their place in a plane."""
    corners = np.eye(3)[:, [0] * 5 + [1] * 5 + [2] * 5] / 5
    topics = rows(12, 3, spread=1) @ corners
    found = layout.place(topics)
    distances = layout.jensen_shannon(topics)
    assert np.corrcoef(pdist(found), squareform(distances, checks=False))[0, 1] > 0.97
    np.testing.assert_array_equal(found, layout.place(topics))


@pytest.mark.parametrize(
    "topics", [rows(1, 9), rows(2, 9), rows(3, 9), np.tile(rows(1, 9), (7, 1)), np.eye(4)], ids=str
)
def test_a_map_of_little(topics):
    found = layout.place(topics)
    assert found.shape == (len(topics), 2)
    assert np.isfinite(found).all()
    apart = layout.jensen_shannon(topics)
    if len(topics) <= 3:
        np.testing.assert_allclose(squareform(pdist(found)), apart, atol=0.01)
    if np.ptp(topics, axis=0).max() == 0:
        assert np.abs(found).max() < 1e-3
