"""Labelled text of every kind as prepared examples: their words, labels, order, and what cannot be used."""

import gzip
import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
from distributed import Client, LocalCluster

from algorithms.text_classification.algorithm import TextClassification
from data.errors import CorpusError, EmbertextError
from data.examples import Examples
from tasks import cluster, stages
from tasks.ingest import Ingested, ingest
from tasks.text_classification import text
from tasks.text_classification.text import Prepared, held_out, prepare
from tasks.train import Machines
from tests import planted

FORM = TextClassification(vector_dim=8, min_count=1, buckets=1000)
HERE = Machines(threads=1, workers=0, scheduler="")


@pytest.fixture
def prepared(cache):
    def prepare_it(train: object, validation: object = "", *, share: float = 0.0, **options) -> Prepared:
        sources = [ingest.fn(str(each)) if each else None for each in (train, validation)]
        assert isinstance(sources[0], Ingested)
        form = FORM.model_copy(update=options.pop("form", {}))
        given = {"tokenizer": "auto", "machines": HERE, "work": f"{cache}/work", **options}
        return prepare.fn(*sources, form, share=share, **given)

    return prepare_it


def tar(messages: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, message in messages.items():
            info = tarfile.TarInfo(name)
            info.size = len(message)
            archive.addfile(info, io.BytesIO(message.encode()))
    return buffer.getvalue()


def content(prepared: Prepared, *, validation: bool = False) -> set[tuple[str, str]]:
    """The labels and the known words of each example, each in its order."""
    examples = Examples.load(prepared.url)
    shards = examples.validation if validation else examples.train
    found = set()
    for piece in shards.slices(0, shards.size) if shards else []:
        batch = piece.read()
        starts, labels = batch.labels()
        for number in range(batch.size):
            rows = batch.rows(number)
            words = [examples.vocabulary.words[row] for row in rows if row < len(examples.vocabulary)]
            names = [examples.labels.words[label] for label in labels[starts[number] : starts[number + 1]]]
            found.add((" ".join(names), " ".join(words).removesuffix("</s>").rstrip()))
    return found


A, B = ("__label__a", "x y"), ("__label__b", "z")
KINDS: dict[str, tuple[str, bytes, set[tuple[str, str]]]] = {
    "lines": ("a.txt", b"__label__a x y\n__label__b z\n", {A, B}),
    "no last line end": ("a.txt", b"__label__a x y\n__label__b z", {A, B}),
    "Windows' line ends": ("a.txt", b"\xef\xbb\xbf__label__a x y\r\n__label__b z\r\n", {A, B}),
    "compressed": ("a.txt.gz", gzip.compress(b"__label__a x y\n__label__b z\n", mtime=0), {A, B}),
    "labels anywhere": ("a.txt", b"x __label__a y\nz\t__label__b\n", {A, B}),
    "several labels": (
        "a.txt", b"__label__a x y __label__b\n__label__b __label__c z\n",
        {("__label__a __label__b", "x y"), ("__label__b __label__c", "z")},
    ),
    "blank lines": ("a.txt", b"\n \t\n__label__a x y\n\n\n__label__b z\n\n", {A, B}),
    "text as it is": ("a.txt", b"__label__a X, y\n__label__b z\n", {("__label__a", "X, y"), B}),
    "a manifest": (
        "a.manifest", b'{"source": "X, y", "label": 1}\n\n{"source": "z", "label": [2, 3]}\n',
        {("__label__1", "x , y"), ("__label__2 __label__3", "z")},
    ),
    "JSON Lines": (
        "a.jsonl", b'{"text": "x y", "label": "a"}\n{"text": "z", "label": ["__label__b", "New  York"]}\n',
        {A, ("__label__b __label__New_York", "z")},
    ),
    "rows": ("a.csv", b'"a","x\ny"\nb,z\n', {A, B}),
    "rows with a header": ("a.csv", b"text,label\nx y,a\nz,b\n", {A, B}),
    "rows with tabs": ("a.tsv", b"sentence\tlabel\nx y\ta\nz\tb\n", {A, B}),
    "mail": ("a.tar", tar({"t/a/1": "x\ny", "t/b/2": "z"}), {A, B}),
}  # fmt: skip


@pytest.mark.parametrize(("name", "data", "expected"), KINDS.values(), ids=KINDS)
def test_every_kind_of_file(prepared, tmp_path, name, data, expected):
    (tmp_path / name).write_bytes(data)
    done = prepared(tmp_path / name)
    assert content(done) == expected
    assert (done.examples, done.validation_examples) == (2, 0)
    assert done.classes == len({label for labels, _ in expected for label in labels.split()})


@pytest.mark.parametrize("train", ["", "*.txt"], ids=["folder", "glob"])
def test_several_files(prepared, tmp_path, train):
    folder = tmp_path / "several"
    folder.mkdir()
    for name, line in (("1.txt", "__label__a x y"), ("2.txt", "__label__b z\n")):
        (folder / name).write_text(line)
    assert content(prepared(folder / train)) == {A, B}


def test_a_corpus_to_judge_by(prepared, tmp_path):
    """Its words and n-grams do not count; those that training does not know have no row, or that of nobody."""
    (tmp_path / "a.txt").write_text("__label__a x y\n__label__b z\n")
    (tmp_path / "v.jsonl").write_text('{"text": "x NEW y", "label": ["b", "a"]}\n')
    done = prepared(tmp_path / "a.txt", tmp_path / "v.jsonl")
    assert (done.examples, done.validation_examples, done.vocabulary) == (2, 1, 4)
    assert content(done) == {A, B}
    assert content(done, validation=True) == {("__label__b __label__a", "x y")}


def test_a_share_is_held_out(prepared, tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("".join(f"__label__{'ab'[i % 2]} word{i}\n" for i in range(200)))
    done = prepared(path, share=0.25, form={"word_ngrams": 1})
    assert (done.examples, done.validation_examples) == (150, 50)
    kept, out = content(done), content(done, validation=True)
    assert len(kept) == 150
    assert {words for _, words in out} == {""}, "their words are unknown to those who are trained"
    assert prepared(path, share=0.5).examples == 100


def test_what_a_class_alone_has_is_not_held_out(prepared, tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("__label__a x\n" * 50 + "__label__rare y\n")
    for share in (0.5, 0.9, 0.98):
        done = prepared(path, share=share)
        assert done.classes == 2
        assert all(labels == "__label__a" for labels, _ in content(done, validation=True))


@pytest.mark.parametrize(
    ("validation", "share"),
    [("10%", 0.1), (" 20 % ", 0.2), ("0.5%", 0.005), (".5%", 0.005), ("99.9%", 0.999), ("", 0), ("ag_news", 0),
     ("10%.txt", 0), ("s3://bucket/10", 0), ("10.txt", 0)],
)  # fmt: skip
def test_a_share_or_a_corpus(validation, share):
    assert held_out(validation) == pytest.approx(share)


@pytest.mark.parametrize("validation", ["0%", "0.0 %", "100%", "250%", "-5%", "abc%", "%", "1e1%", "10", "0.1"])
def test_no_share(validation):
    expected = "no share of the examples; give a share above 0% and below 100%, such as 10%, a corpus, or nothing"
    with pytest.raises(EmbertextError) as caught:
        held_out(validation)
    assert str(caught.value) == f"validation={validation!r}: {expected}"


TOKENS = {
    "auto": "Can't stop, eh? :-)",
    "whitespace": "Can't stop, eh? :-)",
    "words": "can't stop eh",
    "wordpunct": "can ' t stop , eh ? :-)",
    "treebank": "ca n't stop , eh ? : - )",
    "toktok": "can ' t stop , eh ? : - )",
    "tweet": "can't stop , eh ? :-)",
}


@pytest.mark.parametrize("tokenizer", TOKENS)
def test_tokenisers(prepared, tmp_path, tokenizer):
    (tmp_path / "a.txt").write_text("__label__a Can't stop, eh? :-)\n__label__b x\n")
    assert ("__label__a", TOKENS[tokenizer]) in content(prepared(tmp_path / "a.txt", tokenizer=tokenizer))


def test_documents_are_tokenised_when_nothing_is_said(prepared, tmp_path):
    (tmp_path / "a.csv").write_text("a,Can't stop\nb,x\n")
    assert ("__label__a", "can ' t stop") in content(prepared(tmp_path / "a.csv"))


GOOD = b"__label__a x y\n\n__label__b z\n" * 20
LINE = "no label; begin the line with its class"
NO_FIELD = (
    'no field "label" with a string, an int or a list of them; write {"text": "...", "label": "..."} on each line'
)
NO_CLASS = "no class; write rows of class and text, or name one column label in a header"
STRANGE = "the class c is in no training example; leave the line out, or train on examples of its class"
ONE_CLASS = "all 2 examples are of one class, a; give examples of two classes or more"
TOO_FEW = "10% of 4 examples is none to judge by; give more examples, a larger share, or no validation"
NO_WORD = "no word is seen min_count=99 times; choose a smaller min_count, or give more text"
EMPTY = "no words in it; give files with text"
# the training file, that to judge by, options, the message after the file's name
BAD: dict[str, tuple[dict[str, bytes], dict[str, object], str]] = {
    "no label": ({"a.txt": GOOD + b"y z\n"}, {}, f"a.txt: line 61: {LINE}, as in: __label__sports the match was won"),
    "no label, tokenised": (
        {"a.txt": GOOD + b"y z\n"}, {"tokenizer": "words"},
        f"a.txt: line 61: {LINE}: __label__sports the match was won",
    ),
    "an empty label": (
        {"a.txt": GOOD + b"__label__ z\n"}, {"tokenizer": "words"},
        f"a.txt: line 61: {LINE}: __label__sports the match was won",
    ),
    "no label to judge by": (
        {"a.txt": GOOD, "v.txt": b"__label__a x\n\ny\n"}, {},
        f"v.txt: line 3: {LINE}, as in: __label__sports the match was won",
    ),
    "a class in validation only": (
        {"a.txt": GOOD, "v.txt": b"__label__a x\n\n__label__b y __label__c x\n"}, {}, f"v.txt: line 3: {STRANGE}",
    ),
    "a class in validation only, of a row": (
        {"a.txt": GOOD, "v.csv": b'a,"x\ny"\n\nc,"z\nz"\n'}, {}, f"v.csv: line 5: {STRANGE}",
    ),
    "one class alone": ({"a.txt": b"__label__a x\n" * 2}, {}, f"a.txt: {ONE_CLASS}"),
    "an empty file": ({"a.txt": b""}, {}, f"a.txt: {EMPTY}"),
    "blank lines": ({"a.txt": b"\n \n"}, {}, f"a.txt: {EMPTY}"),
    "no rows": ({"a.csv": b"label,text\n"}, {}, f"a.csv: {EMPTY}"),
    "an empty file to judge by": ({"a.txt": GOOD, "v.txt": b"\n"}, {}, f"v.txt: {EMPTY}"),
    "not UTF-8": (
        {"a.txt": GOOD + b"__label__a \xe9\n"}, {},
        "a.txt: line 61, byte 591: not UTF-8 (byte 0xe9); convert it: iconv -f latin-1 -t utf-8",
    ),
    "not JSON": (
        {"a.manifest": b'{"source": "x", "label": 1}\n{"source": "y"\n'}, {},
        "a.manifest: line 2: not JSON (unexpected end of data at column 15); write one JSON object a line",
    ),
    "a manifest without text": (
        {"a.manifest": b'{"label": 1}\n'}, {},
        'a.manifest: line 1: no field "text" or "source" with a string; write {"text": "..."} on each line',
    ),
    "a manifest without label": ({"a.manifest": b'{"source": "x"}\n'}, {}, f"a.manifest: line 1: {NO_FIELD}"),
    "a label that is no name": ({"a.jsonl": b'{"text": "x", "label": 1.5}\n'}, {}, f"a.jsonl: line 1: {NO_FIELD}"),
    "a row without class": ({"a.csv": b"a,x\nb,y\nz\n"}, {}, f"a.csv: line 3: {NO_CLASS}"),
    "mail in no folder": (
        {"a.tar": tar({"1": "x"})}, {},
        "a.tar!1: no folder, which would be its class; put the messages of each class into a folder of its name",
    ),
    "a share below one example": ({"a.txt": b"__label__a x\n__label__b y\n" * 2}, {"share": 0.1}, f"a.txt: {TOO_FEW}"),
    "no word left": ({"a.txt": GOOD}, {"form": {"min_count": 99, "word_ngrams": 1}}, f"a.txt: {NO_WORD}"),
    "no words at all": (
        {"a.txt": b"__label__a\n__label__b\n" * 60}, {"form": {"min_count": 99}}, f"a.txt: {NO_WORD}",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("files", "options", "expected"), BAD.values(), ids=BAD)
def test_bad_input(prepared, cache, tmp_path, files, options, expected):
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    with pytest.raises(CorpusError) as caught:
        prepared(*(tmp_path / name for name in files), **options)
    assert str(caught.value) == f"{tmp_path}/{expected}"
    assert not list(cache.rglob("examples-*"))
    assert not list(cache.rglob(stages.UNFINISHED + "*"))


def test_the_second_time_it_is_cached(prepared, tmp_path):
    (tmp_path / "a.txt").write_bytes(GOOD)
    (tmp_path / "v.txt").write_bytes(GOOD)
    first = prepared(tmp_path / "a.txt")
    again = prepared(tmp_path / "a.txt", form={"learning_rate": 9.0, "epochs": 9, "loss": "hs", "quantize": True})
    assert again.name == "Cached"
    assert again.data == first.model_copy(update={"reused": True})
    changes = [{"form": {name: 7}} for name in ("min_count", "word_ngrams", "buckets")]
    changes += [{"tokenizer": "words"}, {"share": 0.1}, {"validation": tmp_path / "v.txt"}]
    others = {prepared(tmp_path / "a.txt", **change).key for change in changes}
    assert len(others - {first.key}) == len(changes)


def test_the_same_bytes_under_another_ending_are_parsed_anew(prepared, tmp_path):
    found = []
    for name in ("a.csv", "a.tsv"):
        (tmp_path / name).write_text("x,y\tz,w\nv,y\tz,w\n")
        found.append(content(prepared(tmp_path / name)))
    assert found[0] != found[1]


@pytest.fixture
def documents(tmp_path, monkeypatch) -> Path:
    """JSON Lines that make a hundred batches."""
    genuine = text.labelled.batches
    monkeypatch.setattr(text.labelled, "batches", lambda source: genuine(source, size=1000))
    path = tmp_path / "documents.jsonl"
    lines = [line.split(" ", 1) for line in planted.labelled().splitlines()]
    path.write_text("".join(json.dumps({"text": words, "label": label}) + "\n" for label, words in lines))
    return path


def test_dask_prepares_the_same(prepared, documents, tmp_path):
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, processes=False, dashboard_address="127.0.0.1:0") as local,
        Client(local),
    ):
        machines = Machines(threads=1, workers=0, scheduler=local.scheduler_address)
        theirs = prepared(documents, share=0.1, machines=machines, work=f"{tmp_path}/dask")
    ours = prepared(documents, share=0.1)
    same_files(ours, theirs)


@pytest.mark.services
def test_processes_of_this_machine_prepare_the_same(prepared, documents, tmp_path):
    theirs = prepared(documents, machines=Machines(threads=1, workers=2, scheduler=""), work=f"{tmp_path}/dask")
    same_files(prepared(documents), theirs)


def same_files(ours: Prepared, theirs: Prepared) -> None:
    names = sorted(path.name for path in Path(ours.url).iterdir())
    assert names == sorted(path.name for path in Path(theirs.url).iterdir())
    assert len(names) >= 6
    for name in names:
        if name != stages.MARKER:  # it tells the time that it took
            assert (Path(ours.url) / name).read_bytes() == (Path(theirs.url) / name).read_bytes(), name


def test_text_as_it_is_needs_no_cluster(prepared, tmp_path, monkeypatch):
    asked = []
    genuine = cluster.connect
    monkeypatch.setattr(cluster, "connect", lambda **machines: asked.append(machines) or genuine(**HERE))
    (tmp_path / "a.txt").write_bytes(GOOD)
    far = Machines(threads=1, workers=0, scheduler="tcp://127.0.0.1:9")
    prepared(tmp_path / "a.txt", machines=far)
    prepared(tmp_path / "a.txt", machines=far, tokenizer="words")
    assert asked == [HERE, far]


def test_progress_goes_forward_over_both_sources(prepared, documents, monkeypatch):
    told: list[float] = []

    class Recorder:
        def __enter__(self):
            return lambda fraction, note: told.append(fraction)

        def __exit__(self, *error):
            return None

    monkeypatch.setattr(text, "progress", lambda title: Recorder())
    prepared(documents, documents)
    assert told == sorted(told)
    assert told[-1] > 0.95
    assert any(0 < fraction < 0.5 for fraction in told)
    assert any(0.5 < fraction < 1 for fraction in told)


def test_order_is_that_of_no_file(prepared, tmp_path):
    """Every stretch of the examples is a fair sample, even of a file that is sorted by class."""
    path = tmp_path / "sorted.txt"
    path.write_text("__label__a x\n" * 500 + "__label__b y\n" * 500)
    [piece] = Examples.load(prepared(path).url).train.slices(0, 1000)
    _, labels = piece.read().labels()
    assert all(0.3 < np.mean(part) < 0.7 for part in np.split(labels, 10))
