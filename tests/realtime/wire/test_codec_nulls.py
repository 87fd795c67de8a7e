"""The JSON flavour: what is null."""

import json

import pytest

from app.realtime.wire.codec import JSON
from app.realtime.wire.requests import PublishRequest


@pytest.mark.parametrize(
    ("told", "same"),
    [
        ('{"id":1,"connect":{"token":null,"subs":null,"name":null}}', '{"id":1,"connect":{}}'),
        (
            '{"id":1,"connect":{"subs":{"users:1":{"recover":null,"epoch":null,"offset":null}}}}',
            '{"id":1,"connect":{"subs":{"users:1":{}}}}',
        ),
        (
            '{"id":1,"connect":null,"history":{"channel":"orders","limit":null,"since":null}}',
            '{"id":1,"history":{"channel":"orders"}}',
        ),
        (
            '{"id":1,"publish":{"channel":"orders","data":null}}',
            '{"id":1,"publish":{"channel":"orders"}}',
        ),
        (
            '{"id":1,"connect":{"subs":{"users:1":null,"users:2":{"offset":null}}}}',
            '{"id":1,"connect":{"subs":{"users:2":{}}}}',
        ),
        (
            '{"id":1,"history":{"channel":"orders","since":{"offset":null,"epoch":null}}}',
            '{"id":1,"history":{"channel":"orders","since":{}}}',
        ),
    ],
)
def test_what_is_null_is_left_out(told: str, same: str) -> None:
    (command,), (expected,) = JSON.parse(told), JSON.parse(same)
    assert command == expected


def test_what_a_client_sends_to_others_keeps_its_nulls() -> None:
    data = {"editing": None, "words": ["NaN", "null", None]}
    publish = {"channel": "orders", "data": data, "key": None}
    (command,) = JSON.parse(json.dumps({"id": 1, "publish": publish}))
    assert isinstance(command.request, PublishRequest)
    assert command.request.data == data
