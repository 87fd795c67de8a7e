"""Workers with presence and counts, on the Valkey of all tests or on one that may be frozen."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from app.embedded import Services, Valkey
from tests.realtime.presences import Cluster, clustered, quick_settings


@pytest.fixture
async def cluster(services: Services) -> AsyncIterator[Cluster]:
    async with clustered(quick_settings(services.redis_url), uuid4().hex) as cluster:
        yield cluster


@pytest.fixture
async def own_cluster(valkey: Valkey) -> AsyncIterator[Cluster]:
    async with clustered(quick_settings(valkey.url), uuid4().hex) as cluster:
        yield cluster
