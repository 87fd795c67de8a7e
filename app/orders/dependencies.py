"""What the handlers of this feature need."""

import re
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Path, Query, Request

from app.orders.errors import IfMatchRequired, InvalidETag
from app.orders.schemas import CommentsQuery, HistoryQuery, OrderQuery

OWN_ETAG = re.compile(r'"([1-9][0-9]{0,17})"')
ETAG_LIST = re.compile(r'(W/)?"[\x21\x23-\x7e]*"(\s*,\s*(W/)?"[\x21\x23-\x7e]*")*')
NO_VERSION = 0
IF_MATCH: dict[str, Any] = {
    "parameters": [
        {
            "name": "If-Match",
            "in": "header",
            "required": True,
            "description": "The ETag of the order, or `*` to write over whatever is there.",
            "schema": {"type": "string", "pattern": rf"^(\*|{OWN_ETAG.pattern})$"},
            "example": '"7"',
        }
    ]
}
"""For `openapi_extra`: required, yet its absence is a 428 and not a 422."""

OrderId = Annotated[UUID, Path(alias="order_id")]
OrdersQuery = Annotated[OrderQuery, Query()]
CommentsPageQuery = Annotated[CommentsQuery, Query()]
HistoryPageQuery = Annotated[HistoryQuery, Query()]


def parse_if_match(value: str | None) -> int | None:
    """The version on which an edit is based; None for `*`, NO_VERSION for an ETag of something
    else. Raises IfMatchRequired, InvalidETag.
    """
    if value is None:
        raise IfMatchRequired
    value = value.strip()
    if value == "*":
        return None
    own = OWN_ETAG.fullmatch(value)
    if own is not None:
        return int(own[1])
    if ETAG_LIST.fullmatch(value) is None:
        raise InvalidETag
    return NO_VERSION


async def get_base_version(request: Request) -> int | None:
    return parse_if_match(request.headers.get("if-match"))


BaseVersion = Annotated[int | None, Depends(get_base_version)]
