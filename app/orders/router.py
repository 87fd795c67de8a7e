"""REST: /orders."""

import asyncio
from collections.abc import Mapping
from uuid import UUID

from fastapi import APIRouter, Request, Response, status

from app.auth.dependencies import SIGNED_IN, CurrentPrincipal
from app.core.dependencies import SessionDep
from app.core.errors import InvalidRequest
from app.core.idempotency import IDEMPOTENCY_HEADER, IDEMPOTENT, once
from app.core.paging import Page, encode_page
from app.core.problems import problems
from app.core.strict_json import StrictRoute
from app.orders import service as orders_service
from app.orders.dependencies import IF_MATCH, Bases, OrderId, OrdersQuery
from app.orders.errors import (
    IfMatchRequired,
    IllegalStatusChange,
    InvalidETag,
    OrderChanged,
    OrderClosed,
    OrderForbidden,
    OrderNotFound,
    OrderNotPlaced,
)
from app.orders.events import list_channel, order_channel
from app.orders.headers import ETAG, LOCATION, POSITION, TANDEM_MERGED, headers
from app.orders.models import Order
from app.orders.schemas import (
    OrderCreate,
    OrderPage,
    OrderRead,
    OrderUpdate,
    PositionRead,
    read_order,
)
from app.realtime.dependencies import RecordingSession
from app.realtime.log.epoch import read_position

ENCODED_AT_ONCE = 25
MERGED = {"Tandem-Merged": "true"}
EDITING = (
    InvalidETag,
    OrderForbidden,
    OrderNotFound,
    IllegalStatusChange,
    OrderClosed,
    OrderChanged,
    InvalidRequest,
    IfMatchRequired,
)

router = APIRouter(
    prefix="/orders", tags=["orders"], route_class=StrictRoute, responses=problems(*SIGNED_IN)
)


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    response_model=OrderRead,
    responses={**problems(InvalidRequest, *IDEMPOTENT), 201: headers(ETAG, LOCATION)},
    openapi_extra=IDEMPOTENCY_HEADER,
)
async def create_order(
    body: OrderCreate, principal: CurrentPrincipal, session: RecordingSession, request: Request
) -> Response:
    async def place() -> Response:
        order = await orders_service.create_order(session, principal=principal, order=body)
        location = f"/api/v1/orders/{order.id}"
        return _answer(order, {"Location": location}, status.HTTP_201_CREATED)

    return await once(place, request=request, session=session, user_id=principal.user_id)


@router.get("", response_model=OrderPage, responses=problems(InvalidRequest))
async def list_orders(
    query: OrdersQuery, principal: CurrentPrincipal, session: SessionDep
) -> Response:
    """Newest first, those that the caller may see; follow `position` for all that comes later."""
    position = await read_position(session, list_channel(principal))
    page = await orders_service.list_orders(session, principal=principal, query=query)
    encoded = await _encode(page, PositionRead.model_validate(position))
    return Response(encoded, media_type="application/json")


@router.get(
    "/{order_id}",
    response_model=OrderRead,
    responses={**problems(OrderNotFound), 200: headers(ETAG, POSITION)},
)
async def get_order(
    order_id: OrderId, principal: CurrentPrincipal, session: SessionDep
) -> Response:
    position = await read_position(session, order_channel(order_id))
    order = await orders_service.get_order(session, principal=principal, order_id=order_id)
    return _answer(read_order(order), {"Tandem-Position": str(position)})


@router.patch(
    "/{order_id}",
    response_model=OrderRead,
    openapi_extra=IF_MATCH,
    responses={**problems(*EDITING), 200: headers(ETAG, TANDEM_MERGED)},
)
async def update_order(
    order_id: OrderId,
    principal: CurrentPrincipal,  # before the precondition: that is for those who are signed in
    body: OrderUpdate,
    bases: Bases,
    session: RecordingSession,
) -> Response:
    """Based on the version in If-Match. Where others changed other fields since (lines count one
    by one), the edit is put on top, and the answer says `Tandem-Merged: true`; otherwise it is
    refused with what conflicts.
    """
    edited = await orders_service.update_order(
        session, principal=principal, order_id=order_id, update=body, bases=bases
    )
    return _answer(edited.order, MERGED if edited.merged else {})


@router.delete(
    "/{order_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(OrderForbidden, OrderNotFound, OrderNotPlaced),
)
async def delete_order(
    order_id: OrderId, principal: CurrentPrincipal, session: RecordingSession
) -> None:
    await orders_service.delete_order(session, principal=principal, order_id=order_id)


async def _encode(page: Page[Order, UUID], position: PositionRead) -> str:
    """An OrderPage. Some orders at a time: a long page holds up nobody else."""
    items: list[str] = []
    for first in range(0, len(page.items), ENCODED_AT_ONCE):
        some = page.items[first : first + ENCODED_AT_ONCE]
        items += [read_order(order).encoded for order in some]
        await asyncio.sleep(0)
    return encode_page(items, page.next_cursor, position=position.encoded)


def _answer(
    order: OrderRead, headers: Mapping[str, str], status_code: int = status.HTTP_200_OK
) -> Response:
    """The bytes that its event has, too."""
    return Response(
        order.encoded,
        status_code,
        headers={"ETag": f'"{order.version}"', **headers},
        media_type="application/json",
    )
