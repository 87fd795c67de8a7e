"""REST: /orders/{id}/comments."""

from fastapi import APIRouter, status

from app.auth.dependencies import CurrentPrincipal
from app.core.database import SessionDep
from app.core.errors import BadRequest, InvalidRequest, UnsupportedMediaType
from app.orders import comments as orders_comments
from app.orders.comments import CommentsPage
from app.orders.dependencies import CommentsPageQuery, OrderId
from app.orders.errors import OrderNotFound
from app.orders.schemas import CommentCreate, CommentPage, CommentRead
from app.realtime.dependencies import RecordingSession
from app.users.errors import SIGNED_IN, problems

router = APIRouter(
    prefix="/orders/{order_id}/comments",
    tags=["orders"],
    responses=problems(*SIGNED_IN, OrderNotFound, InvalidRequest),
)


@router.get("", response_model=CommentPage)
async def list_comments(
    order_id: OrderId, query: CommentsPageQuery, principal: CurrentPrincipal, session: SessionDep
) -> CommentsPage:
    """Oldest first."""
    return await orders_comments.list_comments(
        session, principal=principal, order_id=order_id, query=query
    )


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    response_model=CommentRead,
    responses=problems(BadRequest, UnsupportedMediaType),
)
async def add_comment(
    order_id: OrderId, body: CommentCreate, principal: CurrentPrincipal, session: RecordingSession
) -> CommentRead:
    """On orders that are closed, too."""
    return await orders_comments.add_comment(
        session, principal=principal, order_id=order_id, text=body.text
    )
