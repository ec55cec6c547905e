"""Learning topics as a stage: rounds, and after each epoch a look at the validation documents."""

import math
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray
from prefect import task
from scipy import sparse

from algorithms.early_stopping import WindowStopping
from algorithms.model import save_state
from algorithms.state import State
from algorithms.topics.algorithm import Topics
from algorithms.topics.corpus import Corpus
from algorithms.topics.counts import read
from algorithms.training import Distribution, train
from data import storage
from data.counts import Counts
from data.errors import HyperparameterError
from tasks import cluster, stages
from tasks import train as training
from tasks.checkpoints import History, checkpoints
from tasks.network import NETWORK
from tasks.progress import log, progress, tell
from tasks.topics import lines
from tasks.topics.text import VOCABULARY, Prepared
from tasks.topics.vectors import Known, table
from tasks.train import (
    HISTORY,
    SHARDED,
    STATE,
    Machines,
    epochs_of,
    follow,
    history_entry,
    replicated,
    too_fast,
    words_per_second,
)
from tasks.watch import epoch_over

LOSSES = ("total_loss", "kld", "recons", "perplexity")


class Trained(training.Trained, frozen=True):
    """epoch: the one whose weights these are; epochs: how many were trained; documents_per_second: over all rounds."""

    epoch: int
    epochs: int
    documents_per_second: float


@task(
    name="train",
    task_run_name="train-{form.decoder}",  # there are several where decoders are compared
    description="Learn the topics: all threads of this machine, or a Dask cluster. Stops when it gets no better.",
    **NETWORK,
)
def learn(
    prepared: Prepared,
    form: Topics,
    *,
    vectors: Known | None = None,
    machines: Machines,
    seed: int,
    distribution: Distribution = SHARDED,
    resume: bool = True,
) -> Trained:
    """A folder with the state of the best epoch, the words, and the history of the rounds.

    Best is the lowest total loss of the validation documents, or of the training's where there are no others. vectors:
    of the words, for etm, which keeps them; the other decoders have none.
    """
    start = time.perf_counter()
    given = vectors if form.decoder == "etm" else None
    url = stages.folder(
        "train",
        work=prepared.work,
        prepared=prepared.key,
        form=form.model_dump(mode="json"),
        vectors=given.key if given else "",
        seed=seed,
        **machines,
        **replicated(distribution),
    )
    if done := stages.finished(url, Trained):
        return stages.reused(done)
    with (
        progress(f"train {form.decoder}", artifact="topics-training") as report,
        checkpoints(url, resume=resume, best_epoch=lambda history: replayed(form, history).epoch) as kept,
        stages.workbench(url) as scratch,
        cluster.connect(**machines) as where,
    ):
        kept.as_before(where)
        counts = Counts.load(prepared.url)
        check_batch(form, counts)
        corpus = Corpus(counts)
        unseen = [read(file) for file in counts.channel("validation").files]
        documents = max(1, round(form.sub_sample * counts.channel("train").size))
        for line in _idle(form, given):
            log().warning("%s", line)
        history, stopping = kept.history, replayed(form, kept.history)
        # epochs that are over; the first round of this one
        epoch, begun = epochs_of(history)
        tell([lines.begins(epoch + 1)])
        state = kept.state or (form.init(corpus, vectors=table(given), seed=seed) if given else None)
        rounds = train(form, corpus, cluster=where, state=state, seed=seed, first=kept.first, distribution=distribution)
        refuse = partial(diverged, form)
        for each in follow(
            rounds, report, learning_rate=form.learning_rate, refuse=refuse, kept=kept, dashboard=where.dashboard
        ):
            history.append(history_entry(each) | losses_of(each.array("losses")))
            if each.number * form.epochs % each.rounds:
                continue
            epoch += 1
            looked = time.perf_counter()
            of_epoch, begun = history[begun:], len(history)
            trained_on = _mean(of_epoch, [each["words"] for each in of_epoch])
            state = each.state
            judged = losses_on(form, state, unseen) if unseen else trained_on
            history[-1] |= {"epoch": epoch, **trained_on}
            if unseen:
                history[-1] |= {f"validation_{name}": judged[name] for name in LOSSES}
            epoch_over(history[-1])
            window = list(stopping.window)
            if stopping.improved(epoch, judged["total_loss"]):
                kept.keep(epoch, state)
            tell(lines.trained(epoch, trained_on, documents=documents, batch=form.mini_batch_size))
            if unseen:
                size = int(judged["documents"])
                tell(lines.scored(judged, documents=size, batch=form.mini_batch_size, epoch=epoch))
            tell(lines.patience(stopping, window, judged["total_loss"]))
            spent = sum(each["seconds"] for each in of_epoch)
            timing = {"seconds": spent, "scoring": time.perf_counter() - looked}
            tell(lines.ends(epoch, of=form.epochs, over=stopping.over, documents=documents, **timing))
            if stopping.over:
                break
            if epoch < form.epochs:
                tell([lines.begins(epoch + 1)])
        if not kept.best:
            raise diverged(form, "training diverged: after no epoch the loss of the validation documents is a number")
        if unseen:
            tell([lines.objective(epoch, {"total_loss": stopping.best})])
        tell([lines.best(stopping)])
        trained = Trained(
            url=url,
            seconds=time.perf_counter() - start,
            words_per_second=words_per_second(history),
            loss=history[-1]["loss"],
            rounds=len(history),
            seed=seed,
            threads=where.threads,
            workers=where.workers,
            epoch=stopping.epoch,
            epochs=epoch,
            documents_per_second=epoch * documents / sum(each["seconds"] for each in history),
        )
        save_state(scratch / STATE, kept.best)
        storage.write_json(str(scratch / HISTORY), history)
        if counts.vocabulary:
            words = storage.read_bytes(storage.join(prepared.url, VOCABULARY))
            storage.write_bytes(str(scratch / VOCABULARY), words)
        stages.conclude(scratch, trained)
    return trained


