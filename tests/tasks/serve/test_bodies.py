"""The body of a request, not more of it than is allowed."""

import asyncio

import pytest

from tasks.serve import bodies


class Client:
    """Sends what it is told to, as uvicorn passes it on, and keeps what it gets."""

    def __init__(self, *parts, ends=True):
        self.parts, self.ends, self.asked, self.got = list(parts), ends, 0, []

    async def receive(self):
        self.asked += 1
        if not self.parts:
            if self.ends:
                return {"type": "http.disconnect"}
            await asyncio.sleep(60)
        part = self.parts.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(self.parts) or not self.ends}

    async def send(self, message):
        self.got.append(message)


def read(client, *, announced=b"", most=10):
    return asyncio.run(bodies.read(client.receive, announced=announced, most=most))


@pytest.mark.parametrize("parts", [[b""], [b"0123456789"], [b"01234", b"56789"], [b"0123456789", b""], [b"0"] * 10])
def test_a_body_that_fits_is_read_whole(parts):
    assert read(Client(*parts)) == b"".join(parts)


@pytest.mark.parametrize("announced", [b"11", b"99999999999", b"9" * 50])
def test_too_much_is_refused_before_any_of_it_is_read(announced):
    client = Client(b"0123456789", b"0")
    with pytest.raises(bodies.TooLarge) as refusal:
        read(client, announced=announced)
    assert refusal.value.size > 10
    assert client.asked == 0


def test_too_much_in_parts_is_refused_at_the_part_that_is_too_much():
    client = Client(b"012345", b"67890", b"12345")
    with pytest.raises(bodies.TooLarge):
        read(client)
    assert client.asked == 2


def test_a_client_that_leaves_is_told_apart():
    with pytest.raises(bodies.Disconnected):
        asyncio.run(bodies.read(_then_gone(b"01234"), announced=b"", most=10))


def _then_gone(part):
    messages = [{"type": "http.request", "body": part, "more_body": True}, {"type": "http.disconnect"}]

    async def receive():
        return messages.pop(0)

    return receive


def test_a_client_that_is_too_slow_is_given_up(monkeypatch):
    monkeypatch.setattr(bodies, "READ_SECONDS", 0.01)
    with pytest.raises(TimeoutError):
        read(Client(b"01", ends=False))


def test_a_refused_client_may_send_the_rest_and_hears_the_refusal_before():
    client = Client(b"0" * 100, b"1" * 100)
    asyncio.run(bodies.refuse(bodies.TooLarge(200), client.receive, client.send, most=10))
    start, body, end = client.got
    assert start["status"] == 413
    assert (b"connection", b"close") in start["headers"]
    assert (
        body["body"]
        == b"the body is too large: 200 bytes, and at most 10 bytes are taken; send fewer instances a request"
    )
    assert body["more_body"]
    assert end == {"type": "http.response.body", "body": b""}
    assert not client.parts


@pytest.mark.parametrize(("bound", "value"), [("LINGER_SECONDS", 0.01), ("LINGER_BYTES", 100)])
def test_nobody_is_listened_to_for_ever(monkeypatch, bound, value):
    monkeypatch.setattr(bodies, bound, value)
    client = Client(*[b"0" * 60] * 3, ends=False)
    asyncio.run(bodies.linger(client.receive, client.send))
    assert client.got == [{"type": "http.response.body", "body": b""}]
