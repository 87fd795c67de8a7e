"""The limits of a body, and the headers that every answer carries."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI, Request, Response
from httpx import AsyncClient
from httpx import Response as Answer
from starlette.types import Message, Receive, Scope, Send

from app.core.errors import install_error_handlers
from app.core.middleware import (
    PAGE_POLICY,
    BodyLimitMiddleware,
    SecurityHeadersMiddleware,
    UnreadHeadersMiddleware,
)
from tests.core.serving import serving
from tests.realtime.raw_socket import connected
from tests.realtime.served import serving as served_by
from tests.waiting import until

LIMIT = 1000
SMALLER = 100

SHORT = 0.1


def make_app(max_bytes: int, seconds: float = 60) -> FastAPI:
    app = FastAPI()
    install_error_handlers(app)
    app.add_middleware(
        BodyLimitMiddleware, max_bytes=max_bytes, seconds=seconds, smaller={"/small": SMALLER}
    )
    app.add_middleware(SecurityHeadersMiddleware)
    app.add_middleware(UnreadHeadersMiddleware)

    @app.get("/headers")
    async def headers(request: Request) -> list[str]:
        return sorted(request.headers)

    @app.post("/small")
    @app.post("/size")
    async def size(request: Request) -> int:
        return len(await request.body())

    @app.post("/json")
    async def json(numbers: list[int]) -> int:
        return len(numbers)

    @app.post("/form")
    async def form(request: Request) -> int:
        async with request.form() as given:
            return len(given)

    @app.get("/own")
    async def own() -> Response:
        return Response(headers={"Content-Security-Policy": "default-src 'self'"})

    return app


@pytest.fixture
async def api() -> AsyncIterator[AsyncClient]:
    async with serving(make_app(LIMIT)) as client:
        yield client


async def chunks(size: int) -> AsyncIterator[bytes]:
    for start in range(0, size, 100):
        yield b"1" * min(100, size - start)


def is_too_large(answer: Answer) -> bool:
    return (
        answer.status_code == 413
        and answer.headers["content-type"] == "application/problem+json"
        and answer.json()["code"] == "payload_too_large"
        and answer.json()["instance"] == answer.request.url.path
    )


async def test_a_body_at_the_limit_is_taken(api: AsyncClient) -> None:
    assert (await api.post("/size", content=b"1" * LIMIT)).json() == LIMIT


async def test_a_chunked_body_at_the_limit_is_taken(api: AsyncClient) -> None:
    assert (await api.post("/size", content=chunks(LIMIT))).json() == LIMIT


async def test_a_body_that_declares_itself_too_large_is_refused(api: AsyncClient) -> None:
    assert is_too_large(await api.post("/size", content=b"1" * (LIMIT + 1)))


async def test_a_body_that_declares_itself_too_large_is_not_even_read(api: AsyncClient) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b"1"
        raise AssertionError("read on")

    headers = {"Content-Length": str(LIMIT + 1)}
    assert is_too_large(await api.post("/size", content=body(), headers=headers))


@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        ("/size", "application/octet-stream"),
        ("/json", "application/json"),
        ("/form", "application/x-www-form-urlencoded"),
    ],
)
async def test_a_chunked_body_is_refused_as_soon_as_it_is_too_large(
    api: AsyncClient, path: str, content_type: str
) -> None:
    headers = {"Content-Type": content_type}

    assert is_too_large(await api.post(path, content=chunks(LIMIT + 1), headers=headers))


async def test_a_body_that_declares_less_than_it_is_counts_as_what_it_is(
    api: AsyncClient,
) -> None:
    answer = await api.post("/size", content=chunks(LIMIT + 1), headers={"Content-Length": "5"})

    assert is_too_large(answer)


@pytest.mark.parametrize("declared", [b"-5", b"many", b"\xb2", b""])
async def test_a_length_that_is_no_number_is_not_believed(
    api: AsyncClient, declared: bytes
) -> None:
    headers = {b"Content-Length": declared}

    assert is_too_large(await api.post("/size", content=chunks(LIMIT + 1), headers=headers))


async def test_a_limit_of_zero_is_off() -> None:
    async with serving(make_app(0)) as client:
        answer = await client.post("/size", content=b"1" * 5_000_000)

    assert answer.json() == 5_000_000


@pytest.mark.parametrize("max_bytes", [0, LIMIT])
@pytest.mark.parametrize("path", ["/small", "/small%0A"])
async def test_a_path_may_have_a_smaller_limit(max_bytes: int, path: str) -> None:
    async with serving(make_app(max_bytes)) as client:
        assert (await client.post(path, content=b"1" * SMALLER)).json() == SMALLER
        for content in (b"1" * (SMALLER + 1), chunks(SMALLER + 1)):
            answer = await client.post(path, content=content)
            assert (answer.status_code, answer.json()["code"]) == (413, "payload_too_large")


async def test_no_path_has_a_larger_limit_than_all() -> None:
    async with serving(make_app(SMALLER - 1)) as client:
        assert is_too_large(await client.post("/small", content=b"1" * SMALLER))


async def test_a_path_below_a_root_has_its_limit_too() -> None:
    app = make_app(LIMIT)
    app.root_path = "/shop"
    async with serving(app) as client:
        assert is_too_large(await client.post("/shop/small", content=b"1" * (SMALLER + 1)))


# ------------------------------------------------------------------------ time


@pytest.fixture
async def hasty() -> AsyncIterator[AsyncClient]:
    """An application that waits for a body no longer than SHORT."""
    async with serving(make_app(0, SHORT)) as client:
        yield client


@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        ("/size", "application/octet-stream"),
        ("/json", "application/json"),
        ("/form", "application/x-www-form-urlencoded"),
    ],
)
async def test_a_body_that_does_not_come_is_a_timeout(
    hasty: AsyncClient, path: str, content_type: str
) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b"1"
        await asyncio.Event().wait()

    answer = await hasty.post(path, content=body(), headers={"Content-Type": content_type})

    assert (answer.status_code, answer.json()["code"]) == (408, "request_timeout")
    assert answer.headers["Content-Type"] == "application/problem+json"


async def test_all_of_a_body_shares_one_time(hasty: AsyncClient) -> None:
    async def body() -> AsyncIterator[bytes]:
        while True:
            yield b"1"
            await asyncio.sleep(SHORT / 4)

    assert (await hasty.post("/size", content=body())).status_code == 408


async def test_whose_body_does_not_come_is_hung_up_on() -> None:
    with served_by(make_app(LIMIT, SHORT), lifespan="off") as served:
        async with connected(served.port) as raw:
            raw.write(b"POST /size HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n123456789")
            assert (await raw.ended()).startswith(b"HTTP/1.1 408 ")
        await until(lambda: not served.state.tasks)


async def test_after_its_body_a_request_may_wait_for_the_client_to_leave() -> None:
    coming: list[Message] = [{"type": "http.request", "body": b"1"}, {"type": "http.disconnect"}]
    came: list[Message] = []

    async def receive() -> Message:
        if came:
            await asyncio.sleep(2 * SHORT)
        return coming.pop(0)

    async def app(_scope: Scope, receive: Receive, _send: Send) -> None:
        came.append(await receive())
        came.append(await receive())

    async def send(_message: Message) -> None:
        """Nothing is answered."""

    limited = BodyLimitMiddleware(app, LIMIT, SHORT)
    await limited({"type": "http", "path": "/", "headers": []}, receive, send)

    assert [message["type"] for message in came] == ["http.request", "http.disconnect"]


# --------------------------------------------------------------------- headers


@pytest.mark.parametrize("path", ["/size", "/nowhere"])
async def test_every_answer_carries_the_headers_that_protect_it(
    api: AsyncClient, path: str
) -> None:
    answer = await api.post(path)

    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Content-Security-Policy"] == PAGE_POLICY


async def test_an_answer_of_too_large_carries_them_too(api: AsyncClient) -> None:
    answer = await api.post("/size", content=b"1" * (LIMIT + 1))

    assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_a_page_may_bring_a_policy_of_its_own(api: AsyncClient) -> None:
    answer = await api.get("/own")

    assert answer.headers["Content-Security-Policy"] == "default-src 'self'"


@pytest.mark.parametrize("allowed", ["'unsafe-inline'", "'unsafe-eval'", "http:", "https:", "*"])
def test_the_policy_of_pages_lets_nothing_in_from_elsewhere(allowed: str) -> None:
    assert allowed not in PAGE_POLICY


def test_the_policy_of_pages_allows_nothing_by_default() -> None:
    assert PAGE_POLICY.startswith("default-src 'none';")


async def test_headers_that_nobody_reads_reach_nobody(api: AsyncClient) -> None:
    plain = (await api.get("/headers")).json()
    assert (await api.get("/headers", headers={"Cookie": "a=1", "Range": "x"})).json() == plain


async def nothing_comes() -> Message:
    return {}


async def nothing_leaves(_message: Message) -> None:
    return None


async def test_a_socket_is_opened_without_them_too() -> None:
    seen: list[Scope] = []

    async def inner(scope: Scope, _receive: Receive, _send: Send) -> None:
        seen.append(scope)

    headers = [(b"cookie", b"a=1"), (b"origin", b"https://tandem.example"), (b"cookie", b"b=2")]
    scope = {"type": "websocket", "headers": headers}
    await UnreadHeadersMiddleware(inner)(scope, nothing_comes, nothing_leaves)
    assert seen[0]["headers"] == headers[1:2]
    assert len(headers) == 3
