"""What people say about an order, below it. Each comment is an event of the order."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from app.auth.principals import Principal
from app.core.paging import Page
from app.orders.access import check_visible, is_visible
from app.orders.events import actor_of, record_comment
from app.orders.loading import lock_order, touch
from app.orders.models import Comment
from app.orders.schemas import CommentRead, VersionsQuery, read_order
from app.users.schemas import PersonRead


async def add_comment(
    session: AsyncSession, *, principal: Principal, order_id: UUID, text: str
) -> CommentRead:
    """On an order of any status. Its `created_at` is its event's `at`. Raises OrderNotFound."""
    order = await lock_order(session, principal=principal, order_id=order_id)
    await touch(session, order)
    row = Comment(
        order_id=order.id,
        version=order.version,
        author_id=principal.user_id,
        text=text,
        created_at=order.updated_at,
    )
    session.add(row)
    await session.flush()
    author = PersonRead(id=principal.user_id, name=principal.name)
    comment = CommentRead(id=row.id, author=author, text=text, created_at=row.created_at)
    actor = actor_of(principal)
    await record_comment(session, read_order(order), comment=comment, actor=actor)
    return comment


async def list_comments(
    session: AsyncSession, *, principal: Principal, order_id: UUID, query: VersionsQuery
) -> Page[Comment, str]:
    """Oldest first. Raises OrderNotFound."""
    await check_visible(session, principal=principal, order_id=order_id)
    wanted = (
        select(Comment)
        .options(joinedload(Comment.author))
        .where(
            Comment.order_id == order_id,
            Comment.version > query.cursor,
            is_visible(principal, order_id),
        )
        .order_by(Comment.version)
        .limit(query.limit + 1)
    )
    found = (await session.scalars(wanted)).all()
    items = found[: query.limit]
    return Page(items, str(items[-1].version) if len(found) > query.limit else None)
