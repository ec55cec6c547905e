from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from algorithms.text_classification.quantize import keep_rows, product_quantize
from data import fasttext
from data.fasttext import Args, Dictionary, Entry, EntryType, LossName, Model, ModelName
from data.quantized import QuantizedMatrix


def trained(rows: int, columns: int, *, seed: int = 1) -> NDArray[np.float32]:
    """A matrix like a classifier's input: its rows point anywhere, few of them are long."""
    rng = np.random.default_rng(seed)
    directions = rng.standard_normal((rows, columns), np.float32)
    return directions * rng.exponential(size=(rows, 1)).astype(np.float32) ** 3


def squared_error(made: QuantizedMatrix, matrix: NDArray[np.float32]) -> float:
    return float(((made.dense() - matrix) ** 2).mean(dtype=np.float64))


# Rows of these lengths; the first three are words
LENGTHS = [5, 1, 3, 2, 4, 4, 0]
KEPT = [
    (7, 1, [0, 1, 2, 3, 4, 5, 6]),
    (9, 1, [0, 1, 2, 3, 4, 5, 6]),
    (6, -1, [0, 1, 2, 3, 4, 5]),
    (4, -1, [0, 2, 4, 5]),
    (4, 1, [0, 1, 4, 5]),  # the end of a sentence stays, however short
    (3, 1, [0, 1, 4]),  # of equals the first
    (2, 0, [0, 4]),
    (1, 1, [1]),
]


@pytest.mark.parametrize(("cutoff", "end_of_sentence", "expected"), KEPT)
def test_the_longest_rows_are_kept(cutoff: int, end_of_sentence: int, expected: list[int]) -> None:
    inputs = np.zeros((7, 2), np.float32)
    inputs[:, 1] = LENGTHS
    kept = keep_rows(inputs, words=3, cutoff=cutoff, end_of_sentence=end_of_sentence)
    assert kept.dtype == np.int64
    assert kept.tolist() == expected


@pytest.mark.parametrize("qnorm", [False, True])
@pytest.mark.parametrize("rows", [1, 5, 256])
def test_few_rows_are_kept_exactly(rows: int, qnorm: bool) -> None:
    matrix = trained(rows, 5)
    made = product_quantize(matrix, qnorm=qnorm, seed=1)
    assert made.shape == (rows, 5)
    np.testing.assert_allclose(made.dense(), matrix, rtol=2e-6)


@pytest.mark.parametrize(("columns", "dsub", "sub_vectors"), [(6, 2, 3), (7, 2, 4), (7, 3, 3), (5, 1, 5), (3, 8, 1)])
def test_the_last_sub_vector_has_what_remains(columns: int, dsub: int, sub_vectors: int) -> None:
    matrix = trained(600, columns)
    made = product_quantize(matrix, dsub=dsub, seed=1)
    assert made.codes.shape == (600, sub_vectors)
    assert made.shape == (600, columns)
    assert squared_error(made, matrix) < 0.2 * (matrix**2).mean()


def test_rows_of_zeros_stay_close_to_zero() -> None:
    matrix = trained(1000, 4)
    matrix[::3] = 0
    made = product_quantize(matrix, seed=1)
    assert (np.linalg.norm(made.dense()[::3], axis=1) < 0.01).all()
    assert not product_quantize(np.zeros((300, 4), np.float32), seed=1).dense().any()


def test_the_result_depends_on_the_seed_alone() -> None:
    matrix = trained(2000, 8)
    first, again, other = (
        product_quantize(matrix, threads=threads, seed=seed) for threads, seed in [(1, 1), (3, 1), (1, 2)]
    )
    np.testing.assert_array_equal(first.dense(), again.dense())
    assert (first.dense() != other.dense()).any()


def test_progress_ends_at_one() -> None:
    told: list[float] = []
    product_quantize(trained(300, 5), on_progress=told.append, seed=1)
    assert told == pytest.approx([1 / 3, 2 / 3, 1])


