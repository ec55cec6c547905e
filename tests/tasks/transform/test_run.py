"""A transform by its stages: what is answered, told, done again and left alone."""

import gzip
import threading
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import fsspec
import orjson
import pytest

from data import storage
from data.errors import CorpusError, EmbertextError
from tasks.transform import run as running
from tasks.transform import slices
from tasks.transform.answer import Model, answer, forget
from tasks.transform.conclude import conclude
from tasks.transform.plan import how, inputs, plan
from tasks.transform.run import run
from tests.tasks.transform.fake import BAD, Echo, labels, row

HERE = {"threads": 2, "workers": 0, "scheduler": ""}
MODEL = "tests/tasks/transform/fake.py"  # any file: its content is the model's fingerprint


@pytest.fixture(autouse=True)
def small_slices(monkeypatch):
    monkeypatch.setattr(slices, "SLICE", 1000)
    monkeypatch.setattr(running, "SLICE", 3000)
    forget()


def transform(data: object, output: object, *, model: Echo | None = None, url: str = MODEL, **options: object):
    """What came of it; `asked`: records that the model was asked for."""
    model = model or Echo()
    settings = {"accept": "", "strategy": "MultiRecord", "max_payload": 6, "max_errors": 0}
    told = how(output=str(output), **{name: options.get(name, value) for name, value in settings.items()})
    planned = plan.fn(
        url, str(data), told, content_type=options.get("content_type", ""), reuse=options.get("reuse", True)
    )
    hosting = Model(url, planned.model, lambda _: model)
    ran = run.fn(planned, hosting, told, machines=options.get("machines", HERE))
    concluded = conclude.fn(planned, ran, hosting, told)
    cached = not hasattr(concluded, "files")
    done = concluded.data if cached else concluded
    return SimpleNamespace(ran=ran, asked=sum(model.asked), cached=cached, files=done.files, errors=done.errors)


def lines(*values: object) -> bytes:
    return b"".join(orjson.dumps(value) + b"\n" for value in values)


def numbers(path: Path) -> list[object]:
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def everything(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "manifest.json"
    }


@pytest.fixture
def place(tmp_path):
    """A large file of lines, a small one packed below a folder, and one of every other kind."""
    folder = tmp_path / "in"
    (folder / "sub").mkdir(parents=True)
    (folder / "large.jsonl").write_bytes(lines(*range(3000)))
    (folder / "sub" / "packed.jsonl.gz").write_bytes(gzip.compress(lines("a", {"source": "b"})))
    (folder / "rows.csv").write_bytes(b"1,2\n\n3,4")
    (folder / "records.pbr").write_bytes(b"".join(row(number) for number in range(100)))
    (folder / "text.txt").write_text("ein Satz\r\nnoch einer\n")
    (folder / "body.json").write_bytes(orjson.dumps({"instances": [1, 2], "configuration": {"k": 1}}))
    (folder / "empty.jsonl").write_bytes(b"")
    (folder / "_SUCCESS").write_bytes(b"")
    return tmp_path


def test_every_kind_of_file(place):
    done = transform(place / "in", place / "out")
    out = place / "out"
    assert {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()} == {
        *(f"{name}.out" for name in (
            "large.jsonl", "sub/packed.jsonl.gz", "rows.csv", "records.pbr", "text.txt", "body.json", "empty.jsonl",
        )),
        "manifest.json",
    }  # fmt: skip
    assert numbers(out / "large.jsonl.out") == list(range(3000)), "of many slices, in order"
    assert numbers(out / "sub" / "packed.jsonl.gz.out") == ["a", {"source": "b"}]
    assert numbers(out / "rows.csv.out") == [[1, 2], [3, 4]]
    assert labels((out / "records.pbr.out").read_bytes()) == list(range(100))
    assert numbers(out / "text.txt.out") == ["ein Satz", "noch einer"]
    assert orjson.loads((out / "body.json.out").read_bytes()) == {"predictions": [1, 2]}
    assert (out / "empty.jsonl.out").read_bytes() == b""
    told = storage.read_json(str(out / "manifest.json"))
    assert (told["rows"], told["errors"], told["format"]) == (3108, 0, "embertext-transform/1")
    assert told["files"]["records.pbr.out"]["rows"] == 100
    assert done.ran.rows == done.asked == 3108
    assert done.ran.rows_per_second > 0


