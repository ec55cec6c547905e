"""The models that `endpoint` hosts, as a training publishes them, and what is asked of them.

    word2vec             the 70,000 most frequent words of text8, vectors of 100 numbers, drawn at random
    text_classification  DBpedia's 14 classes, trained by fastText: one file for both servers
    topics               2,000 words, 20 topics, at their random start
    object2vec           means of 50,000 token vectors of 300 numbers, two layers of 512, at their random start

What a number is does not change how long it takes to tell it. Models are made once, below the temporary folder.
"""

import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import orjson
from pydantic import BaseModel

from algorithms.model import save_state
from algorithms.object2vec.algorithm import Object2Vec
from algorithms.object2vec.matcher import weights
from algorithms.state import State
from algorithms.topics.algorithm import Topics
from algorithms.word2vec.algorithm import Word2Vec
from algorithms.word2vec.export import export
from benchmarks import harness, recordio
from data.pairs import Pairs, Shards
from data.tokenizer import LABEL
from data.vocabulary import Vocabulary
from tasks.publish import MANIFEST, pack

ARCHIVE = "model.tar.gz"
ALGORITHMS = ("word2vec", "text_classification", "topics", "object2vec")


class Sizes(NamedTuple):
    """Of the models; how many different requests are made of each; rows of batch transform."""

    words: int = 70_000
    dim: int = 100
    topic_words: int = 2000
    tokens: int = 50_000
    enc_dim: int = 300
    requests: int = 1000
    rows: int = 1_000_000


class Case(NamedTuple):
    """A kind of request: the bodies of many."""

    algorithm: str
    name: str
    bodies: list[bytes]


SIZES, SMALL = Sizes(), Sizes(words=500, dim=8, topic_words=60, tokens=200, enc_dim=8, requests=20, rows=500)
NTM = Topics(num_topics=20)
POOLED = {"enc0_network": "pooled_embedding", "mlp_dim": 512, "mlp_layers": 2, "mlp_activation": "relu"}


def made(sizes: Sizes = SIZES) -> Path:
    """A folder with a folder for each algorithm: model.tar.gz and its files, and what the plain handlers read."""
    root = Path(tempfile.gettempdir()) / f"embertext-benchmark-endpoint-{sizes.words}-{sizes.tokens}"
    for algorithm in ALGORITHMS:
        folder = root / algorithm
        if (folder / ARCHIVE).exists():
            continue
        folder.mkdir(parents=True, exist_ok=True)
        members = [*MAKERS[algorithm](folder, sizes), _json(folder / MANIFEST, {"algorithm": algorithm})]
        pack(folder / "unfinished", members)
        (folder / "unfinished").rename(folder / ARCHIVE)
    return root


class _Corpus(NamedTuple):
    """What a state is begun from."""

    vocabulary: Vocabulary
    columns: int = 0


def _word2vec(folder: Path, sizes: Sizes) -> list[Path]:
    from gensim.models import KeyedVectors

    counts = Counter(harness.plain_text("text8").read_text().split()).most_common(sizes.words)
    vocabulary = Vocabulary([word for word, _ in counts], np.array([count for _, count in counts]))
    form = Word2Vec(mode="skipgram", vector_dim=sizes.dim)
    corpus: Any = _Corpus(vocabulary)
    state = form.init(corpus, seed=1)
    state["words"] = np.random.default_rng(1).normal(scale=0.3, size=(len(vocabulary), sizes.dim)).astype(np.float32)
    export(form, state, vocabulary, folder)
    peer = KeyedVectors(sizes.dim)
    peer.add_vectors(vocabulary.words, state["words"])
    peer.save(str(folder / "gensim"))
    vocabulary.save(str(folder / "vocabulary.txt"))
    files = [folder / name for name in ("vectors.bin", "vectors.txt")]
    return [*files, _form(folder, form), _state(folder, state), folder / "vocabulary.txt"]


