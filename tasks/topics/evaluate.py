"""Judging topics as a stage: losses of all documents, scores of the topics' words, and what the documents say."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from prefect import task
from scipy import sparse

from algorithms.model import load_state
from algorithms.state import State
from algorithms.topics import channels
from algorithms.topics.algorithm import Topics
from algorithms.topics.counts import Counting, read
from algorithms.topics.documents import Documents
from algorithms.topics.reference import counted
from data import storage
from data.counts import CHANNELS, Channel, Counts
from tasks import stages
from tasks.ingest import Ingested
from tasks.network import NETWORK
from tasks.progress import Report, log, progress
from tasks.topics import lines
from tasks.topics.text import Prepared, Ready, words_of
from tasks.topics.told import Told
from tasks.topics.train import Trained, losses_on
from tasks.topics.vectors import Known, table
from tasks.train import STATE

EVALUATION, TOPICS_TEXT = "eval.json", "topics.txt"
MIXED = 12  # documents whose mixtures are shown
NAME, TEXT = 32, 160  # characters of a document, as a label and as a text

Vectors = NDArray[np.float32]


class Evaluated(stages.Stage, frozen=True):
    """metrics: total_loss and perplexity of the validation documents, or of the training's where there are none;
    those of each channel; npmi, tu, diversity, and wetc where there are vectors; topics: the words of each.
    """

    metrics: dict[str, Any]


@task(name="check", description="Refuse now what the topics could not be judged by after their training.")
def check(prepared: Prepared, reference: Ingested | None) -> Ingested | None:
    """What was given. Raises CorpusError for text, which cannot be counted where only columns are known, not words."""
    if reference and not isinstance(reference.source, Ready):
        words_of(prepared, name="reference", given=reference.source)
    return reference


@task(
    name="evaluate",
    task_run_name="evaluate-{form.decoder}",
    description="Losses of all documents; coherence, uniqueness and diversity of the topics; their typical documents.",
    **NETWORK,
)
def evaluate(
    prepared: Prepared,
    trained: Trained,
    form: Topics,
    counting: Counting,
    *,
    vectors: Known | None = None,
    reference: Ingested | None = None,
) -> Evaluated:
    """A folder with eval.json and topics.txt.

    eval.json is what `algorithms.coherence.judge` says, and what `tasks.topics.page` adds to that; a line of topics.txt
    is one topic's words. reference: text, or counts with the same columns, to judge coherence by instead of the
    training documents.
    """
    from algorithms.coherence import DIVERSE, judge, top_words  # scipy takes a second to import

    start = time.perf_counter()
    url = stages.folder(
        "evaluate",
        work=trained.work,
        prepared=prepared.key,
        trained=trained.key,
        vectors=vectors.key if vectors else "",
        reference=(reference.source.checksum, reference.source.kind, counting.model_dump()) if reference else "",
    )
    if done := stages.finished(url, Evaluated):
        return stages.reused(done)
    with (
        progress(f"evaluate {form.decoder}") as report,
        stages.workbench(url) as scratch,
        stages.at_hand(trained.url) as folder,
    ):
        counts = Counts.load(prepared.url)
        words = counts.vocabulary or [str(column) for column in range(counts.columns)]
        state = load_state(Path(folder) / STATE)
        topic_word = form.topic_word(state)
        files = {name: counts.channel(name).files for name in CHANNELS if counts.channel(name).size}
        losses = {name: losses_on(form, state, map(read, urls)) for name, urls in files.items()}
        report(0.3, "")
        used = np.unique(top_words(topic_word, DIVERSE))
        documents, own = _documents(form, state, counts.channel("train"), used)
        report(0.6, "")
        judged_on = own if reference is None else reference_counts(reference, words, counting, used, report)
        judgement = judge(words, topic_word, judged_on, vectors=_vectors(vectors) if vectors else None)
        told = Told(counts, "train")
        texts = told.texts(documents.places.ravel().tolist(), longest=TEXT)
        for topic, share, places, shares in zip(
            judgement["topics"], documents.sizes.tolist(), documents.places, documents.shares, strict=True
        ):
            topic["share"] = share
            topic["typical"] = [
                {"document": place, "share": much, "text": texts[place]}
                for place, much in zip(places.tolist(), shares.tolist(), strict=True)
            ]
        judgement |= {
            "losses": losses,
            "reference": reference.source.name if reference else "the training text",
            "openings": bool(told.openings),
            "mixtures": _mixtures(form, state, counts),
        }
        _tell(judgement, losses, form)
        storage.write_json(str(scratch / EVALUATION), judgement)
        storage.write_bytes(str(scratch / TOPICS_TEXT), "".join(_lines(judgement["topics"])).encode())
        evaluated = Evaluated(url=url, seconds=time.perf_counter() - start, metrics=_metrics(judgement))
        stages.conclude(scratch, evaluated)
    return evaluated


def _metrics(judgement: dict[str, Any]) -> dict[str, Any]:
    losses = judgement["losses"]
    main = losses.get("validation", losses["train"])
    metrics = {name: main[name] for name in ("total_loss", "perplexity")}
    metrics |= {f"{which}_total_loss": each["total_loss"] for which, each in losses.items()}
    metrics |= {name: judgement[name] for name in ("npmi", "tu", "diversity", "wetc") if judgement[name] is not None}
    return {**metrics, "topics": [topic["words"] for topic in judgement["topics"]]}


def _documents(
    form: Topics, state: State, channel: Channel, used: NDArray[np.int64]
) -> tuple[Documents, sparse.csr_matrix]:
    """What the documents say, and, of all their words, those that topics are judged by."""
    documents, blocks = Documents(form.num_topics), []
    for url in channel.files:
        rows = read(url)
        documents.add(form.infer(state, rows), np.asarray(rows.sum(axis=1)).reshape(-1))
        blocks.append(only(rows, used))
    return documents, sparse.vstack(blocks, format="csr")


def reference_counts(
    reference: Ingested, words: Sequence[str], counting: Counting, used: NDArray[np.int64], report: Report
) -> sparse.csr_matrix:
    """The words of another corpus that topics are judged by."""
    blocks = []
    if isinstance(source := reference.source, Ready):
        urls = [url for each in source.channels.values() for url in each]
        blocks = [
            only(block, used) for url in urls for block in channels.read(url, channel="reference", columns=len(words))
        ]
    else:
        for block, reached in counted(source, words, counting):
            blocks.append(only(block, used))
            report(0.6 + 0.3 * reached, source.name)
    return sparse.vstack(blocks, format="csr")


def only(rows: sparse.csr_matrix, used: NDArray[np.int64]) -> sparse.csr_matrix:
    """The same rows without the counts of other words: topics use few, and documents may be many."""
    wanted = np.zeros(rows.shape[1], np.bool_)
    wanted[used] = True
    kept = wanted[rows.indices]
    starts = np.append(0, np.cumsum(kept))[rows.indptr]
    return sparse.csr_matrix((rows.data[kept], rows.indices[kept], starts), shape=rows.shape)


def _vectors(vectors: Known) -> Vectors:
    """The vector of each word, zeros for one that has none."""
    if vectors.missing:
        log().warning(
            "%d out of %d in vocabulary do not have embeddings! Default vector used for unknown embedding!",
            *(vectors.missing, vectors.words),
        )
    return np.nan_to_num(table(vectors))


def _mixtures(form: Topics, state: State, counts: Counts) -> dict[str, Any]:
    """What a few documents are made of, of those that were not learned from where there are any."""
    name = "validation" if counts.channel("validation").size else "train"
    rows = read(counts.channel(name).files[0])[:MIXED]
    names = Told(counts, name).texts(range(rows.shape[0]), longest=NAME)
    return {"names": list(names.values()), "weights": form.infer(state, rows).astype(np.float64).round(6).tolist()}


def _lines(topics: Sequence[dict[str, Any]]) -> Iterator[str]:
    """topics.txt: a line a topic, in their order."""
    for topic in topics:
        yield " ".join(topic["words"]) + "\n"


def _tell(judgement: dict[str, Any], losses: dict[str, dict[str, float]], form: Topics) -> None:
    """The topics, and the test documents' losses, as NTM's log has them."""
    for line in lines.topics(judgement):
        log().info("%s", line)
    if "test" not in losses:
        log().info("Test data is not provided.")
        return
    documents = int(losses["test"]["documents"])
    for line in lines.scored(losses["test"], documents=documents, batch=form.mini_batch_size):
        log().info("%s", line)
