"""REST: /orders/{id}/collaborators."""

from uuid import UUID

from fastapi import APIRouter, status

from app.auth.dependencies import SIGNED_IN, CurrentPrincipal
from app.core.errors import InvalidRequest
from app.core.problems import problems
from app.orders import sharing as orders_sharing
from app.orders.dependencies import OrderId
from app.orders.errors import (
    OrderForbidden,
    OrderNotFound,
    SharedWithOwner,
    TooManyCollaborators,
)
from app.realtime.dependencies import RecordingSession
from app.users.errors import UserNotFound

router = APIRouter(
    prefix="/orders/{order_id}/collaborators",
    tags=["orders"],
    responses=problems(*SIGNED_IN, OrderForbidden, OrderNotFound, UserNotFound, InvalidRequest),
)


@router.put(
    "/{user_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(SharedWithOwner, TooManyCollaborators),
)
async def share_order(
    order_id: OrderId, user_id: UUID, principal: CurrentPrincipal, session: RecordingSession
) -> None:
    """They see the order from now on, and may edit its note and items."""
    await orders_sharing.share_order(
        session, principal=principal, order_id=order_id, user_id=user_id
    )


@router.delete("/{user_id}", status_code=status.HTTP_204_NO_CONTENT)
async def unshare_order(
    order_id: OrderId, user_id: UUID, principal: CurrentPrincipal, session: RecordingSession
) -> None:
    """Their live subscriptions to the order end."""
    await orders_sharing.unshare_order(
        session, principal=principal, order_id=order_id, user_id=user_id
    )
