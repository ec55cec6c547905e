"""embertext registry, and addresses of a registry where a model is asked for."""

import json

import pytest

from data.registry import aliases, versions
from data.registry.records import Model, Run
from flows.cli import SUCCESS, USER_ERROR, run
from tasks.serve.models import named
from tasks.serve.versions import newest
from tests.tasks.serve.fake import publish


@pytest.fixture
def registry(tmp_path, monkeypatch):
    """Three versions of one model, a folder each."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")
    for number in (1, 2, 3):
        url = publish(tmp_path / f"m{number}", f"answers {number}", created=f"2026-01-0{number}T00:00:00+00:00")
        model = Model(
            url=url,
            model=f"{url}/model.tar.gz",
            manifest=f"{number:064}",
            algorithm="fake",
            created="2026-01-01T00:00:00+00:00",
            partition=f"2026-0{number}",
            corpus={"name": "news", "checksum": f"etag:{number}"},
            hyperparameters={"epochs": number, "mode": "cbow"},
            metrics={"mean_rho": 0.4 + number / 10, "pairs": 3},
            run=Run(name=f"swift-otter-{number}"),
            judged={"judged_by": "mean_rho", "verdict": "promoted", "why": "the first one"},
        )
        versions.register("registry", "words", model)
    return "registry"


def lines(capsys):
    return [line.rstrip() for line in capsys.readouterr().out.splitlines()]


def test_who_is_the_champion_and_who_was(registry, capsys):
    assert run(["registry", "list", registry]) == SUCCESS
    assert lines(capsys)[1].split() == ["words", "3", "–"]
    for version in ("2", "3"):
        assert run(["registry", "promote", registry, "words", version, "--why", "looks good"]) == SUCCESS
    assert lines(capsys) == [
        "words@2 is the champion: looks good",
        "words@3 is the champion in the place of words@2: looks good",
    ]
    assert run(["registry", "list", registry, "words"]) == SUCCESS
    head, third, second, first = lines(capsys)
    assert head.split() == ["version", "registered", "partition", "corpus", "mean_rho", "pairs", "run"]
    assert third.split()[:2] == ["3", "champion"]
    assert second.split()[-4:] == ["news", "0.6", "3", "swift-otter-2"]
    assert first.split()[0] == "1"
    assert run(["registry", "rollback", registry, "words", "--json"]) == SUCCESS
    told = json.loads(capsys.readouterr().out)
    assert (told["version"], told["how"], told["why"]) == (2, "rolled back", "back from version 3")
    assert run(["registry", "show", registry, "words"]) == SUCCESS
    shown = "\n".join(lines(capsys))
    assert "words@2, the champion" in shown
    assert "promoted: the first one" in shown
    assert shown.count("looks good") == 1
    assert "rolled back by" in shown
    assert run(["registry", "rollback", registry, "words"]) == USER_ERROR
    assert "version 2 is the first champion: there is nothing to go back to" in capsys.readouterr().err


def test_two_versions_side_by_side(registry, capsys):
    run(["registry", "promote", registry, "words", "1"])
    capsys.readouterr()
    assert run(["registry", "compare", registry, "words"]) == SUCCESS
    shown = {line.split()[0]: line.split()[1:] for line in lines(capsys) if line}
    assert shown["mean_rho"] == ["0.5", "0.7", "+0.2"]
    assert shown["epochs"] == ["1", "3", "+2"]
    assert shown["checksum"] == ["etag:1", "etag:3"]
    assert "mode" not in shown
    assert run(["registry", "compare", registry, "words", "1", "2", "--json"]) == SUCCESS
    assert json.loads(capsys.readouterr().out)["second"] == 2


@pytest.mark.parametrize(
    ("command", "text"),
    [
        (["show", "registry", "words", "7"], "no version 7; its versions are 1, 2, 3"),
        (["show", "registry", "words", "last"], "no version 'last'; give a number, or champion"),
        (["show", "registry", "word"], "no such model is registered; the models there are words"),
        (["list", "registry", "word"], "no model 'word'; the models there are words"),
        (["promote", "registry", "words", "9"], "no version 9"),
        (["compare", "registry", "words", "3"], "that is one version, not two; there are also 1, 2"),
    ],
)
def test_mistakes(registry, capsys, command, text):
    assert run(["registry", *command]) == USER_ERROR
    error = capsys.readouterr().err
    assert text in error
    assert error.count("\n") == 1


def test_a_host_follows_the_champion(registry, tmp_path):
    run(["registry", "promote", registry, "words", "1"])
    address = f"{registry}/words@champion"
    first = newest(address)
    assert first.url == str(tmp_path / "m1")
    assert newest(address) == first
    run(["registry", "promote", registry, "words", "3"])
    assert newest(address).name != first.name
    assert newest(address).url == str(tmp_path / "m3")
    assert newest(f"{registry}/words@2").url == str(tmp_path / "m2")
    assert newest(address, algorithm="fake").url == str(tmp_path / "m3")
    aliases.moved(registry, "words", lambda alias: aliases.rolled_back(alias, name="words", when="", by="", why=""))
    assert newest(address) == first


def test_what_is_served_is_named_as_it_is_registered():
    assert named(["s3://b/registry/words@champion", "old=r/words@1"]) == {
        "words": "s3://b/registry/words@champion",
        "old": "r/words@1",
    }
