"""Door: which requests are taken for sockets before any parser has seen them."""

import pytest

from app.realtime.websocket.door import asks_for_socket
from app.realtime.websocket.opening import with_lower_names

LINES = ("Host: a", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13")


def request(first: str = "GET /ws HTTP/1.1", lines: tuple[str, ...] = LINES) -> bytes:
    return "\r\n".join([first, *lines, "", ""]).encode()


@pytest.mark.parametrize(
    "head",
    [
        request(),
        request("GET /ws?cf_protocol=protobuf HTTP/1.1"),
        request("GET /connection/websocket HTTP/1.1"),
        request(lines=("Host: a", "upgrade: WebSocket", "connection: keep-alive, Upgrade")),
    ],
)
def test_a_plain_upgrade_at_a_path_of_ours_is(head: bytes) -> None:
    assert asks_for_socket(head)


@pytest.mark.parametrize(
    "head",
    [
        b"",
        request("GET /wsx HTTP/1.1"),
        request("GET /api/v1/orders HTTP/1.1"),
        request("POST /ws HTTP/1.1"),
        request(lines=("Host: a",)),
        request(lines=("Host: a", "Upgrade: websocket")),
        request(lines=("Host: a", "Connection: Upgrade", "Upgrade: h2c")),
        request()[:-1],
        request() + b"more",
    ],
)
def test_anything_else_is_left_to_the_parser(head: bytes) -> None:
    assert not asks_for_socket(head)


def test_names_become_lower_case_and_nothing_else_does() -> None:
    head = with_lower_names(request(lines=("Origin: https://A.example:1", "X-Y:Z")))
    assert head == b"GET /ws HTTP/1.1\r\norigin: https://A.example:1\r\nx-y:Z\r\n\r\n"
