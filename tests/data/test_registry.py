import threading
from pathlib import Path
from typing import Any

import pytest

from data import storage
from data.errors import EmbertextError, StorageError
from data.registry import aliases, reference, versions
from data.registry.comparison import compared
from data.registry.records import Alias, Model, Move


def model(number: int = 1, **fields: Any) -> Model:
    fields = {"metrics": {"mean_rho": number / 10}, "hyperparameters": {"epochs": number, "mode": "cbow"}} | fields
    return Model(
        url=f"out/m{number}",
        model=f"out/m{number}/model.tar.gz",
        manifest=f"{number:064}",
        algorithm="word2vec",
        created="2026-01-01",
        **fields,
    )


def move(version: int, previous: int = 0, how: str = "promoted") -> Move:
    return Move(version=version, previous=previous, how=how, when=versions.now(), by="me", why="because")


def promote(root: str, version: int) -> None:
    aliases.moved(root, "words", lambda alias: move(version, alias.version if alias else 0))


@pytest.fixture
def root(tmp_path: Path) -> str:
    return str(tmp_path / "registry")


def test_versions_are_numbered(root: str) -> None:
    assert versions.names(root) == []
    for number in (1, 2, 3):
        version, new = versions.register(root, "words", model(number))
        assert (version.version, version.label, new) == (number, f"words@{number}", True)
    assert versions.names(root) == ["words"]
    assert versions.numbers(root, "words") == [1, 2, 3]
    assert [each.manifest for each in versions.all_of(root, "words")] == [model(n).manifest for n in (1, 2, 3)]
    assert "@" in versions.read(root, "words", 2).by


def test_a_model_is_registered_once(root: str) -> None:
    first, _ = versions.register(root, "words", model(1))
    versions.register(root, "words", model(2))
    again, new = versions.register(root, "words", model(1))
    assert (again, new) == (first, False)
    assert versions.numbers(root, "words") == [1, 2]


def test_who_was_interrupted_is_gone_on_from(root: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed between the claim of a number and its version, which somebody else takes in the meantime."""
    genuine = storage.create

    def dies(url: str, data: bytes) -> bool:
        if "/versions/" in url:
            raise KeyboardInterrupt
        return genuine(url, data)

    with monkeypatch.context() as patch:
        patch.setattr(storage, "create", dies)
        with pytest.raises(KeyboardInterrupt):
            versions.register(root, "words", model(1))
    assert versions.numbers(root, "words") == []
    assert versions.register(root, "words", model(2))[0].version == 1
    assert versions.register(root, "words", model(1))[0].version == 2
    assert versions.register(root, "words", model(1)) == (versions.read(root, "words", 2), False)


@pytest.mark.parametrize("models", [1, 3, 8])
def test_eight_at_once(root: str, models: int) -> None:
    """Each model, however many register it, gets one version; none is lost."""
    barrier, found = threading.Barrier(8), [0] * 8

    def publish(i: int) -> None:
        barrier.wait()
        found[i] = versions.register(root, "words", model(i % models))[0].version

    threads = [threading.Thread(target=publish, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert versions.numbers(root, "words") == list(range(1, models + 1))
    assert all(found[i] == found[i % models] for i in range(8))
    assert {versions.read(root, "words", number).manifest for number in found} == {
        model(i).manifest for i in range(models)
    }


def test_the_number_of_a_deleted_champion_stays_taken(root: str) -> None:
    for number in (1, 2):
        versions.register(root, "words", model(number))
    promote(root, 2)
    storage.remove(storage.join(root, "words", "versions", "000002.json"))
    assert versions.register(root, "words", model(3))[0].version == 3


def test_the_champion_moves_and_goes_back(root: str) -> None:
    assert aliases.champion(root, "words") == (None, "")
    for version in (1, 2, 3):
        promote(root, version)

    def back(alias: Alias | None) -> Move:
        return aliases.rolled_back(alias, name="words", when="now", by="me", why="")

    done = aliases.moved(root, "words", back)
    assert (done.version, done.previous, done.how, done.why) == (2, 1, "rolled back", "back from version 3")
    assert aliases.moved(root, "words", back).version == 1
    with pytest.raises(EmbertextError, match="version 1 is the first champion: there is nothing to go back to"):
        aliases.moved(root, "words", back)
    alias, _ = aliases.champion(root, "words")
    assert alias is not None
    assert [each.version for each in alias.history] == [1, 2, 3, 2]
    promote(root, 3)
    assert aliases.moved(root, "words", back).version == 1


def test_two_gates_at_once(root: str) -> None:
    """The second one has seen an alias that has moved since: it is told so, and nothing is overwritten."""
    promote(root, 1)
    seen, tag = aliases.champion(root, "words")
    assert aliases.promote(root, "words", move(2, 1), after=seen, tag=tag)
    assert not aliases.promote(root, "words", move(3, 1), after=seen, tag=tag)
    assert not aliases.promote(root, "words", move(3), after=None, tag="")
    alias, _ = aliases.champion(root, "words")
    assert alias is not None
    assert (alias.version, alias.previous) == (2, 1)


def test_addresses(root: str) -> None:
    versions.register(root, "words", model(1))
    versions.register(root, "words", model(2))
    promote(root, 1)
    assert reference.resolved(f"{root}/words@champion") == "out/m1"
    assert reference.resolved(f"{root}/words@2") == "out/m2"
    for other in ("s3://bucket/a@b/c", "artifacts/words", "/a@3/b", "words@3"):
        assert reference.parsed(other) is None
        assert reference.resolved(other) == other
    assert reference.parsed("s3://b/registry/words@12") == ("s3://b/registry", "words", "12")


def test_what_is_not_there_is_told_with_what_is(root: str) -> None:
    versions.register(root, "words", model(1))
    for address, text in {
        "words@7": "no version 7; its versions are 1",
        "word@7": "no model 'word'; the models there are words",
        "word@champion": "no such model is registered; the models there are words",
        "words@champion": "none of its versions has been promoted; promote one of the versions 1",
    }.items():
        with pytest.raises(EmbertextError, match=text):
            reference.resolved(f"{root}/{address}")
    storage.write_json(storage.join(root, "words", "versions", "000001.json"), {"a": 1})
    with pytest.raises(StorageError, match=r"000001\.json: not a version of a model"):
        versions.read(root, "words", 1)


def test_a_comparison(root: str) -> None:
    first, _ = versions.register(root, "words", model(1, partition="2026-01"))
    second, _ = versions.register(root, "words", model(2, metrics={"mean_rho": 0.25, "analogies": 0.5}))
    rows = {row["name"]: row for row in compared(first, second)}
    assert rows["mean_rho"]["difference"] == pytest.approx(0.15)
    assert (rows["analogies"]["first"], rows["analogies"]["difference"]) == (None, None)
    assert (rows["partition"]["first"], rows["partition"]["second"]) == ("2026-01", None)
    assert (rows["epochs"]["first"], rows["epochs"]["second"]) == (1, 2)
    assert "mode" not in rows
