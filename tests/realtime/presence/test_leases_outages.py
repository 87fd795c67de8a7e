"""Leases while Redis does not answer: what is kept of it, and what is written afterwards."""

from typing import Any

import pytest

from app.core.unavailable import REDIS_FAILURES
from app.embedded import Services
from app.realtime.presence.lease_store import LeaseStore
from app.realtime.presence.leases import ENTRIES, Leases
from tests.realtime.lease_steps import GROUP, Hall, hall, present, step
from tests.realtime.presences import info_of
from tests.waiting import until


@pytest.fixture
def redis_url(services: Services) -> str:
    return services.redis_url


class FailingStore(LeaseStore):
    """Answers nothing while it is `away`."""

    away = False

    async def _call(self, script: Any, prefix: str, *args: str | int | bytes) -> Any:
        if self.away:
            raise ConnectionError("away")
        return await super()._call(script, prefix, *args)


def failing_worker(here: Hall) -> tuple[Leases, FailingStore]:
    leases, settings = here.worker(), here.settings
    broker = here.workers[-1].broker
    store = FailingStore(broker.redis, settings.lease_seconds, settings.redis_timeout_seconds)
    leases.store = store
    return leases, store


async def fail(leases: Leases) -> None:
    """A turn in which the lease is to be renewed, in vain."""
    leases._renew_at = 0
    with pytest.raises(REDIS_FAILURES) as failed:
        await step(leases)
    leases.fail(failed.value)


async def test_those_who_come_and_go_while_redis_is_away_leave_nothing_behind(
    redis_url: str,
) -> None:
    async with hall(redis_url, lease_seconds=60) as here:
        one, store = failing_worker(here)
        for client in ("leaves", "stays"):
            one.entries.put(GROUP, client, info_of(client))
        await step(one)
        store.away = True
        one.entries.drop(GROUP, "leaves")
        one.entries.put(GROUP, "comes", info_of("comes"))
        for turn in range(5):
            for number in range(1000):
                client = f"{turn}-{number}"
                one.entries.put(GROUP, client, info_of(client))
                one.entries.drop(GROUP, client)
            await fail(one)
            assert one.entries.unwritten <= ENTRIES + one.entries.held
        store.away = False
        for _ in range(2):
            await step(one)
        assert await present(one) == {"stays", "comes"}
        await until(lambda: here.left == ["leaves"])
        assert here.joined == ["leaves", "stays", "comes"]
        assert len([key for key in await here.keys() if key.startswith("entries:")]) == 1


async def test_after_one_renewal_that_failed_only_what_changed_is_written(redis_url: str) -> None:
    async with hall(redis_url, lease_seconds=60) as here:
        one, store = failing_worker(here)
        for number in range(2 * ENTRIES):
            one.entries.put(GROUP, f"c{number}", info_of("c"))
        await step(one)
        lease = one.lease
        store.away = True
        for number in range(2 * ENTRIES):
            one.entries.drop(GROUP, f"c{number}")
            one.entries.put(GROUP, f"c{number}", info_of("c"))
        await fail(one)
        store.away = False
        assert one.entries.unwritten == 2 * ENTRIES
        await step(one)
        assert one.lease == lease
        assert one.entries.unwritten == 0
