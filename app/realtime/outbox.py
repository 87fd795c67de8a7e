"""The outbox: an event is stored in the transaction of the change that it tells of.

`record` must be called after the entity's row was locked (SELECT … FOR UPDATE, or inserted) and
its change flushed: the row's lock is what makes the ids of an entity's events rise with their
versions. Nobody publishes from here; the relay does, after the commit.
"""

from collections.abc import Sequence
from typing import Any, ClassVar
from uuid import UUID

from pydantic import ConfigDict, Field
from pydantic_core import to_json
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.database import execute_directly
from app.core.ids import new_id
from app.core.schemas import ReadModel, Time

CONTROL_CHANNEL = "$control"
RECORDED = "tandem.recorded"
"""In a session's `info`: something was recorded in it, and is to be relayed."""
RECORDING = "tandem.recording"
"""In a session's `info`: False if nothing is recorded in it; see `create_app`."""

# Every write waits for this, so it goes to the driver as it is. The transaction has a number before
# the event has an id: `log.low_water` goes by that.
INSERT = """
    WITH event AS (
        INSERT INTO events (event_id, type, entity, entity_id, version, actor_id,
                            channels, changed, payload, created_at)
        SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10 WHERE pg_current_xact_id() IS NOT NULL
        RETURNING id)
    INSERT INTO pending (event) SELECT id FROM event
"""


class Actor(ReadModel):
    """Who made a change."""

    id: UUID
    name: str


class Event(ReadModel):
    """The envelope of every event; features add their own field at the end.

    `changed` maps a field to [old, new]. `at` is the database's clock when it was recorded.
    """

    subject: ClassVar[str | None] = None
    """A ReadModel among the fields, to stand last: its JSON may have been made already."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)

    type: str
    id: UUID = Field(default_factory=new_id)
    at: Time = Field(description="The database's clock when it was recorded")
    actor: Actor | None = Field(description="Who made the change; null: nobody in particular")
    version: int = Field(description="Raised by one with each event of the entity")
    changed: dict[str, tuple[Any, Any]] = Field(
        default_factory=dict, description="Field to [old, new]; an order's line is `items/<sku>`"
    )

    def encode(self) -> str:
        if self.subject is None:
            return self.model_dump_json()
        envelope = self.model_dump_json(exclude={self.subject}).removesuffix("}")
        return f'{envelope},"{self.subject}":{getattr(self, self.subject).encoded}}}'


async def record(
    session: AsyncSession, event: Event, *, entity: str, entity_id: UUID, channels: Sequence[str]
) -> None:
    """Store the event; its JSON is made here, once for everybody and for ever."""
    if not session.info.get(RECORDING, True):
        return
    row = (
        event.id,
        event.type,
        entity,
        entity_id,
        event.version,
        event.actor.id if event.actor else None,
        list(dict.fromkeys(channels)),
        to_json(event.changed).decode(),
        event.encode(),
        event.at,
    )
    await execute_directly(session, INSERT, *row)
    session.info[RECORDED] = True


class ControlEvent(Event):
    """A change of rights, for the workers: of one person, or of everyone in one channel."""

    type: str = "control"
    actor: Actor | None = None
    version: int = 0
    user_id: UUID | None = None
    channel: str | None = None


async def record_control(
    session: AsyncSession, *, user_id: UUID | None = None, channel: str | None = None
) -> None:
    """Tell every worker, in event order with the rest, to look again at these rights."""
    at = (await session.execute(select(func.clock_timestamp()))).scalar_one()
    event = ControlEvent(at=at, user_id=user_id, channel=channel)
    await record(
        session,
        event,
        entity="control",
        entity_id=user_id or event.id,
        channels=[CONTROL_CHANNEL],
    )