@pytest.mark.parametrize("qnorm", [False, True])
def test_a_sample_does_not_miss_the_rows_that_matter(qnorm: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    matrix = trained(6000, 6)
    whole = squared_error(product_quantize(matrix, qnorm=qnorm, seed=1), matrix)
    monkeypatch.setattr("algorithms.text_classification.quantize.SAMPLE", 3000)
    assert squared_error(product_quantize(matrix, qnorm=qnorm, seed=1), matrix) < 2 * whole
    assert not product_quantize(np.zeros((4000, 2), np.float32), seed=1).dense().any()


# Against fastText


def write_dense(path: Path, matrix: NDArray[np.float32], *, words: int) -> Model:
    """A classifier of two labels whose input is this matrix: its words w0 (the end of a sentence), w1..., buckets."""
    buckets = len(matrix) - words
    args = Args(
        dim=matrix.shape[1], ws=5, epoch=1, min_count=1, neg=5, word_ngrams=2 if buckets else 1, loss=LossName.SOFTMAX,
        model=ModelName.SUPERVISED, bucket=buckets, minn=0, maxn=0, lr_update_rate=100, t=1e-4,
    )  # fmt: skip
    entries = [Entry("</s>", 9), *(Entry(f"w{i}", 1) for i in range(1, words))]
    entries += [Entry(f"__label__{name}", 1, EntryType.LABEL) for name in "ab"]
    outputs = np.random.default_rng(3).standard_normal((2, matrix.shape[1]), np.float32)
    with path.open("wb") as file:
        fasttext.write_model(
            file, args, Dictionary(entries, 9),
            input_blocks=[matrix], input_rows=len(matrix), output_blocks=[outputs], output_rows=2,
        )  # fmt: skip
    return fasttext.read_model(path)


@pytest.fixture
def package(capfd: pytest.CaptureFixture[str]) -> Any:
    yield pytest.importorskip("fasttext", reason="the fasttext package is not installed")
    capfd.readouterr()  # load_model warns on stderr


def quantized_by(package: Any, folder: Path, **settings: Any) -> Model:
    model = package.load_model(str(folder / "dense.bin"))
    model.quantize(**settings)
    model.save_model(str(folder / "theirs.ftz"))
    return fasttext.read_model(folder / "theirs.ftz")


@pytest.mark.parametrize("cutoff", [256, 300, 999])  # fastText quantises 256 rows and more
def test_keeps_the_rows_that_fasttext_keeps(cutoff: int, package: Any, tmp_path: Path) -> None:
    matrix = np.concatenate([trained(400, 4), trained(600, 4, seed=2)])
    dense = write_dense(tmp_path / "dense.bin", matrix, words=400)
    names = [entry.word for entry in dense.dictionary.entries]
    kept = keep_rows(matrix, words=400, cutoff=cutoff, end_of_sentence=0)
    theirs = quantized_by(package, tmp_path, cutoff=cutoff)
    assert theirs.prune is not None
    assert [names[row] for row in kept if row < 400] == [
        entry.word for entry in theirs.dictionary.entries[: theirs.dictionary.words]
    ]
    assert (kept[kept >= 400] - 400).tolist() == sorted(theirs.prune[:, 0].tolist())


@pytest.mark.parametrize("dsub", [1, 2, 3])
@pytest.mark.parametrize("qnorm", [False, True])
@pytest.mark.parametrize("kind", ["trained", "normal"])
def test_errors_are_no_larger_than_fasttexts(kind: str, qnorm: bool, dsub: int, package: Any, tmp_path: Path) -> None:
    matrix = trained(3000, 8) if kind == "trained" else np.random.default_rng(1).standard_normal((3000, 8), np.float32)
    write_dense(tmp_path / "dense.bin", matrix, words=3000)
    theirs = quantized_by(package, tmp_path, dsub=dsub, qnorm=qnorm).input
    assert isinstance(theirs, QuantizedMatrix)
    ours = product_quantize(matrix, dsub=dsub, qnorm=qnorm, seed=1)
    assert ours.codes.nbytes == theirs.codes.nbytes
    assert squared_error(ours, matrix) <= squared_error(theirs, matrix)


def test_fasttext_predicts_from_a_model_made_small(package: Any, tmp_path: Path) -> None:
    matrix = np.random.default_rng(1).standard_normal((1000, 8), np.float32)
    matrix[300:400] *= 0.001  # words and n-grams that do not matter
    matrix[700:] *= 0.001
    dense = write_dense(tmp_path / "dense.bin", matrix, words=400)
    kept = keep_rows(matrix, words=400, cutoff=600, end_of_sentence=0)
    words, buckets = kept[kept < 400], kept[kept >= 400] - 400
    entries = [dense.dictionary.entries[word] for word in words] + dense.dictionary.entries[400:]
    small = Model(
        dense.args,
        Dictionary(entries, dense.dictionary.tokens),
        product_quantize(matrix[kept], seed=1),
        dense.output,
        np.stack([buckets, np.arange(len(buckets))], axis=1).astype(np.int32),
    )
    with (tmp_path / "small.ftz").open("wb") as file:
        fasttext.write_quantized(file, small)
    models = [package.load_model(str(tmp_path / name)) for name in ("dense.bin", "small.ftz")]
    agreed = 0
    for i in range(1, 300, 3):
        # the mean is over the rows that are left: chances are more extreme, their order is the same
        (_, first), (_, second) = (max(model.f.predict(f"w{i} w{i + 1} w{i}\n", -1, 0.0, "strict")) for model in models)
        agreed += first == second
    assert agreed >= 97
