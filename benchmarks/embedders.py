"""What puts texts into one space: gensim's Doc2Vec, TF-IDF with SVD, averaged vectors of our own Word2Vec.

Each is trained on texts alone (lists of tokens) and embeds others: texts to (n, DIM) float32. All have the same tokens,
the same words (those seen MIN_COUNT times or more) and the same dimension. Run one by one in fresh processes.
"""

import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from benchmarks import documents, judging
from benchmarks.documents import Tokens
from benchmarks.harness import Figures, answer
from benchmarks.judging import Embed

DIM, MIN_COUNT = 300, 5
EPOCHS = 10  # of gensim's and of Word2Vec
DM_EPOCHS = 5  # the slowest by far: 10 take some ten minutes of a core, and find the article first for .135 of 2,000

Vectors: TypeAlias = NDArray[np.float32]
Train: TypeAlias = Callable[..., Embed]


def tfidf(texts: Sequence[Tokens], *, threads: int, seed: int) -> Embed:
    """Latent semantic analysis: logarithms of counts times rarity, projected on the largest singular vectors."""
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_pipeline

    counts = Counter(token for text in texts for token in text)
    words = [word for word, count in counts.most_common() if count >= MIN_COUNT]
    counted = TfidfVectorizer(analyzer=_as_it_is, vocabulary=words, sublinear_tf=True)
    model = make_pipeline(counted, TruncatedSVD(min(DIM, len(words)), random_state=seed)).fit(texts)
    return lambda asked: np.asarray(model.transform(asked), np.float32)


def _as_it_is(text: Tokens) -> Tokens:
    return text


def doc2vec(dm: bool, texts: Sequence[Tokens], *, threads: int, seed: int) -> Embed:
    """Gensim's paragraph vectors. Those of new texts are inferred in as many epochs as training had."""
    from gensim.models.doc2vec import Doc2Vec

    with tempfile.TemporaryDirectory() as folder:
        lines = Path(folder) / "lines.txt"
        documents.write_lines(lines, texts)
        # a corpus file is gensim's fastest way: its threads then read and train without Python
        model = Doc2Vec(
            corpus_file=str(lines), dm=int(dm), vector_size=DIM, min_count=MIN_COUNT, window=5,
            epochs=DM_EPOCHS if dm else EPOCHS,
            negative=5, sample=1e-4, workers=threads, seed=seed,
        )  # fmt: skip

    def embed(asked: Sequence[Tokens]) -> Vectors:
        with ThreadPoolExecutor(threads) as pool:
            return np.array([*pool.map(model.infer_vector, asked)], np.float32)

    return embed


def averaged(texts: Sequence[Tokens], *, threads: int, seed: int, folder: str = "") -> Embed:
    """The mean of a text's word vectors, which our own Word2Vec has trained. They are written into `folder`, if any."""
    from algorithms.counting import count_and_encode
    from algorithms.here import Here
    from algorithms.training import train
    from algorithms.word2vec.algorithm import Word2Vec

    form = Word2Vec(mode="batch_skipgram", vector_dim=DIM, epochs=EPOCHS)
    with tempfile.TemporaryDirectory() as scratch:
        block = "".join(" ".join(text) + "\n" for text in texts).encode()
        corpus = count_and_encode([block], Path(scratch) / "corpus", min_count=MIN_COUNT)
        state = form.init(corpus, seed=seed)
        for each in train(form, corpus, cluster=Here(threads), state=state, seed=seed):
            state = each.state
    if folder:
        form.export(state, corpus.vocabulary, Path(folder))
    vectors, index = form.vectors(state), corpus.vocabulary.index

    def embed(asked: Sequence[Tokens]) -> Vectors:
        result = np.zeros((len(asked), DIM), np.float32)
        for row, text in enumerate(asked):
            if known := [index[token] for token in text if token in index]:
                result[row] = vectors[known].mean(axis=0)
        return result

    return embed


def articles(
    train: Train, epochs: int, *, threads: int, seed: int, small: bool, pools: list[int], **options: str
) -> Figures:
    """Trained on articles: what is found, and how near sentences are to what people say of them."""
    found = documents.articles(small=small)
    texts = documents.read_lines(found.train)
    begun = time.perf_counter()
    embed = train(texts, threads=threads, seed=seed, **options)
    seconds = time.perf_counter() - begun
    return {
        "seconds": seconds,
        "samples_per_second": len(texts) * epochs / seconds,
        **judging.retrieval(found, pools, embed),
        "sts": judging.likeness(documents.sts("test"), embed),
    }


def captions(train: Train, *, threads: int, seed: int, small: bool) -> Figures:
    """Trained on the captions of a picture as one text, which serves all of these better than one by one."""
    found = documents.captions(small=small)
    columns = [documents.read_lines(path) for path in found.train]
    texts = [[token for caption in picture for token in caption] for picture in zip(*columns, strict=True)]
    begun = time.perf_counter()
    embed = train(texts, threads=threads, seed=seed)
    return {"seconds": time.perf_counter() - begun, **judging.captions(found, embed)}


WORDS = "averaged word2vec"
PEERS: dict[str, Train] = {
    "doc2vec dbow": partial(doc2vec, False),
    "doc2vec dm": partial(doc2vec, True),
    "tf-idf, svd": tfidf,
    WORDS: averaged,
}
TIMES = dict.fromkeys(PEERS, EPOCHS) | {"doc2vec dm": DM_EPOCHS, "tf-idf, svd": 1}  # that each reads its texts
SYSTEMS = {f"articles: {name}": partial(articles, train, TIMES[name]) for name, train in PEERS.items()} | {
    f"captions: {name}": partial(captions, train) for name, train in PEERS.items()
}

if __name__ == "__main__":
    answer(SYSTEMS)
