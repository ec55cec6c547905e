"""Our Object2Vec on the benchmark's sets: how pairs are made of each, with which hyperparameters it is trained on them.

Run one by one in fresh processes.
"""

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray

from benchmarks import documents, judging
from benchmarks.documents import TOKENIZER, Scored, Tokens
from benchmarks.embedders import DIM, MIN_COUNT
from benchmarks.harness import Figures, answer
from benchmarks.judging import Embed
from data import auxiliary, pair_sources, pair_texts, sources
from data.pair_records import Read, Rules
from data.pairs import INDEX, Batch, Pairs, Sequences

if TYPE_CHECKING:
    from algorithms.object2vec.algorithm import Object2Vec
    from algorithms.object2vec.pairing import Pairing
    from algorithms.state import State

Settings = Mapping[str, Any]

# one encoder for both sides: a sentence and an article are the same kind of thing, and so are captions
ONE_SPACE: Settings = {
    "enc0_network": "pooled_embedding", "enc_dim": DIM, "tied_encoders": True, "comparator_list": "cosine",
    "mlp_layers": 0, "token_embedding_storage_type": "row_sparse", "mini_batch_size": 512,
    "negative_sampling_rate": 20, "enc0_freeze_pretrained_embedding": False, "device": "cpu",
}  # fmt: skip
ARTICLES: Settings = {**ONE_SPACE, "enc0_max_seq_len": 300, "learning_rate": 0.001, "epochs": 3}
SENTENCES = 14  # of an article, each a pair
CAPTIONS: Settings = {**ONE_SPACE, "learning_rate": 0.003, "epochs": 3}
STS: Settings = {
    "enc0_network": "pooled_embedding", "enc_dim": DIM, "tied_encoders": True, "comparator_list": "hadamard, abs_diff",
    "mlp_layers": 1, "mlp_dim": 512, "mlp_activation": "tanh", "dropout": 0.4, "output_layer": "mean_squared_error",
    "token_embedding_storage_type": "row_sparse", "mini_batch_size": 64, "learning_rate": 0.0005, "epochs": 10,
    "enc0_freeze_pretrained_embedding": False, "device": "cpu",
}  # fmt: skip
# SageMaker's notebook of document embeddings, but for three things: sequences are whole, token vectors begin as those
# of our Word2Vec, and there is one epoch of four sentences of each article, not two of one: it had sixteen times as
# many articles. Chosen by articles set aside from those of training: with more sentences of so few, or more epochs, all
# comparators tell articles apart by what they know by heart, and equally well
NOTEBOOK: Settings = {
    "enc0_network": "pooled_embedding", "enc_dim": DIM, "optimizer": "adam", "learning_rate": 0.01,
    "mini_batch_size": 512, "mlp_layers": 2, "mlp_dim": 512, "mlp_activation": "relu", "dropout": 0.4,
    "token_embedding_storage_type": "row_sparse", "epochs": 1, "device": "cpu",
    "enc0_freeze_pretrained_embedding": False, "enc1_freeze_pretrained_embedding": False,
}  # fmt: skip
NOTEBOOK_SENTENCES = 4


class Trained(NamedTuple):
    """A model; seconds: of its rounds; samples: pairs that it was shown, drawn ones aside."""

    form: "Object2Vec"
    state: "State"
    seconds: float
    samples: int

    @property
    def figures(self) -> Figures:
        """What the training took."""
        return {"seconds": self.seconds, "samples_per_second": self.samples / self.seconds}


def prepared(
    path: Path, folder: Path, pairing: "Pairing", *, seed: int, against: Path | None = None, test: Path | None = None,
    classes: int = 2,
) -> Pairs:  # fmt: skip
    """The pairs of a file, as the flow's stage prepares them. test: another, of the same kind, to be judged by."""
    from algorithms.object2vec.encode import encode

    def reads(channel: str, path: Path, against: Path | None) -> Iterator[Read]:
        source = sources.find(str(path), cache=folder)
        other = sources.find(str(against), cache=folder) if against else None
        found = pair_sources.find(source, other)
        rules = Rules(channel, found, classes)
        making = pair_texts.Making(rules, pairing.tokenizer, sentences=pairing.sentences, seed=seed)
        return (pair_texts.read(block, making) for block in pair_sources.blocks(source, other, found.kind))

    others = {"test": reads("test", test, None)} if test else None
    train = reads("train", path, against)
    return encode(train, folder, pairing, others=others, texts=True, held_out=0, seed=seed).pairs


def trained(
    settings: Settings, pairs: Pairs, *, threads: int, seed: int, vectors: NDArray[np.float32] | None = None
) -> Trained:
    """Train for all epochs. vectors (V, D): of the tokens of both sides, to begin with."""
    from algorithms.here import Here
    from algorithms.object2vec.algorithm import Object2Vec
    from algorithms.training import train

    form = Object2Vec.model_validate(settings)
    state = form.init(pairs, vectors0=vectors, vectors1=vectors, seed=seed)
    seconds = 0.0
    for each in train(form, pairs, cluster=Here(threads), state=state, seed=seed):
        state, seconds = each.state, seconds + each.seconds
    return Trained(form, state, seconds, pairs.train.size * form.epochs)


def begun(words: str, pairs: Pairs) -> NDArray[np.float32]:
    """A folder's word vectors as the table (V, D) to begin with; words that it lacks are drawn."""
    ids = pairs.ids()
    return auxiliary.read_embedding(str(Path(words) / "vectors.txt"), ids, dimension=DIM, setting="enc_dim").table(
        len(ids)
    )


