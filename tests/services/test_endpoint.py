"""What SageMaker's own client gets: boto3's sagemaker-runtime against `embertext serve`."""

import json
from functools import partial
from pathlib import Path

import boto3
import botocore.exceptions
import httpx
import numpy as np
import pytest
from botocore.config import Config

from data import recordio
from data.record import Record, Tensor, decode, encode
from tests import small_models
from tests.services.conftest import wait_for
from tests.services.hosting import hosting

pytestmark = pytest.mark.services


@pytest.fixture(scope="module")
def hosted(tmp_path_factory):
    with hosting(tmp_path_factory.mktemp("endpoint")) as found:
        yield found


@pytest.fixture(scope="module")
def sagemaker(hosted):
    """The client, which believes that it speaks to SageMaker."""
    return boto3.client(
        "sagemaker-runtime",
        endpoint_url=hosted.url,
        region_name="us-east-1",
        aws_access_key_id="AKIDTEST",
        aws_secret_access_key="SECRETTEST",
        config=Config(retries={"max_attempts": 0}),
    )


def invoke(sagemaker, endpoint, body, **settings):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    settings = {"ContentType": "application/json"} | settings
    return sagemaker.invoke_endpoint(EndpointName=endpoint, Body=content, **settings)


def test_word_vectors(sagemaker):
    answer = invoke(
        sagemaker, "word2vec", {"instances": ["dog", "nonsense"]}, CustomAttributes="trace=7", InferenceId="i-1"
    )
    dog, nonsense = json.loads(answer["Body"].read())
    assert dog["word"] == "dog"
    np.testing.assert_allclose(dog["vector"], small_models.vectors()[1], rtol=1e-6)
    assert nonsense == {"vector": [0, 0, 0, 0], "word": "nonsense"}
    assert answer["ContentType"] == "application/json"
    assert answer["InvokedProductionVariant"] == "word2vec"
    assert answer["CustomAttributes"] == "trace=7"
    assert answer["ResponseMetadata"]["HTTPHeaders"]["x-amzn-sagemaker-inference-id"] == "i-1"


def test_labels(sagemaker):
    body = {"instances": ["dog cat", "bread"], "configuration": {"k": 2}}
    animal, food = json.loads(invoke(sagemaker, "text-classification", body)["Body"].read())
    assert animal["label"] == ["__label__animal", "__label__food"]
    assert food["label"] == ["__label__food", "__label__animal"]
    assert sum(food["prob"]) == pytest.approx(1, abs=1e-3)


def test_labels_by_lines(sagemaker):
    lines = b'{"source": "dog"}\n{"source": "bread", "k": 2}\n'
    kind = "application/jsonlines"
    answer = invoke(sagemaker, "text-classification", lines, ContentType=kind, Accept=kind)
    assert answer["ContentType"] == kind
    dog, bread = map(json.loads, answer["Body"].read().splitlines())
    assert (dog["label"], len(bread["label"])) == (["__label__animal"], 2)


def test_topics_as_json_csv_and_records_say_the_same(sagemaker):
    counts = [[2.0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0], [0.0, 0, 0, 0, 3, 1, 0, 0, 0, 0, 0, 0]]
    ask = partial(invoke, sagemaker, "topics", Accept="application/json")
    expected = json.loads(ask({"instances": [{"features": row} for row in counts]})["Body"].read())
    weights = np.array([each["topic_weights"] for each in expected["predictions"]])
    np.testing.assert_allclose(weights.sum(axis=1), 1, rtol=1e-5)
    csv = "".join(",".join(map(str, row)) + "\n" for row in counts).encode()
    assert json.loads(ask(csv, ContentType="text/csv")["Body"].read()) == expected
    kind = "application/x-recordio-protobuf"
    rows = [Record(features={"values": Tensor(np.array(row, np.float32))}) for row in counts]
    records = b"".join(recordio.frame(encode(row)) for row in rows)
    assert json.loads(ask(records, ContentType=kind)["Body"].read()) == expected
    answer = invoke(sagemaker, "topics", records, ContentType=kind, Accept=kind)["Body"].read()
    place, found = 0, []
    while place < len(answer):
        payload, place = recordio.record_at(answer, place, path="answer")
        found.append(decode(payload, path="answer", offset=0).label["topic_weights"].values)
    np.testing.assert_allclose(np.array(found), weights, rtol=1e-6)


