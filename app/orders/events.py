"""What is told of orders: channels, who may listen to them, and the events themselves."""

from collections.abc import Mapping
from typing import Any, Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.principals import Principal
from app.orders.schemas import OrderRead
from app.realtime.channels import personal_channel
from app.realtime.outbox import Actor, Event, record, record_control

ENTITY = "order"
ORDERS_CHANNEL = "orders"

OrderEventType = Literal["order.created", "order.updated", "order.deleted"]


class OrderEvent(Event):
    """An order has changed: what changed, and the order as it is from this version on."""

    subject = "order"

    type: OrderEventType
    order: OrderRead


def order_channel(order_id: UUID) -> str:
    return f"orders:{order_id}"


def list_channel(principal: Principal) -> str:
    """The channel that covers the list of orders that this person sees."""
    return ORDERS_CHANNEL if principal.is_staff else personal_channel(principal.user_id)


async def record_order(
    session: AsyncSession,
    order: OrderRead,
    *,
    event_type: OrderEventType,
    actor: Actor,
    changed: Mapping[str, tuple[Any, Any]],
) -> None:
    """The order's row must be locked and flushed. Its `updated_at` is the event's `at`."""
    event = OrderEvent(
        type=event_type,
        at=order.updated_at,
        actor=actor,
        version=order.version,
        changed=dict(changed),
        order=order,
    )
    people = (personal_channel(person.id) for person in (order.owner, *order.collaborators))
    channels = [ORDERS_CHANNEL, order_channel(order.id), *people]
    await record(session, event, entity=ENTITY, entity_id=order.id, channels=channels)


async def record_end_of_channel(session: AsyncSession, order_id: UUID) -> None:
    """Subscriptions to a deleted order end; after its last event, in event order."""
    await record_control(session, channel=order_channel(order_id))
