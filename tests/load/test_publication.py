"""The scan of a publication line against what JSON would say."""

import json
from datetime import UTC, datetime

import pytest

from load.publication import prefix, scan

AT = "2026-01-31T12:00:00.123456Z"
AT_MICROSECONDS = 1_769_860_800_123_456


def line(offset: int, note: str = "", **pub: object) -> bytes:
    order = {"note": note, "created_at": "2020-01-01T00:00:00.000000Z"}
    data = {"type": "order.created", "id": "x", "at": AT, "order": order}
    push = {"push": {"channel": "orders", "pub": {"data": data, "offset": offset, **pub}}}
    return json.dumps(push, separators=(",", ":"), ensure_ascii=False).encode()


def test_offset_and_time_are_found() -> None:
    assert scan(line(12)) == (12, AT_MICROSECONDS)


def test_the_time_is_exact_to_the_microsecond() -> None:
    found = scan(line(12))
    assert found
    whole = datetime(2026, 1, 31, 12, tzinfo=UTC).timestamp()
    assert found[1] == int(whole) * 1_000_000 + 123_456


@pytest.mark.parametrize("note", ['"at":"1999', '"offset":99', "Lakkalikööri \\", '","offset":7,"'])
def test_the_text_of_an_order_cannot_pass_for_a_position(note: str) -> None:
    assert scan(line(12, note)) == (12, AT_MICROSECONDS)


def test_fields_after_the_offset_do_not_matter() -> None:
    assert scan(line(12, tags={"a": "b"})) == (12, AT_MICROSECONDS)


@pytest.mark.parametrize(
    "other",
    [
        b"{}",
        b'{"id":2,"subscribe":{"offset":12}}',
        b'{"push":{"channel":"orders","pub":{"data":{"at":"2026-01-31T12:00:00.123456Z"}}}}',
    ],
)
def test_a_line_without_both_is_no_publication(other: bytes) -> None:
    assert scan(other) is None


def test_the_prefix_tells_channels_apart() -> None:
    assert line(1).startswith(prefix("orders"))
    assert not line(1).startswith(prefix("orders:1"))
    assert not line(1).startswith(prefix("users"))
