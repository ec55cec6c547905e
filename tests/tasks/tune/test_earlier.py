"""sweep.json: a published sweep to start from."""

import json

import pytest

from data.errors import EmbertextError
from tasks.tune.earlier import NAME, read, told
from tests.sweeps import swept

DATA = {"train": ["sha256:1", "text"]}


def written(folder, found):
    content = told(
        found.trials, algorithm="word2vec", data=DATA, base={"epochs": 3}, objectives=["maximize accuracy"], ranges={}
    )
    (folder / NAME).write_text(json.dumps(content))
    return str(folder)


def test_it_reads_back(tmp_path):
    found = swept(0.7, 0.9, 0.8)
    earlier = read(written(tmp_path, found), data=DATA)
    assert list(earlier.trials) == found.trials
    assert (earlier.kind, earlier.base, earlier.objectives) == ("identical", {"epochs": 3}, ("maximize accuracy",))
    assert read(f"{tmp_path}/{NAME}", data={"train": "other"}).kind == "transfer"


def test_what_is_no_sweep(tmp_path):
    with pytest.raises(EmbertextError, match=r"warm_start='.*': no sweep.json there; give the folder of a published"):
        read(str(tmp_path), data=DATA)
    (tmp_path / NAME).write_text("[1]")
    with pytest.raises(EmbertextError, match="not the file of a sweep"):
        read(str(tmp_path), data=DATA)
    failed = swept(0.7, 0.9)
    written(tmp_path, failed._replace(trials=[each for each in failed.trials if each.status == "failed"]))
    with pytest.raises(EmbertextError, match="no trial of it has completed"):
        read(str(tmp_path), data=DATA)
