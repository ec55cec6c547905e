import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from algorithms import training
from algorithms.counting import count_and_encode
from algorithms.here import Here
from algorithms.protocol import Algorithm, Span
from algorithms.state import Partial, State
from algorithms.training import MOST_ROUNDS_AN_EPOCH, WORDS_PER_NUMBER, Done, Round, rounds_per_epoch, train
from algorithms.word2vec.algorithm import Word2Vec
from data import arrays
from data.corpus import Corpus, Slice
from data.vocabulary import Vocabulary

IDS = {"one": np.arange(70), "two": np.arange(70, 75), "three": np.arange(75, 203)}


class Call(NamedTuple):
    """What one update was given."""

    ids: list[int]
    sum: float
    span: Span
    threads: int
    seed: int


class Recorder:
    """An algorithm that writes down what it is given and adds one to its number with every update."""

    pace = 1.0

    def __init__(self, *, epochs: int = 2, numbers: int = 50) -> None:
        self.epochs, self.numbers = epochs, numbers
        self.calls: list[Call] = []

    def init(self, corpus: Corpus, *, seed: int) -> State:
        return {"sum": np.full(self.numbers, seed, np.float32), "words": np.arange(len(corpus.vocabulary))}

    def update(
        self, state: State, batches: Sequence[np.ndarray], *, span: Span, threads: int, seed: int, alone: bool
    ) -> Partial:
        ids = [i for batch in batches for i in batch.tolist()]
        if span == Span(0, 0):  # the round without text that wakes a cluster
            assert not ids
            return Partial(state, {"sum": np.zeros(1)}, 0.0, 0, 0)
        self.calls.append(Call(ids, float(state["sum"][0]), span, threads, seed))
        loss = 2.0 * len(ids)
        return Partial({**state, "sum": state["sum"] + 1}, {"sum": np.ones(1)}, loss, len(ids), len(ids))

    def learning_rate_at(self, progress: float) -> float:
        return 1 - progress


_: Algorithm = Recorder()


@pytest.fixture
def corpus(monkeypatch: pytest.MonkeyPatch) -> Corpus:
    """Three shards that hold 0, 1, 2 ... 202."""
    monkeypatch.setattr(Slice, "read", lambda piece: IDS[piece.url][piece.start : piece.stop])
    monkeypatch.setattr(training, "WORDS_PER_WORKER", 1)
    lengths = [len(ids) for ids in IDS.values()]
    return Corpus(Vocabulary(["a"], np.array([203])), list(IDS), lengths, sum(lengths), 1)


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("numbers", [1, 50, 10_000])
def test_every_epoch_is_the_corpus_once(workers: int, numbers: int, corpus: Corpus) -> None:
    algorithm = Recorder(epochs=3, numbers=numbers)
    rounds = list(train(algorithm, corpus, cluster=Here(2, workers=workers), seed=5))
    seen = [i for call in algorithm.calls for i in call.ids]
    assert seen == list(range(203)) * 3  # the parts of the workers in order and disjoint
    assert len(rounds) == 3 * rounds_per_epoch(corpus, algorithm.init(corpus, seed=5), workers=workers)
    assert len(algorithm.calls) == workers * len(rounds)
    assert sum(done.words for done in rounds) == 3 * 203


def test_rounds_tell_where_they_are(corpus: Corpus) -> None:
    algorithm = Recorder()
    rounds = list(train(algorithm, corpus, cluster=Here(1), seed=0))
    assert len(rounds) == 20
    assert [done.number for done in rounds] == list(range(1, 21))
    assert {done.rounds for done in rounds} == {20}
    np.testing.assert_allclose([done.progress for done in rounds], np.arange(1, 21) / 20)
    assert rounds[-1].progress == 1
    spans = [call.span for call in algorithm.calls]
    assert spans[0].start == 0
    assert spans[-1].stop == 1
    assert [span.start for span in spans[1:]] == [span.stop for span in spans[:-1]]
    assert [done.learning_rate for done in rounds] == [1 - done.progress for done in rounds]
    assert all(done.loss == 2 for done in rounds)
    assert all(done.seconds > 0 and done.words_per_second == done.words / done.seconds for done in rounds)


