"""What a server asks of the kernel for its connections."""

import socket

import pytest

from app.server import NOT_SENT_BYTES, limit_not_sent


@pytest.mark.skipif(
    not hasattr(socket, "TCP_NOTSENT_LOWAT"), reason="this system has no TCP_NOTSENT_LOWAT"
)
def test_connections_inherit_the_limit_of_what_is_not_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        limit_not_sent([listener])
        with socket.create_connection(listener.getsockname()):
            accepted, _ = listener.accept()
            with accepted:
                found = accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT)
    assert found == NOT_SENT_BYTES
