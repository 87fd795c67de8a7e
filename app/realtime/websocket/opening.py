"""The opening handshake of the socket: who is let in, what is spoken, and the short way.

A request that is plainly right is answered here (RFC 6455, section 4.2.2), without an ASGI call:
when thousands return at once, that call is most of what each of them costs. Whatever has to be
looked at more closely, or refused, goes the ordinary way, where all of it is decided anyhow.
"""

import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from functools import lru_cache
from hashlib import sha1
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

from app.realtime.fanout.timing import Pings
from app.realtime.runtime import Runtime
from app.realtime.wire.codec import JSON, Codec
from app.realtime.wire.deflate import agree
from app.realtime.wire.protobuf_codec import PROTOBUF

PATHS = ("/ws", "/connection/websocket")
CODECS: dict[str, Codec] = {"centrifuge-json": JSON, "centrifuge-protobuf": PROTOBUF}
FORBIDDEN, UNAVAILABLE = 403, 503
ANY_ORIGIN = "*"

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
KEY_LINE = re.compile(rb"\r\nsec-websocket-key: ([+/0-9A-Za-z]{22}==)\r\n", re.IGNORECASE)
ACCEPTED = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: "
)
PLANS = 512
PLAIN_BYTES = 2048
"""What a plain head has at most: so much is kept for each plan."""
VERSION = "13"
HTTP = "HTTP/1.1"


def refusal(runtime: Runtime, headers: Mapping[str, str]) -> int | None:
    """The status that turns a client away; None: it may come in."""
    if not _is_allowed_origin(headers, runtime.settings.cors_origins):
        return FORBIDDEN
    return None if _is_open(runtime) else UNAVAILABLE


def negotiate(offered: Sequence[str], query: Mapping[str, str]) -> tuple[str | None, Codec]:
    """The subprotocol to confirm, if one was offered, and the flavour that the client speaks."""
    chosen = next((name for name in offered if name in CODECS), None)
    flavour = chosen or f"centrifuge-{query.get('cf_protocol') or query.get('format')}"
    return chosen, CODECS.get(flavour, JSON)


def pings_of(query: Mapping[str, str]) -> Pings:
    """In frames for the tools that answer nothing else."""
    return Pings.FRAMES if query.get("cf_ws_frame_ping_pong") == "true" else Pings.DOCUMENTS


class Opening(NamedTuple):
    """What a plain request is answered with, and the flavour that is spoken then.

    `deflated`: they agreed on permessage-deflate.
    """

    response: bytes
    codec: Codec
    pings: Pings
    deflated: bool


class Plan(NamedTuple):
    """An Opening, but for the proof of the key; `after`: what follows that."""

    after: bytes
    codec: Codec
    pings: Pings
    deflated: bool


def open_plain(runtime: Runtime, head: bytes) -> Opening | None:
    """For the head of a request that asks for an upgrade; None: it takes the ordinary way.

    Clients of one kind send the same but for the key, so the rest is looked at once.
    """
    found = KEY_LINE.search(head) if len(head) <= PLAIN_BYTES else None
    if found is None or not _is_open(runtime):
        return None
    settings, key = runtime.settings, found[1]
    if settings.take_over != "on":
        return None
    begin, end = found.span(1)
    keyless = head[:begin] + head[end:]
    plan = _plan(keyless, settings.cors_origins, offers_deflate=settings.compression == "on")
    if plan is None:
        return None
    proof = b64encode(sha1(key + GUID, usedforsecurity=False).digest())
    return Opening(ACCEPTED + proof + plan.after, plan.codec, plan.pings, plan.deflated)


@lru_cache(PLANS)
def _plan(head: bytes, origins: tuple[str, ...], *, offers_deflate: bool) -> Plan | None:
    """For a head whose key was taken out; None: it is not plain."""
    request, headers = _read(head)
    path, _, query = request.partition("?")
    if path not in PATHS or not _is_plain(headers) or not _is_allowed_origin(headers, origins):
        return None
    offered = [name.strip() for name in headers.get("sec-websocket-protocol", "").split(",")]
    asked = {name: values[0] for name, values in parse_qs(query).items()} if query else {}
    chosen, codec = negotiate(offered, asked)
    agreed = agree(headers.get("sec-websocket-extensions", "")) if offers_deflate else None
    after = _end_of_head(chosen, agreed)
    return Plan(after, codec, pings_of(asked), deflated=agreed is not None)


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


def _is_plain(headers: Mapping[str, str]) -> bool:
    is_keyless = headers.get("sec-websocket-key") == ""  # else there was another one
    return headers.get("sec-websocket-version") == VERSION and is_keyless and "host" in headers


def _end_of_head(subprotocol: str | None, extension: str | None) -> bytes:
    confirmed = f"Sec-WebSocket-Protocol: {subprotocol}\r\n" if subprotocol else ""
    if extension:
        confirmed += f"Sec-WebSocket-Extensions: {extension}\r\n"
    return f"\r\n{confirmed}\r\n".encode()


def _is_open(runtime: Runtime) -> bool:
    return runtime.ready.is_set() and not runtime.draining


def _is_allowed_origin(headers: Mapping[str, str], allowed: tuple[str, ...]) -> bool:
    """Browsers send Origin and do not enforce it for WebSockets: this server has to."""
    origin = headers.get("origin")
    if origin is None or ANY_ORIGIN in allowed or origin in allowed:
        return True
    try:
        return urlsplit(origin).netloc == headers.get("host")
    except ValueError:
        return False
