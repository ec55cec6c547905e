"""Pages for people: one to try the models on, one that tells the routes. Each is whole in itself and loads nothing.

What the browser may do is told by a header: the page's own script, by its hash, and requests to this server alone.
"""

import base64
import hashlib
import json
import re
from functools import cache
from pathlib import Path

from fastapi import APIRouter, FastAPI
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader

METHODS = ("get", "post")
HERE = Path(__file__).parent


def router(app: FastAPI) -> APIRouter:
    """GET / and /docs."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/")
    async def try_it() -> HTMLResponse:
        return _page(_read("try.html"))

    @routes.get("/docs")
    def docs() -> HTMLResponse:
        return _page(_told(app))

    return routes


def _told(app: FastAPI) -> str:
    """The routes as HTML, from OpenAPI's description of them."""
    environment = Environment(
        loader=PackageLoader("tasks.serve", "."), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["pretty"] = lambda value: json.dumps(value, ensure_ascii=False)
    return environment.get_template("docs.html.j2").render(api=app.openapi(), methods=METHODS)


def _page(html: str) -> HTMLResponse:
    policy = (
        "default-src 'none'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
        f"frame-ancestors 'none'; script-src {_hashes(html, 'script')}; style-src {_hashes(html, 'style')}"
    )
    headers = {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-cache",
    }
    return HTMLResponse(html, headers=headers)


@cache
def _hashes(html: str, tag: str) -> str:
    """The sources that a policy allows: what the page itself has in such tags."""
    inside = re.findall(f"<{tag}>(.*?)</{tag}>", html, flags=re.DOTALL)
    digests = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in inside)
    return " ".join(f"'sha256-{digest}'" for digest in digests) or "'none'"


@cache
def _read(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")
