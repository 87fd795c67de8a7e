"""REST: /orders/{id}/comments."""

from fastapi import APIRouter, Request, Response, status

from app.auth.dependencies import SIGNED_IN, CurrentPrincipal
from app.core.dependencies import SessionDep
from app.core.errors import BadRequest, InvalidRequest, UnsupportedMediaType
from app.core.idempotency import IDEMPOTENCY_HEADER, IDEMPOTENT, once
from app.core.paging import Page
from app.core.problems import problems
from app.core.strict_json import StrictRoute
from app.orders import comments as orders_comments
from app.orders.dependencies import OrderId, VersionsPageQuery
from app.orders.errors import OrderNotFound
from app.orders.models import Comment
from app.orders.schemas import CommentCreate, CommentPage, CommentRead
from app.realtime.dependencies import RecordingSession

router = APIRouter(
    prefix="/orders/{order_id}/comments",
    tags=["orders"],
    route_class=StrictRoute,
    responses=problems(*SIGNED_IN, OrderNotFound, InvalidRequest),
)


@router.get("", response_model=CommentPage)
async def list_comments(
    order_id: OrderId, query: VersionsPageQuery, principal: CurrentPrincipal, session: SessionDep
) -> Page[Comment, str]:
    """Oldest first."""
    return await orders_comments.list_comments(
        session, principal=principal, order_id=order_id, query=query
    )


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    response_model=CommentRead,
    responses=problems(BadRequest, UnsupportedMediaType, *IDEMPOTENT),
    openapi_extra=IDEMPOTENCY_HEADER,
)
async def add_comment(
    order_id: OrderId,
    body: CommentCreate,
    principal: CurrentPrincipal,
    session: RecordingSession,
    request: Request,
) -> Response:
    """On orders that are closed, too."""

    async def comment() -> Response:
        added = await orders_comments.add_comment(
            session, principal=principal, order_id=order_id, text=body.text
        )
        return Response(added.encoded, status.HTTP_201_CREATED, media_type="application/json")

    return await once(comment, request=request, session=session, user_id=principal.user_id)
