import io
import shutil
import tarfile

import numpy as np
import pytest
from scipy import sparse

from algorithms.records import write_matrix
from algorithms.topics.counts import Counting, read
from data import nltk_data
from data.counts import CHANNELS, Counts
from data.errors import CorpusError, EmbertextError
from tasks.topics.text import Ready, find_ready, ingest, prepare
from tasks.train import machines

FORM = Counting(threshold=2, vocabulary_size=4, max_df=1.0)
FRUITS = ["apple pear plum cherry", "apple apple pear", "pear plum cherry", "Cherry. Apple! Pear? Plum;"]


@pytest.fixture
def mail(tmp_path):
    """Forty messages, one of them empty."""
    path = tmp_path / "mail.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for i in range(40):
            text = (
                f"From: banana\nSubject: banana\n\n> banana\n{FRUITS[i % 4]}\n\n-- \nbanana\n" if i else "From: x\n\n"
            )
            info = tarfile.TarInfo(f"all/group{i % 2}/{i}")
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text.encode()))
    return str(path)


def prepared(cache, train, form=FORM, *, others=None, threads=1, workers=0, **options):
    where = machines(threads=threads, workers=workers, scheduler="")
    given = {name: ingest.fn(place) for name, place in (others or {}).items()}
    return prepare.fn(ingest.fn(train), given, form, seed=1, machines=where, work=f"{cache}/work", **options)


def matrix(url):
    counts = Counts.load(url)
    return sparse.vstack([read(file) for name in CHANNELS for file in counts.channel(name).files])


def test_messages_become_counts(mail, cache):
    found = prepared(cache, mail)
    counts = Counts.load(found.url)
    assert counts.vocabulary == ["apple", "cherry", "pear", "plum"]
    assert (found.documents, found.dropped, found.vocabulary) == (40, 1, 4)
    assert found.rows == {"train": 31, "validation": 4, "test": 4}
    assert found.words == {name: int(counts.channel(name).words) for name in CHANNELS}
    assert sum(found.words.values()) == matrix(found.url).sum() == 9 * 4 + 10 * (3 + 3 + 4)
    assert set(counts.channel("train").openings()) == set(FRUITS)
    assert len(counts.channel("train").files) == 8


def test_headers_and_quotes_can_stay(mail, cache):
    found = prepared(cache, mail, FORM.model_copy(update={"strip": "footers"}))
    assert "banana" in Counts.load(found.url).vocabulary
    assert found.dropped == 1


def test_the_second_time_it_is_cached(mail, cache):
    first = prepared(cache, mail)
    again = prepared(cache, mail)
    assert again.name == "Cached"
    assert again.data == first.model_copy(update={"reused": True})
    assert prepared(cache, mail, FORM.model_copy(update={"min_df": 3})).key != first.key


@pytest.mark.parametrize("where", [{"threads": 2}, {"workers": 2}])
def test_work_is_shared_out(mail, cache, where):
    alone, shared = prepared(cache, mail), prepared(f"{cache}/other", mail, **where)
    assert (matrix(alone.url) != matrix(shared.url)).nnz == 0


def test_other_channels(tmp_path, mail, cache):
    (tmp_path / "judge.jsonl").write_text('{"text": "Plum, plum: > plum!"}\n{"text": "banana"}\n')
    found = prepared(cache, mail, others={"validation": str(tmp_path / "judge.jsonl")})
    assert found.rows == {"train": 39, "validation": 1}
    assert (found.documents, found.dropped) == (42, 2)
    [file] = Counts.load(found.url).channel("validation").files
    assert read(file).toarray().tolist() == [[0, 0, 0, 3]]


def test_without_wordnet(mail, cache, monkeypatch):
    monkeypatch.setattr(nltk_data, "has", lambda package: False)
    with pytest.raises(CorpusError, match="lemmatizer='wordnet': nltk's data package wordnet is not installed"):
        prepared(cache, mail, FORM.model_copy(update={"lemmatizer": "wordnet"}))
    assert not list(cache.rglob("*counts*"))
    assert not list(cache.rglob(".*"))


def test_what_cannot_be_stripped(mail, cache):
    with pytest.raises(EmbertextError, match="strip='heads': heads cannot be stripped"):
        prepared(cache, mail, FORM.model_copy(update={"strip": "heads"}))


