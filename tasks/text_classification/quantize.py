"""Making a classifier small as a stage: fastText's model.ftz, of the words and n-grams that matter, trained again."""

import time
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray
from prefect import task

from algorithms.model import load_state
from algorithms.state import State
from algorithms.text_classification.algorithm import TextClassification
from algorithms.text_classification.compress import compressed, lacks, pruned
from algorithms.training import train
from data import arrays, fasttext
from data.examples import Examples
from data.process import cores
from tasks import cluster, stages
from tasks.network import NETWORK
from tasks.progress import Report, log, progress
from tasks.text_classification.text import Prepared
from tasks.text_classification.train import Trained
from tasks.train import STATE, Machines, follow

FTZ, NUMBERS = "model.ftz", "numbers.npy"
TRAINING = 0.6  # the part of the progress bar that is training's


class Quantized(stages.Stage, frozen=True):
    """bytes: of model.ftz; words, ngrams: those of the examples that are left there; epochs: of training on them alone,
    0 where all are left.
    """

    bytes: int
    words: int
    ngrams: int
    epochs: int


@task(
    name="quantize",
    description="Keep the words and n-grams that matter, train once more on them, and write each in a few bytes.",
    **NETWORK,
)
def quantize(prepared: Prepared, trained: Trained, form: TextClassification, *, machines: Machines) -> Quantized:
    """A folder with model.ftz, and numbers.npy: the row there of each row of the prepared examples, -1 where none is.

    It is trained again for as many epochs as the weights that it begins with.
    """
    start = time.perf_counter()
    url = stages.folder(
        "quantize", work=trained.work, prepared=prepared.key, trained=trained.key, cutoff=form.cutoff, **machines
    )
    if done := stages.finished(url, Quantized):
        return stages.reused(done)
    with (
        progress("quantize", artifact="text-classification-quantizing") as report,
        stages.workbench(url) as scratch,
        stages.at_hand(trained.url) as folder,
    ):
        examples = Examples.load(prepared.url)
        state = pruned(form, load_state(Path(folder) / STATE), vocabulary=examples.vocabulary)
        again = form.model_copy(update={"epochs": trained.epoch if lacks(state) else 0})
        if again.epochs:
            state = _trained(state, examples, again, machines, report, seed=trained.seed)
        begun = TRAINING if again.epochs else 0.0
        model = compressed(
            form,
            state,
            vocabulary=examples.vocabulary,
            labels=examples.labels,
            threads=cores(),
            on_progress=lambda done: report(begun + (1 - begun) * done, "quantising"),
            seed=trained.seed,
        )
        with (scratch / FTZ).open("wb") as file:
            fasttext.write_quantized(file, model)
        numbers = cast(NDArray[np.int32], state["numbers"])
        arrays.write(str(scratch / NUMBERS), numbers)
        quantized = Quantized(
            url=url,
            seconds=time.perf_counter() - start,
            bytes=(scratch / FTZ).stat().st_size,
            words=int((numbers[: prepared.vocabulary] >= 0).sum()),
            ngrams=int((numbers[prepared.vocabulary : -1] >= 0).sum()),
            epochs=again.epochs,
        )
        stages.conclude(scratch, quantized)
    log().info(
        "%s words, %s n-grams, %s bytes",
        *(f"{each:,}" for each in (quantized.words, quantized.ngrams, quantized.bytes)),
    )
    return quantized


def _trained(
    state: State, examples: Examples, form: TextClassification, machines: Machines, report: Report, *, seed: int
) -> State:
    """The state after all of the form's epochs."""
    with cluster.connect(**machines) as where:
        rounds = train(form, examples, cluster=where, state=state, seed=seed)
        for each in follow(rounds, lambda done, note: report(TRAINING * done, note), learning_rate=form.learning_rate):
            state = each.state
    return state
