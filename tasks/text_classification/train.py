"""Learning to classify as a stage: rounds, and after each epoch a look at the validation examples."""

import time

import numpy as np
from numpy.typing import NDArray
from prefect import task

from algorithms.accuracy import accuracy
from algorithms.early_stopping import EarlyStopping
from algorithms.kernels.renumbering import renumbered
from algorithms.text_classification.algorithm import TextClassification
from algorithms.text_classification.classifier import Classifier
from algorithms.training import Distribution, train
from data.examples import Batch, Examples, Shards
from data.process import cores
from tasks import cluster, stages
from tasks import train as training
from tasks.checkpoints import History, checkpoints
from tasks.network import NETWORK
from tasks.progress import log, progress
from tasks.text_classification.text import Prepared
from tasks.train import SHARDED, Machines, follow, history_entry, replicated, save, words_per_second
from tasks.watch import epoch_over

LABELS = "labels.txt"


class Trained(training.Trained, frozen=True):
    """epoch: the one whose weights these are; epochs: how many were trained."""

    epoch: int
    epochs: int


@task(
    name="train",
    description="Learn to classify: all threads of this machine, or a Dask cluster. May stop early.",
    **NETWORK,
)
def learn(
    prepared: Prepared,
    form: TextClassification,
    *,
    machines: Machines,
    seed: int,
    distribution: Distribution = SHARDED,
    resume: bool = True,
) -> Trained:
    """A folder with the state, words, labels and the history of the rounds.

    With early stopping the state is that of the best epoch, else of the last.
    """
    start = time.perf_counter()
    url = stages.folder(
        "train",
        work=prepared.work,
        prepared=prepared.key,
        form=form.model_dump(exclude={"quantize", "cutoff"}),
        seed=seed,
        **machines,
        **replicated(distribution),
    )
    if done := stages.finished(url, Trained):
        return stages.reused(done)
    with (
        progress("train", artifact="text-classification-training") as report,
        checkpoints(url, resume=resume, best_epoch=lambda history: replayed(form, history).epoch) as kept,
        stages.workbench(url) as scratch,
        cluster.connect(**machines) as where,
    ):
        kept.as_before(where)
        examples = Examples.load(prepared.url)
        history, stopping = kept.history, replayed(form, kept.history)
        rounds = train(
            form, examples, cluster=where, state=kept.state, seed=seed, first=kept.first, distribution=distribution
        )
        for each in follow(rounds, report, learning_rate=form.learning_rate, kept=kept, dashboard=where.dashboard):
            history.append(history_entry(each))
            if each.number == each.rounds:
                state = each.state
            if each.number * form.epochs % each.rounds:
                continue
            epoch = each.number * form.epochs // each.rounds
            history[-1]["epoch"] = epoch
            if not examples.validation:
                continue
            state = each.state
            classifier = Classifier.of(form, state, vocabulary=examples.vocabulary, labels=examples.labels)
            score = accuracy_on(classifier, examples.validation)
            history[-1]["validation_accuracy"] = score
            log().info("epoch %d: validation accuracy %.6f", epoch, score)
            epoch_over(history[-1])
            if form.early_stopping:
                if stopping.improved(epoch, score):
                    kept.keep(epoch, state)
                if stopping.over:
                    log().info("no better for %d epochs: stopping", stopping.waited)
                    break
        trained = Trained(
            url=url,
            seconds=time.perf_counter() - start,
            words_per_second=words_per_second(history),
            loss=history[-1]["loss"],
            rounds=len(history),
            seed=seed,
            threads=where.threads,
            workers=where.workers,
            epoch=stopping.epoch if kept.best else epoch,
            epochs=epoch,
        )
        save(scratch, state=kept.best or state, vocabulary=examples.vocabulary, history=history)
        examples.labels.save(str(scratch / LABELS))
        stages.conclude(scratch, trained)
    return trained


def replayed(form: TextClassification, history: History) -> EarlyStopping:
    """The rule of early stopping, where the epochs of this history have brought it."""
    stopping = EarlyStopping(min_epochs=form.min_epochs, patience=form.patience)
    for entry in history:
        if form.early_stopping and "validation_accuracy" in entry:
            stopping.improved(int(entry["epoch"]), entry["validation_accuracy"])
    return stopping


def accuracy_on(classifier: Classifier, shards: Shards, *, numbers: NDArray[np.int32] | None = None) -> float:
    """The share of examples whose likeliest label is one of theirs. numbers: what the classifier calls their rows."""
    right = 0.0
    for piece in shards.slices(0, shards.size):
        batch = piece.read()
        if numbers is not None:
            batch = Batch(*renumbered(batch.stream, batch.offsets, numbers))
        starts, truth = batch.labels()
        found = classifier.judge(batch, threads=cores())
        right += batch.size * accuracy(starts, truth, found.labels[:, 0])
    return right / shards.size