def test_records_that_are_asked_alone(place):
    model = Echo()
    transform(place / "in" / "rows.csv", place / "out", model=model, strategy="SingleRecord")
    assert model.asked == [1, 1]
    assert numbers(place / "out" / "rows.csv.out") == [[1, 2], [3, 4]]


def test_answers_of_another_type(place):
    transform(place / "in" / "body.json", place / "out", accept="application/jsonlines")
    assert numbers(place / "out" / "body.json.out") == [1, 2]
    transform(place / "in" / "records.pbr", place / "out", accept="application/jsonlines")
    assert numbers(place / "out" / "records.pbr.out") == list(range(100))


def test_what_is_done_is_not_done_again(place):
    first = transform(place / "in", place / "out")
    before = {path: path.stat().st_mtime_ns for path in (place / "out").rglob("*")}
    again = transform(place / "in", place / "out")
    assert (again.asked, again.cached, again.files) == (0, True, first.files)
    assert {path: path.stat().st_mtime_ns for path in (place / "out").rglob("*")} == before
    (place / "in" / "later.jsonl").write_bytes(lines(7))
    assert transform(place / "in", place / "out").asked == 1
    (place / "in" / "later.jsonl").write_bytes(lines(7, 8))
    assert transform(place / "in", place / "out").asked == 2
    (place / "out" / "rows.csv.out").unlink()
    assert transform(place / "in", place / "out").asked == 2
    assert transform(place / "in", place / "out", url=__file__).asked == 3110, "another model"
    assert transform(place / "in", place / "out", url=__file__, reuse=False).asked == 3110
    assert transform(place / "in", place / "out", url=__file__).cached


class Failing(Echo):
    """Dies at some record, as a process does that is killed."""

    def predict(self, instances):
        if 2000 in instances:
            raise MemoryError
        return super().predict(instances)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_run_that_was_ended_goes_on(place, threads):
    machines = HERE | {"threads": threads}
    with pytest.raises(MemoryError):
        transform(place / "in" / "large.jsonl", place / "out", model=Failing(), machines=machines)
    assert not (place / "out" / "manifest.json").exists()
    assert not (place / "out" / "large.jsonl.out").exists()
    model = Echo()
    transform(place / "in" / "large.jsonl", place / "out", model=model, machines=machines)
    assert 0 < sum(model.asked) < 3000
    assert numbers(place / "out" / "large.jsonl.out") == list(range(3000))
    assert not (place / "out" / "_transform").exists()


