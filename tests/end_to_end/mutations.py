"""Commands as no client would send them: valid ones, mutated ones, and what is no command at all.

Each comes with what the contract (section 5) allows as its outcome, as far as that is known.
"""

import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from random import Random
from typing import Any
from uuid import UUID

REPLIED = "ok"
TEXT, BINARY = 1, 2
MAX_MESSAGE_BYTES = 65_536

Outcome = str | int
"""REPLIED, the code of an error reply, or the code that the connection is closed with."""
Json = dict[str, Any]

Outcomes = frozenset[Outcome]


def any_of(*outcomes: Outcome) -> Outcomes:
    return frozenset(outcomes)


ERRORS = any_of(102, 103, 105, 106, 107, 108, 109, 111, 112)
CLOSES = any_of(1007, 1009, 3005, 3500, 3501, 3508)
ANYTHING = any_of(REPLIED) | ERRORS | CLOSES

FRAGMENTS = (
    *(
        '{"',
        '"}',
        "{}",
        "[",
        "]",
        "[" * 500,
        '{"a":' * 500,
        ",",
        ":",
        '"',
        "\\",
        "\n",
        "\r\n",
        "\0",
    ),
    *("\\u0000", "\\ud800", "\\udfff\\ud800", "\ufeff", "null", "true", "-", "-1", "0", "1e999"),
    *("NaN", "Infinity", "9" * 40, "0.1", "\u00df", "\U0001f600", "\u2028", "x" * 5000, "/*", "#"),
)
JUNK: tuple[Any, ...] = (
    *(None, True, False, -1, 0, 2**31, 2**32, 2**53 + 1, 2**63, 2**64, 10**40, 1.5, -0.0, 1e308),
    *("", "x", "0", "x" * 300, "\x00", "\ud800", "\U0001f600" * 100, "orders", "$control", "#"),
    *([], {}, [[]], {"": {}}, [None] * 100, {"channel": "orders"}, {str(n): n for n in range(50)}),
)
GARBAGE = "xyz \u00e4\U0001f600<>;=/'@!%&()~|^`"
METHODS = (
    *("connect", "subscribe", "unsubscribe", "publish", "presence", "presence_stats"),
    *("history", "rpc", "send", "refresh", "sub_refresh"),
)


KEYS = (*METHODS, "ping", "dance", "id", "channel", "token", "extra")


@dataclass(frozen=True)
class Message:
    """What to send, and what may come of it. `id`: of a valid command, whose answer must come."""

    payload: bytes
    allowed: Outcomes
    opcode: int = TEXT
    id: int | None = None


class Mutations:
    """An endless supply for a member of staff. `order` exists, `nobody` is nothing's id."""

    def __init__(self, chance: Random, token: str, order: UUID, nobody: UUID) -> None:
        self._chance = chance
        self._valid = valid_commands(token, f"orders:{order}", f"orders:{nobody}", str(nobody))
        self._kinds: list[tuple[Callable[[], Message], int]] = [
            (self._as_it_should_be, 30),
            (self._text_mutated, 30),
            (self._values_mutated, 30),
            (self._several, 4),
            (self._garbage, 2),
            (self._binary, 1),
            (self._not_utf8, 1),
            (self._too_big, 1),
        ]

    def next(self) -> Message:
        makers, weights = zip(*self._kinds, strict=True)
        maker: Callable[[], Message] = self._chance.choices(makers, weights)[0]
        return maker()

    def token(self, token: str) -> tuple[str, Outcomes]:
        """A token to connect with; one in ten is broken."""
        if self._chance.random() < 0.9:
            return token, any_of(REPLIED)
        return self._mutate(token).replace("\n", ""), ANYTHING

    def _as_it_should_be(self) -> Message:
        command, allowed = self._choose()
        number = self._chance.randrange(1, 1_000_000)
        return Message(_encode({"id": number, **command}), allowed, id=number)

    def _text_mutated(self) -> Message:
        text = json.dumps({"id": 7, **self._choose()[0]})
        for _ in range(self._chance.choice((1, 1, 2, 5))):
            text = self._mutate(text)
        return Message(text.encode("utf-8", "replace"), ANYTHING)

    def _values_mutated(self) -> Message:
        command: Json = {"id": 7, **json.loads(json.dumps(self._choose()[0]))}
        for _ in range(self._chance.choice((1, 1, 2, 3))):
            self._mutate_values(command)
        return Message(_encode(command), ANYTHING)

    def _several(self) -> Message:
        lines = [self.next() for _ in range(self._chance.randrange(2, 6))]
        text = b"\n".join(line.payload for line in lines if line.opcode == TEXT)
        return Message(text[:MAX_MESSAGE_BYTES], ANYTHING)

    def _garbage(self) -> Message:
        text = "x" + "".join(self._chance.choices(GARBAGE, k=self._chance.randrange(40)))
        return Message(text.encode(), any_of(3501))

    def _binary(self) -> Message:
        return Message(self._chance.randbytes(20), any_of(3501), BINARY)

    def _not_utf8(self) -> Message:
        return Message(b'{"id":1}' + self._chance.choice((b"\xff", b"\xc0\xaf")), any_of(1007))

    def _too_big(self) -> Message:
        return Message(b" " * (MAX_MESSAGE_BYTES + 1), any_of(1009))

    def _choose(self) -> tuple[Json, Outcomes]:
        return self._chance.choice(self._valid)

    def _mutate(self, text: str) -> str:
        """Something is replaced, left out, repeated or put in."""
        begin = self._chance.randrange(len(text) + 1)
        end = min(len(text), begin + self._chance.choice((1, 1, 2, 8, 40)))
        between = self._chance.choice(
            ("", text[begin:end] * 2, self._chance.choice(FRAGMENTS), chr(begin % 127))
        )
        keep = self._chance.random() < 0.5
        return text[:begin] + between + text[begin if keep else end :]

    def _mutate_values(self, command: Json) -> None:
        """A value, at any depth, is replaced, left out or joined by another."""
        place, chance = command, self._chance
        while nested := [each for each in place.values() if isinstance(each, dict) and each]:
            if chance.random() < 0.3:
                break
            place = chance.choice(nested)
        key = chance.choice(list(place) or [""])
        match chance.randrange(4):
            case 0:
                place.pop(key, None)
            case 1:
                place[chance.choice(KEYS)] = deepcopy(chance.choice(JUNK))
            case _:
                place[key] = deepcopy(chance.choice(JUNK))


