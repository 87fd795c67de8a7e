"""What a client sends that agreed on permessage-deflate."""

from app.realtime.wire.deflate import deflate
from app.realtime.wire.frames import RSV1, Opcode
from tests.realtime.raw_socket import frame

ORDERS = '{"type":"order.updated","order":{"note":"grün 🛒"}}' * 40


def compressed(data: bytes, opcode: Opcode = Opcode.TEXT, *, fin: bool = True) -> bytes:
    return frame(opcode | RSV1, deflate(data), fin=fin)


def in_pieces(data: bytes, opcode: Opcode, *cuts: int) -> list[bytes]:
    """The frames of one compressed message, cut at these places."""
    whole = deflate(data)
    ends = [*cuts, len(whole)]
    pieces = [whole[begin:end] for begin, end in zip([0, *cuts], ends, strict=True)]
    first, *middle, last = pieces
    return [
        frame(opcode | RSV1, first, fin=False),
        *(frame(Opcode.CONTINUATION, piece, fin=False) for piece in middle),
        frame(Opcode.CONTINUATION, last),
    ]
