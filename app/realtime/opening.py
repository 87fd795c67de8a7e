"""The opening handshake of the socket: who is let in, what is spoken, and the short way.

A request that is plainly right is answered here (RFC 6455, section 4.2.2), without an ASGI call:
when thousands return at once, that call is most of what each of them costs. Whatever has to be
looked at more closely, or refused, goes the ordinary way, where all of it is decided anyhow.
"""

import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha1
from urllib.parse import parse_qs, urlsplit

from app.realtime.codec import JSON, Codec
from app.realtime.deflate import agree
from app.realtime.protobuf_codec import PROTOBUF
from app.realtime.runtime import Runtime

PATHS = ("/ws", "/connection/websocket")
CODECS: dict[str, Codec] = {"centrifuge-json": JSON, "centrifuge-protobuf": PROTOBUF}
FORBIDDEN, UNAVAILABLE = 403, 503

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
KEY = re.compile(r"[+/0-9A-Za-z]{22}==")
VERSION = "13"
HTTP = "HTTP/1.1"


def refusal(runtime: Runtime, headers: Mapping[str, str]) -> int | None:
    """The status that turns a client away; None: it may come in."""
    if not _is_allowed_origin(headers, runtime.settings.cors_origins):
        return FORBIDDEN
    if runtime.draining or not runtime.ready.is_set():
        return UNAVAILABLE
    return None


def negotiate(offered: Sequence[str], query: Mapping[str, str]) -> tuple[str | None, Codec]:
    """The subprotocol to confirm, if one was offered, and the flavour that the client speaks."""
    chosen = next((name for name in offered if name in CODECS), None)
    flavour = chosen or f"centrifuge-{query.get('cf_protocol') or query.get('format')}"
    return chosen, CODECS.get(flavour, JSON)


@dataclass(frozen=True, slots=True)
class Opening:
    """What a plain request is answered with, and the flavour that is spoken then.

    `deflated`: they agreed on permessage-deflate.
    """

    response: bytes
    codec: Codec
    deflated: bool


def open_plain(runtime: Runtime, head: bytes) -> Opening | None:
    """For the head of a request that asks for an upgrade; None: it takes the ordinary way."""
    request, headers = _read(head)
    path, _, query = request.partition("?")
    if path not in PATHS or not _is_plain(runtime, headers) or refusal(runtime, headers):
        return None
    offered = [name.strip() for name in headers.get("sec-websocket-protocol", "").split(",")]
    asked = {name: values[0] for name, values in parse_qs(query).items()} if query else {}
    chosen, codec = negotiate(offered, asked)
    on = runtime.settings.compression == "on"
    agreed = agree(headers.get("sec-websocket-extensions", "")) if on else None
    response = _accept(headers["sec-websocket-key"], chosen, agreed)
    return Opening(response, codec, deflated=agreed is not None)


def with_lower_names(head: bytes) -> bytes:
    """The same head with the names of its headers as ASGI wants them."""
    first, *lines = head.split(b"\r\n")
    parts = (line.partition(b":") for line in lines)
    return b"\r\n".join([first, *(name.lower() + colon + value for name, colon, value in parts)])


def _read(head: bytes) -> tuple[str, dict[str, str]]:
    """The target and the headers, their names in lower case; no headers at all if one of them
    stands there twice or is not on one line.
    """
    first, *lines = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    parts = [line.partition(":") for line in lines]
    headers = {name.lower(): value.strip() for name, _, value in parts}
    method, _, target = first.partition(" ")
    target, _, version = target.partition(" ")
    plain = method == "GET" and version == HTTP and len(headers) == len(lines)
    folded = any(name != name.strip() for name in headers)
    return target, headers if plain and not folded else {}


def _is_plain(runtime: Runtime, headers: Mapping[str, str]) -> bool:
    settings = runtime.settings
    return (
        settings.take_over == "on"
        and headers.get("sec-websocket-version") == VERSION
        and KEY.fullmatch(headers.get("sec-websocket-key", "")) is not None
        and "host" in headers
    )


def _accept(key: str, subprotocol: str | None, extension: str | None) -> bytes:
    proof = b64encode(sha1(key.encode() + GUID, usedforsecurity=False).digest())
    confirmed = f"Sec-WebSocket-Protocol: {subprotocol}\r\n" if subprotocol else ""
    if extension:
        confirmed += f"Sec-WebSocket-Extensions: {extension}\r\n"
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: %b\r\n%b\r\n"
    ) % (proof, confirmed.encode())


def _is_allowed_origin(headers: Mapping[str, str], allowed: tuple[str, ...]) -> bool:
    """Browsers send Origin and do not enforce it for WebSockets: this server has to."""
    origin = headers.get("origin")
    if origin is None or origin in allowed:
        return True
    try:
        return urlsplit(origin).netloc == headers.get("host")
    except ValueError:
        return False
