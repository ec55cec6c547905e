"""A client of an application in this process."""

import asyncio

import httpx


class Client:
    """Like httpx's own, without a server. Errors of the application are answers, as a server would have it."""

    def __init__(self, app):
        self.app = app

    def request(self, method, path, **settings):
        async def ask():
            transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                return await client.request(method, path, **settings)

        return asyncio.run(ask())

    def get(self, path, **settings):
        return self.request("GET", path, **settings)

    def post(self, path, **settings):
        return self.request("POST", path, **settings)
