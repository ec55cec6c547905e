import shutil

import pytest

from data import nltk_data
from data.errors import CorpusError


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder that NLTK_DATA names, and none of this machine's own."""
    monkeypatch.setenv("NLTK_DATA", str(tmp_path))
    monkeypatch.setattr(nltk_data, "places", lambda: [tmp_path / "empty", tmp_path])
    nltk_data._held.cache_clear()
    (tmp_path / "corpora" / "some").mkdir(parents=True)
    (tmp_path / "corpora" / "some" / "a.txt").write_bytes("é\r\nb\n".encode())
    return tmp_path


def test_the_places_are_those_of_nltk(tmp_path):
    import subprocess
    import sys

    code = "import nltk.data, data.nltk_data as d; assert list(map(str, d.places())) == nltk.data.path"
    environment = {"NLTK_DATA": f"{tmp_path}:~/x", "HOME": str(tmp_path), "PATH": ""}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)


def test_a_package_is_a_folder_or_a_zip_file(place):
    assert nltk_data.read("corpora/some", "a.txt") == "é\nb\n"
    shutil.make_archive(str(place / "corpora" / "some"), "zip", place / "corpora", "some")
    shutil.rmtree(place / "corpora" / "some")
    nltk_data._held.cache_clear()
    assert nltk_data.read("corpora/some", "a.txt") == "é\nb\n"


def test_a_package_that_is_not_there(place):
    assert not nltk_data.has("corpora/other")
    with pytest.raises(CorpusError) as caught:
        nltk_data.check("corpora/other", asked="lemmatizer='other'", instead="choose none")
    message = str(caught.value)
    assert message.startswith("lemmatizer='other': nltk's data package other is not installed (NLTK_DATA is /")
    assert message.endswith(
        "python -m nltk.downloader other, or set NLTK_DATA to a folder with corpora/other, or choose none"
    )
    with pytest.raises(CorpusError, match="corpora/other: nltk's data package other is not installed"):
        nltk_data.read("corpora/other", "a.txt")