def test_a_round_starts_from_what_the_last_one_merged(corpus: Corpus) -> None:
    algorithm = Recorder(epochs=1)
    rounds = train(algorithm, corpus, cluster=Here(1, workers=3), seed=7)
    assert [float(done.array("sum")[0]) for done in rounds] == [8, 9, 10, 11]
    assert [call.sum for call in algorithm.calls] == [7 + index for index in range(4) for _ in range(3)]


def test_training_goes_on_from_a_state_that_is_given(corpus: Corpus) -> None:
    algorithm = Recorder(numbers=10)
    given = {"sum": np.full(50, 7, np.float32)}
    rounds = list(train(algorithm, corpus, cluster=Here(1), state=given, seed=0))
    assert len(rounds) == 2 * rounds_per_epoch(corpus, given)
    assert algorithm.calls[0].sum == 7
    assert rounds[-1].state["sum"].tolist() == [7 + len(rounds)] * 50


def test_no_two_updates_share_a_seed(corpus: Corpus) -> None:
    algorithm = Recorder(epochs=5)
    for seed in (0, 1, 2):
        list(train(algorithm, corpus, cluster=Here(4, workers=3), seed=seed))
    assert len({call.seed for call in algorithm.calls}) == len(algorithm.calls)
    assert {call.threads for call in algorithm.calls} == {4}


def test_nothing_runs_ahead_of_its_reader(corpus: Corpus) -> None:
    algorithm = Recorder()
    rounds = train(algorithm, corpus, cluster=Here(1), seed=0)
    assert algorithm.calls == []
    next(rounds)
    assert len(algorithm.calls) == 1


@given(st.integers(1, 10**12), st.integers(1, 10**6), st.integers(1, 100))
def test_rounds_per_epoch(tokens: int, rows: int, columns: int) -> None:
    corpus = Corpus(Vocabulary([], np.array([], np.int64)), [], [], tokens, 1)
    vectors = np.broadcast_to(np.float32(0), (rows, columns))
    rounds = rounds_per_epoch(corpus, {"vectors": vectors, "constants": np.broadcast_to(0, 10**9)})
    assert 1 <= rounds <= MOST_ROUNDS_AN_EPOCH
    if rounds > 1:
        assert tokens / rounds >= WORDS_PER_NUMBER * vectors.size
    if rounds < MOST_ROUNDS_AN_EPOCH:
        assert tokens / (rounds + 1) < WORDS_PER_NUMBER * vectors.size


def test_parts_without_text_change_nothing(corpus: Corpus) -> None:
    algorithm = Recorder()
    with Here(1, workers=2).team(algorithm, algorithm.init(corpus, seed=0)) as team:
        done = team.round([[], [Slice("two", 1, 3)]], span=Span(0, 1), seed=9)
    assert [call.ids for call in algorithm.calls] == [[], [71, 72]]
    assert [call.seed for call in algorithm.calls] == [9, 10]
    assert [share.words for share in done.shares] == [0, 2]


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    rng = np.random.default_rng(3)
    lines = [" ".join(f"w{i}" for i in rng.zipf(1.4, 12) if i < 200) for _ in range(300)]
    return count_and_encode(["\n".join(lines).encode()], tmp_path_factory.mktemp("text"), min_count=2)


def trained(text: Corpus, *, workers: int = 1, seed: int = 1, epochs: int = 2) -> list[Round]:
    algorithm = Word2Vec(vector_dim=5, epochs=epochs, min_count=2)
    return list(train(algorithm, text, cluster=Here(1, workers=workers), seed=seed))


@pytest.mark.parametrize("workers", [1, 3])
def test_one_thread_is_deterministic(workers: int, text: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "WORDS_PER_WORKER", 1)
    once, again, other = (trained(text, workers=workers, seed=seed) for seed in (1, 1, 2))
    assert len(once) > 2
    for one, two in zip(once, again, strict=True):
        for name, array in one.state.items():
            assert array.tobytes() == two.state[name].tobytes()
        assert (one.loss, one.words, one.progress) == (two.loss, two.words, two.progress)
    assert once[-1].state["words"].tobytes() != other[-1].state["words"].tobytes()


class Waking:
    """A team of nobody; somebody was lost before there was anything to do."""

    workers, link = 1, 0.0

    @contextmanager
    def team(self, algorithm: object, state: State) -> "Iterator[Waking]":
        yield self

    def round(self, parts: object, *, span: Span, seed: int) -> Done:
        return Done((), 0.0, ("worker 1 is gone",) if span == Span(0, 0) else ())


