"""What is served, and how a newer version takes its place."""

import pytest

from data.errors import EmbertextError
from tasks.serve.models import Models, named
from tests.tasks.serve.fake import Fake, open_fake, publish


@pytest.mark.parametrize(
    ("addresses", "expected"),
    [
        (["words=a/model.tar.gz"], {"words": "a/model.tar.gz"}),
        (["artifacts/word2vec-1f2e/model.tar.gz"], {"word2vec-1f2e": "artifacts/word2vec-1f2e/model.tar.gz"}),
        (["artifacts/word2vec-1f2e"], {"word2vec-1f2e": "artifacts/word2vec-1f2e"}),
        (["artifacts/word2vec-*"], {"word2vec": "artifacts/word2vec-*"}),
        (["/opt/ml/model"], {"model": "/opt/ml/model"}),
        (["s3://bucket/model.tar.gz"], {"bucket": "s3://bucket/model.tar.gz"}),
        (["s3://bucket/a=b/model.tar.gz"], {"a-b": "s3://bucket/a=b/model.tar.gz"}),
        (["model.tar.gz"], {"model": "model.tar.gz"}),
        (["lid.176.bin"], {"lid.176.bin": "lid.176.bin"}),
        (["Tür/ü"], {"model": "Tür/ü"}),
        (["b=x", "a=y"], {"b": "x", "a": "y"}),
    ],
)
def test_every_model_has_a_name(addresses, expected):
    assert named(addresses) == expected
    assert list(named(addresses)) == list(expected)


@pytest.mark.parametrize(
    ("addresses", "text"),
    [
        (["a=x", "a=y"], "a=y: two models would be named a; name them apart: other=y"),
        (["=x"], "=x: '' is no name for a model; use letters"),
        (["two words=x"], "'two words' is no name for a model"),
    ],
)
def test_names_that_will_not_do(addresses, text):
    with pytest.raises(EmbertextError, match=text):
        named(addresses)


def test_models_are_ready_once_all_are_open(tmp_path):
    places = {"one": publish(tmp_path / "one", "one"), "two": publish(tmp_path / "two", "two")}
    models = Models(places, open_fake)
    assert not models.ready
    assert models.find() is None
    models.load()
    assert models.ready
    assert [model.name for model in models] == ["one", "two"]
    assert models.find().answers.greeting == "one"
    assert models.find("two").answers.greeting == "two"
    assert models.find("two.tar.gz") == models.find("/two.tar.gz") == models.find("two")
    assert models.find("three") is None


def test_what_cannot_be_opened_is_told(tmp_path):
    with pytest.raises(EmbertextError, match="the archive is damaged"):
        Models({"one": publish(tmp_path / "one", "broken")}, open_fake).load()


def test_a_newer_version_takes_the_place_of_the_old_one(tmp_path):
    models = Models({"one": publish(tmp_path / "one", "hello")}, open_fake)
    models.load()
    before = models.find()
    [same] = models.reload()
    assert (same.changed, same.version) == (False, before.version.name)
    assert models.find() is before
    publish(tmp_path / "one", "good morning")
    [newer] = models.reload()
    assert newer.changed
    assert models.find().version.name == newer.version != before.version.name
    assert models.find().answers.greeting == "good morning"
    assert before.answers.greeting == "hello"  # of whoever still holds it


def test_a_new_run_beside_the_old_one_takes_its_place(tmp_path):
    publish(tmp_path / "fake-1", "one", created="2026-01-01T00:00:00+00:00")
    models = Models({"fake": str(tmp_path)}, open_fake)
    models.load()
    publish(tmp_path / "other-2", "of another algorithm", algorithm="other", created="2027-01-01T00:00:00+00:00")
    assert not models.reload()[0].changed
    publish(tmp_path / "fake-2", "two", created="2026-01-02T00:00:00+00:00")
    assert models.reload()[0].changed
    assert models.find().answers.greeting == "two"


def test_a_version_that_cannot_be_opened_does_not_end_the_old_one(tmp_path, caplog):
    models = Models({"one": publish(tmp_path / "one", "hello")}, open_fake)
    models.load()
    publish(tmp_path / "one", "broken")
    [refused] = models.reload()
    assert (refused.changed, refused.version) == (False, models.find().version.name)
    assert "the archive is damaged; publish it again" in refused.error
    assert models.find().answers.greeting == "hello"
    assert "one stays as it is" in caplog.text
    publish(tmp_path / "one", "again")
    assert models.reload()[0].changed


def test_a_version_that_cannot_answer_does_not_either(tmp_path, monkeypatch, caplog):
    models = Models({"one": publish(tmp_path / "one", "hello")}, open_fake)
    models.load()
    publish(tmp_path / "one", "new")
    monkeypatch.setattr(Fake, "predict", lambda self, instances: 1 / 0)
    [refused] = models.reload()
    assert refused.error == "it cannot be opened; the server's log says why"
    assert "ZeroDivisionError" in caplog.text
    assert models.find().answers.greeting == "hello"


def test_the_place_of_a_model_may_vanish(tmp_path):
    models = Models({"one": publish(tmp_path / "one", "hello")}, open_fake)
    models.load()
    (tmp_path / "one" / "manifest.json").unlink()
    (tmp_path / "one" / "model.tar.gz").unlink()
    [refused] = models.reload()
    assert "the folder holds no files" in refused.error
    assert models.find().answers.greeting == "hello"


def test_models_that_are_open_already():
    models = Models.of(a=Fake("a"), b=Fake("b"))
    assert models.ready
    assert models.find().answers.greeting == "a"
    assert models.reload() == []
