"""The headers of answers, as the OpenAPI document tells of them."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Header:
    """`always`: no answer that succeeds is without it."""

    name: str
    description: str
    pattern: str
    always: bool = True


ETAG = Header("ETag", "The version of the order, for If-Match", '^"[1-9][0-9]*"$')
LOCATION = Header("Location", "The path of the order", "^/api/v1/orders/[0-9a-f-]{36}$")
POSITION = Header(
    "Tandem-Position",
    "CHANNEL EPOCH OFFSET: follow the channel from here, and nothing after this answer is missed",
    "^orders:[0-9a-f-]{36} [^ ]+ [0-9]+$",
)
TANDEM_MERGED = Header(
    "Tandem-Merged", "The edit was put on top of what others did", "^true$", always=False
)


def headers(*sent: Header) -> dict[str, Any]:
    """For `responses`, of the status that they are sent with."""
    return {
        "headers": {
            header.name: {
                "description": header.description,
                "required": header.always,
                "schema": {"type": "string", "pattern": header.pattern},
            }
            for header in sent
        }
    }
