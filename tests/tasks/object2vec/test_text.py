"""Ids, texts, aligned lines and documents as prepared pairs: what is in them, and what cannot be used."""

import gzip
import json
import os
from pathlib import Path

import pytest
from distributed import Client, LocalCluster

from algorithms.object2vec.pairing import Pairing
from data.errors import CorpusError
from data.pairs import Pairs
from tasks import stages
from tasks.ingest import ingest
from tasks.object2vec import text
from tasks.object2vec.text import Prepared, prepare
from tasks.train import Machines

HERE = Machines(threads=1, workers=0, scheduler="")
DATA = os.environ.get("EMBERTEXT_DATA", "")
needs_data = pytest.mark.skipif(not DATA, reason="EMBERTEXT_DATA does not name a folder with the real sets")


@pytest.fixture
def prepared(cache):
    def prepare_it(train: object, *, others=None, against=None, pairing=None, **options) -> Prepared:
        found = {name: ingest.fn(str(each)) for name, each in (others or {}).items()}
        aligned = {name: ingest.fn(str(each)) for name, each in (against or {}).items()}
        given = {
            "num_classes": 2, "vocab_sizes": (0, 0), "negative_sampling_rate": 3, "held_out": 0.0,
            "seed": 1, "machines": HERE, "work": f"{cache}/work",
        }  # fmt: skip
        form = Pairing(**({"min_count": 1} | (pairing or {})))
        return prepare.fn(ingest.fn(str(train)), found, aligned, form, **(given | options))

    return prepare_it


def content(prepared: Prepared, name: str = "train") -> list[tuple[str, str, float]]:
    """The pairs of a set in words, or in ids, sorted."""
    pairs = Pairs.load(prepared.url)
    words = ["?", *pairs.vocabulary.words] if pairs.vocabulary else [str(i) for i in range(max(pairs.vocab_sizes))]
    found = []
    for piece in (getattr(pairs, name) or pairs.train).all():
        batch = piece.read()
        for i in range(batch.size):
            sides = (" ".join(words[j] for j in side.sequence(i)) for side in (batch.in0, batch.in1))
            found.append((*sides, float(batch.labels[i])))
    return sorted(found)


def lines(*values: object) -> bytes:
    return "".join(f"{json.dumps(value)}\n" for value in values).encode()


AB, CD = ("a !", "b", 1.0), ("c", "d d", 0.0)
KINDS = {
    "ids": (
        "a.jsonl", lines({"in0": [1, 5], "in1": 3, "label": 1}, {"in0": 2, "in1": [0, 0], "label": 0}),
        [("1 5", "3", 1.0), ("2", "0 0", 0.0)], "ids",
    ),
    "texts": (
        "a.jsonl.gz",
        gzip.compress(lines({"in0": "A!", "in1": "b", "label": 1}, {"in0": "c", "in1": "d d", "label": 0})),
        [AB, CD], "texts",
    ),
    "texts without labels": ("a.jsonl", lines({"in0": "A!", "in1": "b"}), [AB], "texts"),
    "documents": ("a.jsonl", lines({"text": "A! b"}, {"text": "none"}), [AB], "documents"),
    "lines": ("a.txt", b"A! b\n\n", [AB], "documents"),
    "rows": ("a.csv", b"text,label\nA! b,x\n", [AB], "documents"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "data", "expected", "kind"), KINDS.values(), ids=KINDS)
def test_every_kind_of_source(prepared, tmp_path, name, data, expected, kind):
    (tmp_path / name).write_bytes(data)
    done = prepared(tmp_path / name, pairing={"draw": "first"})
    assert content(done) == expected
    assert (done.kind, done.pairs) == (kind, {"train": len(expected)})
    assert done.tokens == sum(len(side.split()) for pair in expected for side in pair[:2])
    assert done.labelled == (len(expected) == 2)
    assert done.skipped == (name == "a.jsonl" and kind == "documents")


def test_aligned_files(prepared, tmp_path):
    (tmp_path / "1.txt").write_text("A!\n\nc\n")
    (tmp_path / "2.txt.gz").write_bytes(gzip.compress(b"b\n\nd d"))
    done = prepared(tmp_path / "1.txt", against={"train": tmp_path / "2.txt.gz"})
    assert content(done) == [AB, ("c", "d d", 1.0)]
    assert (done.kind, done.skipped, done.longest) == ("aligned", 1, (2, 2))


