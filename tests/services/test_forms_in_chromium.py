"""What a person sees of the platform: Prefect's pages in a real Chromium, from the form of a run to its artifacts.

Pictures for the documentation are taken where EMBERTEXT_PICTURES names a folder, of text that EMBERTEXT_DATA has.
"""

import json
import lzma
import os
import re
import shutil
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests import planted
from tests.services.chromium import CHROMIUM, browser

pytestmark = [pytest.mark.services, pytest.mark.skipif(not CHROMIUM, reason="needs Chromium")]

PICTURES = os.environ.get("EMBERTEXT_PICTURES", "")
LOCAL = {"work_pools": {"name": {"any_": ["local"]}}}  # what prefect.yaml has
NEWS = Path("/tmp/news")  # what pictures show: nobody's own folders

# Of each field: what it is called and explained by, and what there is to fill in. A form in the form has its own.
FIELDS = """[...document.querySelectorAll('form label')].filter(label => label.closest('.group')).map(label => {
    const field = label.closest('.group'), filled = field.querySelector('fieldset');
    const has = what => filled.querySelector(what);
    const adds = [...filled.querySelectorAll('button')].some(button => button.textContent.startsWith('Add'));
    const kind = has(':scope > [role=tablist], :scope > * > [role=tablist]') ? 'several' : has('.group') ? 'form'
        : has('.cm-editor') ? 'json' : adds ? 'list' : has('[aria-haspopup=listbox]') ? 'one'
        : has('[role=switch]') ? 'flag' : has('input[type=number]') ? 'number' : has('textarea') ? 'text' : 'nothing';
    return [label.textContent.replace(' (Optional)', ''), field.querySelector('p')?.textContent ?? '', kind];
})"""
FIELD = "[...document.querySelectorAll('form label')].find(label => label.textContent.startsWith({title}))"
BUTTON = "[...document.querySelectorAll('button, a, [role=menuitem]')].find(each => each.textContent.trim() === {text})"

GONE = "!document.querySelector('[data-sonner-toast][data-type=error]')"  # which lies upon the button for a while


@pytest.fixture(scope="module")
def pages(prefect_server):
    return str(prefect_server.client.base_url).replace("/api/", "/v2")


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    with browser(tmp_path_factory.mktemp("chromium")) as found:
        found.size(1400, 1000)
        yield found


@contextmanager
def nothing_wrong(page, *, but="nothing"):
    """Nothing is asked for elsewhere, nor complained of, but what is expected.

    Prefect's page asks Amplitude how to be of use to it, also where analytics is off; then that is all it asks.
    """
    page.complaints.clear()
    page.requests.clear()
    yield
    assert [each[:1000] for each in page.complaints if not re.search(but, each)] == []
    hosts = {each.split("/")[2] for each in page.requests if each.startswith("http")}
    assert {host for host in hosts if not host.startswith("127.0.0.1:")} <= {"sr-client-cfg.amplitude.com"}


def show(page, url):
    page.command("Page.navigate", url=url)
    page.until(f"location.href.startsWith({json.dumps(url)}) && document.body?.innerText")


def click(page, text):
    page.until(GONE)
    page.until(BUTTON.format(text=json.dumps(text)))
    page.click(BUTTON.format(text=json.dumps(text)))


def submit(page):
    """And follow the link to the run. Again where the server answers 503, its word for a busy database, for which the
    page has no words: its other requests are repeated, this one is not."""
    view = BUTTON.format(text='"View run"')
    for _ in range(5):
        click(page, "Submit")
        page.until(f"{view} || !({GONE})")
        if page.run(f"!!{view}"):
            page.run(f"{view}.click()")  # without the mouse, which a button that slides in would escape
            return
    pytest.fail("the server is always busy")


def fill(page, title, text):
    """Write into a field, by its label."""
    label = FIELD.format(title=json.dumps(title))
    page.click(f"document.getElementById({label}.htmlFor)")
    page.write(text)
    assert page.run(f"document.getElementById({label}.htmlFor).value") == text


def told(page, title):
    """What a field complains of: the page's own words below it, or the browser's."""
    label = FIELD.format(title=json.dumps(title))
    below = page.run(f"{label}.closest('.group').querySelector('.text-destructive')?.textContent ?? ''")
    return below or page.run(f"document.getElementById({label}.htmlFor).validationMessage")


def expected(schema):
    """Titles, explanations and kinds of all fields of a form, from top to bottom."""
    return list(_expected(schema["properties"], schema.get("definitions", {})))


def _expected(properties, definitions):
    kinds = {"string": "text", "integer": "number", "number": "number", "boolean": "flag", "array": "list"}
    for field in sorted(properties.values(), key=lambda each: each["position"]):
        if "$ref" in field:
            field = {**definitions[field["$ref"].rpartition("/")[2]], **field}
        some = [each for each in field.get("anyOf", [field]) if each.get("type") != "null"]
        inner = field.get("properties", {})
        kind = "form" if inner else "one" if "enum" in some[0] else kinds[some[0]["type"]]
        kind = "several" if len(field.get("anyOf", [])) > 1 else kind
        yield [
            field["title"],
            " ".join(field["description"].split()),
            "several" if len(field.get("anyOf", [])) > 1 else kind,
        ]
        yield from _expected(inner, definitions)