def _text_classification(folder: Path, sizes: Sizes) -> list[Path]:
    import fasttext

    settings: dict[str, Any] = {"dim": 10, "wordNgrams": 2, "bucket": 2_000_000 if sizes == SIZES else 1000}
    text = str(harness.labelled_text("dbpedia"))
    model = fasttext.train_supervised(text, lr=1.0, epoch=5, thread=1, verbose=0, **settings)
    model.save_model(str(folder / "model.bin"))
    return [folder / "model.bin"]


def _topics(folder: Path, sizes: Sizes) -> list[Path]:
    corpus: Any = _Corpus(Vocabulary([], np.empty(0, np.int64)), sizes.topic_words)
    return [_form(folder, NTM), _state(folder, NTM.init(corpus, seed=1))]


def _object2vec(folder: Path, sizes: Sizes) -> list[Path]:
    form = Object2Vec(**POOLED, enc_dim=sizes.enc_dim)
    size = (sizes.tokens, sizes.tokens)
    return [_form(folder, form), _state(folder, form.init(Pairs(None, size, (50, 50), Shards([], [], 1)), seed=1))]


MAKERS: dict[str, Callable[[Path, Sizes], list[Path]]] = {
    "word2vec": _word2vec, "text_classification": _text_classification, "topics": _topics, "object2vec": _object2vec,
}  # fmt: skip


def _form(folder: Path, form: BaseModel) -> Path:
    return _json(folder / "algorithm.json", form.model_dump(mode="json"))


def _state(folder: Path, state: State) -> Path:
    save_state(folder / "state.safetensors", weights(state))
    return folder / "state.safetensors"


def _json(path: Path, value: Any) -> Path:
    path.write_bytes(orjson.dumps(value))
    return path


def cases(root: Path, sizes: Sizes = SIZES) -> list[Case]:
    """What the issue of hosting asks to be measured. Every word of the vocabulary is asked for, as often as any."""
    rng = np.random.default_rng(2)
    words = vocabulary(root)
    tens = _pieces([words[number] for number in rng.permutation(len(words))], 10)
    texts = sentences()
    hundreds = _pieces(texts, 100)[: sizes.requests]
    return [
        Case("word2vec", "word2vec, 10 words", _bodies(tens)),
        Case("text_classification", "classification, 1 sentence", _bodies(_pieces(texts[: sizes.requests], 1))),
        Case("text_classification", "classification, 100 sentences", _bodies(hundreds)),
        Case("topics", "topics, 10 documents", _bodies(_pieces(_documents(10 * sizes.requests, sizes), 10))),
        Case("object2vec", "object2vec, 10 pairs", _bodies(_pieces(_pairs(10 * sizes.requests, sizes, rng), 10))),
    ]


def vocabulary(root: Path) -> list[str]:
    """The words, the most frequent first."""
    return Vocabulary.load(str(root / "word2vec" / "vocabulary.txt")).words


def sentences() -> list[str]:
    """Of DBpedia's test set, tokens with spaces between them."""
    lines = harness.labelled_text("dbpedia-test").read_text().splitlines()
    return [" ".join(word for word in line.split(" ") if not word.startswith(LABEL)) for line in lines]


def _documents(count: int, sizes: Sizes) -> list[Any]:
    """Counts of some fifty words."""
    rows = recordio.counts(count, sizes.topic_words, 50)
    found = []
    for first, last in pairwise(rows.indptr.tolist()):
        features = {"keys": rows.indices[first:last].tolist(), "shape": [sizes.topic_words]}
        found.append({"data": {"features": features | {"values": rows.data[first:last].tolist()}}})
    return found


def _pairs(count: int, sizes: Sizes, rng: np.random.Generator) -> list[Any]:
    """5 to 30 ids on either side."""

    def ids() -> list[int]:
        found: list[int] = rng.integers(1, sizes.tokens, rng.integers(5, 31)).tolist()
        return found

    return [{"in0": ids(), "in1": ids()} for _ in range(count)]


def _pieces(items: Sequence[Any], size: int) -> list[list[Any]]:
    return [list(items[first : first + size]) for first in range(0, len(items) - size + 1, size)]


def _bodies(pieces: Sequence[list[Any]]) -> list[bytes]:
    return [orjson.dumps({"instances": piece}) for piece in pieces]
