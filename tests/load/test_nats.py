"""The NATS protocol as a client reads it, however it is cut into messages."""

import json
from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from load.dialect import Over, Ready, Say
from load.nats import Nats, split


def payload(offset: int) -> bytes:
    return json.dumps({"at": "2026-01-01T00:00:00Z", "offset": offset}).encode()


def message(data: bytes, subject: bytes = b"orders") -> bytes:
    return b"MSG %b 1 %d\r\n%b\r\n" % (subject, len(data), data)


def told(dialect: Nats, messages: Iterable[bytes]) -> list[bytes]:
    return [line for each in messages for line in dialect.lines(each)]


STREAM = b"INFO {}\r\n" + message(payload(1)) + b"PING\r\n" + message(b"") + message(payload(2))
LINES = [b"INFO {}", payload(1), b"PING", b"", payload(2)]


@given(st.lists(st.integers(0, len(STREAM)), max_size=8))
def test_a_stream_says_the_same_wherever_it_is_cut(cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(STREAM)]
    parts = [STREAM[one:two] for one, two in pairwise(places)]
    assert told(Nats("", "orders"), parts) == LINES


def test_a_payload_may_hold_the_end_of_a_line() -> None:
    assert split(message(b'{"a":1}\r\nMSG ') + b"PI") == ([b'{"a":1}\r\nMSG '], b"PI")


def test_the_subject_of_a_reply_is_no_length() -> None:
    assert split(b"MSG orders 1 inbox.7 2\r\n{}\r\n") == ([b"{}"], b"")


def test_a_message_that_goes_on_in_the_next_is_not_whole() -> None:
    dialect = Nats("", "orders")
    assert dialect.whole(message(payload(1))) == [payload(1)]
    assert dialect.whole(message(payload(1))[:-1]) is None


def test_what_follows_a_part_is_not_whole_either() -> None:
    dialect = Nats("", "orders")
    dialect.lines(message(payload(1))[:-1])
    assert dialect.whole(message(payload(2))) is None


@pytest.mark.parametrize(
    ("line", "heard"),
    [(b"PING", Say(b"PONG\r\n")), (b"PONG", Ready()), (b"+OK", None), (b"INFO {}", None)],
)
def test_a_ping_is_answered_and_a_pong_says_that_the_subscription_stands(
    line: bytes, heard: object
) -> None:
    assert Nats("", "orders").hear(line) == heard


def test_an_error_ends_it() -> None:
    heard = Nats("", "orders").hear(b"-ERR 'Slow Consumer'")
    assert isinstance(heard, Over)
    assert heard.how == "-ERR 'Slow Consumer'"


def test_with_a_token_it_signs_in_and_has_two_subscriptions() -> None:
    (opening,) = Nats("secret", "orders").opened()
    assert isinstance(opening, bytes)
    connect, *rest = opening.split(b"\r\n")
    assert json.loads(connect.removeprefix(b"CONNECT "))["pass"] == "secret"
    assert rest == [b"SUB orders 1", b"SUB users.load 2", b"PING", b""]


def test_without_a_token_it_has_one_and_no_name() -> None:
    (opening,) = Nats("", "orders").opened()
    assert isinstance(opening, bytes)
    assert b"user" not in opening
