"""Commands to Redis against what the peers themselves would have written."""

import json

from load.sources.emitted import by_channels, by_python_socketio, by_socketio

EVENT = b'{"at":"2026-01-01T00:00:00Z","note":"Lakkalik\xc3\xb6\xc3\xb6ri","offset":7}'


def test_socketio_is_told_in_the_json_of_its_sharded_adapter() -> None:
    command, channel, message = by_socketio(EVENT)
    assert (command, channel) == (b"SPUBLISH", b"socket.io#/#orders#")
    data = json.loads(message)["data"]
    assert data["packet"] == {"type": 2, "data": ["order", json.loads(EVENT)], "nsp": "/"}
    assert data["opts"] == {"rooms": ["orders"], "except": [], "flags": {}}


def test_python_socketio_is_told_in_the_json_of_its_manager() -> None:
    _, channel, message = by_python_socketio(EVENT)
    emit = json.loads(message)
    assert channel == b"socketio"
    assert (emit["method"], emit["room"], emit["event"]) == ("emit", "orders", "order")
    assert emit["data"] == json.loads(EVENT)


def test_channels_is_told_in_messagepack_with_a_length_in_bytes() -> None:
    _, channel, message = by_channels(EVENT)
    assert channel == b"asgi__group__orders"
    head, text = message.split(b"\xa4text\xda")
    assert head == b"\x82\xa4type\xadorder.changed"
    assert text == len(EVENT).to_bytes(2) + EVENT