def test_the_same_work_is_done_once(prepared, tmp_path):
    (tmp_path / "a.txt").write_text("aa. bb. cc.\ndd. ee. ff.\n")
    first = prepared(tmp_path / "a.txt")
    assert prepared(tmp_path / "a.txt").data == first.model_copy(update={"reused": True})
    for other in ({"pairing": {"max_words": 1}}, {"seed": 2}, {"against": {"train": tmp_path / "a.txt"}}):
        assert prepared(tmp_path / "a.txt", **other).url != first.url
    (tmp_path / "a.jsonl").write_bytes(lines({"in0": 1, "in1": 2}))
    ids = prepared(tmp_path / "a.jsonl")
    assert prepared(tmp_path / "a.jsonl", pairing={"max_words": 1}).data.url == ids.url  # nothing of text matters
    assert prepared(tmp_path / "a.jsonl", vocab_sizes=(2, 3)).url != ids.url


def test_sets_of_their_own(prepared, tmp_path):
    (tmp_path / "a.txt").write_text("a b\nc d\n")
    (tmp_path / "b.txt").write_text("b a\nd c\n")
    (tmp_path / "v.jsonl").write_bytes(lines(*({"text": f"a{i} xx. b{i} xx."} for i in range(4))))
    (tmp_path / "t.jsonl").write_bytes(lines({"in0": "a", "in1": "d new", "label": 0}))
    done = prepared(
        tmp_path / "a.txt",
        against={"train": tmp_path / "b.txt"},
        others={"test": tmp_path / "t.jsonl", "validation": tmp_path / "v.jsonl"},
        held_out=0.1,
    )
    assert done.pairs == {"train": 2, "validation": 24, "test": 1}
    assert content(done, "test") == [("a", "d ?", 0.0)]
    assert done.vocabulary == 4


def test_shares_are_held_out(prepared, tmp_path):
    (tmp_path / "a.txt").write_text("".join(f"one{i} word. two{i} words. three{i}.\n" for i in range(50)))
    done = prepared(tmp_path / "a.txt", held_out=0.1, pairing={"sentences": 3})
    assert done.pairs == {"train": 120, "validation": 90, "test": 90}  # a pair, and 5 that are none
    seen = {word[len(word.rstrip("0123456789")) :] for a, b, _ in content(done) for word in f"{a} {b}".split()} - {""}
    assert len(seen) == 40


def test_a_vocabulary_size_is_kept_to(prepared, tmp_path):
    (tmp_path / "a.jsonl").write_bytes(lines({"in0": "a a a", "in1": "b b c", "label": 1}))
    done = prepared(tmp_path / "a.jsonl", vocab_sizes=(3, 9))
    assert (done.vocabulary, done.vocab_sizes) == (2, (3, 3))
    assert content(done) == [("a a a", "b b ?", 1.0)]


RIGHT = {"in0": [1], "in1": [1], "label": 1}
WRONG = {
    "an id that is too large": (
        lines(RIGHT, {"in0": [1], "in1": [1, 2], "label": 1}), {"vocab_sizes": (9, 2)},
        'channel train: {}: line 2: in1: vocab id "2" is not less than vocab_size=2; set enc1_vocab_size',
    ),
    "an empty sequence": (lines(RIGHT, {"in0": [], "in1": 1, "label": 1}), {}, "{}: line 2: in0: an empty sequence"),
    "a label that is missing": (lines(RIGHT, {"in0": 1, "in1": 1}), {}, "channel train: {}: line 2: label: missing"),
    "no labels at all": (
        lines({"in0": 1, "in1": 1}), {"negative_sampling_rate": 0},
        "channel train: {}: line 1: label: missing; give every pair a label, or set negative_sampling_rate",
    ),
    "a class too many": (
        lines({**RIGHT, "label": 2}), {}, "channel train: {}: line 1: label: 2 is none of the classes 0..1"
    ),
    "one side alone": (lines({"in0": [1], "label": 1}), {}, 'channel train: {}: line 1: in1: a pair needs both sides'),
    "ids and texts": (
        lines(RIGHT, {"in0": [1], "in1": "a", "label": 1}), {},
        '{}: line 2: in1: a text, "a", and the first line has ids',
    ),
    "no JSON": (lines(RIGHT) + b"{", {}, "channel train: {}: line 2, byte 38: not JSON"),
    "documents of one sentence": (
        lines({"text": "a"}, {"text": "b"}), {}, "channel train: no pairs in it, and 2 documents of fewer than two"
    ),
    "nothing": (b"", {}, "{}: no words in it"),
    "rare words": (
        lines({"in0": "a", "in1": "b"}), {"pairing": {"min_count": 5}}, "min_count=5: no word is seen 5 times"
    ),
}  # fmt: skip


