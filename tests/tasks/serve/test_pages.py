"""Pages that load nothing, and a description of every route."""

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest

from tasks.serve.endpoint import create_app
from tasks.serve.models import Models
from tests.tasks.serve.client import Client
from tests.tasks.serve.fake import Fake

ADDRESSES = {"src", "href", "action", "data", "poster", "srcset"}


class Page(HTMLParser):
    """What a page refers to, what it contains of scripts and styles, and what it has in attributes."""

    def __init__(self, html):
        super().__init__()
        self.addresses, self.inside, self.attributes, self._tag = [], {"script": "", "style": ""}, set(), ""
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self._tag = tag
        self.attributes |= {name for name, _ in attributes}
        self.addresses += [value for name, value in attributes if name in ADDRESSES]

    def handle_endtag(self, tag):
        self._tag = ""

    def handle_data(self, data):
        if self._tag in self.inside:
            self.inside[self._tag] += data


@pytest.fixture
def app():
    return Client(create_app(Models.of(words=Fake(), others=Fake())))


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_a_page_is_whole_in_itself_and_may_load_nothing(app, path):
    answer = app.get(path)
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    page = Page(answer.text)
    assert not [address for address in page.addresses if re.match(r"(https?:)?//|data:|blob:|javascript:", address)]
    assert "@import" not in page.inside["style"]
    assert "url(" not in page.inside["style"]
    assert "innerHTML" not in page.inside["script"]
    assert not {name for name in page.attributes if name.startswith("on")} | (page.attributes & {"style"})
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["connect-src"] == "'self'"
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    for tag, text in page.inside.items():
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert policy[f"{tag}-src"] == (f"'sha256-{digest}'" if text else "'none'")


def test_every_route_is_described(app):
    described = app.get("/openapi.json").json()
    assert described["paths"].keys() == {
        "/invocations",
        "/models/{name}/invocations",
        "/endpoints/{name}/invocations",
        "/ping",
        "/execution-parameters",
        "/models",
        "/models/{name}",
        "/reload",
        "/metrics",
        "/neighbors",
        "/models/{name}/neighbors",
    }
    assert set(described["paths"]["/neighbors"]) == {"get", "post"}
    for methods in described["paths"].values():
        for route in methods.values():
            assert route["summary"]
            assert route["tags"][0] in ("SageMaker", "Beyond SageMaker")
    body = described["paths"]["/invocations"]["post"]["requestBody"]["content"]
    assert body["application/json"]["examples"]["others"]["value"] == {"instances": ["a"]}
    assert body["application/jsonlines"]["examples"]["words"]["value"] == '{"source":"a"}'
    names = [operation["operationId"] for methods in described["paths"].values() for operation in methods.values()]
    assert len(names) == len(set(names))


def test_the_routes_as_a_page(app):
    page = app.get("/docs").text
    for path in app.get("/openapi.json").json()["paths"]:
        assert f"<code>{path}</code>" in page
    assert "&#34;instances&#34;: [&#34;a&#34;]" in page
    assert "Find the nearest words of each." in page