def valid_commands(token: str, order: str, nobody: str, user: str) -> list[tuple[Json, Outcomes]]:
    """What a member of staff may send, and what may come of it."""
    subscribed, forbidden = any_of(REPLIED, 105), any_of(103)
    unknown, not_there = any_of(102), any_of(108)
    maybe = any_of(REPLIED) | ERRORS
    early = {"recover": True, "epoch": "", "offset": 0}
    ahead = {"recover": True, "epoch": "", "offset": 10**9}
    return [
        ({"subscribe": {"channel": "orders"}}, subscribed),
        ({"subscribe": {"channel": order}}, subscribed),
        ({"subscribe": {"channel": order, "join_leave": True}}, subscribed),
        ({"subscribe": {"channel": "orders", **early}}, subscribed),
        ({"subscribe": {"channel": order, **ahead}}, subscribed),
        ({"subscribe": {"channel": "orders", "flag": 2, **ahead}}, any_of(105, 112)),
        ({"subscribe": {"channel": "orders", "flag": 1, "data": {"a": [1]}}}, subscribed),
        ({"subscribe": {"channel": "orders", "type": 1}}, any_of(105, 108)),
        ({"subscribe": {"channel": nobody}}, forbidden),
        ({"subscribe": {"channel": "orders:"}}, forbidden),
        ({"subscribe": {"channel": "users"}}, forbidden),
        ({"subscribe": {"channel": f"users:{user}"}}, forbidden),
        ({"subscribe": {"channel": "ops"}}, forbidden),
        ({"history": {"channel": "ops"}}, forbidden),
        ({"publish": {"channel": "ops", "data": {}}}, forbidden),
        ({"subscribe": {"channel": "$control"}}, unknown),
        ({"subscribe": {"channel": "nothing:1"}}, unknown),
        ({"subscribe": {"channel": "x" * 256}}, any_of(102, 107)),
        ({"unsubscribe": {"channel": "orders"}}, any_of(REPLIED)),
        ({"unsubscribe": {"channel": order}}, any_of(REPLIED)),
        ({"unsubscribe": {"channel": "nothing:1"}}, any_of(REPLIED)),
        ({"presence": {"channel": order}}, maybe),
        ({"presence": {"channel": "orders"}}, ERRORS),
        ({"presence_stats": {"channel": order}}, maybe),
        ({"history": {"channel": order, "limit": 10}}, maybe),
        ({"publish": {"channel": order, "data": {"editing": "note"}}}, maybe),
        ({"publish": {"channel": order, "data": {"editing": None}}}, maybe),
        ({"publish": {"channel": order, "data": [1]}}, ERRORS),
        ({"publish": {"channel": "orders", "data": {}}}, ERRORS),
        ({"rpc": {"method": "x", "data": {}}}, not_there),
        ({"ping": {}}, not_there),
        ({"refresh": {"token": token}}, any_of(REPLIED)),
        ({"refresh": {"token": token[:-2]}}, any_of(3500)),
        ({"sub_refresh": {"channel": "orders", "token": token}}, ERRORS),
        ({"send": {"data": {}}}, any_of(3508)),
        ({"connect": {"token": token}}, any_of(3501)),
    ]


def _encode(command: Json) -> bytes:
    """Lone surrogates stay escapes, as JSON can spell them."""
    return json.dumps(command).encode()
