"""What is said of a model whose encodings are known: it has them all in its token table."""

import numpy as np
import pytest

from algorithms.object2vec.algorithm import Object2Vec
from algorithms.object2vec.judge import BINS, Judge
from data.pairs import Batch, Pairs, Sequences, Shards

FORM = Object2Vec(
    enc0_network="pooled_embedding", enc_dim=8, tied_encoders=True, comparator_list="cosine", mlp_layers=0
)
WORDS = 24


def shards(folder, name: str, in0, in1, labels) -> Shards:
    batch = Batch(Sequences.of(in0), Sequences.of(in1), np.array(labels, np.float32))
    batch.save(str(folder / name))
    return Shards([str(folder / name)], [batch.size], batch.tokens)


@pytest.fixture
def pairs(tmp_path) -> Pairs:
    """Ids 1 to 8 belong with themselves and 9; each has a negative too."""
    in0 = [[i] for i in range(1, 9) for _ in range(2)]
    in1 = [[i, 9] if i == j else [j, 9] for i in range(1, 9) for j in (i, i % 8 + 1)]
    test = shards(tmp_path, "test", in0, in1, [1, 0] * 8)
    others = [[i, 9, 9] for i in range(10, WORDS)]
    return Pairs(None, (WORDS, WORDS), (1, 3), shards(tmp_path, "train", others, others, [1] * len(others)), None, test)


def state_of(pairs: Pairs, table: np.ndarray):
    state = FORM.init(pairs, seed=1)
    return {**state, "tokens_0": table.astype(np.float32), "cosine_scale": np.array([10], np.float32)}


@pytest.fixture
def apart() -> np.ndarray:
    """Vectors of which no two are alike, but for 9, which says nothing."""
    table = np.random.default_rng(1).normal(size=(WORDS, 8))
    table[9] = 0
    return table


IDS = {f"word{number}": number for number in range(1, WORDS)}


def judge_of(pairs, table, ids=IDS) -> Judge:
    return Judge(FORM, state_of(pairs, table), ids=(ids, ids))


def test_all_are_found(pairs, apart):
    judge = judge_of(pairs, apart)
    found = judge.retrieval(judge.whole(pairs.test), [pairs.train], seed=1)
    assert (found["queries"], found["pool"]) == (8, 8 + WORDS - 10)
    assert (found["hits@1"], found["mean_rank"], found["median_rank"]) == (1.0, 1.0, 1.0)
    assert found["curve"][0] == [1, 1.0]
    assert found["curve"][-1] == [found["pool"], 1.0]
    assert len(found["found"]) == 8
    for each in found["found"]:
        assert each["truth"] == each["first"][0]
        assert each["truth"]["right"]
        assert each["truth"]["text"] == f"{each['query']} word9"
        assert each["truth"]["cosine"] == pytest.approx(1)


def test_what_is_all_alike_is_found_by_chance(pairs):
    judge = judge_of(pairs, np.ones((WORDS, 8)))
    found = judge.retrieval(judge.whole(pairs.test), [], seed=1)
    assert found["pool"] == 8
    assert found["hits@1"] == pytest.approx(1 / 8)
    assert found["mean_rank"] == 4.5


def test_the_pool_has_its_bound(pairs, apart, monkeypatch):
    monkeypatch.setattr("algorithms.object2vec.judge.MOST", 6)
    judge = judge_of(pairs, apart)
    found = judge.retrieval(judge.whole(pairs.test), [pairs.train], seed=1)
    assert (found["queries"], found["pool"], found["hits@1"]) == (6, 6, 1.0)


@pytest.mark.parametrize(
    "change", [{"num_classes": 3}, {"output_layer": "mean_squared_error"}], ids=lambda each: str(*each.values())
)
def test_where_nothing_is_looked_for(pairs, apart, change):
    form = FORM.model_copy(update=change)
    judge = Judge(form, state_of(pairs, apart), ids=(IDS, IDS))
    assert judge.retrieval(judge.whole(pairs.test), [], seed=1) is None


