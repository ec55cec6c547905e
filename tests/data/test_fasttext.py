import io
import random
import struct
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from data import fasttext
from data.errors import FormatError
from data.fasttext import Args, Dictionary, Entry, EntryType, LossName, Model, ModelName, QuantizedMatrix
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


def rewritten(model: Model) -> bytes:
    file = io.BytesIO()
    if isinstance(model.input, QuantizedMatrix):
        fasttext.write_quantized(file, model)
        return file.getvalue()
    assert not isinstance(model.output, QuantizedMatrix)
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


def test_a_mapped_model_is_the_same(tmp_path: Path) -> None:
    path = tmp_path / "vectors.bin"
    path.write_bytes(written())
    model = fasttext.map_model(path)
    path.unlink()  # what is mapped stays
    assert not isinstance(model.input, QuantizedMatrix)
    assert not model.input.flags.writeable
    assert not model.input.flags.owndata
    assert rewritten(model) == written()


def test_what_a_model_was_trained_for(tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(written())
    assert fasttext.model_name(path) == ModelName.SKIPGRAM
    path.write_bytes(written()[:10])
    with pytest.raises(FormatError, match=r"model\.bin: byte 8: the settings take 56 bytes, the file ends after 2"):
        fasttext.model_name(path)
    path.write_bytes(b"")
    for read in (fasttext.model_name, fasttext.map_model):
        with pytest.raises(FormatError, match=r"model\.bin: byte 0: "):
            read(path)


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
    "quantised in name only": (INPUT, b"\1", INPUT + 1, "the flag 'norms apart' is 10"),
    "a flag that is none": (INPUT, b"\2", INPUT, "the flag 'quantised' is 2"),
    "too few rows": (INPUT + 1, b"\x09", INPUT + 1, "a matrix has 9 rows, 10 are needed"),
    "more rows than bytes": (INPUT + 1, LARGE, INPUT + 17, "numbers take"),
    "negative rows": (INPUT + 1, b"\xff" * 8, INPUT + 1, "a matrix has -1 rows"),
    "other columns": (INPUT + 9, b"\4", INPUT + 9, "a matrix has 4 columns, the settings say 3"),
    "more outputs than words": (INPUT + 17 + 120 + 1, b"\4", INPUT + 17 + 120 + 1, "has 4 rows, 3 are needed"),
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


# Quantised

LABELS = [Entry(f"__label__{i}", 4 - i, EntryType.LABEL) for i in range(3)]
SUPERVISED = ARGS._replace(model=ModelName.SUPERVISED, loss=LossName.SOFTMAX, word_ngrams=2, bucket=50)
KEPT = np.array([[41, 1], [7, 0]], np.int32)


def quantized(rows: int, *, norms: bool, dim: int = 3, dsub: int = 2) -> QuantizedMatrix:
    rng = np.random.default_rng(rows)
    codes, centroids = rng.integers(0, 256, (rows, -(-dim // dsub)), np.uint8), rng.random(256 * dim, np.float32)
    if not norms:
        return QuantizedMatrix(codes, centroids, dsub)
    return QuantizedMatrix(codes, centroids, dsub, rng.integers(0, 256, rows, np.uint8), rng.random(256, np.float32))


def quantized_model(*, norms: bool = False, output: bool = False, prune: NDArray[np.int32] | None = None) -> Model:
    rows = len(ENTRIES) + (SUPERVISED.bucket if prune is None else len(prune))
    dense = np.random.default_rng(1).random((3, 3), np.float32)
    outputs = quantized(3, norms=norms) if output else dense
    return Model(SUPERVISED, Dictionary(ENTRIES + LABELS, 17), quantized(rows, norms=norms), outputs, prune)


@pytest.mark.parametrize("norms", [False, True])
@pytest.mark.parametrize("output", [False, True])
@pytest.mark.parametrize("prune", [None, KEPT, KEPT[:0]], ids=["whole", "pruned", "words alone"])
def test_quantised_round_trip(norms: bool, output: bool, prune: NDArray[np.int32] | None) -> None:
    made = quantized_model(norms=norms, output=output, prune=prune)
    data = rewritten(made)
    model = fasttext.parse_model(data, path="model.ftz")
    assert rewritten(model) == data
    assert (model.args, model.dictionary) == (made.args, made.dictionary)
    assert (None if model.prune is None else model.prune.tolist()) == (None if prune is None else prune.tolist())
    assert isinstance(model.output, QuantizedMatrix) == output
    for ours, expected in zip(model.dense(), made.dense(), strict=True):
        np.testing.assert_array_equal(ours, expected)


def test_a_model_that_is_not_quantised_is_dense_already() -> None:
    model = fasttext.parse_model(written(), path="vectors.bin")
    assert model.dense() == (model.input, model.output)


PRUNED = SIZES + 28 + sum(len(entry.word.encode()) + 10 for entry in ENTRIES + LABELS)  # the list of n-grams
BROKEN_QUANTISED = {
    "pruned, not quantised": (PRUNED + 16, b"\0", PRUNED + 16, "pruned and the model is not quantised"),
    "a bucket below zero": (PRUNED, b"\xff" * 4, PRUNED, "bucket -1 of 50 is kept in row 1 of 2"),
    "a bucket too many": (PRUNED + 8, b"\x32", PRUNED + 8, "bucket 50 of 50"),
    "a row too many": (PRUNED + 12, b"\2", PRUNED + 8, "in row 2 of 2"),
    "a row below zero": (PRUNED + 12, b"\xff" * 4, PRUNED + 8, "in row -1 of 2"),
    "the same bucket": (PRUNED + 8, b"\x29", PRUNED, "listed twice"),
    "the same row": (PRUNED + 12, b"\1", PRUNED, "listed twice"),
    "huge": (PRUNED + 18, LARGE, PRUNED + 18, "are not 10 codes"),
}


@pytest.mark.parametrize(("at", "patch", "offset", "what"), BROKEN_QUANTISED.values(), ids=BROKEN_QUANTISED)
def test_tampered_quantised_files_are_refused(at: int, patch: bytes, offset: int, what: str) -> None:
    data = bytearray(rewritten(quantized_model(prune=KEPT)))
    data[at : at + len(patch)] = patch
    with pytest.raises(FormatError) as error:
        fasttext.parse_model(bytes(data), path="model.ftz")
    assert what in str(error.value)
    assert error.value.offset == offset


def test_too_few_quantised_rows_are_refused() -> None:
    model = quantized_model(prune=KEPT)
    with pytest.raises(FormatError, match="a matrix has 4 rows, 5 are needed") as error:
        fasttext.parse_model(rewritten(model._replace(input=quantized(4, norms=False))), path="model.ftz")
    assert error.value.offset == PRUNED + 18
    with pytest.raises(FormatError, match="a matrix has 4 rows, 3 are needed"):
        fasttext.parse_model(rewritten(model._replace(output=quantized(4, norms=False))), path="model.ftz")


def test_every_cut_of_a_quantised_file_is_refused() -> None:
    data = rewritten(quantized_model(norms=True, output=True, prune=KEPT))
    for size in {*range(PRUNED + 100), *range(PRUNED, len(data), 61), *range(len(data) - 1200, len(data), 7)}:
        with pytest.raises(FormatError):
            fasttext.parse_model(data[:size], path="model.ftz")
    with pytest.raises(FormatError, match="1 bytes follow the model"):
        fasttext.parse_model(data + b"\0", path="model.ftz")


# The bytes that are not centroids: settings, dictionary, shapes, codes and flags.
HEADER = PRUNED + 16 + 1 + 21 + 10 + 16


@settings(max_examples=300)
@given(st.lists(st.tuples(st.integers(8, HEADER), st.sampled_from([0, 1, 2, 127, 255])), min_size=1, max_size=9))
def test_damage_to_a_quantised_file_costs_no_memory(changes: list[tuple[int, int]]) -> None:
    data = bytearray(rewritten(quantized_model(prune=KEPT)))
    for position, value in changes:
        data[position] = value
    damaged = bytes(data)
    tracemalloc.start()
    try:
        model = fasttext.parse_model(damaged, path="model.ftz")
        model.dense()
    except FormatError:
        return
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 1_000_000
    assert rewritten(model) == damaged


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


def predicted(model: Model, line: str) -> dict[str, float]:
    """fastText's probabilities of all labels (softmax) in plain Python: Dictionary::getLine, Model::predict."""
    args, words = model.args, [entry.word for entry in model.dictionary.entries[: model.dictionary.words]]
    kept = None if model.prune is None else dict(model.prune.tolist())
    ids, hashes, buckets = list[int](), list[int](), list[int]()
    for token in [*line.split(), subwords.END_OF_SENTENCE]:
        if token in words:
            ids.append(words.index(token))
        buckets += subwords.ngram_buckets(token, minn=args.minn, maxn=args.maxn, bucket=args.bucket)
        value = subwords.word_hash(token.encode())
        hashes.append(value - 2**32 if value >= 2**31 else value)
    for i, value in enumerate(hashes):
        for other in hashes[i + 1 : i + args.word_ngrams]:
            value = (value * 116049371 + other) % 2**64
            buckets.append(value % args.bucket)
    rows = buckets if kept is None else [kept[bucket] for bucket in buckets if bucket in kept]
    ids += [len(words) + row for row in rows]
    inputs, outputs = model.dense()
    scores = outputs @ inputs[ids].mean(axis=0, dtype=np.float64)
    chances = np.exp(scores - scores.max())
    labels = [entry.word for entry in model.dictionary.entries[len(words) :]]
    return dict(zip(labels, (chances / chances.sum()).tolist(), strict=True))


def assert_predicts_as(model: Model, package_model: Any, lines: list[str]) -> None:
    for line in lines:
        theirs = {label: chance for chance, label in package_model.f.predict(line + "\n", -1, 0.0, "strict")}
        expected = predicted(model, line)
        assert theirs.keys() == expected.keys()
        for label, chance in expected.items():
            # fastText gives exp(log(chance + 1e-5))
            assert theirs[label] == pytest.approx(chance + 1e-5, abs=2e-6, rel=1e-4)


QUANTIZED = {
    "dsub 1": ({}, {"dsub": 1}),
    "dsub 2": ({}, {}),
    "dsub 3, norms": ({}, {"dsub": 3, "qnorm": True}),
    "dsub 4, output": ({}, {"dsub": 4, "qout": True}),
    "dsub above dim": ({}, {"dsub": 9}),
    "pruned to words and n-grams": ({}, {"cutoff": 700, "qnorm": True}),
    "pruned to words": ({"wordNgrams": 1}, {"cutoff": 260}),
    "retrained": ({}, {"cutoff": 400, "retrain": True, "qnorm": True, "qout": True}),
    "character n-grams": ({"minn": 2, "maxn": 3}, {"cutoff": 500, "qout": True}),
}


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = random.Random(1)
    labels = [*range(260), *(rng.randrange(260) for _ in range(700))]  # fastText quantises 256 rows and more
    path = tmp_path_factory.mktemp("labelled") / "labelled.txt"
    with path.open("w") as file:
        for label in labels:
            words = " ".join(f"w{(label * 7 + rng.randrange(20)) % 600}" for _ in range(8))
            file.write(f"__label__{label} {words}\n")
    return path


@pytest.mark.parametrize(("train", "quantize"), QUANTIZED.values(), ids=QUANTIZED)
def test_reads_a_quantised_model_of_fasttext(
    train: dict[str, Any], quantize: dict[str, Any], labelled: Path, tmp_path: Path
) -> None:
    package = pytest.importorskip("fasttext", reason="the fasttext package is not installed")
    settings = {"dim": 7, "bucket": 1000, "wordNgrams": 2, "epoch": 3, "thread": 1, "verbose": 0, "lr": 0.5}
    theirs = package.train_supervised(str(labelled), **(settings | train))
    theirs.quantize(input=str(labelled), **quantize)
    theirs.save_model(str(tmp_path / "model.ftz"))
    ours = fasttext.read_model(tmp_path / "model.ftz")
    assert rewritten(ours) == (tmp_path / "model.ftz").read_bytes()
    inputs, _ = ours.dense()
    for row in range(0, len(inputs), 13):
        np.testing.assert_array_equal(inputs[row], theirs.get_input_vector(row))
    lines = [line.split(" ", 1)[1] for line in labelled.read_text().splitlines()[::120]]
    assert_predicts_as(ours, theirs, [*lines, "w1 w2 w1 unseen"])


@pytest.mark.parametrize("norms", [False, True])
@pytest.mark.parametrize("output", [False, True])
@pytest.mark.parametrize("prune", [None, KEPT, KEPT[:0]], ids=["whole", "pruned", "words alone"])
def test_fasttext_predicts_the_same_from_a_quantised_model_of_ours(
    norms: bool, output: bool, prune: NDArray[np.int32] | None, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    package = pytest.importorskip("fasttext", reason="the fasttext package is not installed")
    model = quantized_model(norms=norms, output=output, prune=prune)
    (tmp_path / "model.ftz").write_bytes(rewritten(model))
    theirs = package.load_model(str(tmp_path / "model.ftz"))
    capfd.readouterr()  # load_model warns on stderr
    assert_predicts_as(model, theirs, ["the straße", "straße the the unseen", "", "the"])


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
