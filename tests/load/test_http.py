"""The small HTTP client, against a server that says what a test tells it to."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from load.http import FAILURES, HttpClient, UnreadableAnswer

ANSWER = b'HTTP/1.1 201 Created\r\nContent-Length: 10\r\nETag: "7"\r\n\r\n{"id":"a"}'


class Server:
    """Answers each request with the next of `script`; an empty one closes the connection."""

    def __init__(self, *script: bytes) -> None:
        self.script = list(script)
        self.requests: list[bytes] = []
        self.connections = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with_answers = True
        while with_answers and (head := await _head(reader)):
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            self.requests.append(head + await reader.readexactly(length))
            answer = self.script.pop(0)
            writer.write(answer)
            with_answers = bool(answer)
        writer.close()


async def _head(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""


@asynccontextmanager
async def client_of(server: Server) -> AsyncIterator[HttpClient]:
    async with await asyncio.start_server(server.serve, "127.0.0.1", 0) as listening:
        port = listening.sockets[0].getsockname()[1]
        client = HttpClient(f"http://127.0.0.1:{port}/api/v1")
        yield client
        client.close()


async def test_a_request_is_sent_as_json_below_the_path_of_the_server() -> None:
    server = Server(ANSWER)
    async with client_of(server) as client:
        await client.send("POST", "/orders", {"Authorization": "Bearer t"}, {"note": "K\u00e4se"})
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /api/v1/orders HTTP/1.1\r\nHost: 127.0.0.1:")
    assert b"\r\nAuthorization: Bearer t" in head
    assert body == b'{"note": "K\\u00e4se"}'


async def test_an_answer_has_status_headers_and_body() -> None:
    async with client_of(Server(ANSWER)) as client:
        answer = await client.send("POST", "/orders", {}, {})
    assert (answer.status_code, answer.is_success) == (201, True)
    assert answer.headers["etag"] == '"7"'
    assert answer.json() == {"id": "a"}


async def test_a_connection_is_used_again() -> None:
    server = Server(ANSWER, ANSWER, ANSWER)
    async with client_of(server) as client:
        for _ in range(3):
            await client.send("POST", "/orders", {}, {})
    assert server.connections == 1


async def test_requests_at_once_have_a_connection_each() -> None:
    server = Server(ANSWER, ANSWER)
    async with client_of(server) as client:
        await asyncio.gather(*(client.send("POST", "/orders", {}, {}) for _ in range(2)))
    assert server.connections == 2


async def test_a_connection_that_ends_before_the_answer_is_a_failure() -> None:
    async with client_of(Server(b"", ANSWER)) as client:
        with pytest.raises(FAILURES):
            await client.send("POST", "/orders", {}, {})
        assert (await client.send("POST", "/orders", {}, {})).is_success


async def test_an_error_is_an_answer_too() -> None:
    async with client_of(Server(b"HTTP/1.1 409 Conflict\r\nContent-Length: 0\r\n\r\n")) as client:
        answer = await client.send("POST", "/orders", {}, {})
    assert (answer.status_code, answer.is_success, answer.content) == (409, False, b"")


CHUNKED = b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"


@pytest.mark.parametrize("unreadable", [CHUNKED, b"not HTTP\r\n\r\n"])
async def test_an_answer_without_a_length_is_a_failure_and_ends_its_connection(
    unreadable: bytes,
) -> None:
    server = Server(unreadable, ANSWER)
    async with client_of(server) as client:
        with pytest.raises(UnreadableAnswer):
            await client.send("POST", "/orders", {}, {})
        assert (await client.send("POST", "/orders", {}, {})).is_success
    assert server.connections == 2


async def test_the_certificates_are_read_once_for_all_connections(contexts: list[object]) -> None:
    def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as listening:
        client = HttpClient(f"https://127.0.0.1:{listening.sockets[0].getsockname()[1]}")
        for _ in range(2):
            with pytest.raises(FAILURES):
                await client.send("POST", "/orders", {}, {})
    assert len(contexts) == 1
