"""The page at / in a real Chromium: every way to ask, by the keyboard alone, at a phone's width, from nowhere else."""

import json
import os
from pathlib import Path

import httpx
import pytest

from tests.services.chromium import CHROMIUM, browser
from tests.services.hosting import hosting

pytestmark = [pytest.mark.services, pytest.mark.skipif(not CHROMIUM, reason="needs Chromium")]

ROWS = "[...document.querySelectorAll('.way')[{way}].querySelectorAll('.bars li')]"
NAMES = ROWS + ".map(row => row.querySelector('.name').textContent)"


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    with hosting(tmp_path_factory.mktemp("page")) as hosted:
        yield f"{hosted.url}/"


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    with browser(tmp_path_factory.mktemp("chromium")) as found:
        found.size(1200, 900)
        yield found


@pytest.fixture(autouse=True)
def nothing_from_elsewhere(page, url):
    page.requests.clear()
    page.complaints.clear()
    yield
    assert not [each for each in page.requests if not each.startswith((url, "about:"))]
    assert not page.complaints


def fill(page, way, *texts):
    """Write into the fields of a form and press its button; its answer is there when this returns."""
    page.run(f"window.form = document.querySelectorAll('.way')[{way}].querySelector('form')")
    for number, text in enumerate(texts):
        page.run(f"form.querySelectorAll('input, textarea')[{number}].value = {json.dumps(text)}")
    page.run("form.nextSibling.replaceChildren(); form.querySelector('button').click()")
    page.until("form.nextSibling.children.length && !form.querySelector('button').disabled")


def test_words_and_what_is_near(page, url):
    page.open(url)
    assert page.run("[...document.querySelectorAll('.tabs label')].map(each => each.textContent)") == [
        "word2vec",
        "text-classification",
        "topics",
        "object2vec",
    ]
    page.until("document.querySelectorAll('.strip').length === 2")  # what is filled in is asked at once
    fill(page, 0, "dog nonsense")
    assert page.run("document.querySelectorAll('.strip').length") == 1
    assert {*page.run(NAMES.format(way=0))[:3]} == {"cat", "bird", "horse"}
    assert "Not in the vocabulary" in page.run("document.querySelector('.result').textContent")
    page.run("document.querySelector('.bars button').click()")
    page.until("document.querySelector('.way input').value !== 'dog nonsense'")
    page.until("document.querySelectorAll('.way')[0].querySelectorAll('h3').length === 1")


def test_arithmetic(page, url):
    page.open(url)
    fill(page, 1, "dog bread", "cat")
    assert {*page.run(NAMES.format(way=1))[:2]} <= {"cheese", "apple", "soup"}
    assert page.run("document.querySelectorAll('.way')[1].querySelector('h3').textContent") == "+dog +bread −cat"
    fill(page, 1, "", "")
    assert page.run("document.querySelector('[role=alert]').textContent") == "Type a word first."
    fill(page, 1, "nonsense", "")
    assert '"nonsense" is not in the vocabulary' in page.run("document.querySelector('[role=alert]').textContent")


def test_a_sentence(page, url):
    page.open(f"{url}#text-classification")
    fill(page, 0, "a dog and a cat")
    assert page.run(NAMES.format(way=0)) == ["animal", "food"]
    widths = page.run(ROWS.format(way=0) + ".map(row => parseFloat(row.querySelector('.bar').style.width))")
    assert widths[0] > 60 > widths[1]
    assert sum(widths) == pytest.approx(100, abs=0.5)


def test_a_document_and_several(page, url):
    page.open(f"{url}#topics")
    fill(page, 0, "dog cat bird dog")
    rows = page.run(NAMES.format(way=0))
    assert sorted(rows) == ["Topic 1", "Topic 2", "Topic 3"]
    told = page.run("document.querySelectorAll('.bars .more')[0].textContent")
    assert told in ("dog, cat, bird", "bread, cheese, apple", "rain, snow, wind")
    fill(page, 1, "dog cat\nbread cheese\nsnow")
    assert len(page.run(NAMES.format(way=1))) == 6


def test_a_pair(page, url):
    page.open(f"{url}#object2vec")
    fill(page, 0, "dog cat", "bread")
    assert len(page.run(NAMES.format(way=0))) == 2
    fill(page, 0, "dog cat", "")
    assert page.run("document.querySelector('[role=alert]').textContent") == "Type both of them first."


def test_the_request_itself(page, url):
    page.open(f"{url}#text-classification")
    page.run("document.querySelector('details').open = true")
    last = page.run("document.querySelectorAll('.way').length") - 1
    fill(page, last, '{"instances": ["dog"]}')
    assert '"label":["__label__animal"]' in page.run("document.querySelector('pre').textContent")
    fill(page, last, "{", "text/csv")
    assert "content-type text/csv not supported" in page.run("document.querySelector('[role=alert]').textContent")


def test_what_people_write_is_no_html(page, url):
    page.open(url)
    fill(page, 0, "<img src=x onerror=alert(1)>")
    assert page.run("document.querySelectorAll('main img').length") == 0
    assert "<img" in page.run("document.querySelector('.result').textContent")


def test_the_keyboard_is_enough(page, url):
    page.open(url)
    page.press("Tab")
    assert page.run("document.activeElement.value") == "word2vec"
    page.press("ArrowRight")
    page.until("document.title.startsWith('text-classification')")
    assert page.run("location.hash") == "#text-classification"
    page.press("Tab")
    assert page.run("document.activeElement.tagName") == "TEXTAREA"
    page.type("bread and soup")
    page.press("Enter", modifiers=2)  # Ctrl
    page.until("document.querySelectorAll('.bars li').length === 2")
    assert page.run(NAMES.format(way=0))[0] == "food"
    page.press("Tab")
    assert page.run("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    named = "[...document.querySelectorAll('input, textarea')].every(each => each.labels.length)"
    assert page.run(named)


@pytest.mark.parametrize("place", ["#word2vec", "#text-classification", "#topics", "#object2vec", "docs"])
def test_it_fits_a_phone(page, url, place, tmp_path):
    page.size(360, 740)
    try:
        page.open(url + place)
        if place == "docs":
            page.run("document.querySelectorAll('details').forEach(each => each.open = true)")
        assert page.run("document.documentElement.scrollWidth") <= 360
        picture(page, tmp_path, f"phone-{place.strip('#')}")
    finally:
        page.size(1200, 900)


def test_the_routes_open_and_lead_back(page, url, tmp_path):
    page.open(f"{url}docs")
    count = page.run("document.querySelectorAll('details').length")
    described = httpx.get(f"{url}openapi.json").json()["paths"]
    assert count == sum(len(methods) for methods in described.values())
    page.run("document.querySelector('summary').click()")
    assert page.run("document.querySelector('details').open")
    assert page.run("document.querySelector('a').href") == url
    picture(page, tmp_path, "docs")


def test_the_policy_holds(page, url):
    """A script, a style and an address of somebody else's come to nothing; the browser says so."""
    page.open(url)
    page.run(
        "const script = document.createElement('script'); script.textContent = 'window.foreign = 1';"
        "document.body.append(script); fetch('http://127.0.0.1:1/').catch(() => {}); 1"
    )
    assert page.run("window.foreign === undefined")
    page.until("1")
    assert any("Content Security Policy" in each for each in page.complaints)
    page.complaints.clear()


def picture(page, folder: Path, name: str) -> None:
    """Kept where EMBERTEXT_PICTURES says."""
    page.picture(Path(os.environ.get("EMBERTEXT_PICTURES", folder), f"{name}.png"))