def test_every_deployment_has_a_form_that_explains_itself(prefect_server, pages, page):
    deployments = prefect_server.client.post("/deployments/filter", json=LOCAL).raise_for_status().json()
    assert len(deployments) >= 11
    for deployment in deployments:
        wanted = expected(deployment["parameter_openapi_schema"])
        with nothing_wrong(page):
            show(page, f"{pages}/deployments/deployment/{deployment['id']}/run")
            page.until(f"{FIELDS}.length >= {len(wanted)}")
            shown = [[title, " ".join(text.split()), kind] for title, text, kind in page.run(FIELDS)]
            assert shown == wanted, deployment["name"]


def test_a_run_by_hand(prefect_server, pages, page, tmp_path):
    place, corpus, dimension = prepared(tmp_path)
    deployment = prefect_server.client.get("/deployments/name/word2vec/word2vec").raise_for_status().json()
    with nothing_wrong(page, but="'word2vec.sampling_threshold'|Unknown error while creating"):
        show(page, f"{pages}/deployments/deployment/{deployment['id']}")
        click(page, "Run")
        click(page, "Custom run")
        page.until("location.pathname.endsWith('/run')")
        page.until(f"{FIELDS}.length > 20")
        fill(page, "Run Name", "news-2026-01")
        fill(page, "Training data", str(corpus))
        fill(page, "Output", str(place / "models"))
        fill(page, "Minimum count", "1" if not PICTURES else "5")

        fill(page, "Vector dimension", "5000")
        click(page, "Submit")
        assert told(page, "Vector dimension") == "Value must be less than or equal to 2048."
        fill(page, "Vector dimension", dimension)
        fill(page, "Sampling threshold", "2")  # an open bound, which no browser knows: the server answers
        click(page, "Submit")
        page.until("document.querySelector('form .text-destructive')")
        assert told(page, "Sampling threshold") == "2 is greater than or equal to the maximum of 1"
        fill(page, "Sampling threshold", "0.001")
        page.until(GONE)
        picture(page, "ui-form")
        submit(page)
        page.until("location.pathname.includes('/runs/flow-run/')")
        run = page.run("location.pathname.split('/').pop()")
        page.until("document.querySelector('canvas')")
        page.until("document.body.innerText.includes('\\nCompleted\\n')", seconds=180)
        show(page, f"{pages}/runs/flow-run/{run}?tab=Artifacts")
        page.until("document.querySelector('canvas')")
        picture(page, "ui-run", height=800)

    found = prefect_server.client.post("/artifacts/filter", json={"flow_runs": {"id": {"any_": [run]}}}).json()
    numbers = {each["key"]: each["id"] for each in found}
    with nothing_wrong(page):
        click(page, "Artifacts")
        page.until("location.search.includes('tab=Artifacts')")
        for key in numbers:
            page.until(f"document.body.innerText.includes({json.dumps(key)})")

        show(page, f"{pages}/artifacts/artifact/{numbers['word2vec-training']}")
        page.until("document.body.innerText.includes('Progress: 100%')")
        show(page, f"{pages}/artifacts/artifact/{numbers['word2vec-neighbours']}")
        page.until("document.querySelectorAll('td').length > 8")
        show(page, f"{pages}/artifacts/artifact/{numbers['word2vec-report']}")
        page.until("[...document.querySelectorAll('a')].some(each => each.textContent === 'report.html')")
        show(page, f"{pages}/artifacts/artifact/{numbers['word2vec-summary']}")
        page.until("[...document.querySelectorAll('img')].some(each => each.naturalWidth > 500)")
        picture(page, "ui-artifacts", height=1640)


def prepared(tmp_path):
    """Where a run by hand has its text and its models, and how long its vectors are."""
    if not PICTURES:
        return tmp_path, planted.write(tmp_path / "planted.txt", seed=9), "8"
    shutil.rmtree(NEWS, ignore_errors=True)
    NEWS.mkdir()
    corpus = NEWS / "2026-01.txt"
    with lzma.open(Path(os.environ["EMBERTEXT_DATA"], "wiki", "text8style.xz")) as text:
        corpus.write_bytes(text.read(15_000_000))
    return NEWS, corpus, "100"


def picture(page, name, *, height=1000):
    if PICTURES:
        page.run("window.scrollTo(0, 0)")
        page.size(1400, height)
        time.sleep(5)  # until all is drawn, and what slid in is gone
        page.until(GONE)
        page.picture(Path(PICTURES, f"{name}.png"), whole=False)
        page.size(1400, 1000)