def test_pairs_and_sides(sagemaker):
    pair = json.loads(invoke(sagemaker, "object2vec", {"instances": [{"in0": [1, 2], "in1": [5]}]})["Body"].read())
    assert sum(pair["predictions"][0]["scores"]) == pytest.approx(1)
    kind = "application/json; infer_max_seqlens=1,1"
    cut = json.loads(invoke(sagemaker, "object2vec", {"instances": [{"in0": [1, 2]}]}, ContentType=kind)["Body"].read())
    one = json.loads(invoke(sagemaker, "object2vec", {"instances": [{"in0": [1]}]})["Body"].read())
    assert cut == one
    assert len(one["predictions"][0]["embeddings"]) == 4


def test_the_target_model_chooses(sagemaker):
    answer = invoke(sagemaker, "anything", {"instances": ["dog"]}, TargetModel="text-classification.tar.gz")
    assert json.loads(answer["Body"].read())[0]["label"] == ["__label__animal"]
    assert answer["InvokedProductionVariant"] == "text-classification"


@pytest.mark.parametrize(
    ("settings", "body", "status", "text"),
    [
        ({"ContentType": "application/octet-stream"}, b"x", 415, "content-type application/octet-stream not supported"),
        ({}, b'{"instances": [', 400, "Unable to decode payload"),
        ({}, b'{"instances": ["a", 7]}', 400, "record 2"),
    ],
)
def test_a_models_refusal_is_a_model_error(sagemaker, settings, body, status, text):
    with pytest.raises(sagemaker.exceptions.ModelError) as error:
        invoke(sagemaker, "word2vec", body, **settings)
    told = error.value.response
    assert told["OriginalStatusCode"] == status
    assert text in told["OriginalMessage"]
    assert f"({status})" in told["Error"]["Message"]
    assert told["Error"]["Code"] == "ModelError"
    assert told["ResponseMetadata"]["HTTPStatusCode"] == 424


def test_an_endpoint_that_is_not_there(sagemaker):
    with pytest.raises(botocore.exceptions.ClientError, match="nowhere: no such model; there is word2vec") as error:
        invoke(sagemaker, "nowhere", {"instances": ["dog"]})
    assert error.value.response["Error"]["Code"] == "ValidationError"


def test_more_than_six_megabytes(sagemaker):
    with pytest.raises(botocore.exceptions.ClientError, match="at most 6,291,456 bytes are taken") as error:
        invoke(sagemaker, "word2vec", b" " * 6_291_457)
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 413
    assert invoke(sagemaker, "word2vec", {"instances": ["dog"]})["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_what_is_near(hosted):
    answer = httpx.post(f"{hosted.url}/neighbors", json={"words": ["dog"], "k": 3}).json()
    assert {each["name"] for each in answer["neighbors"][0]["nearest"]} == {"cat", "bird", "horse"}
    analogy = {"positive": ["dog", "bread"], "negative": ["cat"], "k": 2}
    found = httpx.get(f"{hosted.url}/neighbors", params=analogy).json()["neighbors"][0]
    assert found["of"] == "+dog +bread -cat"
    assert {each["name"] for each in found["nearest"]} <= {*small_models.FOODS}
    documents = {"documents": ["dog cat", "bread cheese", "cat bird"], "k": 1}
    nearest = httpx.post(f"{hosted.url}/models/topics/neighbors", json=documents).json()["neighbors"]
    assert [found["of"] for found in nearest] == documents["documents"]


def test_a_newer_archive_is_taken(hosted, sagemaker):
    """Published again to the same place, with other vectors."""
    folder = Path(hosted.folders["word2vec"])
    small_models.publish_one(
        folder, "word2vec", partial(small_models.write_words, turn=1.0), created="2026-02-02T00:00:00+00:00"
    )

    def newer():
        [dog] = json.loads(invoke(sagemaker, "word2vec", {"instances": ["dog"]})["Body"].read())
        return np.allclose(dog["vector"], small_models.vectors(turn=1.0)[1])

    wait_for(newer, seconds=30, what="the newer version")
    assert httpx.get(f"{hosted.url}/models/word2vec").json()["created"] == "2026-02-02T00:00:00+00:00"
