"""Who works on an order beside its owner: collaborators, added and removed one by one."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.principals import Principal
from app.orders.access import owns
from app.orders.errors import OrderForbidden, SharedWithOwner, TooManyCollaborators
from app.orders.events import actor_of, record_shared, record_unshared
from app.orders.loading import lock_order, touch
from app.orders.models import Order
from app.orders.schemas import MAX_COLLABORATORS, OrderRead, read_order
from app.users import service as users_service
from app.users.errors import UserNotFound
from app.users.models import User
from app.users.schemas import PersonRead


async def share_order(
    session: AsyncSession, *, principal: Principal, order_id: UUID, user_id: UUID
) -> None:
    """Record nothing for whom it is shared with already.

    Raises OrderNotFound, UserNotFound (for somebody who was deactivated, too), OrderForbidden,
    SharedWithOwner, TooManyCollaborators.
    """
    order = await lock_order(session, principal=principal, order_id=order_id)
    user = await users_service.get_user(session, user_id=user_id)
    if not user.is_active:
        raise UserNotFound
    _check_rights(principal, order)
    if user_id == order.owner_id:
        raise SharedWithOwner
    if user in order.collaborators:
        return
    if len(order.collaborators) >= MAX_COLLABORATORS:
        raise TooManyCollaborators
    shared = await _set_collaborators(session, order, [*order.collaborators, user])
    collaborator = PersonRead.model_validate(user)
    await record_shared(session, shared, collaborator=collaborator, actor=actor_of(principal))


async def unshare_order(
    session: AsyncSession, *, principal: Principal, order_id: UUID, user_id: UUID
) -> None:
    """Record nothing for whom it is not shared with. Somebody deactivated can be removed.

    Raises OrderNotFound, UserNotFound, OrderForbidden.
    """
    order = await lock_order(session, principal=principal, order_id=order_id)
    user = await users_service.get_user(session, user_id=user_id)
    _check_rights(principal, order)
    if user not in order.collaborators:
        return
    others = [person for person in order.collaborators if person is not user]
    unshared = await _set_collaborators(session, order, others)
    collaborator = PersonRead.model_validate(user)
    await record_unshared(session, unshared, collaborator=collaborator, actor=actor_of(principal))


def _check_rights(principal: Principal, order: Order) -> None:
    if not principal.is_staff and not owns(principal, order):
        raise OrderForbidden


async def _set_collaborators(
    session: AsyncSession, order: Order, people: Sequence[User]
) -> OrderRead:
    """By id, as they are read, so that an event shows them as a list does."""
    order.collaborators = sorted(people, key=lambda person: person.id)
    await touch(session, order)
    return read_order(order)
