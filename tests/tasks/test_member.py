"""What a member answers when it does not hold what it should: None, and nothing is changed."""

import threading
import uuid
from pathlib import Path

import numpy as np
import pytest

from algorithms.protocol import Span
from data.errors import StorageError
from tasks import circle, member
from tasks.circle import Circle
from tasks.member import NOTHING, Seat, Standing
from tests.faulty import Faulty, Numbers, Part, same

SPAN = Span(0.1, 0.2)
PART = [Part((3, 4))]


@pytest.fixture
def seats(tmp_path, monkeypatch):
    """Two members that hold the same state, in one process, and no others."""
    monkeypatch.setattr(member, "_members", {})
    training = uuid.uuid4().hex
    algorithm = Faulty(tmp_path)
    found = [Seat("client", training, f"inproc://{number}") for number in (0, 1)]
    for seat in found:
        assert member.sit(seat, algorithm, 1, ["client"]) == Standing(NOTHING, ())
        given(seat, algorithm.init(Numbers(), seed=1))
    yield found
    for seat in found:
        member.leave(seat)
    assert not member._members


def given(seat, state):
    """Hold a state, which comes in pieces of 1000 bytes."""
    assert member.expect(seat, [(name, array.shape, array.dtype.str) for name, array in state.items()])
    for name, array in state.items():
        content = array.tobytes()
        for start in range(0, len(content), 1000):
            assert member.receive(seat, name, start, content[start : start + 1000])
    assert member.begin(seat, 0) == Standing(0, ())


def both(seats, function):
    """Of both at once: they wait for each other."""
    answers = [None, None]

    def ask(number):
        answers[number] = function(number, seats[number])

    threads = [threading.Thread(target=ask, args=(number,)) for number in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return answers


def formed(seats, *, root=None, version=0):
    port = member.open_store(seats[0])
    among = Circle(0, 2, "127.0.0.1", port, 10.0)
    answers = both(seats, lambda rank, seat: member.join(seat, among._replace(rank=rank), version=version, root=root))
    assert answers == ["", ""]


def test_a_state_arrives_as_it_was(seats, tmp_path):
    state = Faulty(tmp_path).init(Numbers(), seed=1)
    found = member.fetch(seats[0], 0, [])
    assert found.keys() == state.keys()
    for name, array in state.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].flags.writeable
    assert member.fetch(seats[0], 0, ["whole"]).keys() == {"whole"}


def test_who_does_not_hold_it_says_so(seats):
    nobody = Seat("client", "other", "inproc://0")
    for seat, version in ((nobody, 0), (seats[0], 1)):
        assert member.work(seat, version, 0, PART, span=SPAN, seed=1) is None
        assert member.combine(seat, version, [], span=SPAN, seed=1) is None
        assert member.fetch(seat, version, []) is None
        assert member.save(seat, version, "memory://nowhere/state") is None
    assert member.open_store(nobody) is None
    assert member.doing(nobody) is None
    member.leave(nobody)


def test_work_that_nobody_waited_for_changes_nothing(seats, monkeypatch):
    """Its part has been trained by another, and the round is over."""
    real = member.train_part

    def overtaken(*given, **options):
        member._members[seats[0]].hold({}, 1)
        return real(*given, **options)

    monkeypatch.setattr(member, "train_part", overtaken)
    assert member.work(seats[0], 0, 0, PART, span=SPAN, seed=1) is None
    assert member.sit(seats[0], Faulty(""), 1, ["client"]) == Standing(1, ())


def test_two_members_merge(seats):
    formed(seats)
    for number, seat in enumerate(seats):
        assert member.work(seat, 0, number, PART, span=SPAN, seed=number).words == 2
        assert member.sit(seat, Faulty(""), 1, ["client"]) == Standing(0, (number,))
    answers = both(seats, lambda rank, seat: member.combine(seat, 0, [rank], span=SPAN, seed=9))
    assert answers == [True, True]
    one, two = (member.fetch(seat, 1, []) for seat in seats)
    for name, array in one.items():
        assert array.tobytes() == two[name].tobytes()
    together = seats[0]._replace(training="together")
    member.sit(together, member._members[seats[0]].algorithm, 1, ["client"])
    given(together, Faulty("").init(Numbers(), seed=1))
    for number in (0, 1):
        member.work(together, 0, number, PART, span=SPAN, seed=number)
    assert member.combine(together, 0, [0, 1], span=SPAN, seed=9)
    same(member.fetch(together, 1, []), one)
    member.leave(together)


def test_a_newcomer_is_given_the_state(seats, tmp_path):
    newer = Faulty(tmp_path).init(Numbers(), seed=2)
    member._members[seats[1]].hold(newer, 5)
    formed(seats, root=1, version=5)
    found = member.fetch(seats[0], 5, [])
    assert found.keys() == newer.keys()
    for name, array in newer.items():
        np.testing.assert_array_equal(found[name], array)


def test_a_merge_that_fails_leaves_nothing_half_merged(seats, monkeypatch):
    formed(seats)
    member.work(seats[0], 0, 0, PART, span=SPAN, seed=1)

    def totals(within):
        def total(array):
            array += 1
            raise RuntimeError("[gloo/transport/tcp/pair.cc:534] Connection closed by peer")

        return total

    before = {name: array.copy() for name, array in member.fetch(seats[0], 0, []).items()}
    monkeypatch.setattr(circle, "totals", totals)
    assert member.combine(seats[0], 0, [0], span=SPAN, seed=1) is None
    assert member.sit(seats[0], Faulty(""), 1, ["client"]) == Standing(0, ())
    for name, array in member.fetch(seats[0], 0, []).items():
        np.testing.assert_array_equal(array, before[name])


def test_others_errors_come_through(seats, monkeypatch):
    formed(seats)

    def totals(within):
        raise RuntimeError("a mistake of ours")

    monkeypatch.setattr(circle, "totals", totals)
    with pytest.raises(RuntimeError, match="a mistake of ours"):
        member.combine(seats[0], 0, [], span=SPAN, seed=1)


def test_a_state_is_written_beside(seats, tmp_path):
    url = str(tmp_path / "state.safetensors")
    assert member.save(seats[0], 0, url) is not None
    assert member.save(seats[0], 0, url) > 0.0
    assert Path(url).exists()
    assert member.save(seats[0], 0, "/proc/nothing/state.safetensors") is not None
    with pytest.raises(StorageError, match="/proc/nothing"):
        member.save(seats[0], 0, url)
    assert member.save(seats[0], 0, url) is not None, "one that failed is told once"


def test_those_whose_client_is_gone_are_forgotten(seats, monkeypatch):
    monkeypatch.setattr(member, "IDLE", 0.0)
    late = Seat("another", "training", "inproc://0")
    member.sit(late, Faulty(""), 1, ["client", "another"])
    assert set(member._members) == {*seats, late}
    member.sit(seats[0], Faulty(""), 1, ["client"])
    assert set(member._members) == set(seats)
