"""Evaluating a classifier, from a fastText model and labelled text to a published report."""

from prefect import flow
from prefect.runtime import flow_run

from data.readers import Tokenizer
from data.storage import check_writable
from flows.form import titled
from tasks import stages
from tasks.artifacts import Summary
from tasks.ingest import ingest
from tasks.text_classification.judge import judge
from tasks.text_classification.judged import publish, report
from tasks.text_classification.model import find


@flow(
    name="evaluate-classifier",
    description="Judge a fastText classifier that is already there on labelled text, publish a report.",
)
@titled
def evaluate_classifier(
    model: str,
    validation: str,
    tokenizer: Tokenizer = "auto",
    output: str = "artifacts",
    reuse: bool = True,
) -> Summary:
    """Find the model, ingest the text, judge the one by the other, publish, report.

    Args:
        model: A fastText classifier, model.bin or model.ftz; or the model.tar.gz that text-classification published, or
            BlazingText. A file or a URL; or one of a registry, as registry/news@champion.
        validation: Labelled text to judge by: a name (docs, ag_news-test, dbpedia-test, sst2-dev, 20newsgroups-test),
            or a file, folder, glob or URL of __label__ lines, JSON Lines (an augmented manifest too) or class,text
            rows.
        tokenizer: How texts become words, which should be as it was for the training. auto: as they are in text
            files, elsewhere lower-cased words and marks.
        output: The folder or URL below which the run's own folder is published.
        reuse: Take finished stages of an earlier run with the same inputs.

    """
    check_writable(output)

    with stages.work_folder(run="" if reuse else str(flow_run.id)) as work:
        found = find(model)
        ingested = ingest(validation)
        judged = judge(found, ingested, tokenizer=tokenizer, work=work)
        published = publish(found, ingested, judged, output=output)
        return report(found, ingested, judged, published)
