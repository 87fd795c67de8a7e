"""The JSON flavour: what a message may cost that is as large as a message may be."""

import json
from time import perf_counter

import pytest

from app.realtime.wire.codec import JSON

pytestmark = pytest.mark.timed

SIZE = 65_000
PING = '{"id":1,"ping":{}}'


def seconds(message: str) -> float:
    """That it takes to read, at best."""
    took: list[float] = []
    for _ in range(7):
        began = perf_counter()
        (call,) = JSON.parse(message)
        took.append(perf_counter() - began)
        assert call.id == 1
    return min(took)


def test_blank_lines_cost_no_more_than_other_blanks() -> None:
    assert seconds("\n" * SIZE + PING) < 5 * seconds(" " * SIZE + PING)


def test_a_field_that_is_null_costs_no_more_than_one_that_is_not() -> None:
    large = json.dumps({str(nth): {"a": {}} for nth in range(SIZE // 20)})
    with_null, without = (
        f'{{"id":1,"unsubscribe":{{"channel":"a"}},"history":{{"channel":"a","limit":{limit}}},'
        f'"rpc":{large}}}'
        for limit in ("null", "0")
    )
    assert seconds(with_null) < 2 * seconds(without)