def test_who_is_lost_before_the_first_round_is_told_of_with_it(text: Corpus) -> None:
    lost = [each.lost for each in train(Recorder(), text, cluster=Waking(), seed=1)]
    assert lost[0] == ("worker 1 is gone",)
    assert not any(lost[1:])


def test_word2vec_consumes_every_word_and_lowers_its_loss(text: Corpus) -> None:
    rounds = trained(text, epochs=10)
    assert sum(done.words for done in rounds) == 10 * text.tokens
    assert np.mean([done.loss for done in rounds[-3:]]) < np.mean([done.loss for done in rounds[:3]])
    assert rounds[-1].learning_rate == pytest.approx(0.05 * 1e-4)


def test_three_workers_learn_what_one_learns(text: Corpus) -> None:
    one, three = (trained(text, workers=workers, epochs=20)[-1] for workers in (1, 3))
    assert three.loss == pytest.approx(one.loss, rel=0.2)


def test_a_saved_corpus_trains_as_the_one_in_hand(text: Corpus) -> None:
    loaded = Corpus.load(str(Path(text.shards[0]).parent))
    arrays._opened.cache_clear()
    np.testing.assert_array_equal(trained(loaded)[-1].state["words"], trained(text)[-1].state["words"])


def test_the_first_round_does_not_count_what_starting_takes(corpus: Corpus) -> None:
    class Compiled(Recorder):
        """Its first update takes a second, as with a kernel that has to be compiled."""

        asleep = True

        def update(self, state: State, batches: Sequence[np.ndarray], **rest: object) -> Partial:
            if self.asleep:
                self.asleep = False
                time.sleep(1)
            return super().update(state, batches, **rest)

    first = next(train(Compiled(), corpus, cluster=Here(1), seed=1))
    assert first.seconds < 0.5


def test_training_goes_on_after_rounds_that_are_done(corpus: Corpus) -> None:
    algorithm = Recorder(numbers=10)
    whole = list(train(algorithm, corpus, cluster=Here(1), seed=4))
    calls = list(algorithm.calls)
    algorithm.calls.clear()
    first = len(whole) // 2 + 1
    state = {"sum": np.full(10, 4 + first, np.float32), "words": np.arange(1)}
    rest = list(train(algorithm, corpus, cluster=Here(1), state=state, seed=4, first=first))
    assert algorithm.calls == calls[first:]
    assert [each.number for each in rest] == [each.number for each in whole[first:]]


def test_replicated_every_worker_passes_over_the_whole_corpus(corpus: Corpus) -> None:
    algorithm = Recorder(epochs=1)
    rounds = list(train(algorithm, corpus, cluster=Here(1, workers=3), seed=1, distribution="FullyReplicated"))
    of = len(rounds)
    for worker in range(3):
        seen = sorted(i for call in algorithm.calls[worker::3] for i in call.ids)
        assert seen == list(range(203))
    ids = [call.ids for call in algorithm.calls]
    assert ids[0] != ids[1] != ids[2], "in a round each has another stretch"
    assert sum(done.words for done in rounds) == 3 * 203
    assert of == rounds_per_epoch(corpus, algorithm.init(corpus, seed=1), workers=3)


def test_more_workers_merge_less_often(corpus: Corpus) -> None:
    state = {"vectors": np.zeros((20, 2), np.float32)}
    assert [rounds_per_epoch(corpus, state, workers=workers) for workers in (1, 2, 4, 8, 100)] == [12, 9, 4, 2, 1]


def test_who_is_fast_merges_less_often(corpus: Corpus) -> None:
    state = {"vectors": np.zeros((20, 2), np.float32)}
    assert [rounds_per_epoch(corpus, state, workers=2, pace=pace) for pace in (0.5, 1, 2, 4)] == [18, 9, 4, 2]


def test_a_slow_network_is_used_less_often(corpus: Corpus) -> None:
    state = {"vectors": np.zeros((20, 2), np.float32)}
    assert [rounds_per_epoch(corpus, state, workers=2, link=link) for link in (0, 100, 10, 1)] == [9, 8, 6, 1]


def test_workers_have_something_to_do_in_each_round(corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "WORDS_PER_WORKER", 40)
    state = {"vectors": np.zeros((1, 1), np.float32)}
    assert [rounds_per_epoch(corpus, state, workers=workers) for workers in (1, 2, 5)] == [100, 2, 1]
