"""The frames that one message has: made once, whoever they are sent to."""

import random

import pytest

from app.realtime.wire.deflate import inflate
from app.realtime.wire.frames import DEFLATED_BYTES, FIN, RSV1, Message, Opcode, encode_frame

ORDERS = b'{"type":"order.updated","version":7,"changed":{"status":["placed","accepted"]}}' * 20


@pytest.mark.parametrize("opcode", [Opcode.TEXT, Opcode.BINARY])
def test_a_shared_message_has_a_plain_frame_and_a_compressed_one(opcode: Opcode) -> None:
    message = Message(ORDERS, opcode, shared=True)

    assert message.frame == encode_frame(opcode, ORDERS)
    first, length = message.deflated_frame[:2]
    assert first == FIN | RSV1 | opcode
    assert length == len(message.deflated_frame) - 2 < len(ORDERS) / 5
    assert inflate(message.deflated_frame[2:], len(ORDERS)) == ORDERS


def test_a_frame_is_compressed_once() -> None:
    message = Message(ORDERS, shared=True)
    first = message.deflated_frame

    assert all(message.deflated_frame is first for _ in range(100))


@pytest.mark.parametrize(
    "message",
    [
        Message(ORDERS),
        Message(bytes(DEFLATED_BYTES - 1), shared=True),
        Message(random.Random(1).randbytes(DEFLATED_BYTES), shared=True),
        Message(b""),
    ],
    ids=["for one client", "short", "does not shrink", "empty"],
)
def test_what_is_not_worth_it_is_sent_plain(message: Message) -> None:
    assert message.deflated_frame is message.frame
