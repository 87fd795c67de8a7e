"""What clients of other servers say, and how they understand the answers."""

from load.dialect import Over, Ready, Say
from load.dialects import SignedInSocketIo, Silent, SocketIo
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


def test_a_client_that_signs_in_to_socketio_sends_its_token_and_asks_for_its_room() -> None:
    client = SignedInSocketIo("t", "orders")
    assert client.hear(b'0{"sid":"a","upgrades":[]}') == Say(b'40{"token": "t"}')
    assert client.hear(b'40{"sid":"b"}') == Say(b'420["subscribe", "orders"]')
    assert client.hear(b"430[true]") == Ready()


def test_a_room_that_socketio_does_not_give_ends_it() -> None:
    heard = SignedInSocketIo("t", "orders").hear(b"430[false]")
    assert isinstance(heard, Over)
    assert heard.how == "subscription refused"


def test_a_client_that_signs_in_answers_pings_too() -> None:
    assert SignedInSocketIo("t", "orders").hear(b"2") == Say(b"3")
