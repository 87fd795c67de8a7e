"""Re-checks live connections when rights change.

Every worker follows `$control` like any other channel, so a change of rights arrives with the
same guarantees as an order's event. On one, the cached principal is dropped and the cursors
concerned are suspended at once; what is still allowed is resumed, the rest is ended.

At once is when this worker learns of it: `$control` first where a repair reads several channels,
in the order of the events where Redis brings them. What was sent before is out, and a right
lasts as long as a `$control` message that Redis lost is not found by a look or a repair.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from uuid import UUID

from pydantic import ValidationError

from app.auth.principals import Principal, Principals, Role
from app.core.logging import connection_id
from app.core.outages import Outage
from app.core.unavailable import POSTGRES_FAILURES, is_unavailable
from app.realtime.channels import Channels
from app.realtime.commands.admission import Admission
from app.realtime.fanout.connection import Connection, Identity
from app.realtime.fanout.manager import ConnectionManager
from app.realtime.fanout.slices import Slices
from app.realtime.fanout.subscription import Subscription
from app.realtime.log.channel_log import ChannelLog
from app.realtime.outbox import CONTROL_CHANNEL, ControlEvent
from app.realtime.wire.codes import CloseCode, CommandError, UnsubscribeCode

logger = logging.getLogger(__name__)

RETRY_SECONDS = 0.2


class Verdicts:
    """Who may follow what, asked once for all the connections that one change concerns.

    `authorize` raises CommandError for what is not allowed; any other error is not kept.
    """

    def __init__(self, authorize: Callable[[Principal, str], Awaitable[object]]) -> None:
        self._authorize = authorize
        self._known: dict[tuple[UUID, Role, str], bool] = {}

    async def allows(self, principal: Principal, channel: str) -> bool:
        key = (principal.user_id, principal.role, channel)
        if key not in self._known:
            try:
                await self._authorize(principal, channel)
            except CommandError:
                self._known[key] = False
            else:
                self._known[key] = True
        return self._known[key]


class AccessGuard:
    """Follows `$control` for one worker."""

    def __init__(
        self, manager: ConnectionManager, channels: Channels, principals: Principals
    ) -> None:
        self._manager = manager
        self._channels = channels
        self._verdicts = Verdicts(channels.authorize)  # since the last change
        self._principals = principals
        self._cursor = 0
        self._log: ChannelLog | None = None
        self._beginning = Slices(self._begin_check)
        self._checks: dict[Connection, asyncio.Task[None]] = {}
        self._again: set[Connection] = set()
        self._ending: set[Subscription] = set()  # to be ended after its channel's last event
        self._unsure: set[ChannelLog] = set()  # which is not known yet to be the last
        self._ended = asyncio.Event()
        self._admission = Admission()
        self._link = Outage(logger, "control channel is away", "control channel is back")
        self._rechecks = Outage(logger, "recheck failed", "rechecks work again")

    async def start(self) -> None:
        """Follow `$control`; to be done before the first client. Raises one of POSTGRES_FAILURES.

        Requests may have been served before: whom they made known is looked up again.
        """
        self._manager.watch(CONTROL_CHANNEL, self._on_control)
        await self._follow()
        self.check_everyone()

    async def run(self) -> None:
        """Follow it again whenever the log was renewed; end the channels that have ended."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(RETRY_SECONDS):
                    await self._ended.wait()
            self._ended.clear()
            try:
                await self._keep_up()
            except POSTGRES_FAILURES as error:
                self._link.begin(error)
            else:
                self._link.end()

    async def _keep_up(self) -> None:
        """Raises one of POSTGRES_FAILURES; what is not done by then is done the next time."""
        if self._log is None or not self._manager.follower.is_current(self._log):
            await self._follow()
            self.check_everyone()
        await self._look_for_last()
        self._end_channels()

    async def aclose(self) -> None:
        self._beginning.cancel()
        checks = list(self._checks.values())
        for check in checks:
            check.cancel()
        await asyncio.gather(*checks, return_exceptions=True)

    def check_everyone(self) -> None:
        """After a gap: whatever changed, nobody keeps a right that was not looked up again."""
        self._principals.forget_everyone()
        self._verdicts = Verdicts(self._channels.authorize)
        for connection in self._manager.connections:
            self._suspend(connection, connection.subscriptions.values())
        self._beginning.add(self._manager.connections)

    async def _follow(self) -> None:
        self._log = await self._manager.follower.acquire(CONTROL_CHANNEL)
        self._cursor = self._log.head

    def _on_control(self, log: ChannelLog) -> None:
        current = log is self._log and self._manager.follower.is_current(log)
        if not current or not log.holds(self._cursor):  # it may just have been lost
            self._log = None
            self.check_everyone()
            return
        for entry in log.since(self._cursor):
            self._apply(entry.payload)
        self._cursor = log.head

    def _apply(self, payload: bytes) -> None:
        try:
            event = ControlEvent.model_validate_json(payload)
        except ValidationError:
            logger.exception("unreadable control event")
            self.check_everyone()
            return
        self._verdicts = Verdicts(self._channels.authorize)
        if event.user_id is not None:
            self._principals.forget(event.user_id)
            self._recheck_all(self._manager.of_user(event.user_id))
        if event.channel is not None:
            self._channels.note_end(event.channel)
            audience = self._manager.audience(event.channel)
            self._ending.update(audience)
            self._unsure.update(one.log for one in audience)
            self._ended.set()

    async def _look_for_last(self) -> None:
        """The message of a channel's last event may be lost, and no look have found it yet.
        Raises one of POSTGRES_FAILURES.
        """
        unsure, check = set(self._unsure), self._manager.follower.check
        await asyncio.gather(*(check(log, reason="repair") for log in unsure))
        self._unsure -= unsure

    def _end_channels(self) -> None:
        """Look at everybody there again, once they have its last event, however slow they are.
        Nothing comes after it, so nobody is given more by being looked at later.
        """
        self._ending = {one for one in self._ending if one.is_live}
        for one in list(self._ending):
            one.connection.pump()
            if one.log not in self._unsure and one.cursor >= one.log.target:
                self._ending.discard(one)
                self._recheck(one.connection, (one,))

    def _recheck_all(self, connections: Iterable[Connection]) -> None:
        for connection in connections:
            connection.pump()  # what came before the change
            self._recheck(connection, connection.subscriptions.values())

    def _recheck(self, connection: Connection, subscriptions: Iterable[Subscription]) -> None:
        self._suspend(connection, subscriptions)
        self._beginning.add([connection])

    def _suspend(self, connection: Connection, subscriptions: Iterable[Subscription]) -> None:
        """Nothing more is sent on these until the check is done, which is of all such; what is
        under way already does not count.
        """
        for subscription in subscriptions:
            subscription.suspended = True
        if connection in self._checks:
            self._again.add(connection)

    def _begin_check(self, connection: Connection) -> None:
        """One that is under way is made again anyhow."""
        if connection not in self._checks and not connection.closed:
            self._checks[connection] = asyncio.create_task(
                self._check(connection), name=f"recheck {connection.id}"
            )

    async def _check(self, connection: Connection) -> None:
        """Until an answer is there: its cursors stay suspended for so long."""
        connection_id.set(connection.id)
        try:
            while not connection.closed and connection.identity is not None:
                self._again.discard(connection)
                if not await self._check_safely(connection):
                    await asyncio.sleep(RETRY_SECONDS)
                elif connection not in self._again:
                    self._resume(connection)
                    return
        finally:  # here and not when the task is done: a change between would be overlooked
            self._checks.pop(connection, None)
            self._again.discard(connection)
            if not self._checks:  # while there are others, they may still ask in vain
                self._rechecks.end()

    async def _check_safely(self, connection: Connection) -> bool:
        """Whether it could be checked."""
        try:
            async with self._admission.visit():
                await self._check_once(connection)
        except Exception as error:
            if is_unavailable(error):
                self._rechecks.begin(error)
            else:
                logger.exception("recheck failed")
            return False
        return True

    async def _check_once(self, connection: Connection) -> None:
        """Close, end or leave suspended; the caller resumes what is left.

        A subscription that came meanwhile is not suspended: it was authorized after the change.
        """
        identity, verdicts = connection.identity, self._verdicts
        if identity is None:
            return
        old = identity.principal
        principal = await self._principals.get(old.user_id, old.session_id)
        if connection.identity is not identity:  # refreshed meanwhile, maybe in another session
            self._again.add(connection)
            return
        if principal is None:
            connection.close(CloseCode.FORCED)
            return
        connection.identity = Identity(principal, identity.expires_at)
        subscriptions = connection.subscriptions.values()
        suspended = [one for one in subscriptions if one.suspended and not one.server_side]
        asked = (verdicts.allows(principal, one.channel) for one in suspended)
        answers = await asyncio.gather(*asked, return_exceptions=True)
        for subscription, allowed in zip(suspended, answers, strict=True):
            if allowed is False and subscription.is_live:  # another may have its place
                self._manager.end(connection, subscription.channel, UnsubscribeCode.SERVER)
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer

    def _resume(self, connection: Connection) -> None:
        for subscription in list(connection.subscriptions.values()):
            self._manager.resume(subscription)
        connection.pump()
