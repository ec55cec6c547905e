import numpy as np
import pytest

from algorithms.drift.models import Drift, Matter, drift
from algorithms.drift.neighbours import Space
from algorithms.drift.topics import TopicWords
from data import storage
from tasks import drift as drifts
from tasks import drift_page, page
from tasks.drift import Drifted, Side
from tests.tasks.parsed import Page

WORDS = ["</style>", "the", *(f"w{number}" for number in range(30))]


def matter(seed: int, **other) -> Matter:
    draw = np.random.default_rng(seed)
    vectors, topics = draw.normal(size=(32, 4)).astype(np.float32), draw.dirichlet(np.full(32, 0.02), size=5)
    return Matter(
        "any", WORDS[seed:], np.arange(100, 68, -1)[seed:], [Space("words", WORDS, lambda: vectors)],
        TopicWords(WORDS, topics, [0.2] * 5), {"__label__a": 5 + seed, "__label__b": 5, f"__label__{seed}": 1},
    )  # fmt: skip


@pytest.fixture(scope="module")
def drifted() -> Drifted:
    before = Side(version="version 3", partition="2026-01", corpus="<news>", created="2026-02-01T00:00:00+00:00")
    return Drifted(before=before, after=Side(partition="2026-02"), found=drift(matter(0), matter(1)))


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ({"version": "version 3", "partition": "2026-01"}, "version 3 (2026-01)"),
        ({"partition": "2026-01", "created": "2026-02-01T00:00:00+00:00"}, "2026-01"),
        ({"created": "2026-02-01T01:02:03+01:00"}, "2026-02-01 00:02 UTC"),
        ({"model": "s3://b/model.bin"}, "model.bin"),
    ],
)
def test_a_side_is_called_by_what_says_most(told, name):
    assert Side(**told).name == name


def test_a_report_has_the_section_where_the_manifest_tells_of_an_earlier_model(drifted):
    manifest = {"corpus": {"name": "news"}}
    plain = page.render("page.html.j2", title="a model", manifest=manifest, figures={}, curves={})
    assert "What changed" not in plain
    html = page.render(
        "page.html.j2", title="a model", manifest={**manifest, "drift": drifted.model_dump(mode="json")}, figures={},
        curves={},
    )  # fmt: skip
    assert "What changed since <bdi>version 3 (2026-01)</bdi>" in html
    for said in ("on &lt;news&gt;", "Words that are gone", "Whose neighbours changed most", "Topics before and after"):
        assert said in html
    assert "<script" not in html
    assert "<bdi>&lt;/style&gt;</bdi>" in html, "the word that is gone, escaped"
    assert "What changed since" in Page(html).text


def test_the_table_gives_every_number_and_its_meaning(drifted):
    rows = drifts.rows(drifted)
    told = {row["what"]: row["value"] for row in rows}
    assert told["words gone"] == 1
    assert told["classes born"] == 1
    assert 0 < told["distance of topics"] <= 1 or not drifted.found.topics.pairs
    assert all(row["meaning"] for row in rows)
    assert [name for name, _ in drifts.brief(drifted)] == ["words", "neighbours", "topics", "classes"]


def test_a_page_of_its_own(drifted, tmp_path):
    url = drifts.write(drifted, str(tmp_path))
    assert "From version 3 (2026-01) to 2026-02" in storage.read_bytes(url).decode()
    again = Drifted(**storage.read_json(storage.join(url.rpartition("/")[0], "drift.json")))
    assert again == drifted


def test_models_that_have_nothing_to_compare_make_a_page_too():
    empty = Drifted(before=Side(), after=Side(), found=Drift(algorithm="any"))
    assert "What changed since <bdi>before</bdi>" in drift_page.page(empty, manifest={})
