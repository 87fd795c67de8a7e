"""What the handlers of this feature need."""

import re
from collections.abc import Collection
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Path, Query, Request

from app.orders.errors import IfMatchRequired, InvalidETag
from app.orders.schemas import OrderQuery, VersionsQuery

OWN_ETAG = '(W/)?"[1-9][0-9]{0,17}"'
ETAG = r'(?:W/)?"[\x21\x23-\x7e]*"'
ETAGS = re.compile(ETAG)
ETAG_LIST = re.compile(rf"{ETAG}(\s*,\s*{ETAG})*")
IF_MATCH: dict[str, Any] = {
    "parameters": [
        {
            "name": "If-Match",
            "in": "header",
            "required": True,
            "description": (
                "The ETag of the order, weak or strong, or several of which any will do; `*` to"
                " write over whatever is there."
            ),
            "schema": {"type": "string", "pattern": rf"^(\*|{OWN_ETAG}(, *{OWN_ETAG})*)$"},
            "example": '"7"',
        }
    ]
}
"""For `openapi_extra`: required, yet its absence is a 428 and not a 422."""

OrderId = Annotated[UUID, Path(alias="order_id")]
OrdersQuery = Annotated[OrderQuery, Query()]
VersionsPageQuery = Annotated[VersionsQuery, Query()]


def parse_if_match(value: str | None) -> Collection[int] | None:
    """The versions that would do as the base of an edit; None for `*`. ETags of something else
    never match, so they name none. Raises IfMatchRequired, InvalidETag.

    Other than in RFC 9110, section 13.1.1, a weak ETag matches if its number does: proxies that
    compress answers weaken them, and whoever edits through one could never send a strong one.
    """
    if value is None:
        raise IfMatchRequired
    value = value.strip()
    if value == "*":
        return None
    if ETAG_LIST.fullmatch(value) is None:
        raise InvalidETag
    own = filter(re.compile(OWN_ETAG).fullmatch, ETAGS.findall(value))
    return {int(etag.removeprefix("W/").strip('"')) for etag in own}


async def get_bases(request: Request) -> Collection[int] | None:
    """A header that stands twice is a list, too."""
    lines = request.headers.getlist("if-match")
    return parse_if_match(", ".join(lines) if lines else None)


Bases = Annotated[Collection[int] | None, Depends(get_bases)]
