"""Learning to compare as a stage: rounds, and after each epoch a look at the validation pairs."""

import time
from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray
from prefect import task

from algorithms.model import save_state
from algorithms.object2vec.algorithm import Object2Vec
from algorithms.object2vec.early_stopping import Patience
from algorithms.object2vec.matcher import VOCABULARIES, weights
from algorithms.state import State
from algorithms.training import Distribution, Round, train
from data import storage
from data.pairs import Pairs, Shards
from tasks import cluster, stages
from tasks import train as training
from tasks.checkpoints import History, checkpoints
from tasks.network import NETWORK
from tasks.object2vec import auxiliary as files
from tasks.object2vec import lines
from tasks.object2vec.channel import Auxiliary
from tasks.object2vec.text import Prepared
from tasks.progress import log, progress, tell
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

Vectors = tuple[NDArray[np.float32] | None, NDArray[np.float32] | None]


class Trained(training.Trained, frozen=True):
    """epoch: the one whose weights these are; epochs: how many were trained.

    pairs_per_second: of the data, drawn ones not counted, over all rounds.
    """

    epoch: int
    epochs: int
    pairs_per_second: float


@task(
    name="train",
    description="Learn to compare: all threads of this machine, or a Dask cluster. Stops when it gets no better.",
    **NETWORK,
)
def learn(
    prepared: Prepared,
    auxiliary: Auxiliary,
    form: Object2Vec,
    *,
    machines: Machines,
    seed: int,
    distribution: Distribution = SHARDED,
    resume: bool = True,
) -> Trained:
    """A folder with the weights of the best epoch, the words' ids, and the history of the rounds.

    Best is the lowest loss of the validation pairs, or of the training's where there are no others.
    """
    start = time.perf_counter()
    url = stages.folder(
        "train",
        work=prepared.work,
        prepared=prepared.key,
        auxiliary=auxiliary.model_dump(),
        form=form.model_dump(mode="json"),
        seed=seed,
        **machines,
        **replicated(distribution),
    )
    if done := stages.finished(url, Trained):
        return stages.reused(done)
    with (
        progress("train", artifact="object2vec-training") as report,
        checkpoints(url, resume=resume, best_epoch=lambda history: replayed(form, history).epoch) as kept,
        stages.workbench(url) as scratch,
        cluster.connect(**machines) as where,
    ):
        kept.as_before(where)
        pairs = Pairs.load(prepared.url)
        ids = [files.words(pairs, side, auxiliary.vocabularies[side]) for side in (0, 1)]
        given = vectors(pairs, auxiliary, form)
        tell(form.adjustments())
        if prepared.labelled and form.negative_sampling_rate:
            log().warning(
                "the pairs have labels, and %d more with the label 0 are drawn for each that has another; "
                "negative_sampling_rate=0 leaves them as they are",
                form.negative_sampling_rate,
            )
        state = kept.state or form.init(pairs, vectors0=given[0], vectors1=given[1], seed=seed)
        history, stopping = kept.history, replayed(form, kept.history)
        rounds = train(
            form.among(where.workers),
            pairs,
            cluster=where,
            state=state,
            seed=seed,
            first=kept.first,
            distribution=distribution,
        )
        epoch, begun = epochs_of(history)  # epochs that are over, and rounds that are theirs
        refuse = partial(too_fast, learning_rate=form.learning_rate, optimizer=form.optimizer)
        for each in follow(
            rounds, report, learning_rate=form.learning_rate, refuse=refuse, kept=kept, dashboard=where.dashboard
        ):
            history.append(history_entry(each) | learned(form, each))
            if each.number * form.epochs % each.rounds:
                continue
            epoch += 1
            of_epoch, begun = history[begun:], len(history)
            trained_on = _mean(of_epoch, [each["words"] for each in of_epoch])
            state = each.state
            unseen = judged_on(form, state, pairs.validation) if pairs.validation else {}
            history[-1] |= {"epoch": epoch, **trained_on, **{f"validation_{name}": unseen[name] for name in unseen}}
            loss = (unseen or trained_on)[loss_name(form)]
            if stopping.improved(epoch, loss):
                kept.keep(epoch, weights(state))
            tell(lines.quality("train", trained_on, epoch=epoch))
            tell(lines.quality("validation", unseen, epoch=epoch))
            seconds = sum(each["seconds"] for each in of_epoch)
            size = pairs.train.size
            tell(lines.ends(epoch, of=form.epochs, over=stopping.over, pairs=size, seconds=seconds))
            report(each.progress, _note(unseen or trained_on))
            epoch_over(history[-1])
            if stopping.over and epoch < form.epochs:
                tell([lines.stops(stopping.waited)])
                break
        if not kept.best:
            raise refuse(f"training diverged: after epoch {epoch} the validation loss is {loss}")
        tell([lines.best(stopping.epoch, stopping.best)])
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
            pairs_per_second=epoch * pairs.train.size / sum(each["seconds"] for each in history),
        )
        save_state(scratch / STATE, kept.best)
        storage.write_json(str(scratch / HISTORY), history)
        for name, words in zip(VOCABULARIES, ids[:1] if ids[0] == ids[1] else ids, strict=False):
            if words:
                storage.write_json(str(scratch / name), words)
        stages.conclude(scratch, trained)
    return trained