def test_a_set_without_pairs_that_belong_together(pairs, apart, tmp_path):
    judge = judge_of(pairs, apart)
    none = shards(tmp_path, "none", [[1], [2]], [[3], [4]], [0, 0])
    assert judge.retrieval(judge.whole(none), [], seed=1) is None


def test_classes(pairs, apart):
    judge = judge_of(pairs, apart)
    batch = judge.whole(pairs.test).pairs
    found = judge.look(batch)
    assert [row["support"] for row in found["classes"]] == [8, 8]
    assert np.sum(found["chances"], axis=1).tolist() == [8, 8]
    assert len(found["chances"][0]) == BINS
    for mistake in found["mistakes"]:
        assert mistake["in1"].endswith("word9")
    assert found["accuracy"] == pytest.approx(judge.measure(batch)["accuracy"])


def test_graded(pairs, apart):
    form = FORM.model_copy(update={"output_layer": "mean_squared_error"})
    judge = Judge(form, {**FORM.init(pairs, seed=1), **form.init(pairs, seed=1)}, ids=(IDS, IDS))
    batch = judge.whole(pairs.test).pairs
    found, scores = judge.look(batch), form.scores(judge.state, batch)[:, 0]
    assert found["points"] == np.stack([batch.labels, scores], axis=1).astype(np.float64).tolist()
    errors = [abs(each["true"] - each["predicted"]) for each in found["mistakes"]]
    assert errors == sorted(errors, reverse=True)
    measured = judge.measure(batch)
    assert measured["mean_squared_error"] == pytest.approx(np.mean((scores - batch.labels) ** 2), rel=1e-5)
    assert measured["pearson"] == pytest.approx(np.corrcoef(scores, batch.labels)[0, 1], abs=1e-5)


def test_a_sample_of_training_pairs_has_as_many_others_as_the_sets(pairs, apart):
    judge = judge_of(pairs, apart)
    size = WORDS - 10
    found = judge.sample(pairs, negatives=2, seed=1).pairs
    assert (found.size, found.labels.sum()) == (3 * size, size)
    assert {(int(a), int(b)) for a, b in zip(found.in0.tokens[::3], found.in1.tokens[::3], strict=True) if a == b} == {
        (number, number) for number in range(10, WORDS)
    }
    assert judge.sample(pairs, negatives=0, seed=1).pairs.size == size


def test_texts(pairs, apart):
    judge = judge_of(pairs, apart)
    assert judge.text(np.array([0, 0, 1, 0, 2], np.int32), 0) == "… word1 … word2"
    assert judge.text(np.full(100, 3, np.int32), 0) == " ".join(["word3"] * 60) + " …"
    assert judge_of(pairs, apart, {}).text(np.array([0, 5], np.int32), 1) == "0 5"
    assert judge_of(pairs, apart, {"=": 1}).text(np.array([1], np.int32), 0) == "="


def test_pairs_for_a_map(pairs, apart, monkeypatch):
    judge = judge_of(pairs, apart)
    judged = judge.whole(pairs.test)
    labels, encodings = judge.mapped(judged, seed=1)
    assert encodings.shape == (2, 8, 8)
    assert len({*labels}) == 8
    own = {f"word{number}": row for number, row in enumerate(apart)}
    for label, encoding in zip(labels, encodings[0], strict=True):
        np.testing.assert_allclose(encoding, own[label], rtol=1e-6)
    monkeypatch.setattr("algorithms.object2vec.judge.MAPPED", 3)
    assert judge.mapped(judged, seed=2)[1].shape == (2, 3, 8)
    assert judge_of(pairs, apart, {}).mapped(judged, seed=1) is None


def test_neighbours(pairs, apart):
    apart[5] = apart[4]
    names = {f"word{chr(96 + number)}": number for number in range(1, WORDS)}
    found = judge_of(pairs, apart, names).neighbours()
    assert all(len(near) == 6 for near in found.values())
    assert found.get("wordd", [("worde", 1.0)])[0][0] == "worde"
    assert judge_of(pairs, apart, {}).neighbours() == {}
