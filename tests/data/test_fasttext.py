import io
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data import fasttext
from data.errors import FormatError
from data.fasttext import Args, Dictionary, Entry, EntryType, LossName, ModelName
from tests import subwords

ARGS = Args(3, 5, 5, 1, 5, 1, LossName.NEGATIVE_SAMPLING, ModelName.SKIPGRAM, 7, 2, 3, 100, 1e-4)
ENTRIES = [Entry("the", 12), Entry("straße", 3), Entry(subwords.END_OF_SENTENCE, 2)]


def written(args: Args = ARGS, entries: list[Entry] = ENTRIES, *, outputs: int = 3, seed: int = 0) -> bytes:
    rng = np.random.default_rng(seed)
    words = sum(entry.type == EntryType.WORD for entry in entries)
    file = io.BytesIO()
    fasttext.write_model(
        file,
        args,
        Dictionary(entries, tokens=17),
        input_blocks=(rng.random((1, args.dim), np.float32) for _ in range(words + args.bucket)),
        input_rows=words + args.bucket,
        output_blocks=[rng.random((outputs, args.dim), np.float32)],
        output_rows=outputs,
    )
    return file.getvalue()


def rewritten(model: fasttext.Model) -> bytes:
    file = io.BytesIO()
    fasttext.write_model(
        file,
        model.args,
        model.dictionary,
        input_blocks=np.array_split(model.input, 3),
        input_rows=len(model.input),
        output_blocks=[model.output],
        output_rows=len(model.output),
    )
    return file.getvalue()


def test_round_trip() -> None:
    model = fasttext.parse_model(written(), path="vectors.bin")
    assert model.args == ARGS
    assert model.dictionary == Dictionary(ENTRIES, 17)
    assert model.input.shape == (10, 3)
    assert model.output.shape == (3, 3)
    assert rewritten(model) == written()


def test_a_supervised_model_has_labels_and_their_output() -> None:
    args = ARGS._replace(model=ModelName.SUPERVISED, loss=LossName.SOFTMAX)
    data = written(args, [*ENTRIES, Entry("__label__a", 2, EntryType.LABEL)], outputs=1)
    model = fasttext.parse_model(data, path="model.bin")
    assert model.dictionary.words == 3
    assert rewritten(model) == data


def test_bytes_that_are_not_utf8_survive() -> None:
    entries = [Entry(b"caf\xe9".decode("utf-8", "surrogateescape"), 1)]
    model = fasttext.parse_model(written(entries=entries, outputs=1), path="vectors.bin")
    assert model.dictionary.entries == entries


def test_the_writer_keeps_its_promise_of_rows() -> None:
    block = [np.zeros((2, 3), np.float32)]
    with pytest.raises(AssertionError, match="2 rows came, 3 were promised"):
        fasttext.write_model(
            io.BytesIO(), ARGS, Dictionary([], 0), input_blocks=block, input_rows=3, output_blocks=block, output_rows=2
        )


SIZES, FIRST = 8 + 56, 8 + 56 + 28  # where the dictionary's sizes and its first entry are
INPUT = FIRST + sum(len(entry.word.encode()) + 10 for entry in ENTRIES)  # the quantised flag; the shape follows
LARGE = struct.pack("<q", 2**62)
BROKEN = {
    "another format": (0, b"PK\3\4", 0, "magic 67324752, expected 793712314"),
    "a later version": (4, b"\x0d", 4, "version 13"),
    "no dimensions": (8, b"\0", 8, "dim is 0"),
    "unknown loss": (8 + 24, b"\x09", 32, "loss is 9, expected 1 to 4"),
    "unknown model": (8 + 28, b"\x07", 36, "model is 7"),
    "n-grams without buckets": (8 + 32, b"\0", 40, "n-grams without buckets"),
    "entries that are not words and labels": (SIZES, b"\x7f", SIZES, "3 words and 0 labels are not 127 entries"),
    "negative": (SIZES, b"\xff" * 8, SIZES, "are not -1 entries"),
    "more entries than bytes": (SIZES, b"\xff\xff\xff\x7f" * 2, SIZES, "2147483647 entries do not fit"),
    "a label among words": (FIRST + 12, b"\1", FIRST + 12, "entry 0 has type 1, expected a word"),
    "negative count": (FIRST + 4, b"\xff" * 8, FIRST + 4, "entry 0 has count -1"),
    "pruned, more than bytes": (SIZES + 20, LARGE, INPUT, "pruned n-grams"),
    "pruned": (SIZES + 20, bytes(8), INPUT, "pruned"),
    "quantised": (INPUT, b"\1", INPUT, "quantised models are not read yet"),
    "a flag that is none": (INPUT, b"\2", INPUT, "the flag 'quantised' is 2"),
    "too few rows": (INPUT + 1, b"\x09", INPUT + 1, "a matrix has 9 rows, 10 are needed"),
    "more rows than bytes": (INPUT + 1, LARGE, INPUT + 17, "numbers take"),
    "negative rows": (INPUT + 1, b"\xff" * 8, INPUT + 1, "a matrix has -1 rows"),
    "other columns": (INPUT + 9, b"\4", INPUT + 9, "a matrix has 4 columns, the settings say 3"),
    "output alone quantised": (INPUT + 17 + 120, b"\1", INPUT + 17 + 120, "the output is quantised"),
}


@pytest.mark.parametrize(("at", "patch", "offset", "what"), BROKEN.values(), ids=BROKEN)
def test_tampered_files_are_refused(at: int, patch: bytes, offset: int, what: str) -> None:
    data = bytearray(written())
    data[at : at + len(patch)] = patch
    with pytest.raises(FormatError) as error:
        fasttext.parse_model(bytes(data), path="vectors.bin")
    assert error.value.offset == offset
    assert what in str(error.value)
    assert error.value.remedy