def check_batch(form: Topics, counts: Counts) -> None:
    """Raise HyperparameterError for a mini-batch that there are too few training documents for."""
    size = counts.channel("train").size
    if form.mini_batch_size > size:
        raise HyperparameterError(
            f"a mini-batch larger than the {size:,} training documents",
            field="mini_batch_size",
            value=form.mini_batch_size,
            remedy=f"choose mini_batch_size <= {size}, or give more documents",
        )


def _idle(form: Topics, vectors: Known | None) -> Iterator[str]:
    """Settings that somebody chose and that do nothing. A form filled in by Prefect's UI has all fields set."""
    plain = Topics()
    if form.optimizer == "adadelta" and form.learning_rate != plain.learning_rate:
        yield f"adadelta takes no learning rate: {form.learning_rate} changes nothing"
    if vectors and form.embedding_dim not in (vectors.dimension, plain.embedding_dim):
        yield f"the vectors have {vectors.dimension} numbers: embedding_dim={form.embedding_dim} changes nothing"


def diverged(form: Topics, what: str) -> HyperparameterError:
    """What to change where a loss is no number: steps, or layers that know no bound."""
    bounded = form.encoder_layers_activation in ("sigmoid", "tanh")
    calmer = "" if bounded else ", or encoder_layers_activation=sigmoid, whose units are bounded"
    return too_fast(what, learning_rate=form.learning_rate, optimizer=form.optimizer, otherwise=calmer)


def replayed(form: Topics, history: History) -> WindowStopping:
    """The rule of early stopping, where the epochs of this history have brought it."""
    stopping = WindowStopping(num_patience_epochs=form.num_patience_epochs, tolerance=form.tolerance)
    for entry in history:
        if "epoch" in entry:
            stopping.improved(int(entry["epoch"]), entry.get("validation_total_loss", entry["total_loss"]))
    return stopping


def losses_of(losses: NDArray[np.generic]) -> dict[str, float]:
    """What the documents of a round cost while they were trained on."""
    kld, recons = (float(each) for each in losses)
    return _losses(kld, recons)


def losses_on(form: Topics, state: State, shards: Iterable[sparse.csr_matrix]) -> dict[str, float]:
    """What documents cost, in nats a word: total_loss, kld, recons; perplexity; and how many documents there were."""
    found = [form.evaluate(state, rows) for rows in shards]
    sizes = [each["documents"] for each in found]
    return _mean(found, sizes) | {"documents": sum(sizes)}


def _mean(losses: Sequence[Mapping[str, float]], weights: Sequence[float]) -> dict[str, float]:
    kld, recons = (float(np.average([each[name] for each in losses], weights=weights)) for name in ("kld", "recons"))
    return _losses(kld, recons)


def _losses(kld: float, recons: float) -> dict[str, float]:
    total = kld + recons
    return {"total_loss": total, "kld": kld, "recons": recons, "perplexity": math.exp(min(total, 700))}
