"""What is told of orders: the events, and the channels that carry them."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.principals import Principal
from app.core.schemas import ReadModel
from app.orders.schemas import CommentRead, OrderRead, OrderReference
from app.realtime.channels import personal_channel
from app.realtime.outbox import Actor, Event, record, record_control
from app.users.schemas import PersonRead

ENTITY = "order"
NOTICE = "order.notice"
"""The entity of what one person alone is told: it belongs to no order's history."""
ORDERS_CHANNEL = "orders"

OrderEventType = Literal["order.created", "order.updated", "order.deleted"]


class OrderEvent(Event):
    """Base of what shows the order; one class for each type."""

    subject = "order"

    order: OrderRead

    @classmethod
    def of(cls, order: OrderRead, actor: Actor, **added: Any) -> Self:
        """The order's `updated_at` is the event's `at`."""
        return cls(at=order.updated_at, actor=actor, version=order.version, order=order, **added)


class OrderCreated(OrderEvent):
    """An order was placed."""

    type: Literal["order.created"] = "order.created"


class OrderUpdated(OrderEvent):
    """Its status, note or items were changed."""

    type: Literal["order.updated"] = "order.updated"


class OrderDeleted(OrderEvent):
    """Shows the order as it last was."""

    type: Literal["order.deleted"] = "order.deleted"


class OrderCommented(OrderEvent):
    """Somebody has commented on the order."""

    type: Literal["order.commented"] = "order.commented"
    comment: CommentRead


class OrderShared(OrderEvent):
    """The order shows the collaborator already."""

    type: Literal["order.shared"] = "order.shared"
    collaborator: PersonRead


class OrderUnshared(OrderEvent):
    """Told to everybody who still sees the order."""

    type: Literal["order.unshared"] = "order.unshared"
    collaborator: PersonRead


class OrderWithdrawn(Event):
    """What the collaborator of an OrderUnshared is told, on their own channel: not the order."""

    subject = "order"

    type: Literal["order.unshared"] = "order.unshared"
    collaborator: PersonRead
    order: OrderReference


AnyOrderEvent = Annotated[
    OrderCreated | OrderUpdated | OrderDeleted | OrderCommented | OrderShared | OrderUnshared,
    Field(discriminator="type"),
]
"""What an order's history consists of, and all channels carry; OrderWithdrawn comes beside it."""


class OrderHistory(ReadModel):
    items: list[AnyOrderEvent]
    next_cursor: str | None


PLAIN_EVENTS: Mapping[OrderEventType, type[OrderEvent]] = {
    "order.created": OrderCreated,
    "order.updated": OrderUpdated,
    "order.deleted": OrderDeleted,
}


def order_channel(order_id: UUID) -> str:
    return f"orders:{order_id}"


def list_channel(principal: Principal) -> str:
    """The channel that covers the list of orders that this person sees."""
    return ORDERS_CHANNEL if principal.is_staff else personal_channel(principal.user_id)


def actor_of(principal: Principal) -> Actor:
    return Actor(id=principal.user_id, name=principal.name)


async def record_order(
    session: AsyncSession,
    order: OrderRead,
    *,
    event_type: OrderEventType,
    actor: Actor,
    changed: Mapping[str, tuple[Any, Any]],
) -> None:
    """The order's row must be locked and flushed, as for all that is recorded here."""
    await _record(session, PLAIN_EVENTS[event_type].of(order, actor, changed=dict(changed)))


async def record_comment(
    session: AsyncSession, order: OrderRead, *, comment: CommentRead, actor: Actor
) -> None:
    await _record(session, OrderCommented.of(order, actor, comment=comment))


async def record_shared(
    session: AsyncSession, order: OrderRead, *, collaborator: PersonRead, actor: Actor
) -> None:
    await _record(session, OrderShared.of(order, actor, collaborator=collaborator))


async def record_unshared(
    session: AsyncSession, order: OrderRead, *, collaborator: PersonRead, actor: Actor
) -> None:
    """`order` is without the collaborator, who is told apart, in an event of its own.

    The change of rights comes first: their subscription to the order ends before this event.
    """
    await record_control(session, user_id=collaborator.id)
    unshared = OrderUnshared.of(order, actor, collaborator=collaborator)
    await _record(session, unshared)
    withdrawn = OrderWithdrawn(
        at=unshared.at,
        actor=actor,
        version=unshared.version,
        collaborator=collaborator,
        order=OrderReference(id=order.id, version=order.version),
    )
    channels = [personal_channel(collaborator.id)]
    await record(session, withdrawn, entity=NOTICE, entity_id=withdrawn.id, channels=channels)


async def record_end_of_channel(session: AsyncSession, order_id: UUID) -> None:
    """Subscriptions to a deleted order end; after its last event, in event order."""
    await record_control(session, channel=order_channel(order_id))


async def _record(session: AsyncSession, event: OrderEvent) -> None:
    order = event.order
    people = (personal_channel(person.id) for person in (order.owner, *order.collaborators))
    channels = [ORDERS_CHANNEL, order_channel(order.id), *people]
    await record(session, event, entity=ENTITY, entity_id=order.id, channels=channels)