@pytest.mark.parametrize(("data", "options", "message"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_used(prepared, tmp_path, cache, data, options, message):
    (tmp_path / "a.jsonl").write_bytes(data)
    with pytest.raises(CorpusError) as error:
        prepared(tmp_path / "a.jsonl", **options)
    assert message.format(tmp_path / "a.jsonl") in str(error.value)
    assert "\n" not in str(error.value)
    assert not [path for path in Path(f"{cache}/work").rglob("*") if path.is_file()]


def test_sets_that_do_not_go_together(prepared, tmp_path):
    (tmp_path / "ids.jsonl").write_bytes(lines(RIGHT))
    (tmp_path / "texts.txt").write_text("a. b.\n")
    with pytest.raises(CorpusError, match="channel test: texts, and channel train has ids; give ids in all channels"):
        prepared(tmp_path / "ids.jsonl", others={"test": tmp_path / "texts.txt"})
    with pytest.raises(CorpusError, match="channel validation: ids, and channel train has texts"):
        prepared(tmp_path / "texts.txt", others={"validation": tmp_path / "ids.jsonl"})
    (tmp_path / "two.txt").write_text("a\nb\nc\n")
    with pytest.raises(CorpusError, match=r"texts\.txt: it ends with line 1, and .*two\.txt has 3 lines"):
        prepared(tmp_path / "texts.txt", against={"train": tmp_path / "two.txt"})
    (tmp_path / "bad.jsonl").write_bytes(lines(RIGHT, {"in0": 1, "in1": -1, "label": 0}))
    with pytest.raises(CorpusError, match=r'channel test: .*bad\.jsonl: line 2: in1: vocab id "-1" is below zero'):
        prepared(tmp_path / "ids.jsonl", others={"test": tmp_path / "bad.jsonl"})


@pytest.fixture(scope="module")
def client():
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, processes=False, dashboard_address="127.0.0.1:0") as local,
        Client(local) as client,
    ):
        yield client


@pytest.mark.parametrize("where", ["dask", "processes"])
def test_work_is_shared_out(prepared, tmp_path, monkeypatch, request, where):
    (tmp_path / "a.txt").write_text("".join(f"one{i} word. two{i} words. three{i} it is.\n" for i in range(300)))
    (tmp_path / "b.jsonl").write_bytes(lines(*[RIGHT] * 30, {"in0": [], "in1": 1, "label": 1}))
    alone = content(prepared(tmp_path / "a.txt"))
    monkeypatch.setattr(text, "SMALL", 0)
    machines = Machines(threads=2, workers=0, scheduler="")
    if where == "dask":
        machines = Machines(threads=1, workers=0, scheduler=request.getfixturevalue("client").scheduler.address)
    again = prepared(tmp_path / "a.txt", machines=machines, work=str(tmp_path / "elsewhere"))
    assert not getattr(again, "reused", False)
    assert content(again) == alone
    with pytest.raises(CorpusError, match=r"b\.jsonl: line 31: in0: an empty sequence"):
        prepared(tmp_path / "b.jsonl", machines=machines)


@needs_data
def test_sagemakers_own_lines(prepared):
    done = prepared(f"{DATA}/sagemaker/train.jsonl", num_classes=3, negative_sampling_rate=0, held_out=0.1)
    assert (done.pairs, done.labelled) == ({"train": 800, "validation": 100, "test": 100}, True)
    assert done.vocab_sizes == (29162, 43150)
    with pytest.raises(
        CorpusError, match=r"train\.jsonl: line \d+: label: 2 is none of the classes 0\.\.1; set num_classes"
    ):
        prepared(f"{DATA}/sagemaker/train.jsonl")


@needs_data
def test_captions_of_the_same_pictures(prepared):
    captions = [f"{DATA}/pairs/multi30k.val.{number}.en.gz" for number in (1, 2)]
    done = prepared(captions[0], against={"train": captions[1]}, held_out=0.1)
    assert sum(done.pairs.values()) - 5 * (done.pairs["test"] + done.pairs["validation"]) // 6 == 1014
    assert stages.finished(done.url, Prepared)