def vectors(pairs: Pairs, auxiliary: Auxiliary, form: Object2Vec) -> Vectors:
    """Token vectors to begin with, for in0 and in1; of a table that both read, those of the first that has some."""
    sources = [(auxiliary.embeddings[side], auxiliary.vocabularies[side]) for side in (0, 1)]
    dims, sizes = [encoder.dim for encoder in form.encoders], pairs.vocab_sizes

    def read(side: int) -> NDArray[np.float32] | None:
        embedding, vocabulary = sources[side]
        own = "enc0" if form.enc1_network == "enc0" else f"enc{side}"
        pooled = form.encoders[side].network == "pooled_embedding"
        setting = "enc_dim" if pooled else f"{own}_token_embedding_dim"
        return files.vectors(
            pairs, side, embedding=embedding, vocabulary=vocabulary, dimension=dims[side], setting=setting
        )

    first = read(0)
    if form.tied and first is not None:
        return first, None
    same = sources[0] == sources[1] and dims[0] == dims[1] and sizes[0] == sizes[1]
    return first, first if same else read(1)


def replayed(form: Object2Vec, history: History) -> Patience:
    """The rule of early stopping, where the epochs of this history have brought it."""
    stopping = Patience(patience=form.early_stopping_patience, tolerance=form.early_stopping_tolerance)
    for entry in history:
        if "epoch" in entry:
            loss = entry.get(f"validation_{loss_name(form)}", entry[loss_name(form)])
            stopping.improved(int(entry["epoch"]), loss)
    return stopping


def loss_name(form: Object2Vec) -> str:
    """What is made small."""
    return "mean_squared_error" if form.regression else "cross_entropy"


def learned(form: Object2Vec, each: Round) -> dict[str, float]:
    """What the pairs of a round came to while they were trained on, drawn ones included."""
    found = {loss_name(form): each.loss}
    return found if form.regression else {"accuracy": float(each.array("train_accuracy")[0]), **found}


def judged_on(form: Object2Vec, state: State, shards: Shards) -> dict[str, float]:
    """What all pairs of a set come to: accuracy and cross_entropy, or mean_squared_error."""
    found = [form.evaluate(state, piece.read()) for piece in shards.all()]
    return _mean(found, [each["examples"] for each in found])


def _mean(found: Sequence[Mapping[str, float]], sizes: Sequence[float]) -> dict[str, float]:
    return {
        name: float(np.average([each[name] for each in found], weights=sizes))
        for name in ("accuracy", "cross_entropy", "mean_squared_error")
        if name in found[0]
    }


def _note(metrics: Mapping[str, float]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {value:.4f}" for name, value in metrics.items())
