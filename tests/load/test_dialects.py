"""What clients of other servers say, and how they understand the answers."""

from load.dialect import Over, Ready, Say
from load.dialects import Silent, SocketIo
from load.publication import scan

EVENT = b'42["order",{"at":"2026-01-01T00:00:00Z","offset":7}]'


def test_a_client_of_socketio_connects_once_the_transport_is_open() -> None:
    assert SocketIo("", "").hear(b'0{"sid":"a","upgrades":[]}') == Say(b"40")


def test_a_client_of_socketio_is_ready_once_it_is_connected() -> None:
    assert SocketIo("", "").hear(b'40{"sid":"b"}') == Ready()


def test_a_client_of_socketio_answers_pings() -> None:
    assert SocketIo("", "").hear(b"2") == Say(b"3")


def test_a_refusal_of_socketio_ends_it() -> None:
    assert isinstance(SocketIo("", "").hear(b'44{"message":"no"}'), Over)


def test_an_event_of_socketio_is_found_in_its_frame() -> None:
    assert EVENT.startswith(SocketIo.prefix)
    found = scan(EVENT)
    assert found
    assert found.offset == 7


def test_where_no_answer_comes_the_handshake_is_enough() -> None:
    assert list(Silent("", "").opened()) == [Ready()]
