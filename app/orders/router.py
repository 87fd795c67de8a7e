"""REST: /orders."""

from fastapi import APIRouter, Response, status

from app.auth.dependencies import CurrentPrincipal
from app.core.database import SessionDep
from app.core.errors import InvalidRequest
from app.orders import service as orders_service
from app.orders.dependencies import BaseVersion, OrderId, OrdersQuery
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
from app.realtime.epoch import read_position
from app.users.errors import SIGNED_IN, problems

router = APIRouter(prefix="/orders", tags=["orders"], responses=problems(*SIGNED_IN))


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    response_model=OrderRead,
    responses=problems(InvalidRequest),
)
async def create_order(
    body: OrderCreate, principal: CurrentPrincipal, session: RecordingSession, response: Response
) -> OrderRead:
    order = await orders_service.create_order(session, principal=principal, order=body)
    response.headers["Location"] = f"/api/v1/orders/{order.id}"
    return _answer(order, response)


@router.get("", response_model=OrderPage, responses=problems(InvalidRequest))
async def list_orders(
    query: OrdersQuery, principal: CurrentPrincipal, session: SessionDep
) -> OrderPage:
    """Newest first, those that the caller may see; follow `position` for all that comes later."""
    position = await read_position(session, list_channel(principal))
    page = await orders_service.list_orders(session, principal=principal, query=query)
    return OrderPage(
        items=[read_order(order) for order in page.items],
        next_cursor=page.next_cursor,
        position=PositionRead.model_validate(position),
    )


@router.get("/{order_id}", response_model=OrderRead, responses=problems(OrderNotFound))
async def get_order(
    order_id: OrderId, principal: CurrentPrincipal, session: SessionDep, response: Response
) -> OrderRead:
    position = await read_position(session, order_channel(order_id))
    order = await orders_service.get_order(session, principal=principal, order_id=order_id)
    response.headers["Tandem-Position"] = str(position)
    return _answer(order, response)


@router.patch(
    "/{order_id}",
    response_model=OrderRead,
    responses=problems(
        InvalidETag,
        OrderForbidden,
        OrderNotFound,
        IllegalStatusChange,
        OrderClosed,
        OrderChanged,
        InvalidRequest,
        IfMatchRequired,
    ),
)
async def update_order(  # noqa: PLR0913, PLR0917 - FastAPI names them
    order_id: OrderId,
    body: OrderUpdate,
    base: BaseVersion,
    principal: CurrentPrincipal,
    session: RecordingSession,
    response: Response,
) -> OrderRead:
    order = await orders_service.update_order(
        session, principal=principal, order_id=order_id, update=body, base=base
    )
    return _answer(order, response)


@router.delete(
    "/{order_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(OrderForbidden, OrderNotFound, OrderNotPlaced),
)
async def delete_order(
    order_id: OrderId, principal: CurrentPrincipal, session: RecordingSession
) -> None:
    await orders_service.delete_order(session, principal=principal, order_id=order_id)


def _answer(order: Order, response: Response) -> OrderRead:
    response.headers["ETag"] = f'"{order.version}"'
    return read_order(order)
