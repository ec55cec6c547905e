import pytest

from tasks import page


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0.0 s"), (59.94, "59.9 s"), (59.96, "1 min 00 s"), (245, "4 min 05 s"), (7800, "2 h 10 min")],
)
def test_durations(seconds, text):
    assert page.duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 bytes"), (999, "999 bytes"), (1500, "1.5 kB"), (999_700, "1 MB"), (1e8, "100 MB"), (2.5e12, "2.5 TB")],
)
def test_sizes(count, text):
    assert page.size(count) == text


@pytest.mark.parametrize(
    ("rate", "text"),
    [(0, None), (950, "950"), (204_000, "204 k"), (999_700, "1 M"), (4_221_000, "4.22 M"), (17e9, "17 G")],
)
def test_rates(rate, text):
    assert page.compact(rate) == text


def test_cells_of_a_table_stay_cells():
    assert page.table(["word"], [["a|b"], ["<b>\n*c*"]]) == [
        "| word |",
        "| --- |",
        "| a&#124;b |",
        "| &lt;b&gt; &#42;c&#42; |",
    ]


def test_sections_without_lines_are_left_out():
    text = page.markdown(title="a_b", sections={"": ["x"], "none": [], "some": ["y"]}, model="m")
    assert text == "## a&#95;b\n\nx\n\n### some\n\ny\n\n* model: m\n"


def test_every_page_says_how_the_model_was_made():
    corpus = {"name": "news", "urls": [f"{number}.txt" for number in range(14)], "bytes": 1500}
    manifest = {"corpus": corpus, "validation": {"name": "held <out>"}, "seed": 1, "threads": 1}
    html = page.render("page.html.j2", title="a model", manifest=manifest, figures={"accuracy": "0.9"}, curves={})
    for said in (
        "<h3>Corpus</h3>",
        "1.5 kB",
        "and 2 more",
        "<h3>Validation</h3>",
        "held &lt;out&gt;",
        "0.9",
        "1 thread<",
    ):
        assert said in html
