"""What the handlers of this feature need."""

import re
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Header, Path, Query

from app.orders.errors import IfMatchRequired, InvalidETag
from app.orders.schemas import CommentsQuery, HistoryQuery, OrderQuery

OWN_ETAG = re.compile(r'"([1-9][0-9]{0,17})"')
ETAG_LIST = re.compile(r'(W/)?"[\x21\x23-\x7e]*"(\s*,\s*(W/)?"[\x21\x23-\x7e]*")*')
NO_VERSION = 0

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


async def get_base_version(
    if_match: Annotated[str | None, Header(description='The ETag, such as "7", or *')] = None,
) -> int | None:
    return parse_if_match(if_match)


BaseVersion = Annotated[int | None, Depends(get_base_version)]
