"""REST: /orders/{id}/history."""

from fastapi import APIRouter, Response

from app.auth.dependencies import SIGNED_IN, CurrentPrincipal
from app.core.dependencies import SessionDep
from app.core.errors import InvalidRequest
from app.core.problems import problems
from app.orders import history as orders_history
from app.orders.dependencies import OrderId, VersionsPageQuery
from app.orders.errors import OrderNotFound
from app.orders.events import OrderHistory

router = APIRouter(
    prefix="/orders/{order_id}/history",
    tags=["orders"],
    responses=problems(*SIGNED_IN, OrderNotFound, InvalidRequest),
)


@router.get("", response_model=OrderHistory)
async def list_history(
    order_id: OrderId, query: VersionsPageQuery, principal: CurrentPrincipal, session: SessionDep
) -> Response:
    """Every event of the order, oldest first, in the bytes in which it was sent."""
    page = await orders_history.list_history(
        session, principal=principal, order_id=order_id, query=query
    )
    return Response(page.encoded, media_type="application/json")