def embedding(model: Trained, pairs: Pairs) -> Embed:
    """What embeds texts, all of them as in0, as the notebook does."""
    ids = pairs.ids()

    def embed(texts: Sequence[Tokens]) -> NDArray[np.float32]:
        return model.form.embed(model.state, numbered(texts, ids))

    return embed


def numbered(texts: Sequence[Tokens], ids: Mapping[str, int]) -> Sequences:
    """The ids of tokens; 0 of unknown ones, and of nothing."""
    return Sequences.of([ids.get(token, 0) for token in text] or [0] for text in texts)


def articles(*, threads: int, seed: int, small: bool, pools: list[int], words: str) -> Figures:
    """Sentences of each article, each against the rest. words: the folder of the word vectors to begin with."""
    found = documents.articles(small=small)
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        pairs = prepared(found.documents, Path(folder), _sentences(SENTENCES), seed=seed)
        preparing = time.perf_counter() - began
        model = trained(ARTICLES, pairs, threads=threads, seed=seed, vectors=begun(words, pairs))
    judged = judging.retrieval(found, pools, embedding(model, pairs))
    return {**model.figures, "preparing": preparing, **judged}


def _sentences(number: int) -> "Pairing":
    """So many of each document."""
    from algorithms.object2vec.pairing import Pairing

    return Pairing(tokenizer=TOKENIZER, min_count=MIN_COUNT, sentences=number)


def captions(*, threads: int, seed: int, small: bool) -> Figures:
    """Any two captions of a picture; pairs that belong together alone."""
    from algorithms.object2vec.pairing import Pairing

    found = documents.captions(small=small)
    columns = [path.read_text(encoding="utf-8") for path in found.train]
    with tempfile.TemporaryDirectory() as folder:
        sides = [Path(folder) / f"{name}.txt" for name in ("in0", "in1")]
        for path, texts in zip(sides, zip(*combinations(columns, 2), strict=True), strict=True):
            path.write_text("".join(texts), encoding="utf-8")
        times = len(columns) - 1  # that each caption stands in these files
        pairing = Pairing(tokenizer="whitespace", min_count=MIN_COUNT * times)
        pairs = prepared(sides[0], Path(folder) / "pairs", pairing, against=sides[1], seed=seed)
        model = trained(CAPTIONS, pairs, threads=threads, seed=seed)
    return {**model.figures, **judging.captions(found, embedding(model, pairs))}


def sts(*, threads: int, seed: int, words: str = "") -> Figures:
    """Regression on the scores that people gave. words: the folder of word vectors to begin with, if any."""
    from algorithms.object2vec.pairing import Pairing

    train, test = documents.sts("train"), documents.sts("test")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "train.jsonl"
        path.write_bytes(b"".join(_records(train)))
        pairing = Pairing(tokenizer="whitespace", min_count=1 if words else MIN_COUNT)
        pairs = prepared(path, Path(folder) / "pairs", pairing, classes=0, seed=seed)
        table = begun(words, pairs) if words else None
        model = trained(STS, pairs, threads=threads, seed=seed, vectors=table)
    ids = pairs.ids()
    in0, in1 = (numbered(side, ids) for side in (test.first, test.second))
    told = model.form.scores(model.state, Batch(in0, in1, np.array(test.scores, np.float32)))
    return {**model.figures, **judging.agreement(test, told[:, 0])}


def notebook(
    *, negatives: int, shared: bool, comparators: str, threads: int, seeds: Sequence[int], small: bool, words: str
) -> Figures:
    """A row of the notebook's table, judged on held-out articles, with 5 pairs that are none for each that is one.

    Each of `seeds` has weights, negatives and dropout of its own; they share the pairs. words: the folder of the word
    vectors to begin with.
    """
    found = documents.articles(small=small)
    settings = {
        **NOTEBOOK, "negative_sampling_rate": negatives, "tied_token_embedding_weight": shared,
        "comparator_list": comparators,
    }  # fmt: skip
    folder = Path(words) / "notebook"  # all rows have the same pairs
    if not (folder / INDEX).exists():
        pairs = prepared(found.documents, folder, _sentences(NOTEBOOK_SENTENCES), test=found.held_out, seed=1)
        pairs.save(str(folder))
    pairs = Pairs.load(str(folder))
    vectors = begun(words, pairs)
    judged: dict[str, list[float]] = {"accuracy": [], "cross_entropy": [], "seconds": [], "samples_per_second": []}
    for seed in seeds:
        model = trained(settings, pairs, threads=threads, seed=seed, vectors=vectors)
        assert pairs.test
        told = [model.form.evaluate(model.state, piece.read()) for piece in pairs.test.all()]
        sizes = [each["examples"] for each in told]
        for name in ("accuracy", "cross_entropy"):
            judged[name].append(float(np.average([each[name] for each in told], weights=sizes)))
        for name, took in model.figures.items():
            judged[name].append(took)
    return judged | {name: float(np.mean(judged[name])) for name in model.figures}


def _records(scored: Scored) -> Iterator[bytes]:
    for first, second, score in zip(*scored, strict=True):
        yield orjson.dumps({"in0": " ".join(first), "in1": " ".join(second), "label": score}) + b"\n"


SYSTEMS: dict[str, Callable[..., Figures]] = {
    "notebook": notebook,
    "articles: ours": articles,
    "captions: ours": captions,
    "sts: ours": sts,
}

if __name__ == "__main__":
    answer(SYSTEMS)