def test_work_that_is_done_twice(place):
    """By two workers at once, as Dask may have it."""
    told = how(output=str(place / "out"), accept="", strategy="MultiRecord", max_payload=6, max_errors=-1)
    planned = plan.fn(MODEL, str(place / "in" / "large.jsonl"), told, content_type="", reuse=True)
    work = planned.work()
    assert len(work) > 3
    model = Model(MODEL, planned.model, lambda _: Echo())
    answer(work, model=model, how=told)
    before = everything(place / "out")
    workers = [threading.Thread(target=partial(answer, work, model=model, how=told)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    after = everything(place / "out")
    facts = [name for name in before if name.endswith(".json")]
    assert {name: data for name, data in after.items() if name not in facts} == {
        name: data for name, data in before.items() if name not in facts
    }


def test_another_file_system(place):
    fsspec.filesystem("memory").pipe({f"/transform/in/a/{number}.jsonl": lines(number) for number in range(5)})
    done = transform("memory://transform/in", "memory://transform/out")
    assert done.asked == 5
    assert storage.read_bytes("memory://transform/out/a/3.jsonl.out") == b"3\n"
    storage.put(place / "in" / "large.jsonl", "memory://transform/in/b.jsonl")
    assert transform("memory://transform/in", "memory://transform/out").asked == 3000
    assert storage.read_bytes("memory://transform/out/b.jsonl.out") == lines(*range(3000))
    assert not storage.exists("memory://transform/out/_transform")


# Errors ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def bad(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    values = [BAD if number in (3, 2500) else number for number in range(3000)]
    (folder / "a.jsonl").write_bytes(lines(*values[:1000]) + b"\n{nonsense\n" + lines(*values[1000:]))
    (folder / "b.csv").write_bytes(b"1\nx\n-1\n")
    (folder / "c.json").write_bytes(orjson.dumps({"instances": [1, BAD, 3]}))
    (folder / "d.pbr").write_bytes(row(1) + b"\xff" * 4 + row(2)[4:] + row(3))
    (folder / "e.txt").write_bytes(b"gut\n\xff\n")
    (folder / "f.json").write_bytes(b"no JSON")
    (folder / "g.jsonl").write_bytes(lines("good"))
    return tmp_path


def test_errors_by_file_and_line(bad):
    done = transform(bad / "in", bad / "out", max_errors=-1)
    told = [orjson.loads(line) for line in (bad / "out" / "errors.jsonl").read_bytes().splitlines()]
    assert done.errors == str(bad / "out" / "errors.jsonl")
    places = [(each["file"], each.get("line"), each.get("record")) for each in told]
    assert places == [
        ("a.jsonl", 4, None), ("a.jsonl", 1002, None), ("a.jsonl", 2503, None), ("b.csv", 2, None), ("b.csv", 3, None),
        ("c.json", None, 2), ("d.pbr", None, 2), ("e.txt", 2, None), ("f.json", None, 1),
    ]  # fmt: skip
    assert told[0] == {
        "file": "a.jsonl", "line": 4, "reason": "it is bad", "field": "source", "remedy": "make it good",
        "content": '"bad"',
    }  # fmt: skip
    assert told[1]["reason"].startswith("Unable to decode payload: ")
    assert told[1]["content"] == "{nonsense"
    assert all(each["reason"] and each["remedy"] for each in told)
    out = bad / "out"
    answers = numbers(out / "a.jsonl.out")
    assert [answers[3], answers[1000], answers[2501]] == [
        {"error": "it is bad"}, {"error": told[1]["reason"]}, {"error": "it is bad"},
    ], "the others keep their places"  # fmt: skip
    assert [each for each in answers if type(each) is int] == [each for each in range(3000) if each not in (3, 2500)]
    assert numbers(out / "b.csv.out") == [[1], {"error": told[3]["reason"]}, {"error": "it is bad"}]
    assert orjson.loads((out / "c.json.out").read_bytes()) == {"predictions": [1, 3]}
    assert labels((out / "d.pbr.out").read_bytes()) == [1, told[6]["reason"], 3]
    assert numbers(out / "g.jsonl.out") == ["good"]
    assert done.files["a.jsonl.out"].errors == 3


def test_errors_of_files_that_were_done_before_are_kept(bad):
    transform(bad / "in", bad / "out", max_errors=-1)
    before = (bad / "out" / "errors.jsonl").read_bytes()
    (bad / "in" / "z.jsonl").write_bytes(lines(1, BAD))
    again = transform(bad / "in", bad / "out", max_errors=-1)
    assert again.asked == 1
    after = (bad / "out" / "errors.jsonl").read_bytes()
    assert after.startswith(before)
    assert orjson.loads(after.removeprefix(before))["line"] == 2
    for path in (bad / "in").iterdir():
        if path.name != "g.jsonl":
            path.unlink()
    assert transform(bad / "in", bad / "out").errors == ""
    assert not (bad / "out" / "errors.jsonl").exists()


def test_more_errors_than_are_allowed(bad):
    with pytest.raises(EmbertextError) as raised:
        transform(bad / "in", bad / "out")
    assert str(raised.value) == (
        f"{bad / 'out'}: 1 bad record(s) so far, and 0 are allowed; the first is in a.jsonl: line 4, source: it is bad;"
        " errors.jsonl there tells of all; correct them, or allow more by max_errors, -1 for any number"
    )
    out = bad / "out"
    [told] = [orjson.loads(line) for line in (out / "errors.jsonl").read_bytes().splitlines()]
    assert (told["file"], told["line"]) == ("a.jsonl", 4)
    assert not (out / "manifest.json").exists()
    assert not (out / "a.jsonl.out").exists()
    assert not [path for path in (out / "_transform").iterdir() if path.is_dir()], "nothing half-written"
    with pytest.raises(EmbertextError, match=r"9 bad record\(s\) so far, and 8 are allowed"):
        transform(bad / "in", bad / "out", max_errors=8)
    assert len((out / "errors.jsonl").read_bytes().splitlines()) == 9
    done = transform(bad / "in", bad / "out", max_errors=9)
    assert done.asked < 1500, "what was done before is not done again"
    assert (out / "manifest.json").exists()
    with pytest.raises(EmbertextError, match=r"9 bad record\(s\)"):
        transform(bad / "in", bad / "out", max_errors=1)


def test_what_a_model_does_not_read(place):
    model = Echo()
    model.content_types = ("text/csv",)
    with pytest.raises(EmbertextError, match="content-type application/jsonlines not supported; send text/csv"):
        transform(place / "in" / "large.jsonl", place / "out", model=model)
    assert not (place / "out" / "errors.jsonl").exists()


# Names ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "output", "expected"),
    [
        ("in", "out", ["a.jsonl", "sub/b.jsonl", "sub/deep/c.jsonl"]),
        ("in/", "out", ["a.jsonl", "sub/b.jsonl", "sub/deep/c.jsonl"]),
        ("in/a.jsonl", "out", ["a.jsonl"]),
        ("in/*/*.jsonl", "out", ["sub/b.jsonl"]),
        ("in/s*/**/*.jsonl", "out", ["sub/b.jsonl", "sub/deep/c.jsonl"]),
        ("in/sub/b*", "out", ["b.jsonl"]),
        ("in", "in/sub", ["a.jsonl"]),
        ("in", "in", ["a.jsonl", "sub/b.jsonl", "sub/deep/c.jsonl"]),
    ],
)
@pytest.mark.parametrize("scheme", ["", "memory://"])
def test_names(tmp_path, monkeypatch, data, output, expected, scheme):
    """Below the folder, or what is constant of a glob; never what a transform has made."""
    monkeypatch.chdir(tmp_path)
    root = f"{scheme}{tmp_path.name}-" if scheme else ""
    for name in ("a.jsonl", "sub/b.jsonl", "sub/deep/c.jsonl", "sub/deep/c.jsonl.out", "manifest.json", "errors.jsonl"):
        if (name.endswith(".json") or name.startswith("errors")) and output != data:
            continue
        storage.write_bytes(f"{root}in/{name}", b"1\n")
    found = inputs(f"{root}{data}", output=storage.absolute(f"{root}{output}"))
    assert [name for _, name in found] == expected
    assert all(storage.read_bytes(url) == b"1\n" for url, _ in found)


def test_nothing_to_do(tmp_path):
    with pytest.raises(CorpusError, match="no such file or folder"):
        inputs(str(tmp_path / "none"), output=str(tmp_path))
    (tmp_path / "a.out").write_bytes(b"")
    with pytest.raises(EmbertextError, match="there is nothing but what a transform has made"):
        inputs(str(tmp_path), output=str(tmp_path))
