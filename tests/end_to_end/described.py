"""Whether what goes over a socket is as the AsyncAPI document describes it.

The document leaves room for fields that come later; here a field that it does not know is wrong.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any

import jsonschema_rs

from app.asyncapi.document import describe
from app.main import FEATURES

Json = dict[str, Any]
DRAFT = "http://json-schema.org/draft-07/schema#"
SHOWN = 400


class NotDescribed(AssertionError):
    """The document does not describe this message."""


class Description:
    """One validator for each message of a document, compiled once."""

    def __init__(self, document: Json) -> None:
        self._messages = document["components"]["messages"]
        self._channels = document["channels"]
        self._schemas = {
            name: _closed(each) for name, each in document["components"]["schemas"].items()
        }
        self._validators = {key: self._compile([key]) for key in self._messages}
        self._published = {
            key: self._compile(list(self._carried(key))) for key in self._channels if key != "ws"
        }

    def check_sent(self, document: Json) -> None:
        """A command or a pong. Raises NotDescribed."""
        key = f"{_title(_method(document))}Command" if document else "Ping"
        self._check(self._validators.get(key), document)

    def check_received(self, document: Json) -> None:
        """A reply, a push or a ping. Raises NotDescribed."""
        if "push" not in document:
            key = f"{_title(_method(document))}Reply" if document else "Ping"
            self._check(self._validators.get(key), document)
            return
        push = document["push"]
        kind = next((key for key in push if key != "channel"), "")
        self._check(self._validators.get(f"{_title(kind)}Push"), document)
        if kind == "pub":
            self._check(self._published.get(_channel_key(push["channel"])), push["pub"]["data"])

    def _carried(self, channel: str) -> Iterator[str]:
        """What comes as a publication."""
        for key in self._channels[channel]["messages"]:
            if self._messages[key]["x-stands-at"] == "/push/pub/data":
                yield key

    def _compile(self, keys: list[str]) -> jsonschema_rs.Validator:
        payloads = [self._messages[key]["payload"] for key in keys] or [False]
        return jsonschema_rs.validator_for(
            {"$schema": DRAFT, "oneOf": payloads, "components": {"schemas": self._schemas}}
        )

    @staticmethod
    def _check(validator: jsonschema_rs.Validator | None, document: Any) -> None:
        if validator is None:
            raise NotDescribed(f"no such message: {str(document)[:SHOWN]}")
        if not validator.is_valid(document):
            error = next(validator.iter_errors(document))
            raise NotDescribed(f"{error.message[:SHOWN]}: {str(document)[:SHOWN]}")


@cache
def description() -> Description:
    """Of what this Tandem serves."""
    return Description(describe(FEATURES))


def _closed(schema: Json) -> Json:
    if "properties" not in schema:
        return schema
    return {**schema, "additionalProperties": False}


def _method(document: Json) -> str:
    return next((key for key in document if key != "id"), "")


def _title(word: str) -> str:
    return "".join(part.capitalize() for part in word.split("_"))


def _channel_key(channel: str) -> str:
    namespace, colon, _key = channel.partition(":")
    return f"{namespace}_one" if colon else namespace