def write(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        write_matrix(file, sparse.csr_matrix(np.array(rows, np.float32)))


@pytest.fixture
def channels(tmp_path):
    """Channels as SageMaker has them."""
    folder = tmp_path / "job"
    write(folder / "train" / "data_part0.pbr", [[1, 2, 0], [0, 0, 1]])
    write(folder / "train" / "data_part1.pbr", [[3, 0, 0]])
    write(folder / "val" / "data_part0.pbr", [[1, 1, 1]])
    (folder / "auxiliary").mkdir()
    (folder / "auxiliary" / "vocab.txt").write_text("a\nb\nc\n")
    return folder


def test_ready_channels(channels, cache):
    found = prepared(cache, str(channels))
    counts = Counts.load(found.url)
    assert counts.vocabulary == ["a", "b", "c"]
    assert found.rows == {"train": 3, "validation": 1}
    assert found.words == {"train": 7, "validation": 3}
    assert (found.documents, found.dropped, found.vocabulary) == (4, 0, 3)
    assert matrix(found.url).toarray().tolist() == [[1, 2, 0], [0, 0, 1], [3, 0, 0], [1, 1, 1]]
    assert counts.channel("train").openings() == []


def test_what_was_prepared_is_ready(mail, cache, tmp_path):
    first = prepared(cache, mail)
    shutil.copytree(first.url, tmp_path / "copy")
    again = prepared(f"{cache}/other", str(tmp_path / "copy"))
    assert (again.rows, again.words, again.vocabulary) == (first.rows, first.words, first.vocabulary)
    assert (matrix(again.url) != matrix(first.url)).nnz == 0


def test_ready_channels_by_themselves(channels, cache):
    others = {"validation": str(channels / "val"), "test": str(channels / "train" / "data_part1.pbr")}
    found = prepared(cache, str(channels / "train" / "*.pbr"), others=others, feature_dim=3)
    assert found.rows == {"train": 3, "validation": 1, "test": 1}
    assert Counts.load(found.url).vocabulary == []


def test_a_table_of_counts(tmp_path, cache):
    (tmp_path / "counts.csv").write_text("1,0,2\n0,1,0\n")
    found = prepared(cache, str(tmp_path / "counts.csv"))
    assert (found.rows, found.vocabulary) == ({"train": 2}, 3)


def test_a_table_of_texts_is_text(tmp_path):
    for text in ("label,text\n1,good\n", "1,good\n", "12\n", ""):
        (tmp_path / "a.csv").write_text(text)
        assert find_ready(str(tmp_path / "a.csv")) is None


@pytest.mark.parametrize("train", ["docs", "", "nowhere", "no/where.pbr"])
def test_what_is_no_ready_counts(train, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert find_ready(train) is None


def test_the_checksum_knows_channels(channels):
    before = find_ready(str(channels))
    assert isinstance(before, Ready)
    (channels / "val").rename(channels / "test")
    after = find_ready(str(channels))
    assert (before.checksum, before.bytes) != (after.checksum, after.bytes)
    assert before.bytes == after.bytes


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda job: (job / "train" / "x.parquet").write_bytes(b""), "x.parquet is among files of counts"),
        (lambda job: (job / "train" / "vocab.txt").write_bytes(b""), "2 files vocab.txt; leave one of them"),
        (lambda job: shutil.rmtree(job / "train"), "job: no files of the channel train; put them into a folder train/"),
        (lambda job: write(job / "val" / "x.pbr", [[1, 2, 3, 4]]), "channel validation: .*x.pbr: record 1: 4 columns"),
        (lambda job: (job / "auxiliary" / "vocab.txt").write_text("a\n"), "channel auxiliary: .*vocab.txt: 1 words"),
    ],
)
def test_channels_that_are_refused(channels, cache, change, message):
    change(channels)
    with pytest.raises(CorpusError, match=message):
        prepared(cache, str(channels))
    assert not list(cache.rglob("*counts*"))


def test_text_and_counts_do_not_mix(channels, mail, cache):
    with pytest.raises(CorpusError, match="validation: text, while channel train is ready counts"):
        prepared(cache, str(channels), others={"validation": mail})


def test_another_width_than_the_form_says(channels, cache):
    with pytest.raises(CorpusError, match="3 columns, wider than feature_dim, 2"):
        prepared(cache, str(channels), feature_dim=2)
