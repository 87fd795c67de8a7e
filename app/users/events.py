"""What the rest of the world is told about users: their events, and changes of their rights."""

from collections.abc import Mapping
from typing import Any, Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.realtime.channels import personal_channel
from app.realtime.outbox import Actor, Event, record, record_control
from app.users.models import User
from app.users.schemas import UserRead

ENTITY = "user"
USERS_CHANNEL = "users"
RIGHTS_CHANGED = "users.rights_changed"

UserEventType = Literal["user.created", "user.updated", "user.deactivated"]


class UserEvent(Event):
    """An account has changed: what changed, and the account as it is from this version on."""

    type: UserEventType
    user: UserRead


async def record_user(
    session: AsyncSession,
    user: User,
    *,
    event_type: UserEventType,
    actor: Actor | None,
    changed: Mapping[str, tuple[Any, Any]],
) -> None:
    """The user's row must be locked and flushed. Its `updated_at` is the event's `at`."""
    event = UserEvent(
        type=event_type,
        at=user.updated_at,
        actor=actor,
        version=user.version,
        changed=dict(changed),
        user=UserRead.model_validate(user),
    )
    channels = [USERS_CHANNEL, personal_channel(user.id)]
    await record(session, event, entity=ENTITY, entity_id=user.id, channels=channels)


async def record_rights_change(session: AsyncSession, *, user_id: UUID) -> None:
    """Every worker looks again at what this user may do; this one as soon as it is committed."""
    await record_control(session, user_id=user_id)
    session.info.setdefault(RIGHTS_CHANGED, set()).add(user_id)