def test_every_cut_is_refused() -> None:
    data = written()
    for size in range(len(data)):
        with pytest.raises(FormatError):
            fasttext.parse_model(data[:size], path="vectors.bin")
    with pytest.raises(FormatError, match="1 bytes follow the model"):
        fasttext.parse_model(data + b"\0", path="vectors.bin")


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), min_size=1, max_size=4))
def test_damage_raises_nothing_but_format_errors(changes: list[tuple[int, int]]) -> None:
    data = bytearray(written())
    for position, value in changes:
        data[position % len(data)] = value
    try:
        model = fasttext.parse_model(bytes(data), path="vectors.bin")
    except FormatError:
        return
    assert rewritten(model)[8:] == data[8:] or model.args.maxn == 0  # version 11 is written as 12


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "vectors.bin").touch()
    with pytest.raises(FormatError, match="the file is empty"):
        fasttext.read_model(tmp_path / "vectors.bin")


# By hand from dictionary.cc: first character, then length; one character at a border is left out.
NGRAMS = [
    ("ab", 1, 3, ["<a", "<ab", "a", "ab", "ab>", "b", "b>"]),
    ("ab", 3, 6, ["<ab", "<ab>", "ab>"]),
    ("é", 0, 2, ["<é", "é", "é>"]),
    ("ab", 0, 0, []),
    ("ab", 4, 3, []),
    (subwords.END_OF_SENTENCE, 1, 3, []),
]


@pytest.mark.parametrize(("word", "minn", "maxn", "expected"), NGRAMS)
def test_ngrams(word: str, minn: int, maxn: int, expected: list[str]) -> None:
    assert subwords.ngrams(word, minn=minn, maxn=maxn) == expected


def test_hash_is_fnv1a_over_signed_bytes() -> None:
    assert subwords.word_hash(b"") == 2166136261
    assert subwords.word_hash(b"a") == 0xE40C292C  # below 0x80 it is plain FNV-1a
    assert subwords.word_hash("é".encode()) != 0x2B2EDF06


# Against fastText itself


@pytest.fixture(scope="module")
def theirs(tmp_path_factory):
    package = pytest.importorskip("fasttext", reason="the fasttext package is not installed")
    folder = tmp_path_factory.mktemp("fasttext")
    text = "der schnelle braune fuchs springt über den faulen hund\nкот сидит на окне 日本語 😀\n" * 20
    (folder / "text").write_text(text, encoding="utf-8")
    model = package.train_unsupervised(
        str(folder / "text"), dim=6, bucket=53, minn=2, maxn=4, minCount=1, epoch=1, thread=1, verbose=0
    )
    model.save_model(str(folder / "vectors.bin"))
    return package, model, folder


def test_reads_what_fasttext_wrote(theirs) -> None:
    _, model, folder = theirs
    ours = fasttext.read_model(folder / "vectors.bin")
    words, counts = model.get_words(include_freq=True)
    assert [entry.word for entry in ours.dictionary.entries] == words
    assert [entry.count for entry in ours.dictionary.entries] == counts.tolist()
    assert ours.args[:2] == (6, 5)
    assert (ours.args.model, ours.args.loss) == (ModelName.SKIPGRAM, LossName.NEGATIVE_SAMPLING)
    np.testing.assert_array_equal(ours.input, model.get_input_matrix())
    np.testing.assert_array_equal(ours.output, model.get_output_matrix())
    assert rewritten(ours) == (folder / "vectors.bin").read_bytes()


def test_fasttext_reads_what_we_wrote(theirs, capfd) -> None:
    package, _, folder = theirs
    (folder / "ours.bin").write_bytes(written(ARGS._replace(bucket=101, dim=4)))
    model = package.load_model(str(folder / "ours.bin"))
    capfd.readouterr()  # load_model warns on stderr
    ours = fasttext.read_model(folder / "ours.bin")
    assert model.get_words() == ["the", "straße", "</s>"]
    np.testing.assert_array_equal(model.get_input_matrix(), ours.input)
    buckets = subwords.ngram_buckets("unseen", minn=2, maxn=3, bucket=101)
    expected = ours.input[[3 + bucket for bucket in buckets]].mean(axis=0)
    np.testing.assert_allclose(model.get_word_vector("unseen"), expected, rtol=1e-5)


def test_reads_a_supervised_model_of_fasttext(theirs) -> None:
    package, _, folder = theirs
    (folder / "labelled").write_text("__label__a one two\n__label__b three four\n" * 20)
    package.train_supervised(str(folder / "labelled"), dim=4, bucket=11, wordNgrams=2, thread=1, verbose=0).save_model(
        str(folder / "model.bin")
    )
    ours = fasttext.read_model(folder / "model.bin")
    assert ours.args.model == ModelName.SUPERVISED
    assert sorted(entry.word for entry in ours.dictionary.entries[ours.dictionary.words :]) == [
        "__label__a",
        "__label__b",
    ]
    assert rewritten(ours) == (folder / "model.bin").read_bytes()


@settings(deadline=None)
@given(word=st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"]), min_size=1))
def test_ngrams_and_buckets_are_fasttexts(theirs, word: str) -> None:
    _, model, _ = theirs
    known = len(model.words)
    substrings, rows = model.get_subwords(word)
    expected = [
        (gram, known + bucket)
        for gram, bucket in zip(
            subwords.ngrams(word, minn=2, maxn=4), subwords.ngram_buckets(word, minn=2, maxn=4, bucket=53), strict=True
        )
    ]
    if word in model.words:
        expected.insert(0, (word, model.words.index(word)))
    assert list(zip(substrings, rows.tolist(), strict=True)) == expected
